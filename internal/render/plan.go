package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// PlanTest is a test of a plan and why it runs, or need not.
type PlanTest struct {
	ID      ci.TestID
	Kind    string // what selected it; empty: nothing did
	Because string
}

// PlanStep is one step of the way from a test to a change.
type PlanStep struct {
	From string `json:"from"`
	Line int    `json:"line,omitempty"`
	How  string `json:"how"`
	To   string `json:"to"`
}

// PlanCause is what one changed file led to.
type PlanCause struct {
	File, Text string
	Tests      int
}

// PlanShard is what one machine runs.
type PlanShard struct {
	Tests    []ci.TestID
	Expected time.Duration
}

// PlanExplanation is why one test runs, or does not.
type PlanExplanation struct {
	PlanTest
	Selected bool
	Path     []PlanStep
}

// PlanView is a plan with everything that is told of it.
type PlanView struct {
	Mode    string // "selective" or "full"
	Reason  string
	How     string // "enforce", "advise" or "shadow"
	Base    string
	Map     string // the commit of the map that was used; empty: none
	Changed []string
	Causes  []PlanCause
	Tests   []PlanTest
	Skipped []PlanTest
	Shards  []PlanShard
	Matrix  json.RawMessage
	Runs    time.Duration // expected of what runs
	Spares  time.Duration // expected of what does not
	Timed   bool          // the history knows durations
	Notes   []string
	Explain []PlanExplanation
}

type planTestDoc struct {
	ID      ci.TestID `json:"id"`
	Because string    `json:"because"`
	Kind    string    `json:"kind,omitempty"`
}

type planShardDoc struct {
	Tests    []ci.TestID `json:"tests"`
	Expected number      `json:"expected_s"`
}

type planExplainDoc struct {
	planTestDoc
	Selected bool       `json:"selected"`
	Path     []PlanStep `json:"path"`
}

type planDoc struct {
	Mode         string           `json:"mode"`
	Reason       string           `json:"reason"`
	How          string           `json:"how"`
	Base         string           `json:"base,omitempty"`
	Map          string           `json:"map,omitempty"`
	Changed      []string         `json:"changed_files"`
	Total        int              `json:"total"`
	Selected     int              `json:"selected"`
	Skipped      int              `json:"skipped"`
	Runs         *number          `json:"expected_s"`
	Spares       *number          `json:"skipped_s"`
	Matrix       json.RawMessage  `json:"matrix"`
	Shards       []planShardDoc   `json:"shards"`
	Notes        []string         `json:"notes"`
	Explain      []planExplainDoc `json:"explain,omitempty"`
	Tests        []planTestDoc    `json:"tests"`
	SkippedTests []planTestDoc    `json:"skipped_tests"`
}

func planTestOf(t PlanTest) planTestDoc { return planTestDoc{t.ID, t.Because, t.Kind} }

func planTests(tests []PlanTest) []planTestDoc {
	out := make([]planTestDoc, len(tests))
	for i, t := range tests {
		out[i] = planTestOf(t)
	}
	return out
}

// PlanDocumentOf is the document of "keepgreen plan", for where it stands in
// another one. Without all, the skipped tests are counted and not listed.
func PlanDocumentOf(v PlanView, all bool) any {
	doc := planDoc{
		Mode: v.Mode, Reason: v.Reason, How: v.How, Base: v.Base, Map: v.Map, Changed: append([]string{}, v.Changed...),
		Total: len(v.Tests) + len(v.Skipped), Selected: len(v.Tests), Skipped: len(v.Skipped), Matrix: v.Matrix,
		Shards: []planShardDoc{}, Notes: append([]string{}, v.Notes...), Tests: planTests(v.Tests), SkippedTests: []planTestDoc{},
	}
	if v.Timed {
		runs, spares := seconds(v.Runs), seconds(v.Spares)
		doc.Runs, doc.Spares = &runs, &spares
	}
	if all {
		doc.SkippedTests = planTests(v.Skipped)
	}
	for _, s := range v.Shards {
		doc.Shards = append(doc.Shards, planShardDoc{append([]ci.TestID{}, s.Tests...), seconds(s.Expected)})
	}
	for _, e := range v.Explain {
		doc.Explain = append(doc.Explain, planExplainDoc{planTestOf(e.PlanTest), e.Selected, append([]PlanStep{}, e.Path...)})
	}
	return doc
}

