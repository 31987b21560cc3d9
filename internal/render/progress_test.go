package render_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func moment() render.Progress {
	return render.Progress{
		Frame: 3, Elapsed: 12*time.Second + 340*time.Millisecond, Done: 87, Total: 214, Failed: 2, Last: "tests/test_pool.py::test_concurrent_release",
		Jobs: []render.ProgressJob{{Name: "lint", Status: ci.JobFailure}, {Name: "types", Status: ci.JobSuccess}, {Name: "test", Running: true}, {Name: "vulns"}},
	}
}

func TestProgressGolden(t *testing.T) {
	var b strings.Builder
	for _, width := range []int{40, 60, 80, 120} {
		b.WriteString(moment().Line(render.TextOptions{Width: width}) + "\n")
	}
	b.WriteString(moment().Line(render.TextOptions{Width: 80, Colour: true}) + "\n")
	b.WriteString(render.Progress{Frame: -1}.Line(render.TextOptions{}) + "\n")
	for _, j := range believable().Run.Jobs {
		b.WriteString(render.JobStart(ci.Job{Name: j.Name, Command: []string{j.Tool, "--quiet"}}, render.TextOptions{}) + "\n")
		b.WriteString(render.JobLine(j, render.TextOptions{}) + "\n")
	}
	golden.Assert(t, b.String(), "progress.txt")
}

func FuzzProgress(f *testing.F) {
	for i, s := range hostileTexts {
		f.Add(s, i, uint8(i*15))
	}
	cols := &runewidth.Condition{StrictEmojiNeutral: true}
	f.Fuzz(func(t *testing.T, s string, frame int, width uint8) {
		m := moment()
		m.Frame, m.Last = frame, s
		m.Jobs = append(m.Jobs, render.ProgressJob{Name: s, Running: true}, render.ProgressJob{Name: s, Status: ci.JobStatus(s)})
		o := render.TextOptions{Width: int(width), Colour: true}
		line := m.Line(o)
		checkTerminal(t, line, true)
		limit := 80
		if width != 0 {
			limit = max(int(width), 40)
		}
		if got := cols.StringWidth(ownColour.ReplaceAllString(line, "")); got >= limit || strings.Contains(line, "\n") {
			t.Errorf("%d of %d columns: %q", got, limit, line)
		}
		checkTerminal(t, render.JobLine(ci.Job{Name: s, Tool: s, Version: s, Detail: s, Status: ci.JobError}, o), true)
		checkTerminal(t, render.JobStart(ci.Job{Name: s, Command: []string{s}}, o), true)
	})
}
