package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
	"keepgreen/internal/report"
	"keepgreen/internal/report/format"
	"keepgreen/internal/triage"
)

type triageCommand struct {
	aiFlags
	Paths    []string `arg:"" help:"Logs, reports, archives of logs, or directories of them; - is standard input. What a file is, is recognised from its content." placeholder:"PATHS"`
	Out      string   `default:"ai_analysis" help:"Where error_report.json and triage_report.json go, relative to the repository." placeholder:"DIR"`
	History  string   `default:".keepgreen/history.db" help:"The history: whose a failure is, which tests are flaky, ids of earlier clusters." placeholder:"DB"`
	GreenLog string   `help:"The log of a green run of the same job: only what it never printed can be an error. Without it: the green runs that the history holds." placeholder:"FILE"`
	Record   bool     `help:"Remember this run in the history, and how the logs of jobs that went well looked."`
	Green    bool     `help:"With --record: the jobs went well, whatever their logs say. What they print is what a green run prints, and no error."`
	Shard    string   `help:"With --record: which part of the run this is, where each records its own." placeholder:"NAME"`
	Coverage string   `name:"coverage-map" help:"A database of coverage.py with a context for each test: which tests run what the change touches. Without it: .coverage, if it is there." placeholder:"FILE"`
	Base     string   `help:"The branch or commit that the work is compared with. Without it: the main branch." placeholder:"REF"`
	Full     bool     `help:"Fold nothing in the summary."`
}

// Run reads what CI printed, finds the causes, and tells.
func (c *triageCommand) Run(s *session) error {
	facts, err := c.gather(s)
	if err != nil {
		return err
	}
	defer facts.past.close()
	clusters := triage.Clusters(facts.failed, facts.past.triageOptions(facts))
	adviser, err := s.advisor(c.aiFlags)
	if err != nil {
		return err
	}
	adviser.opinions(s.ctx, facts.root, clusters)
	if c.ShowPrompt && len(clusters) > 0 {
		return nil
	}
	if c.Record {
		if err := facts.past.append(context.WithoutCancel(s.ctx), facts.run, c.Shard, clusters); err != nil {
			return noAnswerf("", "--record: %w", err)
		}
	}
	view := c.compose(facts, clusters)
	view.Fixes = s.repairs(facts.root, facts.repo, clusters)
	view.Note, view.Usage = adviser.said(), adviser.usage()
	return c.act(s, view)
}

func (c *triageCommand) gather(s *session) (*facts, error) {
	f := &facts{root: s.root()}
	if err := isDirectory(f.root, s.Globals.Dir); err != nil {
		return nil, err
	}
	run, repo, err := s.identify(s.ctx, f.root, s.Now())
	if err != nil {
		return nil, noAnswerf("", "%w", err)
	}
	f.run, f.repo = run, repo
	f.run.Warnings = nil // triage needs no git; what git could have told is not missed
	if repo != nil {
		if f.change, err = s.change(s.ctx, repo, c.Base, &f.run); err != nil {
			return nil, usagef("", "--base: %w", err)
		}
	}
	asked := c.Coverage
	if asked != "" {
		asked = s.resolve(asked)
	}
	if f.ran, err = f.covers(s.ctx, asked, filepath.Join(f.root, coverageMap)); err != nil {
		return nil, usagef("", "--coverage-map %s: %w", c.Coverage, err)
	}
	mode := pastReadOnly
	if c.Record {
		mode = pastReadWrite
	}
	f.past = openPast(s, f, c.History, mode)
	if c.Record && f.past.store == nil {
		return nil, noAnswerf("", "--record: %s", f.run.Warnings[len(f.run.Warnings)-1].Text)
	}
	reports, err := c.read(s, f)
	if err != nil {
		f.past.close()
		return nil, err
	}
	f.join(reports)
	f.failed = append(f.failed, f.run.Failures()...)
	return f, nil
}

// read reads every source. A file that no format claims is a log without
// structure; a file that cannot be read to its end is a warning, and what was
// read of it counts. That nothing could be read at all is a malformed question.
func (c *triageCommand) read(s *session, f *facts) ([]ci.Report, error) {
	given, err := c.green(s)
	if err != nil {
		return nil, err
	}
	var out []ci.Report
	sources := 0
	for source, err := range c.sources(s) {
		if err != nil {
			return nil, err
		}
		sources++
		green := given
		if c.GreenLog == "" {
			green.templates = f.past.green(jobOf(source))
		}
		rep, err := readSource(source, green.templates, s.named(c.Paths, source.Name))
		rep.Source = source.Name
		if c.Record && err == nil {
			f.past.learn(source, rep, c.Green)
		}
		if c.Green {
			rep.Failures = slices.DeleteFunc(rep.Failures, func(f ci.Failure) bool { return f.Signal > 0 })
		}
		if n := green.subtract(&rep); n > 0 {
			rep.Warnings = append(rep.Warnings, ci.Warning{Text: plural(n, "finding", "findings") + " left out that the green log has, too"})
		}
		if err != nil {
			rep.Warnings = append(rep.Warnings, ci.Warning{Text: err.Error()})
		}
		for i := range rep.Warnings {
			rep.Warnings[i].Source = source.Name
		}
		for i := range rep.Failures {
			rep.Failures[i].Log.File = source.Name
			rep.Failures[i].Job = cmp.Or(rep.Failures[i].Job, source.Job)
		}
		out = append(out, rep)
	}
	if sources == 0 {
		return nil, usagef("name a log, a report, or a directory that holds some", "%s: no file to read", strings.Join(c.Paths, ", "))
	}
	return out, nil
}

