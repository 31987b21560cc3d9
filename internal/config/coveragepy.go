package config

import (
	"path"
	"strings"

	"github.com/BurntSushi/toml"
)

// CoveragePyFiles are where coverage.py looks for its configuration; the first
// that holds some is the one.
var CoveragePyFiles = []string{".coveragerc", ".coveragerc.toml", "setup.cfg", "tox.ini", "pyproject.toml"}

// Exclusions are the regular expressions of lines that a project leaves out of
// its coverage.
type Exclusions struct {
	Lines []string // exclude_lines: instead of coverage.py's own; nil: those hold
	Also  []string // exclude_also: beside them
}

// CoveragePy reads the exclusions out of one of coverage.py's files; found is
// false where the file holds nothing of coverage.py's.
func CoveragePy(name string, data []byte) (e Exclusions, found bool, err error) {
	if path.Ext(name) == ".toml" {
		return tomlExclusions(data)
	}
	sections, problems := readINI(string(data))
	own := path.Base(name) == ".coveragerc"
	if len(problems) > 0 && (own || strings.Contains(string(data), "[coverage:")) {
		return e, true, problems
	}
	for _, s := range sections {
		part, prefixed := strings.CutPrefix(s.name, "coverage:")
		if !prefixed && !own {
			continue
		}
		found = true
		for _, entry := range s.entries {
			if part != "report" {
				continue
			}
			switch entry.key {
			case "exclude_lines":
				e.Lines = append([]string{}, listed(entry.value)...)
			case "exclude_also":
				e.Also = listed(entry.value)
			}
		}
	}
	return e, found, nil
}

// listed are the lines of a value that are not empty.
func listed(value string) []string {
	var out []string
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func tomlExclusions(data []byte) (e Exclusions, found bool, err error) {
	type report struct {
		Lines []string `toml:"exclude_lines"`
		Also  []string `toml:"exclude_also"`
	}
	var file struct {
		Tool struct {
			Coverage struct {
				Report report `toml:"report"`
			} `toml:"coverage"`
		} `toml:"tool"`
	}
	meta, err := toml.Decode(string(data), &file)
	if err != nil {
		return e, strings.Contains(string(data), "tool.coverage"), err
	}
	return Exclusions(file.Tool.Coverage.Report), meta.IsDefined("tool", "coverage"), nil
}
