package render

import (
	"cmp"
	"io"

	"keepgreen/internal/ci"
)

type archDoc struct {
	Timestamp string             `json:"timestamp"`
	Version   string             `json:"version"`
	Score     *number            `json:"health_score"`
	Parts     []archPartDoc      `json:"score_parts"`
	Modules   []archModuleDoc    `json:"modules"`
	Imports   []archImportDoc    `json:"imports"`
	Circular  [][]string         `json:"circular_dependencies"`
	Tangles   []archTangleDoc    `json:"tangles"`
	Hotspots  []archHotspotDoc   `json:"complexity_hotspots"`
	Coupling  []archCouplingDoc  `json:"coupling"`
	Together  []archTogetherDoc  `json:"change_coupling"`
	Broken    []archViolationDoc `json:"violations"`
	Contracts []archContractDoc  `json:"contracts"`
	Findings  []archFindingsDoc  `json:"findings"`
	Elsewhere int                `json:"findings_elsewhere"`
	Advice    []archAdviceDoc    `json:"recommendations"`
	History   archHistoryDoc     `json:"history"`
	Delta     *archDeltaDoc      `json:"delta"`
	Failed    []string           `json:"failed"`
	Prose     *archProseDoc      `json:"prose"`
	AI        string             `json:"ai,omitempty"`
	Warnings  []string           `json:"warnings"`
}

type archPartDoc struct {
	Name   string `json:"name"`
	Doc    string `json:"what"`
	Raw    number `json:"value"`
	Limit  number `json:"limit"`
	Weight number `json:"weight"`
	Curve  number `json:"curve"`
	Cost   number `json:"cost"`
}

type archModuleDoc struct {
	Name         string `json:"name"`
	File         string `json:"file,omitempty"`
	External     bool   `json:"external,omitempty"`
	Standard     bool   `json:"standard_library,omitempty"`
	Test         bool   `json:"test,omitempty"`
	Broken       int    `json:"broken_at_line,omitempty"`
	Code         int    `json:"code_lines"`
	FanIn        int    `json:"fan_in"`
	FanOut       int    `json:"fan_out"`
	Dependencies int    `json:"dependencies"`
	Instability  number `json:"instability"`
	Abstractness number `json:"abstractness"`
	Distance     number `json:"distance"`
	Depth        int    `json:"depth"`
	Reach        int    `json:"reach"`
	Complexity   int    `json:"complexity"`
	Circular     bool   `json:"circular"`
}

type archImportDoc struct {
	From    string        `json:"from"`
	To      string        `json:"to"`
	Kind    ci.ImportKind `json:"kind"`
	File    string        `json:"file"`
	Line    int           `json:"line"`
	Names   []string      `json:"names"`
	Dynamic bool          `json:"dynamic,omitempty"`
}

type archTangleDoc struct {
	Modules []string      `json:"modules"`
	Kind    ci.ImportKind `json:"kind"`
	AtLoad  bool          `json:"at_load"`
	Imports int           `json:"imports"`
	Cycles  [][]string    `json:"shortest_cycles"`
	Cuts    []archCutDoc  `json:"cuts"`
	Weight  int           `json:"cut_weight"`
	AtLeast int           `json:"cut_weight_at_least"`
}

type archCutDoc struct {
	From   string          `json:"from"`
	To     string          `json:"to"`
	Weight int             `json:"weight"`
	Lines  []archImportDoc `json:"imports"`
}

type archHotspotDoc struct {
	File       string `json:"file"`
	Rank       number `json:"rank"`
	Complexity int    `json:"complexity"`
	Functions  int    `json:"functions"`
	Commits    *int   `json:"commits"`
	Added      *int   `json:"lines_added"`
	Deleted    *int   `json:"lines_deleted"`
	Authors    *int   `json:"authors"`
	Worst      struct {
		Name       string `json:"name"`
		Line       int    `json:"line"`
		Complexity int    `json:"complexity"`
		Cognitive  int    `json:"cognitive"`
		Lines      int    `json:"lines"`
		Nesting    int    `json:"nesting"`
		Params     int    `json:"params"`
	} `json:"function"`
}

type archCouplingDoc struct {
	Module      string `json:"module"`
	File        string `json:"file"`
	FanIn       int    `json:"fan_in"`
	FanOut      int    `json:"fan_out"`
	Instability number `json:"instability"`
	Reach       int    `json:"reach"`
	Hub         bool   `json:"hub"`
}

type archTogetherDoc struct {
	A        string `json:"a"`
	B        string `json:"b"`
	Together int    `json:"commits_together"`
	Degree   number `json:"degree"`
	Import   bool   `json:"import_between"`
}

