package impact

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

// lib is a small library under test. What its tests ran is recording, as the
// plugin wrote it.
var lib = map[string]string{
	"lib/__init__.py": "",
	"lib/core.py": `import re
LIMIT = 5
PAT = re.compile("x")
def area(w, h):
    return w * h
def helper():
    return LIMIT
def made():
    return 1
TABLE = made()
class Shape:
    sides = 0
    def name(self):
        return "shape"
    def cost(self):
        return area(1, 2)
def cached():
    return 3
`,
	"lib/use.py": `from lib.core import LIMIT as bound
def used():
    return bound
def other():
    return 2
`,
	"tests/conftest.py":  "import lib.core\n",
	"tests/test_core.py": "from lib import core\ndef test_area(): pass\ndef test_helper(): pass\ndef test_name(): pass\n",
	"tests/test_use.py":  "from lib import use\ndef test_used(): pass\ndef test_other(): pass\ndef test_data(): pass\n",
	"tests/test_far.py":  "def test_far(): pass\n",
}

const recording = `{"head":1,"python":"3.12.1","implementation":"cpython","platform":"linux","mode":"monitoring","installed":"i"}
{"test":"tests/test_core.py::test_area","defs":[0,1],"reads":[],"lists":[],"uses":[]}
{"test":"tests/test_core.py::test_helper","defs":[2,3],"reads":[],"lists":[],"uses":[]}
{"test":"tests/test_core.py::test_name","defs":[4,5],"reads":[],"lists":[],"uses":["wide"]}
{"test":"tests/test_use.py::test_used","defs":[6,7],"reads":[],"lists":[],"uses":[]}
{"test":"tests/test_use.py::test_other","defs":[8,9],"reads":[],"lists":[],"uses":[],"why":"it starts a process"}
{"test":"tests/test_use.py::test_data","defs":[10],"reads":["data/a.json"],"lists":["data"],"uses":[]}
{"test":"tests/test_far.py::test_far","defs":[11],"reads":[],"lists":[],"uses":[]}
{"fixture":"wide","defs":[12],"reads":["data/wide.txt"],"lists":[],"uses":[]}
{"load":"lib/core.py","by":["tests/conftest.py"],"defs":[13,14],"reads":[],"lists":[],"uses":[]}
{"load":"lib/use.py","by":["tests/test_use.py"],"defs":[],"reads":["data/load.txt"],"lists":[],"uses":[]}
{"session":true,"defs":[],"reads":[],"lists":["."],"uses":[]}
{"collected":["tests/test_core.py::test_area","tests/test_core.py::test_helper","tests/test_core.py::test_name","tests/test_far.py::test_far","tests/test_use.py::test_data","tests/test_use.py::test_other","tests/test_use.py::test_used"]}
{"defs":[["tests/test_core.py","test_area"],["lib/core.py","area"],["tests/test_core.py","test_helper"],["lib/core.py","helper"],["tests/test_core.py","test_name"],["lib/core.py","Shape.name"],["tests/test_use.py","test_used"],["lib/use.py","used"],["tests/test_use.py","test_other"],["lib/use.py","other"],["tests/test_use.py","test_data"],["tests/test_far.py","test_far"],["lib/core.py","cached"],["lib/core.py","<module>"],["lib/core.py","made"]]}
`

func recorded(t testing.TB) *Map {
	t.Helper()
	r := NewRecording()
	assert.NilError(t, r.Add(strings.NewReader(recording)))
	return r.Map("c0ffee", nil)
}

// edited is the input of a plan after one file was edited.
func edited(t testing.TB, file, old, now string) Input {
	t.Helper()
	tree := map[string]string{}
	for name, text := range lib {
		tree[name] = text
	}
	if file != "" {
		assert.Assert(t, old == "" || strings.Contains(tree[file], old), "%s: %q", file, old)
		tree[file] = strings.Replace(tree[file], old, now, 1)
	}
	var files []source.File
	for _, name := range sortedKeys(tree) {
		files = append(files, source.File{Path: name, Facts: source.Python([]byte(tree[name]))})
	}
	in := Input{Settings: Settings{Enabled: true, Threshold: 20}, Graph: source.Modules(files, source.Layout{Strings: true}), Config: ReadPytest(nil)}
	in.Map = &Dynamic{Map: recorded(t), Deltas: map[string]Delta{}, Texts: func(yield func(string, []byte)) error {
		for _, name := range sortedKeys(tree) {
			yield(name, []byte(tree[name]))
		}
		return nil
	}}
	if file != "" {
		in.Change = []ci.FileChange{{Path: file, Status: "M"}}
		before, after := source.Python([]byte(lib[file])), source.Python([]byte(tree[file]))
		in.Map.Deltas[file] = Delta{before.Defs, after.Defs, []byte(lib[file]), []byte(tree[file]), before.Broken != nil || after.Broken != nil}
	}
	return in
}

