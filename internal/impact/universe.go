package impact

import (
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// universe is all tests there are.
type universe struct {
	tests  []Test // sorted by ID
	byID   map[ci.TestID]int
	byFile map[string][]int
}

// newUniverse lists the tests: what the files define, and what the map knows to
// be inherited or made.
func newUniverse(in Input) *universe {
	u := &universe{byID: map[ci.TestID]int{}, byFile: map[string][]int{}}
	seen := map[ci.TestID]bool{}
	add := func(id ci.TestID, file string) {
		if !seen[id] {
			seen[id] = true
			u.tests = append(u.tests, Test{id, file})
		}
	}
	for _, m := range in.Graph.Modules {
		switch {
		case m.External:
		case strings.HasSuffix(m.File, ".py") || strings.HasSuffix(m.File, ".pyw"):
			if in.Config.isTestFile(m.File) || in.Config.Doctest {
				for _, id := range in.pythonTests(m) {
					add(id, m.File)
				}
			}
		default:
			for _, id := range goTests(m) {
				add(id, m.File)
			}
		}
	}
	for _, row := range in.otherTests() {
		add(row.ID, string(row.ID))
	}
	slices.SortFunc(u.tests, byID)
	for i, t := range u.tests {
		u.byID[t.ID] = i
		u.byFile[t.File] = append(u.byFile[t.File], i)
	}
	return u
}

// otherTests are the test files of other languages that the map knows, and that
// are not gone.
func (in Input) otherTests() []Row {
	if in.Map == nil {
		return nil
	}
	gone := map[string]bool{}
	for _, f := range slices.Concat(in.Change, in.Map.Since) {
		switch f.Status {
		case "D":
			gone[f.Path] = true
		case "R":
			gone[f.OldPath] = true
		}
	}
	var out []Row
	for _, row := range in.Map.Tests {
		id := string(row.ID)
		if !strings.Contains(id, "::") && goPackage(id) == "" && path.Ext(id) != ".py" && !gone[id] {
			out = append(out, row)
		}
	}
	return out
}

// pythonTests are the tests of a file: those the map collected there, and those
// that the file defines. A file without any is a test by itself.
func (in Input) pythonTests(m ci.Module) []ci.TestID {
	var out []ci.TestID
	defined := map[string]bool{}
	if in.Config.isTestFile(m.File) {
		for _, d := range m.Defs {
			defined[d.Name] = true
			if in.isTest(d) {
				out = append(out, ci.TestID(m.File+"::"+strings.ReplaceAll(d.Name, ".", "::")))
			}
		}
	}
	if in.Map != nil {
		out = append(out, in.Map.collected(m.File, defined)...)
	}
	if len(out) == 0 {
		out = append(out, ci.TestID(m.File))
	}
	return out
}

// isTest reports whether a definition is a test. Which classes are collected
// depends on their bases; those whose name does not say so are left to the map
// and run with their file.
func (in Input) isTest(d ci.Definition) bool {
	class, name, method := strings.Cut(d.Name, ".")
	switch {
	case d.Kind == ci.DefFunction && !method:
		return in.Config.isTestName(d.Name)
	case d.Kind != ci.DefMethod || strings.Contains(d.Name, "<locals>"):
		return false
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return in.Config.isTestName(name) &&
		(strings.HasPrefix(class, "Test") || strings.HasSuffix(class, "Test") || strings.HasSuffix(class, "Tests") || strings.HasSuffix(class, "TestCase"))
}

// goTests are the test functions of a package, as "go test -json" names them.
func goTests(m ci.Module) []ci.TestID {
	var out []ci.TestID
	for _, d := range m.Defs {
		if d.Kind != ci.DefFunction || !strings.HasSuffix(d.File, "_test.go") || d.Name == "TestMain" {
			continue
		}
		for _, prefix := range []string{"Test", "Fuzz", "Example"} {
			if rest, ok := strings.CutPrefix(d.Name, prefix); ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z') {
				out = append(out, ci.TestID(strings.TrimSuffix(m.Name, "_test")+"."+d.Name))
			}
		}
	}
	return out
}

// conftests are the files that pytest loads for a test file before it.
func conftests(file string) []string {
	var out []string
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		out = append(out, path.Join(dir, "conftest.py"))
		if dir == "." || dir == "/" {
			return out
		}
	}
}
