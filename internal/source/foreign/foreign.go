// Package foreign reads import graphs that other tools made, so that code in
// languages that are not read here has an architecture as well: SCIP indexes, and
// the JSON of dependency-cruiser, madge and pydeps. It trusts no file: what is
// read is bounded, and a graph that names nothing is an error.
package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

// MaxSize bounds a file.
const MaxSize = 512 << 20

// Bounds on a graph: beyond them a file is not of a repository.
const (
	maxModules = 500_000
	maxImports = 5_000_000
	maxName    = 1 << 12
)

// Format is a kind of file that holds a graph.
type Format struct {
	Name string
	Doc  string
	fits func(data []byte) bool
	read func(data []byte, b *builder) error
}

var formats = []Format{
	{"dependency-cruiser", "`depcruise --output-type json`: JavaScript and TypeScript, with type-only and dynamic imports apart", isCruiser, cruiser},
	{"pydeps", "`pydeps --show-deps`: Python, as the interpreter finds it", isPydeps, pydeps},
	{"madge", "`madge --json`: JavaScript and TypeScript", isMadge, madge},
	{"scip", "an index of a SCIP indexer: whose symbols are used where; Go by package, other languages by file", isSCIP, scip},
}

// Formats are the kinds of file that are read.
func Formats() []Format { return formats }

// Read reads a graph, whichever of the formats it is in. Files are named as the
// tool named them, with root taken off what is absolute.
func Read(data []byte, root string) (ci.Graph, string, error) {
	i := slices.IndexFunc(formats, func(f Format) bool { return f.fits(data) })
	if i < 0 {
		return ci.Graph{}, "", errors.New("no graph of SCIP, dependency-cruiser, madge or pydeps")
	}
	b := &builder{root: strings.TrimSuffix(root, "/") + "/", at: map[string]int{}}
	if err := formats[i].read(data, b); err != nil {
		return ci.Graph{}, formats[i].Name, err
	}
	if len(b.graph.Modules) == 0 {
		return ci.Graph{}, formats[i].Name, fmt.Errorf("the graph of %s names no module", formats[i].Name)
	}
	if b.full {
		b.graph.Warnings = append(b.graph.Warnings, ci.Warning{Text: fmt.Sprintf("more than %d modules or %d imports: the rest is left out", maxModules, maxImports)})
	}
	return source.Arrange(b.graph), formats[i].Name, nil
}

// builder collects a graph.
type builder struct {
	graph ci.Graph
	root  string
	at    map[string]int
	full  bool
}

// clean is a path as the repository has it; absolute ones elsewhere stay so.
func (b *builder) clean(file string) string {
	file = strings.ReplaceAll(file, "\\", "/")
	file = strings.TrimPrefix(file, b.root)
	return strings.TrimPrefix(path.Clean(file), "./")
}

// module is the index of a module, which is made if it is new; -1: it is not kept.
func (b *builder) module(m ci.Module) int {
	i, known := b.at[m.Name]
	if known {
		return i
	}
	if m.Name == "" || len(m.Name) > maxName || len(b.graph.Modules) >= maxModules {
		b.full = b.full || len(b.graph.Modules) >= maxModules
		return -1
	}
	i = len(b.graph.Modules)
	b.at[m.Name] = i
	b.graph.Modules = append(b.graph.Modules, m)
	return i
}

// file is the module that a file is.
func (b *builder) file(name string) int {
	name = b.clean(name)
	return b.module(ci.Module{Name: name, File: name, Test: isTest(name)})
}

// leaf is a dependency.
func (b *builder) leaf(name string, standard bool) int {
	return b.module(ci.Module{Name: name, External: true, Standard: standard})
}

func (b *builder) add(e ci.ImportEdge) {
	switch {
	case e.From < 0 || e.To < 0 || e.From == e.To || b.graph.Modules[e.From].External:
	case len(b.graph.Imports) >= maxImports:
		b.full = true
	default:
		b.graph.Imports = append(b.graph.Imports, e)
	}
}

// isTest knows the names of JavaScript's tests besides ours.
func isTest(file string) bool {
	base := path.Base(file)
	return strings.Contains(base, ".test.") || strings.Contains(base, ".spec.") || strings.Contains("/"+file, "/__tests__/") || source.IsTest(file)
}

// object is the first token of a JSON object's members, for recognising.
func isObject(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, "\ufeff \t\r\n"), []byte("{"))
}

// firstMember is the first key of an object and its value.
func firstMember(data []byte) (key string, value json.RawMessage, ok bool) {
	if !isObject(data) {
		return "", nil, false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return "", nil, false
	}
	token, err := d.Token()
	key, isKey := token.(string)
	if err != nil || !isKey || d.Decode(&value) != nil {
		return "", nil, false
	}
	return key, value, true
}

// isCruiser: an object that begins with a list of modules, which have a source.
func isCruiser(data []byte) bool {
	first, value, ok := firstMember(data)
	var list []struct{ Source *string }
	return ok && first == "modules" && json.Unmarshal(value, &list) == nil && (len(list) == 0 || list[0].Source != nil)
}

// fault is a JSON error in a person's words.
func fault(tool string, err error) error { return fmt.Errorf("the JSON of %s: %w", tool, err) }
