package cli

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"os"
	"path"
	"slices"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
	"keepgreen/internal/history"
	"keepgreen/internal/report"
	"keepgreen/internal/report/format"
	"keepgreen/internal/triage"
)

// greenLog is what is known of a green run of a job: the shapes of its lines, and
// the findings that it has, too.
type greenLog struct {
	templates *triage.Templates // nil: nothing is known
	findings  map[string]int    // how many of each
}

// green reads the log that was asked for.
func (c *triageCommand) green(s *session) (greenLog, error) {
	if c.GreenLog == "" {
		return greenLog{}, nil
	}
	file, err := os.Open(s.resolve(c.GreenLog))
	if err != nil {
		return greenLog{}, usagef("", "--green-log %s: %w", c.GreenLog, bare(err))
	}
	defer file.Close()
	log, err := lessonOf(file)
	if err != nil {
		return greenLog{}, usagef("", "--green-log %s: %w", c.GreenLog, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return greenLog{}, usagef("", "--green-log %s: %w", c.GreenLog, bare(err))
	}
	rep, _ := report.Read(file) // what could not be read of it is subtracted from nothing
	green := greenLog{templates: &log.templates, findings: map[string]int{}}
	for _, f := range findings(rep) {
		green.findings[findingKey(f)]++
	}
	return green, nil
}

// findings are what a report says besides its tests.
func findings(rep ci.Report) []ci.Failure {
	out := slices.Clone(rep.Failures)
	for _, d := range rep.Diagnostics {
		out = append(out, d.Failure())
	}
	return slices.DeleteFunc(out, func(f ci.Failure) bool { return f.Test != "" })
}

// findingKey is a finding without the lines around it, which move. The
// fingerprint alone will not do: of lint findings it is the rule.
func findingKey(f ci.Failure) string {
	return triage.Fingerprint(f, nil) + "\x00" + f.Pos.File + "\x00" + triage.Mask(f.Message)
}

// subtract takes out of a report what the green log has, too, one for one, and
// counts it. A test that fails is never taken out: that it also failed where all
// was well is no reason to believe it.
func (g greenLog) subtract(rep *ci.Report) int {
	left := maps.Clone(g.findings)
	known := func(f ci.Failure) bool {
		key := findingKey(f)
		if f.Test != "" || left[key] == 0 {
			return false
		}
		left[key]--
		return true
	}
	before := len(rep.Failures) + len(rep.Diagnostics)
	rep.Failures = slices.DeleteFunc(rep.Failures, known)
	rep.Diagnostics = slices.DeleteFunc(rep.Diagnostics, func(d ci.Diagnostic) bool { return known(d.Failure()) })
	return before - len(rep.Failures) - len(rep.Diagnostics)
}

// lesson is what one pass over a log teaches.
type lesson struct {
	templates triage.Templates
	actions   bool // it is a log of GitHub Actions, which says of each step what it runs
	failed    bool // and of each step that failed that it did
}

func lessonOf(r io.Reader) (*lesson, error) {
	var l lesson
	for line, err := range format.Lines(r) {
		if err != nil {
			return nil, err
		}
		l.actions = l.actions || bytes.HasPrefix(line.Text, []byte("##[group]Run "))
		l.failed = l.failed || bytes.HasPrefix(line.Text, []byte("##[error]"))
		l.templates.Add(line.Text)
	}
	return &l, nil
}

// jobOf is the name under which the log of one job comes back in every run.
func jobOf(source report.Source) string { return cmp.Or(source.Job, path.Base(source.Name)) }

// green is what the history holds of the job's green logs; nil: none.
func (p *past) green(job string) *triage.Templates {
	if p.store == nil {
		return nil
	}
	kept, err := p.store.Greens(context.Background(), p.repo, p.workflow, job)
	if err != nil || len(kept) == 0 {
		return nil // a comparison that cannot be made is left out
	}
	var t triage.Templates
	for _, g := range kept {
		// Shapes of an older mask do not compare; the next green run replaces them.
		_ = t.UnmarshalText(g.Templates)
	}
	if t.Len() == 0 {
		return nil
	}
	return &t
}

// learn notes how the log of a job that went well looks: it did if the caller says
// so, if nothing in its log is a failure, or if GitHub's runner reports none.
func (p *past) learn(source report.Source, rep ci.Report, green bool) {
	failed := slices.ContainsFunc(rep.Tests, func(t ci.TestResult) bool { return t.Outcome.Bad() })
	if failed || !isLog(rep.Format) {
		return
	}
	text, err := source.Open()
	if err != nil {
		return
	}
	defer text.Close()
	log, err := lessonOf(text)
	if err == nil && (green || len(rep.Failures)+len(rep.Diagnostics) == 0 || log.actions && !log.failed) {
		p.keep(jobOf(source), log)
	}
}

// maxLearned is the longest log of a tool that "run" reads once more to learn it.
const maxLearned = 16 << 20

// learnTools notes how the output of the tools that went well looks.
func (p *past) learnTools(done []execution) {
	if p.store == nil {
		return
	}
	for _, x := range done {
		if x.job.Status != ci.JobSuccess || x.log == "" {
			continue
		}
		file, err := os.Open(x.log)
		if err != nil {
			continue
		}
		if info, err := file.Stat(); err == nil && info.Size() <= maxLearned {
			if log, err := lessonOf(file); err == nil {
				p.keep(x.plan.Tool, log)
			}
		}
		file.Close()
	}
}

// keep takes a lesson down, to be stored with the run.
func (p *past) keep(job string, log *lesson) {
	shapes, err := log.templates.MarshalText()
	if err == nil && log.templates.Len() > 0 && len(shapes) <= history.MaxGreen {
		p.learned = append(p.learned, history.Green{Job: job, Templates: shapes})
	}
}

// isLog reports whether a format is that of lines for people, as a log has them.
func isLog(name string) bool {
	if name == "log" || name == "unknown" {
		return true
	}
	return slices.ContainsFunc(report.Formats(), func(f format.Format) bool { return f.Name == name && f.Text })
}

// judged is what is worth keeping of verdicts: healthy and unknown are what they
// are without memory.
func judged(verdicts []flake.Verdict) (out []history.Judged) {
	for _, v := range verdicts {
		if v.Verdict != ci.FlakeHealthy && v.Verdict != ci.FlakeUnknown {
			out = append(out, history.Judged{Test: v.ID, Variant: v.Variant, Verdict: v.Verdict})
		}
	}
	return out
}

// saidBefore is what was kept as the analysis takes it; nil: nothing was.
func saidBefore(said []history.Judged) map[flake.Test]ci.FlakeVerdict {
	if len(said) == 0 {
		return nil
	}
	out := make(map[flake.Test]ci.FlakeVerdict, len(said))
	for _, j := range said {
		out[flake.Test{ID: j.Test, Variant: j.Variant}] = j.Verdict
	}
	return out
}
