//go:build e2e && heavy

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

// mutation is one way to break a program: lines that match are replaced, one at
// a time. Who reads the cause of what then fails must be led to the fault: the
// class is one of these, and the cause names what was broken or where.
type mutation struct {
	name    string
	files   string // which files, by their path
	line    string // a regular expression
	with    string // what stands there instead
	names   string // what the fault is called, from the match; empty: it has no name
	classes []ci.Class
}

// most is how many places of one file a mutation is made in.
const most = 2

// anyRuntime is what an error in a value can come to in Python.
var anyRuntime = []ci.Class{ci.ClassAssertion, ci.ClassException, ci.ClassValue, ci.ClassKey, ci.ClassType, ci.ClassAttribute, ci.ClassSnapshot, ci.ClassTyping}

var mutations = []mutation{
	// Python
	{"import a module that is not there", `\.py$`, `^import (\w+)$`, `import ${1}_gone`, `${1}_gone|${1}`, []ci.Class{ci.ClassImport, ci.ClassDependency, ci.ClassTyping, ci.ClassLint}},
	{"import from a module that is not there", `\.py$`, `^from (\w[\w.]*) import (.+)$`, `from ${1}_gone import ${2}`, `${1}_gone`, []ci.Class{ci.ClassImport, ci.ClassDependency, ci.ClassTyping}},
	{"import a name that is not there", `\.py$`, `^from (\S+) import (\w+)(.*)$`, `from ${1} import ${2}_gone as ${2}${3}`, `${2}_gone`, []ci.Class{ci.ClassImport, ci.ClassTyping}},
	{"lose an import", `\.py$`, `^(?:from \S+ )?import (\w+)$`, ``, `${1}`, []ci.Class{ci.ClassName, ci.ClassLint, ci.ClassTyping}},
	{"rename a function", `/(shop|desk)/\w+\.py$|conftest`, `^(\s*)def ([a-z]\w*)\(`, `${1}def ${2}_old(`, `${2}`, []ci.Class{ci.ClassImport, ci.ClassName, ci.ClassAttribute, ci.ClassFixture, ci.ClassTyping, ci.ClassLint}},
	{"misspell an attribute", `python/(shop|desk)/`, `self\.(\w+)\b([^=]*)$`, `self.${1}_gone${2}`, `${1}_gone`, []ci.Class{ci.ClassAttribute, ci.ClassTyping}},
	{"ask for one argument more", `python/(shop|desk)/`, `^(\s*)def (\w+)\((self, )?(\w+)(.*)$`, `${1}def ${2}(${3}extra, ${4}${5}`, `${2}`, []ci.Class{ci.ClassType, ci.ClassTyping}},
	{"return nothing", `python/(shop|desk)/`, `^(\s+)return (.+)$`, `${1}return None`, ``, anyRuntime},
	{"be off by one", `python/(shop|desk)/`, `([-+*/<>] )(\d+)\b`, `${1}(${2} + 1)`, ``, anyRuntime},
	{"turn a comparison around", `python/(shop|desk)/`, ` (<|>) `, ` == `, ``, anyRuntime},
	{"turn a membership around", `python/(shop|desk)/`, ` not in `, ` in `, ``, anyRuntime},
	{"lose a colon", `\.py$`, `^(\s*)(def|class|if|for|with) (.*):$`, `${1}${2} ${3}`, ``, []ci.Class{ci.ClassSyntax}},
	{"ask for another key", `python/(shop|desk)/`, `\[(["'])(\w+)["']\]`, `[${1}${2}_gone${1}]`, `${2}_gone`, []ci.Class{ci.ClassKey}},
	{"raise", `python/(shop|desk)/`, `^(\s*)def ([a-z]\w*)\((.*)\)(.*):$`, "${0}\n${1}    raise RuntimeError('broken on purpose')", `${2}`, []ci.Class{ci.ClassException, ci.ClassFixture}},
	{"break a fixture", `conftest`, `^def (\w+)\(\):$`, "${0}\n    raise RuntimeError('no ground to stand on')", `${1}`, []ci.Class{ci.ClassFixture, ci.ClassException}},
	{"talk to a host that is not there", `python/(shop|desk)/`, `^(\s*)def ([a-z]\w*)\((.*)\)(.*):$`, "${0}\n${1}    __import__('socket').create_connection(('db.example.invalid', 5432), 1)", `db.example.invalid`, []ci.Class{ci.ClassNetwork}},
	{"read a file that is not there", `python/(shop|desk)/`, `\b(\w+)\.json\b"`, `${1}_gone.json"`, `${1}_gone.json`, []ci.Class{ci.ClassFile}},
	{"use up the memory", `python/(shop|desk)/`, `^(\s*)def ([a-z]\w*)\((.*)\)(.*):$`, "${0}\n${1}    raise MemoryError", `${2}`, []ci.Class{ci.ClassMemory}},
	{"wait for too long", `python/(shop|desk)/`, `^(\s*)def ([a-z]\w*)\((.*)\)(.*):$`, "${0}\n${1}    raise TimeoutError('timed out after 5 s')", `${2}`, []ci.Class{ci.ClassTimeout}},
	{"promise another type", `python/(shop|desk)/`, `-> (int|str):`, `-> bytes:`, ``, []ci.Class{ci.ClassTyping}},
	{"import what nobody uses", `python/(shop|desk)/`, `^import (\w+)$`, "import ${1}\nimport asyncio", `asyncio`, []ci.Class{ci.ClassLint}},
	{"expect something else", `/tests/`, `^(\s*)assert (.+) == (.+)$`, `${1}assert ${2} == (${3}, 'moon')`, ``, []ci.Class{ci.ClassAssertion}},

	// Go
	{"rename a function", `/[a-z]+\.go\.seed$`, `^func (\(\w+ \*?\w+\) )?([A-Za-z]\w*)\((.*)$`, `func ${1}${2}Old(${3}`, `${2}`, []ci.Class{ci.ClassBuild, ci.ClassTyping}},
	{"lose an import", `\.go\.seed$`, `^\t"([\w/]+)"$`, ``, `${1}`, []ci.Class{ci.ClassBuild}},
	{"import a package that is not there", `\.go\.seed$`, `^\t"(\w+)"$`, "\t\"example.com/gone/${1}\"", `example.com/gone/${1}`, []ci.Class{ci.ClassDependency, ci.ClassImport}},
	{"return another type", `\.go\.seed$`, `^(\s+)return (\w+)$`, `${1}return struct{}{}`, ``, []ci.Class{ci.ClassBuild, ci.ClassTyping}},
	{"write to a nil map", `\.go\.seed$`, `(map\[string\]\w+(?:\.\w+)?){}|make\((map\[string\]int)\)`, `${1}${2}(nil)`, ``, []ci.Class{ci.ClassCrash}},
	{"index past the end", `\.go\.seed$`, `len\(([\w.]+)\)-1\]$`, `len(${1})]`, ``, []ci.Class{ci.ClassCrash}},
	{"be off by one", `/[a-z]+\.go\.seed$`, `([-+*/<>=] |-|/|%)(\d+)\b`, `${1}(${2} + 1)`, ``, []ci.Class{ci.ClassAssertion, ci.ClassCrash}},
	{"turn a comparison around", `\.go\.seed$`, ` (<|>) `, ` == `, ``, []ci.Class{ci.ClassAssertion, ci.ClassCrash}},
	{"turn a condition around", `\.go\.seed$`, `^(\s*)if (!?)ok \{$|^(\s*)if !ok \{$`, `${1}if ok == (1 > 2) == false {`, ``, []ci.Class{ci.ClassAssertion, ci.ClassCrash}},
	{"panic", `\.go\.seed$`, `^func (?:\(\w+ \*?\w+\) )?([A-Za-z]\w*)\(.*\{$`, "${0}\n\tif true {\n\t\tpanic(\"broken on purpose\")\n\t}", `${1}`, []ci.Class{ci.ClassCrash}},
	{"return nothing", `\.go\.seed$`, `^(\s+)return out$`, `${1}return nil`, ``, []ci.Class{ci.ClassAssertion}},
	{"format another type", `\.go\.seed$`, `%d`, `%s`, ``, []ci.Class{ci.ClassBuild, ci.ClassLint, ci.ClassTyping, ci.ClassAssertion}},
	{"lose a brace", `\.go\.seed$`, `^(func .*) \{$`, `${1}`, ``, []ci.Class{ci.ClassSyntax, ci.ClassBuild}},
	{"hang", `/[a-z]+\.go\.seed$`, `^func (?:\(\w+ \*?\w+\) )?([A-Z]\w*)\(.*\{$`, "${0}\n\tif true {\n\t\tselect {}\n\t}", `${1}`, []ci.Class{ci.ClassTimeout, ci.ClassCrash}},
	{"expect something else", `_test\.go\.seed$`, `^(\s*)if (.+) != "(.+)" \{$`, `${1}if ${2} != "${3} and the moon" {`, ``, []ci.Class{ci.ClassAssertion}},
}

