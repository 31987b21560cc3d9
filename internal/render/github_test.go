package render_test

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func annotations(t testing.TB, v render.View) string {
	return written(t, func(w io.Writer) error { return render.Annotations(w, v) })
}

func summary(t testing.TB, v render.View) string {
	return written(t, func(w io.Writer) error { return render.StepSummary(w, v) })
}

func TestGitHubGoldens(t *testing.T) {
	for name, v := range views() {
		t.Run(name+" as annotations", func(t *testing.T) { golden.Assert(t, annotations(t, v), name+"-annotations.txt") })
		t.Run(name+" as step summary", func(t *testing.T) { golden.Assert(t, summary(t, v), name+"-summary.md") })
	}
	t.Run("outputs", func(t *testing.T) {
		out := written(t, func(w io.Writer) error {
			return render.Outputs(w, append(render.TriageOutputs(believable()), render.Output{Name: "plan", Value: "{\n  \"mode\": \"full\"\n}"}))
		})
		golden.Assert(t, out, "outputs.txt")
	})
}

func TestAnnotationsAreTheMostImportantTenOfEachType(t *testing.T) {
	var v render.View
	for i := range 40 {
		whose := ci.WhoseNew
		if i%2 == 1 {
			whose = ci.WhoseMain
		}
		v.Clusters = append(v.Clusters, ci.Cluster{ID: fmt.Sprint(i), Whose: whose, Cause: ci.Cause{Sentence: fmt.Sprintf("cause %02d", i), Pos: ci.Position{File: "a.py", Line: i + 1}}})
	}
	got := annotations(t, v)
	if errors, warnings := strings.Count(got, "::error "), strings.Count(got, "::warning "); errors != 10 || warnings != 10 {
		t.Errorf("%d errors and %d warnings", errors, warnings)
	}
	if !strings.HasPrefix(got, "::error file=a.py,line=1,title=cause 00::") || strings.Contains(got, "cause 20") {
		t.Errorf("not the first causes: %s", got)
	}
}

func TestAnnotationEscapes(t *testing.T) {
	v := render.View{Clusters: []ci.Cluster{{
		Cause:   ci.Cause{Sentence: "50% off: a, b", Pos: ci.Position{File: "a,b:c.py", Line: 3, Col: 7}},
		Members: []ci.Failure{{Message: "100%\r\nnext"}},
	}}}
	want := "::error file=a%2Cb%3Ac.py,line=3,col=7,title=50%25 off%3A a%2C b::100%25%0A1 failure; whose it is, is not known; cause uncertain\n"
	if got := annotations(t, v); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

var commandLine = regexp.MustCompile(`^::(error|warning|notice)( (file|line|endLine|col|title)=[^:,\r\n]*(,(file|line|endLine|col|title)=[^:,\r\n]*)*)?::[^\r\n]*$`)

func FuzzAnnotations(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := hostileWith([]string{s})
		got := annotations(t, v)
		checkTerminal(t, got, false)
		for _, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
			if !commandLine.MatchString(line) {
				t.Errorf("%q", line)
			}
		}
		// What a step prints is read for commands as well.
		for _, line := range strings.Split(text(t, v, render.TextOptions{Colour: true}), "\n") {
			bare := ownColour.ReplaceAllString(line, "")
			if strings.HasPrefix(strings.TrimSpace(bare), "::") || strings.Contains(bare, "##[") {
				t.Errorf("the summary holds a command: %q", line)
			}
		}
	})
}

var ownHTML = regexp.MustCompile(`</?(details|summary|code|pre|sub)>|<a href="https://github\.com/acme/[^"<>]*">|</a>`)

func TestHostileTextStaysTextInTheStepSummary(t *testing.T) {
	got := ownHTML.ReplaceAllString(summary(t, hostile()), "")
	bare := entity.ReplaceAllString(got, "")
	for _, word := range []string{"<", "@", "#1", "](", "![", "\u202e"} {
		if strings.Contains(bare, word) {
			t.Errorf("the summary holds %q", word)
		}
	}
	for i, line := range strings.Split(got, "\n") {
		if strings.HasPrefix(line, "| ") && !strings.HasSuffix(line, " |") {
			t.Errorf("line %d: a row that is cut open: %q", i+1, line)
		}
	}
}

func TestTheStepSummaryStaysBelowItsLimit(t *testing.T) {
	v := flood()
	cluster := v.Clusters[0]
	cluster.Members[0].Details = strings.Repeat("<&> deep in a traceback\n", 400)
	v.Clusters = nil
	for i := range 300 {
		cluster.ID = fmt.Sprint(i)
		v.Clusters = append(v.Clusters, cluster)
		v.Fixes = append(v.Fixes, render.Fix{Cluster: cluster.ID, CodeChange: strings.Repeat("+<line>\n", 4000)})
	}
	got := summary(t, v)
	if len(got) > 1<<20 {
		t.Errorf("%d bytes", len(got))
	}
	if !strings.Contains(got, "did not fit on this page") {
		t.Error("nothing says that something was left out")
	}
	if open, closed := strings.Count(got, "<details>"), strings.Count(got, "</details>"); open != closed {
		t.Errorf("%d folds are opened and %d closed", open, closed)
	}
}

// readOutputs reads GITHUB_OUTPUT the way the runner does.
func readOutputs(t *testing.T, s string) map[string]string {
	t.Helper()
	values := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		equals, heredoc := strings.Index(lines[i], "="), strings.Index(lines[i], "<<")
		if heredoc < 0 || equals >= 0 && equals < heredoc {
			name, value, _ := strings.Cut(lines[i], "=")
			values[name] = value
			continue
		}
		name, end, _ := strings.Cut(lines[i], "<<")
		var value []string
		for i++; i < len(lines) && lines[i] != end; i++ {
			value = append(value, lines[i])
		}
		if i == len(lines) {
			t.Fatalf("no end of %q in %q", name, s)
		}
		values[name] = strings.Join(value, "\n")
	}
	return values
}

func FuzzOutputs(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := written(t, func(w io.Writer) error {
			return render.Outputs(w, []render.Output{{Name: "before", Value: "1"}, {Name: "value", Value: s}, {Name: "fix_confidence", Value: "0.5"}})
		})
		got := readOutputs(t, out)
		if len(got) != 3 || got["value"] != s || got["fix_confidence"] != "0.5" || got["before"] != "1" {
			t.Errorf("%q is read back as %q", s, got)
		}
	})
}

func TestAnOutputNeedsAName(t *testing.T) {
	for _, name := range []string{"", "1a", "a b", "a=b", "a<<b", "é"} {
		if err := render.Outputs(io.Discard, []render.Output{{Name: name}}); err == nil {
			t.Errorf("%q is taken as a name", name)
		}
	}
}
