package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/history"
	"keepgreen/internal/impact"
	"keepgreen/internal/runner"
	"keepgreen/internal/source"
)

// planFacts is everything that a plan rests on.
type planFacts struct {
	in      impact.Input
	expects impact.Expected
	matrix  impact.Matrix
	base    string
	covered []byte // what everything covered there; nil: not known
	mapped  string // the commit of the map that is used; empty: none
	notes   []string
}

// plan selects. An error in the selector itself means everything: not knowing
// is no reason to run less.
func (f *planFacts) plan() (p impact.Plan) {
	defer func() {
		if r := recover(); r != nil {
			in := f.in
			in.Unknown = fmt.Sprintf("the selector failed: %v", r)
			in.Map = nil
			p = impact.Select(in)
		}
	}()
	return impact.Select(f.in)
}

// gather reads the change, the sources and the history.
func (c *planQuestion) gather(s *session) (*planFacts, error) {
	if err := errors.Join(c.check(), isDirectory(s.root(), s.Globals.Dir)); err != nil {
		return nil, err
	}
	f := &planFacts{in: impact.Input{Settings: impact.Settings{Enabled: c.Selection, Threshold: c.Threshold, Critical: s.conf.List("plan.critical")}}}
	for _, text := range s.conf.List("plan.rules") {
		rule, err := impact.ParseRule(text)
		if err != nil {
			return nil, usagef("", "%s: plan.rules: %w", s.Config, err)
		}
		f.in.Rules = append(f.in.Rules, rule)
	}
	repo, err := git.Open(s.ctx, s.root(), s.Env.Pairs())
	if err != nil && !errors.Is(err, git.ErrNoRepository) {
		f.in.Unknown = "git gives no answer: " + err.Error()
	}
	run := ci.Run{Repo: filepath.Base(s.root()), Event: "local"}
	s.fromForge(&run)
	head, err := c.change(s, repo, &run, f)
	if err != nil {
		return nil, err
	}
	x := s.openSources(repo, true)
	defer x.close()
	tree, err := c.read(s, x, head, f)
	if err != nil {
		return nil, err
	}
	if err := c.configuration(s, x, head, f); err != nil {
		return nil, err
	}
	f.mentions(x, tree, head)
	m := f.remember(s, repo, c.History, run.Repo)
	if v, ok := s.conf.Lookup("run.python"); ok && c.python == "" {
		c.python = v.Text
	}
	f.useMap(s, x, tree, head, m, c.python)
	return f, s.ctx.Err()
}

// change finds out what changed, and returns the commit that is tested; empty:
// the work tree. What cannot be known is a reason to run everything, and no
// error.
func (c *planQuestion) change(s *session, repo *git.Repo, run *ci.Run, f *planFacts) (head string, err error) {
	if c.ChangedFiles != "" {
		f.in.Change, err = s.changedFiles(c.ChangedFiles)
		return "", err
	}
	if repo == nil {
		f.in.Unknown = "this is no git repository, so it is not known what changed"
		return "", nil
	}
	run.Commit, _ = repo.Head(s.ctx)
	if run.Branch == "" {
		run.Branch = repo.Branch(s.ctx)
	}
	run.Main = run.Branch != "" && run.Branch == repo.MainBranch(s.ctx) && run.Event != "pull_request"
	if c.Head != "" {
		if head, err = repo.Commit(s.ctx, c.Head); err != nil {
			return "", usagef("", "--head: %w", err)
		}
	}
	if c.known != nil {
		f.base, f.in.Change = c.known.Base, fromFolder(slices.Clone(c.known.Files), repo.Sub)
		return "", nil
	}
	ref := c.Base
	if ref == "" {
		ref = s.baseRef(s.ctx, repo, run)
	}
	against := head
	if against == "" {
		against = "HEAD"
	}
	base, err := repo.BaseOf(s.ctx, ref, against)
	if err != nil {
		f.in.Unknown = "it is not known what changed: " + err.Error()
		return head, s.ctx.Err()
	}
	f.base = base
	var change ci.Change
	if head != "" {
		change, err = repo.Between(s.ctx, base, head)
	} else {
		change, err = repo.Change(s.ctx, base)
	}
	if err != nil {
		f.in.Unknown = "it is not known what changed: " + err.Error()
	}
	f.in.Change = fromFolder(change.Files, repo.Sub)
	return head, s.ctx.Err()
}

