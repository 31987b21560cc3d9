package render

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// The drawings are boxes and lines whose places are worked out here, in
// percent of their frame, so that they grow and shrink with the page while the
// words beside them stay words.

type coverPart struct {
	Pct, Counts, Baseline, From, Delta, DeltaClass string
	Value, Mark                                    float64
	HasMark                                        bool
	Files                                          []coverFilePart
	More                                           int
}

type coverFilePart struct {
	File                              link
	Pct, Delta, DeltaClass            string
	Value                             float64
	Covered, Total, Last, MissedCount int
	Missing                           string
	Strip                             []segment
}

// segment is a box on a line, in percent.
type segment struct{ X, W float64 }

func coverPartOf(v View) *coverPart {
	pct, ok := v.Run.Coverage.Percent()
	if !ok {
		return nil
	}
	covered, total, cb, tb := v.Run.Coverage.Counts()
	part := &coverPart{Pct: percent(pct), Value: share(pct), Counts: thousands(covered) + " of " + plural(total, "statement")}
	if tb > 0 {
		part.Counts += ", " + thousands(cb) + " of " + plural(tb, "branch")
	}
	if v.Baseline.Known {
		part.Baseline, part.From, part.Mark, part.HasMark = percent(v.Baseline.Pct), v.Baseline.From, share(v.Baseline.Pct), true
		part.Delta, part.DeltaClass = points(pct-v.Baseline.Pct), deltaClass(pct-v.Baseline.Pct)
	}
	files := v.coverFiles()
	for _, f := range files[:min(len(files), maxPageRows)] {
		part.Files = append(part.Files, coverFilePartOf(v, f))
	}
	part.More = len(files) - len(part.Files)
	return part
}

func coverFilePartOf(v View, f fileCover) coverFilePart {
	one := coverFilePart{
		File: v.place(ci.Position{File: f.File}), Pct: percent(f.Pct), Value: share(f.Pct), Covered: f.Covered, Total: f.Total,
		MissedCount: f.Total - f.Covered, Missing: ranges(f.Missing, 60),
	}
	if f.HasDelta && math.Abs(f.Delta) >= 0.05 {
		one.Delta, one.DeltaClass = points(f.Delta), deltaClass(f.Delta)
	}
	for line := range v.Run.Coverage.Files[f.File].Lines {
		one.Last = max(one.Last, line)
	}
	for i, r := range f.Missing {
		if i == 200 { // a strip has no more pixels than this to say it in
			break
		}
		one.Strip = append(one.Strip, segment{
			share(100 * float64(r.First-1) / float64(max(one.Last, 1))),
			math.Max(share(100*float64(r.Last-r.First+1)/float64(max(one.Last, 1))), 0.4),
		})
	}
	return one
}

func deltaClass(d float64) string {
	switch {
	case d <= -0.05:
		return "bad"
	case d >= 0.05:
		return "good"
	}
	return "none"
}

// share brings a percentage into 0..100 and to two decimals, as a coordinate.
func share(p float64) float64 {
	if math.IsNaN(p) {
		return 0
	}
	return math.Round(min(max(p, 0), 100)*100) / 100
}

type timesPart struct {
	Bins                []binPart
	Median, P95, Sum, N string
}

type binPart struct {
	Label     string
	Count     int
	Y, Height float64
}

// binEdges are the upper ends of the histogram's columns: a third of a decade
// each, because durations of tests spread over five of them.
var binEdges = []time.Duration{
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond,
	300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, math.MaxInt64,
}

var binLabels = []string{"<1ms", "<3ms", "<10ms", "<30ms", "<0.1s", "<0.3s", "<1s", "<3s", "<10s", "<30s", "≥30s"}

type slowPart struct {
	ID, Spent string
	Value     float64
	Class     string
}

func (doc *pageDoc) times(v View) {
	timed := ci.SlowestTests(v.Run.Tests, len(v.Run.Tests))
	if len(timed) == 0 {
		return
	}
	for _, t := range timed[:min(len(timed), 10)] {
		class := ""
		if t.Outcome.Bad() {
			class = "bad"
		}
		doc.Slow = append(doc.Slow, slowPart{string(t.ID), spent(t.Duration), share(100 * float64(t.Duration) / float64(max(timed[0].Duration, 1))), class})
	}
	counts := make([]int, len(binEdges))
	var sum time.Duration
	for _, t := range timed {
		sum += t.Duration
		for i, edge := range binEdges {
			if t.Duration < edge || i == len(binEdges)-1 {
				counts[i]++
				break
			}
		}
	}
	doc.Times = &timesPart{
		Bins: bins(counts), N: plural(len(timed), "timed test"), Sum: spent(sum),
		Median: spent(timed[(len(timed)-1)/2].Duration),
	}
	if len(timed) >= 20 { // of fewer, one in twenty is no test
		doc.Times.P95 = spent(timed[len(timed)/20].Duration)
	}
}

