package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"keepgreen/internal/ci"
	"keepgreen/internal/config"
)

// contracts are those of keepgreen.yaml and, if they are wanted, those of
// import-linter's own configuration.
func (s *session) contracts(linter bool) ([]ci.Contract, error) {
	var list []ci.Contract
	for _, c := range s.conf.Contracts() {
		c.Pos.File = filepath.ToSlash(s.Config)
		list = append(list, c)
	}
	if !linter {
		return list, nil
	}
	for _, name := range config.ImportLinterFiles {
		data, err := os.ReadFile(filepath.Join(s.root(), name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, usagef("", "%s: %w", name, bare(err))
		}
		more, found, err := config.ImportLinter(name, data)
		if err != nil && found {
			return nil, usagef("--no-import-linter leaves these contracts out", "%s", prefixLines(name+": ", err.Error()))
		}
		if found {
			return append(list, more...), nil
		}
	}
	return list, nil
}
