//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// importLinter runs import-linter on a project and returns its verdicts by
// contract; ok is false where it refused to check.
func importLinter(t *testing.T, dir string) (kept map[string]bool, ok bool) {
	t.Helper()
	cmd := exec.Command(filepath.Join(filepath.Dir(python(t)), "lint-imports"), "--no-cache", "--no-logo")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir, "NO_COLOR=1", "COLUMNS=200")
	out, _ := cmd.CombinedOutput()
	kept = map[string]bool{}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		for word, verdict := range map[string]bool{" KEPT": true, " BROKEN": false} {
			if i := strings.Index(line, word); i > 0 && strings.HasPrefix(line, "rule ") {
				kept[line[:i]] = verdict
			}
		}
	}
	if !strings.Contains(string(out), " kept, ") {
		return nil, false
	}
	return kept, true
}

// keepgreenContracts is the same by keepgreen.
func keepgreenContracts(t *testing.T, dir string) (kept map[string]bool, ok bool) {
	t.Helper()
	out, _, status := project{t, dir}.keepgreen("arch", "--format", "json", "--churn-since", "none", "--no-cache")
	if status != 0 {
		return nil, false
	}
	var doc struct {
		Contracts []struct {
			Name    string `json:"name"`
			Kept    bool   `json:"kept"`
			Problem string `json:"problem"`
		} `json:"contracts"`
	}
	assert.NilError(t, json.Unmarshal([]byte(out), &doc))
	kept, ok = map[string]bool{}, true
	for _, c := range doc.Contracts {
		kept[c.Name] = c.Kept
		ok = ok && c.Problem == ""
	}
	return kept, ok
}

// someProject writes packages whose imports are drawn at random: absolute and
// relative ones, of names and of modules, in functions and for the type checker.
func someProject(t *testing.T, dir string, random *rand.Rand) (modules []string) {
	for _, root := range []string{"shop", "till"} {
		for _, pkg := range []string{"", ".web", ".core", ".core.deep", ".store"} {
			modules = append(modules, root+pkg)
			for leaf := range 1 + random.IntN(2) {
				modules = append(modules, fmt.Sprintf("%s%s.m%d", root, pkg, leaf))
			}
		}
	}
	for _, m := range modules {
		var text strings.Builder
		text.WriteString("from typing import TYPE_CHECKING\n")
		for range random.IntN(3) {
			to := modules[random.IntN(len(modules))]
			parent, leaf, dotted := cutLast(to)
			switch random.IntN(6) {
			case 0:
				fmt.Fprintf(&text, "def f():\n    import %s\n", to)
			case 1:
				fmt.Fprintf(&text, "if TYPE_CHECKING:\n    import %s as x\n", to)
			case 2:
				if dotted {
					fmt.Fprintf(&text, "from %s import %s\n", parent, leaf)
				}
			case 3:
				fmt.Fprintf(&text, "from %s import (something,\n  other)\n", to)
			case 4:
				text.WriteString("try:\n    import django.db.models\nexcept ImportError:\n    pass\n")
			default:
				fmt.Fprintf(&text, "import %s\n", to)
			}
		}
		file := strings.ReplaceAll(m, ".", "/")
		if slices.ContainsFunc(modules, func(other string) bool { return strings.HasPrefix(other, m+".") }) {
			file += "/__init__"
		}
		project{t, dir}.write(map[string]string{file + ".py": text.String()})
	}
	return modules
}

