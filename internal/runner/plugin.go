package runner

import (
	"bytes"
	"context"
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// plugin is the pytest plugin that records which test ran what, and the
// sitecustomize.py that starts it in the Pythons that a test starts.
//
//go:embed plugin/*.py
var plugin embed.FS

// PluginName is the plugin's module: pytest -p keepgreen_map.
const PluginName = "keepgreen_map"

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
