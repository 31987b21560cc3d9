package render

import (
	"fmt"
	"io"
	"math"
	"time"

	"keepgreen/internal/ci"
)

// FlakeText writes what the history of runs says about tests, in the order of
// the rows. Healthy tests and those without a verdict are only counted, unless
// everything is asked for.
func FlakeText(w io.Writer, rows []FlakeTest, runs int, o TextOptions) error {
	p := newPaper(o)
	counts := map[ci.FlakeVerdict]int{}
	for _, r := range rows {
		counts[r.Verdict]++
	}
	p.line(p.ink.bold(fmt.Sprintf("%s over %s", plural(len(rows), "test"), plural(runs, "run"))))
	shown := 0
	for _, r := range rows {
		if !o.Full && (r.Verdict == ci.FlakeHealthy || r.Verdict == ci.FlakeUnknown) {
			continue
		}
		if shown == 0 {
			p.blank()
		}
		shown++
		p.flakeRow(r)
	}
	if shown > 0 {
		p.blank()
	}
	p.line(p.flakeSum(counts))
	_, err := io.WriteString(w, p.out.String())
	return err
}

// flakeSum counts the verdicts, worst first; none is left out.
func (p *paper) flakeSum(counts map[ci.FlakeVerdict]int) string {
	sum := ""
	for _, v := range []ci.FlakeVerdict{ci.FlakeRegressed, ci.FlakeBroken, ci.FlakeFlaky, ci.FlakeUnknown, ci.FlakeHealthy} {
		if sum != "" {
			sum += " · "
		}
		sum += thousands(counts[v]) + " " + string(v)
	}
	return p.ink.dim(sum)
}

func (p *paper) flakeRow(r FlakeTest) {
	glyph, colour := "?", p.ink.dim
	switch r.Verdict {
	case ci.FlakeRegressed, ci.FlakeBroken:
		glyph, colour = "✗", p.ink.red
	case ci.FlakeFlaky:
		glyph, colour = "~", p.ink.yellow
	case ci.FlakeHealthy:
		glyph, colour = "✓", p.ink.green
	case ci.FlakeUnknown:
	}
	head := colour(fmt.Sprintf("%s %-9s ", glyph, r.Verdict))
	p.line(head + cutLeft(Visible(string(r.ID)), p.width-12))
	words := flakeWords(r)
	if !math.IsNaN(r.Rate) && r.Runs > 0 && !math.IsNaN(r.Low) && !math.IsNaN(r.High) {
		words += fmt.Sprintf(", rate %.1f %% (95 %% interval %.1f–%.1f %%)", 100*r.Rate, 100*r.Low, 100*r.High)
	}
	p.line(p.ink.dim("            " + cut(words, p.width-12)))
	if why := Visible(r.Why); why != "" {
		p.line(p.ink.dim("            " + cut(why, p.width-12)))
	}
	if n := len(r.CoFails); n > 0 {
		words := "fails together with " + Visible(string(r.CoFails[0]))
		if n > 1 {
			words += fmt.Sprintf(" and %s more", thousands(n-1))
		}
		p.line(p.ink.dim("            " + cut(words, p.width-12)))
	}
}

// QuarantineText writes the list of tests whose failures do not count.
func QuarantineText(w io.Writer, rows []Quarantine, o TextOptions) error {
	p := newPaper(o)
	for _, q := range rows {
		until, colour := "until "+q.Until.Format(time.DateOnly), p.ink.yellow
		if q.Expired {
			until, colour = "expired "+q.Until.Format(time.DateOnly)+": its failures count again", p.ink.red
		}
		p.line(colour("~ ") + cutLeft(Visible(string(q.Test)), p.width-2))
		p.line("    " + cut(Visible(q.Reason), p.width-4))
		words := until + " · " + Visible(q.Owner)
		if q.Ticket != "" {
			words += " · " + Visible(q.Ticket)
		}
		p.line(p.ink.dim("    " + cut(words, p.width-4)))
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type quarantineDoc struct {
	ID      ci.TestID `json:"id"`
	Owner   string    `json:"owner"`
	Reason  string    `json:"reason"`
	Ticket  string    `json:"ticket,omitempty"`
	Expires string    `json:"expires"`
	Expired bool      `json:"expired"`
}

// QuarantineDocument writes the list as JSON.
func QuarantineDocument(w io.Writer, rows []Quarantine) error {
	out := []quarantineDoc{}
	for _, q := range rows {
		out = append(out, quarantineDoc{q.Test, q.Owner, q.Reason, q.Ticket, q.Until.Format(time.DateOnly), q.Expired})
	}
	return encode(w, map[string]any{"quarantine": out})
}
