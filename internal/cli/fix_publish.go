package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/git"
	"keepgreen/internal/github"
	"keepgreen/internal/heal"
	"keepgreen/internal/render"
)

type fixPublish struct {
	Patch     string  `required:"" help:"The verified patch." placeholder:"FILE"`
	Verdict   string  `help:"Its verdict. Without it: PATCH.verdict.json." placeholder:"FILE"`
	Threshold float64 `setting:"AI_CONFIDENCE_THRESHOLD" key:"fix.threshold" default:"0.9" help:"What the confidence has to be greater than." placeholder:"X"`
	MaxFiles  int     `key:"fix.max_files" default:"3" help:"The most files of one patch." placeholder:"N"`
	MaxLines  int     `key:"fix.max_lines" default:"60" help:"The most changed lines of one patch." placeholder:"N"`
	PerDay    int     `key:"fix.per_day" default:"5" help:"The most pull requests of a day." placeholder:"N"`
	Repo      string  `help:"The repository on GitHub." placeholder:"OWNER/NAME"`
	Into      string  `help:"The branch that the pull request is for. Without it: the one that was tested." placeholder:"BRANCH"`
	DryRun    bool    `help:"Say what would be published, and publish nothing."`
}

// The labels of the pull request, and the one that stops all of them.
var (
	autofixLabels = []string{"autofix-bot", "needs-review"}
	autofixStop   = "autofix-stop"
)

// Run publishes a patch that was verified. It runs nothing of the repository's.
func (c *fixPublish) Run(s *session) error {
	if s.switchedOff() {
		return c.told(s, render.PublishedView{Stopped: offNote})
	}
	patch, verdict, err := c.read(s)
	if err != nil {
		return err
	}
	if why := c.refused(patch, verdict); why != "" {
		return c.told(s, render.PublishedView{Stopped: why, No: true})
	}
	repo, _, err := s.repository()
	if err != nil {
		return err
	}
	files, err := c.files(s, repo, patch, verdict)
	if err != nil {
		return err
	}
	p := publication{patch: verdict, into: c.into(s, repo), now: s.Now(), files: files, perDay: c.PerDay, merged: s.Env["GITHUB_EVENT_NAME"] == "pull_request"}
	p.version, _ = buildVersion()
	p.runURL = runURL(s)
	p.waits = s.Env["GITHUB_ACTIONS"] == "true" && s.Env["GITHUB_APP_ID"] == ""
	if c.DryRun {
		view := p.view("", "")
		return c.told(s, render.PublishedView{Branch: p.branch(), Title: render.PullTitle(verdict.Description), Body: render.PullBody(view), Dry: true, Draft: verdict.Draft})
	}
	client, err := s.forge(c.Repo)
	if err != nil {
		return err
	}
	done, err := p.publish(s.ctx, client)
	if err != nil {
		return noAnswerf("publishing needs contents: write and pull-requests: write", "%w", err)
	}
	return c.told(s, done)
}

// offNote is all that a step says which is switched off.
const offNote = "auto-fix is switched off: KEEPGREEN_AUTOFIX=off"

// switchedOff: a repository variable, handed on by the workflow, stops everything.
func (s *session) switchedOff() bool {
	return slices.Contains([]string{"off", "false", "0", "no"}, strings.ToLower(strings.TrimSpace(s.Env["KEEPGREEN_AUTOFIX"])))
}

func runURL(s *session) string {
	if s.Env["GITHUB_RUN_ID"] == "" {
		return ""
	}
	return s.Env["GITHUB_SERVER_URL"] + "/" + s.Env["GITHUB_REPOSITORY"] + "/actions/runs/" + s.Env["GITHUB_RUN_ID"]
}

