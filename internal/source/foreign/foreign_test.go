package foreign_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/source/foreign"
)

// lines is a graph in words.
func lines(g ci.Graph) (out []string) {
	for _, e := range g.Imports {
		to := g.Modules[e.To]
		name := to.Name
		if to.External {
			name = "(" + name + ")"
		}
		line := fmt.Sprintf("%s > %s %s", g.Modules[e.From].Name, name, e.Kind)
		if e.Line > 0 {
			line += fmt.Sprintf(" :%d", e.Line)
		}
		if len(e.Names) > 0 {
			line += " " + strings.Join(e.Names, ",")
		}
		out = append(out, line)
	}
	return out
}

// TestCaptures reads what the real tools say of the two projects in testdata.
func TestCaptures(t *testing.T) {
	for _, c := range []struct {
		file, root, tool string
		want             []string
	}{
		{"cruiser.json", "/repo/js", "dependency-cruiser", []string{
			"src/cart.ts > src/lib/money.ts runtime", "src/cart.ts > src/print.ts runtime",
			"src/index.ts > src/cart.ts runtime", "src/index.ts > src/lib/money.ts type_checking", "src/index.ts > src/print.ts lazy", "src/index.ts > (fs) runtime", "src/index.ts > (lodash) runtime",
			"src/print.ts > src/cart.ts runtime", "src/print.ts > src/lib/legacy.cjs runtime",
		}},
		{"madge.json", "/repo/js", "madge", []string{
			"cart.ts > lib/money.ts runtime", "cart.ts > print.ts runtime", "index.ts > cart.ts runtime", "index.ts > lib/money.ts runtime", "index.ts > print.ts runtime", "print.ts > cart.ts runtime",
		}},
		{"pydeps.json", "/repo/py", "pydeps", []string{"shop.cart > shop runtime", "shop.cart > shop.web runtime", "shop.web > shop runtime", "shop.web > shop.cart runtime"}},
		{"pydeps.json", "/elsewhere", "pydeps", nil},
		{"python.scip", "/repo/py", "scip", []string{
			"shop/cart.py > shop/web.py runtime :2", "shop/web.py > shop/__init__.py runtime :1", "shop/web.py > shop/cart.py runtime :1 C,f", "shop/web.py > (python-stdlib) runtime :3",
		}},
	} {
		t.Run(c.file+" in "+c.root, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", c.file))
			assert.NilError(t, err)
			g, tool, err := foreign.Read(data, c.root)
			assert.NilError(t, err)
			assert.Equal(t, tool, c.tool)
			assert.DeepEqual(t, lines(g), c.want)
		})
	}
}

// message writes a protobuf message of byte fields and, for negative numbers, varints.
func message(parts ...any) (out []byte) {
	for i := 0; i < len(parts); i += 2 {
		number := protowire.Number(parts[i].(int))
		switch v := parts[i+1].(type) {
		case int:
			out = protowire.AppendVarint(protowire.AppendTag(out, number, protowire.VarintType), uint64(v))
		case string:
			out = protowire.AppendString(protowire.AppendTag(out, number, protowire.BytesType), v)
		case []byte:
			out = protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), v)
		}
	}
	return out
}

// goIndex is an index of two Go packages, one of them of two files.
func goIndex() []byte {
	symbol := func(pkg, name string) string {
		return "scip-go gomod example.com/m v1 `example.com/m/" + pkg + "`/" + name + "()."
	}
	at := func(line byte, symbol string, role int) []byte {
		return message(1, []byte{line, 0, 5}, 2, symbol, 3, role)
	}
	return message(
		1, message(2, message(1, "scip-go")),
		2, message(1, "a/a.go", 4, "go", 2, at(0, symbol("a", "A"), 1), 2, at(7, symbol("b", "B"), 0), 2, at(4, symbol("b", "B"), 0), 2, at(1, "local 3", 1)),
		2, message(1, "a/more.go", 4, "go", 2, at(2, symbol("a", "A"), 0), 2, at(3, "scip-go gomod github.com/x/y v2 `github.com/x/y`/Z#", 0)),
		2, message(1, "b/b.go", 4, "go", 2, at(0, symbol("b", "B"), 1)),
		2, message(1, "b/b_test.go", 4, "go", 2, at(9, symbol("a", "A"), 0)),
	)
}

func TestSCIPOfGoGoesByPackage(t *testing.T) {
	g, _, err := foreign.Read(goIndex(), "/repo")
	assert.NilError(t, err)
	assert.DeepEqual(t, lines(g), []string{"a > b runtime :5 B", "a > (github.com/x/y) runtime :4", "b > a runtime :10 A"})
}

func TestWhatIsNoGraph(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"nothing", "", "no graph of SCIP, dependency-cruiser, madge or pydeps"},
		{"text", "hello", "no graph of SCIP"},
		{"another tool's JSON", `{"a": 1}`, "no graph of SCIP"},
		{"JSON that is cut off", `{"a.js": ["b.js"], "c.js"`, "the JSON of madge: unexpected end of JSON input"},
		{"a graph of nothing", `{"modules": [], "summary": {}}`, "the graph of dependency-cruiser names no module"},
		{"an index that is cut off", string(goIndex()[:60]), "not a SCIP index, or a damaged one"},
		{"an index of nothing", string(message(1, message(2, message(1, "x")))), "the graph of scip names no module"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := foreign.Read([]byte(c.data), "/repo")
			assert.ErrorContains(t, err, c.want)
		})
	}
}

// FuzzRead promises: no panic, and a graph whose edges lead from a module of ours
// to a module, in the order that ci.Graph promises.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"cruiser.json", "madge.json", "pydeps.json", "python.scip"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		assert.NilError(f, err)
		f.Add(data)
	}
	f.Add(goIndex())
	f.Fuzz(func(t *testing.T, data []byte) {
		g, _, err := foreign.Read(data, "/repo")
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, m := range g.Modules {
			if names[m.Name] || m.Name == "" {
				t.Fatalf("the name %q twice, or empty", m.Name)
			}
			names[m.Name] = true
		}
		for _, e := range g.Imports {
			if g.Modules[e.From].External || e.From == e.To {
				t.Fatalf("an edge from %v to %v", g.Modules[e.From], g.Modules[e.To])
			}
		}
		again, _, err := foreign.Read(data, "/repo")
		assert.NilError(t, err)
		if !slices.Equal(lines(g), lines(again)) || !bytes.Equal([]byte(fmt.Sprint(g.Modules)), []byte(fmt.Sprint(again.Modules))) {
			t.Fatal("read twice, two graphs")
		}
	})
}
