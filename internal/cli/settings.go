package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"keepgreen/internal/config"
)

// settings resolves the flags that were not given: the environment first, under
// the name in the flag's "setting" tag, then keepgreen.yaml under the key in
// its "key" tag. Kong's own env tag reads the process and is not used.
type settings struct {
	session *session
	loaded  bool
	err     error
}

// Validate implements kong.Resolver.
func (*settings) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (r *settings) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if name := flag.Tag.Get("setting"); name != "" {
		if value := r.session.Env[name]; value != "" {
			return value, nil
		}
	}
	key := flag.Tag.Get("key")
	if key == "" {
		return nil, nil
	}
	// A bad file is told once, by run, and not as the fault of some flag.
	value, ok := r.config(ctx).Lookup(key)
	switch {
	case !ok:
		return nil, nil
	case value.List != nil:
		list := make([]any, len(value.List))
		for i, item := range value.List {
			list[i] = item
		}
		return list, nil
	}
	return value.Text, nil
}

// config loads keepgreen.yaml once, from where the flags that were given say.
func (r *settings) config(ctx *kong.Context) *config.Config {
	if r.loaded {
		return r.session.conf
	}
	r.loaded = true
	dir, file, named := ".", "keepgreen.yaml", false
	for _, step := range ctx.Path {
		switch {
		case step.Flag != nil && step.Flag.Name == "dir", step.Positional != nil && step.Positional.Name == "dir":
			dir = ctx.Value(step).String()
		case step.Flag != nil && step.Flag.Name == "config":
			file, named = ctx.Value(step).String(), true
		}
	}
	r.session.conf, r.err = loadConfig(r.session.resolve(dir), file, named)
	return r.session.conf
}

// loadConfig reads and checks the configuration. Without one that was asked
// for by name, everything has its default.
func loadConfig(root, file string, named bool) (*config.Config, error) {
	path := file
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	data, err := os.ReadFile(path)
	if !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		return &config.Config{}, nil
	}
	if err != nil {
		return nil, usagef("", "%s: %w", file, bare(err))
	}
	conf, err := config.Parse(data)
	var problems config.Problems
	if errors.As(err, &problems) {
		return nil, usagef("keepgreen config check shows every key", "%s", prefixLines(file+": ", problems.Error()))
	}
	return conf, err
}

// bare is the reason of a file error, for where the path is said already.
func bare(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func prefixLines(prefix, text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = prefix + lines[i]
	}
	return strings.Join(lines, "\n           ")
}

// configCommand groups what there is to do with the configuration.
type configCommand struct {
	Check     configCheck     `cmd:"" help:"Check keepgreen.yaml and show what it sets."`
	Reference configReference `cmd:"" help:"Print the table of all keys as Markdown."`
}

type configCheck struct{}

// Run reads the configuration and shows what it sets.
func (configCheck) Run(s *session) error {
	conf, err := loadConfig(s.root(), s.Config, false)
	if err != nil {
		return err
	}
	keys := conf.Keys()
	if s.Format == "json" {
		set := map[string]any{}
		for _, key := range keys {
			v, _ := conf.Lookup(key)
			switch {
			case v.List != nil:
				set[key] = v.List
			case v.Contracts != nil:
				set[key] = contractNames(v)
			default:
				set[key] = v.Text
			}
		}
		return writeJSON(s.Stdout, map[string]any{"ok": true, "file": s.Config, "set": set})
	}
	fmt.Fprintf(s.Stdout, "%s: %s\n", s.Config, plural(len(keys), "key", "keys")+" set")
	for _, key := range keys {
		v, _ := conf.Lookup(key)
		text := v.Text
		if v.List != nil {
			text = "[" + strings.Join(v.List, ", ") + "]"
		}
		if v.Contracts != nil {
			text = strings.Join(contractNames(v), "; ")
		}
		fmt.Fprintf(s.Stdout, "  %-22s %s\n", key, text)
	}
	return nil
}

func contractNames(v config.Value) []string {
	names := make([]string, len(v.Contracts))
	for i, c := range v.Contracts {
		names[i] = c.Name
	}
	return names
}

type configReference struct{}

// Run prints the generated reference.
func (configReference) Run(s *session) error {
	config.Reference(s.Stdout)
	return nil
}
