package report_test

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report"
)

// junitTruth is the report that go-junit-report made of the same input.
type junitTruth struct {
	Suites []struct {
		Name  string `xml:"name,attr"`
		Cases []struct {
			Class   string `xml:"classname,attr"`
			Name    string `xml:"name,attr"`
			Failure *struct {
				Text string `xml:",chardata"`
			} `xml:"failure"`
			Error *struct {
				Text string `xml:",chardata"`
			} `xml:"error"`
			Skipped *struct {
				Text string `xml:",chardata"`
			} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

// junitExceptions are the files on which we say something else, and why.
var junitExceptions = map[string]string{
	"007-compiled_test.txt": "a test binary run by hand names no package; go-junit-report was told it by a flag",
}

// TestGoTestAgainstJUnitReport reads every input of go-junit-report and compares
// it with the JUnit file beside it. One rule differs on purpose: a test that
// failed only through a subtest has no result of its own.
func TestGoTestAgainstJUnitReport(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t, "gotest-junit-report"), "testdata")
	inputs, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(inputs) == 0 {
		t.Fatal("no inputs", err)
	}
	right := 0
	for _, input := range inputs {
		name := filepath.Base(input)
		t.Run(name, func(t *testing.T) {
			want := readJUnitTruth(t, filepath.Join(dir, name[:3]+"-report.xml"))
			got := outcomesOf(readGoTest(t, input))
			diff := diffMaps(want, got)
			if reason, known := junitExceptions[name]; known {
				if diff == "" {
					t.Errorf("reads right now: the exception %q can go", reason)
				}
				return
			}
			if diff != "" {
				t.Error(diff)
				return
			}
			right++
		})
	}
	t.Logf("%d of %d files agree with the report beside them; %d exceptions", right, len(inputs), len(junitExceptions))
}

func readJUnitTruth(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var truth junitTruth
	if err := xml.Unmarshal(data, &truth); err != nil {
		t.Fatal(err)
	}
	want, empty := map[string]string{}, map[string]bool{}
	for _, suite := range truth.Suites {
		for _, c := range suite.Cases {
			id := c.Class + "." + c.Name
			switch {
			case c.Error != nil && strings.HasPrefix(c.Name, "["):
				for _, m := range regexp.MustCompile(`(?m)^(\S+\.go:\d+)`).FindAllString(c.Error.Text, -1) {
					want["build "+strings.TrimPrefix(m, "./")] = "build"
				}
			case c.Error != nil && c.Name == "Failure":
				want[suite.Name] = "package"
			case c.Failure != nil:
				want[id] = "failed"
				empty[id] = strings.TrimSpace(c.Failure.Text) == "" || !strings.Contains(c.Failure.Text, ".go:")
			case c.Skipped != nil:
				want[id] = "skipped"
			default:
				want[id] = "passed"
			}
		}
	}
	for id := range want { // a parent without a message of its own has no result
		for other := range want {
			if strings.HasPrefix(other, id+"/") && want[other] == "failed" && empty[id] {
				delete(want, id)
			}
		}
	}
	return want
}

func readGoTest(t *testing.T, path string) ci.Report {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rep, err := report.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// outcomesOf is what a report says, as names and words.
func outcomesOf(rep ci.Report) map[string]string {
	got := map[string]string{}
	for _, r := range rep.Tests {
		if got[string(r.ID)] != "failed" {
			got[string(r.ID)] = r.Outcome.String()
		}
	}
	for _, f := range rep.Failures {
		got[string(f.Test)] = "package"
	}
	for _, d := range rep.Diagnostics {
		got[fmt.Sprintf("build %s:%d", d.Pos.File, d.Pos.Line)] = "build"
	}
	return got
}

func diffMaps(want, got map[string]string) string {
	var b strings.Builder
	names := slices.Collect(maps.Keys(want))
	for name := range got {
		if _, ok := want[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if want[name] != got[name] {
			fmt.Fprintf(&b, "%s: want %q, got %q\n", name, want[name], got[name])
		}
	}
	return b.String()
}
