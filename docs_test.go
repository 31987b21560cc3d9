package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"keepgreen/internal/arch"
	"keepgreen/internal/config"
	"keepgreen/internal/doctor"
	"keepgreen/internal/heal"
	"keepgreen/internal/report"
	"keepgreen/internal/sink"
	"keepgreen/internal/trend"
	"keepgreen/internal/workflow"
)

// pages are the files for people whose examples and tables are tested.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(found, "README.md")
}

// TestDocsTables compares what stands between "<!-- generated: NAME -->" and
// "<!-- end -->" with what it is generated from; -update writes it again.
func TestDocsTables(t *testing.T) {
	block := regexp.MustCompile(`(?s)(<!-- generated: ([^\n]*?) -->\n)(.*?)(<!-- end -->)`)
	for _, page := range pages(t) {
		source, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		updated := block.ReplaceAllStringFunc(string(source), func(old string) string {
			m := block.FindStringSubmatch(old)
			return m[1] + generated(t, m[2]) + m[4]
		})
		if updated == string(source) {
			continue
		}
		if !*update {
			t.Errorf("%s: a generated table is out of date; make docs writes it again", page)
			continue
		}
		if err := os.WriteFile(page, []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func generated(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	switch words := strings.Fields(name); {
	case name == "config":
		config.Reference(&b)
	case name == "doctor":
		fmt.Fprint(&b, "| check | what is looked at |\n| --- | --- |\n")
		for _, r := range doctor.Rules() {
			fmt.Fprintf(&b, "| %s | %s |\n", r.Name, r.Doc)
		}
	case name == "formats":
		fmt.Fprint(&b, "| format | what it is |\n| --- | --- |\n")
		for _, f := range report.Formats() {
			fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, f.Doc)
		}
	case name == "arch score":
		fmt.Fprint(&b, "| part | measured | limit | curve | weight |\n| --- | --- | --: | --: | --: |\n")
		for _, p := range arch.Formula() {
			fmt.Fprintf(&b, "| %s | %s | %g | %g | %g |\n", p.Name, p.Doc, p.Limit, p.Curve, p.Weight)
		}
	case name == "fixers":
		fmt.Fprint(&b, "| fixer | what it mends | right on seeded breakages |\n| --- | --- | --: |\n")
		for _, f := range heal.Fixers() {
			fmt.Fprintf(&b, "| `%s` | %s | %d of %d |\n", f.Name, f.Doc, f.Rate.Right, f.Rate.Right+f.Rate.Wrong)
		}
	case name == "fix rules":
		fmt.Fprint(&b, "| rule | what it keeps |\n| --- | --- |\n")
		for _, r := range heal.Rules {
			fmt.Fprintf(&b, "| `%s` | %s |\n", r.Name, r.Doc)
		}
	case name == "metrics":
		fmt.Fprint(&b, "| metric | unit | what it is |\n| --- | --- | --- |\n")
		for _, m := range trend.Metrics() {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, m.Unit, m.Doc)
		}
	case name == "sinks":
		fmt.Fprint(&b, "| sink | what goes there | needs |\n| --- | --- | --- |\n")
		for _, one := range sink.Sinks() {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", one.Name, one.Doc, cmp.Or(strings.TrimSuffix("`"+one.Needs+"`", "``"), "–"))
		}
	case name == "kpis":
		fmt.Fprint(&b, "| key figure | target | definition |\n| --- | --: | --- |\n")
		for _, k := range trend.Definitions() {
			target := "–"
			if k.Target.Set {
				target = map[bool]string{true: "< ", false: "> "}[k.Target.Below] + k.Unit.Say(k.Target.Level)
			}
			fmt.Fprintf(&b, "| %s (`%s`) | %s | %s |\n", k.Label, k.Name, target, k.Doc)
		}
	case words[0] == "help":
		fmt.Fprintf(&b, "```\n%s```\n", keepgreen(t, t.TempDir(), "keepgreen "+strings.Join(words[1:], " ")+" --help"))
	default:
		t.Fatalf("nothing generates %q", name)
	}
	return b.String()
}

// TestDocsExamples runs every "$ …" line of the ```console blocks, each page in
// a scratch copy of testdata/docs, and compares what it prints. A line "…"
// stands for any lines, and "…" in a line for any text. Blocks marked
// "```console e2e" need real tools and are run by the end-to-end tests.
func TestDocsExamples(t *testing.T) {
	for _, page := range pages(t) {
		t.Run(filepath.Base(page), func(t *testing.T) {
			source, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/docs")); err != nil {
				t.Fatal(err)
			}
			for _, example := range examples(string(source)) {
				got := keepgreen(t, dir, example.command)
				if !matches(example.output, got) {
					t.Errorf("%s:%d: $ %s\n--- the page says\n%s--- it prints\n%s", page, example.line, example.command, example.output, got)
				}
			}
		})
	}
}

// example is a command of a page and what the page says that it prints.
type example struct {
	command, output string
	line            int
}

func examples(source string) []example {
	var out []example
	inside := false
	for i, line := range strings.Split(source, "\n") {
		switch command, isCommand := strings.CutPrefix(line, "$ "); {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case isCommand:
			out = append(out, example{command: command, line: i + 1})
		case len(out) > 0:
			out[len(out)-1].output += line + "\n"
		}
	}
	return out
}

// matches compares output with a pattern in which "…" stands for anything.
func matches(pattern, got string) bool {
	if strings.TrimSpace(pattern) == "" {
		return true
	}
	parts := strings.Split(strings.TrimSpace(pattern), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`).MatchString(strings.TrimSpace(got))
}

// keepgreen runs a shell command with this program on its path.
func keepgreen(t *testing.T, dir, command string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "keepgreen")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "NO_COLOR=1", "COLUMNS=80", "GITHUB_ACTIONS=", "AI_API_KEY=")
	out, _ := cmd.CombinedOutput() // a red exit status is part of many examples
	return string(out)
}

// TestDocsLinks checks that relative links lead somewhere.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	for _, page := range append(pages(t), "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") {
		source, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(source), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
			}
		}
	}
}

// TestEveryCommandHasAPage keeps docs/ complete.
func TestEveryCommandHasAPage(t *testing.T) {
	help := keepgreen(t, t.TempDir(), "keepgreen --help")
	_, list, _ := strings.Cut(help, "Commands:\n")
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		if len(words) == 0 {
			break
		}
		if !strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "   ") {
			continue // the rest of a wrapped line
		}
		if _, err := os.Stat(filepath.Join("docs", words[0]+".md")); err != nil {
			t.Errorf("keepgreen %s has no page docs/%s.md", words[0], words[0])
		}
	}
}

// TestWorkflowsCallCommandsThatExist asks this program for every command that a
// generated workflow calls.
func TestWorkflowsCallCommandsThatExist(t *testing.T) {
	for _, command := range workflow.Commands {
		if help := keepgreen(t, t.TempDir(), "keepgreen "+command+" --help"); !strings.HasPrefix(help, "Usage: keepgreen "+command+" ") {
			t.Errorf("keepgreen %s: %s", command, help)
		}
	}
}