func cutLast(name string) (parent, leaf string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// someContracts draws contracts of every type that is read.
func someContracts(random *rand.Rand, modules []string) []string {
	pick := func() string { return modules[random.IntN(len(modules))] }
	list := func(names ...string) string {
		slices.Sort(names)
		return "\n    " + strings.Join(slices.Compact(names), "\n    ")
	}
	wild := func() string {
		return []string{"shop.*", "till.**.m0", "shop.core.**", "*.web", pick()}[random.IntN(5)]
	}
	ignore := func() string {
		if random.IntN(2) == 0 {
			return ""
		}
		level := "none"
		if random.IntN(12) == 0 {
			level = "error"
		}
		return "\nunmatched_ignore_imports_alerting = " + level + "\nignore_imports = " + list(wild()+" -> "+wild(), pick()+" -> "+pick())
	}
	levels := [][]string{{"web", "core", "store"}, {"web | core", "store"}, {"web : store", "core"}, {"store", "(gone) | core", "web"}, {"core.deep", "web"}}
	var out []string
	for range 12 {
		switch random.IntN(5) {
		case 0:
			out = append(out, "type = layers\ncontainers = "+list("shop", "till")+"\nlayers = \n    "+strings.Join(levels[random.IntN(len(levels))], "\n    ")+ignore())
		case 1:
			out = append(out, "type = layers\nexhaustive = true\nexhaustive_ignores = "+list("m0", "m1")+"\ncontainers = shop\nlayers = \n    "+strings.Join(levels[random.IntN(len(levels))], "\n    ")+ignore())
		case 2:
			out = append(out, "type = forbidden\nsource_modules = "+list(pick(), wild())+"\nforbidden_modules = "+list(pick(), pick(), "django")+
				fmt.Sprintf("\nallow_indirect_imports = %v\nas_packages = %v", random.IntN(2) == 0, random.IntN(2) == 0)+ignore())
		case 3:
			out = append(out, "type = independence\nmodules = "+list("shop.web", "shop.store", "till.core", "till.web")+ignore())
		default:
			out = append(out, "type = protected\nprotected_modules = "+list(pick())+"\nallowed_importers = "+list(pick(), pick(), wild())+fmt.Sprintf("\nas_packages = %v", random.IntN(2) == 0)+ignore())
		}
	}
	return out
}

// TestContractsAreJudgedAsImportLinterDoes compares verdicts on random projects
// with random contracts, in both spellings of its configuration.
func TestContractsAreJudgedAsImportLinterDoes(t *testing.T) {
	verdicts, broken, refused := 0, 0, 0
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 7))
		dir := t.TempDir()
		modules := someProject(t, dir, random)
		var ini strings.Builder
		fmt.Fprintf(&ini, "[importlinter]\nroot_packages = \n    shop\n    till\ninclude_external_packages = True\nexclude_type_checking_imports = %v\n", seed%2 == 0)
		for i, c := range someContracts(random, modules) {
			fmt.Fprintf(&ini, "[importlinter:contract:%d]\nname = rule %d\n%s\n", i, i, c)
		}
		project{t, dir}.write(map[string]string{[]string{"setup.cfg", ".importlinter"}[seed%2]: ini.String()})
		theirs, could := importLinter(t, dir)
		ours, ok := keepgreenContracts(t, dir)
		assert.Equal(t, ok, could, "seed %d: whether the contracts can be checked\n%s", seed, ini.String())
		if !could {
			refused++
			continue
		}
		assert.DeepEqual(t, ours, theirs)
		for _, kept := range theirs {
			if verdicts++; !kept {
				broken++
			}
		}
	}
	t.Logf("%d verdicts, %d of them broken; %d projects that import-linter refuses", verdicts, broken, refused)
	assert.Assert(t, broken > 20 && verdicts-broken > 20 && refused > 0)
}

// TestContractsInTOML compares verdicts where the configuration is pyproject's.
func TestContractsInTOML(t *testing.T) {
	dir := t.TempDir()
	project{t, dir}.write(map[string]string{
		"shop/__init__.py": "", "shop/web.py": "from shop import core\n", "shop/core.py": "import shop.store\n", "shop/store.py": "def f():\n    from shop import web\n",
		"pyproject.toml": `[tool.importlinter]
root_package = "shop"
[[tool.importlinter.contracts]]
name = "rule layers"
type = "layers"
layers = ["shop.web", "shop.core", "shop.store"]
[[tool.importlinter.contracts]]
name = "rule ignored"
type = "layers"
layers = ["shop.web", "shop.core", "shop.store"]
ignore_imports = ["shop.store -> shop.web"]
[[tool.importlinter.contracts]]
name = "rule direct"
type = "forbidden"
source_modules = ["shop.web"]
forbidden_modules = ["shop.store"]
allow_indirect_imports = true
`,
	})
	theirs, could := importLinter(t, dir)
	ours, ok := keepgreenContracts(t, dir)
	assert.Assert(t, could && ok)
	assert.DeepEqual(t, ours, theirs)
	assert.DeepEqual(t, ours, map[string]bool{"rule layers": false, "rule ignored": true, "rule direct": true})
}
