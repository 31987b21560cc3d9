package heal

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Facts are what was seen when a patch was tried.
type Facts struct {
	Reproduced bool     // the failure was there without the patch
	Applies    bool     // and the patch fits
	Broken     []string // rules that it breaks
	Passes     int      // of the target, in a row
	Reruns     int      // that were asked for
	Before     []string // what fails without the patch, if only now and then
	After      []string // what fails with it
	Flaky      []string // of Before: passed at first, and failed when it was run again
	Restored   bool     // passes too with every test and configuration file restored
	Sure       bool     // its fixer knew one way only
	Tests      int      // that the affected suite ran
	Unsettled  []string // tests that fail with it, where a linter's word is what it mends
	Own        float64  // a model's own number; 0: no model
}

// Verdict is what the facts come to.
type Verdict struct {
	Verified   bool
	Confidence float64
	N          int // outcomes of earlier repairs of the kind that it rests on
	Draft      bool
	Because    []string
}

// modelRate is what a model's patch that passes the tests is worth before there
// are outcomes: of Google's machine-reported repairs that passed, 43 % were the
// right ones (Passerine, arXiv 2501.07531, 73 % plausible and 43 % equivalent of
// all: 59 % of the plausible).
var modelRate = Rate{Right: 59, Wrong: 41}

// Judge computes the confidence of a verified patch: how often repairs of the kind
// were right, by the fixer's own record and by what people did with earlier ones.
// Any hard fact that is missing makes it 0.
func Judge(f Facts, kind string, history Rate) Verdict {
	v := Verdict{N: history.Right + history.Wrong}
	no := func(format string, args ...any) { v.Because = append(v.Because, fmt.Sprintf(format, args...)) }
	if len(f.Broken) > 0 {
		for _, rule := range f.Broken {
			no("%s", rule)
		}
		return v
	}
	if !f.Applies {
		no("the patch does not apply")
		return v
	}
	if !f.Reproduced {
		no("the failure does not happen here without the patch, so nothing shows that the patch mends it")
		return v
	}
	if f.Passes < max(f.Reruns, 1) {
		no("what failed passes in %d of %d runs", f.Passes, f.Reruns)
		return v
	}
	if worse := without(f.After, f.Before); len(worse) > 0 {
		no("%d more fail with the patch, first %s", len(worse), worse[0])
		return v
	}
	if len(f.After) >= len(f.Before) {
		no("no fewer fail with the patch")
		return v
	}
	if len(f.Unsettled) > 0 {
		no("tests fail with the patch too, first %s: what the linter says may be a symptom", f.Unsettled[0])
		return v
	}
	if !f.Restored {
		no("it passes only with test or configuration files that are not those of the repository")
		return v
	}
	v.Verified = true
	no("it fails without the patch, and passes in %d of %d runs with it", f.Passes, f.Reruns)
	no("%d failed before, %d fail after, none of them new", len(f.Before)-len(f.Flaky), len(f.After)-len(f.Flaky))
	if len(f.Flaky) > 0 {
		no("%s fails with the patch, and now and then without it", strings.Join(f.Flaky, ", "))
	}
	no("it passes with every test and configuration file restored from the base")
	rate := history
	fixer := recordOf(kind)
	if !f.Sure {
		fixer = Rate{Right: (fixer.Right + 1) / 2, Wrong: fixer.Wrong + (fixer.Right+1)/2}
	}
	rate.Right += fixer.Right
	rate.Wrong += fixer.Wrong
	v.Confidence = rate.pooled()
	if kind == "model" {
		v.Confidence = rate.mean()
	}
	no("%d of %d such repairs were right on seeded breakages, and %d of %d were merged unchanged here", fixer.Right, fixer.Right+fixer.Wrong, history.Right, v.N)
	if kind == "model" && f.Own > 0 {
		v.Confidence = logistic(logit(v.Confidence) + 0.2*(min(f.Own, 1)-0.5))
		no("the model's own number, %.2f, moves that by a tenth of a logit at most", min(f.Own, 1))
	}
	v.Draft = kind == "model" && v.N < 5
	return v
}

// recordOf is what is known of a kind of repair beside its history here.
func recordOf(kind string) Rate {
	for _, f := range Fixers() {
		if f.Name == kind {
			return f.Rate
		}
	}
	return modelRate
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

func logit(p float64) float64    { return math.Log(p / (1 - p)) }
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Header is what stands before a patch, so that a file says by itself what it is;
// git apply passes over it.
type Header struct {
	ID, Cluster, Kind, Description string
	Sure                           bool
	Own                            float64 // a model's own number; 0: no model
}

// Patch is the file: a header and a unified diff.
func (h Header) Patch(diff string) string {
	line := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	own := ""
	if h.Own > 0 {
		own = fmt.Sprintf("Keepgreen-Own: %g\n", h.Own)
	}
	return fmt.Sprintf("Keepgreen-Fix: %s\nKeepgreen-Cluster: %s\nKeepgreen-Kind: %s\nKeepgreen-Sure: %t\n%sSubject: %s\n\n%s",
		line(h.ID), line(h.Cluster), line(h.Kind), h.Sure, own, line(h.Description), diff)
}

// ParseHeader reads it back. A patch of somebody else has none, and is of no kind
// that a fixer has.
func ParseHeader(patch string) Header {
	h := Header{Kind: "other"}
	head, _, _ := strings.Cut(patch, "\n\n")
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "Keepgreen-Fix":
			h.ID = value
		case "Keepgreen-Cluster":
			h.Cluster = value
		case "Keepgreen-Kind":
			h.Kind = value
		case "Keepgreen-Sure":
			h.Sure = value == "true"
		case "Keepgreen-Own":
			if own, err := strconv.ParseFloat(value, 64); err == nil {
				h.Own = own
			}
		case "Subject":
			h.Description = value
		}
	}
	return h
}
