package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"keepgreen/internal/github/githubtest"
)

// forges is the key of a script's fake GitHub.
type forges struct{}

// forge is the fake GitHub of one script: octo/shop with a pull request.
type forge struct {
	*githubtest.Server
	repo *githubtest.Repo
}

// scriptT lets the fake fail a script.
type scriptT struct{ ts *testscript.TestScript }

func (scriptT) Helper()                             {}
func (t scriptT) Cleanup(f func())                  { t.ts.Defer(f) }
func (t scriptT) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (t scriptT) Fatal(args ...any)                 { t.ts.Fatalf("%s", fmt.Sprint(args...)) }

// fakeGitHub is the command "github": a fake GitHub for keepgreen to talk to.
func fakeGitHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: github start|token|event|run|push|comment|comments|react|checks|label|fail …")
	}
	at := ts.Value(forges{}).(**forge) //nolint:forcetypeassert // set by Setup
	if args[0] == "start" {
		*at = startForge(ts)
		return
	}
	f := *at
	if f == nil {
		ts.Fatalf("github start comes first")
	}
	do, known := map[string]func(*testscript.TestScript, []string){
		"token": f.token, "event": f.event, "run": f.run, "comment": f.comment, "comments": f.comments, "checks": f.checks, "label": f.label, "push": f.push, "react": f.react, "fail": f.fail, "files": f.files, "pulls": f.pulls,
	}[args[0]]
	if !known {
		ts.Fatalf("github %s is not known", args[0])
	}
	do(ts, args[1:])
}

func startForge(ts *testscript.TestScript) *forge {
	s := githubtest.New(scriptT{ts})
	s.Token("writer", githubtest.Workflow("contents:read", "actions:read", "pull-requests:write", "checks:write"))
	s.Token("fork", githubtest.Fork())
	s.Token("healer", githubtest.Workflow("contents:write", "pull-requests:write", "issues:write"))
	f := &forge{s, s.Repo("octo/shop")}
	f.repo.Commit("feature", "a change", map[string]string{"shop/cart.py": "x = 1\n"})
	f.repo.Pull("feature", "a change")
	for name, value := range map[string]string{
		"GITHUB_API_URL": s.URL, "GITHUB_TOKEN": "writer", "GITHUB_REPOSITORY": "octo/shop", "GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_ACTIONS": "true", "GITHUB_WORKFLOW": "CI", "GITHUB_RUN_ID": "100", "GITHUB_RUN_ATTEMPT": "1", "HEAD": f.repo.Head("feature"),
	} {
		ts.Setenv(name, value)
	}
	f.event(ts, []string{"pull_request", "1"})
	return f
}

// token: github token writer|fork.
func (*forge) token(ts *testscript.TestScript, args []string) { ts.Setenv("GITHUB_TOKEN", args[0]) }

// event: github event pull_request N, or github event workflow_run ID, or github
// event push.
func (f *forge) event(ts *testscript.TestScript, args []string) {
	text := "{}"
	switch args[0] {
	case "workflow_run":
		text = `{"workflow_run":{"id":` + args[1] + `}}`
	case "pull_request":
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		p := f.repo.Pulls()[n-1]
		text = fmt.Sprintf(`{"number":%d,"pull_request":{"number":%d,"head":{"sha":%q,"repo":{"full_name":%q}}}}`, n, n, p.HeadSHA, p.HeadRepo)
	}
	path := ts.MkAbs("event.json")
	ts.Check(os.WriteFile(path, []byte(text), 0o644))
	ts.Setenv("GITHUB_EVENT_PATH", path)
	ts.Setenv("GITHUB_EVENT_NAME", args[0])
}

