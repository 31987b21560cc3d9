package triage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// sharedCause is something that two groups can have in common: a key, the words
// for it, and what would split them again.
type sharedCause struct{ key, reason, splits string }

// causeMerge joins groups that share a cause.
func causeMerge(groups []*group) []*group {
	at := map[string]int{}
	parent := make([]int, len(groups))
	why := make([]sharedCause, len(groups))
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for i, g := range groups {
		parent[i] = i
		for _, s := range shared(g) {
			j, ok := at[s.key]
			if !ok {
				at[s.key] = i
				continue
			}
			a, b := find(i), find(j)
			if a != b {
				parent[max(a, b)] = min(a, b)
				why[max(a, b)] = s
			}
		}
	}
	var out []*group
	for i, g := range groups {
		root := find(i)
		if root == i {
			out = append(out, g)
			continue
		}
		s := why[i]
		groups[root].absorb(g, "cause", s.reason, s.splits)
	}
	return out
}

// shared lists what the group may have in common with others.
func shared(g *group) (out []sharedCause) {
	add := func(reason, splits string, key ...string) {
		out = append(out, sharedCause{strings.Join(key, "\x00"), reason, splits})
	}
	f, c := g.clue.f, g.cause
	if g.keys != nil {
		return g.keys // the cause has a name: only that name joins
	}
	if f.Phase == "collect" && f.Test.File() == "" && f.Test != "" {
		add("the file fails to be collected", "", "collect", string(f.Test))
	}
	assertion := c.Class == ci.ClassAssertion || c.Class == ci.ClassSnapshot || isAssertion(f.Exception)
	top := g.clue.top
	if !assertion && f.Exception != "" && top.Line > 0 && f.Rule == "" {
		add(fmt.Sprintf("%s at the same place, %s", f.Exception, top.Position), "another place or another exception",
			"frame", f.Exception, c.Symbol, top.File, strconv.Itoa(top.Line))
	}
	if f.Test != "" && top.Line > 0 {
		if fn := testFunc(f.Test); fn != f.Test || assertion {
			add("same test function and line, other parameters", "another line of the test",
				"test", string(fn), f.Exception, string(c.Class), top.File, strconv.Itoa(top.Line))
		}
	}
	return out
}

// missingIn joins the import of a name from a module that lacks it with the uses
// of that name inside the module: a module that lost an import breaks both.
func missingIn(module, symbol string) []sharedCause {
	var out []sharedCause
	for _, root := range []string{"", "src/"} {
		file := root + strings.ReplaceAll(module, ".", "/") + ".py"
		out = append(out, sharedCause{
			strings.Join([]string{"name", symbol, file}, "\x00"),
			fmt.Sprintf("the name %q is missing in %s", symbol, file), "a failure that remains once the name is defined there",
		})
	}
	return out
}

