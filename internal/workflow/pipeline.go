package workflow

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Names of the workflow files.
const (
	Main    = "keepgreen.yml"
	Comment = "keepgreen-comment.yml"
)

// Options are what init was asked for.
type Options struct {
	Branch string // that is kept green
	Action string // the Keepgreen action, as a step's uses
	Pins   []Pin  // nil: the table of this program
}

// Conditions that jobs share. Contexts are compared, never pasted into a script.
const (
	running = "!cancelled()" // after what it needs, also when that failed
	trusted = "(github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository)"
)

func (o Options) onMain() string {
	return "github.event_name == 'push' && github.ref == 'refs/heads/" + o.Branch + "'"
}

const runner = "ubuntu-24.04"

// Grants that jobs share.
var (
	read     = Grant{"contents", "read", ""}
	findings = Grant{"security-events", "write", "uploads findings to code scanning"}
	packages = Grant{"packages", "write", "publishes the images"}
	identity = Grant{"id-token", "write", "signs as this workflow, without a key"}
	attests  = Grant{"attestations", "write", "stores provenance and SBOM attestations"}
)

// pipeline composes the jobs of one repository.
type pipeline struct {
	Facts
	Options
	jobs []Job
}

// Pipeline is the whole workflow of a repository: the retained jobs that it has
// something for, and beside them those that explain, remember and heal.
func Pipeline(f Facts, o Options) Workflow {
	p := &pipeline{Facts: f, Options: o}
	p.plan()
	p.lint()
	p.test()
	p.coverage()
	p.scan()
	p.images()
	p.architecture()
	p.forensics()
	p.triage()
	p.heal()
	p.sarif()
	p.required()
	p.feedback()
	p.metrics()
	p.record()
	return Workflow{
		Path: ".github/workflows/" + Main,
		Name: "keepgreen",
		Head: []string{
			"Written by \"keepgreen init\". Run it again after the repository changed: it shows what it",
			"would change, asks first, and keeps what stands between \"keepgreen:begin\" and \"keepgreen:end\".",
			"Settings are repository variables (vars.*) and keepgreen.yaml; secrets are secrets.*.",
			"Without any of them everything here runs, and says what it leaves out.",
		},
		On:          Triggers{Main: o.Branch, PullRequest: true, Schedule: "17 4 * * *", Dispatch: true},
		Concurrency: Concurrency{Group: "keepgreen-${{ github.event.pull_request.number || github.sha }}", Cancel: "${{ github.event_name == 'pull_request' }}"},
		Env:         settings,
		Jobs:        p.jobs,
	}
}

// settings are handed to every command. An empty one is one that is not set:
// the default is the command's own.
var settings = []Pair{
	{Key: "AI_MODEL", Value: "${{ vars.AI_MODEL }}"},
	{Key: "AI_MAX_TOKENS", Value: "${{ vars.AI_MAX_TOKENS }}"},
	{Key: "AI_CONFIDENCE_THRESHOLD", Value: "${{ vars.AI_CONFIDENCE_THRESHOLD }}"},
	{Key: "DELTA_COVERAGE", Value: "${{ vars.DELTA_COVERAGE }}"},
	{Key: "DELTA_VULN_HIGH", Value: "${{ vars.DELTA_VULN_HIGH }}"},
	{Key: "DELTA_VULN_CRITICAL", Value: "${{ vars.DELTA_VULN_CRITICAL }}"},
	{Key: "MAX_HIGH", Value: "${{ vars.MAX_HIGH }}"},
	{Key: "MAX_CRITICAL", Value: "${{ vars.MAX_CRITICAL }}"},
	{Key: "VULN_GATING", Value: "${{ vars.VULN_GATING }}"},
	{Key: "TEST_SELECTION_ENABLED", Value: "${{ vars.TEST_SELECTION_ENABLED }}"},
	{Key: "TEST_SELECTION_THRESHOLD", Value: "${{ vars.TEST_SELECTION_THRESHOLD }}"},
}

func (p *pipeline) add(j Job) {
	if j.RunsOn == "" {
		j.RunsOn = runner
	}
	p.jobs = append(p.jobs, j)
}

// has lists those of the jobs that this pipeline has.
func (p *pipeline) has(ids ...string) []string {
	var out []string
	for _, id := range ids {
		if slices.ContainsFunc(p.jobs, func(j Job) bool { return j.ID == id }) {
			out = append(out, id)
		}
	}
	return out
}

