package trend

import "math"

// Forecast is a line into the future and how wide it gets. It knows nothing of
// weekends and releases, and says no more than "if it goes on like this".
type Forecast struct {
	Line   Line
	Last   float64 // the newest day
	Centre float64 // the middle of the days, about which the slope is uncertain
}

// Ahead is the forecast of a series that has a trend; ok is false for any other,
// for a line through noise is no forecast.
func Ahead(points []Point, t Trend) (f Forecast, ok bool) {
	if len(points) == 0 || t.Direction != Rising && t.Direction != Falling {
		return Forecast{}, false
	}
	window := points[len(points)-t.N:]
	return Forecast{Line: t.Line, Last: points[len(points)-1].X, Centre: (window[0].X + window[len(window)-1].X) / 2}, true
}

// At is the value at day x with the interval in which a single day's figure is
// to be expected: what the slope's interval spans from the middle of the days,
// and the spread of the days about the line.
func (f Forecast) At(x float64) (value, low, high float64) {
	value = f.Line.Value(x)
	reach := x - f.Centre
	down, up := reach*(f.Line.Slope-f.Line.Low), reach*(f.Line.High-f.Line.Slope)
	noise := z95 * f.Line.Spread
	return value, value - math.Hypot(down, noise), value + math.Hypot(up, noise)
}

// Crosses says in how many days from the newest the line reaches a level, and
// between which days the slope's interval allows; +Inf: never. ok is false where
// the line does not come to the level.
func (f Forecast) Crosses(level float64) (days, soonest, latest float64, ok bool) {
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