// causeKeys are the keys that a typed cause gives.
func causeKeys(c ci.Cause, f ci.Failure) []sharedCause {
	one := func(reason, splits string, key ...string) []sharedCause {
		return []sharedCause{{strings.Join(key, "\x00"), reason, splits}}
	}
	remains := func(what string) string { return "a failure that remains once " + what }
	switch c.Class {
	case ci.ClassImport:
		if c.Symbol != "" {
			keys := one(fmt.Sprintf("missing name %q of module %q", c.Symbol, c.Module), remains("the name can be imported"), "import", c.Module, c.Symbol)
			return append(keys, missingIn(c.Module, c.Symbol)...)
		}
		return one(fmt.Sprintf("missing import %q", c.Module), remains("the module can be imported"), "import", c.Module)
	case ci.ClassDependency:
		if c.Module != "" {
			return one(fmt.Sprintf("unresolved dependency %q", c.Module), remains("it resolves"), "dependency", c.Module)
		}
	case ci.ClassName:
		return one(fmt.Sprintf("undefined name %q in %s", c.Symbol, c.Pos.File), remains("the name is defined"), "name", c.Symbol, c.Pos.File)
	case ci.ClassLint, ci.ClassTyping:
		if c.Symbol != "" && undefinedName(f) {
			return one(fmt.Sprintf("undefined name %q in %s", c.Symbol, c.Pos.File), remains("the name is defined"), "name", c.Symbol, c.Pos.File)
		}
		if c.Module != "" {
			return one(fmt.Sprintf("missing import %q", c.Module), remains("the module can be imported"), "import", c.Module)
		}
	case ci.ClassAttribute:
		if c.Symbol != "" && c.Type != "" && !oneOf(c.Type, "NoneType", "undefined", "null") {
			return one(fmt.Sprintf("missing attribute %q of %q", c.Symbol, c.Type), remains("the attribute exists"), "attribute", c.Type, c.Symbol)
		}
	case ci.ClassFixture:
		if c.Symbol != "" {
			return one(fmt.Sprintf("same fixture %q", c.Symbol), remains("the fixture works"), "fixture", c.Symbol, f.Exception, c.Pos.File)
		}
	case ci.ClassSyntax:
		if c.Pos.Line > 0 {
			return one(fmt.Sprintf("syntax error at %s", c.Pos), remains("the file parses"), "syntax", c.Pos.File, strconv.Itoa(c.Pos.Line))
		}
	case ci.ClassNetwork:
		if c.Host != "" {
			return one("same host "+c.Host, "another host", "host", c.Host)
		}
	case ci.ClassFile, ci.ClassPermission:
		if c.Symbol != "" {
			return one(fmt.Sprintf("same path %q", c.Symbol), "another path", string(c.Class), Mask(c.Symbol))
		}
	case ci.ClassFormat:
		return one("same formatter "+f.Tool, "another formatter", "format", f.Tool)
	case ci.ClassMemory, ci.ClassInfra:
		return one(strings.ReplaceAll(string(c.Class), "_", " ")+" in the same job", "another job", string(c.Class), f.Job, c.Symbol)
	case ci.ClassResource:
		return one("same exhausted resource", "another resource", "resource", c.Symbol)
	case ci.ClassBuild:
		if c.Symbol != "" {
			return one(fmt.Sprintf("same undefined symbol %q", c.Symbol), remains("it compiles"), "build", c.Symbol, dirOf(c.Pos.File))
		}
		if c.Module != "" {
			return one(fmt.Sprintf("package %q does not build", c.Module), remains("it compiles"), "build", c.Module)
		}
	}
	return nil
}

func dirOf(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return ""
}

// undefinedName recognises the rules by which checkers say what NameError says.
func undefinedName(f ci.Failure) bool {
	switch f.Rule {
	case "F821", "name-defined", "undefined-variable", "E0602", "reportUndefinedVariable", "no-undef":
		return true
	}
	return false
}

const (
	coFailed      = 0.8
	maxCoFailPass = 200 // groups that are compared in pairs
)

// coFailMerge joins groups of one class whose tests have failed together before.
// Three quarters of flaky tests fail in such packs (Parry et al., arXiv 2504.16777).
func coFailMerge(groups []*group, coFail func(a, b ci.TestID) float64) []*group {
	if coFail == nil || len(groups) > maxCoFailPass {
		return groups
	}
	var out []*group
	for _, g := range groups {
		i := slices.IndexFunc(out, func(h *group) bool {
			a, b := h.clue.f, g.clue.f
			return a.Test != "" && b.Test != "" && a.Test != b.Test && a.Kind == b.Kind && h.cause.Class == g.cause.Class &&
				packs(g.cause.Class) && coFail(a.Test, b.Test) >= coFailed
		})
		if i < 0 {
			out = append(out, g)
			continue
		}
		out[i].absorb(g, "cause", fmt.Sprintf("failed together in at least %.0f %% of their failing runs", coFailed*100), "a run in which only one of them fails")
	}
	return out
}

// packs lists the classes for which failing together means one cause. A typed
// cause with different fields is a different cause, whatever history says.
func packs(c ci.Class) bool {
	switch c {
	case ci.ClassUnknown, ci.ClassException, ci.ClassTimeout, ci.ClassNetwork, ci.ClassResource, ci.ClassCrash, ci.ClassFixture:
		return true
	}
	return false
}
