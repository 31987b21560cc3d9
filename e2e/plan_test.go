//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// shop is a project whose tests reach code in every way that a recording has to
// see.
var shop = map[string]string{
	".gitignore":        ".keepgreen/\n__pycache__/\n.pytest_cache/\n",
	"pyproject.toml":    "[tool.pytest.ini_options]\npythonpath = [\".\"]\n",
	"shop/__init__.py":  "",
	"shop/a.py":         "import functools\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n\n\ndef wide():\n    return 3\n\n\ndef child():\n    return 4\n\n\ndef loading():\n    return 5\n\n\nVALUE = loading()\n\n\nclass Base:\n    def hook(self):\n        return 6\n\n\n@functools.lru_cache(None)\ndef kept():\n    return 7\n",
	"shop/b.py":         "from shop import a\n\n\ndef late():\n    import shop.c\n    return shop.c.C\n",
	"shop/c.py":         "C = 8\n",
	"shop/main.py":      "from shop.a import child\n\nprint(child())\n",
	"data/prices.json":  "{}\n",
	"tests/conftest.py": "import pytest\nfrom shop import a\n\n\n@pytest.fixture(scope=\"session\")\ndef wide():\n    return a.wide()\n",
	"tests/test_a.py":   "import subprocess\nimport sys\nfrom shop import a, b\n\n\ndef test_one():\n    assert a.one() == 1\n\n\ndef test_wide(wide):\n    assert wide == 3\n\n\ndef test_wide_again(wide):\n    assert wide == 3\n\n\ndef test_child():\n    assert subprocess.check_output([sys.executable, \"-m\", \"shop.main\"]) == b\"4\\n\"\n\n\ndef test_kept():\n    assert a.kept() == 7\n\n\ndef test_kept_again():\n    assert a.kept() == 7\n\n\ndef test_late():\n    assert b.late() == 8\n\n\nclass TestHook(a.Base):\n    def test_hook(self):\n        assert self.hook() == 6\n",
	"tests/test_b.py":   "import pytest\n\n\n@pytest.mark.parametrize(\"n\", [1, 2])\ndef test_data(n):\n    assert open(\"data/prices.json\").read()\n\n\ndef test_far():\n    pass\n",
}