// bins draws the columns that are between the first and the last filled one.
func bins(counts []int) []binPart {
	first, last, most := -1, 0, 1
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		last, most = i, max(most, n)
	}
	var out []binPart
	for i := max(first, 0); i <= last; i++ {
		height := 100 * float64(counts[i]) / float64(most)
		if counts[i] > 0 {
			height = max(height, 1.5)
		}
		out = append(out, binPart{binLabels[i], counts[i], share(100 - height), share(height)})
	}
	return out
}

type jobPart struct {
	Name, Tool, Status, Glyph, Class, Spent, Detail, Command string
	X, W                                                     float64
	Drawn                                                    bool
}

func (doc *pageDoc) jobs(v View) {
	var from, to time.Time
	for _, j := range v.Run.Jobs {
		if j.Started.IsZero() {
			continue
		}
		if from.IsZero() || j.Started.Before(from) {
			from = j.Started
		}
		if end := j.Started.Add(j.Duration); end.After(to) {
			to = end
		}
	}
	whole := float64(max(to.Sub(from), 1))
	for _, j := range v.Run.Jobs {
		part := jobPart{
			Name: j.Name, Tool: strings.TrimSpace(j.Tool + " " + j.Version), Status: string(j.Status), Glyph: jobGlyph(j.Status),
			Class: jobClass(j.Status), Spent: spent(j.Duration), Detail: j.Detail, Command: strings.Join(j.Command, " "),
		}
		if j.Status == ci.JobSkipped {
			part.Spent = "–"
		} else if !j.Started.IsZero() {
			part.Drawn = true
			part.X = share(100 * float64(j.Started.Sub(from)) / whole)
			part.W = min(max(share(100*float64(j.Duration)/whole), 0.7), 100-min(part.X, 99.3))
		}
		doc.Jobs = append(doc.Jobs, part)
	}
	if !from.IsZero() {
		doc.Axis = []string{"0 s", spent(to.Sub(from) / 2), spent(to.Sub(from))}
	}
}

func jobClass(s ci.JobStatus) string {
	switch s {
	case ci.JobSuccess:
		return "good"
	case ci.JobFailure, ci.JobError, ci.JobTimeout:
		return "bad"
	case ci.JobCancelled, ci.JobSkipped:
	}
	return "none"
}

// sparkPart is a small line of one number over the last runs.
type sparkPart struct {
	Label, Now, Low, High string
	Line                  string // the points of a polyline in a 100 × 30 frame
	Dots                  []dot
	Area                  string
}

type dot struct {
	X, Y  float64
	Class string
}

type pointPart struct {
	Run, Commit, When, Spent, Tests, Coverage string
	Verdict                                   verdictPart
}

// maxTrend is how many runs the trend shows.
const maxTrend = 60

// trend draws the earlier runs with this one as the last point.
func (doc *pageDoc) trend(v View) {
	if len(v.Trend) == 0 {
		return
	}
	tally := v.tally()
	pct, ok := v.Run.Coverage.Percent()
	if !ok {
		pct = math.NaN()
	}
	runs := append(v.Trend[max(len(v.Trend)-maxTrend+1, 0):len(v.Trend):len(v.Trend)], Point{
		ID: cmp.Or(v.Run.ID, "this run"), Commit: v.Run.Commit, Started: v.Run.Started, Duration: v.Run.Duration, Verdict: v.verdict(),
		Passed: tally.Passed + tally.XFailed + tally.XPassed, Failed: tally.Bad(), Skipped: tally.Skipped, Coverage: pct,
	})
	doc.Trend = []sparkPart{
		spark("Duration", runs, func(p Point) float64 { return p.Duration.Seconds() }, func(f float64) string { return spent(time.Duration(f * float64(time.Second))) }),
		spark("Failed tests", runs, func(p Point) float64 { return float64(p.Failed) }, func(f float64) string { return thousands(int(f)) }),
		spark("Tests", runs, func(p Point) float64 { return float64(p.Passed + p.Failed + p.Skipped) }, func(f float64) string { return thousands(int(f)) }),
	}
	cover := spark("Coverage", runs, func(p Point) float64 {
		if p.Coverage < 0 {
			return math.NaN()
		}
		return p.Coverage
	}, percent)
	if cover.Line != "" {
		doc.Trend = append(doc.Trend, cover)
	}
	for i := len(runs) - 1; i >= 0; i-- {
		doc.Points = append(doc.Points, pointPartOf(runs[i]))
	}
}

