package workflow

import (
	"path"
	"strings"
)

// toolFile pins the tools that the jobs need and the repository does not name.
const toolFile = ".github/keepgreen/requirements.txt"

// python is what runs a Python module of the project's environment.
func (p Project) python() string {
	switch p.Manager {
	case "uv":
		return "uv run --no-sync python"
	case "poetry":
		return "poetry run python"
	}
	return "python"
}

// up leads from the project to the root of the repository.
func (p Project) up(name string) string {
	if p.Dir == "." {
		return name
	}
	return strings.Repeat("../", strings.Count(p.Dir, "/")+1) + name
}

// setup installs a project's language, its dependencies from a cache, and the
// tools that it lacks.
func (p *pipeline) setup(project Project, version, only string) []Step {
	var steps []Step
	switch project.Language {
	case Go:
		steps = p.setupGo(project)
	case Node:
		steps = setupNode(project, version)
	default:
		steps = setupPython(project, version)
	}
	for i := range steps {
		steps[i].If = both(only, steps[i].If)
	}
	return steps
}

func (p *pipeline) setupGo(project Project) []Step {
	return []Step{{Name: "Go" + where(project), Uses: "actions/setup-go", With: []Pair{
		{Key: "go-version-file", Value: path.Join(project.Dir, "go.mod")},
		{Key: "cache-dependency-path", Value: path.Join(project.Dir, "go.sum")},
	}}}
}

// nodeInstall by manager: exactly what the lock file says, and nothing of what
// packages would like to run while they are installed is left to chance.
var nodeInstall = map[string]string{"npm": "npm ci", "pnpm": "corepack enable pnpm\npnpm install --frozen-lockfile", "yarn": "corepack enable yarn\nyarn install --immutable"}

func setupNode(project Project, version string) []Step {
	with := []Pair{{Key: "node-version", Value: version}}
	install := nodeInstall[project.Manager]
	switch {
	case len(project.Lock) == 0:
		install = "npm install --no-audit --no-fund"
	case project.Manager == "npm":
		with = append(with, Pair{Key: "cache", Value: "npm"}, Pair{Key: "cache-dependency-path", Value: project.Lock[0]})
	}
	return []Step{
		{Name: "Node" + where(project), Uses: "actions/setup-node", With: with},
		{Name: "Dependencies" + where(project), Dir: project.workdir(), Run: install},
	}
}

func setupPython(project Project, version string) []Step {
	if project.Manager == "uv" {
		return setupUV(project, version)
	}
	with := []Pair{{Key: "python-version", Value: version}}
	if len(project.Lock) > 0 {
		with = append(with, Pair{Key: "cache", Value: "pip"}, Pair{Key: "cache-dependency-path", Value: strings.Join(project.Lock, "\n")})
	}
	return []Step{
		{Name: "Python" + where(project), Uses: "actions/setup-python", With: with},
		{Name: "Dependencies" + where(project), Dir: project.workdir(), Run: strings.Join(pythonInstall(project), "\n")},
	}
}

func setupUV(project Project, version string) []Step {
	lock := "uv sync --all-extras --all-groups"
	if len(project.Lock) > 0 && path.Base(project.Lock[0]) == "uv.lock" {
		lock = "uv sync --locked --all-extras --all-groups"
	}
	install := []string{lock}
	if len(project.Missing) > 0 {
		install = append(install, "uv pip install -r "+project.up(toolFile))
	}
	return []Step{
		{Name: "uv" + where(project), Uses: "astral-sh/setup-uv", With: []Pair{
			{Key: "version", Value: uvVersion},
			{Key: "python-version", Value: version},
			{Key: "enable-cache", Value: "true"},
			{Key: "cache-dependency-glob", Value: path.Join(project.Dir, "uv.lock")},
			{Key: "working-directory", Value: project.Dir},
		}},
		{Name: "Dependencies" + where(project), Dir: project.workdir(), Run: strings.Join(install, "\n")},
	}
}

// uvVersion is pinned: the setup action would take the newest.
const uvVersion = "0.13.9"

// pythonInstall: what the repository names first, then what it lacks.
func pythonInstall(project Project) []string {
	var lines []string
	tools := project.up(toolFile)
	if project.Manager == "poetry" {
		lines = append(lines, "python -m pip install -r "+project.up(poetryFile), "poetry install --all-extras --all-groups")
		if len(project.Missing) > 0 {
			lines = append(lines, "poetry run python -m pip install -r "+tools)
		}
		return lines
	}
	var args []string
	if project.Manager != "tox" {
		for _, name := range project.Install {
			args = append(args, "-r "+strings.TrimPrefix(name, project.Dir+"/"))
		}
	}
	if len(project.Missing) > 0 {
		args = append(args, "-r "+tools)
	}
	if project.Package && project.Manager != "tox" {
		args = append(args, "-e .")
	}
	if len(args) == 0 {
		return []string{"python --version"}
	}
	return []string{"python -m pip install " + strings.Join(args, " ")}
}

// poetryFile holds poetry itself, which must not share an environment with the project.
const poetryFile = ".github/keepgreen/poetry.txt"

