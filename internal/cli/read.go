package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report"
	"keepgreen/internal/report/coverage"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/gotest"
	"keepgreen/internal/report/lint"
	"keepgreen/internal/report/pytest"
	"keepgreen/internal/triage"
)

// writer shortens the signature of what writes a file.
type writer = io.Writer

// logReaders read what the test runners print; what linters print is read by
// lint.ToolOutput, which knows them by name.
var logReaders = map[string]func(io.Reader) (ci.Report, error){
	"pytest":   pytest.Read,
	"unittest": pytest.ReadUnittest,
	"go test":  gotest.ReadJSON,
}

// logReader is the reader for what a tool printed.
func logReader(tool string) func(io.Reader) (ci.Report, error) {
	if read, ok := logReaders[tool]; ok {
		return read
	}
	return func(r io.Reader) (ci.Report, error) { return lint.ToolOutput(tool, r) }
}

// read reads what the tools left and joins it into the run.
func (f *facts) read(ctx context.Context, done []execution) {
	var reports []ci.Report
	for _, x := range done {
		f.run.Jobs = append(f.run.Jobs, x.job)
		reports = append(reports, f.reportsOf(ctx, x)...)
	}
	f.join(reports)
	f.explainSilence(done, reports)
}

// readAttempt reads a further attempt at tests that failed.
func (f *facts) readAttempt(ctx context.Context, x execution) {
	reports := f.reportsOf(ctx, x)
	report.Resolve(reports, f.exists)
	for _, t := range report.Union(reports).Tests {
		t.Attempt = x.attempt
		f.run.Tests = append(f.run.Tests, t)
	}
}

func (f *facts) join(reports []ci.Report) {
	for i := range reports {
		f.ownPositions(&reports[i])
	}
	report.Resolve(reports, f.exists)
	all := report.Union(reports)
	f.run.Tests, f.run.Unnamed = all.Tests, report.Unnamed(reports, all.Tests)
	f.run.Diagnostics = all.Diagnostics
	f.run.Coverage = f.ownCoverage(mergedCoverage(reports))
	f.run.Warnings = append(f.run.Warnings, all.Warnings...)
	f.failed = append(f.failed, all.Failures...)
}

// exists answers for report.Resolve whether a path is a file of the repository.
func (f *facts) exists(path string) bool {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		return false
	}
	info, err := os.Stat(filepath.Join(f.root, filepath.FromSlash(path)))
	return err == nil && info.Mode().IsRegular()
}

// reportsOf reads the log and the report files of one execution.
func (f *facts) reportsOf(ctx context.Context, x execution) []ci.Report {
	var out []ci.Report
	if x.log != "" {
		out = append(out, f.readFile(x.log, logReader(x.plan.Tool)))
	}
	for _, path := range x.plan.Reports {
		rep := f.readFile(path, report.Read)
		rep.Coverage = f.ownPaths(ctx, rep.Coverage)
		out = append(out, rep)
	}
	return out
}

// readFile reads one file; what cannot be read is a warning, and a report that
// its tool did not write is said by the tool's status already.
func (f *facts) readFile(path string, read func(io.Reader) (ci.Report, error)) ci.Report {
	file, err := os.Open(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			f.warn("%v", err)
		}
		return ci.Report{Source: path}
	}
	defer file.Close()
	rep, err := read(file)
	rep.Source = f.relative(path)
	for i := range rep.Warnings {
		rep.Warnings[i].Source = rep.Source
	}
	if err != nil {
		rep.Warnings = append(rep.Warnings, ci.Warning{Source: rep.Source, Text: err.Error()})
	}
	return rep
}

