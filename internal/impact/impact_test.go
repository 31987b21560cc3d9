package impact

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

// shop is a small project: b uses a, each has a test, conftest serves them all.
func shop() Input {
	file := func(name, path string, defs ...string) ci.Module {
		m := ci.Module{Name: name, File: path, Package: strings.HasSuffix(path, "__init__.py"), Test: strings.HasPrefix(path, "tests/")}
		for _, d := range defs {
			m.Defs = append(m.Defs, ci.Definition{Name: d, Kind: ci.DefFunction})
		}
		return m
	}
	g := ci.Graph{Modules: []ci.Module{
		0: file("shop", "shop/__init__.py"),
		1: file("shop.a", "shop/a.py"),
		2: file("shop.b", "shop/b.py"),
		3: file("shop.lone", "shop/lone.py"),
		4: file("shop.types", "shop/types.py"),
		5: file("tests.conftest", "tests/conftest.py"),
		6: file("tests.helper", "tests/helper.py"),
		7: file("tests.test_a", "tests/test_a.py", "test_one", "test_two", "helper"),
		8: file("tests.test_b", "tests/test_b.py", "test_b"),
		9: file("tests.test_c", "tests/test_c.py", "test_c"),
	}, Imports: []ci.ImportEdge{
		{From: 2, To: 1, Line: 3, Kind: ci.ImportLazy},
		{From: 2, To: 4, Line: 4, Kind: ci.ImportTyping},
		{From: 5, To: 6, Line: 1, Kind: ci.ImportRuntime},
		{From: 7, To: 1, Line: 1, Kind: ci.ImportRuntime},
		{From: 8, To: 2, Line: 2, Kind: ci.ImportRuntime},
	}}
	return Input{Settings: Settings{Enabled: true, Threshold: 20}, Graph: g, Config: ReadPytest(nil)}
}

func changed(in Input, paths ...string) Input {
	for _, p := range paths {
		in.Change = append(in.Change, ci.FileChange{Path: p, Status: "M"})
	}
	return in
}

func ids(choices []Choice) string {
	var out []string
	for _, c := range choices {
		out = append(out, string(c.ID))
	}
	return strings.Join(out, " ")
}

const (
	testsA   = "tests/test_a.py::test_one tests/test_a.py::test_two"
	testB    = "tests/test_b.py::test_b"
	testC    = "tests/test_c.py::test_c"
	allTests = testsA + " " + testB + " " + testC
)

