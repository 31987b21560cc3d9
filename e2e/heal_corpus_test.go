//go:build e2e

package e2e

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// ruinRule is one way in which a change breaks a program: the first places at
// which the expression matches are replaced, one at a time. Mechanical says that
// a fixer without a model is expected to know the way back.
type ruinRule struct {
	name       string
	class      string // of cause, for the table of results
	mechanical bool
	files      string // which files, by their path
	text       string // a regular expression over the whole file, with (?m)
	with       string
	most       int // places of one file
}

var ruinRules = []ruinRule{
	// Python: what a fixer should mend.
	{"lose the import of a name", "import", true, `^python/(shop|desk)/\w+\.py$`, `(?m)^from (?:datetime|collections|dataclasses|pathlib|shop\.\w+|desk\.\w+) import .*\n`, ``, 2},
	{"lose one of the imported names", "import", true, `^python/(shop|desk)/\w+\.py$`, `(?m)^(from .* import )\w+, (.*)$`, `$1$2`, 1},
	{"lose the import of a module", "import", true, `^python/(shop|desk)/\w+\.py$`, `(?m)^import \w+\n`, ``, 2},
	{"lose the import of a test", "import", true, `^python/tests/\w+\.py$`, `(?m)^from (?:shop|desk|datetime).* import .*\n`, ``, 2},
	{"misspell an imported name", "import", true, `^python/(shop|desk)/\w+\.py$`, `(?m)^(from (?:shop|desk)\.\w+ import )(\w)(\w)(\w+)`, `$1$2$4$3`, 1},
	{"misspell an imported module", "import", true, `^python/(shop|desk)/\w+\.py$`, `(?m)^from (shop|desk)\.(\w+)(\w) import`, `from $1.$2 import`, 1},
	{"misspell an attribute", "attribute", true, `^python/(shop|desk)/\w+\.py$`, `(?m)(return .*self\.|\(self\.|in self\.)(\w)(\w)(\w+)`, `$1$3$2$4`, 1},
	{"misspell a method", "attribute", true, `^python/(shop|desk)/\w+\.py$`, `(?m)(self\.\w+|outbox|ticket)\.([a-z])([a-z])([a-z]+)\(`, `$1.$3$2$4(`, 1},
	{"misspell a local name", "name", true, `^python/(shop|desk)/\w+\.py$`, `(?m)^(    +return )([a-z])([a-z])([a-z]{3,})\b([^(.\n]*)$`, `$1$3$2$4$5`, 1},
	{"misspell a function", "name", true, `^python/(shop|desk)/\w+\.py$`, `(?m)(return |in |len\()([a-z])([a-z])([a-z_]{3,})\(`, `$1$3$2$4(`, 1},
	{"misspell a keyword", "type", true, `^python/(shop|desk)/\w+\.py$`, `(?m)\((\w+)=(\w+)\)$`, `(${1}z=$2)`, 1},
	{"import what nobody uses", "lint", true, `^python/(shop|desk)/[a-z]+\.py$`, `(?m)^(from|import) `, "import this\n$1 ", 1},
	{"lay it out badly", "format", true, `^python/(shop|desk)/[a-z]+\.py$`, `(?m)^    def (\w+)\(self, `, `    def $1( self,`, 1},
	{"import in disorder", "lint", true, `^python/(shop|desk)/[a-z]+\.py$`, `(?m)^(from|import) `, "from zlib import crc32 as crc32\n$1 ", 1},
	{"leave a breakpoint", "exception", true, `^python/(shop|desk)/[a-z]+\.py$`, `(?m)^(        )(return .*)$`, "${1}breakpoint()\n$1$2", 1},
	{"name a class before it is there", "name", true, `^python/(shop|desk)/[a-z]+\.py$`, `-> "(\w+)":`, `-> $1:`, 1},

	// Go: what a fixer should mend.
	{"lose an import", "build", true, `^golang/\w+/[a-z]+\.go$`, `(?m)^\t"[\w/]+"\n`, ``, 2},
	{"lose an import of a test", "build", true, `^golang/\w+/\w+_test\.go$`, `(?m)^\t"[\w/]+"\n`, ``, 1},
	{"import what nobody uses", "build", true, `^golang/\w+/[a-z]+\.go$`, `(?m)^\t"strings"$`, "\t\"os\"\n\t\"strings\"", 1},
	{"misspell a method", "build", true, `^golang/\w+/[a-z]+\.go$`, `(?m)(\b[qts]\.)([a-zA-Z])([a-z])([a-z]+)([\[(.])`, `$1$2$4$3$5`, 2},
	{"misspell a function", "build", true, `^golang/\w+/[a-z]+\.go$`, `(?m)((?:strings|fmt|heap|sort|strconv|path)\.[A-Z])([a-z])([a-z])([a-z]+)\(`, `$1$3$2$4(`, 1},
	{"lay it out badly", "format", true, `^golang/\w+/[a-z]+\.go$`, `(?m)^\treturn (.*)$`, `    return  $1`, 1},

	// What no fixer without a model can know: nothing may be published.
	{"be off by one", "assertion", false, `^python/(shop|desk)/\w+\.py$`, `([-+*/<>] )(\d+)\b`, `$1($2 + 1)`, 1},
	{"turn a comparison around", "assertion", false, `^python/(shop|desk)/\w+\.py$`, ` (<|>) `, ` == `, 1},
	{"return nothing", "assertion", false, `^python/(shop|desk)/\w+\.py$`, `(?m)^(    +)return (.+)$`, `${1}return None`, 1},
	{"expect something else", "assertion", false, `^python/tests/\w+\.py$`, `(?m)^(    assert .+ == )(.+)$`, `$1($2, 'moon')`, 1},
	{"remove a function", "import", false, `^python/(shop|desk)/\w+\.py$`, `(?ms)^def (\w+)\([^\n]*\n(?:    [^\n]*\n|\n)+`, ``, 1},
	{"ask for one argument more", "type", false, `^python/(shop|desk)/\w+\.py$`, `(?m)^def (\w+)\(`, `def $1(extra, `, 1},
	{"ask for another key", "key", false, `^python/(shop|desk)/\w+\.py$`, `\[(["'])(\w+)["']\]`, `[$1${2}_gone$1]`, 1},
	{"read a file that is not there", "file", false, `^python/(shop|desk)/\w+\.py$`, `\.json"`, `_gone.json"`, 1},
	{"raise", "exception", false, `^python/(shop|desk)/\w+\.py$`, `(?m)^(    def \w+\(self.*:)$`, "$1\n        raise RuntimeError('broken on purpose')", 1},
	{"lose a colon", "syntax", false, `^python/(shop|desk)/\w+\.py$`, `(?m)^(    +(?:if|for|with) .*):$`, `$1`, 1},
	{"be off by one", "assertion", false, `^golang/\w+/[a-z]+\.go$`, `([-+*/<>=] |-|/|%)(\d+)\b`, `$1($2 + 1)`, 1},
	{"return nothing", "assertion", false, `^golang/\w+/[a-z]+\.go$`, `(?m)^(\s+)return (out|q, nil|item\.Name, true|first)$`, "${1}panic(\"broken on purpose\")", 1},
	{"expect something else", "assertion", false, `^golang/\w+/\w+_test\.go$`, `(?m)^(\s*if .+ != ")(.+)" \{$`, `${1}the moon, $2" {`, 1},
	{"remove a function", "build", false, `^golang/\w+/[a-z]+\.go$`, `(?ms)^func (\w+)\([^\n]*\{\n(?:\t[^\n]*\n|\n)+\}\n`, ``, 1},
}

