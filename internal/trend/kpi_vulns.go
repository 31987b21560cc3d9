package trend

import (
	"math"
	"time"

	"keepgreen/internal/ci"
)

// mttr is the time to fix with everything that is still open: of the closed ones
// alone the mean is best where nothing is ever fixed. What was accepted is
// neither fixed nor forgotten: it counts as open up to then.
func mttr(severity ci.VulnSeverity, sla float64) func(*Data, *KPI) {
	return func(d *Data, k *KPI) {
		var lives []Lifetime
		var open, accepted, late int
		oldest := 0.0
		for _, v := range d.Vulns {
			if v.Severity != severity || v.First.IsZero() {
				continue
			}
			life := Lifetime{Days: d.Now.Sub(v.First).Hours() / 24}
			if !v.Closed.IsZero() {
				life = Lifetime{Days: v.Closed.Sub(v.First).Hours() / 24, Ended: !v.Accepted}
			}
			life.Days = max(life.Days, 0)
			lives = append(lives, life)
			switch {
			case v.Accepted:
				accepted++
				continue
			case v.Closed.IsZero():
				open++
				oldest = max(oldest, life.Days)
			}
			late += when(life.Days > sla)
		}
		k.Estimate = Survival(lives)
		k.Series = openDaily(d, severity)
		if len(lives) == 0 {
			return
		}
		if math.IsInf(k.Value, 1) {
			k.Note = "more than half are not fixed yet, so the median is not reached"
		}
		detail(k, "open", ci.InCount, exactly(float64(open), len(lives)))
		detail(k, "over the limit", ci.InCount, exactly(float64(late), len(lives)))
		if open > 0 {
			detail(k, "oldest open", ci.InDays, exactly(oldest, open))
		}
		if accepted > 0 {
			detail(k, "accepted", ci.InCount, exactly(float64(accepted), len(lives)))
		}
	}
}

// openDaily is how many were open on each day: the trend of the lives themselves
// would be of findings long gone. A day is in it whether or not anything was
// scanned, since a finding stays open overnight.
func openDaily(d *Data, severity ci.VulnSeverity) []Point {
	first := time.Time{}
	for _, v := range d.Vulns {
		if v.Severity == severity && !v.First.IsZero() && (first.IsZero() || v.First.Before(first)) {
			first = v.First
		}
	}
	if first.IsZero() {
		return nil
	}
	from := max(day(first), day(d.Now)-4*56)
	change := map[float64]float64{}
	for _, v := range d.Vulns {
		if v.Severity != severity || v.First.IsZero() {
			continue
		}
		change[max(day(v.First), from)]++
		if !v.Closed.IsZero() {
			change[max(day(v.Closed), from)]--
		}
	}
	var out []Point
	open := 0.0
	for x := from; x <= day(d.Now); x++ {
		open += change[x]
		out = append(out, point(x, open))
	}
	return out
}
