package impact

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

func TestMapsOfOtherTools(t *testing.T) {
	tree := map[string]string{
		"lib/a.py":          "def one():\n    return 1\ndef two(): return 2\ndef three():\n    return 3\n",
		"tests/test_a.py":   "def test_a():\n    pass\ndef test_b():\n    pass\n",
		"tests/test_w.py":   "@fixture(scope='module')\ndef w():\n    pass\ndef test_first():\n    pass\ndef test_second():\n    pass\n",
		"tests/test_p.py":   "import subprocess\ndef test_p():\n    pass\n",
		"other/test_x.py":   "def test_x():\n    pass\n",
		"other/conftest.py": "",
	}
	defs := map[string][]ci.Definition{}
	for name, text := range tree {
		defs[name] = source.Python([]byte(text)).Defs
	}
	f, err := NewForeign("coverage.py", "", defs, func(yield func(string, []byte)) error {
		for name, text := range tree {
			yield(name, []byte(text))
		}
		return nil
	})
	assert.NilError(t, err)
	lines := func(want ...int) func(int, int) bool {
		return func(first, last int) bool {
			return slices.ContainsFunc(want, func(l int) bool { return first <= l && l <= last })
		}
	}
	f.Ran("", "lib/a.py", lines(1, 3, 4))                      // when it was imported
	f.Ran("tests/test_a.py::test_a", "lib/a.py", lines(2))     // one
	f.Ran("tests/test_w.py::test_first", "lib/a.py", lines(5)) // three, perhaps in the fixture
	f.Ran("tests/test_w.py::test_second", "tests/test_w.py", lines(7))
	f.Ran("tests/test_p.py::test_p", "tests/test_p.py", lines(3))
	f.Ran("other/test_x.py::test_x", "lib/a.py", nil)
	m := f.Map("c", nil)
	got := map[string]string{}
	for _, row := range m.Tests {
		var names []string
		for _, d := range row.Defs {
			names = append(names, m.Defs[d].Name)
		}
		slices.Sort(names)
		got[last(string(row.ID))] = fmt.Sprint(names, row.Why != "")
	}
	assert.DeepEqual(t, got, map[string]string{
		"py::test_a": "[one] false", "py::test_first": "[test_second three] false", "py::test_second": "[test_second three] false",
		"py::test_p": "[test_p] true", "py::test_x": "[one three two] false",
	})
	assert.Equal(t, len(m.Loads), 1)
}

func TestContexts(t *testing.T) {
	dotted := map[string]ci.TestID{"test_a.TestA.test_b": "tests/test_a.py::TestA::test_b"}
	for context, want := range map[string]string{
		"": "", "tests/test_a.py::test_x[1]|run": "tests/test_a.py::test_x", "test_a.TestA.test_b": "tests/test_a.py::TestA::test_b", "something else": "no", "a::b": "no",
	} {
		id, ok := ContextTest(context, dotted)
		if !ok {
			id = "no"
		}
		assert.Equal(t, string(id), want, context)
	}
	in := shop()
	assert.Equal(t, Dotted(in)["test_a.test_one"], ci.TestID("tests/test_a.py::test_one"))
	assert.Equal(t, Dotted(in)["tests.test_a.test_one"], ci.TestID("tests/test_a.py::test_one"))
}