// ruin is one broken program.
type ruin struct {
	ruinRule
	id   string // names the breakage
	file string // below the language's folder
	was  string
	text string
}

// language is "python" or "golang".
func (r ruin) language() string {
	language, _, _ := strings.Cut(r.id, "/")
	return language
}

// heldOut is the half that no fixer was written against: chosen by the hash of
// the breakage's name before there was one.
func (r ruin) heldOut() bool { return sha256.Sum256([]byte(r.id))[0]&1 == 1 }

// ruins lists every breakage of the programs below testdata/seed, sorted.
func ruins(t *testing.T) []ruin {
	t.Helper()
	seeds := os.DirFS(filepath.Join("testdata", "seed"))
	var out []ruin
	assert.NilError(t, fs.WalkDir(seeds, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(seeds, path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(path, ".seed")
		for _, rule := range ruinRules {
			if regexp.MustCompile(rule.files).MatchString(name) {
				out = append(out, rule.places(name, string(text))...)
			}
		}
		return nil
	}))
	slices.SortFunc(out, func(a, b ruin) int { return strings.Compare(a.id, b.id) })
	return out
}

func (rule ruinRule) places(name, text string) (out []ruin) {
	pattern := regexp.MustCompile(rule.text)
	_, file, _ := strings.Cut(name, "/")
	for _, at := range pattern.FindAllStringSubmatchIndex(text, -1) {
		broken := text[:at[0]] + string(pattern.ExpandString(nil, rule.with, text, at)) + text[at[1]:]
		if broken == text || len(out) == rule.most {
			continue
		}
		line := 1 + strings.Count(text[:at[0]], "\n")
		out = append(out, ruin{rule, fmt.Sprintf("%s:%d %s", name, line, rule.name), file, text, broken})
	}
	return out
}

var listRuins = flag.Bool("list-breakages", false, "write testdata/breakages.tsv again")

// TestTheBreakagesAreTheListedOnes: the list, with which half each is in, was
// written down before the first fixer.
func TestTheBreakagesAreTheListedOnes(t *testing.T) {
	var b strings.Builder
	b.WriteString("half\tclass\tmechanical\tbreakage\n")
	for _, r := range ruins(t) {
		half := "tuning"
		if r.heldOut() {
			half = "held out"
		}
		fmt.Fprintf(&b, "%s\t%s\t%t\t%s\n", half, r.class, r.mechanical, r.id)
	}
	file := filepath.Join("testdata", "breakages.tsv")
	if *listRuins {
		assert.NilError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	assert.NilError(t, err)
	assert.Equal(t, b.String(), string(want))
}
