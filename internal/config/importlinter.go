package config

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"keepgreen/internal/ci"
)

// ImportLinterFiles are where import-linter looks for its configuration; the
// first that holds some is the one.
var ImportLinterFiles = []string{"setup.cfg", ".importlinter", "pyproject.toml"}

// ImportLinter reads import-linter's own configuration out of one of its files;
// found is false where the file holds none. Problems name lines of the file.
func ImportLinter(name string, data []byte) (contracts []ci.Contract, found bool, err error) {
	if len(data) > maxSize {
		return nil, false, Problems{{Line: 1, Text: fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), maxSize)}}
	}
	read := iniContracts
	if path.Ext(name) == ".toml" {
		read = tomlContracts
	}
	session, list, err := read(data)
	if session == nil || err != nil {
		// Of a file that cannot be read at all, its words say whose it is: a rule must not be off for a comma.
		return nil, session != nil || err != nil && strings.Contains(string(data), "importlinter"), err
	}
	session.file = name
	scope := session.scope()
	problems := session.errs
	for _, one := range list {
		one.file = name
		c := one.contract()
		c.Scope = scope
		contracts = append(contracts, c)
		problems = append(problems, one.errs...)
	}
	if len(list) == 0 {
		problems = append(problems, Problem{Line: session.line, Text: "import-linter is configured here without a contract"})
	}
	if len(problems) > 0 {
		slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, true, problems
	}
	return contracts, true, nil
}

// scope is what import-linter's top level says of the graph.
func (o *contractOptions) scope() ci.ContractScope {
	s := ci.ContractScope{Static: true}
	s.Roots = o.words("root_packages", false)
	if root := o.word("root_package", ""); root != "" && len(s.Roots) == 0 {
		s.Roots = []string{root}
	}
	if len(s.Roots) == 0 {
		o.complain(o.line, "import-linter needs root_package or root_packages")
	}
	s.Internal = !o.flag("include_external_packages", false)
	s.NoTyping = o.flag("exclude_type_checking_imports", false)
	return s
}

// tomlContracts reads [tool.importlinter] and its contracts.
func tomlContracts(data []byte) (*contractOptions, []*contractOptions, error) {
	var file struct {
		Tool struct {
			Linter map[string]any `toml:"importlinter"`
		} `toml:"tool"`
	}
	if _, err := toml.Decode(string(data), &file); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, nil, Problems{{Line: syntax.Position.Line, Text: syntax.Message}}
		}
		return nil, nil, Problems{{Line: 1, Text: err.Error()}}
	}
	if len(file.Tool.Linter) == 0 {
		return nil, nil, nil
	}
	lines := tomlLines(data)
	session := &contractOptions{line: lines.section, options: map[string]option{}}
	var list []*contractOptions
	for key, value := range file.Tool.Linter {
		if key != "contracts" {
			session.put(key, value, session.line)
			continue
		}
		tables, ok := value.([]map[string]any)
		if items, loose := value.([]any); loose {
			for _, item := range items {
				if table, is := item.(map[string]any); is {
					tables, ok = append(tables, table), true
				}
			}
		}
		if !ok {
			session.complain(session.line, "contracts are a list of tables, each headed [[tool.importlinter.contracts]]")
		}
		for i, table := range tables {
			one := &contractOptions{line: lines.contract(i), options: map[string]option{}}
			for key, value := range table {
				if key == "id" {
					one.id = fmt.Sprint(value)
					continue
				}
				one.put(key, value, one.line)
			}
			list = append(list, one)
		}
	}
	return session, list, nil
}

// put keeps a value of TOML as words.
func (o *contractOptions) put(key string, value any, line int) {
	v := option{line: line}
	switch value := value.(type) {
	case []any:
		v.many = true
		for _, item := range value {
			v.list = append(v.list, fmt.Sprint(item))
		}
	case map[string]any, []map[string]any:
		return // other tools' tables
	default:
		v.list = []string{fmt.Sprint(value)}
	}
	o.options[key] = v
}

// where is on which lines of a TOML file the headers stand, for messages.
type where struct {
	section   int
	contracts []int
}

func tomlLines(data []byte) where {
	w := where{section: 1}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "[tool.importlinter]"):
			w.section = n
		case strings.HasPrefix(line, "[[tool.importlinter.contracts]]"):
			w.contracts = append(w.contracts, n)
		}
	}
	return w
}

func (w where) contract(i int) int {
	if i < len(w.contracts) {
		return w.contracts[i]
	}
	return w.section
}

// iniContracts reads [importlinter] and the sections [importlinter:contract:x].
func iniContracts(data []byte) (*contractOptions, []*contractOptions, error) {
	sections, problems := readINI(string(data))
	var session *contractOptions
	var list []*contractOptions
	for _, s := range sections {
		switch {
		case s.name == "importlinter":
			session = s.options()
		case strings.HasPrefix(s.name, "importlinter:"):
			one := s.options()
			one.id = s.name[strings.LastIndexByte(s.name, ':')+1:]
			list = append(list, one)
		}
	}
	if session == nil {
		return nil, nil, nil // other tools' mistakes are none of ours
	}
	if len(problems) > 0 {
		return session, nil, problems
	}
	return session, list, nil
}

func (s iniSection) options() *contractOptions {
	o := &contractOptions{line: s.line, options: map[string]option{}}
	for _, e := range s.entries {
		// As import-linter has it: what stands on several lines is a list.
		value := option{line: e.line, list: []string{e.value}}
		if strings.Contains(e.value, "\n") {
			value.list, value.many = strings.Split(strings.TrimSpace(e.value), "\n"), true
		}
		o.options[e.key] = value
	}
	return o
}
