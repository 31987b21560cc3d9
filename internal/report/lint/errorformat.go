package lint

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/reviewdog/errorformat"
	"github.com/reviewdog/errorformat/fmts"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// efmHints say by what the output of a tool is recognised whose lines the
// general reader would misread or miss; each string must be in the head. They
// are words that the tool itself always prints.
var efmHints = map[string][]string{
	"brakeman":       {".rb", "General ", " near line "},
	"dotenv-linter":  {".env:", " key"},
	"erb-lint":       {"Linting ", " linters..."},
	"fasterer":       {" is slower than ", ".rb:"},
	"haml-lint":      {".haml:", " [W] "},
	"hlint":          {".hs:", "\nPerhaps:"},
	"puppet-lint":    {".pp - ", " on line "},
	"pydocstyle":     {".py:", ":\n        D"},
	"reek":           {" -- ", " warning", ".rb:", "Inspecting "},
	"rubocop":        {"Offenses:", "Inspecting "},
	"sbt":            {"[info] ", "[error] ", ".scala:", "[error]   "},
	"sbt-scalastyle": {"[info] scalastyle using config"},
	"scalac":         {".scala:", ": error: ", "^"},
	"scalastyle":     {" file=", " message="},
	"slim-lint":      {".slim:", " [W] "},
	"sorbet":         {"https://srb.help/"},
	"standardjs":     {"standard: Use JavaScript Standard Style"},
	"standardrb":     {"standard: Use Ruby Standard Style"},
}

// efmRecognised are the formats that are recognised by their content.
func efmRecognised() []string { return slices.Sorted(maps.Keys(efmHints)) }

// Errorformat makes rows of formats that errorformat describes in Vim's
// language; no names: all of them. Their expressions are compiled when the first
// source is read, because a program that starts compiles nothing. Unknown names
// make no row.
func Errorformat(names ...string) []format.Format {
	defined := fmts.DefinedFmts()
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(defined))
	}
	rows := make([]format.Format, 0, len(names))
	for _, name := range names {
		f, ok := defined[name]
		if !ok {
			continue
		}
		compiled := sync.OnceValues(func() ([]efmRule, error) { return compileEfm(f.Errorformat) })
		rows = append(rows, format.Format{
			Name:  name,
			Doc:   f.Description,
			Score: func(head []byte) int { return scoreEfm(efmHints[name], head) },
			Read: func(r io.Reader) (ci.Report, error) {
				rules, err := compiled()
				if err != nil {
					return ci.Report{}, err
				}
				return readEfm(name, rules, r)
			},
		})
	}
	return rows
}

func scoreEfm(hints []string, head []byte) int {
	for _, hint := range hints {
		if !bytes.Contains(head, []byte(hint)) {
			return 0
		}
	}
	if len(hints) == 0 {
		return 0
	}
	return 55
}

// efmRule is one pattern and what its prefix says to do with a match.
type efmRule struct {
	match *errorformat.Efm
	kind  byte // one of Vim's DXAEWICZGOPQ; 0: a finding on one line
	plus  bool // the whole line is the message
	minus bool // the match is no finding
}

func compileEfm(patterns []string) ([]efmRule, error) {
	rules := make([]efmRule, 0, len(patterns))
	for _, p := range patterns {
		efm, err := errorformat.NewEfm(p)
		if err != nil {
			return nil, err
		}
		rule := efmRule{match: efm}
		if rest, ok := strings.CutPrefix(p, "%"); ok && rest != "" {
			rule.plus, rule.minus = rest[0] == '+', rest[0] == '-'
			if rest = strings.TrimLeft(rest, "+-"); rest != "" && strings.IndexByte("DXAEWICZGOPQ", rest[0]) >= 0 {
				rule.kind = rest[0]
			}
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// efmReader follows the states of Vim's quickfix.c. The library's own scanner
// is not used: it keeps every unmatched line for ever and stops at a long one.
type efmReader struct {
	tool  string
	rules []efmRule
	rep   ci.Report
	file  string         // of the %P being read
	open  *ci.Diagnostic // of a multi-line finding
	lines int            // of the open finding
}

// maxEfmLines bounds how many lines may belong to one finding.
const maxEfmLines = 200

func readEfm(tool string, rules []efmRule, r io.Reader) (ci.Report, error) {
	reader := &efmReader{tool: lintToolName(tool), rules: rules}
	for line, err := range format.Lines(r) {
		if err != nil {
			reader.close()
			return reader.rep, err
		}
		if len(line.Text) <= maxLintMessage {
			reader.line(string(line.Text), line.N)
		}
	}
	reader.close()
	return reader.rep, nil
}

func (r *efmReader) close() {
	if r.open == nil {
		return
	}
	if d, ok := finishDiagnostic(*r.open); ok && d.Pos.File != "" {
		r.rep.Diagnostics = append(r.rep.Diagnostics, d)
	}
	r.open = nil
}

func (r *efmReader) line(s string, n int) {
	for _, rule := range r.rules {
		if (rule.kind == 'C' || rule.kind == 'Z') && r.open == nil {
			continue
		}
		m := rule.match.Match(s)
		if m == nil {
			continue
		}
		r.matched(rule, m, s, n)
		return
	}
	r.close()
}

func (r *efmReader) matched(rule efmRule, m *errorformat.Match, s string, n int) {
	switch rule.kind {
	case 'P':
		r.close()
		r.file = m.F
		return
	case 'Q', 'O':
		r.file = ""
		return
	case 'D', 'X':
		return
	case 'C', 'Z':
		r.continued(m)
		if rule.kind == 'Z' || r.lines > maxEfmLines {
			r.close()
		}
		return
	}
	if rule.minus {
		return
	}
	r.close()
	message := m.M
	if rule.plus {
		message = s
	}
	d := ci.Diagnostic{
		Tool: r.tool, Message: message, Severity: efmSeverity(m.T, rule.kind), Log: ci.Position{Line: n},
		Pos: ci.Position{File: m.F, Line: m.L, Col: efmColumn(m), EndLine: m.E, EndCol: m.K},
	}
	if d.Pos.File == "" {
		d.Pos.File = r.file
	}
	r.open, r.lines = &d, 0
	if rule.kind == 0 || rule.kind == 'G' {
		r.close()
	}
}

// continued adds a line of a finding over several.
func (r *efmReader) continued(m *errorformat.Match) {
	d := r.open
	r.lines++
	if m.M != "" && len(d.Message) < maxLintMessage {
		d.Message = strings.TrimLeft(d.Message+"\n"+m.M, "\n")
	}
	if d.Pos.File == "" {
		d.Pos.File = m.F
	}
	if d.Pos.Line == 0 {
		d.Pos.Line = m.L
	}
	if d.Pos.Col == 0 {
		d.Pos.Col = efmColumn(m)
	}
}

// efmColumn is %c, %v, or where %p points.
func efmColumn(m *errorformat.Match) int {
	if m.C > 0 || m.V > 0 {
		return max(m.C, m.V)
	}
	if m.P == "" {
		return 0
	}
	col := 0
	for i := range len(m.P) {
		if m.P[i] == '\t' {
			col += 8 - col%8
			continue
		}
		col++
	}
	return col + 1
}

func efmSeverity(letter, kind byte) ci.Severity {
	if letter == 0 {
		letter = kind
	}
	switch letter {
	case 'w', 'W', 'C', 'R', 'M', 'L':
		return ci.SeverityWarning
	case 'i', 'I', 'n', 'N':
		return ci.SeverityInfo
	}
	return ci.SeverityError
}