// run: github run ID DIR [fork]: a finished run with the files of a folder as its
// artifact, of the pull request or of a stranger's, whose number is then $PULL.
func (f *forge) run(ts *testscript.TestScript, args []string) {
	id, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	run := githubtest.Run{ID: id, HeadBranch: "feature", HeadSHA: f.repo.Head("feature"), Conclusion: "failure", Pulls: []int{1}}
	if len(args) > 2 {
		p := f.repo.ForkPull("stranger", "patch-"+args[0]+"&head=octo:feature;$(id)<b>@octocat#1", "a gift")
		run.HeadRepo, run.HeadBranch, run.HeadSHA, run.Pulls = p.HeadRepo, p.HeadRef, p.HeadSHA, nil
		ts.Setenv("PULL", strconv.Itoa(p.Number))
		ts.Setenv("HEAD", p.HeadSHA)
	}
	files := map[string]string{}
	dir := ts.MkAbs(args[1])
	ts.Check(filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	}))
	f.repo.AddArtifact(f.repo.AddRun(run), "keepgreen", files)
}

// files: github files DIR: the pull request's branch gets the files of a folder.
func (f *forge) files(ts *testscript.TestScript, args []string) {
	files := map[string]string{}
	dir := ts.MkAbs(args[0])
	entries, err := os.ReadDir(dir)
	ts.Check(err)
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			files[entry.Name()] = ts.ReadFile(filepath.Join(dir, entry.Name()))
		}
	}
	ts.Setenv("HEAD", f.repo.Commit("feature", "as it is here", files))
}

// pulls: github pulls FILE: every pull request, with the files of its branch.
func (f *forge) pulls(ts *testscript.TestScript, args []string) {
	var b strings.Builder
	for _, p := range f.repo.Pulls() {
		fmt.Fprintf(&b, "--- #%d %s into %s draft=%t labels=%s\n%s\n%s\n", p.Number, p.HeadRef, p.BaseRef, p.Draft, strings.Join(p.Labels, ","), p.Title, p.Body)
		for name, text := range f.repo.Files(p.HeadRef) {
			fmt.Fprintf(&b, "file %s: %q\n", name, text)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// push: github push: the pull request gets one more commit, $HEAD.
func (f *forge) push(ts *testscript.TestScript, _ []string) {
	ts.Setenv("HEAD", f.repo.Commit("feature", "more", map[string]string{"shop/more.py": "y = 2\n"}))
	f.event(ts, []string{"pull_request", "1"})
}

// comment: github comment PULL AUTHOR FILE.
func (f *forge) comment(ts *testscript.TestScript, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f.repo.AddComment(n, args[1], ts.ReadFile(args[2]))
}

// comments: github comments PULL FILE: every comment, after its author's name.
func (f *forge) comments(ts *testscript.TestScript, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b strings.Builder
	for _, c := range f.repo.Comments(n) {
		fmt.Fprintf(&b, "--- %s\n%s\n", c.Author, strings.TrimSuffix(c.Body, "\n"))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
}

// checks: github checks FILE: the check runs on $HEAD.
func (f *forge) checks(ts *testscript.TestScript, args []string) {
	var b strings.Builder
	for _, c := range f.repo.Checks(ts.Getenv("HEAD")) {
		fmt.Fprintf(&b, "%s: %s: %s\n", c.Name, c.Conclusion, c.Title)
		for _, a := range c.Annotations {
			fmt.Fprintf(&b, "  %s:%d %s: %s\n", a.Path, a.Start, a.Level, a.Title)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// label: github label PULL NAME.
func (f *forge) label(ts *testscript.TestScript, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f.repo.Label(n, args[1])
}

// react: github react PULL LOGIN CONTENT: on the first comment.
func (f *forge) react(ts *testscript.TestScript, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f.repo.React(f.repo.Comments(n)[0].ID, args[1], args[2])
}

// fail: github fail METHOD PATH STATUS: as often as anybody asks.
func (f *forge) fail(ts *testscript.TestScript, args []string) {
	status, err := strconv.Atoi(args[2])
	ts.Check(err)
	f.Fail(githubtest.Fault{Method: args[0], Path: args[1], Status: status, Times: 4})
}
