package cli

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/source"
)

// storePath is where the facts of source files are kept between runs.
const storePath = ".keepgreen/source.facts"

// maxSource bounds one source file; what is larger was not written by anyone.
const maxSource = 32 << 20

// sources reads the source files of a repository: of its work tree and of its
// commits. What was read before, in whatever place, is not read again.
type sources struct {
	s     *session
	repo  *git.Repo // nil: not under git
	store *source.Store
	keep  bool // the store is written
}

// scanned are the source files of one tree.
type scanned struct {
	files    []source.File
	all      []git.File // of any language
	layout   source.Layout
	warnings []ci.Warning
	listed   []git.File // the files themselves, and at a commit where their content is
}

// graph is the graph of the modules that the files are.
func (x *scanned) graph() ci.Graph {
	g := source.Modules(x.files, x.layout)
	g.Warnings = append(g.Warnings, x.warnings...)
	return g
}

// openSources prepares to read. Without cached everything is read anew, and
// nothing is kept.
func (s *session) openSources(repo *git.Repo, cached bool) *sources {
	x := &sources{s: s, repo: repo, store: &source.Store{}, keep: cached}
	if !cached {
		return x
	}
	if data, err := os.ReadFile(filepath.Join(s.root(), storePath)); err == nil {
		x.store = source.ReadStore(data)
		x.store.Prefetch()
	}
	return x
}

// close keeps what was read. A few files are read faster than the store is
// written; a folder that cannot be written loses nothing but time.
func (x *sources) close() {
	if added := x.store.Added(); !x.keep || added == 0 || added < x.store.Len()/100 {
		return
	}
	if home(x.s.root()) != nil {
		return
	}
	_ = replaceFile(filepath.Join(x.s.root(), storePath), func(w writer) error {
		_, err := x.store.WriteTo(w)
		return err
	})
}

