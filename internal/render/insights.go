package render

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// InsightsView is the daily report: key figures, and what they say.
type InsightsView struct {
	Version string
	Repo    string
	Now     time.Time
	Days    int // the window that values are of
	KPIs    []ci.KPI
	Changed []ci.Insight
	Costs   []ci.Insight
	Advice  []ci.Insight // the most rewarding first
	Notes   []string
}

// next are the things to do: three, since of ten none is done.
func (v InsightsView) next() []ci.Insight { return v.Advice[:min(len(v.Advice), 3)] }

// headline counts the key figures by how they stand.
func (v InsightsView) headline() string {
	count := map[ci.KPIStatus]int{}
	for _, k := range v.KPIs {
		count[k.Status]++
	}
	with := count[ci.KPIMet] + count[ci.KPIMissed] + count[ci.KPIUnsure]
	if with == 0 {
		return "no key figure with a target has a value yet"
	}
	words := fmt.Sprintf("%d of %s with a target met", count[ci.KPIMet], plural(with, "key figure"))
	if n := count[ci.KPIMissed]; n > 0 {
		words += fmt.Sprintf(", %d missed", n)
	}
	if n := count[ci.KPIUnsure]; n > 0 {
		words += fmt.Sprintf(", %d too close to tell", n)
	}
	return words
}

// class is how the report looks as a whole.
func (v InsightsView) class() string {
	class := "none"
	for _, k := range v.KPIs {
		switch k.Status {
		case ci.KPIMissed:
			return "bad"
		case ci.KPIMet:
			if class == "none" {
				class = "good"
			}
		case ci.KPIUnsure:
			class = "warn"
		case ci.KPIUnknown, ci.KPINone:
		}
	}
	return class
}

// kpiValue is a key figure with its interval.
func kpiValue(k ci.KPI) string {
	switch {
	case k.Hidden:
		return "hidden"
	case !k.Known():
		return "unknown"
	}
	return k.Unit.Say(k.Value)
}

// kpiRange is the interval, where it says more than the value.
func kpiRange(k ci.KPI) string {
	if !k.Known() || k.Hidden || k.Low == k.High || math.IsNaN(k.Low) || math.IsInf(k.Low, -1) {
		return ""
	}
	return k.Unit.Say(k.Low) + " to " + k.Unit.Say(k.High)
}

func kpiTarget(k ci.KPI) string {
	if !k.Target.Set {
		return "–"
	}
	return map[bool]string{true: "< ", false: "> "}[k.Target.Below] + k.Unit.Say(k.Target.Level)
}

// kpiTrend is the trend in a word and a figure.
func kpiTrend(k ci.KPI) string {
	switch k.Trend.Direction {
	case ci.Rising:
		return "↗ +" + k.Unit.Say(k.Trend.Change) + " in 30 d"
	case ci.Falling:
		return "↘ −" + k.Unit.Say(-k.Trend.Change) + " in 30 d"
	case ci.Steady:
		return "→ steady"
	case ci.NoTrend:
	}
	return "–"
}

func kpiSign(s ci.KPIStatus) string {
	return map[ci.KPIStatus]string{ci.KPIMet: "✓", ci.KPIMissed: "✗", ci.KPIUnsure: "~", ci.KPIUnknown: "?", ci.KPINone: "·"}[s]
}

func kpiEmoji(s ci.KPIStatus) string {
	return map[ci.KPIStatus]string{ci.KPIMet: "✅", ci.KPIMissed: "❌", ci.KPIUnsure: "⚠️", ci.KPIUnknown: "❔", ci.KPINone: "➖"}[s]
}

func kpiClass(k ci.KPI) string {
	return map[ci.KPIStatus]string{ci.KPIMet: "good", ci.KPIMissed: "bad", ci.KPIUnsure: "warn"}[k.Status]
}

// sparkDays is how many days a sparkline of characters shows.
const sparkDays = 28

// sparkline draws the newest days in eight heights; a day without a figure is a
// dot, never the lowest bar.
func sparkline(points []ci.Point) string {
	if len(points) == 0 {
		return ""
	}
	last := points[len(points)-1].X
	cells := make([]float64, sparkDays)
	for i := range cells {
		cells[i] = math.NaN()
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if at := sparkDays - 1 - int(last-p.X); at >= 0 && at < sparkDays {
			cells[at] = p.Y
			low, high = min(low, p.Y), max(high, p.Y)
		}
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, y := range cells {
		switch {
		case math.IsNaN(y):
			b.WriteRune('·')
		case high == low:
			b.WriteRune(bars[3])
		default:
			b.WriteRune(bars[int(math.Round((y-low)/(high-low)*7))])
		}
	}
	return strings.TrimLeft(b.String(), "·")
}

// InsightsText writes the report for a terminal.
func InsightsText(w io.Writer, v InsightsView, o TextOptions) error {
	i := ink(o.Colour)
	colour := map[ci.KPIStatus]func(string) string{ci.KPIMet: i.green, ci.KPIMissed: i.red, ci.KPIUnsure: i.yellow, ci.KPIUnknown: i.dim, ci.KPINone: i.dim}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", i.bold(Visible(v.headline())))
	for _, k := range v.KPIs {
		n := ""
		if k.Known() && !k.Hidden {
			n = "n " + thousands(k.N)
		}
		fmt.Fprintf(&b, "  %s %s %s %s %s %s %s\n", colour[k.Status](kpiSign(k.Status)), pad(k.Label, 28), padLeft(kpiValue(k), 9), pad(kpiTarget(k), 10),
			pad(n, 9), pad(kpiTrend(k), 22), i.dim(sparkline(k.Series)))
	}
	section := func(title string, list []ci.Insight) {
		if len(list) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s\n", i.bold(title))
		for n, one := range list {
			fmt.Fprintf(&b, "  %d %s\n", n+1, Visible(one.Text))
			for _, line := range wrap(Visible(one.Evidence), max(o.Width, 80)-4, 4) {
				fmt.Fprintf(&b, "    %s\n", i.dim(line))
			}
			if one.Next != "" {
				fmt.Fprintf(&b, "    → %s\n", Visible(one.Next))
			}
		}
	}
	section("What changed", v.Changed)
	section("What it costs", v.Costs)
	section("What to do next", v.next())
	for _, note := range v.Notes {
		fmt.Fprintf(&b, "%s %s\n", i.yellow("!"), Visible(note))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