// readSource reads one source by its content. Where a text shows no failure to
// any reader of a format, and it is a log, the lines that matter are extracted.
// In a text that was only found in a directory, and may be prose, weak signs
// are none.
func readSource(source report.Source, green *triage.Templates, named bool) (ci.Report, error) {
	text, err := source.Open()
	if err != nil {
		return ci.Report{}, err
	}
	rep, err := report.Read(text)
	text.Close()
	if err != nil || !needsExtraction(rep) {
		return rep, err
	}
	text, err = source.Open()
	if err != nil {
		return rep, err
	}
	defer text.Close()
	var broken error
	found := triage.Extract(extractable(text, &broken), green, triage.ExtractOptions{Excerpts: 5})
	if !named {
		found = slices.DeleteFunc(found, func(x triage.Excerpt) bool { return !x.Firm() })
	}
	triage.Explain(&rep, found)
	return rep, broken
}

// named reports whether a source is, or stands in, a file that was asked for by
// name, rather than one found in a directory that was.
func (s *session) named(paths []string, source string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		if path == "-" {
			return strings.HasPrefix(source, "standard input")
		}
		info, err := os.Stat(s.resolve(path))
		return err == nil && !info.IsDir() && strings.HasPrefix(source, s.sourceName(s.resolve(path)))
	})
}

// sourceName is a file as reports name it: relative to the repository where it
// is in it.
func (s *session) sourceName(path string) string {
	if rel, err := filepath.Rel(s.root(), path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	return filepath.ToSlash(path)
}

// needsExtraction: the content is a log, and no reader found in it why it failed.
func needsExtraction(rep ci.Report) bool {
	return (rep.Format == "unknown" || rep.Format == "log") && !triage.Explained(rep)
}

// extractable feeds the lines of a log to the extraction.
func extractable(r io.Reader, broken *error) iter.Seq[triage.Line] {
	return func(yield func(triage.Line) bool) {
		for line, err := range format.Lines(r) {
			if err != nil {
				*broken = err
				return
			}
			if !yield(triage.Line{N: line.N, Text: line.Text, Job: line.Job}) {
				return
			}
		}
	}
}

// sources lists the texts of all paths, archives opened, in the paths' order.
func (c *triageCommand) sources(s *session) iter.Seq2[report.Source, error] {
	return func(yield func(report.Source, error) bool) {
		for _, path := range c.Paths {
			for source, err := range s.open(path) {
				if !yield(source, err) || err != nil {
					return
				}
			}
		}
	}
}

func (s *session) open(path string) iter.Seq2[report.Source, error] {
	return func(yield func(report.Source, error) bool) {
		if path == "-" {
			text, size, done, err := spooled(s.Stdin)
			if err != nil {
				yield(report.Source{}, usagef("", "standard input: %w", bare(err)))
				return
			}
			defer done()
			report.Sources("standard input", text, size)(yield)
			return
		}
		for file, err := range walk(s.resolve(path)) {
			if err != nil {
				yield(report.Source{}, usagef("", "%s: %w", path, bare(err)))
				return
			}
			if !s.openFile(path, file, yield) {
				return
			}
		}
	}
}

// openFile yields the sources of one file; false: stop.
func (s *session) openFile(asked, path string, yield func(report.Source, error) bool) bool {
	file, err := os.Open(path)
	if err != nil {
		return yield(report.Source{}, usagef("", "%s: %w", asked, bare(err)))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return yield(report.Source{}, usagef("", "%s: %w", asked, bare(err)))
	}
	for source, err := range report.Sources(s.sourceName(path), file, info.Size()) {
		if !yield(source, err) {
			return false
		}
	}
	return true
}

// walk lists the regular files at or below a path, sorted; what belongs to
// version control or to this tool is passed over, links are not followed.
func walk(path string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && name != path && slices.Contains([]string{".git", ".keepgreen", "node_modules", ".venv"}, entry.Name()):
				return fs.SkipDir
			case name != path && !entry.Type().IsRegular(), entry.IsDir():
				return nil
			case !yield(name, nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", err)
		}
	}
}

func (c *triageCommand) compose(f *facts, clusters []ci.Cluster) render.View {
	version, _ := buildVersion()
	view := render.View{Version: version, Run: f.run, Clusters: clusters, Compare: f.past.compare(f), Verdict: ci.VerdictPass}
	if len(clusters) > 0 {
		view.Verdict = ci.VerdictFail
	}
	f.past.describe(&view, f)
	return view
}

// act writes the two reports of the guide, tells, and hands on the outputs.
func (c *triageCommand) act(s *session, view render.View) error {
	out := c.Out
	if !filepath.IsAbs(out) {
		out = filepath.Join(s.root(), out)
	}
	files := []struct {
		name  string
		write func(io.Writer, render.View) error
	}{{"error_report.json", render.ErrorReport}, {"triage_report.json", render.TriageReport}}
	for _, file := range files {
		err := replaceFile(filepath.Join(out, file.name), func(w io.Writer) error { return file.write(w, view) })
		if err != nil {
			return noAnswerf("", "%s: %w", filepath.Join(c.Out, file.name), bare(err))
		}
	}
	if err := s.tellForge(view, render.TriageOutputs(view)...); err != nil {
		return err
	}
	if s.Format == "json" {
		return render.TriageReport(s.Stdout, view)
	}
	if len(view.Clusters) == 0 {
		fmt.Fprintln(s.Stdout, "No errors to triage")
		return nil
	}
	return render.Text(s.Stdout, view, render.TextOptions{Width: s.Width, Colour: s.Colour, Full: c.Full})
}
