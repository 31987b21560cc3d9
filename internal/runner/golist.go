package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// GoPackage is what "go list" says of one package, or of a variant of one that a
// test is linked with.
type GoPackage struct {
	Name    string   // "example.com/p", "example.com/p [example.com/p.test]", "example.com/p.test"
	ForTest string   // the package whose test needs this variant; empty: none
	Files   []string // everything that is compiled or embedded, relative to the root; other modules' are left out
	Imports []string // names
}

// goListed is a package as go list prints it.
type goListed struct {
	ImportPath, Dir, ForTest                string
	Standard                                bool
	GoFiles, CgoFiles, CFiles, CXXFiles     []string
	HFiles, SFiles, SysoFiles, EmbedFiles   []string
	TestGoFiles, XTestGoFiles, OtherFiles   []string
	TestEmbedFiles, XTestEmbedFiles, MFiles []string
	Imports                                 []string
	ImportMap                               map[string]string
	Error                                   *struct{ Err string }
	Incomplete                              bool
}

const goFields = "ImportPath,Dir,ForTest,Standard,GoFiles,CgoFiles,CFiles,CXXFiles,HFiles,SFiles,SysoFiles,EmbedFiles,TestGoFiles,XTestGoFiles,TestEmbedFiles,XTestEmbedFiles,MFiles,Imports,ImportMap,Error,Incomplete"

// GoPackages asks the go command for the packages of a module and of its tests,
// with all that they depend on in the module. A module that does not load is an
// error: what is known of it is not all.
func GoPackages(ctx context.Context, root string, env map[string]string) ([]GoPackage, error) {
	goTool, ok := lookPath("go", env["PATH"])
	if !ok {
		return nil, errors.New("no go command was found")
	}
	cmd := exec.CommandContext(ctx, goTool, "list", "-deps", "-test", "-json="+goFields, "./...")
	cmd.Dir, cmd.Env = root, append(pairs(env), "GOPROXY=off") // finding out must not fetch anything
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %s", lastLine(stderr.String()+"\n"+err.Error()))
	}
	var packages []GoPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goListed
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		case p.Error != nil:
			return nil, fmt.Errorf("go list: %s: %s", p.ImportPath, p.Error.Err)
		case !p.Standard:
			packages = append(packages, p.within(root))
		}
	}
}

// within names the files from the root, and the imports as this package means them.
func (p goListed) within(root string) GoPackage {
	out := GoPackage{Name: p.ImportPath, ForTest: p.ForTest}
	for _, list := range [][]string{
		p.GoFiles, p.CgoFiles, p.CFiles, p.CXXFiles, p.HFiles, p.SFiles, p.SysoFiles, p.MFiles, p.EmbedFiles,
		p.TestGoFiles, p.XTestGoFiles, p.TestEmbedFiles, p.XTestEmbedFiles,
	} {
		for _, name := range list {
			if !filepath.IsAbs(name) {
				name = filepath.Join(p.Dir, name)
			}
			if rel, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(rel) {
				out.Files = append(out.Files, filepath.ToSlash(rel))
			}
		}
	}
	if p.ForTest == "" && !strings.HasSuffix(p.ImportPath, ".test") {
		// Of the plain package, tests' files are listed, but not compiled into it.
		out.Files = slices.DeleteFunc(out.Files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	}
	for _, name := range p.Imports {
		if mapped, ok := p.ImportMap[name]; ok {
			name = mapped
		}
		out.Imports = append(out.Imports, name)
	}
	return out
}
