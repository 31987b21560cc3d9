package render

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

//go:embed page/arch.html
var archHTML string

//go:embed page/arch.css
var archCSS string

//go:embed page/arch.js
var archJS string

var archPage = template.Must(template.New("arch").Funcs(template.FuncMap{"v": Visible, "id": breakable, "plural": plural}).Parse(archHTML))

// ArchHTML writes the map of the code as one page that needs nothing else and
// says the same with scripts turned off; they only add zooming and tracing.
func ArchHTML(w io.Writer, v ArchView) error {
	style := pageCSS + archCSS
	edges, external := v.counts()
	doc := archPageDoc{
		CSP: "default-src 'none'; style-src " + digest(style) + "; script-src " + digest(archJS) +
			"; base-uri 'none'; form-action 'none'",
		Style: template.CSS(style), Script: template.JS(archJS), //nolint:gosec // our own embedded files
		Repo: v.Repo, Version: v.Version, When: v.Now.UTC().Format("2006-01-02 15:04 UTC"), Score: scoreWords(v.Score), Class: gradeClass(v.Score.Known, v.Score.Value),
		Facts: fmt.Sprintf("%s, %s between them, %s", plural(v.own(), "module"), plural(edges, "import"), plural(external, "external module")),
	}
	for _, p := range v.Score.Parts {
		doc.Parts = append(doc.Parts, archPartRow{p.Name, p.Doc, fmt.Sprintf("%.1f %%", 100*p.Raw), fmt.Sprintf("−%.2f", p.Cost), 100 * p.Cost / p.Weight})
	}
	for _, t := range v.circular()[:min(len(v.circular()), 20)] {
		row := archTangleRow{Words: fmt.Sprintf("%s, circular %s", plural(len(t.Modules), "module"), kindWords(t.Kind)), Cuts: cutsWords(t)}
		for _, c := range t.Cycles[:min(len(t.Cycles), 20)] {
			row.Cycles = append(row.Cycles, v.round(c))
		}
		for _, c := range t.Cuts[:min(len(t.Cuts), 50)] {
			row.Lines = append(row.Lines, fmt.Sprintf("%s no longer imports %s%s – %s", v.label(c.From), v.label(c.To), namesWords(c), v.places(c)))
		}
		doc.Tangles = append(doc.Tangles, row)
	}
	if v.Delta != nil {
		doc.Change = v.changeRows()
	}
	for _, r := range v.Contracts {
		row := archContractRow{Name: r.Contract.Name, Class: "good", Word: "kept"}
		if !r.Kept {
			row.Class, row.Word = "bad", "broken"
		}
		if r.Problem != "" {
			row.Word, row.Lines = "cannot be checked", []string{r.Problem}
		}
		for _, b := range v.breaches(r.Contract)[:min(r.Broken, 20)] {
			row.Lines = append(row.Lines, b.Text+" – "+v.place(b))
		}
		doc.Contracts = append(doc.Contracts, row)
	}
	for _, f := range v.Findings[:min(len(v.Findings), 30)] {
		row := archFoundRow{Module: v.label(f.Module), Words: findingsWords(f), Reach: v.Metrics[f.Module].Reach}
		for _, d := range f.Findings[:min(len(f.Findings), 20)] {
			row.Lines = append(row.Lines, fmt.Sprintf("%s %s: %s", d.Pos, d.Rule, cut(Visible(d.Message), 300)))
		}
		doc.Found = append(doc.Found, row)
	}
	doc.Heat = "complexity"
	if v.History.Known {
		doc.Heat = "complexity × commits"
	}
	for _, a := range v.Advice[:min(len(v.Advice), 30)] {
		doc.Advice = append(doc.Advice, archAdviceRow{a.Text, a.Pos.String(), a.Effort})
	}
	for _, h := range v.Hotspots[:min(len(v.Hotspots), 30)] {
		row := archHotRow{h.File, h.Function.Name, h.Function.Complexity, h.Function.Cognitive, h.Total, "", ""}
		if v.History.Known {
			row.Commits, row.Authors = fmt.Sprint(h.Churn.Commits), fmt.Sprint(h.Churn.Authors)
		}
		doc.Hot = append(doc.Hot, row)
	}
	doc.Circles = v.hotspotMap()
	groups := v.moduleGroups()
	doc.Matrix = matrixOf(groups)
	doc.Graph = graphOf(groups)
	return archPage.Execute(w, doc)
}