// TestDynamic: which tests one edit selects. test_other always runs with any
// change of code, since it says that it could not be recorded.
func TestDynamic(t *testing.T) {
	const area, helper, name = "test_area", "test_helper", "test_name"
	for title, c := range map[string]struct{ file, old, now, want string }{
		"a body selects who runs it":                          {"lib/core.py", "w * h", "w + h", area + " test_other"},
		"comments and layout select nobody":                   {"lib/core.py", "    return w * h", "    # why\n    return w  *  h", "test_other"},
		"a wider fixture's code selects who uses the fixture": {"lib/core.py", "return 3", "return 4", name + " test_other"},
		"what runs at load selects who loads":                 {"lib/core.py", "return 1\n", "return 9\n", "ALL"},
		"a constant selects who mentions it, under any name":  {"lib/core.py", "LIMIT = 5", "LIMIT = 6", helper + " test_other test_used"},
		"a new function selects who mentions its name":        {"lib/core.py", "def cached", "def fresh():\n    pass\ndef cached", "test_other"},
		"a new import that is known does nothing else":        {"lib/core.py", "LIMIT = 5", "import re\nLIMIT = 5", "test_other"},
		"a new import that may fail concerns who loads":       {"lib/core.py", "LIMIT = 5", "import nowhere\nLIMIT = 5", "ALL"},
		"a call at load may do anything":                      {"lib/core.py", "LIMIT = 5", "print(1)\nLIMIT = 5", "ALL"},
		"a value that is computed may fail":                   {"lib/core.py", "LIMIT = 5", "LIMIT = 5 / 0", "ALL"},
		"a new default concerns who runs the function":        {"lib/core.py", "area(w, h)", "area(w, h=1)", area + " test_other"},
		"a decorator may do anything":                         {"lib/core.py", "def cached", "@register\ndef cached", "ALL"},
		"a member concerns all of its class":                  {"lib/core.py", "sides = 0", "sides = 1", name + " test_other"},
		"a new method too":                                    {"lib/core.py", "    def cost", "    def more(self): pass\n    def cost", name + " test_other"},
		"a base class may do anything":                        {"lib/core.py", "class Shape:", "class Shape(Base):", "ALL"},
		"what is imported elsewhere and is gone":              {"lib/core.py", "LIMIT = 5\n", "", helper + " test_data test_other test_used"},
		"an annotation that nobody knows may fail":            {"lib/core.py", "area(w, h)", "area(w: Nowhere, h)", "ALL"},
		"one that is known does not":                          {"lib/core.py", "area(w, h)", "area(w: int, h)", area + " test_other"},
		"a decorator's arguments may fail":                    {"tests/test_core.py", "def test_area", "@pytest.mark.x(1)\ndef test_area", area + " " + helper + " " + name + " test_other"},
		"order matters":                                       {"lib/core.py", "LIMIT = 5\nPAT = re.compile(\"x\")", "PAT = re.compile(\"x\")\nLIMIT = 5", "ALL"},
		"what does not parse concerns who loads":              {"lib/core.py", "def area(w, h):", "def area(w, h:", "ALL"},
		"a test's own body":                                   {"tests/test_core.py", "def test_area(): pass", "def test_area(): assert 1", area + " test_other"},
		"a new test is new":                                   {"tests/test_core.py", "def test_name", "def test_extra(): pass\ndef test_name", "test_extra test_other"},
		"a function that nobody ran":                          {"lib/core.py", "return area(1, 2)", "return area(2, 2)", "test_other"},
	} {
		t.Run(title, func(t *testing.T) {
			in := edited(t, c.file, c.old, c.now)
			in.Known = map[ci.TestID]bool{}
			for _, id := range in.Map.Collected {
				in.Known[id] = true
			}
			p := Select(in)
			var got []string
			for _, choice := range p.Tests {
				got = append(got, last(strings.ReplaceAll(string(choice.ID), "::", ".")))
			}
			want := c.want
			if want == "ALL" {
				want = "test_area test_helper test_name test_data test_other test_used"
				if c.file == "lib/core.py" {
					want = "test_area test_helper test_name test_far test_data test_other test_used" // by the conftest
				}
			}
			assert.Equal(t, strings.Join(got, " "), want, "%s", fmt.Sprint(p.Reason, p.Tests))
		})
	}
}