func pointPartOf(p Point) pointPart {
	part := pointPart{
		Run: p.ID, Commit: shortSHA(p.Commit), Spent: spent(p.Duration), Coverage: "–",
		Tests: fmt.Sprintf("%s passed, %s failed", thousands(p.Passed), thousands(p.Failed)), Verdict: verdictPartOf(p.Verdict),
	}
	if !p.Started.IsZero() {
		part.When = p.Started.UTC().Format("2006-01-02 15:04")
	}
	if p.Coverage >= 0 {
		part.Coverage = percent(p.Coverage)
	}
	return part
}

// spark draws one number of the runs; an unknown value is a gap that the line
// bridges, never a zero.
func spark(label string, runs []Point, value func(Point) float64, say func(float64) string) sparkPart {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range runs {
		if f := value(p); !math.IsNaN(f) {
			low, high = min(low, f), max(high, f)
		}
	}
	part := sparkPart{Label: label, Now: "unknown"}
	if low > high {
		return part
	}
	part.Low, part.High = say(low), say(high)
	var line []string
	first, last := 0.0, 0.0
	for i, p := range runs {
		f := value(p)
		if math.IsNaN(f) {
			continue
		}
		x := 50.0
		if len(runs) > 1 {
			x = 2 + 96*float64(i)/float64(len(runs)-1)
		}
		y := 15.0
		if high > low {
			y = 26 - 22*(f-low)/(high-low)
		}
		x, y = share(x), share(y)
		if len(line) == 0 {
			first = x
		}
		last = x
		line = append(line, fmt.Sprintf("%g,%g", x, y))
		if p.Verdict == ci.VerdictFail || i == len(runs)-1 {
			part.Dots = append(part.Dots, dot{x, y, verdictPartOf(p.Verdict).Class})
		}
		part.Now = say(f)
	}
	part.Line = strings.Join(line, " ")
	part.Area = fmt.Sprintf("%g,30 %s %g,30", first, part.Line, last)
	return part
}

// tiles are the few numbers at the top.
func (doc *pageDoc) tiles(v View) []tile {
	tally := v.tally()
	tests := tile{Label: "Tests", Value: thousands(tally.Total), Sub: testsWords(tally), Class: "good"}
	switch {
	case tally.Bad() > 0:
		tests.Class = "bad"
	case tally.Total == 0:
		tests.Class = "none"
	}
	tiles := []tile{tests}
	if causes, ok := causesTile(v); ok {
		tiles = append(tiles, causes)
	}
	if doc.Cover != nil {
		cover := tile{Label: "Coverage", Value: doc.Cover.Pct, Sub: doc.Cover.Counts, Class: doc.Cover.DeltaClass}
		if doc.Cover.HasMark {
			cover.Sub = doc.Cover.Delta + " against " + doc.Cover.Baseline
		}
		tiles = append(tiles, cover)
	}
	if n := v.countDiagnostics(); n > 0 || len(v.Run.Diagnostics) > 0 {
		fixable := 0
		for _, d := range v.Run.Diagnostics {
			if d.Fixable {
				fixable++
			}
		}
		class := "none"
		if n > 0 {
			class = "bad"
		}
		tiles = append(tiles, tile{Label: "Diagnostics", Value: thousands(n), Sub: fmt.Sprintf("%d fixable by their tool", fixable), Class: class})
	}
	if v.Run.Duration > 0 {
		tiles = append(tiles, tile{Label: "Duration", Value: spent(v.Run.Duration), Sub: plural(len(v.Run.Jobs), "job")})
	}
	for i := range tiles {
		for j := range doc.Trend {
			if doc.Trend[j].Label == tiles[i].Label && doc.Trend[j].Line != "" {
				tiles[i].Spark = &doc.Trend[j]
			}
		}
	}
	return tiles
}

// causesTile counts the causes. Of a run that gave no answer nothing can be
// said: "0 causes" would be a promise.
func causesTile(v View) (tile, bool) {
	mine := 0
	for _, c := range v.Clusters {
		if needsYou(c) {
			mine++
		}
	}
	one := tile{Label: "Causes", Value: thousands(len(v.Clusters)), Sub: fmt.Sprintf("%d to look at", mine), Class: "bad"}
	switch {
	case len(v.Clusters) == 0 && v.verdict() == ci.VerdictPass:
		one.Sub, one.Class = "nothing is broken", "good"
	case len(v.Clusters) == 0:
		return tile{}, false
	case mine == 0:
		one.Sub, one.Class = "none needs you", "warn"
	}
	return one, true
}