func gradeClass(known bool, score float64) string {
	switch {
	case !known:
		return "none"
	case score >= 7.5:
		return "good"
	case score >= 5:
		return "warn"
	}
	return "bad"
}

// archPageDoc is what the template is given.
type archPageDoc struct {
	CSP                                      string
	Style                                    template.CSS
	Script                                   template.JS
	Repo, Version, When, Score, Class, Facts string
	Heat                                     string
	Change                                   *archPart
	Contracts                                []archContractRow
	Found                                    []archFoundRow
	Parts                                    []archPartRow
	Tangles                                  []archTangleRow
	Advice                                   []archAdviceRow
	Hot                                      []archHotRow
	Circles                                  []*circle
	Matrix                                   matrixPart
	Graph                                    graphPart
}

type archPartRow struct {
	Name, Doc, Value, Cost string
	Share                  float64
}

type archTangleRow struct {
	Words, Cuts   string
	Cycles, Lines []string
}

type archContractRow struct {
	Name, Class, Word string
	Lines             []string
}

type archFoundRow struct {
	Module, Words string
	Reach         int
	Lines         []string
}

type archAdviceRow struct{ Text, Place, Effort string }

type archHotRow struct {
	File, Function             string
	Complexity, Cognitive, All int
	Commits, Authors           string
}

// file is a module's circle.
func (v ArchView) file(i int, heat float64) *circle {
	m, x := v.Graph.Modules[i], v.Metrics[i]
	step := min(int(math.Ceil(math.Sqrt(heat)*4)), 4)
	return &circle{
		Name: m.Name, Class: fmt.Sprintf("h%d", max(step, 0)), R: math.Sqrt(float64(max(m.Code, 4))), heat: heat,
		Title: Visible(fmt.Sprintf("%s: %s of code, complexity %d, fan-in %d, fan-out %d, hotspot rank %.0f of 100", v.label(i), plural(m.Code, "line"), x.Complexity, x.FanIn, x.FanOut, 100*heat)),
	}
}

// moduleGroup is a row of the matrix and a node of the graph: a package, or a
// module where there are few.
type moduleGroup struct {
	name    string
	depth   int
	modules int
	to      map[int]int // group → imports
}

// maxGroups is how many rows a matrix can have and still be read.
const maxGroups = 60

// moduleGroups joins modules by the first parts of their names until there are few
// enough, and orders them so that what is imported comes first: imports that
// point the other way are what is circular.
func (v ArchView) moduleGroups() []moduleGroup {
	depth := 1
	names := v.grouped(depth)
	for depth < 8 {
		finer := v.grouped(depth + 1)
		if countNames(finer) > maxGroups {
			break
		}
		depth, names = depth+1, finer
	}
	at := map[string]int{}
	var list []moduleGroup
	for i, name := range names {
		if name == "" {
			continue
		}
		if _, known := at[name]; !known {
			at[name] = len(list)
			list = append(list, moduleGroup{name: name, to: map[int]int{}})
		}
		g := &list[at[name]]
		g.modules++
		g.depth += v.Metrics[i].Depth
	}
	for _, e := range v.Graph.Imports {
		if e.To >= len(names) || names[e.From] == "" || names[e.To] == "" || names[e.From] == names[e.To] || !e.Kind.AtLoad() {
			continue
		}
		list[at[names[e.From]]].to[at[names[e.To]]]++
	}
	return ordered(list)
}

func countNames(names []string) int {
	seen := map[string]bool{}
	for _, n := range names {
		seen[n] = true
	}
	return len(seen)
}