func (f *facts) relative(path string) string {
	if rel, err := filepath.Rel(f.root, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(path)
}

// mergedCoverage is the union of what the reports cover, line by line; several
// tools measure different files of one repository.
func mergedCoverage(reports []ci.Report) *ci.Coverage {
	var all []*ci.Coverage
	for _, rep := range reports {
		if rep.Coverage != nil {
			all = append(all, rep.Coverage)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return coverage.MergeAll(all...)
}

// ownPaths names the files of a coverage report as the repository does. Go
// names them by import path, which only the list of files can undo.
func (f *facts) ownPaths(ctx context.Context, c *ci.Coverage) *ci.Coverage {
	if c == nil {
		return nil
	}
	var tracked []string
	if c.Tool == "go" && f.repo != nil {
		all, err := f.repo.Tracked(ctx)
		if err != nil {
			f.warn("the coverage keeps Go's import paths: %v", err)
		}
		tracked = below(all, f.repo.Sub)
	}
	return coverage.Rebase(c, f.root, tracked)
}

// below is the names in a folder, relative to it; an empty one is the root.
func below(names []string, folder string) []string {
	if folder == "" {
		return names
	}
	var out []string
	for _, name := range names {
		if own, ok := strings.CutPrefix(name, folder+"/"); ok {
			out = append(out, own)
		}
	}
	return out
}

// ownPositions names the places of findings as the repository does: tools
// that were started in it may print absolute paths.
func (f *facts) ownPositions(rep *ci.Report) {
	own := func(p *ci.Position) {
		if filepath.IsAbs(filepath.FromSlash(p.File)) {
			p.File = f.relative(p.File)
		}
	}
	failure := func(fail *ci.Failure) {
		own(&fail.Pos)
		for i := range fail.Frames {
			own(&fail.Frames[i].Position)
		}
		for _, link := range fail.Chain {
			for i := range link.Frames {
				own(&link.Frames[i].Position)
			}
		}
	}
	for i := range rep.Tests {
		if rep.Tests[i].Failure != nil {
			failure(rep.Tests[i].Failure)
		}
	}
	for i := range rep.Failures {
		failure(&rep.Failures[i])
	}
	for i := range rep.Diagnostics {
		own(&rep.Diagnostics[i].Pos)
	}
}

// silence is how much of a log's end stands for it when nothing better is known.
const silence = 4 << 10

// explainSilence makes a failure of every tool that said no, or broke, without
// naming anything: its last lines are then all there is.
func (f *facts) explainSilence(done []execution, reports []ci.Report) {
	said := map[string]bool{}
	for _, rep := range reports {
		for _, t := range rep.Tests {
			said["test"] = said["test"] || t.Outcome.Bad()
		}
		for _, d := range rep.Diagnostics {
			said[d.Tool] = true
		}
		for _, fail := range rep.Failures {
			said[fail.Tool] = true
		}
	}
	for _, x := range done {
		broke := slices.Contains([]ci.JobStatus{ci.JobFailure, ci.JobError, ci.JobTimeout}, x.job.Status)
		if !broke || x.plan.Skip != "" || said[x.plan.Tool] || x.job.Name == "test" && said["test"] {
			continue
		}
		f.failed = append(f.failed, f.lastWords(x))
	}
}

// lastWords is the failure of a tool that named nothing: the line of its log
// that says why, and where none does, the line that it ends with.
func (f *facts) lastWords(x execution) ci.Failure {
	fail := ci.Failure{Kind: ci.KindError, Tool: x.plan.Tool, Message: fmt.Sprintf("%s: %s", x.plan.Tool, x.job.Detail), Job: x.job.Name}
	if x.job.Detail == "" {
		fail.Message = fmt.Sprintf("%s ended with exit status %d", x.plan.Tool, x.job.ExitCode)
	}
	if found, ok := f.extracted(x); ok {
		found.Tool, found.Job, found.Log.File = fail.Tool, fail.Job, f.relative(x.log)
		if found.Exception == "" && found.Pos.IsZero() {
			found.Message = fail.Message + ": " + found.Message
		}
		return found
	}
	tail, err := readTail(x.log, silence)
	if err != nil || len(tail) == 0 {
		return fail
	}
	var text strings.Builder
	last := ""
	for line := range format.Lines(bytes.NewReader(tail)) { //nolint:errcheck // reading memory does not fail
		text.Write(line.Text)
		text.WriteByte('\n')
		if len(bytes.TrimSpace(line.Text)) > 0 {
			last = string(bytes.TrimSpace(line.Text))
		}
	}
	fail.Details = strings.ToValidUTF8(text.String(), "�")
	if last != "" {
		fail.Message += ": " + strings.ToValidUTF8(last, "�")
	}
	fail.Log = ci.Position{File: f.relative(x.log)}
	return fail
}

// extracted is the line of a tool's log that matters, if one is evidence by itself.
func (f *facts) extracted(x execution) (ci.Failure, bool) {
	if x.log == "" {
		return ci.Failure{}, false
	}
	file, err := os.Open(x.log)
	if err != nil {
		return ci.Failure{}, false
	}
	defer file.Close()
	var broken error // what was read until then still counts
	found := triage.Extract(extractable(file, &broken), f.past.green(x.plan.Tool), triage.ExtractOptions{Excerpts: 1})
	if len(found) == 0 || !found[0].Firm() {
		return ci.Failure{}, false
	}
	fail := found[0].Failure()
	fail.Message = strings.ToValidUTF8(fail.Message, "�")
	fail.Details = strings.ToValidUTF8(fail.Details, "�")
	return fail, true
}

// readTail is the end of a file.
func readTail(path string, n int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(max(0, info.Size()-n), io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, n))
}

// failing lists the tests that are bad after their last attempt and that the
// tool can run again, and counts all of its tests.
func failing(results []ci.TestResult, tool string) (ids []ci.TestID, total int) {
	framework := map[string]string{"pytest": "pytest", "go test": "go"}[tool]
	last, _ := ci.Last(results)
	for _, t := range last {
		if t.Framework != framework {
			continue
		}
		total++
		collected := t.Failure == nil || t.Failure.Phase != "collect"
		if t.Outcome.Bad() && collected && strings.ContainsAny(string(t.ID), ":.") {
			ids = append(ids, t.ID)
		}
	}
	return ids, total
}