func TestSelect(t *testing.T) {
	for name, c := range map[string]struct {
		in   Input
		want string
		full string // the beginning of the reason; empty: selective
	}{
		"nothing changed":                         {shop(), "", ""},
		"a module selects who imports it":         {changed(shop(), "shop/b.py"), testB, ""},
		"through others and in functions":         {changed(shop(), "shop/a.py"), testsA + " " + testB, ""},
		"a test file selects itself":              {changed(shop(), "tests/test_a.py"), testsA, ""},
		"a conftest selects what is below it":     {changed(shop(), "tests/conftest.py"), allTests, ""},
		"and so does what it imports":             {changed(shop(), "tests/helper.py"), allTests, ""},
		"a package runs before its modules":       {changed(shop(), "shop/__init__.py"), testsA + " " + testB, ""},
		"what nobody is known to load is no zero": {changed(shop(), "shop/lone.py"), allTests, "shop/lone.py changed, and no test is known to load it"},
		"an import for type checkers runs never":  {changed(shop(), "shop/types.py"), allTests, "shop/types.py changed, and no test"},
		"data without a reader means everything":  {changed(shop(), "shop/prices.json"), allTests, "shop/prices.json changed, and neither"},
		"documentation alone is nothing":          {changed(shop(), "README.md", "docs/a.rst", "LICENSE"), "", ""},
		"what tools leave":                        {changed(shop(), ".coverage", ".testmondata-wal", "coverage.xml"), "", ""},
		"documentation and code":                  {changed(shop(), "README.md", "shop/b.py"), testB, ""},
		"the workflow is critical":                {changed(shop(), ".github/workflows/ci.yml"), allTests, ".github/workflows/ci.yml is critical"},
		"requirements are critical":               {changed(shop(), "requirements-dev.txt", "shop/b.py"), allTests, "requirements-dev.txt is critical"},
		"the root's conftest is critical":         {changed(shop(), "conftest.py"), allTests, "conftest.py is critical"},
		"compiled code":                           {changed(shop(), "shop/fast.pyx"), allTests, "shop/fast.pyx changed: what compiled"},
		"a submodule":                             {changed(shop(), "vendor"), allTests, "vendor changed, and neither"},
		"a file outside":                          {changed(shop(), "../other/x.py"), allTests, "../other/x.py changed, and no test"},
		"too many files": {
			changed(func() Input { in := shop(); in.Threshold = 1; return in }(), "shop/a.py", "shop/b.py"),
			allTests, "2 files changed, more than the threshold of 1",
		},
		"exactly the threshold": {changed(func() Input { in := shop(); in.Threshold = 1; return in }(), "shop/b.py"), testB, ""},
		"disabled":              {changed(func() Input { in := shop(); in.Enabled = false; return in }(), "shop/b.py"), allTests, "test selection is disabled"},
		"an unknown change":     {func() Input { in := shop(); in.Unknown = "no merge base"; return in }(), allTests, "no merge base"},
		"own critical paths":    {changed(func() Input { in := shop(); in.Critical = []string{"shop/*.py"}; return in }(), "shop/b.py"), allTests, "shop/b.py is critical (shop/*.py)"},
		"a rule": {changed(func() Input {
			in := shop()
			in.Rules = []Rule{{"*.json", []string{"tests/test_c.py"}}}
			return in
		}(), "shop/prices.json"), testC, ""},
		"a rule for nothing": {changed(func() Input {
			in := shop()
			in.Rules = []Rule{{"shop/*.json", []string{"none"}}}
			return in
		}(), "shop/prices.json"), "", ""},
		"a rule for everything": {changed(func() Input {
			in := shop()
			in.Rules = []Rule{{"shop/**", []string{"all"}}}
			return in
		}(), "shop/b.py"), allTests, "shop/b.py changed, and the rule shop/** says all"},
		"a rule whose tests are gone": {changed(func() Input {
			in := shop()
			in.Rules = []Rule{{"*.json", []string{"tests/test_gone.py"}}}
			return in
		}(), "shop/prices.json"), allTests, "shop/prices.json changed, and the tests that the rule"},
		"what failed and what is new": {func() Input {
			in := changed(shop(), "shop/b.py")
			in.Failed = map[ci.TestID]string{"tests/test_c.py::test_c": ""}
			in.Known = map[ci.TestID]bool{"tests/test_c.py::test_c": true, "tests/test_b.py::test_b": true, "tests/test_a.py::test_two": true}
			return in
		}(), "tests/test_a.py::test_one " + testB + " " + testC, ""},
		"mentioned documentation": {func() Input {
			in := changed(shop(), "README.md")
			in.Mentions = map[string][]string{"README.md": {"shop/b.py"}}
			return in
		}(), testB, ""},
		"a computed import may load anything but tests": {func() Input {
			in := changed(shop(), "shop/lone.py")
			in.Opaque = map[string]bool{"shop/b.py": true}
			return in
		}(), testB, ""},
		"a file that does not parse may load anything": {func() Input {
			in := changed(shop(), "shop/lone.py")
			in.Graph.Modules[9].Broken = 3
			return in
		}(), testC, ""},
		"a link beside the graph": {func() Input {
			in := changed(shop(), "shop/lone.py")
			in.Links = []Link{{"tests/test_c.py", "shop/lone.py", "loads"}}
			return in
		}(), testC, ""},
		"the import graph is trusted no more": {func() Input {
			in := changed(shop(), "shop/b.py")
			in.Wide = map[Kind]bool{KindImport: true}
			return in
		}(), allTests, "shop/b.py changed, and the import graph missed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Select(c.in)
			assert.Equal(t, ids(p.Tests), c.want)
			assert.Equal(t, p.Total(), 4)
			if c.full == "" {
				assert.Equal(t, p.Mode, Selective, p.Reason)
			} else {
				assert.Equal(t, p.Mode, Full)
				assert.Assert(t, strings.HasPrefix(p.Reason, c.full), p.Reason)
			}
			for _, choice := range slices.Concat(p.Tests, p.Skipped) {
				assert.Assert(t, choice.Because != "", choice.ID)
			}
		})
	}
}

