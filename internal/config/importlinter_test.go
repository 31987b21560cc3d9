package config_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/config"
)

// The same contracts in import-linter's two spellings.
const (
	iniLinter = `[flake8]
max-line-length = 100
[importlinter]
root_packages=
    shop
    till
include_external_packages = True
; a comment
[importlinter:contract:layers]
Name: Three layers
type = layers
layers =
    web | (admin)
    # a comment among values
    a : b

    store
containers =
    shop.*
ignore_imports =
    shop.**.x -> shop.store
unmatched_ignore_imports_alerting = warn
[importlinter:contract:2]
type = forbidden
source_modules = shop
forbidden_modules = django
allow_indirect_imports = true
as_packages = False
`
	tomlLinter = `[tool.ruff]
line-length = 100
[tool.importlinter]
root_packages = ["shop", "till"]
include_external_packages = true

[[tool.importlinter.contracts]]
name = "Three layers"
type = "layers"
layers = ["web | (admin)", "a : b", "store"]
containers = ["shop.*"]
ignore_imports = ["shop.**.x -> shop.store"]
unmatched_ignore_imports_alerting = "warn"

[[tool.importlinter.contracts]]
id = "2"
type = "forbidden"
source_modules = ["shop"]
forbidden_modules = ["django"]
allow_indirect_imports = true
as_packages = false
`
)

func TestImportLinter(t *testing.T) {
	scope := ci.ContractScope{Roots: []string{"shop", "till"}, Static: true}
	for file, text := range map[string]string{"setup.cfg": iniLinter, "pyproject.toml": tomlLinter} {
		got, found, err := config.ImportLinter(file, []byte(text))
		assert.NilError(t, err)
		assert.Assert(t, found)
		lines := map[string][2]int{"setup.cfg": {9, 23}, "pyproject.toml": {7, 15}}[file]
		assert.DeepEqual(t, got, []ci.Contract{
			{
				Name: "Three layers", Kind: ci.ContractLayers, Pos: ci.Position{File: file, Line: lines[0]}, Containers: []string{"shop.*"}, Scope: scope,
				Layers: []ci.Layer{{Names: []string{"web", "admin"}, Optional: []bool{false, true}}, {Names: []string{"a", "b"}, Optional: []bool{false, false}, Open: true}, {Names: []string{"store"}, Optional: []bool{false}}},
				Ignore: [][2]string{{"shop.**.x", "shop.store"}}, Unmatched: ci.AlertWarn,
			},
			{
				Name: "2", Kind: ci.ContractForbidden, Pos: ci.Position{File: file, Line: lines[1]}, Sources: []string{"shop"}, Targets: []string{"django"},
				Direct: true, Exact: true, Unmatched: ci.AlertError, Scope: scope,
			},
		})
	}
}

func TestImportLinterSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		found            bool
		want             string
	}{
		{"other tools' files are no configuration", "setup.cfg", "[flake8]\nx = 1\n", false, ""},
		{"nor are other tools' mistakes", "setup.cfg", "x = 1\n[flake8\n", false, ""},
		{"nor other tables", "pyproject.toml", "[tool.black]\n", false, ""},
		{"a file that is no TOML", "pyproject.toml", "[tool\n", false, "line 2: "},
		{"unless it is one that would have had some", "pyproject.toml", "[tool.importlinter\n", true, "line 2: "},
		{"a key twice", ".importlinter", "[importlinter]\nroot_package = a\nroot_package = b\n", true, "line 3: root_package is there twice in [importlinter]"},
		{"no contract", ".importlinter", "[importlinter]\nroot_package = a\n", true, "line 1: import-linter is configured here without a contract"},
		{"a flag that is none", ".importlinter", "[importlinter]\nroot_package = a\n[importlinter:contract:x]\ntype = layers\nlayers = a\nexhaustive = maybe\n", true, `line 6: exhaustive is true or false, not "maybe"`},
		{"exhaustive without containers", ".importlinter", "[importlinter]\nroot_package = a\n[importlinter:contract:x]\ntype = layers\nlayers = a\nexhaustive = true\n", true, "line 6: exhaustive layers need containers"},
		{"layers that hold each other", ".importlinter", "[importlinter]\nroot_package = a\n[importlinter:contract:x]\ntype = layers\nlayers =\n a.b\n a\n", true, "line 5: layers cannot hold each other as a.b and a do"},
		{"contracts that are no tables", "pyproject.toml", "[tool.importlinter]\nroot_package = 'a'\ncontracts = 3\n", true, "line 1: contracts are a list of tables"},
		{"a list where a word belongs", "pyproject.toml", "[tool.importlinter]\nroot_package = ['a', 'b']\n", true, "line 1: root_package is one word"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, found, err := config.ImportLinter(c.file, []byte(c.text))
			assert.Equal(t, found, c.found)
			if c.want == "" {
				assert.NilError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.want)
		})
	}
}

// FuzzImportLinter promises: no panic, contracts or problems but not both, and
// what is returned has a type, a name and a root.
func FuzzImportLinter(f *testing.F) {
	f.Add(iniLinter, false)
	f.Add(tomlLinter, true)
	f.Add("[importlinter]\n a\n  b", false)
	f.Fuzz(func(t *testing.T, text string, isTOML bool) {
		name := "setup.cfg"
		if isTOML {
			name = "pyproject.toml"
		}
		list, found, err := config.ImportLinter(name, []byte(text))
		if err != nil {
			assert.Assert(t, len(list) == 0)
			assert.Assert(t, strings.HasPrefix(err.Error(), "line "))
			return
		}
		assert.Assert(t, found == (len(list) > 0))
		for _, c := range list {
			assert.Assert(t, c.Kind != "" && c.Name != "" && len(c.Scope.Roots) > 0)
		}
	})
}
