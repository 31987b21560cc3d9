package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// AuditMiss is a test that failed and that a plan would have left out.
type AuditMiss struct {
	Run, Commit, Mode string
	At                time.Time
	Test              ci.TestID
	Files             []string // the changed files that it was cleared of
}

// AuditView is how the plans did where everything ran.
type AuditView struct {
	Runs, Red, Escapes int // scored runs; those with failures; those in which the plan missed one
	Selected, Skipped  int // tests, over all of them
	Failed, Missed     int
	Low, High          float64 // 95 % interval of missed ÷ failed
	Misses             []AuditMiss
	Wide               []string // kinds of reasoning that are trusted no more
}

// AuditDocument writes the document of "keepgreen plan audit --format json".
func AuditDocument(w io.Writer, v AuditView) error {
	type miss struct {
		Test   ci.TestID `json:"test"`
		Run    string    `json:"run"`
		Commit string    `json:"commit,omitempty"`
		Mode   string    `json:"mode"`
		At     string    `json:"at"`
		Files  []string  `json:"changed_files"`
	}
	doc := struct {
		Runs     int       `json:"runs"`
		Red      int       `json:"red_runs"`
		Escapes  int       `json:"escapes"`
		Selected int       `json:"selected"`
		Skipped  int       `json:"skipped"`
		Failed   int       `json:"failed"`
		Missed   int       `json:"missed"`
		Rate     *number   `json:"miss_rate"`
		Interval [2]number `json:"interval"`
		Wide     []string  `json:"widened"`
		Misses   []miss    `json:"misses"`
	}{
		Runs: v.Runs, Red: v.Red, Escapes: v.Escapes, Selected: v.Selected, Skipped: v.Skipped, Failed: v.Failed, Missed: v.Missed,
		Interval: [2]number{rounded(v.Low, 6), rounded(v.High, 6)}, Wide: slices.Sorted(slices.Values(append([]string{}, v.Wide...))), Misses: []miss{},
	}
	if doc.Wide == nil {
		doc.Wide = []string{}
	}
	if v.Failed > 0 {
		rate := rounded(float64(v.Missed)/float64(v.Failed), 6)
		doc.Rate = &rate
	}
	for _, m := range v.Misses {
		doc.Misses = append(doc.Misses, miss{m.Test, m.Run, m.Commit, m.Mode, m.At.UTC().Format(time.RFC3339), append([]string{}, m.Files...)})
	}
	return encode(w, doc)
}

// AuditText writes how the plans did, for a terminal.
func AuditText(w io.Writer, v AuditView, o TextOptions) error {
	p := newPaper(o)
	p.line(p.ink.bold(fmt.Sprintf("%s scored, %d of them red", plural(v.Runs, "plan"), v.Red)))
	if v.Runs == 0 {
		p.plain("A plan is scored where everything runs: on main, in samples of pull requests, with --select shadow or advise.", 2)
	} else {
		share := 0.0
		if all := v.Selected + v.Skipped; all > 0 {
			share = 100 * float64(v.Skipped) / float64(all)
		}
		p.line(fmt.Sprintf("  left out   %.0f %% of the tests", share))
		missed := fmt.Sprintf("  missed     %d of %s that failed", v.Missed, plural(v.Failed, "test"))
		if v.Failed > 0 {
			missed += fmt.Sprintf(" (95 %% interval %.2f–%.1f %%)", 100*v.Low, 100*v.High)
		}
		if v.Missed > 0 {
			missed = p.ink.red(missed)
		}
		p.line(missed)
	}
	for i, m := range v.Misses {
		if i == 2*maxPlanLines {
			p.line(p.ink.dim(fmt.Sprintf("  and %s more (--format json)", plural(len(v.Misses)-i, "miss"))))
			break
		}
		p.blank()
		p.line("  " + cutLeft(Visible(string(m.Test)), p.width-2))
		p.plain(Visible(fmt.Sprintf("run %s (%s), changed: %s", m.Run, m.Mode, strings.Join(m.Files, ", "))), 4)
	}
	if len(v.Wide) > 0 {
		p.blank()
		p.plain("Trusted no more in this repository, until enough plans went well: "+strings.Join(slices.Sorted(slices.Values(v.Wide)), ", ")+".", 2)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}
