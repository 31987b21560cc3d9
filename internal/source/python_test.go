package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/source"
)

// said writes imports the way the tests read them: "kind line level:module names".
func said(f source.Facts) []string {
	var out []string
	for _, i := range f.Imports {
		var names []string
		for _, n := range i.Names {
			names = append(names, strings.TrimSuffix(n.Name+"="+n.As, "="))
		}
		if i.Star {
			names = append(names, "*")
		}
		s := fmt.Sprintf("%s %d %s%s %s", i.Kind, i.Line, strings.Repeat(".", i.Level), i.Module, strings.Join(names, ","))
		if i.As != "" {
			s += "as " + i.As
		}
		if i.Dynamic {
			s += "dynamic"
		}
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

func TestImports(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"plain, dotted, aliased", "import a, b.c as d\n", []string{"runtime 1 a", "runtime 1 b.c as d"}},
		{"from, with parentheses, comments and a trailing comma", "from a.b import ( # why\n  c as d,\n  e,\n)\n", []string{"runtime 1 a.b c=d,e"}},
		{"relative, without a module, star", "from . import x\nfrom ...p.q import y\nfrom .m import *\n", []string{"runtime 1 . x", "runtime 2 ...p.q y", "runtime 3 .m *"}},
		{"several on one line, joined by a backslash", "import a; from b \\\n import c\n", []string{"runtime 1 a", "runtime 1 b c"}},
		{"under try and if", "try:\n  import a\nexcept ImportError:\n  a = None\nif x: import b\n", []string{"conditional 2 a", "conditional 5 b"}},
		{"for type checkers, and not", "if TYPE_CHECKING:\n  import a\nelse:\n  import b\nif not typing.TYPE_CHECKING:\n  import c\nelse:\n  import d\nif TYPE_CHECKING or x:\n  import e\n", []string{"type_checking 2 a", "conditional 4 b", "conditional 6 c", "type_checking 8 d", "conditional 10 e"}},
		{"in a function, in a class", "def f():\n  import a\nclass C:\n  import b\n  def g(self): import c\n", []string{"lazy 2 a", "runtime 4 b", "lazy 5 c"}},
		{"lazy as a keyword (PEP 810) and as a name", "lazy import a\nlazy from b import c\nlazy = 1\n", []string{"lazy 1 a", "lazy 2 b c"}},
		{"by name, when it is a literal", "import_module('a.b')\nx.import_module('.c', p)\n__import__('d' + e)\nimportorskip(\"f\")\nimport_module(f'g.{h}')\n", []string{"runtime 1 a.b dynamic", "runtime 2 .c dynamic", "runtime 4 f dynamic"}},
		{"not in strings and comments", "'''\nimport a\n'''\n# import b\nx = f'{y!r:>{w}} import c'\n", nil},
		{"after f-strings that nest the same quotes", "x = f'{d['a']:{'>'}10}' f\"{f'{1}'}\" rf'\\{x}' f'\\N{DASH}{{'\nimport a\n", []string{"runtime 2 a"}},
		{"match as a statement and as a name", "match x:\n  case ...: import a\n  case _: pass\nmatch = 1\nmatch[0]: int\nimport b\n", []string{"conditional 2 a", "runtime 6 b"}},
		{"Python 2", "print 'x'\nexec code in ns\ntry: pass\nexcept E, e: import a\nraise E, 'b'\nx = `y` <> 0777L\n", []string{"conditional 4 a"}},
		{"a byte order mark, a cookie, tabs, form feeds, old line ends", "\xef\xbb\xbf# -*- coding: latin-1 -*-\r\nif 1:\r\n\timport a\r\n        import b\r\n\fimport \xe9\r", []string{"conditional 3 a", "conditional 4 b", "runtime 5 é"}},
		{"a backslash that is half of a character", "# coding: shift_jis\nx = '\x95\\'\nimport a\n", []string{"runtime 3 a"}},
		{"numbers that touch words", "x = 1if 0xfor y else 1.e5\nimport a\n", []string{"runtime 2 a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := source.Python([]byte(c.src))
			assert.DeepEqual(t, said(got), c.want)
			assert.Assert(t, got.Broken == nil, "%+v", got.Broken)
		})
	}
}