func TestReaders(t *testing.T) {
	for title, c := range map[string]struct{ file, status, want string }{
		"who opened it":                     {"data/a.json", "M", "test_data test_other"},
		"a fixture opened it":               {"data/wide.txt", "M", "test_name test_other"},
		"it was read at load":               {"data/load.txt", "M", "test_data test_other test_used"},
		"a new file beside, to who lists":   {"data/new.json", "A", "test_data test_other"},
		"a changed file that nobody opened": {"data/other.json", "M", "FULL"},
		"documentation that nobody opened":  {"docs/a.md", "M", ""},
	} {
		t.Run(title, func(t *testing.T) {
			in := edited(t, "", "", "")
			in.Change = []ci.FileChange{{Path: c.file, Status: c.status}}
			p := Select(in)
			var got []string
			for _, choice := range p.Tests {
				got = append(got, last(strings.ReplaceAll(string(choice.ID), "::", ".")))
			}
			if c.want == "FULL" {
				assert.Equal(t, p.Mode, Full)
				return
			}
			assert.Equal(t, strings.Join(got, " "), c.want, p.Reason)
		})
	}
}

// What lies between the map and the base counts as changed; what the map cannot
// bridge leaves it aside.
func TestAMapOfAnEarlierCommit(t *testing.T) {
	in := edited(t, "lib/core.py", "w * h", "w + h")
	in.Map.Since = []ci.FileChange{{Path: "data/a.json", Status: "M"}, {Path: "lib/core.py", Status: "M"}}
	p := Select(in)
	assert.Equal(t, len(p.Tests), 3) // test_data too
	in = edited(t, "lib/core.py", "w * h", "w + h")
	in.Map.Since = []ci.FileChange{{Path: "requirements.txt", Status: "M"}}
	p = Select(in)
	assert.Equal(t, p.Mode, Selective)
	assert.Equal(t, len(p.Tests), p.Total()) // by imports, the conftest imports it
	assert.Assert(t, strings.Contains(p.Notes[0], "requirements.txt changed since it was recorded"), p.Notes[0])
}

func TestAChildProcessCounts(t *testing.T) {
	r := NewRecording()
	assert.NilError(t, r.Add(strings.NewReader(recording)))
	assert.NilError(t, r.Add(strings.NewReader("{\"owner\":\"ttests/test_far.py::test_far\"}\n{\"d\":[\"lib/core.py\",\"area\"]}\n{\"x\":\"lib/core.py\"}\n{\"r\":\"data/x\"}\n{\"d\":[\"lib/co")))
	row, ok := r.Map("c", nil).Row("tests/test_far.py::test_far")
	assert.Assert(t, ok)
	assert.Equal(t, fmt.Sprint(len(row.Defs), len(row.Loads), len(row.Reads)), "2 1 1")
	assert.ErrorContains(t, r.Add(strings.NewReader("{\"head\":2}\n")), "newer plugin")
	assert.ErrorContains(t, r.Add(strings.NewReader("{\"head\":1}\n{\"te")), "line 2")
	assert.ErrorContains(t, r.Add(strings.NewReader("{\"head\":1}\n{\"test\":\"a\",\"defs\":[7]}\n")), "definition 7 of 0")
}

func TestMapsKeepWhatDidNotRunAgain(t *testing.T) {
	old := recorded(t)
	r := NewRecording()
	assert.NilError(t, r.Add(strings.NewReader(`{"head":1,"python":"3.12.1","installed":"i"}
{"test":"tests/test_far.py::test_far","defs":[0],"reads":[],"lists":[],"uses":[]}
{"session":true,"defs":[],"reads":[],"lists":[],"uses":[]}
{"collected":["tests/test_far.py::test_far","tests/test_far.py::test_x"]}
{"defs":[["lib/use.py","used"]]}
`)))
	m := r.Map("new", nil).Over(old)
	assert.Equal(t, len(m.Tests), 7)
	row, _ := m.Row("tests/test_far.py::test_far")
	assert.Equal(t, m.Defs[row.Defs[0]], Def{row1(m, "lib/use.py"), "used"})
	assert.Equal(t, len(row.Defs), 1)
	both := r.Map("new", nil).With(old)
	row, _ = both.Row("tests/test_far.py::test_far")
	assert.Equal(t, len(row.Defs), 2)
}

func row1(m *Map, file string) uint32 {
	for i, f := range m.Files {
		if f == file {
			return uint32(i)
		}
	}
	return 1 << 30
}

func TestMapsAreEncoded(t *testing.T) {
	m := recorded(t)
	m.Dirty = []string{"a.py"}
	data, err := m.AppendBinary(nil)
	assert.NilError(t, err)
	again, err := ParseMap(data)
	assert.NilError(t, err)
	assert.Equal(t, fmt.Sprintf("%+v", again), fmt.Sprintf("%+v", m))
	for i := range data {
		_, _ = ParseMap(data[:i])
	}
	_, err = ParseMap(nil)
	assert.ErrorContains(t, err, "not a map")
}