// read reads the patch and its verdict.
func (c *fixPublish) read(s *session) (string, render.Verdict, error) {
	var verdict render.Verdict
	patch, err := readPatch(s, c.Patch)
	if err != nil {
		return "", verdict, err
	}
	file := c.Verdict
	if file == "" {
		file = c.Patch + ".verdict.json"
	}
	data, err := os.ReadFile(s.inRepo(file))
	if err != nil {
		return "", verdict, usagef("keepgreen fix verify writes it", "--verdict %s: %w", file, bare(err))
	}
	if err := json.Unmarshal(data, &verdict); err != nil {
		return "", verdict, usagef("keepgreen fix verify writes one", "--verdict %s: not a verdict: %w", file, err)
	}
	return patch, verdict, nil
}

// refused says why a patch is not to be published by what its verdict says.
func (c *fixPublish) refused(patch string, v render.Verdict) string {
	sum := sha256.Sum256([]byte(patch))
	header := heal.ParseHeader(patch)
	switch {
	case v.SHA256 != hex.EncodeToString(sum[:]):
		return "this is not the patch that was verified: its hash is another one"
	case !v.Verified:
		return "the patch is not verified: " + strings.Join(v.Because, "; ")
	case !(v.Confidence > c.Threshold) || v.Confidence > 1:
		return fmt.Sprintf("the confidence %.2f is not greater than %.2f", v.Confidence, c.Threshold)
	case header.Kind != v.Kind || header.Cluster != v.Cluster:
		return "the verdict is about another patch"
	}
	return ""
}

// files applies the patch in a throw-away tree and holds it against the rules once
// more: whoever could write the verdict could not write these.
func (c *fixPublish) files(s *session, repo *git.Repo, patch string, v render.Verdict) ([]heal.Change, error) {
	tree, err := s.copyOf(repo, v.Base)
	if err != nil {
		return nil, err
	}
	defer tree.Close(context.WithoutCancel(s.ctx))
	if err := tree.Apply(s.ctx, patch); err != nil {
		return nil, noAnswerf("", "the patch does not apply to %s: %w", v.Base, err)
	}
	changes, err := changesOf(s.ctx, tree)
	if err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	broken := append(heal.Check(changes, v.Kind, heal.Limits{Files: c.MaxFiles, Lines: c.MaxLines}), s.leaks(changes)...)
	if len(broken) > 0 {
		return nil, noAnswerf("no confidence overrides a rule", "the patch breaks a rule: %s", strings.Join(broken, "; "))
	}
	return changes, nil
}

// into is the branch that the repair is for.
func (c *fixPublish) into(s *session, repo *git.Repo) string {
	for _, branch := range []string{c.Into, s.Env["GITHUB_HEAD_REF"], s.Env["GITHUB_REF_NAME"], repo.Branch(s.ctx)} {
		if branch != "" {
			return branch
		}
	}
	return repo.MainBranch(s.ctx)
}

// publication is a repair that is to be opened as a pull request.
type publication struct {
	patch           render.Verdict
	into            string
	files           []heal.Change
	now             time.Time
	perDay          int
	merged          bool // what was tested is the merge of the branch, so that its head is another commit
	waits           bool
	version, runURL string
}

func (p publication) branch() string { return "autofix-" + p.now.UTC().Format("20060102-150405") }

func (p publication) view(commit, verifiedOn string) render.PullView {
	return render.PullView{Verdict: p.patch, Commit: commit, Waits: p.waits, RunURL: p.runURL, Version: p.version, Merge: p.into, Verified: verifiedOn}
}

