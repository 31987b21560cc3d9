package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/gotest"
	"keepgreen/internal/report/reporttest"
	"keepgreen/internal/report/runners"
)

// runnerReaders are the readers of this family, by name.
var runnerReaders = map[string]func() format.LineReader{
	"gotest": gotest.NewReader,
	"jest":   runners.NewJest,
	"maven":  runners.NewMaven,
	"cargo":  runners.NewCargo,
}

// greenExceptions are green jobs in whose log something bad is found, and why.
var greenExceptions = map[string]string{
	"dspot_842": "a goal does fail (PIT refuses to mutate itself), and the job's script ignores it",
}

// TestReadersOnRealLogs feeds the logs of Java projects to every reader: the
// readers of other languages claim no line, and the one of Java finds nothing
// bad in a green job.
func TestReadersOnRealLogs(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t, "logs-cidiff"), "data", "breakages")
	pairs, err := os.ReadDir(dir)
	if err != nil || len(pairs) == 0 {
		t.Fatal("no logs", err)
	}
	found, jobs := 0, 0
	for _, pair := range pairs {
		if !pair.IsDir() {
			continue
		}
		jobs++
		for _, which := range []string{"pass.log", "fail.log"} {
			data, err := os.ReadFile(filepath.Join(dir, pair.Name(), which))
			if err != nil {
				t.Fatal(err)
			}
			for name, make := range runnerReaders {
				rep := reporttest.ReadAll(t, make(), data)
				finds := describeFinds(rep, which == "pass.log" && name == "maven")
				switch {
				case name == "maven" && which == "fail.log":
					if finds != "" {
						found++
					}
				case which == "pass.log" && name == "maven" && greenExceptions[pair.Name()] != "":
					if finds == "" {
						t.Errorf("%s: the exception can go", pair.Name())
					}
				case finds != "":
					t.Errorf("%s finds in %s/%s:%s", name, pair.Name(), which, finds)
				}
			}
		}
	}
	t.Logf("something found in %d of %d failing jobs", found, jobs)
}

func describeFinds(rep ci.Report, onlyBad bool) string {
	var b strings.Builder
	for _, r := range rep.Tests {
		if onlyBad && !r.Outcome.Bad() {
			continue
		}
		b.WriteString("\n  test " + string(r.ID) + " " + r.Outcome.String())
	}
	for _, f := range rep.Failures {
		b.WriteString("\n  failure " + f.Name() + ": " + f.Headline())
	}
	for _, d := range rep.Diagnostics {
		if onlyBad && d.Severity == ci.SeverityInfo {
			continue
		}
		b.WriteString("\n  diagnostic " + d.Pos.String() + " " + d.Message)
	}
	return b.String()[:min(b.Len(), 2000)]
}

// noReader reads nothing.
type noReader struct{}

func (noReader) Line(format.Line)  {}
func (noReader) Finish() ci.Report { return ci.Report{} }
