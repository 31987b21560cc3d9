package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// python is the interpreter of a repository and what is installed in it.
type python struct {
	exe     string
	why     string // how it was chosen, for people: ".venv", "uv", "python3 on PATH"
	err     string // it was found, but does not run
	modules map[string]string
}

// has reports whether the module can be imported.
func (p python) has(module string) bool {
	_, ok := p.modules[module]
	return ok
}

// probe asks the interpreter which of our tools it has, without importing them:
// an import could run code of the repository.
const probe = `
import importlib.util, json, sys
try:
    from importlib.metadata import version
except ImportError:
    version = None
found = {"unittest": "%d.%d.%d" % sys.version_info[:3]}
for name in ("pytest", "pytest_cov", "coverage", "ruff", "flake8", "black", "mypy", "xdist"):
    if importlib.util.find_spec(name) is None:
        continue
    found[name] = ""
    if version is not None:
        try:
            found[name] = version({"pytest_cov": "pytest-cov", "xdist": "pytest-xdist"}.get(name, name))
        except Exception:
            pass
print(json.dumps(found))
`

func (r *repo) findPython(ctx context.Context, o Options) {
	if !r.isPython() && !r.configures("pytest") {
		return
	}
	r.python.exe, r.python.why = r.interpreter(ctx, o)
	if r.python.exe == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	// -P and -I would hide the repository from itself; -c with a clean directory
	// keeps a file named json.py in the repository from being imported here.
	cmd := exec.CommandContext(ctx, r.python.exe, "-c", probe)
	cmd.Dir = os.TempDir()
	cmd.Env = pairs(o.Env)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &r.python.modules)
	}
	if err != nil {
		r.python.err = strings.TrimSpace(lastLine(stderr.String()) + " " + err.Error())
	}
}

// interpreter chooses: what the user says, the repository's own environment,
// the active one, uv's, the first on PATH.
func (r *repo) interpreter(ctx context.Context, o Options) (exe, why string) {
	if o.Python != "" {
		if strings.ContainsAny(o.Python, `/\`) {
			if !filepath.IsAbs(o.Python) {
				return filepath.Join(r.root, o.Python), o.Python
			}
			return o.Python, o.Python
		}
		if exe, ok := lookPath(o.Python, o.Env["PATH"]); ok {
			return exe, o.Python
		}
		return o.Python, o.Python
	}
	for _, dir := range []string{".venv", "venv"} {
		if exe, ok := venvPython(filepath.Join(r.root, dir)); ok {
			return exe, dir
		}
	}
	if active := o.Env["VIRTUAL_ENV"]; active != "" {
		if exe, ok := venvPython(active); ok {
			return exe, "the active environment"
		}
	}
	if exe := r.uvPython(ctx, o); exe != "" {
		return exe, "uv"
	}
	for _, name := range []string{"python3", "python"} {
		if exe, ok := lookPath(name, o.Env["PATH"]); ok {
			return exe, name + " on PATH"
		}
	}
	return "", ""
}

// uvPython asks uv where a repository that uses it keeps its environment;
// "--no-sync" because finding out must not install anything.
func (r *repo) uvPython(ctx context.Context, o Options) string {
	if !r.files["uv.lock"] {
		return ""
	}
	uv, ok := lookPath("uv", o.Env["PATH"])
	if !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, uv, "run", "--no-sync", "--offline", "python", "-c", "import sys; print(sys.executable)")
	cmd.Dir, cmd.Env = r.root, pairs(o.Env)
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func venvPython(dir string) (string, bool) {
	bin := "bin"
	if runtime.GOOS == "windows" {
		bin = "Scripts"
	}
	return executable(filepath.Join(dir, bin), "python")
}

func pairs(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	return out
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
