package ci

import (
	"math"
	"strconv"
	"time"
)

// Point is one figure of a series. X is in days since 1970; days without a
// figure are simply not there, for an unknown value is not 0.
type Point struct{ X, Y float64 }

// Estimate is a figure with what it rests on. N of 0 means that it is unknown:
// Value, Low and High then mean nothing.
type Estimate struct {
	Value, Low, High float64 // the 95 % interval
	N                int
}

// Known reports whether there is a figure.
func (e Estimate) Known() bool { return e.N > 0 }

// KPIUnit is what a key figure is counted in.
type KPIUnit string

// The units of key figures.
const (
	InSeconds KPIUnit = "seconds"
	InMinutes KPIUnit = "minutes"
	InDays    KPIUnit = "days"
	InPercent KPIUnit = "percent"
	InStars   KPIUnit = "stars"
	InDollars KPIUnit = "usd"
	InCount   KPIUnit = "count"
	InRatio   KPIUnit = "ratio"
)

// Say writes a value with about three digits, as a person would.
func (u KPIUnit) Say(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return map[bool]string{true: "never", false: "unknown"}[math.IsInf(v, 1)]
	}
	fixed := func(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	switch u {
	case InSeconds:
		return sayTime(v)
	case InMinutes:
		return sayTime(60 * v)
	case InDays:
		if math.Abs(v) < 1 && v != 0 {
			return fixed(24*v, 1) + " h"
		}
		return fixed(v, 1) + " d"
	case InPercent:
		return fixed(v, 1) + " %"
	case InStars:
		return fixed(v, 1) + " ★"
	case InDollars:
		if v < 0 {
			return "-$" + fixed(-v, 2)
		}
		return "$" + fixed(v, 2)
	case InRatio:
		return fixed(v, 3)
	case InCount:
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func sayTime(s float64) string {
	switch m := math.Abs(s); {
	case m < 90:
		return strconv.FormatFloat(s, 'f', 0, 64) + " s"
	case m < 120*60:
		return strconv.FormatFloat(s/60, 'f', 1, 64) + " min"
	case m < 72*3600:
		return strconv.FormatFloat(s/3600, 'f', 1, 64) + " h"
	}
	return strconv.FormatFloat(s/86400, 'f', 1, 64) + " d"
}

// Direction is where a series goes.
type Direction string

// The directions. Steady says that no change could be shown, not that there is none.
const (
	NoTrend Direction = "unknown" // too few points
	Steady  Direction = "steady"
	Rising  Direction = "rising"
	Falling Direction = "falling"
)

// Trend is what was found in a series.
type Trend struct {
	Direction Direction
	N         int     // points in the window
	P         float64 // of Mann-Kendall, its variance widened by the series' own memory
	Adjusted  float64 // P after Holm, over all series that were judged together
	Memory    float64 // lag-1 autocorrelation of the noise, 0..0.8
	Line      Line
	Change    float64 // of the line in 30 days
}

// Line is a robust line through a series.
type Line struct {
	Slope     float64 // a day
	Low, High float64 // 95 % interval of the slope
	At        float64 // the line's value at X = 0
	Median    float64 // of the points
	Spread    float64 // of the points about the line, as a standard deviation
}

// Value is the line at x.
func (l Line) Value(x float64) float64 { return l.At + l.Slope*x }

// Forecast is a line into the future and how wide it gets. It knows nothing of
// weekends and releases, and says no more than "if it goes on like this".
type Forecast struct {
	Line   Line
	Last   float64 // the newest day
	Centre float64 // the middle of the days, about which the slope is uncertain
}

// Expected is the forecast at day x with the interval in which a single day's figure is
// to be expected: what the slope's interval spans from the middle of the days,
// and the spread of the days about the line.
func (f Forecast) Expected(x float64) (value, low, high float64) {
	value = f.Line.Value(x)
	reach := x - f.Centre
	down, up := reach*(f.Line.Slope-f.Line.Low), reach*(f.Line.High-f.Line.Slope)
	noise := 1.96 * f.Line.Spread
	return value, value - math.Hypot(down, noise), value + math.Hypot(up, noise)
}

// KPIStatus is how a key figure stands to its target.
type KPIStatus string

// The statuses. Unsure: the interval holds the target.
const (
	KPIMet     KPIStatus = "met"
	KPIMissed  KPIStatus = "missed"
	KPIUnsure  KPIStatus = "unsure"
	KPIUnknown KPIStatus = "unknown"
	KPINone    KPIStatus = "no target"
)

// Target is what a key figure should be; the zero value is no target.
type Target struct {
	Level float64
	Below bool // it should be below the level, otherwise above
	Set   bool
}

// Good reports whether a value is on the target's side.
func (t Target) Good(v float64) bool {
	return t.Below && v < t.Level || !t.Below && v > t.Level
}

// Detail is a figure beside the headline of a key figure.
type Detail struct {
	Label string
	Unit  KPIUnit
	Estimate
}

// Bin is the fixes of similar confidence.
type Bin struct {
	From, To float64 // of the confidence
	Mean     float64 // of what was claimed
	Estimate         // share that was merged unchanged
}

// Step is a change point of a series, and the commits between which it lies.
type Step struct {
	Before, After  float64 // medians
	P              float64
	From, To       string // commits: the last of the old and the first of the new
	FromRun, ToRun string
	FromURL, ToURL string
	When           time.Time // of the first of the new
}

// KPI is one key figure.
type KPI struct {
	Name, Label string
	Unit        KPIUnit
	Target      Target
	Lower       bool   // lower is better, whether or not there is a target
	Doc         string // its definition
	Estimate
	Status  KPIStatus
	Details []Detail
	Note    string // why there is no value, or what to know of it
	Hidden  bool   // too few cases to be shown without telling who they were
	Bins    []Bin  // of calibration; only where a confidence is judged
	Series  []Point
	Trend   Trend
	Ahead   *Forecast
	Steps   []Step
}

// Worse reports whether the trend goes the wrong way.
func (k KPI) Worse() bool {
	return k.Trend.Direction == Rising && k.Lower || k.Trend.Direction == Falling && !k.Lower
}

// Insight is something that the figures say, with what it rests on.
type Insight struct {
	Rule     string
	KPI      string
	Text     string
	Evidence string
	Next     string // the one thing to do; empty: it is only worth knowing
	URL      string // of a run, a commit range or a page; empty: none
	Weight   float64
}
