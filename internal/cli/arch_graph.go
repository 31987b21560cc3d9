package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/source"
	"keepgreen/internal/source/foreign"
)

// foreignGraph joins the graphs that other tools made. What our own readers know
// of a file's definitions and size is kept beside them; of other files the lines
// are counted.
func (s *session) foreignGraph(asked []string, files []git.File, own ci.Graph) (ci.Graph, error) {
	var all ci.Graph
	at := map[string]int{}
	here := make(map[string]bool, len(files))
	for _, f := range files {
		here[f.Path] = true
	}
	for _, name := range asked {
		data, err := readWhole(s.resolve(name))
		if err != nil {
			return all, usagef("", "%s: %w", name, bare(err))
		}
		g, _, err := foreign.Read(data, filepath.ToSlash(s.root()))
		if err != nil {
			return all, usagef("", "%s: %w", name, err)
		}
		settle(&g, placeOf(g, here))
		join(&all, at, g)
	}
	s.describe(&all, own)
	return source.Arrange(all), nil
}

func readWhole(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, foreign.MaxSize+1))
	if err == nil && len(data) > foreign.MaxSize {
		err = fmt.Errorf("larger than %d MiB", foreign.MaxSize>>20)
	}
	return data, err
}

// placeOf is the folder that a tool was run in, whose files go by their names
// below it: the one in which most of the first modules are files.
func placeOf(g ci.Graph, here map[string]bool) string {
	var files []string
	for _, m := range g.Modules {
		if !m.External && len(files) < 50 {
			files = append(files, m.File)
		}
	}
	fits := func(folder string) (n int) {
		for _, f := range files {
			if here[path.Join(folder, f)] {
				n++
			}
		}
		return n
	}
	best, most := "", fits("")
	if most == len(files) {
		return best
	}
	seen := map[string]bool{}
	var folders []string
	for name := range here {
		for _, f := range files {
			if folder, below := strings.CutSuffix(name, "/"+f); below && !seen[folder] && len(folders) < 1000 {
				seen[folder] = true
				folders = append(folders, folder)
			}
		}
	}
	slices.Sort(folders)
	for _, folder := range folders {
		if n := fits(folder); n > most {
			best, most = folder, n
		}
	}
	return best
}

// settle puts a graph's files into a folder.
func settle(g *ci.Graph, folder string) {
	if folder == "" {
		return
	}
	for i := range g.Modules {
		if m := &g.Modules[i]; !m.External {
			if m.Name == m.File {
				m.Name = path.Join(folder, m.Name)
			}
			m.File = path.Join(folder, m.File)
		}
	}
	for i := range g.Imports {
		if e := &g.Imports[i]; e.File != "" {
			e.File = path.Join(folder, e.File)
		}
	}
}

// join adds a graph to another; modules of the same name are one.
func join(all *ci.Graph, at map[string]int, g ci.Graph) {
	place := make([]int, len(g.Modules))
	for i, m := range g.Modules {
		k, known := at[m.Name]
		if !known {
			k = len(all.Modules)
			at[m.Name] = k
			all.Modules = append(all.Modules, m)
		} else if all.Modules[k].External && !m.External {
			all.Modules[k] = m // what is a dependency to one tool is another's own
		}
		place[i] = k
	}
	for _, e := range g.Imports {
		e.From, e.To = place[e.From], place[e.To]
		all.Imports = append(all.Imports, e)
	}
	all.Warnings = append(all.Warnings, g.Warnings...)
}

// describe gives modules what our own readers know of their files, and our names.
func (s *session) describe(g *ci.Graph, own ci.Graph) {
	of := make(map[string]*ci.Module, len(own.Modules))
	for i := len(own.Modules) - 1; i >= 0; i-- {
		if m := &own.Modules[i]; !m.External {
			of[m.File] = m
		}
	}
	taken := make(map[string]bool, len(g.Modules))
	for _, m := range g.Modules {
		taken[m.Name] = true
	}
	for i := range g.Modules {
		m := &g.Modules[i]
		if m.External {
			continue
		}
		if facts, known := of[m.File]; known {
			if !taken[facts.Name] {
				taken[facts.Name] = true
				m.Name = facts.Name
			}
			m.Code, m.Classes, m.Abstract, m.Defs, m.Broken, m.Test = facts.Code, facts.Classes, facts.Abstract, facts.Defs, facts.Broken, facts.Test
			continue
		}
		m.Code = codeLines(filepath.Join(s.root(), filepath.FromSlash(m.File)))
	}
}

// codeLines counts the lines of a file that are not blank; 0: it cannot be read.
func codeLines(name string) int {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return 0
	}
	file, err := os.Open(name)
	if err != nil {
		return 0
	}
	defer file.Close()
	lines, in := 0, bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := in.ReadSlice('\n') // of a line that is longer the rest is another
		if len(bytes.TrimSpace(line)) > 0 {
			lines++
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return lines
		}
	}
}