// fromFolder gives the changed files their paths from the opened directory; what
// lies outside of it keeps the path from the repository's root.
func fromFolder(files []ci.FileChange, sub string) []ci.FileChange {
	if sub == "" {
		return files
	}
	for i := range files {
		files[i].Path = strings.TrimPrefix(files[i].Path, sub+"/")
		files[i].OldPath = strings.TrimPrefix(files[i].OldPath, sub+"/")
	}
	return files
}

// maxChanged bounds a list of changed files.
const maxChanged = 16 << 20

// changedFiles reads a list of paths: one a line, or a JSON list.
func (s *session) changedFiles(name string) ([]ci.FileChange, error) {
	in := s.Stdin
	if name != "-" {
		file, err := os.Open(s.resolve(name))
		if err != nil {
			return nil, usagef("", "--changed-files: %s: %w", name, bare(err))
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxChanged+1))
	if err != nil || len(data) > maxChanged {
		return nil, usagef("", "--changed-files: %s cannot be read, or is larger than 16 MiB", name)
	}
	var paths []string
	if trimmed := bytes.TrimSpace(data); bytes.HasPrefix(trimmed, []byte("[")) {
		if err := json.Unmarshal(trimmed, &paths); err != nil {
			return nil, usagef("", "--changed-files: %s: a JSON list of paths is wanted: %w", name, err)
		}
	} else {
		paths = strings.Split(string(data), "\n")
	}
	seen := map[string]bool{}
	var out []ci.FileChange
	for _, p := range paths {
		p = strings.TrimSuffix(p, "\r")
		if strings.TrimSpace(p) == "" {
			continue
		}
		p = path.Clean(filepath.ToSlash(p))
		if !seen[p] {
			seen[p] = true
			status := "M"
			if _, err := os.Lstat(filepath.Join(s.root(), filepath.FromSlash(p))); err != nil {
				status = "D"
			}
			out = append(out, ci.FileChange{Path: p, Status: status})
		}
	}
	return out, nil
}

// read reads the sources that are tested, and those of the base where files
// are gone: who loaded them is only to be seen there.
func (c *planQuestion) read(s *session, x *sources, head string, f *planFacts) (tree scanned, err error) {
	if head != "" {
		tree, err = x.commit(head)
	} else {
		tree, err = x.workTree()
	}
	if err != nil {
		return tree, noAnswerf("", "%s: %w", s.Globals.Dir, bare(err))
	}
	f.in.Graph, f.in.Opaque = dependencies(tree)
	f.goPackages(s, tree, head)
	gone := slices.ContainsFunc(f.in.Change, func(c ci.FileChange) bool {
		return (c.Status == "D" && readable(c.Path)) || (c.Status == "R" && readable(c.OldPath))
	})
	if gone && f.base != "" && f.in.Unknown == "" {
		old, err := x.commit(f.base)
		if err != nil {
			f.in.Unknown = "the files that are gone cannot be read: " + err.Error()
			return tree, s.ctx.Err()
		}
		before, _ := dependencies(old)
		f.in.Before = &before
	}
	return tree, nil
}

// goPackages asks the go command, where the change concerns Go and the work tree
// is what is tested. Without an answer the imports that are written decide.
func (f *planFacts) goPackages(s *session, tree scanned, head string) {
	_, isModule := tree.layout.GoModules["."]
	if head != "" || !isModule || f.in.Unknown != "" || !slices.ContainsFunc(tree.files, func(x source.File) bool { return isGo(x.Path) }) {
		return
	}
	listed, err := runner.GoPackages(s.ctx, s.root(), s.Env)
	if err != nil {
		f.notes = append(f.notes, "Go's packages are taken from their imports: "+err.Error())
		return
	}
	for _, p := range listed {
		f.in.Go = append(f.in.Go, impact.GoPackage{Name: p.Name, Files: p.Files, Imports: p.Imports})
	}
}