// workTree reads the work tree.
func (x *sources) workTree() (scanned, error) {
	files, err := x.list()
	if err != nil {
		return scanned{}, err
	}
	if slices.ContainsFunc(files, func(f git.File) bool { return f.Path == storePath && f.Blob != "" }) {
		x.store, x.keep = &source.Store{}, false // it came with a commit: who wrote it, and about what?
	}
	all := files
	files = slices.DeleteFunc(slices.Clone(all), func(f git.File) bool { return !readable(f.Path) })
	read := make([]readFile, len(files))
	var wait sync.WaitGroup
	next := make(chan int, 64)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			r := reader{sources: x, root: x.s.root()}
			for i := range next {
				read[i] = r.file(files[i])
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	wait.Wait()
	tree := gathered(read, filepath.Base(x.s.root()))
	tree.listed, tree.all = files, all
	return tree, x.s.ctx.Err()
}

// commit reads the source files of a commit.
func (x *sources) commit(rev string) (scanned, error) {
	files, err := x.repo.Tree(x.s.ctx, rev)
	if err != nil {
		return scanned{}, err
	}
	var read []readFile
	var missing []git.File
	for _, f := range files {
		if !readable(f.Path) {
			continue
		}
		if facts, ok := x.known(f.Path, contentID(f.Blob)); ok {
			read = append(read, readFile{path: f.Path, facts: facts, ok: true})
		} else {
			missing = append(missing, f)
		}
	}
	err = x.repo.ReadBlobs(x.s.ctx, missing, func(f git.File, data []byte) {
		read = append(read, x.understand(f.Path, contentID(f.Blob), data))
	})
	tree := gathered(read, filepath.Base(x.s.root()))
	tree.listed = slices.DeleteFunc(files, func(f git.File) bool { return !readable(f.Path) })
	return tree, err
}

// readFile is one file that was read: facts, or a go.mod, or a complaint.
type readFile struct {
	path      string
	facts     source.Facts
	ok        bool
	goModule  string
	complaint string
}

func gathered(read []readFile, self string) scanned {
	out := scanned{layout: source.Layout{GoModules: map[string]string{}, Self: self}}
	for _, r := range read {
		switch {
		case r.goModule != "":
			out.layout.GoModules[path.Dir(r.path)] = r.goModule
		case r.complaint != "":
			out.warnings = append(out.warnings, ci.Warning{Source: r.path, Text: r.complaint})
		case r.ok:
			out.files = append(out.files, source.File{Path: r.path, Facts: r.facts})
		}
	}
	return out
}

// readable reports whether a path is of a language that is read.
func readable(name string) bool {
	switch path.Ext(name) {
	case ".py", ".pyw", ".go":
		return true
	}
	return path.Base(name) == "go.mod"
}

func isGo(name string) bool { return path.Ext(name) == ".go" }

// known is what the store has of a file's content.
func (x *sources) known(name string, id source.ContentID) (source.Facts, bool) {
	if id == (source.ContentID{}) || path.Base(name) == "go.mod" {
		return source.Facts{}, false
	}
	return x.store.Facts(source.Key{ID: id, Go: isGo(name)})
}

// understand reads a file's text, and keeps what it says under its id.
func (x *sources) understand(name string, id source.ContentID, data []byte) readFile {
	if path.Base(name) == "go.mod" {
		return readFile{path: name, goModule: source.GoModulePath(data)}
	}
	out := readFile{path: name, ok: true}
	if isGo(name) {
		out.facts = source.Go(data)
	} else {
		out.facts = source.Python(data)
	}
	if x.keep {
		x.store.Put(source.Key{ID: id, Go: isGo(name)}, out.facts)
	}
	return out
}

// contentID is git's id of content in binary; zero: there is none.
func contentID(blob string) (id source.ContentID) {
	if len(blob) >= 2*len(id) {
		if _, err := hex.Decode(id[:], []byte(blob[:2*len(id)])); err != nil {
			return source.ContentID{}
		}
	}
	return id
}

// blobID is the id that git gives content.
func blobID(data []byte) source.ContentID {
	h := sha1.New()
	h.Write([]byte("blob " + strconv.Itoa(len(data)) + "\x00"))
	h.Write(data)
	return source.ContentID(h.Sum(nil))
}

// reader reads files of a folder one after the other.
type reader struct {
	*sources
	root   string
	buffer []byte
}

// file reads one file, from the store where its content is known: from git,
// from the file system where that is sure of it, or from its text.
func (r *reader) file(f git.File) readFile {
	id := contentID(f.Blob)
	if facts, ok := r.known(f.Path, id); ok {
		return readFile{path: f.Path, facts: facts, ok: true}
	}
	full := filepath.Join(r.root, filepath.FromSlash(f.Path))
	info, err := os.Lstat(full)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return readFile{} // deleted, or a symbolic link, whose target is read under its own name
	}
	if err != nil {
		return readFile{path: f.Path, complaint: bare(err).Error()}
	}
	if info.Size() > maxSource {
		return readFile{path: f.Path, complaint: "left out: the file is larger than 32 MiB"}
	}
	if !r.keep {
		data, err := r.text(full, int(info.Size()))
		if err != nil {
			return readFile{path: f.Path, complaint: bare(err).Error()}
		}
		return r.understand(f.Path, id, data)
	}
	at, sure := statID(f.Path, info, r.s.Now())
	if sure {
		if known, ok := r.store.Content(at); ok {
			if facts, ok := r.known(f.Path, known); ok {
				return readFile{path: f.Path, facts: facts, ok: true}
			}
		}
	}
	data, err := r.text(full, int(info.Size()))
	if err != nil {
		return readFile{path: f.Path, complaint: bare(err).Error()}
	}
	// What git said a moment ago may have changed, or be stored in another form:
	// what was read is kept under its own id.
	if own := blobID(data); own != id {
		id = own
		if sure {
			r.store.PutContent(at, id)
		}
		if facts, ok := r.known(f.Path, id); ok {
			return readFile{path: f.Path, facts: facts, ok: true}
		}
	}
	return r.understand(f.Path, id, data)
}

// text is a file's text; it is valid until the next call.
func (r *reader) text(name string, size int) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if cap(r.buffer) < size {
		r.buffer = make([]byte, size+size/4)
	}
	data := r.buffer[:size]
	n := 0
	for n < len(data) {
		read, err := file.Read(data[n:])
		n += read
		if err != nil || read == 0 {
			break
		}
	}
	return data[:n], nil
}

// list lists the files of the work tree: what git knows of, or everything but
// what tools keep there.
func (x *sources) list() ([]git.File, error) {
	if x.repo != nil {
		return x.repo.Files(x.s.ctx)
	}
	var files []git.File
	root := x.s.root()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if name == root {
				return err
			}
			return nil // unreadable corners are no reason to say nothing of the rest
		}
		if entry.IsDir() {
			if name != root && toolFolder(name, entry.Name()) {
				return fs.SkipDir
			}
			return x.s.ctx.Err()
		}
		if rel, err := filepath.Rel(root, name); err == nil {
			files = append(files, git.File{Path: filepath.ToSlash(rel)})
		}
		return nil
	})
	return files, err
}

// toolFolder reports whether a folder is no part of the repository's own source.
func toolFolder(name, base string) bool {
	switch {
	case strings.HasPrefix(base, "."), base == "__pycache__", base == "node_modules", base == "__pypackages__":
		return true
	}
	_, err := os.Stat(filepath.Join(name, "pyvenv.cfg"))
	return err == nil
}
