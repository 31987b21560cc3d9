package cli

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/git"
	"keepgreen/internal/heal"
	"keepgreen/internal/render"
)

// repairs are what the mechanical fixers propose for the work tree, before
// anything was tried: triage's fixes and its fix_confidence.
func (s *session) repairs(root string, repo *git.Repo, clusters []ci.Cluster) []render.Fix {
	if !slices.ContainsFunc(clusters, func(c ci.Cluster) bool { return heal.Eligible(c) == "" }) {
		return nil
	}
	x := s.openSources(repo, true)
	defer x.close()
	found, err := x.workTree()
	if err != nil {
		return nil // that there is no proposal is no failure of triage
	}
	known := &heal.Repo{Files: found.files, Graph: found.graph(), Read: readBelow(root)}
	known.Trouble(clusters)
	var out []render.Fix
	for _, c := range clusters {
		for _, p := range heal.Propose(c, known) {
			fix := render.Fix{Cluster: c.ID, Confidence: p.Confidence, Description: p.Description}
			if p.Tool != nil {
				fix.CodeChange = strings.Join(slices.Concat([]string{p.Tool.Name}, p.Tool.Args, p.Tool.Files), " ")
				out = append(out, fix)
				continue
			}
			changes, err := heal.Apply(p.Edits, known.Read)
			if err != nil || len(heal.Check(changes, p.Kind, heal.Limits{})) > 0 {
				continue
			}
			fix.CodeChange = heal.Diff(changes)
			out = append(out, fix)
		}
	}
	return out
}

// maxText bounds a file that a repair is made of.
const maxText = 4 << 20

// readBelow reads regular files of a directory and nothing else.
func readBelow(root string) func(string) (string, bool) {
	return func(path string) (string, bool) {
		if !filepath.IsLocal(filepath.FromSlash(path)) {
			return "", false
		}
		dir, err := os.OpenRoot(root)
		if err != nil {
			return "", false
		}
		defer dir.Close() //nolint:errcheck // it was only read from
		info, err := dir.Lstat(filepath.FromSlash(path))
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxText {
			return "", false
		}
		file, err := dir.Open(filepath.FromSlash(path))
		if err != nil {
			return "", false
		}
		defer file.Close()
		data, err := io.ReadAll(file)
		return string(data), err == nil
	}
}
