package actions_test

import (
	"fmt"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/report"
	"keepgreen/internal/report/actions"
)

func TestActions(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{
			"an annotation with everything",
			"::error file=src/a.py,line=3,col=8,endLine=3,endColumn=10,title=Ruff (F401)::src/a.py:3:8: F401 `os` imported%0Abut unused, 100%25",
			"ruff F401 error src/a.py:3:8 `os` imported\nbut unused, 100%\n",
		},
		{
			"an annotation of ruff with an absolute path and no column in the title",
			"::warning title=Ruff (E501),file=/home/ci/project/a.py,line=1,col=89::a.py:1:89: E501 Line too long",
			"ruff E501 warning /home/ci/project/a.py:1:89 Line too long\n",
		},
		{
			"a colon and a comma in a property",
			"::error file=C%3A\\x%2Cy.cs,line=1::m",
			"actions  error C:/x,y.cs:1 m\n",
		},
		{
			"a notice without a file and a warning of the runner are no failures",
			"::notice::hello\n2024-05-01T12:34:56.1234567Z ##[warning]Node.js 16 actions are deprecated.\n::debug::x\n::group::y\n::error",
			"",
		},
		{
			"that a process ended is noise",
			"##[error]Process completed with exit code 1.\n##[error]The process '/usr/bin/git' failed with exit code 128",
			"",
		},
		{
			"an error of a step, told twice",
			"2024-05-01T12:34:56.1234567Z ##[error]Unable to resolve action `a/b@v9`\n##[error]Unable to resolve action `a/b@v9`",
			"error actions  Unable to resolve action `a/b@v9`\n",
		},
		{
			"what the runner says about the machine",
			"##[error]The operation was canceled.\n##[error]The runner has received a shutdown signal. This can happen when the runner service is stopped\n##[error]The action 'Test' has timed out after 10 minutes.\n##[error]The self-hosted runner: r1 lost communication with the server. Verify the machine\n##[error]Process completed with exit code 137.",
			"infra runner cancelled The operation was canceled.\ninfra runner shutdown The runner has received a shutdown signal. This can happen when the runner service is stopped\ninfra runner timeout The action 'Test' has timed out after 10 minutes.\ninfra runner lost_runner The self-hosted runner: r1 lost communication with the server. Verify the machine\ninfra runner killed Process completed with exit code 137.\n",
		},
		{
			"what the shell and the kernel say",
			"OSError: [Errno 28] No space left on device\n/home/runner/work/_temp/1.sh: line 2:  2303 Killed                  pytest -q\n",
			"infra runner disk_full OSError: [Errno 28] No space left on device\ninfra runner killed /home/runner/work/_temp/1.sh: line 2:  2303 Killed                  pytest -q\n",
		},
		{
			"talk about such things is none",
			"test_raises_when_killed PASSED\nKilled processes are restarted\nassert 'No space left on device' in str(error)\nthe request has timed out after 3 tries\n: line 3: of poem Killed",
			"",
		},
		{
			"jobs have each their own",
			"build\tRun\t2024-05-01T12:34:56.1234567Z ##[error]The operation was canceled.\ntest\tRun\t2024-05-01T12:34:56.1234567Z ##[error]The operation was canceled.",
			"infra runner cancelled The operation was canceled. [build]\ninfra runner cancelled The operation was canceled. [test]\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, read := range []func() (ci.Report, error){
				func() (ci.Report, error) { return actions.Read(strings.NewReader(tc.in)) },
				func() (ci.Report, error) { return report.Log(strings.NewReader(tc.in)) },
			} {
				rep, err := read()
				if err != nil {
					t.Fatal(err)
				}
				if rep.Format == "log" { // sorted; compared as a set
					got, want := lineSet(actionsBrief(rep)), lineSet(tc.want)
					for line := range want {
						if !got[line] {
							t.Errorf("%s lacks %q in %v", rep.Format, line, got)
						}
					}
					if len(got) != len(want) {
						t.Errorf("%s: %v, want %v", rep.Format, got, want)
					}
					continue
				}
				if got := actionsBrief(rep); got != tc.want {
					t.Errorf("got:\n%swant:\n%s", got, tc.want)
				}
			}
		})
	}
}

func lineSet(s string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(s) {
		set[line] = true
	}
	return set
}

func actionsBrief(rep ci.Report) string {
	var b strings.Builder
	for _, d := range rep.Diagnostics {
		fmt.Fprintf(&b, "%s %s %s %s %s\n", d.Tool, d.Rule, d.Severity, d.Pos, d.Message)
	}
	for _, f := range rep.Failures {
		fmt.Fprintf(&b, "%s %s %s %s", f.Kind, f.Tool, f.Rule, f.Message)
		if f.Job != "" {
			fmt.Fprintf(&b, " [%s]", f.Job)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestActionsAreBounded(t *testing.T) {
	var in strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&in, "##[error]failure number %d\n::error file=a.py,line=%d::m\n", i, i+1)
	}
	rep, err := actions.Read(strings.NewReader(in.String()))
	if err != nil || len(rep.Failures) != 1000 || len(rep.Diagnostics) != 10_000 || len(rep.Warnings) != 1 {
		t.Errorf("%v: %d failures, %d diagnostics, warnings %v", err, len(rep.Failures), len(rep.Diagnostics), rep.Warnings)
	}
}

// FuzzActions: nothing panics, nothing is found in lines that hold no message,
// and what is found points to a line of the log.
func FuzzActions(f *testing.F) {
	f.Add("::error file=a,line=1,title=Ruff (F401)::a:1:1: F401 x")
	f.Add("##[error]Process completed with exit code 137.\n: line 1: 2 Killed")
	f.Add("::error file=%3A,col=99999999999999999999::%0A")
	f.Fuzz(func(t *testing.T, in string) {
		rep, err := report.Log(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(in, "\n") + 1
		for _, f := range rep.Failures {
			if f.Log.Line < 1 || f.Log.Line > lines || strings.TrimSpace(f.Message) == "" || strings.ContainsRune(f.Message, 0x1b) {
				t.Errorf("%+v", f)
			}
		}
		for _, d := range rep.Diagnostics {
			if d.Log.Line < 1 || d.Log.Line > lines || d.Pos.File == "" || d.Severity == "" {
				t.Errorf("%+v", d)
			}
		}
		if !strings.Contains(in, "::") && !strings.Contains(in, "##[") && len(rep.Diagnostics) > 0 {
			t.Errorf("found %+v in a log without a command", rep.Diagnostics)
		}
	})
}
