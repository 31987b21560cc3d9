package runner

import (
	"bytes"
	"context"
	"embed"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// plugin is the pytest plugin that records which test ran what, and the
// sitecustomize.py that starts it in the Pythons that a test starts.
//
//go:embed plugin/*.py
var plugin embed.FS

// PluginName is the recorder's module: pytest -p keepgreen_map. SelectName is
// the one that leaves out what a plan cleared.
const (
	PluginName = "keepgreen_map"
	SelectName = "keepgreen_select"
)

// PluginSource is the plugin's text.
func PluginSource() []byte {
	data, _ := plugin.ReadFile("plugin/" + PluginName + ".py") // it is embedded
	return data
}

// WritePlugin writes the plugin's files into a folder, for PYTHONPATH. Files
// that are there already with the same text are left alone.
func WritePlugin(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files, err := plugin.ReadDir("plugin")
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := plugin.ReadFile("plugin/" + f.Name())
		if err != nil {
			return err
		}
		target := filepath.Join(dir, f.Name())
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// environment prints what the plugin says of the environment that it records.
const environment = `
import hashlib, platform
from importlib.metadata import distributions
names = sorted({"%s==%s" % (d.metadata["Name"], d.version) for d in distributions()})
print(platform.python_version(), hashlib.sha256("\n".join(names).encode()).hexdigest()[:16])
`

// Environment is the version of the repository's Python and a digest of what is
// installed there, as the plugin records them. Both are empty where there is no
// interpreter with pytest: this machine does not run the tests.
func Environment(ctx context.Context, root string, o Options) (version, installed string) {
	r := look(root)
	r.findPython(ctx, o)
	if r.python.exe == "" || r.python.err != "" || !r.python.has("pytest") {
		return "", ""
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.python.exe, "-c", environment)
	cmd.Dir, cmd.Env = os.TempDir(), pairs(o.Env)
	out, err := cmd.Output()
	if err != nil {
		return "", ""
	}
	version, installed, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return version, installed
}

// Selection is what a plan of pytest is to leave out, and whether it is to record.
type Selection struct {
	Dir    string // where the plugins may be written
	Skip   string // a file for SelectName; empty: everything runs
	Record string // a folder for recordings; empty: none
	Root   string
	Env    map[string]string
}

// Select adds the plugins to the plans of pytest. Other tools run as they are.
func Select(plans []Plan, s Selection) error {
	if s.Skip == "" && s.Record == "" {
		return nil
	}
	for i := range plans {
		p := &plans[i]
		at := slices.Index(p.Args, "pytest")
		if p.Tool != "pytest" || p.Skip != "" || at < 0 {
			continue
		}
		if err := WritePlugin(s.Dir); err != nil {
			return err
		}
		path := s.Dir
		if before := s.Env["PYTHONPATH"]; before != "" {
			path += string(os.PathListSeparator) + before
		}
		p.Env = append(p.Env, "PYTHONPATH="+path)
		var more []string
		if s.Skip != "" {
			more = append(more, "-p", SelectName)
			p.Env = append(p.Env, "KEEPGREEN_SKIP="+s.Skip)
		}
		if s.Record != "" {
			more = append(more, "-p", PluginName)
			p.Env = append(p.Env, "KEEPGREEN_MAP="+s.Record, "KEEPGREEN_MAP_ROOT="+s.Root)
		}
		p.Args = slices.Insert(slices.Clone(p.Args), at+1, more...)
	}
	return nil
}

// Testmon adds pytest-testmon to the plans of pytest: to select by its own
// database, or to run everything and bring that up to date.
func Testmon(plans []Plan, selects bool) {
	for i := range plans {
		p := &plans[i]
		at := slices.Index(p.Args, "pytest")
		if p.Tool != "pytest" || p.Skip != "" || at < 0 {
			continue
		}
		flag := "--testmon-noselect"
		if selects {
			flag = "--testmon"
		}
		p.Args = slices.Insert(slices.Clone(p.Args), at+1, flag)
		p.exits = maps.Clone(p.exits)
		p.exits[5] = exit{status: ci.JobSuccess, detail: "testmon left no test to run"}
	}
}

// compiling prints the number of each file that does not compile.
const compiling = `
import sys
for number, name in enumerate(sys.argv[1:]):
    try:
        with open(name, "rb") as file:
            compile(file.read(), name, "exec", 0, True)
    except (SyntaxError, ValueError):
        print(number)
    except OSError:
        pass
`

// Broken asks the repository's Python which of some files, absolute paths, do
// not compile: one mistake in a function that no test runs breaks all who load
// the file. Asked is false where there is no Python.
func Broken(ctx context.Context, root string, o Options, files []string) (broken []string, asked bool) {
	r := &repo{root: root, files: map[string]bool{}}
	exe, _ := r.interpreter(ctx, o)
	if exe == "" || len(files) == 0 {
		return nil, exe != ""
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, append([]string{"-I", "-S", "-c", compiling}, files...)...)
	cmd.Dir, cmd.Env = os.TempDir(), pairs(o.Env)
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	for _, word := range strings.Fields(string(out)) {
		if n, err := strconv.Atoi(word); err == nil && n < len(files) {
			broken = append(broken, files[n])
		}
	}
	return broken, true
}