// PlanDocument writes the document of "keepgreen plan --format json".
func PlanDocument(w io.Writer, v PlanView) error { return encode(w, PlanDocumentOf(v, true)) }

// PlanOutputs are the outputs of the generate-matrix job.
func PlanOutputs(v PlanView) []Output {
	changed, _ := json.Marshal(append([]string{}, v.Changed...))
	return []Output{{"matrix", string(v.Matrix)}, {"changed_files", string(changed)}, {"test_selection_mode", v.Mode}}
}

// PlanText writes a plan for a terminal: the mode and its reason, what each
// changed file led to, and how much that spares.
func PlanText(w io.Writer, v PlanView, o TextOptions) error {
	p := newPaper(o)
	head := p.ink.bold(p.ink.green(strings.ToUpper(v.Mode)))
	if v.Mode == "full" {
		head = p.ink.bold(p.ink.yellow(strings.ToUpper(v.Mode)))
	}
	p.line(head + "  " + p.ink.bold(planCounts(v)))
	p.plain(Visible(v.Reason), 2)
	if len(v.Explain) > 0 {
		p.explanations(v.Explain)
		_, err := io.WriteString(w, p.out.String())
		return err
	}
	p.planCauses(v)
	p.planTests(v, o)
	p.planShards(v)
	if len(v.Notes) > 0 {
		p.blank()
	}
	for _, note := range v.Notes {
		p.plain(Visible(note), 2)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

// planCounts is how much runs, and what that spares.
func planCounts(v PlanView) string {
	total := len(v.Tests) + len(v.Skipped)
	text := fmt.Sprintf("%s of %s", thousands(len(v.Tests)), plural(total, "test"))
	if v.Timed && v.Mode != "full" && v.Runs+v.Spares > 0 {
		text += fmt.Sprintf(" · about %s, %.0f %% of the time is spared", spent(v.Runs), 100*v.Spares.Seconds()/(v.Runs+v.Spares).Seconds())
	}
	switch v.How {
	case "shadow":
		text += " · shadow: everything runs all the same"
	case "testmon":
		text += " · testmon selects"
	case "advise":
		text += " · advise: the rest runs after them"
	}
	return text
}

// plain writes a text over as many lines as it takes, indented.
func (p *paper) plain(text string, indent int) {
	for _, line := range wrap(text, max(p.width-indent, 20), 6) {
		p.line(strings.Repeat(" ", indent) + p.ink.dim(line))
	}
}

// maxPlanLines is how many rows of one kind are shown without --format json.
const maxPlanLines = 12

func (p *paper) planCauses(v PlanView) {
	if len(v.Causes) == 0 || v.Mode == "full" {
		return
	}
	p.blank()
	p.line(p.ink.bold("changed"))
	for i, c := range v.Causes {
		if i == maxPlanLines {
			p.line(p.ink.dim(fmt.Sprintf("  and %s more", plural(len(v.Causes)-i, "file"))))
			break
		}
		tail := fmt.Sprintf("  %s, %s", plural(c.Tests, "test"), c.Text)
		if c.Tests == 0 {
			tail = "  no further test, " + c.Text
		}
		tail = cut(Visible(tail), p.width/2)
		p.line("  " + cutLeft(Visible(c.File), p.width-2-width(tail)) + p.ink.dim(tail))
	}
}

// planTests lists what runs: a file of which everything runs for one reason as
// one row.
func (p *paper) planTests(v PlanView, o TextOptions) {
	if v.Mode == "full" || len(v.Tests) == 0 {
		return
	}
	p.blank()
	p.line(p.ink.bold("runs"))
	rows := planRows(v)
	for i, r := range rows {
		if i == maxPlanLines && !o.Full {
			p.line(p.ink.dim(fmt.Sprintf("  and %s more (--full, --format json)", plural(len(rows)-i, "row"))))
			break
		}
		tail := ""
		if r.tests > 1 {
			tail = "  " + plural(r.tests, "test")
		}
		p.line("  " + cutLeft(Visible(r.name), p.width-2-width(tail)) + p.ink.dim(tail))
		p.line(p.ink.dim("    " + cut(Visible(r.because), p.width-4)))
	}
}

type planRow struct {
	name, because string
	tests         int
}

func planRows(v PlanView) []planRow {
	partly := map[string]bool{}
	why := map[string]string{}
	for _, t := range v.Skipped {
		partly[t.ID.File()] = true
	}
	for _, t := range v.Tests {
		file := t.ID.File()
		if before, seen := why[file]; seen && before != t.Because {
			partly[file] = true
		}
		why[file] = t.Because
	}
	var rows []planRow
	for _, t := range v.Tests {
		name := string(t.ID)
		if file := t.ID.File(); file != "" && !partly[file] {
			name = file
		}
		if n := len(rows); n > 0 && rows[n-1].name == name {
			rows[n-1].tests++
			continue
		}
		rows = append(rows, planRow{name, t.Because, 1})
	}
	return rows
}

func (p *paper) planShards(v PlanView) {
	if len(v.Shards) < 2 {
		return
	}
	p.blank()
	p.line(p.ink.bold(plural(len(v.Shards), "shard")))
	longest := time.Duration(0)
	for _, s := range v.Shards {
		longest = max(longest, s.Expected)
	}
	for i, s := range v.Shards {
		if i == maxPlanLines {
			p.line(p.ink.dim(fmt.Sprintf("  and %s more", plural(len(v.Shards)-i, "shard"))))
			break
		}
		bar := ""
		if longest > 0 {
			bar = strings.Repeat("█", int(20*s.Expected/longest))
		}
		p.line(fmt.Sprintf("  %3d  %-20s  %s, %s", i+1, bar, plural(len(s.Tests), "test"), spent(s.Expected)))
	}
}

// explanations tells the reason of each test; tests with the same one share it.
func (p *paper) explanations(all []PlanExplanation) {
	for i := 0; i < len(all); {
		p.blank()
		first := i
		for ; i < len(all) && all[i].Because == all[first].Because && all[i].Selected == all[first].Selected; i++ {
			verdict := p.ink.dim("skipped ")
			if all[i].Selected {
				verdict = p.ink.green("runs    ")
			}
			if i-first < maxPlanLines || p.full {
				p.line(verdict + cutLeft(Visible(string(all[i].ID)), p.width-8))
			}
		}
		if more := i - first - maxPlanLines; more > 0 && !p.full {
			p.line(p.ink.dim(fmt.Sprintf("        and %s more (--full)", plural(more, "test"))))
		}
		p.plain("because "+Visible(all[first].Because), 2)
		for _, s := range all[first].Path {
			from := s.From
			if s.Line > 0 {
				from = fmt.Sprintf("%s:%d", from, s.Line)
			}
			p.line("    " + cutLeft(Visible(from+" "+s.How+" "+s.To), p.width-4))
		}
	}
}

// PlanSummary writes the plan for the summary page of a step.
func PlanSummary(w io.Writer, v PlanView) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### Test selection: %s\n\n%s. %s.\n\n", v.Mode, Neutral(planCounts(v)), Neutral(v.Reason))
	if v.Mode != "full" && len(v.Causes) > 0 {
		b.WriteString("| changed | tests | how |\n| --- | --: | --- |\n")
		for i, c := range v.Causes {
			if i == 4*maxPlanLines {
				break
			}
			fmt.Fprintf(&b, "| %s | %d | %s |\n", NeutralCode(c.File), c.Tests, Neutral(c.Text))
		}
		b.WriteString("\n")
	}
	for _, note := range v.Notes {
		fmt.Fprintf(&b, "* %s\n", Neutral(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
