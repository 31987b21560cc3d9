package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// GoTest is one test function that ran by itself.
type GoTest struct {
	Package, Name string
	Profile       string // what it covered; empty: it did not pass, or left nothing
}

// goTestTime bounds one test function.
const goTestTime = 10 * time.Minute

// GoTests runs every test function of a module by itself, each with a coverage
// profile of the whole module in the folder out, and hands them on one after the
// other. It takes as long as all tests one by one.
func GoTests(ctx context.Context, root, out string, env map[string]string, each func(GoTest) error) error {
	goTool, ok := lookPath("go", env["PATH"])
	if !ok {
		return errors.New("no go command was found")
	}
	run := func(dir string, command ...string) (string, error) {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir, cmd.Env = dir, pairs(env)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("%s: %s", strings.Join(command[:min(2, len(command))], " "), lastLine(stderr.String()+"\n"+err.Error()))
		}
		return string(text), err
	}
	listed, err := run(root, goTool, "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Dir}}{{end}}", "./...")
	if err != nil {
		return err
	}
	for i, row := range strings.Split(strings.TrimSpace(listed), "\n") {
		pkg, dir, ok := strings.Cut(row, "\t")
		if !ok {
			continue
		}
		binary := filepath.Join(out, strconv.Itoa(i)+".test")
		if _, err := run(root, goTool, "test", "-c", "-cover", "-coverpkg=./...", "-o", binary, pkg); err != nil {
			return err
		}
		names, err := run(dir, binary, "-test.list", "^(Test|Fuzz|Example)")
		if err != nil {
			return fmt.Errorf("%s: %w", pkg, err)
		}
		for n, name := range strings.Fields(names) {
			profile := filepath.Join(out, fmt.Sprintf("%d-%d.out", i, n))
			t := GoTest{Package: pkg, Name: name, Profile: profile}
			if _, err := run(dir, binary, "-test.run", "^"+name+"$", "-test.timeout", goTestTime.String(), "-test.coverprofile", profile); err != nil {
				t.Profile = "" // a test that fails says nothing of what it runs when it passes
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := each(t); err != nil {
				return err
			}
		}
	}
	return nil
}
