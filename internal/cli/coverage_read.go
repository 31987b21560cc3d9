package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"

	"keepgreen/internal/ci"
	"keepgreen/internal/config"
	"keepgreen/internal/execmap"
	"keepgreen/internal/report"
	"keepgreen/internal/report/coverage"
	"keepgreen/internal/source"
)

// coverageReader collects the coverage of several files.
type coverageReader struct {
	*session
	tracked   []string
	reports   []*ci.Coverage
	databases []*ci.Coverage // what ran, raw: of .coverage files
	excluded  *regexp.Regexp // what the project leaves out of them
	notes     []string
}

// coverageOf reads and merges all reports at the paths. A file that was named
// must be one; in a directory everything else is passed over.
func (s *session) coverageOf(paths, tracked []string) (*ci.Coverage, []string, error) {
	r := coverageReader{session: s, tracked: tracked}
	for _, path := range paths {
		info, err := os.Stat(s.resolve(path))
		named := path == "-" || err == nil && !info.IsDir()
		for source, err := range s.open(path) {
			if err == nil {
				err = r.read(source, named)
			}
			if err != nil {
				return nil, nil, err
			}
		}
	}
	if len(r.databases) > 0 {
		r.exclusions()
	}
	for _, ran := range r.databases {
		r.reports = append(r.reports, r.counted(ran, coverage.MergeAll(r.reports...)))
	}
	if len(r.reports) == 1 {
		return r.reports[0], r.notes, nil // a large report is not copied for nothing
	}
	return coverage.MergeAll(r.reports...), r.notes, nil
}

func (r *coverageReader) read(from report.Source, named bool) error {
	text, err := from.Open()
	if err != nil {
		return usagef("", "%s: %w", from.Name, bare(err))
	}
	defer text.Close()
	in := bufio.NewReaderSize(text, 64<<10)
	head, peekErr := in.Peek(16)
	if execmap.IsDatabase(head) {
		return r.database(from.Name, in, named)
	}
	one, err := coverage.Read(in)
	switch {
	case errors.Is(err, coverage.ErrUnknown) && (!named || peekErr != nil && len(head) == 0): // empty: no data
	case errors.Is(err, coverage.ErrUnknown):
		return usagef("", "%s: %w", from.Name, err)
	case err != nil:
		return usagef("a report that is broken is no answer: write it anew", "%s: %w", from.Name, err)
	default:
		r.reports = append(r.reports, coverage.Rebase(one, r.root(), r.tracked))
	}
	return nil
}

// maxDatabase bounds what is taken for a `.coverage` file.
const maxDatabase = 2 << 30

// database reads a `.coverage` file. SQLite reads files only, and this may come
// out of an archive or a pipe.
func (r *coverageReader) database(name string, in io.Reader, named bool) error {
	dir, err := os.MkdirTemp("", "keepgreen-coverage-")
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	defer os.RemoveAll(dir)
	at := filepath.Join(dir, "coverage")
	n := int64(0)
	err = replaceFile(at, func(w writer) error {
		var err error
		n, err = io.Copy(w, io.LimitReader(in, maxDatabase+1))
		return err
	})
	if err != nil {
		return noAnswerf("", "%s: %w", name, bare(err))
	}
	if n > maxDatabase {
		return usagef("", "%s: the database is larger than 2 GiB", name)
	}
	m, err := execmap.Coverage(r.ctx, at)
	switch {
	case errors.Is(err, execmap.ErrForeign) && !named:
		return nil // some other database in the directory
	case err != nil && r.ctx.Err() != nil:
		return r.ctx.Err()
	case err != nil:
		return usagef("a report that is broken is no answer: run the tests with coverage anew", "%s: %w", name, err)
	}
	raw := &ci.Coverage{Tool: dataTool, Files: map[string]*ci.FileCoverage{}}
	for _, f := range m.Files {
		lines := map[int]int{}
		for n := range f.Lines().All() {
			lines[n] = 1
		}
		raw.Files[f.Path] = &ci.FileCoverage{Lines: lines}
	}
	r.databases = append(r.databases, coverage.Rebase(raw, r.root(), r.tracked))
	return nil
}

// dataTool is the series of a database that is read by itself. What coverage.py
// counts in its own reports may differ by CPython's version and by what [report]
// omits, so their numbers are not compared with these.
const dataTool = ".coverage"

// counted makes coverage of what ran. Which lines could have run is not in a
// database: a report on the same files says so, and else the source does.
func (r *coverageReader) counted(ran, reports *ci.Coverage) *ci.Coverage {
	out := &ci.Coverage{Files: map[string]*ci.FileCoverage{}}
	var unread []string
	for name, f := range ran.Files {
		statements, ok := r.statements(name)
		reported := reports.Files[name]
		lines := map[int]int{}
		switch {
		case reported != nil:
			for n := range f.Lines {
				if _, is := reported.Lines[statements.First(n)]; is {
					lines[statements.First(n)] = 1
				}
			}
		case ok:
			out.Tool = dataTool
			for _, n := range statements.Lines {
				lines[n] = 0
			}
			for n := range f.Lines {
				if _, is := lines[statements.First(n)]; is {
					lines[statements.First(n)] = 1
				}
			}
		default:
			unread = append(unread, name)
			continue
		}
		covered := 0
		for _, hits := range lines {
			covered += hits
		}
		out.Files[name] = &ci.FileCoverage{Lines: lines, Covered: covered, Total: len(lines)}
	}
	if len(unread) > 0 {
		slices.Sort(unread)
		r.notes = append(r.notes, fmt.Sprintf("%s measured and cannot be read here, so what of it could have run is not known: left out, %s first", plural(len(unread), "file was", "files were"), unread[0]))
	}
	return out
}

// exclusions reads what the project tells coverage.py to leave out.
func (r *coverageReader) exclusions() {
	for _, name := range config.CoveragePyFiles {
		data, err := r.readBounded(filepath.Join(r.root(), name), 1<<20)
		if err != nil {
			continue
		}
		e, found, err := config.CoveragePy(name, data)
		if err != nil && found {
			r.notes = append(r.notes, fmt.Sprintf("%s: %v: coverage.py's own exclusions are taken", name, err))
			return
		}
		if !found || err != nil {
			continue
		}
		var unknown []string
		r.excluded, unknown = source.Exclusion(e.Lines, e.Also)
		for _, one := range unknown {
			r.notes = append(r.notes, fmt.Sprintf("%s: the exclusion %q is not understood here and excludes nothing", name, one))
		}
		return
	}
}

// statements reads a Python file of the repository.
func (r *coverageReader) statements(name string) (source.Statements, bool) {
	if ext := path.Ext(name); ext != ".py" && ext != ".pyw" || !filepath.IsLocal(filepath.FromSlash(name)) {
		return source.Statements{}, false
	}
	file, err := os.OpenInRoot(r.root(), filepath.FromSlash(name))
	if err != nil {
		return source.Statements{}, false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return source.Statements{}, false
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSource))
	return source.PythonStatements(text, r.excluded), err == nil
}