// testSteps run a project's tests and turn what they left into reports.
func testSteps(project Project, planned bool) []Step {
	switch project.Language {
	case Go:
		return goTests(project)
	case Node:
		return []Step{{Name: "Tests" + where(project), Dir: project.workdir(), Run: nodeTests(project)}}
	default:
		return pythonTests(project, planned)
	}
}

func goTests(project Project) []Step {
	out := project.out()
	return []Step{{
		Name: "Tests" + where(project), Dir: project.workdir(),
		Run: said("go test -v -coverprofile="+out+"/coverage"+tail(project)+".out ./...", out+"/go-test"+tail(project)+".log"),
	}}
}

// tail tells the reports of one project from another's.
func tail(p Project) string {
	if p.Dir == "." {
		return ""
	}
	return "-" + strings.ReplaceAll(p.Dir, "/", "-")
}

func nodeTests(project Project) string {
	out, t := project.out(), tail(project)
	log := out + "/node" + t + ".log"
	exec := map[string]string{"npm": "npx --no-install", "pnpm": "pnpm exec", "yarn": "yarn exec"}[project.Manager]
	switch project.Runner {
	case "vitest":
		command := exec + " vitest run --reporter=default --reporter=junit --outputFile.junit=" + out + "/junit" + t + ".xml"
		if project.CovAddon {
			command += " --coverage.enabled --coverage.reporter=lcov --coverage.reportsDirectory=" + out + "/coverage" + t
		}
		return said(command, log)
	case "jest":
		return said(exec+" jest --ci --coverage --coverageReporters=lcov --coverageDirectory="+out+"/coverage"+t+" --json --outputFile="+out+"/jest"+t+".json", log)
	case "node":
		return said("node --test --experimental-test-coverage --test-reporter=spec --test-reporter-destination=stdout"+
			" --test-reporter=junit --test-reporter-destination="+out+"/junit"+t+".xml --test-reporter=lcov --test-reporter-destination="+out+"/coverage"+t+".info", log)
	}
	return said(project.Manager+" test", log)
}

// pythonTests measures coverage by pytest-cov where the project has it, and by
// coverage.py around pytest where not. The reports are made also of a red run.
func pythonTests(project Project, planned bool) []Step {
	out, t := project.out(), tail(project)
	flags := "-v --junitxml=" + out + "/junit" + t + ".xml -o junit_family=xunit1"
	reports := "--cov-report=json:" + out + "/coverage" + t + ".json --cov-report=xml:" + out + "/coverage" + t + ".xml"
	name := "Tests" + where(project)
	log := out + "/pytest" + t + ".log"
	switch {
	case project.Manager == "tox":
		// tox makes its own environment; what pytest is to do beside reaches it through PYTEST_ADDOPTS.
		env := []Pair{
			{Key: "TOX_OVERRIDE", Value: "testenv.pass_env+=PYTEST_ADDOPTS"},
			{Key: "PYTEST_ADDOPTS", Value: strings.ReplaceAll(flags, out+"/", "{reports}/")},
		}
		if project.CovAddon {
			env[1].Value += " --cov " + strings.ReplaceAll(reports, out+"/", "{reports}/")
		}
		env[1].Value = strings.ReplaceAll(env[1].Value, "{reports}", "${{ github.workspace }}/reports")
		return []Step{{Name: name, Dir: project.workdir(), Env: env, Run: said("python -m tox run -e py", log)}}
	case project.CovAddon:
		on := "--cov "
		if project.CovOn {
			on = ""
		}
		return []Step{selecting(Step{Name: name, Dir: project.workdir()}, project.python()+" -m pytest "+flags+" "+on+reports, log, planned)}
	}
	return []Step{
		selecting(Step{Name: name, Dir: project.workdir()}, project.python()+" -m coverage run -m pytest "+flags, log, planned),
		{Name: "Coverage" + where(project), If: running + " && hashFiles('" + path.Join(project.Dir, ".coverage") + "') != ''", Dir: project.workdir(), Run: project.python() + " -m coverage json -o " + out + "/coverage" + t + ".json\n" +
			project.python() + " -m coverage xml -o " + out + "/coverage" + t + ".xml"},
	}
}

// selecting runs what the plan names for this shard: everything, a part, or
// nothing where the change reaches no test. pytest 8.2 reads arguments of a file.
func selecting(s Step, command, log string, planned bool) Step {
	if !planned {
		s.Run = said(command, log)
		return s
	}
	s.Env = []Pair{
		{Key: "MODE", Value: "${{ needs.generate-matrix.outputs.test_selection_mode }}"},
		{Key: "SHARD", Value: "${{ matrix.shard }}"},
	}
	s.Run = "mkdir -p " + path.Dir(log) + `
args=()
if [ "$MODE" = selective ] || [ -n "$SHARD" ]; then
  if ! grep -q . "selected/${SHARD:-1}.txt"; then
    echo "The change reaches no test."
    exit 0
  fi
  args=("@selected/${SHARD:-1}.txt")
fi
` + command + ` "${args[@]}" 2>&1 | tee ` + log
	return s
}
