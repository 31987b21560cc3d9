package trend

import (
	"math"

	"keepgreen/internal/ci"
)

// Ahead is the forecast of a series that has a trend; ok is false for any other,
// for a line through noise is no forecast.
func Ahead(points []Point, t Trend) (f ci.Forecast, ok bool) {
	if len(points) == 0 || t.Direction != ci.Rising && t.Direction != ci.Falling {
		return ci.Forecast{}, false
	}
	window := points[len(points)-t.N:]
	return ci.Forecast{Line: t.Line, Last: points[len(points)-1].X, Centre: (window[0].X + window[len(window)-1].X) / 2}, true
}

// Crosses says in how many days from the newest the line reaches a level, and
// between which days the slope's interval allows; +Inf: never. ok is false where
// the line does not come to the level.
func Crosses(f ci.Forecast, level float64) (days, soonest, latest float64, ok bool) {
	now, centre := f.Line.Value(f.Last), f.Line.Value(f.Centre)
	if (level-now)*f.Line.Slope <= 0 {
		return 0, 0, 0, false
	}
	reach := func(slope float64) float64 {
		if (level-centre)*slope <= 0 {
			return math.Inf(1)
		}
		return max(0, f.Centre+(level-centre)/slope-f.Last)
	}
	days = (level - now) / f.Line.Slope
	a, b := reach(f.Line.Low), reach(f.Line.High)
	return days, min(a, b), max(a, b), true
}