// record runs the tests with the plugin, in one process or in two.
func (p project) record(args ...string) {
	p.t.Helper()
	out, _, status := p.keepgreen("pytest-plugin", "--into", filepath.Join(p.t.TempDir(), "plugin"))
	assert.Equal(p.t, status, 0)
	recording := p.t.TempDir()
	cmd := exec.Command(python(p.t), append([]string{"-m", "pytest", "-q", "-p", "keepgreen_map"}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "PYTHONPATH="+strings.TrimSpace(out), "KEEPGREEN_MAP="+recording, "PYTHONDONTWRITEBYTECODE=1")
	text, err := cmd.CombinedOutput()
	assert.NilError(p.t, err, string(text))
	_, stderr, status := p.keepgreen("plan", "record", recording)
	assert.Equal(p.t, status, 0, stderr)
}

// selected are the tests that the plan selects, without their files.
func (p project) selected() string {
	p.t.Helper()
	cmd := exec.Command(p.binary(), "plan", "--format", "json")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GITHUB_ACTIONS=", "CI=", "VIRTUAL_ENV="+filepath.Dir(filepath.Dir(python(p.t))))
	out, err := cmd.Output()
	assert.NilError(p.t, err)
	var plan struct {
		Mode  string
		Notes []string
		Map   string
		Tests []struct{ ID string }
	}
	assert.NilError(p.t, json.Unmarshal(out, &plan))
	assert.Assert(p.t, plan.Map != "", "%v", plan.Notes)
	var names []string
	for _, t := range plan.Tests {
		names = append(names, t.ID[strings.LastIndex(t.ID, ":")+1:])
	}
	slices.Sort(names)
	if plan.Mode == "full" {
		return "full"
	}
	return strings.Join(names, " ")
}

func (p project) binary() string {
	path, err := filepath.Abs("../keepgreen")
	assert.NilError(p.t, err)
	return path
}

// What the plugin records is enough to select by, in one process and with xdist.
func TestPlanSelectsByWhatTheTestsRan(t *testing.T) {
	const everything = "full"
	for _, args := range [][]string{nil, {"-n", "2"}} {
		p := newProject(t, shop)
		p.record(args...)
		p.git("switch", "-q", "-c", "change")
		for _, c := range []struct{ file, old, now, want string }{
			{"shop/a.py", "return 1", "return 10", "test_one"},
			{"shop/a.py", "return 3", "return 30", "test_wide test_wide_again"},
			{"shop/a.py", "return 4", "return 40", "test_child"},
			{"shop/a.py", "return 6", "return 60", "test_hook"},
			{"shop/a.py", "return 7", "return 70", "test_kept test_kept_again"},
			{"shop/a.py", "return 2", "return 20", ""},
			{"shop/a.py", "import functools", "# a comment\nimport functools", ""},
			{"data/prices.json", "{}", "[]", "test_data"},
			{"tests/test_a.py", "    assert a.one() == 1", "    assert a.one() == 2 - 1", "test_one"},
			{"pyproject.toml", "pythonpath", "# a comment\npythonpath", everything},
		} {
			text := strings.Replace(shop[c.file], c.old, c.now, 1)
			assert.Assert(t, text != shop[c.file], c.old)
			p.write(map[string]string{c.file: text})
			assert.Equal(t, p.selected(), c.want, "%v %s: %s", args, c.file, c.old)
			p.write(map[string]string{c.file: shop[c.file]})
		}
		// What runs while a module is loaded concerns all who load it.
		p.write(map[string]string{"shop/a.py": strings.Replace(shop["shop/a.py"], "return 5", "return 50", 1)})
		assert.Assert(t, strings.Contains(p.selected(), "test_far"), "by the conftest")
	}
}

// A run on a branch leaves out what the change cannot reach, its coverage stays
// whole, and zero tests left are green.
func TestRunLeavesOutWhatTheChangeCannotReach(t *testing.T) {
	p := newProject(t, shop)
	run := func(args ...string) (a answer, status int) {
		t.Helper()
		out, stderr, status := p.keepgreen(append([]string{"run", "--python", python(t), "--tools", "pytest", "--record", "always", "--format", "json", "--quiet"}, args...)...)
		assert.NilError(t, json.Unmarshal([]byte(out), &a), stderr)
		return a, status
	}
	whole, status := run()
	assert.Equal(t, status, 0)
	assert.Equal(t, whole.Tests.Total, 11)
	p.git("switch", "-q", "-c", "change")

	p.write(map[string]string{"shop/a.py": strings.Replace(shop["shop/a.py"], "return 1", "return 10", 1)})
	part, status := run()
	assert.Equal(t, status, 1)
	assert.Equal(t, part.Tests.Total, 1)
	assert.Equal(t, part.Tests.Failed, 1)
	assert.Equal(t, part.Coverage.Pct, whole.Coverage.Pct)

	p.write(map[string]string{"shop/a.py": strings.Replace(shop["shop/a.py"], "import functools", "# nothing\nimport functools", 1)})
	none, status := run() // but for the one that failed
	assert.Equal(t, status, 0)
	assert.Equal(t, none.Tests.Total, 1)
	none, status = run()
	assert.Equal(t, status, 0)
	assert.Equal(t, none.Tests.Total, 0)
	assert.Equal(t, none.gate("tests"), "pass")

	// A team that prefers testmon has its database brought up to date and used.
	mon, status := run("--engine", "testmon")
	assert.Equal(t, status, 0, "%+v", mon)
	assert.Equal(t, mon.Tests.Total, 11) // its first run
	mon, status = run("--engine", "testmon")
	assert.Equal(t, status, 0)
	assert.Equal(t, mon.Tests.Total, 0)
	assert.Equal(t, mon.gate("tests"), "pass")
	_, stderr, status := p.keepgreen("plan", "record", ".testmondata", "--history", ".keepgreen/other.db")
	assert.Equal(t, status, 0, stderr)

	// In the shadow everything runs, and the plan is scored.
	p.write(map[string]string{"shop/a.py": strings.Replace(shop["shop/a.py"], "return 7", "return 70", 1)})
	shadow, status := run("--select", "shadow")
	assert.Equal(t, status, 1)
	assert.Equal(t, shadow.Tests.Total, 11)
	out, _, status := p.keepgreen("plan", "audit", "--format", "json")
	assert.Equal(t, status, 0)
	var audit struct{ Runs, Failed, Missed, Skipped int }
	assert.NilError(t, json.Unmarshal([]byte(out), &audit))
	assert.Equal(t, audit, struct{ Runs, Failed, Missed, Skipped int }{1, 2, 0, 8})
}

// Each Go test function by itself, with a profile of the whole module.
func TestPlanRecordsGoByTestFunction(t *testing.T) {
	a := "package a\n\nfunc One() int { return 1 }\n\nfunc Two() int { return 2 }\n"
	p := newProject(t, map[string]string{
		".gitignore":  ".keepgreen/\n",
		"go.mod":      "module example.com/m\n\ngo 1.24\n",
		"a/a.go":      a,
		"a/a_test.go": "package a\n\nimport \"testing\"\n\nfunc TestOne(t *testing.T) { One() }\n\nfunc TestTwo(t *testing.T) { Two() }\n",
		"b/b_test.go": "package b\n\nimport (\n\t\"testing\"\n\n\t\"example.com/m/a\"\n)\n\nfunc TestB(t *testing.T) { a.Two() }\n\nfunc TestFails(t *testing.T) { t.Fatal() }\n",
	})
	_, stderr, status := p.keepgreen("plan", "record", "--go")
	assert.Equal(t, status, 0, stderr)
	p.git("switch", "-q", "-c", "change")
	for change, want := range map[string]string{
		"return 1": "example.com/m/a.TestOne example.com/m/b.TestFails", // what failed was not recorded
		"return 2": "example.com/m/a.TestTwo example.com/m/b.TestB example.com/m/b.TestFails",
	} {
		p.write(map[string]string{"a/a.go": strings.Replace(a, change, change+"0", 1)})
		assert.Equal(t, p.selected(), want)
	}
}
