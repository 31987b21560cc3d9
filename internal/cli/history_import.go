package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/artifact"
	"keepgreen/internal/baseline"
	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/render"
	"keepgreen/internal/report"
	"keepgreen/internal/trend"
)

type historyImport struct {
	historyFlags
	Paths []string `arg:"" optional:"" help:"Exports, run_metrics.json, quality_metrics.json, GitHub's answers about runs, reports such as JUnit XML, or directories of them. Of reports, each file is a run, and each directory in a directory is one." placeholder:"PATHS"`
	Main  bool     `help:"The reports are of main."`

	GitHub bool `name:"github" help:"Bring in what GitHub knows of the repository: runs with their jobs and artifacts, what became of fixes, what was said to our comments."`
	Limit  int  `default:"200" help:"So many runs and pull requests, the newest." placeholder:"N"`
}

// imported counts what came in.
type imported struct {
	history.Imported
	Ignored int
	notes   []string
}

// Run reads the past and records it. It can be repeated.
func (c *historyImport) Run(s *session) error {
	if len(c.Paths) == 0 && !c.GitHub {
		return usagef("name files or directories, or ask --github", "there is nothing to import")
	}
	if c.Limit < 1 || c.Limit > 1000 {
		return usagef("", "--limit: %d is not a number from 1 to 1000", c.Limit)
	}
	store, err := c.open(s, history.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	in := &importer{s: s, c: c, store: store}
	for _, path := range c.Paths {
		if err := in.path(path); err != nil {
			return err
		}
	}
	if c.GitHub {
		if err := in.forge(); err != nil {
			return err
		}
	}
	return in.tell()
}

// importer reads sources into a store.
type importer struct {
	s     *session
	c     *historyImport
	store *history.Store
	n     imported
	group *pastRun // the run that is being gathered; nil: none
}

// pastRun is one run of which reports were found.
type pastRun struct {
	name    string
	sum     hash.Hash
	when    time.Time
	reports []ci.Report
	run     *ci.Pipeline
	jobs    []ci.PipelineJob
}

// path reads everything at or below a path.
func (in *importer) path(path string) error {
	root := in.s.resolve(path)
	for file, err := range walk(root) {
		if err != nil {
			return usagef("", "%s: %w", path, bare(err))
		}
		name := runOfFile(root, file)
		if in.group == nil || in.group.name != name {
			if err := in.finish(); err != nil {
				return err
			}
			in.group = &pastRun{name: name, sum: sha256.New()}
		}
		if err := in.file(path, file); err != nil {
			return err
		}
	}
	return in.finish()
}

// runOfFile is the run that a file belongs to: the directory below the root that
// it stands in, or itself.
func runOfFile(root, file string) string {
	rel, err := filepath.Rel(root, file)
	if err != nil || rel == "." {
		return file
	}
	if dir, _, nested := strings.Cut(filepath.ToSlash(rel), "/"); nested {
		return filepath.Join(root, dir)
	}
	return file
}

func (in *importer) file(asked, path string) error {
	if info, err := os.Stat(path); err == nil && info.ModTime().After(in.group.when) {
		in.group.when = info.ModTime()
	}
	var failed error
	in.s.openFile(asked, path, func(source report.Source, err error) bool {
		if err == nil {
			err = in.source(source)
		}
		failed = err
		return err == nil
	})
	return failed
}

// source reads one text. What is none of what can be imported is counted and
// passed over; what is, and is broken, is said.
func (in *importer) source(source report.Source) error {
	text, err := source.Open()
	if err != nil {
		return usagef("", "%s: %w", source.Name, bare(err))
	}
	defer text.Close()
	r := bufio.NewReaderSize(text, 64<<10)
	head, _ := r.Peek(4096)
	if history.IsLines(head) {
		n, err := in.store.ImportLines(in.s.ctx, r)
		in.n.add(n)
		if err != nil {
			return usagef("what came before that line was imported", "%s: %s", source.Name, withHint(err))
		}
		return nil
	}
	if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n\xef\xbb\xbf"), []byte("{")) {
		data, err := io.ReadAll(io.LimitReader(r, artifact.MaxSize+1))
		if err != nil {
			return usagef("", "%s: %w", source.Name, bare(err))
		}
		if known, err := in.document(source.Name, data); known || err != nil {
			return err
		}
		r = bufio.NewReader(bytes.NewReader(data))
	}
	rep, err := report.Read(io.TeeReader(r, in.group.sum))
	rep.Source = source.Name
	if err != nil {
		in.n.notes = append(in.n.notes, fmt.Sprintf("%s: %v", source.Name, bare(err)))
	}
	if len(rep.Tests) == 0 && rep.Coverage == nil {
		in.n.Ignored++
		return nil
	}
	in.group.reports = append(in.group.reports, rep)
	return nil
}

// document takes a JSON document over; known is false for what is none.
func (in *importer) document(name string, data []byte) (known bool, err error) {
	doc, err := artifact.Read(data)
	if errors.Is(err, artifact.ErrUnknown) {
		return false, nil
	}
	if err != nil {
		in.n.notes = append(in.n.notes, name+": "+err.Error())
		return true, nil
	}
	switch doc.Kind {
	case artifact.KindMetrics:
		row := history.PipelineOf(*doc.Metrics)
		row.Repo = cmp.Or(row.Repo, in.repo())
		return true, in.put([]history.PipelineRow{row})
	case artifact.KindQuality:
		return true, in.quality(name, data)
	case artifact.KindRun:
		in.group.run = doc.Run
	case artifact.KindJobs:
		in.group.jobs = append(in.group.jobs, doc.Jobs...)
	default:
		in.n.Ignored++
	}
	return true, nil
}

func (in *importer) put(rows []history.PipelineRow) error {
	if err := in.store.PutPipelines(in.s.ctx, rows); err != nil {
		return noAnswerf("", "%s", withHint(err))
	}
	in.n.Runs += len(rows)
	return nil
}

// quality reads the runs of main that the guide's baseline file remembers.
func (in *importer) quality(name string, data []byte) error {
	q, err := baseline.Parse(data)
	if err != nil {
		in.n.notes = append(in.n.notes, name+": "+err.Error())
		return nil
	}
	var rows []history.PipelineRow
	for _, e := range q.History() {
		if e.RunID == "" || e.Time.IsZero() {
			continue
		}
		rows = append(rows, history.PipelineRow{
			Repo: in.repo(), Run: e.RunID, Attempt: 1, Class: ci.RefMain, Commit: e.Commit, Status: ci.JobSuccess, Started: e.Time, Coverage: e.Coverage,
		})
	}
	return in.put(rows)
}

// finish records the run that was gathered.
func (in *importer) finish() error {
	g := in.group
	in.group = nil
	if g == nil {
		return nil
	}
	if g.run != nil {
		g.run.Jobs = g.jobs
		g.run.Repo = cmp.Or(g.run.Repo, in.repo())
		if in.c.Main {
			g.run.Main = true
		}
		if err := in.pipeline(*g.run); err != nil {
			return err
		}
	}
	if len(g.reports) == 0 {
		return nil
	}
	return in.record(g)
}

// pipeline records the clock of one attempt.
func (in *importer) pipeline(p ci.Pipeline) error {
	timing := trend.Timing(p)
	m := ci.RunMetrics{Time: p.Started, Run: p, Timing: timing, Metrics: trend.Collect(trend.Facts{Timing: timing})}
	if err := in.store.PutPipeline(in.s.ctx, history.PipelineOf(m), timing.Jobs); err != nil {
		return noAnswerf("", "%s", withHint(err))
	}
	in.n.Runs++
	return nil
}

// record puts the tests of a past run in. Its id is made of its content, so that
// importing it again changes nothing.
func (in *importer) record(g *pastRun) error {
	report.Resolve(g.reports, nil)
	all := report.Union(g.reports)
	run := ci.Run{
		ID: "import-" + hex.EncodeToString(g.sum.Sum(nil)[:8]), Attempt: 1, Repo: in.repo(), Event: "import", Main: in.c.Main,
		Started: g.when.UTC(), Tests: all.Tests, Coverage: mergedCoverage(g.reports),
	}
	if g.run != nil {
		run.ID, run.Attempt, run.Repo, run.Workflow, run.Event = g.run.ID, g.run.Attempt, g.run.Repo, g.run.Workflow, g.run.Event
		run.Branch, run.Commit, run.Main, run.Started = g.run.Branch, g.run.Commit, g.run.Main, g.run.Started
	}
	for _, t := range run.Tests {
		run.Duration += t.Duration
	}
	added, err := in.store.Append(in.s.ctx, run, nil)
	switch {
	case errors.Is(err, history.ErrConflict):
		in.n.Known++ // the same run, read from elsewhere
	case err != nil:
		return noAnswerf("", "%s", withHint(err))
	case added:
		in.n.Records++
	default:
		in.n.Known++
	}
	return nil
}

// repo is the repository of what does not say it.
func (in *importer) repo() string { return cmp.Or(in.c.Repo, filepath.Base(in.s.root())) }

func (n *imported) add(more history.Imported) {
	n.Runs += more.Runs
	n.Records += more.Records
	n.Known += more.Known
	n.Fixes += more.Fixes
	n.Feedback += more.Feedback
}

func (in *importer) tell() error {
	n := in.n
	if in.s.Format == "json" {
		return writeJSON(in.s.Stdout, map[string]any{
			"runs": n.Runs, "records": n.Records, "known": n.Known, "fixes": n.Fixes, "feedback": n.Feedback, "ignored": n.Ignored, "notes": append([]string{}, n.notes...),
		})
	}
	parts := []string{plural(n.Runs, "run", "runs"), plural(n.Records, "set of results", "sets of results")}
	for _, more := range []struct {
		n         int
		one, many string
	}{{n.Known, "known already", "known already"}, {n.Fixes, "fix", "fixes"}, {n.Feedback, "voice", "voices"}, {n.Ignored, "file ignored", "files ignored"}} {
		if more.n > 0 {
			parts = append(parts, plural(more.n, more.one, more.many))
		}
	}
	fmt.Fprintf(in.s.Stdout, "imported %s\n", strings.Join(parts, ", "))
	for _, note := range slices.Compact(n.notes) {
		fmt.Fprintf(in.s.Stdout, "  ! %s\n", render.Visible(note))
	}
	return nil
}
