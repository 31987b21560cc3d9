package heal_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/assert/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/heal"
	"keepgreen/internal/source"
)

// repo is a repository of the given files.
func repo(files map[string]string) *heal.Repo {
	r := &heal.Repo{Read: func(path string) (string, bool) { text, ok := files[path]; return text, ok }}
	for name, text := range files {
		switch {
		case strings.HasSuffix(name, ".py"):
			r.Files = append(r.Files, source.File{Path: name, Facts: source.Python([]byte(text))})
		case strings.HasSuffix(name, ".go"):
			r.Files = append(r.Files, source.File{Path: name, Facts: source.Go([]byte(text))})
		}
	}
	r.Graph = source.Modules(r.Files, source.Layout{Self: "repo"})
	return r
}

func failing(kind ci.Kind, tool, message, file string, line int) ci.Failure {
	return ci.Failure{Kind: kind, Tool: tool, Message: message, Test: "tests/test_a.py::test_a", Pos: ci.Position{File: file, Line: line}}
}

const tracer = "class CacheTracer:\n    def __init__(self):\n        self.events = []\n\n    def record(self, event):\n        self.events.append(event)\n"

// TestFixers: what each proposes, as the file that comes out.
func TestFixers(t *testing.T) {
	for _, c := range []struct {
		name   string
		files  map[string]string
		cause  ci.Cause
		failed ci.Failure
		kind   string // empty: nothing is proposed
		file   string
		want   string
		unsure bool
	}{
		{
			name:  "the guide's scenario: the one definition is imported, in a section of its own",
			files: map[string]string{"tools/__init__.py": "", "tools/cache_tracer.py": tracer, "tests/test_kv.py": "import os\n\n\ndef test_kv():\n    assert CacheTracer() and os\n"},
			cause: ci.Cause{Class: ci.ClassName, Symbol: "CacheTracer"}, failed: failing(ci.KindTest, "pytest", "NameError: name 'CacheTracer' is not defined", "tests/test_kv.py", 5),
			kind: "missing-import", file: "tests/test_kv.py", want: "import os\n\nfrom tools.cache_tracer import CacheTracer\n\n\ndef test_kv():\n    assert CacheTracer() and os\n",
		},
		{
			name:  "an import of the module is extended, in its order",
			files: map[string]string{"a/__init__.py": "", "a/x.py": "def beta():\n    pass\n\n\ndef alpha():\n    pass\n", "a/y.py": "\"\"\"Doc.\"\"\"\n\nfrom a.x import beta\n\nalpha(beta)\n"},
			cause: ci.Cause{Class: ci.ClassName, Symbol: "alpha"}, failed: failing(ci.KindTest, "pytest", "", "a/y.py", 5),
			kind: "missing-import", file: "a/y.py", want: "\"\"\"Doc.\"\"\"\n\nfrom a.x import alpha, beta\n\nalpha(beta)\n",
		},
		{
			name:  "two definitions are no one definition",
			files: map[string]string{"a/__init__.py": "", "a/x.py": "def alpha():\n    pass\n", "a/z.py": "def alpha():\n    pass\n", "a/y.py": "import re\n\nalpha(re)\n"},
			cause: ci.Cause{Class: ci.ClassName, Symbol: "alpha"}, failed: failing(ci.KindTest, "pytest", "", "a/y.py", 3),
			kind: "missing-import", file: "a/y.py", want: "import re\n\nfrom a.x import alpha\n\nalpha(re)\n", unsure: true,
		},
		{
			name:  "what was lost with a line comes back with it",
			files: map[string]string{"y.py": "\"\"\"Doc.\"\"\"\n\n@dataclass\nclass A:\n    b: list = field(default_factory=list)\n"},
			cause: ci.Cause{Class: ci.ClassName, Symbol: "dataclass"}, failed: failing(ci.KindError, "pytest", "", "y.py", 3),
			kind: "missing-import", file: "y.py", want: "\"\"\"Doc.\"\"\"\n\nfrom dataclasses import dataclass, field\n\n@dataclass\nclass A:\n    b: list = field(default_factory=list)\n",
		},
		{
			name:  "a module of the standard library",
			files: map[string]string{"y.py": "import re\nimport sys\n\njson.dumps(re, sys)\n"},
			cause: ci.Cause{Class: ci.ClassName, Symbol: "json"}, failed: failing(ci.KindTest, "pytest", "", "y.py", 4),
			kind: "missing-import", file: "y.py", want: "import json\nimport re\nimport sys\n\njson.dumps(re, sys)\n",
		},
		{
			name:  "an attribute that is one slip away",
			files: map[string]string{"x.py": tracer + "\n    def last(self):\n        return self.evnets[-1]\n"},
			cause: ci.Cause{Class: ci.ClassAttribute, Symbol: "evnets", Type: "CacheTracer"}, failed: failing(ci.KindTest, "pytest", "'CacheTracer' object has no attribute 'evnets'", "x.py", 9),
			kind: "misspelt-attribute", file: "x.py", want: tracer + "\n    def last(self):\n        return self.events[-1]\n",
		},
		{
			name:  "an attribute of None is no slip",
			files: map[string]string{"x.py": "a = None\na.events\n"},
			cause: ci.Cause{Class: ci.ClassAttribute, Symbol: "events", Type: "NoneType"}, failed: failing(ci.KindTest, "pytest", "", "x.py", 2),
		},
		{
			name:  "a misspelt module of ours",
			files: map[string]string{"shop/__init__.py": "", "shop/prices.py": "A = 1\n", "shop/cart.py": "from shop.price import A\n"},
			cause: ci.Cause{Class: ci.ClassImport, Module: "shop.price"}, failed: failing(ci.KindError, "pytest", "No module named 'shop.price'", "shop/cart.py", 1),
			kind: "misspelt-import", file: "shop/cart.py", want: "from shop.prices import A\n",
		},
		{
			name:  "a breakpoint goes with its line",
			files: map[string]string{"x.py": "def f(a):\n    breakpoint()\n    return a\n"},
			cause: ci.Cause{Class: ci.ClassException}, failed: failing(ci.KindTest, "pytest", "reading from stdin", "x.py", 3),
			kind: "trailing-breakpoint", file: "x.py", want: "def f(a):\n    return a\n",
		},
		{
			name:  "a breakpoint that is all of a block stays",
			files: map[string]string{"x.py": "def f(a):\n    breakpoint()\n"},
			cause: ci.Cause{Class: ci.ClassException}, failed: failing(ci.KindTest, "pytest", "reading from stdin", "x.py", 2),
		},
		{
			name:  "annotations are postponed",
			files: map[string]string{"x.py": "\"\"\"Doc.\"\"\"\n\nimport re\n\n\nclass A:\n    def b(self) -> A:\n        return re\n"},
			cause: ci.Cause{Class: ci.ClassName, Symbol: "A"}, failed: failing(ci.KindError, "pytest", "", "x.py", 7),
			kind: "future-annotations", file: "x.py", want: "\"\"\"Doc.\"\"\"\n\nfrom __future__ import annotations\n\nimport re\n\n\nclass A:\n    def b(self) -> A:\n        return re\n",
		},
		{
			name:  "Go: the package of that name is imported, in order",
			files: map[string]string{"go.mod": "module m\n", "a/a.go": "package a\n\nimport (\n\t\"fmt\"\n\t\"strings\"\n)\n\nvar A = fmt.Sprint(strings.ToUpper(\"\"), errors.New(\"\"))\n"},
			cause: ci.Cause{Class: ci.ClassBuild, Symbol: "errors"}, failed: failing(ci.KindBuild, "go build", "undefined: errors", "a/a.go", 8),
			kind: "missing-go-import", file: "a/a.go", want: "package a\n\nimport (\n\t\"errors\"\n\t\"fmt\"\n\t\"strings\"\n)\n\nvar A = fmt.Sprint(strings.ToUpper(\"\"), errors.New(\"\"))\n",
		},
		{
			name:  "Go: a name that two packages have is not guessed",
			files: map[string]string{"a/a.go": "package a\n\nimport \"fmt\"\n\nvar A = fmt.Sprint(rand.Int())\n"},
			cause: ci.Cause{Class: ci.ClassBuild, Symbol: "rand"}, failed: failing(ci.KindBuild, "go build", "undefined: rand", "a/a.go", 5),
		},
		{
			name:  "Go: an import that nothing uses goes",
			files: map[string]string{"a/a.go": "package a\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nvar A = fmt.Sprint()\n"},
			cause: ci.Cause{Class: ci.ClassBuild}, failed: failing(ci.KindBuild, "go build", "\"os\" imported and not used", "a/a.go", 5),
			kind: "unused-go-import", file: "a/a.go", want: "package a\n\nimport (\n\t\"fmt\"\n)\n\nvar A = fmt.Sprint()\n",
		},
		{
			name:  "a requirement that the development file has",
			files: map[string]string{"x.py": "import yaml\n", "requirements.txt": "rich==15.0.0\n", "requirements-dev.txt": "PyYAML==6.0.3\n"},
			cause: ci.Cause{Class: ci.ClassImport, Module: "yaml"}, failed: failing(ci.KindError, "pytest", "No module named 'yaml'", "x.py", 1),
			kind: "missing-dependency", file: "requirements.txt", want: "rich==15.0.0\nPyYAML==6.0.3\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := repo(c.files)
			found := heal.Propose(ci.Cluster{ID: "k1-1", Kind: c.failed.Kind, Cause: c.cause, Confidence: 0.9, Members: []ci.Failure{c.failed}}, r)
			if c.kind == "" {
				assert.Equal(t, len(found), 0, "%+v", found)
				return
			}
			assert.Assert(t, len(found) > 0)
			assert.Equal(t, found[0].Kind, c.kind)
			assert.Equal(t, found[0].Sure, !c.unsure)
			assert.Equal(t, found[0].Confidence > 0.9, !c.unsure)
			changes, err := heal.Apply(found[0].Edits, r.Read)
			assert.NilError(t, err)
			assert.Equal(t, changes[0].Path, c.file)
			assert.Equal(t, changes[0].After, c.want)
			assert.Check(t, cmp.Len(heal.Check(changes, found[0].Kind, heal.Limits{}), 0))
		})
	}
}

