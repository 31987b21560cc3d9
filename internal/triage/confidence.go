package triage

import (
	"fmt"
	"math"

	"keepgreen/internal/ci"
)

// feature is one row of the model: what is looked at, and what it is worth in
// log odds. The confidence is the logistic function of their sum: each row can
// be read, argued with, and fitted again on labelled clusters.
type feature struct {
	name   string
	doc    string
	weight float64
	value  func(c ci.Cluster) (x float64, detail string) // x in 0..1
}

// bias is the log odds of a cause about which nothing is known.
const bias = -1.6

// features is the model. The weights were set by hand from how often each sign
// misled on real failures, and are meant to be fitted with Features.
var features = []feature{
	{"typed cause", "a row of the table of causes recognised the message", 1.9, func(c ci.Cluster) (float64, string) {
		switch c.Cause.Class {
		case ci.ClassUnknown, ci.ClassExit:
			return 0, ""
		case ci.ClassException, ci.ClassValue:
			return 0.4, "the class of the exception, not more"
		case ci.ClassAssertion:
			return 0.6, "what differs, not yet why"
		}
		return 1, string(c.Cause.Class)
	}},
	{"named subject", "the cause names its symbol, module, host, rule or both sides", 1.0, func(c ci.Cluster) (float64, string) {
		k := c.Cause
		switch {
		case k.Module != "":
			return 1, k.Module
		case k.Symbol != "":
			return 1, k.Symbol
		case k.Host != "":
			return 1, k.Host
		case k.Rule != "":
			return 1, k.Rule
		case k.Expected != "" && k.Actual != "":
			return 1, "expected and actual value"
		}
		return 0, ""
	}},
	{"structured source", "the source gave exception or rule, not only text", 0.7, func(c ci.Cluster) (float64, string) {
		f := c.Members[0]
		if f.Exception != "" || f.Rule != "" {
			return 1, f.Tool
		}
		return 0, ""
	}},
	{"place in the repository", "a frame or position lies in the repository's own code", 0.8, func(c ci.Cluster) (float64, string) {
		switch c.Cause.Class {
		case ci.ClassInfra, ci.ClassMemory, ci.ClassTimeout, ci.ClassDependency, ci.ClassResource, ci.ClassNetwork:
			if c.Cause.Pos.File == "" {
				return 0.7, "the cause has no place in the code"
			}
		}
		if c.Cause.Pos.File == "" || len(c.Files) == 0 {
			return 0, ""
		}
		return 1, c.Cause.Pos.String()
	}},
	{"root of the chain", "the exception that led to the others was found", 0.3, func(c ci.Cluster) (float64, string) {
		if len(c.Members[0].Chain) == 0 {
			return 0, ""
		}
		return 1, c.Members[0].Chain[0].Exception
	}},
	{"members agree", "several failures say the same", 0.4, func(c ci.Cluster) (float64, string) {
		n := len(c.Members)
		if n < 2 {
			return 0, ""
		}
		return 1 - 1/float64(n), fmt.Sprintf("%d failures", n)
	}},
	{"message cut", "the source shortened the message", -0.9, func(c ci.Cluster) (float64, string) {
		if !c.Members[0].Cut {
			return 0, ""
		}
		return 1, "the message ends early"
	}},
	{"joined by likeness", "members were joined by likeness or history, not by equality", -0.4, func(c ci.Cluster) (float64, string) {
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
		return float64(near) / float64(max(all, near, 1)), fmt.Sprintf("%d of %d failures", near, len(c.Members))
	}},
	{"known flaky", "the tests are known to flake: the message may not be the reason", -0.8, func(c ci.Cluster) (float64, string) {
		if c.Whose != ci.WhoseFlaky {
			return 0, ""
		}
		return 1, "pass and fail on the same code"
	}},
	{"tied to the change", "the failing place or the missing module is part of the change", 0.5, func(c ci.Cluster) (float64, string) {
		for _, e := range c.Evidence {
			if e.What == "touched by the change" {
				return 1, e.Detail
			}
		}
		return 0, ""
	}},
}

// FeatureNames names the columns of Features.
func FeatureNames() []string {
	out := make([]string, len(features))
	for i, f := range features {
		out[i] = f.name
	}
	return out
}

// Features are the values of the model's features for a cluster, each in 0..1:
// what a calibration on labelled clusters is fitted to.
func Features(c ci.Cluster) []float64 {
	out := make([]float64, len(features))
	if len(c.Members) == 0 {
		return out
	}
	for i, f := range features {
		out[i], _ = f.value(c)
	}
	return out
}

// confidence is the model's answer and what moved it, added to the evidence
// that the cluster already has.
func confidence(c ci.Cluster, g *group) ([]ci.Evidence, float64) {
	evidence := c.Evidence
	sum := bias
	for _, f := range features {
		x, detail := f.value(c)
		if x == 0 {
			continue
		}
		w := math.Round(100*x*f.weight) / 100
		sum += w
		if f.name == "typed cause" && g.matched != "" {
			detail += " (rule " + g.matched + ")"
		}
		evidence = append(evidence, ci.Evidence{What: f.name, Detail: detail, Weight: w})
	}
	return evidence, math.Round(1000/(1+math.Exp(-sum))) / 1000
}
