package triage

import (
	"fmt"
	"math"
	"path"
	"strings"

	"keepgreen/internal/ci"
)

// feature is one row of the model: a sign that a cause is right or wrong, and
// how strongly a cluster shows it, in 0..1. The confidence is the logistic
// function of the weighted sum, so that each row can be read and argued with.
// The weights stand in weights.go; they are fitted, not chosen.
type feature struct {
	name  string
	doc   string
	value func(c seen) (x float64, detail string)
}

// features is the model. A new row needs the table of labelled clusters to be
// made again, and the weights fitted to it ("make calibrate").
var features = []feature{
	{"typed cause", "a row of the table of causes recognised the message", typedCause},
	{"what differs", "an assertion: it says what differs, not yet why", func(c seen) (float64, string) {
		return is1(difference(c.Cause.Class), "two values that should agree")
	}},
	{"exception only", "no more is known than the class of the exception", func(c seen) (float64, string) {
		return is1(c.Cause.Class == ci.ClassException || c.Cause.Class == ci.ClassValue, c.Members[0].Exception)
	}},
	{"named subject", "the cause names its symbol, module, host or rule", namedSubject},
	{"structured source", "the source gave exception or rule, not only text", func(c seen) (float64, string) {
		f := c.Members[0]
		return is1(f.Exception != "" || f.Rule != "", f.Tool)
	}},
	{"place in the code", "the cause has a place in the repository that is no test's", func(c seen) (float64, string) {
		return is1(ownPlace(c) && !testFile(c.Cause.Pos.File), c.Cause.Pos.String())
	}},
	{"place in a test", "the cause has its place in a test", func(c seen) (float64, string) {
		return is1(ownPlace(c) && testFile(c.Cause.Pos.File), c.Cause.Pos.String())
	}},
	{"outside of the code", "the machine, the network or a package broke, and no place in the code is needed", func(c seen) (float64, string) {
		return is1(outside(c.Cause.Class) && !ownPlace(c), string(c.Cause.Class))
	}},
	{"root of the chain", "the exception that led to the others was found", func(c seen) (float64, string) {
		if len(c.Members[0].Chain) == 0 {
			return 0, ""
		}
		return 1, c.Members[0].Chain[0].Exception
	}},
	{"members agree", "several failures say the same", func(c seen) (float64, string) {
		return more(len(c.Members)), fmt.Sprintf("%d failures", len(c.Members))
	}},
	{"message cut", "the source shortened the message", func(c seen) (float64, string) {
		return is1(c.Members[0].Cut, "the message ends early")
	}},
	{"joined by likeness", "members were joined by likeness or history, not by equality", joinedByLikeness},
	{"known flaky", "the tests are known to flake: the message may not be the reason", func(c seen) (float64, string) {
		return is1(c.Whose == ci.WhoseFlaky, "pass and fail on the same code")
	}},
	{"tied to the change", "the failing place or the missing module is part of the change", func(c seen) (float64, string) {
		return evident(c, "touched by the change")
	}},
	{"broken since main", "the tests passed on main, so something that is new here broke them", func(c seen) (float64, string) {
		return evident(c, "passed on main")
	}},
	{"found in text", "a line of a log without structure, not what a tool reported", func(c seen) (float64, string) {
		return is1(c.Members[0].Signal > 0, "a line of the log")
	}},
	{"telling line", "how telling that kind of line is", func(c seen) (float64, string) {
		return c.Members[0].Signal, "by the table of such lines"
	}},
	{"new in the log", "a green run of the same job never printed such a line", func(c seen) (float64, string) {
		return is1(c.Members[0].Novel, "compared with a green run")
	}},
	{"other causes", "as many others were found beside it", func(c seen) (float64, string) {
		return more(c.clusters), fmt.Sprintf("%d causes in all", c.clusters)
	}},
}

// seen is a cluster among others of its run.
type seen struct {
	ci.Cluster
	clusters int // in all
}

// evident is 1 if whose, which looked at history and diff, has noted such evidence.
func evident(c seen, what string) (float64, string) {
	for _, e := range c.Evidence {
		if e.What == what {
			return 1, e.Detail
		}
	}
	return 0, ""
}

