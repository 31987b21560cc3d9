package cli

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/history"
	"keepgreen/internal/impact"
	"keepgreen/internal/runner"
	"keepgreen/internal/source"
)

// mapDepth is how far back a map of who ran what is looked for.
const mapDepth = 300

// nearestMap is the map of the nearest ancestor of a commit that has one; nil:
// there is none.
func nearestMap(s *session, store *history.Store, repo *git.Repo, name, commit string) (*impact.Map, error) {
	rows, err := store.Maps(s.ctx, name)
	if err != nil || len(rows) == 0 || repo == nil || commit == "" {
		return nil, err
	}
	line, err := repo.FirstParents(s.ctx, commit, mapDepth)
	if err != nil {
		return nil, err
	}
	var found *impact.Map
	for _, id := range line {
		for _, row := range rows {
			if row.Commit != id {
				continue
			}
			data, err := store.Map(s.ctx, row)
			if err != nil {
				return nil, err
			}
			m, err := impact.ParseMap(data)
			if err != nil {
				continue // of another version of this program
			}
			if found == nil {
				found = m
			} else {
				found = found.With(m)
			}
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, nil
}

// useMap adds the map to what the plan rests on, with everything that changed
// since it was recorded. A map of another environment is left aside.
func (f *planFacts) useMap(s *session, x *sources, tree scanned, head string, m *impact.Map, python string) {
	if m == nil || f.in.Unknown != "" {
		return
	}
	if head == "" && m.Installed != "" {
		version, installed := runner.Environment(s.ctx, s.root(), runner.Options{Env: s.Env, Python: python})
		if version != "" && (version != m.Python || installed != m.Installed) {
			f.notes = append(f.notes, fmt.Sprintf("the map of %.9s was recorded with Python %s and other packages than there are here (%s): tests are selected by their imports", m.Commit, m.Python, version))
			return
		}
	}
	since, err := x.since(m.Commit, head)
	if err != nil {
		f.notes = append(f.notes, fmt.Sprintf("the map of %.9s is not used: %v", m.Commit, err))
		return
	}
	for _, name := range m.Dirty { // what it had then is not known
		if !slices.ContainsFunc(since, func(c ci.FileChange) bool { return c.Path == name }) {
			since = append(since, ci.FileChange{Path: name, Status: "M"})
		}
	}
	d := &impact.Dynamic{Map: m, Since: since}
	d.Deltas, err = x.deltas(since, tree, m.Commit, head, ".py", ".pyw")
	if err == nil {
		d.Go, err = x.deltas(since, tree, m.Commit, head, ".go")
	}
	if err != nil {
		f.notes = append(f.notes, fmt.Sprintf("the map of %.9s is not used: %v", m.Commit, err))
		return
	}
	f.compiles(s, d, head, python)
	d.Texts = func(yield func(string, []byte)) error { return x.each(tree, head, yield) }
	f.in.Map, f.mapped = d, m.Commit
}

// compiles marks the changed files that Python itself cannot read: our scanner
// goes through mistakes that Python ends at.
func (f *planFacts) compiles(s *session, d *impact.Dynamic, head, python string) {
	if head != "" {
		return
	}
	var files []string
	for name, delta := range d.Deltas {
		if delta.New != nil && !delta.Broken {
			files = append(files, filepath.Join(s.root(), filepath.FromSlash(name)))
		}
	}
	broken, asked := runner.Broken(s.ctx, s.root(), runner.Options{Env: s.Env, Python: python}, files)
	if !asked && len(files) > 0 {
		f.notes = append(f.notes, "no Python is here to say whether the changed files compile")
	}
	for name, delta := range d.Deltas {
		if delta.Broken = delta.Broken || slices.Contains(broken, filepath.Join(s.root(), filepath.FromSlash(name))); delta.Broken {
			d.Deltas[name] = delta
		}
	}
}

// since is what changed between a commit and what is tested.
func (x *sources) since(commit, head string) ([]ci.FileChange, error) {
	var change ci.Change
	var err error
	if head != "" {
		change, err = x.repo.Between(x.s.ctx, commit, head)
	} else {
		change, err = x.repo.Change(x.s.ctx, commit)
	}
	return fromFolder(change.Files, x.repo.Sub), err
}

// deltas reads both versions of the files with these suffixes among the changed ones.
func (x *sources) deltas(since []ci.FileChange, tree scanned, commit, head string, suffixes ...string) (map[string]impact.Delta, error) {
	names := map[string]bool{}
	for _, name := range changedNames(since) {
		if slices.Contains(suffixes, path.Ext(name)) {
			names[name] = true
		}
	}
	deltas := make(map[string]impact.Delta, len(names))
	for name := range names {
		deltas[name] = impact.Delta{}
	}
	if len(names) == 0 {
		return deltas, nil
	}
	files, err := x.repo.Tree(x.s.ctx, commit)
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f git.File) bool { return !names[f.Path] })
	err = x.repo.ReadBlobs(x.s.ctx, files, func(f git.File, data []byte) {
		facts := x.understand(f.Path, contentID(f.Blob), data).facts
		d := deltas[f.Path]
		d.Old, d.OldText, d.Broken = facts.Defs, slices.Clone(data), facts.Broken != nil
		deltas[f.Path] = d
	})
	if err != nil {
		return nil, err
	}
	now := map[string]source.Facts{}
	for _, f := range tree.files {
		if names[f.Path] {
			now[f.Path] = f.Facts
		}
	}
	some := scanned{listed: slices.DeleteFunc(slices.Clone(tree.listed), func(f git.File) bool { return !names[f.Path] })}
	err = x.read(some.listed, head, func(name string, data []byte) {
		facts, read := now[name]
		if !read {
			return
		}
		d := deltas[name]
		d.New, d.NewText, d.Broken = facts.Defs, slices.Clone(data), d.Broken || facts.Broken != nil
		deltas[name] = d
	})
	return deltas, err
}