// checkout takes the tested commit. No later step may find the token in .git.
func checkout(with ...Pair) Step {
	return Step{Name: "Check out", Uses: "actions/checkout", With: append([]Pair{{Key: "persist-credentials", Value: "false"}}, with...)}
}

// deep is the whole history: a merge base and churn need it.
var deep = Pair{Key: "fetch-depth", Value: "0"}

// keepgreen puts the program on the path. In its own repository it is built
// first.
func (p *pipeline) keepgreen() []Step {
	s := Step{Name: "Keepgreen", Uses: p.Action, With: []Pair{{Key: "command", Value: "version"}}}
	if strings.HasPrefix(p.Action, "./.github/") {
		s.With = append(s.With, Pair{Key: "releases", Value: "${{ vars.KEEPGREEN_RELEASES }}"})
	}
	if p.Self {
		return append(p.setupGo(p.Projects[0]), s)
	}
	return []Step{s}
}

// start is how a job begins that asks Keepgreen something.
func (p *pipeline) start() []Step { return append([]Step{checkout(deep)}, p.keepgreen()...) }

func upload(name string, paths ...string) Step {
	return Step{
		Name: "Hand on the reports", If: running, Uses: "actions/upload-artifact",
		With: []Pair{
			{Key: "name", Value: name},
			{Key: "path", Value: strings.Join(paths, "\n")},
			{Key: "if-no-files-found", Value: "ignore"},
			{Key: "retention-days", Value: "14"},
		},
	}
}

// download gathers what earlier jobs handed on, into the folder that it came from.
func download(pattern, into string) Step {
	return Step{
		Name: "Gather the reports", Uses: "actions/download-artifact",
		With: []Pair{{Key: "pattern", Value: pattern}, {Key: "path", Value: into}},
	}
}

// lint: one step a tool, and each runs although an earlier one said no.
func (p *pipeline) lint() {
	var steps []Step
	for _, project := range p.Projects {
		if len(project.Linters) == 0 {
			continue
		}
		steps = append(steps, p.setup(project, last(project.Versions), "")...)
		for _, tool := range project.Linters {
			steps = append(steps, lintStep(project, tool))
		}
	}
	if len(steps) == 0 {
		return
	}
	steps = append([]Step{checkout(), {Keep: "lint.before"}}, steps...)
	p.add(Job{
		ID: "lint", Why: "Lint, format and types.", Timeout: 15, Grants: []Grant{read},
		Steps: append(steps, Step{Keep: "lint.after"}, upload("reports-lint", "reports/")),
	})
}

func last(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return versions[len(versions)-1]
}

// lintCommands by tool; "ours" stands for what runs a Python module.
var lintCommands = map[string]string{
	"ruff": "ruff check --output-format=full .", "ruff format": "ruff format --check .", "flake8": "flake8 .", "isort": "isort --check-only --diff .",
	"black": "black --check --diff .", "mypy": "mypy --show-column-numbers --no-color-output",
}

func lintStep(project Project, tool string) Step {
	log := project.out() + "/lint-" + slug(project.Dir) + strings.NewReplacer(" ", "-", ":", "-").Replace(tool) + ".log"
	s := Step{Name: tool + where(project), If: running, Dir: project.workdir()}
	switch {
	case project.Language == Python:
		command := lintCommands[tool]
		if tool == "mypy" && !project.MypyFiles {
			command += " ."
		}
		s.Run = said(project.python()+" -m "+command, log)
	case tool == "gofmt":
		s.Run = "mkdir -p " + project.out() + "\ngit ls-files '*.go' ':!:*/testdata/*' | xargs gofmt -l | tee " + log + "\ntest ! -s " + log
	case project.Language == Go:
		s.Run = said(tool+" ./...", log)
	default:
		s.Run = said(project.Manager+" run "+tool, log)
	}
	return s
}

// said runs a command and keeps what it printed, with the command's own exit
// status: GitHub's bash has pipefail on.
func said(command, log string) string {
	return "mkdir -p " + path.Dir(log) + "\n" + command + " 2>&1 | tee " + log
}

// where names a project among others.
func where(p Project) string {
	if p.Dir == "." {
		return ""
	}
	return " in " + p.Dir
}