// dependencies is the graph of everything that may load something: strings that
// name a module count.
func dependencies(tree scanned) (ci.Graph, map[string]bool) {
	tree.layout.Strings = true
	opaque := map[string]bool{}
	for _, file := range tree.files {
		if len(file.Opaque) > 0 {
			opaque[file.Path] = true
		}
	}
	return tree.graph(), opaque
}

// projectFiles say how a project is tested and for what.
var projectFiles = append([]string{"setup.py", "go.mod", ".python-version"}, impact.PytestConfigs...)

// configuration reads the project's own configuration and the matrix.
func (c *planQuestion) configuration(s *session, x *sources, head string, f *planFacts) error {
	texts := x.texts(projectFiles, head)
	f.in.Config = impact.ReadPytest(texts)
	data, err := os.ReadFile(s.baselinePath(c.Matrix))
	switch {
	case err == nil:
		if f.matrix, err = impact.ReadMatrix(data); err != nil {
			return usagef("", "%s: %w", c.Matrix, err)
		}
	case errors.Is(err, fs.ErrNotExist):
		f.matrix = impact.MatrixOf(texts)
	default:
		return usagef("", "%s: %w", c.Matrix, bare(err))
	}
	return nil
}

// texts are the texts of files at the root that are there.
func (x *sources) texts(names []string, head string) map[string]string {
	out := map[string]string{}
	if head == "" {
		for _, name := range names {
			if info, err := os.Stat(filepath.Join(x.s.root(), name)); err == nil && info.Mode().IsRegular() && info.Size() < maxConfigText {
				data, _ := os.ReadFile(filepath.Join(x.s.root(), name))
				out[name] = string(data)
			}
		}
		return out
	}
	files, err := x.repo.Tree(x.s.ctx, head)
	if err != nil {
		return out
	}
	files = slices.DeleteFunc(files, func(f git.File) bool { return !slices.Contains(names, f.Path) })
	_ = x.repo.ReadBlobs(x.s.ctx, files, func(f git.File, data []byte) { out[f.Path] = string(data) })
	return out
}

// maxConfigText bounds a configuration file: people write it.
const maxConfigText = 1 << 20

// each reads the text of every Python file of a tree.
func (x *sources) each(tree scanned, head string, each func(name string, data []byte)) error {
	return x.read(slices.DeleteFunc(slices.Clone(tree.listed), func(f git.File) bool { return path.Ext(f.Path) != ".py" && path.Ext(f.Path) != ".pyw" }), head, each)
}

// read reads the text of files of a tree.
func (x *sources) read(files []git.File, head string, each func(name string, data []byte)) error {
	if head != "" {
		return x.repo.ReadBlobs(x.s.ctx, files, func(f git.File, data []byte) { each(f.Path, data) })
	}
	r := reader{sources: x}
	for _, f := range files {
		full := filepath.Join(x.s.root(), filepath.FromSlash(f.Path))
		info, err := os.Lstat(full)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
			continue
		}
		if data, err := r.text(full, int(info.Size())); err == nil {
			each(f.Path, data)
		}
	}
	return x.s.ctx.Err()
}

// mentions looks through the sources for the names of documentation that
// changed: what a test reads is no mere documentation.
func (f *planFacts) mentions(x *sources, tree scanned, head string) {
	doubtful := impact.Doubtful(changedNames(f.in.Change))
	if len(doubtful) == 0 || f.in.Unknown != "" || len(f.in.Change) > f.in.Threshold {
		return
	}
	traces := make([][][]byte, len(doubtful))
	for i, name := range doubtful {
		for _, t := range impact.Traces(name) {
			traces[i] = append(traces[i], []byte(t))
		}
	}
	f.in.Mentions = map[string][]string{}
	err := x.each(tree, head, func(name string, data []byte) {
		for i, words := range traces {
			if slices.ContainsFunc(words, func(w []byte) bool { return bytes.Contains(data, w) }) {
				f.in.Mentions[doubtful[i]] = append(f.in.Mentions[doubtful[i]], name)
			}
		}
	})
	if err != nil {
		f.in.Unknown = "the sources cannot be read: " + err.Error()
	}
}