// A deleted file is only in the old graph; so is who loaded it.
func TestWhatIsGoneIsLookedUpInTheOldGraph(t *testing.T) {
	in := shop()
	old := in.Graph
	in.Before = &old
	in.Graph.Modules = slices.Clone(in.Graph.Modules)
	in.Graph.Modules[2].File, in.Graph.Modules[2].Name = "shop/c.py", "shop.c"
	in.Graph.Imports = nil
	in.Change = []ci.FileChange{{Path: "shop/c.py", OldPath: "shop/b.py", Status: "R"}}
	assert.Equal(t, ids(Select(in).Tests), allTests) // nobody is known to load the new name
	in.Links = []Link{{"tests/test_c.py", "shop/c.py", "loads"}}
	assert.Equal(t, ids(Select(in).Tests), testB+" "+testC)
	in.Change = []ci.FileChange{{Path: "tests/test_gone.py", Status: "D"}}
	p := Select(in)
	assert.Equal(t, ids(p.Tests), "")
	assert.Equal(t, p.Mode, Selective)
}

func TestAPathLeadsFromTheTestToTheChange(t *testing.T) {
	p := Select(changed(shop(), "shop/a.py"))
	assert.Equal(t, fmt.Sprint(p.Tests[2].Path), "[{tests/test_b.py shop/b.py 2 imports} {shop/b.py shop/a.py 3 imports}]")
	assert.Equal(t, p.Tests[2].Because, "shop/a.py changed: tests/test_b.py → shop/b.py → shop/a.py")
}

func TestArguments(t *testing.T) {
	p := Select(changed(shop(), "tests/test_a.py"))
	assert.DeepEqual(t, Arguments(p, nil), []string{"tests/test_a.py"})
	p.Skipped = append(p.Skipped, p.Tests[0])
	p.Tests = p.Tests[1:]
	assert.DeepEqual(t, Arguments(p, nil), []string{"tests/test_a.py::test_two"})
	p = Select(changed(shop(), "shop/a.py"))
	assert.DeepEqual(t, Arguments(p, []ci.TestID{"tests/test_a.py::test_one", "tests/test_b.py::test_b"}), []string{"tests/test_a.py::test_one", "tests/test_b.py"})
}

func TestReadPytest(t *testing.T) {
	for name, c := range map[string]struct {
		file, text       string
		tests, others    []string
		plugins          string
		doctest, docglob bool
	}{
		"the defaults":     {"x", "", []string{"test_a.py", "tests/a_test.py"}, []string{"tests/a.py", "build/test_a.py", ".tox/test_a.py", "node_modules/x/test_a.py"}, "", false, false},
		"a TOML list":      {"pyproject.toml", "[tool.pytest.ini_options]\npython_files = [\n  \"check_*.py\",\n]\ntestpaths = [\"tests\"]\naddopts = \"-ra -p shop.plugin --doctest-modules\"\n[tool.x]\ntestpaths=1\n", []string{"tests/check_a.py"}, []string{"tests/test_a.py", "shop/check_a.py"}, "shop.plugin", true, false},
		"INI lines":        {"setup.cfg", "[metadata]\nname = x\n[tool:pytest]\npython_files =\n  test*.py\n  t_*.py\naddopts =\n  -pshop.p\n  --doctest-glob=*.rst\n", []string{"testing.py", "a/t_x.py"}, []string{"a.py"}, "shop.p", false, true},
		"entry points":     {"pyproject.toml", "[project.entry-points.pytest11]\nshop = \"shop.plugin\"\nmore = \"shop.more:Plugin\"\n[x]\na = \"b.c\"\n", []string{"test_a.py"}, nil, "shop.more shop.plugin", false, false},
		"a testpaths glob": {"pytest.ini", "[pytest]\ntestpaths = src/*/tests\n", []string{"src/a/tests/test_x.py"}, []string{"test_x.py"}, "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := ReadPytest(map[string]string{c.file: c.text})
			for _, f := range c.tests {
				assert.Assert(t, got.isTestFile(f), f)
			}
			for _, f := range c.others {
				assert.Assert(t, !got.isTestFile(f), f)
			}
			assert.Equal(t, strings.Join(got.Plugins, " "), c.plugins)
			assert.Equal(t, got.Doctest, c.doctest)
			assert.Equal(t, got.DocGlob, c.docglob)
		})
	}
}

