package render

import (
	"fmt"

	"keepgreen/internal/ci"
)

type testsPart struct {
	Rows  []testPart
	Total int
	Note  string
}

type testPart struct {
	ID, Outcome, Glyph, Class, Spent, Variant, Reason string
	Micros                                            int64
	Place                                             link
}

// testsPartOf lists the failed tests, then the others, each in order of their
// names, up to what a browser shows quickly.
func testsPartOf(v View) testsPart {
	part := testsPart{Total: len(v.Run.Tests)}
	var bad, other []ci.TestResult
	for _, t := range v.Run.Tests {
		if t.Outcome.Bad() {
			bad = append(bad, t)
			continue
		}
		other = append(other, t)
	}
	shownBad, shownOther := bad[:min(len(bad), maxPageFailed)], other[:min(len(other), maxPageTests)]
	if n := len(bad) + len(other) - len(shownBad) - len(shownOther); n > 0 {
		part.Note = fmt.Sprintf("Shown are %s failed and %s of %s other tests; %s more are left out to keep this page quick.",
			thousands(len(shownBad)), thousands(len(shownOther)), thousands(len(other)), thousands(n))
	}
	for _, t := range shownBad {
		part.Rows = append(part.Rows, testPartOf(v, t))
	}
	for _, t := range shownOther {
		part.Rows = append(part.Rows, testPartOf(v, t))
	}
	return part
}

func testPartOf(v View, t ci.TestResult) testPart {
	part := testPart{ID: string(t.ID), Outcome: t.Outcome.String(), Spent: "–", Micros: -1, Variant: t.Variant, Reason: t.Reason}
	part.Place = v.place(ci.Position{File: t.File, Line: t.Line})
	if t.Timed {
		part.Spent, part.Micros = spent(t.Duration), t.Duration.Microseconds()
	}
	switch {
	case t.Outcome.Bad():
		part.Glyph, part.Class = "✗", "bad"
	case t.Outcome.Good():
		part.Glyph, part.Class = "✓", "good"
	case t.Outcome == ci.Skipped:
		part.Glyph, part.Class = "–", "none"
	default:
		part.Glyph, part.Class = "?", "warn"
	}
	return part
}