func TestBrokenFilesTellWhatTheyCan(t *testing.T) {
	for _, c := range []struct {
		name, src string
		line      int
		want      []string
	}{
		{"a bracket that is never closed", "import a\nx = (1,\nimport b\ndef f():\n  import c\n", 2, []string{"runtime 1 a", "runtime 3 b", "lazy 5 c"}},
		{"a string that is never closed", "import a\nx = 'y\nimport b\n", 2, []string{"runtime 1 a", "runtime 3 b"}},
		{"a text that is never closed", "import a\nx = '''y\nimport b\n", 2, []string{"runtime 1 a"}},
		{"an f-string that is never closed", "import a\nx = f'{y'\nimport b\n", 2, []string{"runtime 1 a", "runtime 3 b"}},
		{"a bracket too many", "import a\nx = 1)\nimport b\n", 2, []string{"runtime 1 a", "runtime 3 b"}},
		{"a missing colon", "import a\nif x\n  import b\n", 2, []string{"runtime 1 a", "runtime 3 b"}},
		{"a missing body", "def f():\nimport a\n", 2, []string{"runtime 2 a"}},
		{"merge conflicts", "import a\n<<<<<<< HEAD\nimport b\n=======\nimport c\n>>>>>>> x\n", 0, []string{"runtime 1 a", "runtime 3 b", "runtime 5 c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := source.Python([]byte(c.src))
			assert.DeepEqual(t, said(got), c.want)
			if c.line > 0 {
				assert.Assert(t, got.Broken != nil)
				assert.Equal(t, got.Broken.Line, c.line, got.Broken.Text)
			}
		})
	}
}

// TestBoundsOfSize goes through input that makes recursive parsers fall over.
func TestBoundsOfSize(t *testing.T) {
	deep := strings.Repeat("(", 100_000)
	for name, src := range map[string]string{
		"parentheses": "x = " + deep + strings.Repeat(")", 100_000) + "\nimport a\n",
		"unclosed":    "x = " + deep + "\nimport a\n",
		"one line":    "x = [" + strings.Repeat("1, ", 2_000_000) + "]\nimport a\n",
		"f-strings":   "x = " + strings.Repeat("f'{", 50_000) + "\nimport a\n",
		"blocks":      nested(500) + "import a\n",
		"nul":         "x = 1\x00\nimport a\n",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Assert(t, slices.ContainsFunc(said(source.Python([]byte(src))), func(s string) bool { return strings.HasSuffix(s, " a") }))
		})
	}
}

func nested(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%sdef f%d():\n", strings.Repeat(" ", i), i)
	}
	b.WriteString(strings.Repeat(" ", n) + "if x and y: pass\n")
	return b.String()
}

func TestDefinitions(t *testing.T) {
	src := `
class Shape(Protocol):
    @property
    @abstractmethod
    def area(self, unit="m", /, *, exact=False): ...

@cache
def outer(a, *args, b: int = 1, **kw) -> list[int]:
    def inner(x):
        return x

    return inner
`
	got := source.Python([]byte(src)).Defs
	want := []string{
		"module <module> 1-12 params 0 abstract false",
		"class Shape 2-5 params 0 abstract true",
		"method Shape.area 3-5 params 2 abstract true",
		"function outer 7-12 params 4 abstract false",
		"function outer.<locals>.inner 9-10 params 1 abstract false",
	}
	assert.Equal(t, len(got), len(want))
	for i, d := range got {
		assert.Equal(t, fmt.Sprintf("%s %s %d-%d params %d abstract %t", d.Kind, d.Name, d.First, d.Last, d.Params, d.Abstract), want[i])
	}
}

// TestCognitiveComplexity follows the examples of SonarSource's paper.
func TestCognitiveComplexity(t *testing.T) {
	for _, c := range []struct {
		name, body string
		cyclomatic int
		cognitive  int
	}{
		{"the paper's sumOfPrimes, without its label", "    for i in r:\n        for j in s:\n            if i % j == 0:\n                break\n        t += i\n", 4, 6},
		{"a switch costs one, whatever its cases", "    match n:\n        case 1: return a\n        case 2: return b\n        case _: return c\n", 3, 1},
		{"else and elif cost one and no nesting", "    if a:\n        x\n    elif b:\n        if c: y\n    else:\n        z\n", 4, 5},
		{"runs of like operators cost one each", "    return a and b and c or d or e and f\n", 6, 3},
		{"parentheses go on with the run, not begins a new one", "    return a and (b and c) and not (d and e)\n", 5, 2},
		{"conditional expressions nest", "    return a if b else (c if d else e)\n", 3, 3},
		{"comprehensions are shorthand", "    return [x for x in y if x if z]\n", 4, 0},
		{"try costs nothing, except does", "    try:\n        if a: b\n    except E:\n        if c: d\n    else:\n        e\n    finally:\n        f\n", 5, 5},
		{"a function inside nests, and counts outside", "    x = 1\n    def g():\n        if a: b\n    return g\n", 1, 2},
		{"a decorator's inner function does not nest", "    def g():\n        if a: b\n    return g\n", 1, 1},
		{"recursion costs one", "    return f(n - 1) + f(n - 2)\n", 1, 1},
		{"an assert counts as one, as radon has it", "    assert a and b\n", 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			defs := source.Python([]byte("def f(n):\n" + c.body)).Defs
			assert.Equal(t, defs[1].Name, "f")
			assert.Equal(t, defs[1].Complexity, c.cyclomatic, "cyclomatic")
			assert.Equal(t, defs[1].Cognitive, c.cognitive, "cognitive")
		})
	}
}