func is1(yes bool, detail string) (float64, string) {
	if !yes {
		return 0, ""
	}
	return 1, detail
}

// more is 0 for one, and comes near 1 for many.
func more(n int) float64 {
	if n < 2 {
		return 0
	}
	return 1 - 1/float64(n)
}

func typedCause(c seen) (float64, string) {
	switch class := c.Cause.Class; class {
	case ci.ClassUnknown, ci.ClassExit, ci.ClassException, ci.ClassValue, ci.ClassAssertion, ci.ClassSnapshot:
		return 0, ""
	default:
		return 1, string(class)
	}
}

func difference(class ci.Class) bool { return class == ci.ClassAssertion || class == ci.ClassSnapshot }

func namedSubject(c seen) (float64, string) {
	k := c.Cause
	for _, name := range []string{k.Module, k.Symbol, k.Host, k.Rule} {
		if name != "" {
			return 1, name
		}
	}
	return 0, ""
}

func ownPlace(c seen) bool { return c.Cause.Pos.File != "" && len(c.Files) > 0 }

func outside(class ci.Class) bool {
	switch class {
	case ci.ClassInfra, ci.ClassMemory, ci.ClassTimeout, ci.ClassDependency, ci.ClassResource, ci.ClassNetwork:
		return true
	}
	return false
}

// testFile recognises the files of tests by how Python, Go and JavaScript name them.
func testFile(name string) bool {
	base := path.Base(name)
	stem := strings.TrimSuffix(base, path.Ext(base))
	switch {
	case strings.HasPrefix(base, "test_"), base == "conftest.py":
		return true
	case strings.HasSuffix(stem, "_test"), strings.HasSuffix(stem, ".test"), strings.HasSuffix(stem, ".spec"):
		return true
	}
	return strings.HasPrefix(name, "tests/") || strings.Contains(name, "/tests/")
}

func joinedByLikeness(c seen) (float64, string) {
	near, all := 0, 0
	for _, j := range c.Joined {
		all += j.Count
		if j.Step == "near" {
			near += j.Count
		}
	}
	if near == 0 {
		return 0, ""
	}
	return float64(near) / float64(max(all, 1)), fmt.Sprintf("%d of %d failures", near, len(c.Members))
}

// FeatureNames names the columns of Features.
func FeatureNames() []string {
	out := make([]string, len(features))
	for i, f := range features {
		out[i] = f.name
	}
	return out
}

// Feature is a row of the model of confidence as docs/ shows it.
type Feature struct {
	Name, Doc string
	Weight    float64 // in log odds
}

// Confidence is the model: the log odds of a cause of which nothing is known, and
// what each sign adds to them.
func Confidence() (bias float64, rows []Feature) {
	for i, f := range features {
		rows = append(rows, Feature{f.name, f.doc, weights[i]})
	}
	return weightBias, rows
}

// Features are the values of the model's features, each in 0..1, for a cluster of
// a run that has so many: what the weights are fitted to.
func Features(c ci.Cluster, clusters int) []float64 {
	out := make([]float64, len(features))
	if len(c.Members) == 0 {
		return out
	}
	for i, f := range features {
		out[i], _ = f.value(seen{c, clusters})
	}
	return out
}

// Probability is the model's answer to the values of its features.
func Probability(x []float64) float64 {
	sum := weightBias
	for i, v := range x {
		sum += v * weights[i]
	}
	return 1 / (1 + math.Exp(-sum))
}

// confidence is the model's answer and what moved it, added to the evidence
// that the cluster already has.
func confidence(c seen, matched string) ([]ci.Evidence, float64) {
	x := make([]float64, len(features))
	evidence := c.Evidence
	for i, f := range features {
		value, detail := f.value(c)
		if x[i] = value; value == 0 {
			continue
		}
		if f.name == "typed cause" && matched != "" {
			detail += " (rule " + matched + ")"
		}
		evidence = append(evidence, ci.Evidence{What: f.name, Detail: detail, Weight: math.Round(100*value*weights[i]) / 100})
	}
	return evidence, math.Round(1000*Probability(x)) / 1000
}
