package render

import (
	"fmt"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// Progress is one moment of a run. It holds no clock: the caller says which
// frame it is and how long it took so far, and draws the line when it likes.
type Progress struct {
	Frame   int
	Elapsed time.Duration
	Jobs    []ProgressJob
	Last    string // what happened last, e.g. the test that has just ended
	Done    int    // tests that have ended
	Total   int    // tests that are to run; 0: unknown
	Failed  int    // of Done
}

// ProgressJob is a job while the run goes on.
type ProgressJob struct {
	Name    string
	Running bool
	Status  ci.JobStatus // once it has ended; empty before
}

var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// Line is the moment as one line without an end, never wider than the
// terminal, so that a carriage return is enough to draw the next over it.
func (m Progress) Line(o TextOptions) string {
	p := newPaper(o)
	room := p.width - 1 // a full last column makes some terminals wrap
	frame := spinner[((m.Frame%len(spinner))+len(spinner))%len(spinner)]
	parts := []string{p.ink.blue(frame) + " " + spent(m.Elapsed.Truncate(100*time.Millisecond))}
	used := width(bare(parts[0]))
	add := func(part string) {
		if n := width(bare(part)); used+2+n <= room {
			parts = append(parts, part)
			used += 2 + n
		}
	}
	for _, j := range m.Jobs {
		add(m.job(p, j, frame))
	}
	if m.Done > 0 || m.Total > 0 {
		add(m.tests(p))
	}
	if left := room - used - 2; m.Last != "" && left >= 12 {
		add(p.ink.dim(cutLeft(Visible(m.Last), left)))
	}
	return unspoken(strings.Join(parts, "  "))
}

func (m Progress) job(p *paper, j ProgressJob, frame string) string {
	name := cut(Visible(j.Name), 16)
	switch {
	case j.Running:
		return p.ink.blue(frame) + " " + p.ink.bold(name)
	case j.Status == "":
		return p.ink.dim("· " + name)
	}
	return p.ink.job(j.Status, jobGlyph(j.Status)) + " " + name
}

func (m Progress) tests(p *paper) string {
	words := thousands(m.Done) + " tests"
	if m.Total > 0 {
		words = thousands(m.Done) + "/" + thousands(m.Total) + " tests"
	}
	if m.Failed > 0 {
		words += " " + p.ink.red(thousands(m.Failed)+" failed")
	}
	return words
}

// JobLine is a job that has ended as a line of a log that does not redraw.
func JobLine(j ci.Job, o TextOptions) string {
	p := newPaper(o)
	line := p.job(j)
	if j.Detail != "" && j.Status != ci.JobSuccess {
		line += p.ink.dim(": " + cut(Visible(j.Detail), max(p.width-width(bare(line))-2, 8)))
	}
	return unspoken(line)
}

// JobStart is a job that begins, for a log that does not redraw.
func JobStart(j ci.Job, o TextOptions) string {
	p := newPaper(o)
	line := "▸ " + cut(Visible(j.Name), 24)
	if command := strings.Join(j.Command, " "); command != "" {
		line += p.ink.dim(fmt.Sprintf(" $ %s", cut(Visible(command), max(p.width-width(line)-3, 8))))
	}
	return unspoken(line)
}