func TestWhatIsNotMended(t *testing.T) {
	for _, c := range []ci.Cluster{
		{Whose: ci.WhoseFlaky, Members: make([]ci.Failure, 1)},
		{Whose: ci.WhoseInfra, Members: make([]ci.Failure, 1)},
		{Kind: ci.KindInfra, Members: make([]ci.Failure, 1)},
		{Cause: ci.Cause{Class: ci.ClassNetwork}, Members: make([]ci.Failure, 1)},
		{},
	} {
		assert.Check(t, heal.Eligible(c) != "", "%+v", c)
		assert.Check(t, cmp.Len(heal.Propose(c, repo(nil)), 0))
	}
}

func TestEditsApplyExactlyOrNotAtAll(t *testing.T) {
	text := "def a():\n    x = 1\n    return x\n\ndef b():\n    x = 1\n    return  x\n"
	for _, c := range []struct {
		name, old, with, want string
		err                   error
	}{
		{"once", "def b():\n", "def c():\n", strings.Replace(text, "def b()", "def c()", 1), nil},
		{"twice", "    x = 1\n", "    x = 2\n", "", heal.ErrAmbiguous},
		{"nowhere", "y = 1", "y = 2", "", heal.ErrNotThere},
		{"nothing at all", " \n", "y", "", heal.ErrNotThere},
		{"with blanks at the ends of lines", "def b():  \n    x = 1  \n", "def b():\n    x = 2\n", strings.Replace(text, "def b():\n    x = 1", "def b():\n    x = 2", 1), nil},
		{"with another indentation", "x = 1\nreturn  x", "x = 3\nreturn x", "", heal.ErrAmbiguous},
		{"of one line, indented otherwise", "def b():\n  x = 1\n  return x", "def b():\n  return 1", strings.Replace(text, "def b():\n    x = 1\n    return  x\n", "def b():\n  return 1\n", 1), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := heal.Apply([]heal.Edit{{Path: "a.py", Old: c.old, New: c.with}}, func(string) (string, bool) { return text, true })
			if c.err != nil {
				assert.ErrorIs(t, err, c.err)
				return
			}
			assert.NilError(t, err)
			assert.Equal(t, got[0].After, c.want)
		})
	}
	_, err := heal.Apply([]heal.Edit{{Path: "../a", Old: "a", New: "b"}}, func(string) (string, bool) { return "", false })
	assert.ErrorIs(t, err, heal.ErrNoFile)
}