func TestHashes(t *testing.T) {
	hash := func(src string) uint64 { return source.Python([]byte(src)).Defs[1].Hash }
	base := hash("def f(a, b=1):\n    \"\"\"Doc.\"\"\"\n    x = [a,\n         b]\n    if x: return g(a, 'b')\n    return ('c',)\n")
	for name, same := range map[string]string{
		"comments and blank lines":       "# above\n\n\ndef f(a, b=1): # here\n    \"\"\"Doc.\"\"\"\n\n    # in between\n    x = [a,  # a\n         b]\n    if x: return g(a, 'b')\n    return ('c',)\n# after\n",
		"layout":                         "def f(\n    a,\n    b=1,\n):\n  \"\"\"Doc.\"\"\"\n  x = [\n    a,\n    b,\n  ]\n  if x:\n      return g(\n        a, 'b',\n      )\n  return (\n    'c',\n  )\n",
		"quotes":                         "def f(a, b=1):\n    \"\"\"Doc.\"\"\"\n    x = [a, b]; \n    if x: return g(a, \"b\")\n    return (\"c\",)\n",
		"a definition elsewhere changes": "def f(a, b=1):\n    \"\"\"Doc.\"\"\"\n    x = [a, b]\n    if x: return g(a, 'b')\n    return ('c',)\ndef h(): pass\n",
	} {
		assert.Equal(t, hash(same), base, name)
	}
	for name, other := range map[string]string{
		"a docstring":              "def f(a, b=1):\n    \"\"\"Other.\"\"\"\n    x = [a, b]\n    if x: return g(a, 'b')\n    return ('c',)\n",
		"a default":                "def f(a, b=2):\n    \"\"\"Doc.\"\"\"\n    x = [a, b]\n    if x: return g(a, 'b')\n    return ('c',)\n",
		"a tuple that is none now": "def f(a, b=1):\n    \"\"\"Doc.\"\"\"\n    x = [a, b]\n    if x: return g(a, 'b')\n    return ('c')\n",
		"what is under the if":     "def f(a, b=1):\n    \"\"\"Doc.\"\"\"\n    x = [a, b]\n    if x:\n        return g(a, 'b')\n        return ('c',)\n",
	} {
		assert.Assert(t, hash(other) != base, name)
	}
	module := func(src string) uint64 { return source.Python([]byte(src)).Defs[0].Hash }
	assert.Equal(t, module("x = 1\ndef f():\n    return 1\n"), module("x = 1\ndef f():\n    return 2\n"), "a body is its own definition's")
	assert.Assert(t, module("def f(a=1): pass\n") != module("def f(a=2): pass\n"), "a default is evaluated by the module")
}

// FuzzPython promises that nothing panics, that ranges lie within the file, and
// that blank lines and comments before the text move lines and change nothing else.
func FuzzPython(f *testing.F) {
	for _, seed := range []string{
		"import a\n", "from .x import (a,\n b)\n", "def f(x):\n  return f'{x!r:>{w}}'\n", "if TYPE_CHECKING:\n\timport a\nelse: import b\n",
		"match x:\n case [a, *_] if b: pass\n", "class A[T: int](B):\n @d\n async def f(self): await x\n", "x = (\nimport a\n", "f'''{\n", "\\\n x", "a\rb\r\n\x0c c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if strings.HasPrefix(src, "\xef\xbb\xbf") || strings.Contains(src, "coding") {
			return // only the first lines can hold these
		}
		got := source.Python([]byte(src))
		for _, d := range got.Defs {
			if d.First < 1 || d.Line < d.First || d.Last < d.Line || d.Last > max(got.Lines, 1)+1 {
				t.Errorf("%s: lines %d, %d to %d of %d", d.Name, d.First, d.Line, d.Last, got.Lines)
			}
		}
		moved := source.Python([]byte("# a comment\n\n" + src))
		if len(moved.Imports) != len(got.Imports) || len(moved.Defs) != len(got.Defs) {
			t.Fatalf("%d imports and %d definitions, and %d and %d below a comment", len(got.Imports), len(got.Defs), len(moved.Imports), len(moved.Defs))
		}
		for i := range got.Imports {
			if got.Imports[i].Line+2 != moved.Imports[i].Line || got.Imports[i].Module != moved.Imports[i].Module || got.Imports[i].Kind != moved.Imports[i].Kind {
				t.Errorf("%+v, and %+v below a comment", got.Imports[i], moved.Imports[i])
			}
		}
		for i := range got.Defs {
			if got.Defs[i].Hash != moved.Defs[i].Hash || got.Defs[i].Complexity != moved.Defs[i].Complexity {
				t.Errorf("%+v, and %+v below a comment", got.Defs[i], moved.Defs[i])
			}
		}
	})
}