// slug makes a directory part of a file's name.
func slug(dir string) string {
	if dir == "." {
		return ""
	}
	return strings.ReplaceAll(dir, "/", "-") + "-"
}

func (p Project) workdir() string {
	if p.Dir == "." {
		return ""
	}
	return p.Dir
}

// out is the folder of reports as seen from the project.
func (p Project) out() string {
	if p.Dir == "." {
		return "reports"
	}
	return strings.Repeat("../", strings.Count(p.Dir, "/")+1) + "reports"
}

// test runs the suite on every combination, and leaves JUnit XML, coverage and
// its whole log.
func (p *pipeline) test() {
	var tested []Project
	for _, project := range p.Projects {
		if project.Tests {
			tested = append(tested, project)
		}
	}
	if len(tested) == 0 {
		return
	}
	matrix, title := p.matrixOf(tested)
	steps := []Step{checkout(), {Keep: "test.before"}}
	if p.planned() {
		steps = append(steps, Step{Name: "What to run", Uses: "actions/download-artifact", With: []Pair{{Key: "name", Value: "selected"}, {Key: "path", Value: "selected"}}})
	}
	for _, project := range tested {
		only := ""
		if len(tested) > 1 {
			only = "matrix.project == '" + project.Dir + "'"
		}
		version := ""
		if len(project.Versions) > 0 {
			version = "${{ matrix." + string(project.Language) + " }}"
		}
		for _, s := range append(p.setup(project, version, only), testSteps(project, p.planned())...) {
			s.If = both(only, s.If)
			steps = append(steps, s)
		}
	}
	steps = append(steps, Step{Keep: "test.after"}, upload("reports-test-"+p.cell(tested), "reports/"))
	p.add(Job{
		ID: "test", Title: title, Why: "The tests, with JUnit XML, coverage and the whole log.", RunsOn: "${{ matrix.platform }}", Timeout: 30,
		Needs: p.has("generate-matrix"), Grants: []Grant{read}, Matrix: matrix, Steps: steps,
	})
}

// cell names one combination of the matrix, as a part of an artifact's name.
func (p *pipeline) cell(tested []Project) string {
	only := tested[0]
	switch {
	case len(tested) > 1:
		return "${{ strategy.job-index }}" // a project's path cannot stand in the name
	case p.planned():
		return "${{ matrix.platform }}-${{ matrix.python }}-${{ matrix.shard || 1 }}"
	case len(only.Versions) > 0:
		return "${{ matrix.platform }}-${{ matrix." + string(only.Language) + " }}"
	}
	return "${{ matrix.platform }}"
}

func both(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "" || a == b:
		return a
	}
	return b + " && " + a
}

// matrixOf is platform × version of the one project, or the list of all
// combinations where there are several.
func (p *pipeline) matrixOf(tested []Project) (*Matrix, string) {
	platforms := p.Platforms
	if len(platforms) == 0 {
		platforms = []string{runner}
	}
	if p.planned() {
		return &Matrix{Expression: "fromJSON(needs.generate-matrix.outputs.matrix)"}, "test (${{ matrix.platform }}, python ${{ matrix.python }}, ${{ matrix.shard || 1 }})"
	}
	if len(tested) == 1 {
		m := &Matrix{Axes: []Axis{{"platform", platforms}}}
		only := tested[0]
		if len(only.Versions) == 0 {
			return m, "test (${{ matrix.platform }})"
		}
		axis := string(only.Language)
		m.Axes = append(m.Axes, Axis{axis, only.Versions})
		return m, "test (${{ matrix.platform }}, " + axis + " ${{ matrix." + axis + " }})"
	}
	m := &Matrix{}
	for _, project := range tested {
		for _, platform := range platforms {
			for _, version := range append([]string{}, orNone(project.Versions)...) {
				row := []Pair{{Key: "project", Value: project.Dir}, {Key: "platform", Value: platform}}
				if version != "" {
					row = append(row, Pair{Key: string(project.Language), Value: version})
				}
				m.Include = append(m.Include, row)
			}
		}
	}
	return m, "test (${{ matrix.project }}, ${{ matrix.platform }})"
}

func orNone(versions []string) []string {
	if len(versions) == 0 {
		return []string{""}
	}
	return versions
}

