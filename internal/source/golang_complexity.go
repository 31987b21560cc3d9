package source

import (
	"go/ast"
	"go/token"

	"keepgreen/internal/ci"
)

// goWeigher measures one Go function as gocyclo and SonarSource's paper do: a
// function literal counts for the function it stands in, one level deeper.
type goWeigher struct {
	def       *ci.Definition
	name      string
	recursive bool
	control   map[ast.Node]bool // conditions whose operators are counted
}

// block weighs what stands at a level of nesting.
func (w *goWeigher) block(n ast.Node, nest, depth int) {
	w.def.Nesting = max(w.def.Nesting, depth)
	ast.Inspect(n, func(x ast.Node) bool {
		if x == n {
			return true
		}
		switch x := x.(type) {
		case *ast.IfStmt:
			w.conditional(x, nest, depth, false)
			return false
		case *ast.ForStmt, *ast.RangeStmt:
			w.def.Complexity++
			w.def.Cognitive += 1 + nest
			w.block(x, nest+1, depth+1)
			return false
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			w.def.Cognitive += 1 + nest
			w.block(x, nest+1, depth+1)
			return false
		case *ast.FuncLit:
			w.block(x, nest+1, depth)
			return false
		default:
			w.flat(x)
		}
		return true
	})
}

// conditional weighs an if and its else, which is no deeper than it.
func (w *goWeigher) conditional(s *ast.IfStmt, nest, depth int, chained bool) {
	w.def.Complexity++
	w.def.Cognitive++
	if !chained {
		w.def.Cognitive += nest
	}
	if s.Init != nil {
		w.block(wrap{s.Init}.node(), nest, depth)
	}
	w.block(&ast.ParenExpr{X: s.Cond}, nest, depth)
	w.block(s.Body, nest+1, depth+1)
	switch other := s.Else.(type) {
	case *ast.IfStmt:
		w.conditional(other, nest, depth, true)
	case *ast.BlockStmt:
		w.def.Cognitive++
		w.block(other, nest+1, depth+1)
	}
}

// wrap makes a statement the only one of a block, so that it is looked at too.
type wrap struct{ stmt ast.Stmt }

func (w wrap) node() ast.Node { return &ast.BlockStmt{List: []ast.Stmt{w.stmt}} }

// flat weighs what does not nest.
func (w *goWeigher) flat(n ast.Node) {
	switch n := n.(type) {
	case *ast.CaseClause:
		if n.List != nil {
			w.def.Complexity++
		}
	case *ast.CommClause:
		if n.Comm != nil {
			w.def.Complexity++
		}
	case *ast.BranchStmt:
		if n.Label != nil {
			w.def.Cognitive++
		}
	case *ast.BinaryExpr:
		w.operators(n)
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && id.Name == w.name && w.def.Kind == ci.DefFunction && !w.recursive {
			w.recursive = true
			w.def.Cognitive++
		}
	}
}

// operators counts "&&" and "||", and each run of like ones.
func (w *goWeigher) operators(n *ast.BinaryExpr) {
	if n.Op != token.LAND && n.Op != token.LOR {
		return
	}
	w.def.Complexity++
	if w.control[n] {
		return
	}
	last := token.ILLEGAL
	var run func(e ast.Expr)
	run = func(e ast.Expr) {
		switch e := e.(type) {
		case *ast.ParenExpr:
			run(e.X)
		case *ast.BinaryExpr:
			if e.Op != token.LAND && e.Op != token.LOR {
				return
			}
			w.control[e] = true
			run(e.X)
			if e.Op != last {
				w.def.Cognitive++
			}
			last = e.Op
			run(e.Y)
		}
	}
	run(n)
}