// planRecord keeps what the plugin wrote.
type planRecord struct {
	Paths   []string `arg:"" optional:"" help:"The folders that KEEPGREEN_MAP named, of one run: all shards and workers; or a database of coverage.py with contexts, or of pytest-testmon; or TESTFILE=REPORT, what one test file of any language covers." placeholder:"PATHS"`
	Go      bool     `help:"Run every Go test function by itself with a coverage profile, and record that."`
	History string   `default:".keepgreen/history.db" help:"The history." placeholder:"DB"`
}

// Run reads recordings and keeps them as the map of the commit.
func (c *planRecord) Run(s *session) error {
	repo, err := git.Open(s.ctx, s.root(), s.Env.Pairs())
	if err != nil {
		return usagef("a map belongs to a commit", "%s: %w", s.Globals.Dir, err)
	}
	recording, err := c.read(s, repo)
	if err != nil {
		return err
	}
	if recording == nil {
		return usagef("KEEPGREEN_MAP=DIR PYTHONPATH=$(keepgreen pytest-plugin) pytest -p "+runner.PluginName, "%s: no recording in it", strings.Join(c.Paths, ", "))
	}
	name := c.History
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.root(), name)
	}
	if err := home(s.root()); err != nil {
		return noAnswerf("", "%w", bare(err))
	}
	store, err := history.Open(s.ctx, name, history.Options{})
	if err != nil {
		return noAnswerf("", "%s", withHint(err))
	}
	m, err := s.keepMap(store, repo, recording)
	err = errors.Join(err, store.Close())
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	if s.Format == "json" {
		return writeJSON(s.Stdout, map[string]any{"commit": m.Commit, "python": m.Python, "tests": len(m.Tests), "definitions": len(m.Defs), "files": len(m.Files)})
	}
	by := ""
	if m.Python != "" {
		by = ", Python " + m.Python
	}
	fmt.Fprintf(s.Stdout, "%s of %s%s, recorded at %.9s\n", plural(len(m.Tests), "test", "tests"), plural(len(m.Defs), "definition", "definitions"), by, m.Commit)
	return nil
}

// whoRan is a recording that becomes a map.
type whoRan interface {
	Map(commit string, dirty []string) *impact.Map
}

// read reads the recordings; nil: there is none.
func (c *planRecord) read(s *session, repo *git.Repo) (whoRan, error) {
	recording := impact.NewRecording()
	n := 0
	if c.Go {
		tests, err := s.recordGo(repo, recording)
		if err != nil {
			return nil, noAnswerf("", "%w", err)
		}
		n += tests
	}
	for _, name := range c.Paths {
		if test, report, ok := strings.Cut(name, "="); ok {
			if err := s.covered(repo, recording, ci.TestID(filepath.ToSlash(test)), report); err != nil {
				return nil, err
			}
			n++
			continue
		}
		if info, err := os.Stat(s.resolve(name)); err == nil && info.Mode().IsRegular() && len(c.Paths) == 1 {
			foreign, err := s.foreignMap(repo, s.resolve(name))
			if err != nil {
				return nil, usagef("", "%s: %w", name, err)
			}
			return foreign, nil
		}
		read, err := addRecordings(recording, s.resolve(name))
		if err != nil {
			return nil, usagef("record again: a recording that is broken is no answer", "%s: %w", name, err)
		}
		n += read
	}
	if n == 0 {
		return nil, nil
	}
	return recording, nil
}

