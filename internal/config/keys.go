package config

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Kind is what a key's value is.
type Kind string

// The kinds.
const (
	Bool     Kind = "true or false"
	Number   Kind = "number"
	Count    Kind = "whole number"
	Duration Kind = "duration"
	Word     Kind = "text"
	List     Kind = "list"

	Contracts Kind = "list of contracts"
)

// wants is the kind as an error message says it.
func (k Kind) wants(key Key) string {
	switch {
	case len(key.Allowed) > 0:
		return "one of " + strings.Join(key.Allowed, ", ")
	case k == Bool:
		return "true or false"
	case k == Duration:
		return "a duration such as 90s or 10m"
	case k == Number && key.Max > 0:
		return fmt.Sprintf("a number from %g to %g", key.Min, key.Max)
	case k == Number:
		return "a number not below 0"
	}
	return "a " + string(k)
}

// Key is one setting.
type Key struct {
	Name     string // dotted path in the file
	Kind     Kind
	Default  string
	Allowed  []string
	Min, Max float64 // for numbers; Max 0: no upper bound
	Env      string  // environment variable that comes before the file; empty: none
	Flag     string  // command and flag that come before both
	Doc      string
}

// keys is every setting there is.
var keys = []Key{
	{Name: "run.tools", Kind: List, Allowed: []string{"pytest", "ruff", "flake8", "black", "mypy", "go test", "go vet"}, Flag: "run --tools", Doc: "Run these tools and no others. Without it: what the repository is set up for."},
	{Name: "run.timeout", Kind: Duration, Default: "30m", Flag: "run --timeout", Doc: "End a tool that takes longer."},
	{Name: "run.python", Kind: Word, Flag: "run --python", Doc: "The Python interpreter to run tools with. Without it: the repository's `.venv` or `venv`, the active environment, `uv`, then `python3`."},
	{Name: "run.pytest_args", Kind: List, Doc: "More arguments for pytest, one an item."},
	{Name: "run.retries", Kind: Count, Default: "0", Flag: "run --retries", Doc: "Run failed tests again up to so many times; each try is recorded as an attempt."},
	{Name: "run.arch", Kind: Bool, Default: "true", Flag: "run --arch", Doc: "Scan the architecture while the tools run."},
	{Name: "ai.model", Kind: Word, Default: "claude-3-5-sonnet-20241022", Env: "AI_MODEL", Flag: "triage --ai-model", Doc: "The model: `claude-*` is Anthropic's, `gpt-*` and `o*` are OpenAI's, any other name is for the server at `AI_BASE_URL`. One that is gone is replaced from the provider's own list."},
	{Name: "ai.max_tokens", Kind: Count, Default: "4096", Env: "AI_MAX_TOKENS", Flag: "triage --ai-max-tokens", Doc: "The most tokens of one answer; room for thinking is added where the provider counts it."},
	{Name: "ai.budget", Kind: Word, Default: "200000,$1", Flag: "triage --ai-budget", Doc: "What a run may use: tokens, dollars, or both."},
	{Name: "ai.timeout", Kind: Duration, Default: "2m", Flag: "triage --ai-timeout", Doc: "The most time that one question takes, retries included."},
	{Name: "plan.enabled", Kind: Bool, Default: "true", Env: "TEST_SELECTION_ENABLED", Flag: "plan --selection", Doc: "Whether tests are selected at all. `false`: always the full suite."},
	{Name: "plan.threshold", Kind: Count, Default: "20", Env: "TEST_SELECTION_THRESHOLD", Flag: "plan --threshold", Doc: "More changed files than this: the full suite."},
	{Name: "plan.mode", Kind: Word, Default: "enforce", Allowed: []string{"enforce", "advise", "shadow"}, Flag: "run --select", Doc: "What `run` does with the plan of a change: `enforce` runs what is selected, `advise` runs it first, `shadow` runs as ever. The last two score the plan."},
	{Name: "plan.engine", Kind: Word, Default: "keepgreen", Allowed: []string{"keepgreen", "testmon"}, Flag: "run --engine", Doc: "Who selects in a run: `keepgreen`, or pytest-testmon with its own database, where the plan is selective."},
	{Name: "plan.sample", Kind: Number, Default: "0.05", Max: 1, Flag: "run --sample", Doc: "The share of pull-request runs that run everything all the same, to score the plan."},
	{Name: "plan.record", Kind: Word, Default: "auto", Allowed: []string{"auto", "always", "never"}, Flag: "run --record", Doc: "Whether `run` records which test runs what: `auto` is where it is cheap, from Python 3.12 on."},
	{Name: "plan.critical", Kind: List, Doc: "Paths beside the built-in ones whose change means the full suite, such as `migrations/**`."},
	{Name: "plan.rules", Kind: List, Doc: "Which tests a path concerns, one `PATTERN -> TESTS` an item: files, folders or test IDs, or `none`, or `all`. The first that fits counts."},
	{Name: "plan.shards", Kind: Count, Flag: "plan --shards", Doc: "How many machines the tests are spread over."},
	{Name: "plan.target", Kind: Duration, Flag: "plan --target", Doc: "How long one shard should take: the number of shards follows."},
	{Name: "plan.split", Kind: Word, Default: "file", Allowed: []string{"file", "test"}, Flag: "plan --split", Doc: "What stays together on one shard: the tests of a `file`, with their fixtures, or each `test` by itself."},
	{Name: "feedback.comment", Kind: Word, Default: "auto", Allowed: []string{"auto", "always", "off"}, Flag: "feedback --when", Doc: "When a pull request is commented on. `auto` is silent while all is green and nothing was said before."},
	{Name: "feedback.check", Kind: Bool, Default: "false", Flag: "feedback --check", Doc: "Put a check run with annotations on the commit too."},
	{Name: "fix.threshold", Kind: Number, Default: "0.9", Max: 1, Env: "AI_CONFIDENCE_THRESHOLD", Flag: "fix verify --threshold", Doc: "A repair is published only when its computed confidence is greater."},
	{Name: "fix.reruns", Kind: Count, Default: "3", Flag: "fix verify --reruns", Doc: "How often in a row what failed has to pass with the repair."},
	{Name: "fix.max_files", Kind: Count, Default: "3", Flag: "fix verify --max-files", Doc: "The most files of one repair."},
	{Name: "fix.max_lines", Kind: Count, Default: "60", Flag: "fix verify --max-lines", Doc: "The most changed lines of one repair."},
	{Name: "fix.per_day", Kind: Count, Default: "5", Flag: "fix publish --per-day", Doc: "The most pull requests of repairs that are opened within a day."},
	{Name: "fix.timeout", Kind: Duration, Default: "10m", Flag: "fix verify --timeout", Doc: "End a tool that takes longer while a repair is tried."},
	{Name: "fix.memory_mb", Kind: Count, Default: "8192", Flag: "fix verify --memory", Doc: "The most address space of a tool while a repair is tried, in MiB; 0: no limit."},
	{Name: "coverage.delta", Kind: Number, Default: "5.0", Max: 100, Env: "DELTA_COVERAGE", Flag: "gate coverage --delta", Doc: "Percentage points that coverage may drop below its baseline."},
	{Name: "coverage.min", Kind: Number, Max: 100, Flag: "gate coverage --min", Doc: "Absolute floor of coverage in percent. Off without it."},
	{Name: "coverage.policy", Kind: Word, Default: "contract", Allowed: []string{"contract", "strict"}, Flag: "gate coverage --policy", Doc: "`contract`: worse than the median by more than the delta fails. `strict` adds main's own noise, attribution to the tested base, and an anchor against slow erosion."},
	{Name: "coverage.store", Kind: Word, Default: "file", Allowed: []string{"file", "commit", "ref"}, Flag: "gate coverage --store", Doc: "Where the baseline lives: a `file` that the workflow commits, a `commit` to main made here, or a `ref` with a chained ledger."},
	{Name: "coverage.baseline", Kind: Word, Default: "ci_metrics/quality_metrics.json", Flag: "gate coverage --baseline", Doc: "The baseline file, relative to the repository."},
	{Name: "arch.contracts", Kind: Contracts, Doc: "Who may import whom: layers, forbidden, independence and protected, with the keys that import-linter gives them ([arch](arch.md#contracts))."},
	{Name: "arch.fail_on", Kind: List, Flag: "run --arch-fail-on", Doc: "What of the architecture fails a run: `new-cycles`, `score-drop=X`, `min-score=X`, `broken-contracts`."},
	{Name: "arch.import_linter", Kind: Bool, Default: "true", Flag: "arch --import-linter", Doc: "Check the contracts of import-linter's own configuration too."},
	{Name: "vulns.delta_high", Kind: Count, Default: "3", Env: "DELTA_VULN_HIGH", Flag: "gate vulns --delta-high", Doc: "How many more HIGH vulnerabilities than the baseline pass."},
	{Name: "vulns.delta_critical", Kind: Count, Default: "1", Env: "DELTA_VULN_CRITICAL", Flag: "gate vulns --delta-critical", Doc: "How many more CRITICAL vulnerabilities than the baseline pass."},
	{Name: "vulns.max_high", Kind: Count, Default: "9999", Env: "MAX_HIGH", Flag: "gate vulns --max-high", Doc: "Absolute limit of HIGH vulnerabilities."},
	{Name: "vulns.max_critical", Kind: Count, Default: "9999", Env: "MAX_CRITICAL", Flag: "gate vulns --max-critical", Doc: "Absolute limit of CRITICAL vulnerabilities."},
	{Name: "vulns.gating", Kind: Bool, Default: "false", Env: "VULN_GATING", Flag: "gate vulns --gating", Doc: "Whether too many vulnerabilities fail the build. Without it they warn."},
	{Name: "vulns.policy", Kind: Word, Default: "contract", Allowed: []string{"contract", "strict"}, Flag: "gate vulns --policy", Doc: "`contract`: more than the baseline by more than the delta is too many. `strict`: what the change introduces is judged, and an advisory that came out since fails nobody's change."},
	{Name: "vulns.new_high", Kind: Count, Default: "0", Flag: "gate vulns --new-high", Doc: "How many HIGH vulnerabilities a change may introduce under `strict`."},
	{Name: "vulns.new_critical", Kind: Count, Default: "0", Flag: "gate vulns --new-critical", Doc: "How many CRITICAL vulnerabilities a change may introduce under `strict`."},
	{Name: "vulns.store", Kind: Word, Default: "file", Allowed: []string{"file", "commit", "ref"}, Flag: "gate vulns --store", Doc: "Where the baseline lives, as for coverage."},
	{Name: "vulns.ignore", Kind: Word, Default: "keepgreen-ignore.yaml", Flag: "gate vulns --ignore", Doc: "The file of exceptions, each with a reason and an end."},
	{Name: "vulns.baseline", Kind: Word, Default: "ci_metrics/quality_metrics.json", Flag: "gate vulns --baseline", Doc: "The baseline file, relative to the repository."},
}

