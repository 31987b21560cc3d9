package cli

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/source"
)

// maxSource bounds one source file; what is larger was not written by anyone.
const maxSource = 32 << 20

// readable reports whether a path is of a language that is read.
func readable(name string) bool {
	switch path.Ext(name) {
	case ".py", ".pyw", ".go":
		return true
	}
	return path.Base(name) == "go.mod"
}

// scanned are the source files of one tree.
type scanned struct {
	files    []source.File
	layout   source.Layout
	warnings []ci.Warning
}

func (x *scanned) graph() ci.Graph {
	g := source.Modules(x.files, x.layout)
	g.Warnings = append(g.Warnings, x.warnings...)
	return g
}

// factsOf reads one file's text.
func factsOf(name string, data []byte) source.File {
	if path.Ext(name) == ".go" {
		return source.File{Path: name, Facts: source.Go(data)}
	}
	return source.File{Path: name, Facts: source.Python(data)}
}

// readSources reads the source files of a directory on every core.
func readSources(root string, names []string) scanned {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !readable(name) })
	files := make([]source.File, len(names))
	complaints := make([]string, len(names))
	modules := make([]string, len(names))
	next := make(chan int)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			var buffer []byte
			for i := range next {
				data, err := readInto(&buffer, filepath.Join(root, filepath.FromSlash(names[i])))
				switch {
				case err != nil:
					complaints[i] = err.Error()
				case path.Base(names[i]) == "go.mod":
					modules[i] = source.GoModulePath(data)
				default:
					files[i] = factsOf(names[i], data)
				}
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wait.Wait()
	out := scanned{layout: source.Layout{GoModules: map[string]string{}}}
	for i, name := range names {
		if modules[i] != "" {
			out.layout.GoModules[path.Dir(name)] = modules[i]
		}
		if complaints[i] != "" && complaints[i] != errSkipped.Error() {
			out.warnings = append(out.warnings, ci.Warning{Source: name, Text: complaints[i]})
		}
		if files[i].Path != "" {
			out.files = append(out.files, files[i])
		}
	}
	return out
}

// errSkipped marks what is listed and is no file to read: a symbolic link, whose
// target is read under its own name, or a file that was deleted.
var errSkipped = errors.New("skipped")

func readInto(buffer *[]byte, name string) ([]byte, error) {
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, errSkipped
	}
	if err != nil {
		return nil, bare(err)
	}
	if info.Size() > maxSource {
		return nil, errors.New("left out: the file is larger than 32 MiB")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer file.Close()
	if need := int(info.Size()); cap(*buffer) < need {
		*buffer = make([]byte, need+need/4)
	}
	data := (*buffer)[:info.Size()]
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

// listSources lists the files of a directory: what git knows of, or everything
// but what tools keep there.
func (s *session) listSources(repo *git.Repo) ([]string, error) {
	if repo != nil {
		return repo.Files(s.ctx)
	}
	var names []string
	root := s.root()
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
			return s.ctx.Err()
		}
		if rel, err := filepath.Rel(root, name); err == nil && readable(entry.Name()) {
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	return names, err
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

// readCommit reads the source files of a commit.
func (s *session) readCommit(repo *git.Repo, rev string) (scanned, error) {
	out := scanned{layout: source.Layout{GoModules: map[string]string{}}}
	err := repo.ReadTree(s.ctx, rev, readable, func(name string, data []byte) {
		if path.Base(name) == "go.mod" {
			out.layout.GoModules[path.Dir(name)] = source.GoModulePath(data)
			return
		}
		out.files = append(out.files, factsOf(name, data))
	})
	return out, err
}