// TestRules: for each way to be green without being right, the rule that it breaks.
func TestRules(t *testing.T) {
	code, test := "def f(a):\n    assert a\n    return a\n", "import pytest\n\nfrom x import f\n\n\ndef test_f():\n    assert f(1) == 2\n"
	for _, c := range []struct {
		name string
		heal.Change
		kind, rule string // empty: none is broken
	}{
		{"a change of code", heal.Change{Path: "x.py", Before: code, After: strings.Replace(code, "return a", "return a + 1", 1)}, "model", ""},
		{"an import in a test", heal.Change{Path: "tests/test_x.py", Before: test, After: "import os\n" + test}, "missing-import", ""},
		{"one name more in a test's import", heal.Change{Path: "tests/test_x.py", Before: test, After: strings.Replace(test, "import f", "import f, g", 1)}, "missing-import", ""},
		{"another name in a test's import", heal.Change{Path: "tests/test_x.py", Before: test, After: strings.Replace(test, "import f", "import g", 1)}, "model", "tests"},
		{"a weaker assertion", heal.Change{Path: "tests/test_x.py", Before: test, After: strings.Replace(test, "== 2", "!= 3", 1)}, "model", "tests"},
		{"a test that is gone", heal.Change{Path: "tests/test_x.py", Before: test, After: "import pytest\n"}, "model", "tests"},
		{"a conftest that ends the run", heal.Change{Path: "conftest.py", Before: "", After: "import sys\nsys.exit(0)\n"}, "model", "tests"},
		{"a conftest that is made", heal.Change{Path: "conftest.py", After: "import os\nos._exit(0)\n", Made: true}, "model", "regular-files"},
		{"a workflow", heal.Change{Path: ".github/workflows/ci.yml", Before: "a: 1\n", After: "a: 2\n"}, "model", "protected-paths"},
		{"a workflow in capitals", heal.Change{Path: ".GitHub/workflows/ci.yml", Before: "a: 1\n", After: "a: 2\n"}, "model", "protected-paths"},
		{"a lock file", heal.Change{Path: "a/poetry.lock", Before: "a\n", After: "b\n"}, "model", "protected-paths"},
		{"the checker's settings", heal.Change{Path: "pyproject.toml", Before: "a = 1\n", After: "a = 2\n"}, "format", "protected-paths"},
		{"this tool's settings", heal.Change{Path: "keepgreen.yaml", Before: "a: 1\n", After: "a: 2\n"}, "model", "protected-paths"},
		{"requirements, by whom they are no business of", heal.Change{Path: "requirements.txt", Before: "a\n", After: "b\n"}, "model", "protected-paths"},
		{"requirements, by the fixer of requirements", heal.Change{Path: "requirements.txt", Before: "a\n", After: "a\nb\n"}, "missing-dependency", ""},
		{"go.mod, by go mod tidy", heal.Change{Path: "go.mod", Before: "module a\n", After: "module a\n\ngo 1.26\n"}, "go-mod-tidy", ""},
		{"a secret's file", heal.Change{Path: ".env.local", Before: "A=1\n", After: "A=2\n"}, "model", "protected-paths"},
		{"git's own files", heal.Change{Path: ".git/config", Before: "a\n", After: "b\n"}, "model", "inside"},
		{"a path out of the repository", heal.Change{Path: "../x.py", Before: "a\n", After: "b\n"}, "model", "inside"},
		{"an absolute path", heal.Change{Path: "/etc/passwd", Before: "a\n", After: "b\n"}, "model", "inside"},
		{"a link", heal.Change{Path: "x.py", Before: "a\n", After: "b\n", WasMode: fs.ModeSymlink, Mode: fs.ModeSymlink}, "model", "regular-files"},
		{"an executable", heal.Change{Path: "x.py", Before: "a\n", After: "b\n", WasMode: 0o644, Mode: 0o755}, "model", "regular-files"},
		{"a file that goes", heal.Change{Path: "x.py", Before: code, Gone: true}, "model", "regular-files"},
		{"a noqa", heal.Change{Path: "x.py", Before: code, After: strings.Replace(code, "return a", "return a  # noqa: E501", 1)}, "model", "no-silencing"},
		{"a type: ignore", heal.Change{Path: "x.py", Before: code, After: strings.Replace(code, "return a", "return a  # type: ignore", 1)}, "model", "no-silencing"},
		{"a broad except", heal.Change{Path: "x.py", Before: code, After: "def f(a):\n    assert a\n    try:\n        return a\n    except Exception:\n        return 2\n"}, "model", "no-silencing"},
		{"an assertion that is lost", heal.Change{Path: "x.py", Before: code, After: "def f(a):\n    return a\n"}, "model", "no-silencing"},
		{"code that looks at the tests", heal.Change{Path: "x.py", Before: code, After: "import sys\n\n\n" + strings.Replace(code, "return a", "return 2 if 'pytest' in sys.modules else a", 1)}, "model", "no-silencing"},
		{"an answer that is always equal", heal.Change{Path: "x.py", Before: code, After: code + "\n\nclass A(int):\n    def __eq__(self, other):\n        return True\n"}, "model", "no-silencing"},
		{"an exit", heal.Change{Path: "x.py", Before: code, After: strings.Replace(code, "return a", "os._exit(0)", 1)}, "model", "no-silencing"},
		{"a skip in Go", heal.Change{Path: "x.go", Before: "package x\n", After: "package x\n\nfunc F(t interface{ Skip() }) { t.Skip() }\n"}, "model", "no-silencing"},
		{"Python that does not parse", heal.Change{Path: "x.py", Before: code, After: code + "def g(:\n"}, "model", "parses"},
		{"Go that does not parse", heal.Change{Path: "x.go", Before: "package x\n", After: "package x\n\nfunc {\n"}, "model", "parses"},
		{"a character that turns the text around", heal.Change{Path: "x.py", Before: code, After: strings.Replace(code, "return a", "return a \u202e", 1)}, "model", "text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := heal.Check([]heal.Change{c.Change}, c.kind, heal.Limits{})
			if c.rule == "" {
				assert.Check(t, cmp.Len(got, 0))
				return
			}
			assert.Check(t, cmp.Contains(strings.Join(got, "\n"), c.rule+": "+c.Path))
		})
	}
}

