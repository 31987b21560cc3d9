package cli

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/github"
	"keepgreen/internal/history"
	"keepgreen/internal/report"
	"keepgreen/internal/trend"
)

// maxArtifact is the largest artifact that is looked into: reports are small,
// and what is large is a build.
const maxArtifact = 32 << 20

// forge brings in what GitHub knows. A part that the token may not read is a note.
func (in *importer) forge() error {
	client, err := in.s.forge(in.c.Repo)
	if err != nil {
		return err
	}
	in.c.Repo = client.Repo().String()
	settings, err := client.Settings(in.s.ctx)
	if err != nil {
		return noAnswerf("GITHUB_TOKEN needs contents:read and actions:read there", "%w", err)
	}
	for _, part := range []struct {
		name string
		read func(*github.Client, string) error
	}{{"runs", in.forgeRuns}, {"pull requests", in.forgePulls}} {
		if err := part.read(client, settings.DefaultBranch); err != nil {
			if in.s.ctx.Err() != nil {
				return err
			}
			in.n.notes = append(in.n.notes, part.name+": "+err.Error())
		}
	}
	return nil
}

// forgeRuns reads runs with all their attempts. An attempt that is recorded with
// its end is not asked for again: the API has limits.
func (in *importer) forgeRuns(client *github.Client, main string) error {
	recorded, err := in.store.Pipelines(in.s.ctx, in.c.Repo, time.Time{})
	if err != nil {
		return err
	}
	type key struct {
		run     string
		attempt int
	}
	known := map[key]bool{}
	for _, p := range recorded {
		known[key{p.Run, p.Attempt}] = p.Status != ""
	}
	runs, err := client.Runs(in.s.ctx, github.RunFilter{Status: "completed", Limit: in.c.Limit})
	if err != nil {
		return err
	}
	for _, r := range runs {
		id := strconv.FormatInt(r.ID, 10)
		fresh := false
		var last ci.Pipeline
		for attempt := 1; attempt <= r.Attempt; attempt++ {
			if known[key{id, attempt}] {
				continue
			}
			p, err := in.attempt(client, r, attempt, main)
			if err != nil {
				return err
			}
			if err := in.pipeline(p); err != nil {
				return err
			}
			last, fresh = p, true
		}
		if fresh {
			if err := in.artifacts(client, r.ID, last); err != nil {
				in.n.notes = append(in.n.notes, fmt.Sprintf("artifacts of run %d: %v", r.ID, err))
			}
		}
	}
	return nil
}

func (in *importer) attempt(client *github.Client, r github.WorkflowRun, attempt int, main string) (ci.Pipeline, error) {
	if attempt != r.Attempt {
		created := r.Created
		var err error
		if r, err = client.RunAttempt(in.s.ctx, r.ID, attempt); err != nil {
			return ci.Pipeline{}, err
		}
		r.Created = created
	}
	jobs, err := client.Jobs(in.s.ctx, r.ID, attempt)
	if err != nil {
		return ci.Pipeline{}, err
	}
	return pipelineOf(client.Repo().String(), r, jobs, main), nil
}

// pipelineOf is GitHub's answer about an attempt and its jobs.
func pipelineOf(repo string, r github.WorkflowRun, jobs []github.WorkflowJob, main string) ci.Pipeline {
	p := ci.Pipeline{
		Repo: repo, ID: strconv.FormatInt(r.ID, 10), Attempt: max(r.Attempt, 1), Workflow: r.Name, Event: r.Event, Branch: r.HeadBranch, Commit: r.HeadSHA,
		Actor: r.Actor, URL: r.URL, Status: ci.Concluded(r.Conclusion), Created: r.Created, Started: r.Started,
	}
	p.Main = main != "" && p.Branch == main && ci.ClassOfRef(p.Event, true) == ci.RefMain
	if r.Status == "completed" {
		p.Ended = r.Updated
	}
	if len(r.Pulls) > 0 {
		p.Pull = r.Pulls[0]
	}
	for _, j := range jobs {
		p.Jobs = append(p.Jobs, ci.PipelineJob{
			Name: j.Name, Attempt: j.Attempt, Status: ci.Concluded(j.Conclusion), Created: j.Created, Started: j.Started, Ended: j.Completed, Runner: j.Runner, URL: j.URL,
		})
	}
	return p
}

// artifacts reads the reports that a run left, as its tests.
func (in *importer) artifacts(client *github.Client, run int64, p ci.Pipeline) error {
	list, err := client.Artifacts(in.s.ctx, run)
	if err != nil {
		return err
	}
	in.group = &pastRun{name: p.ID, sum: sha256.New(), when: p.Started}
	for _, a := range list {
		if a.Expired || a.Size > maxArtifact {
			continue
		}
		err := client.Download(in.s.ctx, a, github.ArchiveLimits{Packed: maxArtifact}, func(name string, content io.Reader) error {
			data, err := io.ReadAll(io.LimitReader(content, 64<<20))
			if err != nil {
				return err
			}
			return in.source(report.Source{Name: path.Join(a.Name, name), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }})
		})
		if err != nil {
			in.n.notes = append(in.n.notes, err.Error())
		}
	}
	g := in.group
	in.group = nil
	if len(g.reports) == 0 {
		return nil
	}
	g.run = &p
	return in.record(g)
}

