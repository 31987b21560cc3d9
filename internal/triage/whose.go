package triage

import (
	"fmt"
	"path"
	"strings"

	"keepgreen/internal/ci"
)

// whose answers "is it mine?" for a cluster, and adds what the answer rests on.
// Order of trust: the machine's faults are nobody's; a failure that main has,
// too, is main's; a test that flakes, flakes; what passed on main or touches the
// change is the change's own; without any of these nobody can tell.
func whose(c *ci.Cluster, g *group, opt Options) {
	tests := clusterTests(*c)
	say := func(what, detail string) {
		c.Evidence = append(c.Evidence, ci.Evidence{What: what, Detail: detail})
	}
	touched, touches := changed(*c, opt)
	switch class := c.Cause.Class; {
	case class == ci.ClassInfra || c.Kind == ci.KindInfra:
		c.Whose = ci.WhoseInfra
		say("infrastructure", "the cause lies outside of the code: "+string(class))
		return
	case (c.Cause.Host != "" && !local(c.Cause.Host) || class == ci.ClassResource && c.Cause.Symbol == "disk") && !touches:
		c.Whose = ci.WhoseInfra
		say("infrastructure", "the cause lies outside of the code: "+string(class))
		return
	}
	if since, n := onMain(g, tests, opt); n > 0 && n >= (len(tests)+1)/2 {
		c.Whose, c.Since = ci.WhoseMain, since
		say("fails on main", fmt.Sprintf("%s on main fail the same way since %s", some(n, len(tests)), or(since, "an earlier run")))
		return
	}
	if n := flakyTests(tests, opt); n > 0 && n == len(tests) {
		if touches {
			say("flaky, but touched", "the tests are known to flake, but the change touches "+touched)
		} else {
			c.Whose = ci.WhoseFlaky
			say("known flaky", fmt.Sprintf("%s known to pass and fail on the same code", some(n, len(tests))))
			return
		}
	}
	if touches {
		c.Whose = ci.WhoseNew
		say("touched by the change", touched)
	}
	if run, n := passedOnMain(tests, opt); n > 0 {
		c.Whose = ci.WhoseNew
		say("passed on main", fmt.Sprintf("%s passed on main in %s", some(n, len(tests)), or(run, "an earlier run")))
	}
	if c.Whose == "" {
		c.Whose = ci.WhoseUnknown
		say("no history", "neither main's history nor the diff says anything about it")
		if opt.Covers != nil && opt.Change != nil && len(tests) > 0 && !touches {
			say("not reached", "by the coverage of each test, nothing that the change touches runs in it")
		}
	}
}

func some(n, of int) string {
	if of <= 1 {
		return "the failure"
	}
	return fmt.Sprintf("%d of %d tests", n, of)
}

// maxAsked bounds the questions to the history for one cluster.
const maxAsked = 500

func clusterTests(c ci.Cluster) []ci.TestID {
	var out []ci.TestID
	seen := map[ci.TestID]bool{}
	for _, f := range c.Members {
		if f.Test != "" && !seen[f.Test] && len(out) < maxAsked {
			seen[f.Test] = true
			out = append(out, f.Test)
		}
	}
	return out
}

// onMain counts the tests that main fails, too, and finds the earliest run.
func onMain(g *group, tests []ci.TestID, opt Options) (since string, n int) {
	if opt.FailingOnMain == nil {
		return "", 0
	}
	ask := tests
	if len(ask) == 0 {
		ask = []ci.TestID{""}
	}
	for _, t := range ask {
		for i, p := range g.prints {
			if i == 8 {
				break
			}
			if s, ok := opt.FailingOnMain(p.id, t); ok {
				n++
				if since == "" {
					since = s
				}
				break
			}
		}
	}
	return since, n
}

func flakyTests(tests []ci.TestID, opt Options) int {
	if opt.Flaky == nil {
		return 0
	}
	n := 0
	for _, t := range tests {
		if opt.Flaky(t) {
			n++
		}
	}
	return n
}

func passedOnMain(tests []ci.TestID, opt Options) (run string, n int) {
	if opt.PassedOnMain == nil {
		return "", 0
	}
	for _, t := range tests {
		if r, ok := opt.PassedOnMain(t); ok {
			n++
			if run == "" {
				run = r
			}
		}
	}
	return run, n
}

// changed finds what ties the cluster to the diff: a frame on an added line, a
// frame in a changed file, a module that the change deleted or renamed, or a
// changed file that the tests execute.
func changed(c ci.Cluster, opt Options) (detail string, ok bool) {
	if opt.Change == nil {
		return "", false
	}
	best := 0
	note := func(strength int, text string) {
		if strength > best {
			best, detail = strength, text
		}
	}
	for _, f := range c.Members[:min(len(c.Members), 50)] {
		for _, p := range places(f, c.Cause) {
			file, ok := opt.changed[p.File]
			switch {
			case !ok:
			case within(file.Added, p.Line):
				note(4, fmt.Sprintf("%s:%d is a line of the change", p.File, p.Line))
			default:
				note(2, fmt.Sprintf("%s is in the stack and in the change", p.File))
			}
		}
	}
	if c.Cause.Class == ci.ClassImport && c.Cause.Module != "" {
		for _, file := range opt.Change.Files {
			if gone := goneModule(file, c.Cause); gone != "" {
				note(3, gone)
			}
		}
	}
	if best == 0 && opt.Covers != nil {
		if t, file := covering(c, opt); file != "" {
			note(1, fmt.Sprintf("%s runs lines of %s that the change touches", t, file))
		}
	}
	return detail, best > 0
}

// covering finds a test of the cluster that executes a changed file.
func covering(c ci.Cluster, opt Options) (ci.TestID, string) {
	tests := clusterTests(c)
	for _, t := range tests[:min(len(tests), 20)] {
		for _, file := range opt.Change.Files {
			if opt.Covers(t, file) {
				return t, file.Path
			}
		}
	}
	return "", ""
}

// byPath indexes the files of a change.
func byPath(change *ci.Change) map[string]ci.FileChange {
	if change == nil {
		return nil
	}
	out := make(map[string]ci.FileChange, len(change.Files))
	for _, f := range change.Files {
		out[f.Path] = f
	}
	return out
}

func places(f ci.Failure, cause ci.Cause) []ci.Position {
	out := make([]ci.Position, 0, len(f.Frames)+2)
	out = append(out, f.Pos, cause.Pos)
	for _, fr := range f.Frames {
		out = append(out, fr.Position)
	}
	return out
}

func within(ranges []ci.LineRange, line int) bool {
	for _, r := range ranges {
		if r.Contains(line) {
			return true
		}
	}
	return false
}

// goneModule says that the change removed, moved or edited the module that an
// import misses.
func goneModule(file ci.FileChange, cause ci.Cause) string {
	tail := strings.ReplaceAll(cause.Module, ".", "/")
	named := func(name string) bool {
		stem := strings.TrimSuffix(name, path.Ext(name))
		return stem != "" && (stem == tail || strings.HasSuffix(stem, "/"+tail) || strings.HasSuffix(stem, tail+"/__init__"))
	}
	switch {
	case file.Status == "D" && named(file.Path):
		return "the change deletes " + file.Path
	case file.OldPath != "" && named(file.OldPath):
		return "the change moves " + file.OldPath + " to " + file.Path
	case named(file.Path):
		return "the change edits " + file.Path
	}
	return ""
}