func FuzzParseMap(f *testing.F) {
	data, _ := recorded(f).AppendBinary(nil)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseMap(data)
		if err != nil {
			return
		}
		again, err := m.AppendBinary(nil)
		assert.NilError(t, err)
		twice, err := ParseMap(again)
		assert.NilError(t, err)
		assert.Equal(t, fmt.Sprintf("%+v", twice), fmt.Sprintf("%+v", m))
	})
}

func FuzzRecording(f *testing.F) {
	f.Add([]byte(recording))
	f.Add([]byte("{\"owner\":\"*\"}\n{\"d\":[\"a\",\"b\"]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewRecording()
		if r.Add(bytes.NewReader(data)) != nil {
			return
		}
		m := r.Map("c", nil)
		data, err := m.AppendBinary(nil)
		assert.NilError(t, err)
		_, err = ParseMap(data)
		assert.NilError(t, err)
	})
}

func TestStatements(t *testing.T) {
	text := "import a; import b\nx = (1,\n  2) # c\n@deco(\n 1)\ndef f(a=1, *, b: int = 2) -> int:\n    y = 1\n    return y\nclass C(B):\n    z = 1\n    @property\n    def m(self): return 1\n    def n(self):\n        '''d'''\nif TYPE_CHECKING:\n    import t\nelse:\n    u = 1\ns = '''a\ndef no(): pass\n'''\n"
	facts := source.Python([]byte(text))
	var got []string
	for _, s := range statements([]byte(text), facts.Defs) {
		got = append(got, fmt.Sprintf("%d-%d %s|%s|%v|%v|%s", s.first, s.last, s.scope, s.text, s.nested, s.typing, s.def))
	}
	assert.Equal(t, strings.Join(got, "\n"), strings.Join([]string{
		"1-1 |import a|false|false|",
		"1-1 |import b|false|false|",
		"2-3 |x = (1, 2)|false|false|",
		"4-6 |@deco( 1) def f(a=1, *, b: int = 2) -> int|false|false|f",
		"9-9 |@ class C(B)|false|false|C",
		"10-10 C|z = 1|false|false|",
		"11-12 C|@property def m(self)|false|false|C.m",
		"13-13 C|@ def n(self)|false|false|C.n",
		"16-16 |import t|false|true|",
		"17-17 |else:|true|false|",
		"18-18 |u = 1|true|false|",
		"19-21 |s = '''a\ndef no(): pass\n'''|false|false|",
	}, "\n"))
}

func TestEffects(t *testing.T) {
	seen := func(w string) bool { return w == "import os" || w == "from os import path" || w == "KNOWN" }
	for text, want := range map[string]string{
		"x = 1":                            "[x] false",
		"x: int = 1":                       "[x] false",
		"x: int":                           "[x] false",
		"x = y = [1, 'a', -2]":             "[x y] false",
		"x = KNOWN":                        "[x] false",
		"x = UNKNOWN":                      "[x] true",
		"x = frozenset({'a'})":             "[x] false",
		"x = f()":                          "[x] true",
		"x = f'{y}'":                       "[x] true",
		"x = rb'y'":                        "[x] false",
		"x = 1 + 1":                        "[x] true",
		"x = d['a']":                       "[x] true",
		"a, b = 1, 2":                      "[a b] true",
		"x.y = 1":                          "[] true",
		"x += 1":                           "[] true",
		"x == 1":                           "[] true",
		"import os":                        "[os] false",
		"import os.path":                   "[os] true",
		"from os import path as p":         "[p] false",
		"from os import (path, nothing)":   "[path nothing] true",
		"from x import *":                  "[*] true",
		"from __future__ import generator": "[generator] true",
		"print()":                          "[] true",
		"del x":                            "[] true",
		"'''doc'''":                        "[] false",
		"f'''{x}'''":                       "[] true",
		"pass":                             "[] false",
		"if x: y = 1":                      "[] true",
	} {
		e := effectOf(statement{text: text}, seen)
		if len(e.names) == 0 {
			e.names = nil
		}
		assert.Equal(t, fmt.Sprintf("%v %v", append([]string{}, e.names...), e.anything), want, text)
	}
}

func FuzzStatements(f *testing.F) {
	f.Add("x = 1\n@d\ndef f(): pass\n", "x")
	f.Fuzz(func(t *testing.T, text, name string) {
		facts := source.Python([]byte(text))
		for _, s := range statements([]byte(text), facts.Defs) {
			assert.Assert(t, s.first <= s.last && s.first >= 1)
			effectOf(s, func(string) bool { return false })
		}
		find([]byte(text), map[string]bool{name: true}, true)
	})
}