func TestGoByWhatTheGoCommandLists(t *testing.T) {
	m := func(name, dir string, tests ...string) ci.Module {
		out := ci.Module{Name: name, File: dir}
		for _, x := range tests {
			out.Defs = append(out.Defs, ci.Definition{Name: x, Kind: ci.DefFunction, File: dir + "/x_test.go"})
		}
		return out
	}
	in := Input{Settings: Settings{Enabled: true, Threshold: 20}, Config: ReadPytest(nil), Graph: ci.Graph{Modules: []ci.Module{m("e/a", "a", "TestA"), m("e/b", "b", "TestB"), m("e/c", "c", "TestC")}}}
	in.Go = []GoPackage{
		{Name: "e/a", Files: []string{"a/a.go", "a/page.tmpl"}},
		{Name: "e/a [e/a.test]", Files: []string{"a/a.go", "a/x_test.go", "a/page.tmpl"}, Imports: []string{"fmt"}},
		{Name: "e/a.test", Imports: []string{"e/a [e/a.test]"}},
		{Name: "e/b", Files: []string{"b/b.go"}, Imports: []string{"e/a"}},
		{Name: "e/b_test [e/b.test]", Files: []string{"b/x_test.go"}, Imports: []string{"e/b"}},
		{Name: "e/b.test", Imports: []string{"e/b", "e/b_test [e/b.test]"}},
		{Name: "e/c", Files: []string{"c/c.go"}},
		{Name: "e/c.test", Imports: []string{"e/c"}},
	}
	for file, want := range map[string]string{
		"a/a.go": "e/a.TestA e/b.TestB", "a/page.tmpl": "e/a.TestA e/b.TestB", "a/x_test.go": "e/a.TestA", "b/b.go": "e/b.TestB", "c/c.go": "e/c.TestC",
		"a/other_windows.go": "e/a.TestA", "a/data.txt": "e/a.TestA e/b.TestB e/c.TestC",
	} {
		assert.Equal(t, ids(Select(changed(in, file)).Tests), want, file)
	}
}

// A body that changed selects the Go tests that ran it; anything else goes by
// what a test is linked from.
func TestGoByWhatItsTestsRan(t *testing.T) {
	old := "package a\n\n// A is a.\nfunc A() int { return 1 }\n\nfunc (t *T) M() int {\n\treturn 2\n}\n\ntype T struct{}\n"
	in := Input{Settings: Settings{Enabled: true, Threshold: 20}, Config: ReadPytest(nil), Graph: ci.Graph{Modules: []ci.Module{{Name: "e/a", File: "a", Defs: []ci.Definition{
		{Name: "TestA", Kind: ci.DefFunction, File: "a/x_test.go"},
		{Name: "TestM", Kind: ci.DefFunction, File: "a/x_test.go"},
		{Name: "TestNew", Kind: ci.DefFunction, File: "a/x_test.go"},
		{Name: "TestExec", Kind: ci.DefFunction, File: "a/x_test.go"},
	}}}}}
	in.Go = []GoPackage{{Name: "e/a [e/a.test]", Files: []string{"a/a.go"}}, {Name: "e/a.test", Imports: []string{"e/a [e/a.test]"}}}
	r := NewRecording()
	r.GoRan("e/a.TestA", "a/a.go", []string{"A"}, "")
	r.GoRan("e/a.TestM", "a/a.go", []string{"T.M"}, "")
	r.GoRan("e/a.TestExec", "a/a.go", nil, "it may start processes")
	for title, c := range map[string]struct{ from, to, want string }{
		"a function's body":   {"return 1", "return 3", "e/a.TestA e/a.TestExec e/a.TestNew"},
		"a method's body":     {"return 2", "return 3", "e/a.TestExec e/a.TestM e/a.TestNew"},
		"a signature":         {"A() int", "A(x ...int) int", "e/a.TestA e/a.TestExec e/a.TestM e/a.TestNew"},
		"a type":              {"struct{}", "struct{ x int }", "e/a.TestA e/a.TestExec e/a.TestM e/a.TestNew"},
		"a directive":         {"package a", "//go:build linux\n\npackage a", "e/a.TestA e/a.TestExec e/a.TestM e/a.TestNew"},
		"a comment":           {"is a.", "is an A.", "e/a.TestExec e/a.TestNew"},
		"what does not parse": {"type T", "type", "e/a.TestA e/a.TestExec e/a.TestM e/a.TestNew"},
	} {
		now := strings.Replace(old, c.from, c.to, 1)
		before, after := source.Go([]byte(old)), source.Go([]byte(now))
		in.Map = &Dynamic{Map: r.Map("c", nil), Go: map[string]Delta{"a/a.go": {Old: before.Defs, New: after.Defs, OldText: []byte(old), NewText: []byte(now), Broken: after.Broken != nil}}}
		in.Change = []ci.FileChange{{Path: "a/a.go", Status: "M"}}
		assert.Equal(t, ids(Select(in).Tests), c.want, title)
	}
}