func TestWhichDefinitionsAreTests(t *testing.T) {
	in := shop()
	for name, want := range map[string]bool{
		"test_a": true, "tester": true, "helper": false, "TestA.test_b": true, "TestA.helper": false, "Base.test_b": false,
		"ShopTests.test_b": true, "ShopTestCase.test_x": true, "test_a.<locals>.test_b": false, "TestA.TestB.test_c": true,
	} {
		kind := ci.DefFunction
		if strings.Contains(name, ".") {
			kind = ci.DefMethod
		}
		assert.Equal(t, in.isTest(ci.Definition{Name: name, Kind: kind}), want, name)
	}
}

func TestMatches(t *testing.T) {
	for pattern, c := range map[string]struct{ yes, no []string }{
		".github/**":        {[]string{".github/x", ".github/workflows/a.yml"}, []string{"a/.github/x", ".githubx"}},
		"requirements*.txt": {[]string{"requirements.txt", "requirements-dev.txt"}, []string{"a/requirements.txt"}},
		"*.lock":            {[]string{"a.lock", "x/y.lock"}, []string{"lock"}},
		"**/data/*.json":    {[]string{"data/a.json", "x/y/data/a.json"}, []string{"data/x/a.json"}},
		"conftest.py":       {[]string{"conftest.py"}, []string{"tests/conftest.py"}},
		"[":                 {nil, []string{"[", "a"}},
	} {
		for _, name := range c.yes {
			assert.Assert(t, matches(pattern, name), "%s %s", pattern, name)
		}
		for _, name := range c.no {
			assert.Assert(t, !matches(pattern, name), "%s %s", pattern, name)
		}
	}
}

func TestGoTests(t *testing.T) {
	m := ci.Module{Name: "example.com/shop_test", File: "shop"}
	for _, name := range []string{"TestA", "Testify", "Test", "FuzzX", "ExampleA", "TestMain", "helper"} {
		m.Defs = append(m.Defs, ci.Definition{Name: name, Kind: ci.DefFunction, File: "shop/a_test.go"})
	}
	m.Defs = append(m.Defs, ci.Definition{Name: "TestNot", Kind: ci.DefFunction, File: "shop/a.go"})
	got := fmt.Sprint(goTests(m))
	assert.Equal(t, got, "[example.com/shop.TestA example.com/shop.Test example.com/shop.FuzzX example.com/shop.ExampleA]")
}

func FuzzRules(f *testing.F) {
	f.Add("a/** -> b c", "a/b/c.py")
	f.Add("* -> none", "x")
	f.Fuzz(func(t *testing.T, text, name string) {
		if r, err := ParseRule(text); err == nil {
			matches(r.Pattern, name)
			p := Select(func() Input { in := shop(); in.Rules = []Rule{r}; return changed(in, name) }())
			assert.Equal(t, p.Total(), 4)
		}
		ReadPytest(map[string]string{"pyproject.toml": text, "setup.cfg": name})
	})
}