// covered adds what one test file covers, by its own report of any format.
func (s *session) covered(repo *git.Repo, r *impact.Recording, test ci.TestID, report string) error {
	tracked, err := repo.Tracked(s.ctx)
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	c, _, err := s.coverageOf([]string{report}, below(tracked, repo.Sub))
	if err != nil {
		return err
	}
	var files []string
	for name, file := range c.Files {
		if file.Covered > 0 {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		return usagef("", "%s: nothing is covered in it", report)
	}
	r.Covered(test, append(files, string(test)))
	return nil
}

// addRecordings adds every file of a folder that the plugin wrote.
func addRecordings(r *impact.Recording, dir string) (n int, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return 0, err
	}
	if _, err := os.Stat(dir); err != nil {
		return 0, bare(err)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return n, bare(err)
		}
		err = r.Add(file)
		file.Close()
		if err != nil {
			return n, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		if strings.HasPrefix(filepath.Base(name), "map-") {
			n++
		}
	}
	return n, nil
}

// keepMap stores a recording under the commit that is checked out, over what is
// known of the tests that did not run this time.
func (s *session) keepMap(store *history.Store, repo *git.Repo, r whoRan) (*impact.Map, error) {
	commit, err := repo.Head(s.ctx)
	if err != nil || commit == "" {
		return nil, errors.Join(err, errors.New("there is no commit yet that a map could belong to"))
	}
	since, err := repo.Change(s.ctx, commit)
	if err != nil {
		return nil, err
	}
	var dirty []string
	for _, name := range changedNames(fromFolder(since.Files, repo.Sub)) {
		if readable(name) {
			dirty = append(dirty, name)
		}
	}
	run := ci.Run{Repo: filepath.Base(s.root())}
	s.fromForge(&run)
	m := r.Map(commit, dirty)
	rows, err := store.Maps(s.ctx, run.Repo)
	if err != nil {
		return nil, errors.New(withHint(err))
	}
	if len(dirty) > 0 && slices.ContainsFunc(rows, func(r history.MapRow) bool { return r.Commit == commit && r.Python == m.Python }) {
		return m, nil // what is committed is known already, and better
	}
	if old, err := nearestMap(s, store, repo, run.Repo, commit); err == nil && old != nil && (partly(r) || len(m.Tests) < len(m.Collected) && old.Installed == m.Installed) {
		m = m.Over(old)
	}
	data, err := m.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	row := history.MapRow{Repo: run.Repo, Commit: commit, Python: m.Python, Tool: m.Tool, Tests: len(m.Tests), Recorded: s.Now()}
	if err := store.PutMap(s.ctx, row, data); err != nil {
		return nil, errors.New(withHint(err))
	}
	return m, nil
}

// partly reports whether a recording is of some tests only.
func partly(r whoRan) bool {
	p, ok := r.(interface{ Partly() bool })
	return ok && p.Partly()
}

// pluginCommand hands out the plugin.
type pluginCommand struct {
	Print bool   `help:"Print the plugin itself instead."`
	Into  string `help:"Write the plugin there. Without it: the user's cache." placeholder:"DIR"`
}

// Run writes the plugin and prints where, for PYTHONPATH.
func (c *pluginCommand) Run(s *session) error {
	if c.Print {
		_, err := s.Stdout.Write(runner.PluginSource())
		return err
	}
	dir := s.pluginDir()
	if c.Into != "" {
		dir = s.resolve(c.Into)
	}
	if err := runner.WritePlugin(dir); err != nil {
		return noAnswerf("name another place with --into", "%s: %w", dir, bare(err))
	}
	if s.Format == "json" {
		return writeJSON(s.Stdout, map[string]any{"path": dir, "plugin": runner.PluginName})
	}
	fmt.Fprintln(s.Stdout, dir)
	return nil
}

// pluginDir is a place outside of the repository: coverage.py measures what lies
// in it.
func (s *session) pluginDir() string {
	if cache := s.Env["XDG_CACHE_HOME"]; cache != "" {
		return filepath.Join(s.resolve(cache), "keepgreen", "plugin")
	}
	if user := s.Env["HOME"]; user != "" {
		return filepath.Join(s.resolve(user), ".cache", "keepgreen", "plugin")
	}
	return filepath.Join(os.TempDir(), "keepgreen-plugin")
}