// grouped is each module's name cut to so many parts; tests are in no group.
func (v ArchView) grouped(parts int) []string {
	names := make([]string, len(v.Metrics))
	for i := range names {
		if m := v.Graph.Modules[i]; !m.Test {
			sep := "."
			if strings.Contains(m.Name, "/") {
				sep = "/"
			}
			cutAt := strings.SplitN(m.Name, sep, parts+1)
			names[i] = strings.Join(cutAt[:min(parts, len(cutAt))], sep)
		}
	}
	return names
}

// ordered sorts groups by how deep their modules stand on average; the deeper
// a group, the more it rests on others.
func ordered(list []moduleGroup) []moduleGroup {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	mean := func(i int) float64 { return float64(list[i].depth) / float64(list[i].modules) }
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(mean(a), mean(b)), cmp.Compare(list[a].name, list[b].name))
	})
	order = order[:min(len(order), maxGroups)]
	place := map[int]int{}
	for to, from := range order {
		place[from] = to
	}
	out := make([]moduleGroup, len(order))
	for to, from := range order {
		g := list[from]
		moved := map[int]int{}
		for other, n := range g.to {
			if p, ok := place[other]; ok {
				moved[p] = n
			}
		}
		g.to = moved
		out[to] = g
	}
	return out
}

type matrixPart struct {
	Names []matrixName
	Cells []matrixCell
	Lines []int

	Wide, High int
}

type matrixName struct {
	Name string
	Y    int
}

type matrixCell struct {
	X, Y         int
	Class, Title string
}

const cell = 14

// matrixOf is the dependency structure matrix: a row imports its columns. What
// stands right of the diagonal points upwards.
func matrixOf(groups []moduleGroup) matrixPart {
	m := matrixPart{Wide: cell*len(groups) + 240, High: cell*len(groups) + 10}
	for i, g := range groups {
		m.Names = append(m.Names, matrixName{g.name, cell*i + 11})
		m.Lines = append(m.Lines, cell*i)
		for j := range groups {
			n := g.to[j]
			if n == 0 {
				continue
			}
			class := "d1"
			switch {
			case j > i && groups[j].to[i] > 0:
				class = "up"
			case n >= 20:
				class = "d3"
			case n >= 5:
				class = "d2"
			}
			m.Cells = append(m.Cells, matrixCell{cell * j, cell * i, class, fmt.Sprintf("%s imports %s: %d", Visible(g.name), Visible(groups[j].name), n)})
		}
	}
	return m
}

type graphPart struct {
	Nodes         []graphNode
	Arcs          []graphArc
	Width, Height int
}

type graphNode struct {
	Index      int
	Name       string
	Title      string
	X, Y, Wide int
}

type graphArc struct {
	From, To int
	Path     string
	Class    string
}

// graphOf draws groups in rows, those that import below which are imported.
func graphOf(groups []moduleGroup) graphPart {
	const perRow, rowHeight, column = 8, 84, 150
	var g graphPart
	for i, group := range groups {
		row, col := i/perRow, i%perRow
		name := cutLeft(Visible(group.name), 18)
		g.Nodes = append(g.Nodes, graphNode{i, name, fmt.Sprintf("%s: %s", Visible(group.name), plural(group.modules, "module")), 10 + col*column, 10 + row*rowHeight, 136})
	}
	for i, group := range groups {
		for _, j := range slices.Sorted(maps.Keys(group.to)) {
			a, b := g.Nodes[i], g.Nodes[j]
			class := "arc"
			if groups[j].to[i] > 0 {
				class = "arc both"
			}
			x1, y1, x2, y2 := a.X+68, a.Y+14, b.X+68, b.Y+14
			g.Arcs = append(g.Arcs, graphArc{i, j, fmt.Sprintf("M%d %dQ%d %d %d %d", x1, y1, (x1+x2)/2+(y2-y1)/6+20, (y1+y2)/2+20, x2, y2), class})
		}
	}
	rows := (len(groups) + perRow - 1) / perRow
	g.Width, g.Height = 10+perRow*column, 20+rows*rowHeight
	return g
}
