package config_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/config"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, file, want string // want: the error, or "" and key=value
		key, value       string
	}{
		{name: "an empty file is the default", file: ""},
		{name: "a file of comments is the default", file: "# nothing\n"},
		{name: "a number is kept as it is written", file: "coverage:\n  delta: 2.50\n", key: "coverage.delta", value: "2.50"},
		{name: "a quoted number is a number", file: "coverage: {delta: '1'}\n", key: "coverage.delta", value: "1"},
		{name: "a misspelt key is an error with a suggestion", file: "coverage:\n  delat: 1\n", want: "line 2: unknown key coverage.delat; did you mean coverage.delta?"},
		{name: "an unknown section names the sections", file: "\n\nkoverage: 3\n", want: "line 3: unknown key koverage; there are ai, arch, coverage, feedback, fix, plan, run, vulns"},
		{name: "a wrong kind says what is right", file: "coverage:\n  delta: much\n", want: `line 2: coverage.delta is a number from 0 to 100, not "much"`},
		{name: "NaN is not a number of ours", file: "coverage:\n  delta: .nan\n", want: `line 2: coverage.delta is a number from 0 to 100, not ".nan"`},
		{name: "a list where a number belongs", file: "coverage:\n  min: [1]\n", want: "line 2: coverage.min is a number from 0 to 100, not a list"},
		{name: "a mapping where a list belongs", file: "run:\n  tools:\n    a: b\n", want: "line 3: run.tools is a list, not a mapping"},
		{name: "a tool that there is not", file: "run:\n  tools: [pytest, nose]\n", want: `line 2: run.tools takes pytest, ruff, flake8, black, mypy, go test, go vet, not "nose"`},
		{name: "a scalar where a section belongs", file: "run: fast\n", want: `line 1: run holds keys, not "fast"`},
		{name: "a second document", file: "run: {timeout: 1m}\n---\nrun: {}\n", want: "line 3: a second document; the file holds one"},
		{name: "an alias is refused", file: "run:\n  timeout: &a 1m\n  python: *a\n", want: "line 2: run.timeout is a duration such as 90s or 10m, not an anchor or alias\nline 3: run.python is a text, not an anchor or alias"},
		{name: "a duration of nothing", file: "run:\n  timeout: 0s\n", want: `line 2: run.timeout is a duration such as 90s or 10m, not "0s"`},
		{name: "every problem is told at once", file: "a: 1\nb: 2\n", want: "line 1: unknown key a; there are ai, arch, coverage, feedback, fix, plan, run, vulns\nline 2: unknown key b; there are ai, arch, coverage, feedback, fix, plan, run, vulns"},
		{name: "a file that is too large", file: strings.Repeat("#", 1<<20+1), want: "line 1: the file has 1048577 bytes; at most 1048576 are read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := config.Parse([]byte(test.file))
			if test.want != "" {
				assert.Error(t, err, test.want)
				return
			}
			assert.NilError(t, err)
			if test.key != "" {
				v, ok := c.Lookup(test.key)
				assert.Assert(t, ok)
				assert.Equal(t, v.Text, test.value)
			}
		})
	}
}

func TestSyntaxErrorsHaveALine(t *testing.T) {
	for _, file := range []string{"run:\n  tools: [a\n", "run: {\n", "run:\n\ttimeout: 1m\n", "coverage:\n  min: 1\n  min: 2\n"} {
		_, err := config.Parse([]byte(file))
		assert.ErrorContains(t, err, "line ")
	}
}

// FuzzParse promises: no panic, a configuration or problems but not both, and
// every accepted key is one of the table.
func FuzzParse(f *testing.F) {
	f.Add([]byte("run:\n  tools: [pytest]\ncoverage: {delta: 1.5}\n"))
	f.Add([]byte("a: &x [*x]\n"))
	f.Add([]byte("? {}\n: - x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse(data)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v and error %v", c, err)
		}
		known := map[string]bool{}
		for _, k := range config.Keys() {
			known[k.Name] = true
		}
		for _, name := range c.Keys() {
			if !known[name] {
				t.Fatalf("accepted %q, which is not in the table", name)
			}
		}
	})
}