type archViolationDoc struct {
	Rule  string   `json:"rule"`
	Kind  string   `json:"kind"`
	Chain []string `json:"chain"`
	File  string   `json:"file"`
	Line  int      `json:"line"`
	Text  string   `json:"text"`
}

type archContractDoc struct {
	Name     string   `json:"name"`
	Kind     string   `json:"type"`
	Kept     bool     `json:"kept"`
	Problem  string   `json:"problem,omitempty"`
	Warnings []string `json:"warnings"`
	Broken   int      `json:"broken_pairs"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
}

type archFindingsDoc struct {
	Module   string           `json:"module"`
	File     string           `json:"file"`
	Errors   int              `json:"errors"`
	Warnings int              `json:"warnings"`
	Notes    int              `json:"notes"`
	List     []archFindingDoc `json:"list"`
}

type archFindingDoc struct {
	Tool     string      `json:"tool"`
	Rule     string      `json:"rule"`
	Severity ci.Severity `json:"severity"`
	File     string      `json:"file"`
	Line     int         `json:"line"`
	Message  string      `json:"message"`
}

type archAdviceDoc struct {
	Rule     string `json:"rule"`
	Text     string `json:"text"`
	Effort   string `json:"effort"`
	Critical bool   `json:"critical"`
	File     string `json:"file"`
	Line     int    `json:"line"`
}

type archHistoryDoc struct {
	Known   bool   `json:"known"`
	Since   string `json:"since"`
	Commits int    `json:"commits"`
	Shallow bool   `json:"shallow"`
}

type archDeltaDoc struct {
	Before     *number         `json:"health_score_before"`
	After      *number         `json:"health_score_after"`
	NewCycles  [][]string      `json:"new_cycles"`
	GoneCycles [][]string      `json:"gone_cycles"`
	New        []archAdviceDoc `json:"new_recommendations"`
	Gone       int             `json:"gone_recommendations"`
	NewEdges   int             `json:"new_imports"`
	GoneEdges  int             `json:"gone_imports"`
}

func scoreOf(s ci.HealthScore) *number {
	if !s.Known {
		return nil
	}
	n := rounded(s.Value, 2)
	return &n
}

// ArchDocument writes architecture_analysis.json.
func ArchDocument(w io.Writer, v ArchView) error {
	doc := archDoc{
		Timestamp: v.Now.UTC().Format("2006-01-02T15:04:05Z"), Version: v.Version, Score: scoreOf(v.Score), Failed: list(v.Failed),
		History: v.historyDoc(), Coupling: v.couplingDocs(50), Contracts: v.contractDocs(), Delta: v.deltaDoc(),
		Findings: v.findingsDocs(), Elsewhere: v.Elsewhere, Prose: v.proseDoc(), AI: v.AI,
	}
	for _, p := range v.Score.Parts {
		doc.Parts = append(doc.Parts, archPartDoc{p.Name, p.Doc, rounded(p.Raw, 4), number(p.Limit), number(p.Weight), number(p.Curve), rounded(p.Cost, 3)})
	}
	for i, m := range v.Graph.Modules {
		row := archModuleDoc{Name: m.Name, File: m.File, External: m.External, Standard: m.Standard, Test: m.Test, Broken: m.Broken, Code: m.Code}
		if i < len(v.Metrics) {
			x := v.Metrics[i]
			row.FanIn, row.FanOut, row.Dependencies, row.Depth, row.Reach, row.Complexity, row.Circular = x.FanIn, x.FanOut, x.External, x.Depth, x.Reach, x.Complexity, x.Tangled
			row.Instability, row.Abstractness, row.Distance = rounded(x.Instability, 3), rounded(x.Abstractness, 3), rounded(x.Distance, 3)
		}
		doc.Modules = append(doc.Modules, row)
	}
	for _, e := range v.Graph.Imports {
		doc.Imports = append(doc.Imports, v.importDoc(e))
	}
	for _, t := range v.Tangles {
		row := v.tangleDoc(t)
		if t.Kind.AtLoad() {
			doc.Circular = append(doc.Circular, row.Cycles...)
		}
		doc.Tangles = append(doc.Tangles, row)
	}
	for _, h := range v.Hotspots {
		doc.Hotspots = append(doc.Hotspots, v.hotspotDoc(h))
	}
	for _, c := range v.Coupled {
		doc.Together = append(doc.Together, archTogetherDoc{c.A, c.B, c.Together, rounded(c.Degree, 3), c.Import})
	}
	for _, b := range v.Violations {
		doc.Broken = append(doc.Broken, archViolationDoc{b.Rule, b.Kind, v.names(b.Chain), cmp.Or(b.Edge.File, v.Graph.Modules[b.Edge.From].File), b.Edge.Line, b.Text})
	}
	doc.Advice = adviceDocs(v.Advice)
	for _, warning := range v.Graph.Warnings {
		doc.Warnings = append(doc.Warnings, warningWords(warning))
	}
	return encode(w, doc.filled())
}

// filled has no null where there is a list without entries.
func (d archDoc) filled() archDoc {
	d.Parts, d.Modules, d.Imports, d.Circular, d.Tangles = list(d.Parts), list(d.Modules), list(d.Imports), list(d.Circular), list(d.Tangles)
	d.Hotspots, d.Coupling, d.Together, d.Broken, d.Warnings = list(d.Hotspots), list(d.Coupling), list(d.Together), list(d.Broken), list(d.Warnings)
	d.Contracts = list(d.Contracts)
	return d
}

func (v ArchView) historyDoc() archHistoryDoc {
	return archHistoryDoc{v.History.Known, v.History.Since, v.History.Commits, v.History.Shallow}
}

func (v ArchView) couplingDocs(n int) (out []archCouplingDoc) {
	for _, m := range v.central(n) {
		out = append(out, archCouplingDoc{v.name(m.Module), v.Graph.Modules[m.Module].File, m.FanIn, m.FanOut, rounded(m.Instability, 3), m.Reach, m.Hub})
	}
	return out
}

func (v ArchView) contractDocs() (out []archContractDoc) {
	for _, r := range v.Contracts {
		c := r.Contract
		out = append(out, archContractDoc{c.Name, string(c.Kind), r.Kept, r.Problem, list(r.Warnings), r.Broken, c.Pos.File, c.Pos.Line})
	}
	return out
}

func (v ArchView) findingsDocs() []archFindingsDoc {
	out := make([]archFindingsDoc, len(v.Findings))
	for i, f := range v.Findings {
		out[i] = archFindingsDoc{Module: v.name(f.Module), File: v.Graph.Modules[f.Module].File, Errors: f.Errors, Warnings: f.Warnings, Notes: f.Notes}
		for _, d := range f.Findings {
			out[i].List = append(out[i].List, archFindingDoc{d.Tool, d.Rule, d.Severity, d.Pos.File, d.Pos.Line, d.Message})
		}
	}
	return out
}

func (v ArchView) deltaDoc() *archDeltaDoc {
	d := v.Delta
	if d == nil {
		return nil
	}
	return &archDeltaDoc{scoreOf(d.Before), scoreOf(d.After), list(d.NewCycles), list(d.GoneCycles), adviceDocs(d.NewAdvice), d.GoneAdvice, d.NewEdges, d.GoneEdges}
}

func (v ArchView) names(modules []int) []string {
	out := make([]string, len(modules))
	for i, m := range modules {
		out[i] = v.name(m)
	}
	return out
}

func (v ArchView) importDoc(e ci.ImportEdge) archImportDoc {
	return archImportDoc{v.name(e.From), v.name(e.To), e.Kind, cmp.Or(e.File, v.Graph.Modules[e.From].File), e.Line, list(e.Names), e.Dynamic}
}

func (v ArchView) tangleDoc(t ci.Tangle) archTangleDoc {
	row := archTangleDoc{Modules: v.names(t.Modules), Kind: t.Kind, AtLoad: t.Kind.AtLoad(), Imports: t.Edges, Weight: t.Weight, AtLeast: t.AtLeast}
	for _, c := range t.Cycles {
		row.Cycles = append(row.Cycles, v.names(c))
	}
	for _, c := range t.Cuts {
		cut := archCutDoc{From: v.name(c.From), To: v.name(c.To), Weight: c.Weight}
		for _, e := range c.Lines {
			cut.Lines = append(cut.Lines, v.importDoc(e))
		}
		row.Cuts = append(row.Cuts, cut)
	}
	row.Cycles, row.Cuts = list(row.Cycles), list(row.Cuts)
	return row
}

func (v ArchView) hotspotDoc(h ci.Hotspot) archHotspotDoc {
	row := archHotspotDoc{File: h.File, Rank: rounded(h.Rank, 4), Complexity: h.Total, Functions: h.Functions}
	if v.History.Known {
		c := h.Churn
		row.Commits, row.Added, row.Deleted, row.Authors = &c.Commits, &c.Added, &c.Deleted, &c.Authors
	}
	f := h.Function
	row.Worst.Name, row.Worst.Line, row.Worst.Complexity, row.Worst.Cognitive = f.Name, f.Line, f.Complexity, f.Cognitive
	row.Worst.Lines, row.Worst.Nesting, row.Worst.Params = f.Lines(), f.Nesting, f.Params
	return row
}

func adviceDocs(advice []ci.Advice) []archAdviceDoc {
	out := make([]archAdviceDoc, len(advice))
	for i, a := range advice {
		out[i] = archAdviceDoc{a.Rule, a.Text, a.Effort, a.Critical, a.Pos.File, a.Pos.Line}
	}
	return out
}