func TestAPatchHasASize(t *testing.T) {
	var changes []heal.Change
	for i := range 4 {
		changes = append(changes, heal.Change{Path: fmt.Sprintf("a%d.py", i), Before: "a = 1\n", After: "a = 2\n"})
	}
	assert.Check(t, cmp.Contains(heal.Check(changes, "model", heal.Limits{})[0], "4 files are changed, 3 may be"))
	assert.Check(t, cmp.Len(heal.Check(changes, "model", heal.Limits{Files: 4}), 0))
	long := heal.Change{Path: "a.py", Before: "", After: strings.Repeat("a = 1\n", 61)}
	assert.Check(t, cmp.Contains(heal.Check([]heal.Change{long}, "model", heal.Limits{})[0], "61 lines are changed, 60 may be"))
	assert.Check(t, cmp.Contains(heal.Check(nil, "model", heal.Limits{})[0], "empty"))
}

func TestConfidenceIsComputed(t *testing.T) {
	whole := heal.Facts{Reproduced: true, Applies: true, Passes: 3, Reruns: 3, Before: []string{"a", "b"}, After: []string{"b"}, Restored: true, Sure: true}
	v := heal.Judge(whole, "missing-import", heal.Rate{})
	assert.Check(t, v.Verified && v.Confidence > 0.9, v)
	for name, spoil := range map[string]func(*heal.Facts){
		"not reproduced":                        func(f *heal.Facts) { f.Reproduced = false },
		"does not apply":                        func(f *heal.Facts) { f.Applies = false },
		"breaks a rule":                         func(f *heal.Facts) { f.Broken = []string{"tests: x"} },
		"passes twice of three times":           func(f *heal.Facts) { f.Passes = 2 },
		"something else fails":                  func(f *heal.Facts) { f.After = []string{"c"} },
		"as much fails as before":               func(f *heal.Facts) { f.After = []string{"a", "b"} },
		"only with other files":                 func(f *heal.Facts) { f.Restored = false },
		"a linter is content, the tests aren't": func(f *heal.Facts) { f.Unsettled = []string{"b"} },
	} {
		f := whole
		spoil(&f)
		v := heal.Judge(f, "missing-import", heal.Rate{Right: 100})
		assert.Check(t, !v.Verified && v.Confidence == 0 && len(v.Because) > 0, "%s: %+v", name, v)
	}
	// A model's patch that passes is not yet a right one, whatever it says of itself.
	f := whole
	f.Sure, f.Own = false, 1
	assert.Check(t, heal.Judge(f, "model", heal.Rate{}).Confidence < 0.7)
	assert.Check(t, heal.Judge(f, "model", heal.Rate{}).Draft)
	assert.Check(t, heal.Judge(f, "model", heal.Rate{Right: 2000}).Confidence > 0.9)
	// What people close brings a kind down.
	assert.Check(t, heal.Judge(whole, "missing-import", heal.Rate{Wrong: 10}).Confidence < 0.9)
}

