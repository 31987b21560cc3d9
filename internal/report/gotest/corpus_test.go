package gotest_test

import (
	"encoding/json"
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
	"keepgreen/internal/report/gotest"
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
	corpus.State(t, "gotest-junit-report", right, len(inputs), junitExceptions)
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

// gotestsumTruths pairs the inputs of gotestsum's tests with what it printed
// about them.
var gotestsumTruths = []struct {
	input, truth string
	extra        map[string]string // what we say beside it, or instead of it, and why
}{
	{input: "testjson/testdata/input/go-test-json.out", truth: "testjson/testdata/summary/root-test-has-subtest-failures"},
	{input: "testjson/testdata/input/go-test-json-with-shuffle.out", truth: "testjson/testdata/summary/root-test-has-subtest-failures"},
	{input: "testjson/testdata/input/go-test-json-with-parallel-fails.out", truth: "testjson/testdata/summary/parallel-failures"},
	{input: "testjson/testdata/input/go-test-json-missing-skip-msg.out", truth: "testjson/testdata/summary/bug-missing-skip-message"},
	{input: "testjson/testdata/input/go-test-json-missing-test-fail.out", truth: "testjson/testdata/summary/missing-test-fail-event"},
	{input: "testjson/testdata/input/go-test-json-misattributed.out", truth: "testjson/testdata/summary/misattributed-output"},
	{input: "testjson/testdata/input/go-test-json-with-attributes.out", truth: "testjson/testdata/summary/with-attributes"},
	{input: "cmd/testdata/input/go-test-build-failed.out", truth: "cmd/testdata/expected/build-fail-expected"},
	{input: "cmd/testdata/input/go-test-setup-failed.out", truth: "cmd/testdata/expected/setup-fail-expected"},
	{input: "cmd/testdata/input/go-test-json-panic-race-1.out", truth: "cmd/testdata/expected/panic-race-1-summary"},
	{
		input: "cmd/testdata/input/go-test-json-panic-race-2.out", truth: "cmd/testdata/expected/panic-race-2-summary",
		extra: map[string]string{"example.": "one timeout is one failure: that of the test which was running, not a second one of its package"},
	},
}

var summaryHead = regexp.MustCompile(`(?m)^=== (FAIL|SKIP): (\S*) (\S*) ?\(.*\)$`)

// TestGoTestAgainstGotestsum compares the failures and skips, by name, with the
// summaries of gotestsum.
func TestGoTestAgainstGotestsum(t *testing.T) {
	dir := corpus.Dir(t, "gotest-gotestsum")
	right := 0
	for _, row := range gotestsumTruths {
		t.Run(filepath.Base(row.input), func(t *testing.T) {
			truth, err := os.ReadFile(filepath.Join(dir, row.truth))
			if err != nil {
				t.Fatal(err)
			}
			want := gotestsumTruth(string(truth))
			for name := range row.extra {
				delete(want, name)
			}
			rep := readGoTest(t, filepath.Join(dir, row.input))
			if diff := diffMaps(want, gotestsumNames(rep, want)); diff != "" {
				t.Error(diff)
				return
			}
			right++
		})
	}
	corpus.State(t, "gotest-gotestsum", right, len(gotestsumTruths), nil)
}

// gotestsumTruth is the failures and skips of a summary, named as it names
// them. A parent without output of its own is left out, as we do.
func gotestsumTruth(truth string) map[string]string {
	want := map[string]string{}
	heads := summaryHead.FindAllStringSubmatchIndex(truth, -1)
	bodies := map[string]string{}
	for i, at := range heads {
		end := len(truth)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		verb, pkg, test := truth[at[2]:at[3]], truth[at[4]:at[5]], truth[at[6]:at[7]]
		name := pkg + "." + test
		want[name] = map[string]string{"FAIL": "failed", "SKIP": "skipped"}[verb]
		bodies[name] += truth[at[1]:end]
		if strings.Contains(truth[at[1]:end], "[build failed]") || strings.Contains(truth[at[1]:end], "[setup failed]") {
			delete(want, name) // what failed is under "=== Errors"
		}
	}
	for name := range want {
		for other := range want {
			if strings.HasPrefix(other, name+"/") && !strings.Contains(bodies[name], ".go:") {
				delete(want, name)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^(\S+\.go:\d+)`).FindAllString(truth, -1) {
		want["build "+strings.TrimPrefix(m, "./")] = "build"
	}
	return want
}

// gotestsumNames is what our report says, under the shortened names of want.
func gotestsumNames(rep ci.Report, want map[string]string) map[string]string {
	got := map[string]string{}
	for name, outcome := range outcomesOf(rep) {
		if outcome == "passed" {
			continue
		}
		if outcome == "package" {
			name, outcome = name+".", "failed"
		}
		for short := range want {
			if strings.HasSuffix(name, "/"+short) || strings.HasPrefix(short, ".") && name == short[1:] {
				name = short
			}
		}
		got[name] = outcome
	}
	return got
}

// TestGoTestCountsRerunsAsAttempts holds the reruns of gotestsum to its own report.
func TestGoTestCountsRerunsAsAttempts(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t, "gotest-gotestsum"), "cmd", "testdata")
	for input, truth := range map[string]string{
		"go-test-json-flaky-rerun.out":   "TestWriteRerunFailsReport-expected",
		"go-test-missing-run-events.out": "TestWriteRerunFailsReport_HandlesMissingActionRunEvents-expected",
	} {
		t.Run(input, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, truth))
			if err != nil {
				t.Fatal(err)
			}
			runs, failures := map[string]int{}, map[string]int{}
			for _, r := range readGoTest(t, filepath.Join(dir, input)).Tests {
				runs[string(r.ID)] = max(runs[string(r.ID)], r.Attempt)
				if r.Outcome.Bad() {
					failures[string(r.ID)]++
				}
			}
			for line := range strings.Lines(string(data)) {
				id, want, _ := strings.Cut(strings.TrimSpace(line), ": ")
				if strings.HasSuffix(id, ".TestEnvoy") {
					want = "0 runs, 0 failures" // a parent that fails only through its subtests
				}
				if got := fmt.Sprintf("%d runs, %d failures", runs[id], failures[id]); got != want {
					t.Errorf("%s: want %s, got %s", id, want, got)
				}
			}
		})
	}
}

// TestGoTestStreamAsText turns streams of events back into the text that they
// were made from, package by package: the text reader finds every failure that
// the stream has.
func TestGoTestStreamAsText(t *testing.T) {
	files, err := filepath.Glob("testdata/gotest/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no streams", err)
	}
	more, err := filepath.Glob(filepath.Join(corpus.Dir(t, "gotest-gotestsum"), "testjson/testdata/input/*.out"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range more {
		if !strings.Contains(file, "misattributed") { // whose events name no package
			files = append(files, file)
		}
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := outcomesOf(readGoTest(t, file))
			rep, err := gotest.ReadText(strings.NewReader(eventsAsText(data)))
			if err != nil {
				t.Fatal(err)
			}
			got := outcomesOf(rep)
			for name, outcome := range want {
				if outcome != "passed" && outcome != "skipped" && got[name] != outcome {
					t.Errorf("%s: %s in the stream, %q in its text", name, outcome, got[name])
				}
			}
		})
	}
}

// eventsAsText is what the go command printed before test2json saw it.
func eventsAsText(data []byte) string {
	var build strings.Builder
	texts, current := map[string]*strings.Builder{}, map[string]string{}
	var order []string
	for line := range strings.Lines(string(data)) {
		var ev struct{ Action, Package, Test, Output string }
		if json.Unmarshal([]byte(line), &ev) != nil {
			build.WriteString(line)
			continue
		}
		if ev.Action == "build-output" {
			build.WriteString(ev.Output)
			continue
		}
		if texts[ev.Package] == nil {
			texts[ev.Package] = &strings.Builder{}
			order = append(order, ev.Package)
		}
		// test2json leaves out the lines that say whose output follows.
		if ev.Test != "" && ev.Test != current[ev.Package] && strings.Contains(ev.Output, ".go:") {
			texts[ev.Package].WriteString("=== NAME  " + ev.Test + "\n")
		}
		if ev.Output != "" {
			current[ev.Package] = ev.Test
		}
		texts[ev.Package].WriteString(ev.Output)
	}
	for _, pkg := range order {
		build.WriteString(texts[pkg].String())
	}
	return build.String()
}