// publish makes the commit, the branch and the pull request, unless something says
// that it should not be.
func (p publication) publish(ctx context.Context, client *github.Client) (render.PublishedView, error) {
	pulls, err := client.PullRequests(ctx, github.PullFilter{State: "all", Limit: 500})
	if err != nil {
		return render.PublishedView{}, err
	}
	if why := p.stopped(pulls); why != "" {
		return render.PublishedView{Stopped: why}, nil
	}
	head, err := client.BranchHead(ctx, p.into)
	if err != nil {
		return render.PublishedView{}, err
	}
	verifiedOn := ""
	if head != p.patch.Base {
		if why := p.moved(ctx, client, head); why != "" {
			return render.PublishedView{Stopped: why, No: true}, nil
		}
		verifiedOn = p.patch.Base
	}
	commit := github.NewCommit{Parent: head, Message: render.PullTitle(p.patch.Description) + "\n\n" + strings.Join(p.patch.Because, "\n")}
	for _, f := range p.files {
		commit.Files = append(commit.Files, github.FileEdit{Path: f.Path, Content: []byte(f.After), Executable: f.Mode.Perm()&0o100 != 0})
	}
	made, err := client.CreateCommit(ctx, commit)
	if err != nil {
		return render.PublishedView{}, err
	}
	if err := client.CreateBranch(ctx, p.branch(), made.SHA); err != nil {
		return render.PublishedView{}, err
	}
	view := p.view(made.SHA, verifiedOn)
	pull, err := client.CreatePull(ctx, github.NewPull{
		Title: render.PullTitle(p.patch.Description), Body: render.PullBody(view), Head: p.branch(), Base: p.into, Draft: p.patch.Draft,
	})
	if err != nil { // a branch that nobody can find is no repair
		return render.PublishedView{}, errors.Join(err, client.DeleteBranch(context.WithoutCancel(ctx), p.branch()))
	}
	done := render.PublishedView{Branch: p.branch(), Commit: made.SHA, Pull: pull.URL, Number: pull.Number, Draft: pull.Draft, Title: render.PullTitle(p.patch.Description)}
	if err := client.AddLabels(ctx, pull.Number, autofixLabels...); err != nil {
		done.Warning = err.Error()
	}
	return done, nil
}

// stopped says why nothing is opened now: a person's label, the same repair
// before, or enough for a day.
func (p publication) stopped(pulls []github.PullRequest) string {
	today := 0
	for _, pull := range pulls {
		if pull.State == "open" && slices.Contains(pull.Labels, autofixStop) {
			return fmt.Sprintf("the label %s on #%d stops auto-fix", autofixStop, pull.Number)
		}
		cluster, _, _, ours := render.Marked(pull.Body)
		if !ours || !strings.HasPrefix(pull.HeadRef, "autofix-") {
			continue
		}
		if cluster == p.patch.Cluster {
			return fmt.Sprintf("#%d was opened for this failure before; it is not tried twice", pull.Number)
		}
		if p.now.Sub(pull.Created) < 24*time.Hour {
			today++
		}
	}
	if today >= p.perDay {
		return fmt.Sprintf("%d repairs were opened within a day; that is the most", today)
	}
	return ""
}

// moved says why a repair that was verified on another commit is not for this one.
// What a pull request's checks run on is a merge, which is no branch's head: there
// the files have to be equal.
func (p publication) moved(ctx context.Context, client *github.Client, head string) string {
	if !p.merged {
		return fmt.Sprintf("%s has moved on since the patch was verified: verify it again", p.into)
	}
	for _, f := range p.files {
		text, err := client.File(ctx, f.Path, head)
		if err != nil || string(text) != f.Before {
			return fmt.Sprintf("%s is not the file on %s that the patch was verified on", f.Path, p.into)
		}
	}
	return ""
}

func (c *fixPublish) told(s *session, v render.PublishedView) error {
	if path := s.Env["GITHUB_OUTPUT"]; path != "" && !v.Dry {
		if err := appendFile(path, func(w writer) error { return render.Outputs(w, render.PublishedOutputs(v)) }); err != nil {
			return noAnswerf("", "GITHUB_OUTPUT: %w", err)
		}
	}
	var err error
	if s.Format == "json" {
		err = render.PublishedDocument(s.Stdout, v)
	} else {
		err = render.PublishedText(s.Stdout, v, render.TextOptions{Width: s.Width, Colour: s.Colour})
	}
	if err == nil && v.No {
		return errNo
	}
	return err
}