func changedNames(change []ci.FileChange) []string {
	var out []string
	for _, c := range change {
		out = append(out, c.Path)
		if c.OldPath != "" {
			out = append(out, c.OldPath)
		}
	}
	return out
}

// planRuns is how many earlier runs durations and failures are taken from.
const planRuns = 50

// remember asks the history for durations, for what failed last time, for which
// tests ran before and for who ran what. Without a history nothing is new.
func (f *planFacts) remember(s *session, repo *git.Repo, name, project string) *impact.Map {
	f.expects = impact.Expect(nil)
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.root(), name)
	}
	if _, err := os.Stat(name); err != nil {
		f.notes = append(f.notes, "there is no history yet: durations are not known, and neither is what failed last time")
		return nil
	}
	store, err := history.Open(s.ctx, name, history.Options{ReadOnly: true})
	if errors.Is(err, history.ErrUnwritable) { // of an older version: it is brought to this one
		store, err = history.Open(s.ctx, name, history.Options{})
	}
	var m *impact.Map
	if err == nil {
		defer func() { _ = store.Close() }() // it was only read
		if err = f.load(s, store, project); err == nil {
			if m, err = nearestMap(s, store, repo, project, f.base); err == nil && m != nil {
				f.covered, err = store.MapCoverage(s.ctx, project, m.Commit)
			}
		}
	}
	if err != nil {
		// Which tests failed last time is not known: everything runs.
		f.in.Unknown = "the history cannot be read: " + withHint(err)
	}
	return m
}

func (f *planFacts) load(s *session, store *history.Store, repo string) error {
	tests, err := store.Tests(s.ctx, repo)
	if err != nil {
		return err
	}
	names := make(map[history.Index]ci.TestID, len(tests))
	for _, t := range tests {
		names[t.Index] = functionOf(t.ID)
	}
	audits, err := store.Audits(s.ctx, repo)
	if err != nil {
		return err
	}
	f.in.Wide = wide(audits)
	samples := map[ci.TestID][]time.Duration{}
	seen := map[ci.TestID]bool{}
	f.in.Failed = map[ci.TestID]string{}
	for block, err := range store.Scan(s.ctx, history.Filter{Repo: repo, Limit: planRuns}) {
		if err != nil {
			return err
		}
		f.block(block, names, seen, samples)
	}
	if len(seen) > 0 {
		f.in.Known = seen
		for id := range seen {
			if file := id.File(); file != "" {
				f.in.Known[ci.TestID(file)] = true
			}
		}
	}
	f.expects = impact.Expect(samples)
	return nil
}

// block takes one run into account; runs come newest first. The parameters of
// a test count together: they run together.
func (f *planFacts) block(b history.Block, names map[history.Index]ci.TestID, seen map[ci.TestID]bool, samples map[ci.TestID][]time.Duration) {
	sums := map[ci.TestID]time.Duration{}
	here := map[ci.TestID]bool{}
	for i := range b.Len() {
		id := names[b.Tests[i]]
		last := i+1 == b.Len() || b.Tests[i+1] != b.Tests[i]
		if !last {
			continue
		}
		if d, timed := b.Duration(i); timed {
			sums[id] += d
		}
		if b.Outcomes[i].Bad() && !seen[id] {
			f.in.Failed[id] = ", in the run " + short(b.Run.Commit, b.Run.Run)
		}
		here[id] = true
	}
	for id, sum := range sums {
		samples[id] = append(samples[id], sum)
	}
	for id := range here {
		seen[id] = true
	}
}

// functionOf is a test without parameters and subtests: what is selected.
func functionOf(id ci.TestID) ci.TestID {
	id = id.Base()
	if strings.Contains(string(id), "::") {
		return id
	}
	for _, prefix := range []string{".Test", ".Fuzz", ".Example"} {
		if i := strings.Index(string(id), prefix); i >= 0 {
			name, _, _ := strings.Cut(string(id)[i:], "/")
			return id[:i] + ci.TestID(name)
		}
	}
	return id
}