// breakage is one mutation in one place.
type breakage struct {
	mutation
	file string // as the program has it
	at   int    // line
	text string // of the whole file
	what string // names, expanded
	fn   string // the function around it
}

// key names the breakage; its file decides on which side of the split it is.
func (b breakage) key() string { return fmt.Sprintf("%s:%d %s", b.file, b.at, b.name) }

// breakages lists all mutations of the programs under dir, in order.
func breakages(t *testing.T, dir string) []breakage {
	t.Helper()
	var out []breakage
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		assert.NilError(t, err)
		for _, m := range mutations {
			if regexp.MustCompile(m.files).MatchString(filepath.ToSlash(path)) {
				out = append(out, m.places(path[len(dir)+1:], string(data))...)
			}
		}
		return nil
	})
	assert.NilError(t, err)
	return out
}

func (m mutation) places(file, text string) (out []breakage) {
	pattern := regexp.MustCompile(m.line)
	lines := strings.Split(text, "\n")
	fn := ""
	for i, line := range lines {
		if def := regexp.MustCompile(`^\s*(?:def|func(?: \(.*?\))?) ?(\w+)`).FindStringSubmatch(line); def != nil {
			fn = def[1]
		}
		at := pattern.FindStringSubmatchIndex(line)
		if at == nil || len(out) == most {
			continue
		}
		broken := slices.Clone(lines)
		broken[i] = line[:at[0]] + string(pattern.ExpandString(nil, m.with, line, at)) + line[at[1]:]
		out = append(out, breakage{
			m, strings.TrimSuffix(filepath.ToSlash(file), ".seed"), i + 1, strings.Join(broken, "\n"),
			string(pattern.ExpandString(nil, m.names, line, at)), fn,
		})
	}
	return out
}

// led reports whether the cause leads to the fault: it is of the right class, and
// names what was broken, the function it was broken in, or the place.
func (b breakage) led(cause ci.Cause) bool {
	if !slices.Contains(b.classes, cause.Class) {
		return false
	}
	for _, name := range []string{cause.Symbol, cause.Module, cause.Host} {
		if name == "" {
			continue
		}
		name = callee(name)
		last := name[strings.LastIndexAny(name, "./")+1:]
		if last == b.fn {
			return true
		}
		for what := range strings.SplitSeq(b.what, "|") {
			if what != "" && (name == what || last == what || strings.HasSuffix(what, "/"+name)) {
				return true
			}
		}
	}
	_, file, _ := strings.Cut(b.file, "/")
	near := cause.Pos.Line - b.at
	return cause.Pos.File == file && -3 <= near && near <= 3
}

// callee is a call without its arguments: "stock().take(f(1))" is "stock().take".
func callee(name string) string {
	depth := 0
	for i := len(name) - 1; i > 0 && strings.HasSuffix(name, ")"); i-- {
		switch name[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return name[:i]
			}
		}
	}
	return name
}