func TestAPatchSaysWhatItIs(t *testing.T) {
	h := heal.Header{ID: "x-1", Cluster: "k1-1", Kind: "format", Description: "Format\na.py", Sure: true, Own: 0.75}
	got := heal.ParseHeader(h.Patch("diff --git a/a b/a\nSubject: not this one\n"))
	h.Description = "Format a.py"
	assert.DeepEqual(t, got, h)
	assert.Equal(t, heal.ParseHeader("diff --git a/a b/a\n").Kind, "other")
}

// FuzzEdits: an edit that applies exactly is undone by its opposite where that
// occurs once; and no text is a reason to panic.
func FuzzEdits(f *testing.F) {
	f.Add("a\nb\nc\n", "b", "d")
	f.Add("  a\n\tb", "a\nb\n", "x\n")
	f.Fuzz(func(t *testing.T, text, old, with string) {
		read := func(string) (string, bool) { return text, true }
		got, err := heal.Apply([]heal.Edit{{Path: "a.py", Old: old, New: with}}, read)
		if err != nil {
			return
		}
		heal.Check(got, "model", heal.Limits{})
		if strings.Count(text, old) == 1 && strings.Count(got[0].After, with) == 1 && strings.TrimSpace(with) != "" {
			back, err := heal.Apply([]heal.Edit{{Path: "a.py", Old: with, New: old}}, func(string) (string, bool) { return got[0].After, true })
			assert.NilError(t, err)
			assert.Equal(t, back[0].After, text)
		}
	})
}
