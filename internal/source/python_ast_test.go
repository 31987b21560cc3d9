package source_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"keepgreen/internal/source"
)

// truth is a line of bench/ast_truth.py.
type truth struct {
	Path       string
	Imports    [][]any
	Dynamic    []string
	Defs       [][]any
	Complexity [][]any
}

// TestAgainstPython compares every file of a list with what Python's own ast
// says of it: the import sets must be equal, and so must the definitions and
// their ranges.
func TestAgainstPython(t *testing.T) {
	path := os.Getenv("KEEPGREEN_AST_TRUTH")
	if path == "" {
		t.Skip("set KEEPGREEN_AST_TRUTH to the output of bench/ast_truth.py")
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 256<<20)
	var n counts
	for lines.Scan() {
		var want truth
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		n.file(t, want)
	}
	t.Logf("%d files, %d bytes: %d with other imports, %d with other dynamic imports, %d with other definitions, %d called broken",
		n.files, n.bytes, n.imports, n.dynamic, n.defs, n.broken)
	t.Logf("%d functions that radon lists: %d with another complexity", n.functions, n.complexity)
	if n.imports+n.dynamic+n.defs+n.broken+n.complexity > 0 {
		t.Fail()
	}
}

type counts struct {
	files, bytes, imports, dynamic, defs, broken int
	functions, complexity                        int
}

func (n *counts) file(t *testing.T, want truth) {
	src, err := os.ReadFile(want.Path)
	if err != nil {
		t.Fatal(err)
	}
	got := source.Python(src)
	n.files++
	n.bytes += len(src)
	tell := func(count *int, what string, missing, extra []string) {
		if len(missing)+len(extra) == 0 {
			return
		}
		if *count++; *count <= 10 {
			t.Logf("%s: %s: missing %.300q, extra %.300q", want.Path, what, missing, extra)
		}
	}
	if got.Broken != nil {
		if n.broken++; n.broken <= 20 {
			t.Logf("%s:%d: %s", want.Path, got.Broken.Line, got.Broken.Text)
		}
	}
	imports, dynamic := importsOf(got)
	missing, extra := compare(rows(want.Imports), imports)
	tell(&n.imports, "imports", missing, extra)
	missing, extra = compare(want.Dynamic, dynamic)
	tell(&n.dynamic, "dynamic imports", missing, extra)
	var defs []string
	at := map[string]int{}
	for _, d := range got.Defs[1:] {
		defs = append(defs, fmt.Sprint([]any{d.Name, d.Line, d.Last}))
		at[fmt.Sprint(d.Line, d.Name[strings.LastIndexByte(d.Name, '.')+1:])] = d.Complexity
	}
	missing, extra = compare(rows(want.Defs), defs)
	tell(&n.defs, "definitions", missing, extra)
	missing = nil
	for _, row := range want.Complexity {
		n.functions++
		if ours := at[fmt.Sprint(row[0], row[1])]; ours != int(row[2].(float64)) {
			missing = append(missing, fmt.Sprint(row, ours))
		}
	}
	n.complexity += max(len(missing)-1, 0)
	tell(&n.complexity, "complexity", missing, nil)
}

func importsOf(facts source.Facts) (imports, dynamic []string) {
	for _, i := range facts.Imports {
		switch {
		case i.Dynamic:
			dynamic = append(dynamic, strings.Repeat(".", i.Level)+i.Module)
		case i.Star:
			imports = append(imports, fmt.Sprint([]any{i.Line, i.Level, i.Module, "*", ""}))
		case i.Names == nil:
			imports = append(imports, fmt.Sprint([]any{i.Line, i.Level, i.Module, "", i.As}))
		}
		for _, name := range i.Names {
			imports = append(imports, fmt.Sprint([]any{i.Line, i.Level, i.Module, name.Name, name.As}))
		}
	}
	return imports, dynamic
}

func rows(in [][]any) []string {
	out := make([]string, len(in))
	for i := range in {
		out[i] = fmt.Sprint(in[i])
	}
	return out
}

// compare lists what is in one and not in the other, as multisets.
func compare(want, got []string) (missing, extra []string) {
	want, got = slices.Clone(want), slices.Clone(got)
	sort.Strings(want)
	sort.Strings(got)
	for len(want) > 0 || len(got) > 0 {
		switch {
		case len(got) == 0 || len(want) > 0 && want[0] < got[0]:
			missing, want = append(missing, want[0]), want[1:]
		case len(want) == 0 || got[0] < want[0]:
			extra, got = append(extra, got[0]), got[1:]
		default:
			want, got = want[1:], got[1:]
		}
	}
	return missing, extra
}