// Keys lists every setting, sorted by name.
func Keys() []Key {
	return slices.SortedFunc(slices.Values(keys), func(a, b Key) int { return cmp.Compare(a.Name, b.Name) })
}

func find(name string) (Key, bool) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// isSection reports whether the name is the first part of longer keys.
func isSection(name string) bool {
	return slices.ContainsFunc(keys, func(k Key) bool { return strings.HasPrefix(k.Name, name+".") })
}

// suggestion names the key that was probably meant, or the keys there are.
func suggestion(name string) string {
	best, bestDistance := "", 4
	for _, k := range Keys() {
		if d := distance(name, k.Name); d < bestDistance {
			best, bestDistance = k.Name, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	section, _, _ := strings.Cut(name, ".")
	var near []string
	for _, k := range Keys() {
		if strings.HasPrefix(k.Name, section+".") {
			near = append(near, k.Name)
		}
	}
	if len(near) == 0 {
		near = sections()
	}
	return "; there are " + strings.Join(near, ", ")
}

func sections() []string {
	var out []string
	for _, k := range Keys() {
		section, _, _ := strings.Cut(k.Name, ".")
		if !slices.Contains(out, section) {
			out = append(out, section)
		}
	}
	return out
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Reference writes the table of all keys as Markdown, for docs/.
func Reference(w io.Writer) {
	fmt.Fprintln(w, "| key | value | default | before it | what it does |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- |")
	for _, k := range Keys() {
		value := string(k.Kind)
		if len(k.Allowed) > 0 {
			value = strings.TrimSpace(map[bool]string{true: "list of ", false: ""}[k.Kind == List] + "`" + strings.Join(k.Allowed, "`, `") + "`")
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s | %s |\n", k.Name, value, code(k.Default), strings.Join(before(k), ", "), k.Doc)
	}
}

func before(k Key) []string {
	var out []string
	if k.Flag != "" {
		out = append(out, code(k.Flag))
	}
	if k.Env != "" {
		out = append(out, code(k.Env))
	}
	return out
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// Template is a configuration file in which every key is explained. Those that
// are in set have that value; the others are comments with their default.
func Template(w io.Writer, set map[string]string) {
	section := ""
	for _, k := range Keys() {
		at, name, _ := strings.Cut(k.Name, ".")
		if at != section {
			section = at
			comment := "# "
			for name := range set {
				if strings.HasPrefix(name, section+".") {
					comment = ""
				}
			}
			fmt.Fprintf(w, "\n%s%s:\n", comment, section)
		}
		fmt.Fprintf(w, "#   %s\n", k.Doc)
		value, on := set[k.Name]
		switch {
		case on:
			fmt.Fprintf(w, "  %s: %s\n", name, value)
		case k.Kind == List:
			fmt.Fprintf(w, "#   %s: []\n", name)
		default:
			fmt.Fprintf(w, "#   %s: %s\n", name, k.Default)
		}
	}
}
