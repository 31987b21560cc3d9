package render

import (
	"fmt"
	"io"
	"strings"
)

// DoctorRow is one thing that doctor looked at.
type DoctorRow struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, off, warn, fail, unknown
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}

// doctorMarks are a status as a sign.
var doctorMarks = map[string]string{"ok": "✓", "off": "○", "warn": "!", "fail": "✗", "unknown": "?"}

// DoctorText writes the answer of doctor: a line for what is well, cause and
// advice for what is not.
func DoctorText(w io.Writer, rows []DoctorRow, o TextOptions) error {
	p := newPaper(o)
	bad := map[string]int{}
	for _, r := range rows {
		bad[r.Status]++
		colour := map[string]func(string) string{"ok": p.ink.green, "warn": p.ink.yellow, "fail": p.ink.red}[r.Status]
		if colour == nil {
			colour = p.ink.dim
		}
		p.wrapped(colour(doctorMarks[r.Status])+" "+pad(r.Name, 15)+" ", 18, Visible(r.Detail))
		if r.Hint != "" {
			p.wrapped(strings.Repeat(" ", 16)+p.ink.green("→")+" ", 18, Visible(r.Hint))
		}
	}
	p.blank()
	p.line(p.ink.dim(fmt.Sprintf("%s, %s, %d unknown", plural(bad["fail"], "failure"), plural(bad["warn"], "warning"), bad["unknown"])))
	_, err := io.WriteString(w, p.out.String())
	return err
}

// wrapped writes a text after a head; its further lines begin under the first.
func (p *paper) wrapped(head string, indent int, text string) {
	for _, line := range wrap(text, max(p.width-indent, 20), 8) {
		p.line(head + line)
		head = strings.Repeat(" ", indent)
	}
}

// DoctorSummary writes it for the page of a run.
func DoctorSummary(w io.Writer, rows []DoctorRow) error {
	var b strings.Builder
	b.WriteString("### Keepgreen doctor\n\n| | what | what is known | what to do |\n| --- | --- | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", doctorMarks[r.Status], Neutral(r.Name), Neutral(r.Detail), Neutral(r.Hint))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}
