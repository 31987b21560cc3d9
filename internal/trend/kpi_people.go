package trend

import (
	"math"
	"strconv"
	"time"

	"keepgreen/internal/ci"
)

// least is how many voices there must be before what they say is shown: below
// it a figure tells who said what.
const least = 20

// stars are what a reaction or a reply is worth. Eyes and rockets at a deploy say
// nothing about us, and neither does a neutral reply.
var stars = map[string]map[string]float64{
	"reaction": {"+1": 5, "heart": 5, "hooray": 5, "rocket": 5, "laugh": 4, "confused": 2, "-1": 1},
	"reply":    {"satisfied": 5, "dissatisfied": 1},
}

// starsOf is a voice in stars; ok is false for what is no opinion.
func starsOf(s Said) (float64, bool) {
	if s.Kind == "survey" {
		v, err := strconv.ParseFloat(s.Value, 64)
		return v, err == nil && v >= 1 && v <= 5
	}
	v, ok := stars[s.Kind][s.Value]
	return v, ok
}

func satisfaction(d *Data, k *KPI) {
	var values []float64
	var all []Point
	kinds := map[string][]float64{}
	since := d.since()
	add := func(kind string, at time.Time, v float64, n int) {
		for range min(n, 1000) { // one comment's reactions are not the whole company's
			all = append(all, point(day(at), v))
			if !at.Before(since) {
				values = append(values, v)
				kinds[kind] = append(kinds[kind], v)
			}
		}
	}
	unsure := 0
	for _, s := range d.Said {
		if v, ok := starsOf(s); ok {
			add(s.Kind, s.At, v, s.N)
		} else if s.Kind == "reply" && !s.At.Before(since) {
			unsure += s.N
		}
	}
	for _, f := range d.Fixes {
		if at, v, ok := outcome(f); ok {
			add("outcome", at, v, 1)
		}
	}
	k.Estimate = Mean(values)
	k.Low, k.High = max(k.Low, 1), min(k.High, 5)
	sortByX(all)
	k.Series = daily(all, mean)
	k.Hidden = len(values) < least
	if k.Hidden {
		k.Note = strconv.Itoa(len(values)) + " voices are too few to be shown: at least " + strconv.Itoa(least)
		return
	}
	for _, kind := range []string{"survey", "reaction", "outcome", "reply"} {
		if len(kinds[kind]) > 0 {
			detail(k, kind, ci.InStars, Mean(kinds[kind]))
		}
	}
	if unsure > 0 {
		detail(k, "replies without an opinion", ci.InCount, exactly(float64(unsure), unsure))
	}
}

// outcome is what a suggestion's end says: merged as it was, merged after
// editing, taken back, refused.
func outcome(f Fix) (at time.Time, v float64, ok bool) {
	switch {
	case !f.Reverted.IsZero():
		return f.Reverted, 1, true
	case !f.Merged.IsZero() && f.Unchanged != nil && *f.Unchanged:
		return f.Merged, 5, true
	case !f.Merged.IsZero():
		return f.Merged, 4, true
	case !f.Closed.IsZero():
		return f.Closed, 2, true
	}
	return time.Time{}, 0, false
}

// ignored is after how long a fix that nobody looked at counts as refused.
const ignored = 14 * 24 * time.Hour

func autoFix(d *Data, k *KPI) {
	var all []Point
	var confidences []float64
	var right []bool
	unchanged, decided, lasted, due, brier, told := 0, 0, 0, 0, 0.0, 0
	since := d.since()
	for _, f := range d.Fixes {
		good, ok := f.decided(d.Now)
		if !ok {
			continue
		}
		all = append(all, point(day(f.Proposed), 100*float64(when(good))))
		if f.Proposed.Before(since) {
			continue
		}
		decided++
		unchanged += when(good)
		if !f.Merged.IsZero() && (d.Now.Sub(f.Merged) >= 30*24*time.Hour || !f.Reverted.IsZero()) {
			due++
			lasted += when(f.Reverted.IsZero())
		}
		if known(f.Confidence) {
			told++
			brier += math.Pow(f.Confidence-float64(when(good)), 2)
			confidences, right = append(confidences, f.Confidence), append(right, good)
		}
	}
	k.Estimate = hundred(Share(unchanged, decided))
	sortByX(all)
	k.Series = daily(all, mean)
	if due > 0 {
		detail(k, "of merged, still there after 30 days", ci.InPercent, hundred(Share(lasted, due)))
	}
	if told > 0 {
		detail(k, "Brier score of our confidence", ci.InRatio, exactly(brier/float64(told), told))
		k.Bins = calibration(confidences, right)
	}
}

// decided reports whether a fix has an end, and whether it is the one that
// counts: merged as it was proposed. What nobody looked at has been answered.
func (f Fix) decided(now time.Time) (good, ok bool) {
	switch {
	case !f.Merged.IsZero() && f.Unchanged == nil:
		return false, false
	case !f.Merged.IsZero():
		return *f.Unchanged, true
	case !f.Closed.IsZero():
		return false, true
	}
	return false, now.Sub(f.Proposed) > ignored
}

// calibration sorts fixes into bins of confidence; in a calibrated bin the share
// that was right is the mean of what was claimed.
func calibration(confidences []float64, right []bool) []ci.Bin {
	edges := []float64{0, 0.5, 0.7, 0.9, 0.95, 1}
	var out []ci.Bin
	for i := range len(edges) - 1 {
		good, n, claimed := 0, 0, 0.0
		for j, c := range confidences {
			if c < edges[i] || c >= edges[i+1] && !(i == len(edges)-2 && c <= 1) {
				continue
			}
			n++
			good += when(right[j])
			claimed += c
		}
		if n > 0 {
			out = append(out, ci.Bin{From: edges[i], To: edges[i+1], Mean: claimed / float64(n), Estimate: Share(good, n)})
		}
	}
	return out
}