// forgePulls reads what became of our fixes, and what was said to our comments.
func (in *importer) forgePulls(client *github.Client, _ string) error {
	pulls, err := client.PullRequests(in.s.ctx, github.PullFilter{State: "all", Limit: in.c.Limit})
	if err != nil {
		return err
	}
	_, repo, err := in.s.identify(in.s.ctx, in.s.root(), in.s.Now())
	if err != nil {
		return err
	}
	reverted := reverts(pulls)
	var fixes []history.FixRow
	var said []history.FeedbackRow
	for _, p := range pulls {
		if slices.Contains(p.Labels, "autofix-bot") || strings.HasPrefix(p.HeadRef, "autofix-") {
			fix, err := in.fix(client, repo, p)
			if err != nil {
				return err
			}
			fix.Reverted = reverted[p.Number]
			fixes = append(fixes, fix)
		}
		comments, err := client.Comments(in.s.ctx, p.Number)
		if err != nil {
			return err
		}
		said = append(said, in.voices(comments)...)
	}
	in.n.Fixes += len(fixes)
	in.n.Feedback += len(said)
	if err := in.store.PutFixes(in.s.ctx, fixes); err != nil {
		return err
	}
	return in.store.PutFeedback(in.s.ctx, said)
}

var (
	revertOf   = regexp.MustCompile(`(?m)^Reverts (?:[\w.-]+/[\w.-]+)?#(\d+)\s*$`)
	confidence = regexp.MustCompile(`(?i)confidence\W{0,12}(\d{1,3}(?:\.\d+)?)\s*(%?)`)
	rating     = regexp.MustCompile(`(?m)^\s*/ci rate ([1-5])\s*$`)
)

// reverts finds merged pull requests that take others back, in the words that
// GitHub's own button writes.
func reverts(pulls []github.PullRequest) map[int]time.Time {
	out := map[int]time.Time{}
	for _, p := range pulls {
		if m := revertOf.FindStringSubmatch(p.Body); m != nil && p.Merged {
			if n, err := strconv.Atoi(m[1]); err == nil {
				out[n] = p.MergedAt
			}
		}
	}
	return out
}

// fix is what became of one of our pull requests. That it was merged unchanged is
// told by the patch ids of its first commit and of what was merged, where git has
// both here; else by whether anybody but its author committed to it.
func (in *importer) fix(client *github.Client, repo *git.Repo, p github.PullRequest) (history.FixRow, error) {
	row := history.FixRow{Repo: in.c.Repo, ID: strconv.Itoa(p.Number), URL: p.URL, Proposed: p.Created, Merged: p.MergedAt}
	if !p.Merged {
		row.Closed = p.Closed
	}
	if m := confidence.FindStringSubmatch(p.Body); m != nil {
		v, err := strconv.ParseFloat(m[1], 64)
		if m[2] == "%" || v > 1 {
			v /= 100
		}
		if err == nil && v >= 0 && v <= 1 {
			row.Confidence = &v
		}
	}
	if !p.Merged {
		return row, nil
	}
	commits, err := client.PullCommits(in.s.ctx, p.Number)
	if err != nil || len(commits) == 0 {
		return row, err
	}
	same := !slices.ContainsFunc(commits, func(c github.Commit) bool { return !github.SameLogin(c.Author, commits[0].Author) })
	if repo != nil {
		proposed, err := repo.PatchID(in.s.ctx, commits[0].SHA+"^", commits[0].SHA)
		merged, err2 := repo.PatchID(in.s.ctx, p.MergeCommit+"^1", p.MergeCommit)
		if err == nil && err2 == nil {
			same = proposed == merged
		}
	}
	row.Unchanged = &same
	return row, nil
}

// voices are the reactions to our comment, and what people wrote after it. Who
// they are is not kept.
func (in *importer) voices(comments []github.Comment) []history.FeedbackRow {
	var out []history.FeedbackRow
	ours := false
	for _, c := range comments {
		row := history.FeedbackRow{Repo: in.c.Repo, ID: fmt.Sprintf("c%d", c.ID), Kind: "reply", N: 1, At: c.Created}
		switch {
		case strings.HasPrefix(c.Body, "## 🤖 CI Feedback"):
			ours = true
			for content, n := range c.Reactions {
				out = append(out, history.FeedbackRow{Repo: in.c.Repo, ID: row.ID + "/" + content, Kind: "reaction", Value: content, N: n, At: c.Updated})
			}
			continue
		case !ours || c.Bot:
			continue
		case rating.MatchString(c.Body):
			row.Kind, row.Value = "survey", rating.FindStringSubmatch(c.Body)[1]
		default:
			row.Value = string(trend.Reply(c.Body))
		}
		out = append(out, row)
	}
	return out
}
