package gotest

import (
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// flush turns a package that has ended into results and failures.
func (g *goReader) flush(p *goPackage) { g.flushCause(p, "") }

func (g *goReader) flushCause(p *goPackage, cause string) {
	if p.flushed {
		return
	}
	p.flushed = true
	if !p.built {
		g.build.unbuilt = append(g.build.unbuilt, goUnbuilt{p.name, cause, p.reason, p.first})
	}
	crash := g.settle(p)
	failed := g.emit(p)
	if crash || p.failed && p.built && !failed {
		g.rep.Failures = append(g.rep.Failures, g.packageFailure(p))
	}
	if p.cutOff && len(p.tests) > 0 {
		g.rep.Warnings = append(g.rep.Warnings, ci.Warning{Line: p.first, Text: "the output of package " + format.OrUnknown(p.name) + " ends before its verdict"})
	}
}

// settle decides about the tests that never ended, which is what a crash
// leaves behind (golang/go#38382), and reports whether there was a crash that
// belongs to no test.
func (g *goReader) settle(p *goPackage) (crash bool) {
	var open []*goTest
	for _, t := range p.tests {
		switch {
		case t.outcome != ci.Unknown:
		case !p.failed && !p.cutOff:
			t.outcome = ci.Passed // the package said ok: so did each of its tests
		case t.out != nil && hasCrash(t.out.String()) && g.owns(p, t):
			t.outcome = ci.Failed
		default:
			open = append(open, t)
		}
	}
	text := p.out.String()
	if hasCrash(text) && (p.failed || p.cutOff) {
		return !g.blame(p, text)
	}
	if !p.failed || len(open) == 0 {
		return false
	}
	for _, t := range p.tests {
		if t.outcome == ci.Failed {
			return false
		}
	}
	// The process ended under a test that was running: os.Exit, log.Fatal, a kill.
	if leaves := leavesOf(open); len(leaves) == 1 {
		leaves[0].outcome = ci.Failed
		if leaves[0].out == nil {
			leaves[0].out = format.NewOutput()
		}
		leaves[0].out.Write([]byte(text))
	}
	return false
}

// owns moves a crash that was printed under a test to the one that its stack
// names, if that one is another and never ended.
func (g *goReader) owns(p *goPackage, t *goTest) bool {
	text := t.out.String()
	names := crashTests(p.name, text)
	if len(names) == 0 {
		return true
	}
	for _, name := range names {
		if name == topLevel(t.name) || name == t.name {
			return true
		}
	}
	for _, name := range names {
		if other := p.latest[name]; other != nil && other.outcome == ci.Unknown {
			g.output(p, other, t.line, []byte(text))
			other.outcome = ci.Failed
			return false
		}
	}
	return true
}

// blame gives a crash to the tests that its text names; false: it names none
// that could have failed.
func (g *goReader) blame(p *goPackage, text string) bool {
	blamed := false
	for _, name := range crashTests(p.name, text) {
		t := g.test(p, name, p.first)
		if t.outcome == ci.Passed || t.outcome == ci.Skipped {
			continue
		}
		for _, sub := range p.tests { // the running subtest, rather than its parent
			if sub.outcome == ci.Unknown && strings.HasPrefix(sub.name, name+"/") {
				t = sub
			}
		}
		t.outcome = ci.Failed
		if t.out == nil {
			t.out = format.NewOutput()
		}
		if !hasCrash(t.out.String()) {
			t.out.Write([]byte(text))
		}
		blamed = true
	}
	return blamed
}

// leavesOf drops the tests that other tests of the list are subtests of.
func leavesOf(tests []*goTest) []*goTest {
	parents := map[string]bool{}
	for _, t := range tests {
		eachParent(t.name, func(parent string) { parents[parent] = true })
	}
	var out []*goTest
	for _, t := range tests {
		if !parents[t.name] {
			out = append(out, t)
		}
	}
	return out
}

func eachParent(name string, visit func(string)) {
	for i := format.LastSlash(name); i > 0; i = format.LastSlash(name[:i]) {
		visit(name[:i])
	}
}

// emit adds the results of a package and reports whether a test failed. A test
// that failed only because a subtest did is not a failure of its own, and says
// nothing about its own code: it has no result.
func (g *goReader) emit(p *goPackage) (failed bool) {
	through := map[string]bool{}
	for _, t := range p.tests {
		if t.outcome == ci.Failed {
			failed = true
			eachParent(t.name, func(parent string) { through[parent] = true })
		}
	}
	for _, t := range p.tests {
		r := ci.TestResult{ID: goID(p.name, t.name), Framework: "go", Outcome: t.outcome, Duration: t.elapsed, Timed: t.timed}
		switch t.outcome {
		case ci.Failed:
			f, own := g.failure(p.name, t.name, t.out.String())
			if through[t.name] && !own {
				continue
			}
			f.Test, f.Log = r.ID, ci.Position{Line: t.line}
			r.Failure, r.Output = &f, f.Details
			if strings.HasSuffix(f.Pos.File, "_test.go") {
				r.File = f.Pos.File
			}
		case ci.Skipped:
			r.Reason = skipReason(t.out.String())
		default:
		}
		g.attempts[r.ID]++
		r.Attempt = g.attempts[r.ID]
		g.rep.Tests = append(g.rep.Tests, r)
	}
	return failed
}

// goID is "package.TestName/sub", or the name alone where a log does not say
// which package it is about.
func goID(pkg, name string) ci.TestID {
	if pkg == "" {
		return ci.TestID(name)
	}
	return ci.TestID(pkg + "." + name)
}

// packageFailure is the failure of a package that no test explains: TestMain
// said no, the process was killed, a goroutine crashed after its test.
func (g *goReader) packageFailure(p *goPackage) ci.Failure {
	f, _ := g.failure(p.name, "", p.out.String())
	f.Kind, f.Log = ci.KindError, ci.Position{Line: p.first}
	if p.name != "" {
		f.Test = ci.TestID(p.name)
	}
	if f.Message == "" {
		f.Message = "the tests of " + format.OrUnknown(p.name) + " failed, and none of them says why"
	}
	return f
}