// coverage merges what the shards measured and asks the gate.
func (p *pipeline) coverage() {
	if len(p.has("test")) == 0 {
		return
	}
	p.add(Job{
		ID: "coverage-aggregate", Why: "Coverage of all shards as one, compared with main's last green runs.", If: running, Needs: p.has("generate-matrix", "test"), Timeout: 10,
		Grants: []Grant{read},
		Outputs: []Pair{
			{Key: "coverage_pct", Value: "${{ steps.gate.outputs.coverage_pct }}"},
			{Key: "baseline_pct", Value: "${{ steps.gate.outputs.baseline_pct }}"},
		},
		Steps: append(
			append(append(p.start(), past(), download("reports-test-*", "reports")), p.askCoverage()...),
			upload("reports-coverage", "reports/coverage_aggregate.json"),
		),
	})
}

// askCoverage asks the gate, unless only a part was run: what a part covers says
// nothing of the whole.
func (p *pipeline) askCoverage() []Step {
	gate := Step{Name: "Coverage gate", ID: "gate", Run: nullglob + "keepgreen gate coverage " + p.measured("reports/") + " --out reports/coverage_aggregate.json"}
	if !p.planned() {
		return []Step{gate}
	}
	mode := "needs.generate-matrix.outputs.test_selection_mode"
	gate.If = mode + " != 'selective'"
	return []Step{{
		Name: "A part was run", If: mode + " == 'selective'",
		Run: "echo '::notice title=Coverage::A selective run measures a part of the code: the gate is asked where everything runs.'",
	}, gate}
}

// nullglob drops what matches nothing: download-artifact makes a folder for each
// artifact, but for a single one that a pattern found it makes none. A command
// that is then left without a path says so.
const nullglob = "shopt -s nullglob\n"

// measured are the coverage reports of all shards, one of each: what a tool
// writes twice, with paths of its machine in one of them, is counted once.
func (p *pipeline) measured(in string) string {
	var globs []string
	for _, project := range p.Projects {
		if !project.Tests {
			continue
		}
		name := map[Language]string{Python: "coverage*.json", Go: "coverage*.out"}[project.Language]
		switch {
		case name == "" && project.Runner == "node":
			name = "coverage*.info"
		case name == "":
			name = "coverage*/lcov.info"
		}
		for _, glob := range []string{in + name, in + "reports-test-*/" + name} {
			if !slices.Contains(globs, glob) {
				globs = append(globs, glob)
			}
		}
	}
	return strings.Join(globs, " ")
}

// required is the one check for branch protection. A skipped job counts as
// success to GitHub's own rule; here it counts as what it is.
func (p *pipeline) required() {
	needs := p.has("generate-matrix", "lint", "test", "coverage-aggregate", "trivy-repo-scan", "docker-scan-pr", "cache-forensics")
	if len(needs) == 0 {
		return
	}
	var env []Pair
	var script strings.Builder
	script.WriteString("status=0\n")
	for _, id := range needs {
		name := "RESULT_" + strings.ToUpper(strings.ReplaceAll(id, "-", "_"))
		env = append(env, Pair{Key: name, Value: "${{ needs." + id + ".result }}"})
		fine := "success"
		if id == "docker-scan-pr" {
			fine = "success or skipped" // it has nothing to do but on pull requests
		}
		fmt.Fprintf(&script, "check %s \"$%s\" %s\n", id, name, strings.Fields(fine)[len(strings.Fields(fine))-1])
	}
	text := "status=0\ncheck() {\n  if [ \"$2\" = success ] || [ \"$2\" = \"$3\" ]; then\n    echo \"$1: $2\"\n  else\n    echo \"::error title=$1::$1: $2\"\n    status=1\n  fi\n}\n" +
		strings.TrimPrefix(script.String(), "status=0\n") + "exit \"$status\"\n"
	p.add(Job{
		ID: "required", Why: "The one check to require: it fails unless every gate was asked and said yes.", If: running, Needs: needs, Timeout: 5,
		Steps: []Step{{Name: "Every gate said yes", Env: env, Run: text}},
	})
}

// Commands are the commands of this program that a generated workflow may call.
var Commands = []string{
	"arch", "feedback", "fix propose", "fix publish", "fix verify", "forensics gate", "forensics verify", "gate coverage", "gate vulns",
	"history pull", "history push", "insights", "metrics", "plan", "triage",
}
