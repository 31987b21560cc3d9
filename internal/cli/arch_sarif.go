package cli

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/lint"
)

// findings reads what other tools found. Paths are turned into those of the
// scanned folder; a file that is no SARIF is a malformed question.
func (s *session) findings(q archQuestion) ([]ci.Diagnostic, error) {
	var out []ci.Diagnostic
	for _, asked := range q.sarif {
		files, err := sarifFiles(s.resolve(asked))
		switch {
		case err != nil:
			return nil, usagef("", "%s: %w", asked, bare(err))
		case len(files) == 0:
			return nil, usagef("", "%s: no SARIF file in it", asked)
		}
		for _, name := range files {
			found, err := readSARIF(name)
			if err != nil {
				return nil, usagef("", "%s: %w", asked, bare(err))
			}
			out = append(out, found...)
		}
	}
	tops := []string{filepath.ToSlash(s.root()) + "/"}
	if real, err := filepath.EvalSymlinks(s.root()); err == nil {
		tops = append(tops, filepath.ToSlash(real)+"/")
	}
	if q.repo != nil && q.repo.Sub != "" {
		tops = append(tops, q.repo.Sub+"/")
	}
	for i := range out {
		for _, top := range tops {
			if below, ok := strings.CutPrefix(out[i].Pos.File, top); ok {
				out[i].Pos.File = below
				break
			}
		}
	}
	return out, nil
}

// sarifFiles is a file itself, or the SARIF files below a folder.
func sarifFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	var files []string
	err = filepath.WalkDir(name, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && (strings.HasSuffix(file, ".sarif") || strings.HasSuffix(file, ".sarif.json")) {
			files = append(files, file)
		}
		return err
	})
	return files, err
}

var errNoSARIF = errors.New("it is not SARIF")

func readSARIF(name string) ([]ci.Diagnostic, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, format.HeadSize)
	head, _ := in.Peek(format.HeadSize)
	row := lint.Formats()[slices.IndexFunc(lint.Formats(), func(f format.Format) bool { return f.Name == "sarif" })]
	if row.Score(head) == 0 {
		return nil, errNoSARIF
	}
	rep, err := row.Read(in)
	return rep.Diagnostics, err
}
