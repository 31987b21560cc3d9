package triage

import (
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// logID names the log that a failure was read from.
type logID struct{ job, file string }

// consequences joins lines of a log that explain nothing by themselves to the
// one thing that the machine is known to have done to the same log: after a full
// disk, "Error creating output directory" is no cause of its own.
func consequences(groups []*group) []*group {
	machine := map[logID]*group{}
	for _, g := range groups {
		if !byMachine(g.cause) {
			continue
		}
		for _, f := range g.members {
			at := logID{f.Job, f.Log.File}
			if other, taken := machine[at]; taken && other != g {
				machine[at] = nil // two of them: nobody knows which
				continue
			}
			machine[at] = g
		}
	}
	if len(machine) == 0 {
		return groups
	}
	out := groups[:0:0]
	for _, g := range groups {
		cause := machine[logID{g.clue.f.Job, g.clue.f.Log.File}]
		elsewhere := func(f ci.Failure) bool { return machine[logID{f.Job, f.Log.File}] != cause }
		if cause == nil || cause == g || !saysLittle(g) || slices.ContainsFunc(g.members, elsewhere) {
			out = append(out, g)
			continue
		}
		cause.absorb(g, "cause", fmt.Sprintf("in the same log: %s", strings.ReplaceAll(string(cause.cause.Class), "_", " ")), "a failure that remains once the machine is well")
	}
	return out
}

// byMachine lists the causes that break whatever runs after them.
func byMachine(c ci.Cause) bool {
	switch c.Class {
	case ci.ClassMemory, ci.ClassInfra:
		return true
	case ci.ClassResource:
		return c.Symbol == "disk"
	}
	return false
}

// saysLittle recognises what was read from the text of a log and has neither test,
// place, exception nor a row of its own.
func saysLittle(g *group) bool {
	f := g.clue.f
	if f.Test != "" || f.Exception != "" || f.Rule != "" || f.Pos.File != "" || f.Kind == ci.KindInfra || f.Log.Line == 0 {
		return false
	}
	return g.matched == "" || g.matched == "build" || g.matched == "exit"
}