func TestModules(t *testing.T) {
	file := func(path, src string) source.File {
		return source.File{Path: path, Facts: source.Python([]byte(src))}
	}
	g := source.Modules([]source.File{
		file("src/app/__init__.py", "from .core import run\n"),
		file("src/app/core.py", "import app.util\nfrom app import util as u, missing\nfrom . import core\nimport yaml, os.path\n"),
		file("src/app/util.py", "from app.plugins import one\nimport app.gone.deep\n"),
		file("src/app/plugins/one.py", "if TYPE_CHECKING:\n  from app.core import run, stop\n"),
		file("tests/conftest.py", "import helpers\n"),
		file("tests/helpers.py", ""),
		file("tests/unit/test_core.py", "import helpers\nfrom app.core import *\n"),
		file("other/tests/helpers.py", ""),
	}, source.Layout{})
	var got []string
	for _, e := range g.Imports {
		got = append(got, fmt.Sprintf("%s:%d %s %s %s", g.Modules[e.From].Name, e.Line, g.Modules[e.To].Name, e.Kind, strings.Join(e.Names, ",")))
	}
	want := []string{
		"app:1 app.core runtime run",
		"app.core:2 app runtime missing",
		"app.core:1 app.util runtime ",
		"app.core:2 app.util runtime ",
		"app.core:4 os runtime ",
		"app.core:4 yaml runtime ",
		"app.plugins.one:2 app.core type_checking run,stop",
		"app.util:1 app.plugins.one runtime ",
		"tests.conftest:1 tests.helpers runtime ",
		"tests.unit.test_core:2 app.core runtime *",
		"tests.unit.test_core:1 tests.helpers runtime ",
	}
	slices.Sort(got)
	slices.Sort(want)
	assert.DeepEqual(t, got, want)
	assert.Equal(t, len(g.Warnings), 1, "%v", g.Warnings)
	assert.Equal(t, g.Warnings[0].Text, "app.gone.deep is imported and is no file here")
}

func TestGo(t *testing.T) {
	src := `package p

import "fmt"

type I interface{ M() }

// F does.
func (s *S[T]) F(a, b int) {
	for i := range a {
		if i > 1 && b > 2 || a > 3 {
			fmt.Println()
		} else if b == 1 {
		} else {
		}
	}
	switch a {
	case 1:
	default:
	}
}
`
	f := source.Go([]byte(src))
	assert.DeepEqual(t, said(f), []string{"runtime 3 fmt"})
	d := f.Defs[2]
	assert.Equal(t, fmt.Sprint(d.Name, d.Kind, d.Complexity, d.Cognitive, d.Params, d.Nesting), fmt.Sprint("S.F", ci.DefMethod, 7, 8, 2, 2))
	assert.Assert(t, f.Defs[1].Abstract)
	other := source.Go([]byte(strings.ReplaceAll(src, "\t\t\tfmt.Println()", "\t\t\t// why\n\t\t\tfmt.Println()")))
	assert.Equal(t, other.Defs[2].Hash, d.Hash)
	assert.Assert(t, source.Go([]byte("package p\nfunc {")).Broken != nil)
}

func BenchmarkPython(b *testing.B) {
	src := []byte(strings.Repeat("class A(B):\n    \"\"\"Doc of it.\"\"\"\n\n    def f(self, x, y=1):\n        # why\n        if x and y in self.z:\n            return [a.b(c) for a in x if f'{a!r}']\n        from .m import n\n        return {'k': n, \"l\": 0x10}\n\n", 2000))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		source.Python(src)
	}
}
