package render

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"keepgreen/internal/ci"
)

//go:embed page/chart.svg
var chartSVG string

//go:embed page/chart.css
var chartCSS string

var chart = template.Must(template.New("chart").Funcs(template.FuncMap{"v": Visible}).Parse(chartSVG))

// The frame of a chart, in its own units.
const (
	chartLeft, chartRight = 64, 628
	chartTop, chartBottom = 14, 170
	chartAhead            = 14 // days of forecast
	maxChartDays          = 180
)

// chartDoc is what the template is given: places worked out, nothing escaped.
type chartDoc struct {
	ID, Title, Text    string
	Style              template.CSS
	Alone              bool // a file of its own, which brings its style
	Dots               []chartDot
	Line, Trend, Ahead string
	Band               string
	Target, TargetText string
	TargetY            float64
	Ticks              []chartTick
	Marks              []chartMark
}

type chartDot struct {
	X, Y  float64
	Title string
}

type chartTick struct {
	At         float64
	Text       string
	Horizontal bool
	Anchor     string
}

type chartMark struct {
	X     float64
	Title string
}

// KPIChart writes the chart of one key figure as an SVG file that follows the
// reader's colour scheme.
func KPIChart(w io.Writer, k ci.KPI) error { return chart.Execute(w, chartOf(k, true)) }

// scale maps days and values to places.
type scale struct{ x0, x1, y0, y1 float64 }

func (s scale) x(day float64) float64 {
	return math.Round((chartLeft+(chartRight-chartLeft)*(day-s.x0)/max(s.x1-s.x0, 1))*10) / 10
}

func (s scale) y(v float64) float64 {
	y := chartBottom - (chartBottom-chartTop)*(v-s.y0)/max(s.y1-s.y0, 1e-12)
	return math.Round(min(max(y, chartTop-8), chartBottom+8)*10) / 10
}

func chartOf(k ci.KPI, alone bool) chartDoc {
	doc := chartDoc{ID: k.Name, Title: k.Label, Style: template.CSS(chartCSS), Alone: alone} //nolint:gosec // our own embedded file
	points := k.Series[max(0, len(k.Series)-maxChartDays):]
	if len(points) == 0 {
		doc.Text = "no data"
		return doc
	}
	s := chartScale(k, points)
	doc.Text = fmt.Sprintf("%s, %s to %s, from %s to %s; %s", plural(len(points), "day"), dayOf(points[0].X), dayOf(points[len(points)-1].X), k.Unit.Say(s.y0), k.Unit.Say(s.y1), kpiTrend(k))
	var line []string
	for _, p := range points {
		line = append(line, fmt.Sprintf("%g,%g", s.x(p.X), s.y(p.Y)))
		doc.Dots = append(doc.Dots, chartDot{s.x(p.X), s.y(p.Y), dayOf(p.X) + ": " + k.Unit.Say(p.Y)})
	}
	doc.Line = strings.Join(line, " ")
	doc.ticks(k, s, points)
	doc.trend(k, s, points)
	if k.Target.Set && k.Target.Level >= s.y0 && k.Target.Level <= s.y1 {
		doc.Target, doc.TargetY, doc.TargetText = "target", s.y(k.Target.Level), "target "+kpiTarget(k)
	}
	for _, step := range k.Steps {
		if x := float64(step.When.Unix()) / 86400; x >= points[0].X {
			doc.Marks = append(doc.Marks, chartMark{s.x(x), fmt.Sprintf("%s: from %s to %s", step.When.UTC().Format("2006-01-02"), k.Unit.Say(step.Before), k.Unit.Say(step.After))})
		}
	}
	return doc
}

// chartScale shows the target where it is not so far away that the line would
// lie flat.
func chartScale(k ci.KPI, points []ci.Point) scale {
	s := scale{x0: points[0].X, x1: points[len(points)-1].X, y0: math.Inf(1), y1: math.Inf(-1)}
	for _, p := range points {
		s.y0, s.y1 = min(s.y0, p.Y), max(s.y1, p.Y)
	}
	if k.Ahead != nil {
		s.x1 += chartAhead
	}
	if t := k.Target.Level; k.Target.Set && t < s.y1+2*(s.y1-s.y0) && t > s.y0-2*(s.y1-s.y0) {
		s.y0, s.y1 = min(s.y0, t), max(s.y1, t)
	}
	if s.y1 == s.y0 {
		s.y0, s.y1 = s.y0-max(1, 0.1*math.Abs(s.y0)), s.y1+max(1, 0.1*math.Abs(s.y1))
	}
	margin := 0.06 * (s.y1 - s.y0)
	if s.y0 >= 0 {
		s.y0 = max(0, s.y0-margin)
	} else {
		s.y0 -= margin
	}
	s.y1 += margin
	if most, bounded := map[ci.KPIUnit]float64{ci.InPercent: 100, ci.InStars: 5}[k.Unit]; bounded {
		s.y1 = min(s.y1, most) // a share above 1 is drawn by nobody
	}
	return s
}

func (doc *chartDoc) ticks(k ci.KPI, s scale, points []ci.Point) {
	for i := range 3 {
		v := s.y0 + (s.y1-s.y0)*float64(i)/2
		doc.Ticks = append(doc.Ticks, chartTick{At: s.y(v), Text: k.Unit.Say(v), Horizontal: true})
	}
	doc.Ticks = append(doc.Ticks, chartTick{At: s.x(points[0].X), Text: dayOf(points[0].X), Anchor: "start"})
	if last := points[len(points)-1].X; last > points[0].X {
		doc.Ticks = append(doc.Ticks, chartTick{At: s.x(last), Text: dayOf(last), Anchor: "end"})
	}
}

// trend draws the line of a trend that was found, and where it leads.
func (doc *chartDoc) trend(k ci.KPI, s scale, points []ci.Point) {
	if k.Ahead == nil {
		return
	}
	f, last := k.Ahead, points[len(points)-1].X
	from := max(points[0].X, 2*f.Centre-f.Last)
	doc.Trend = fmt.Sprintf("%g,%g %g,%g", s.x(from), s.y(f.Line.Value(from)), s.x(last), s.y(f.Line.Value(last)))
	end := last + chartAhead
	doc.Ahead = fmt.Sprintf("%g,%g %g,%g", s.x(last), s.y(f.Line.Value(last)), s.x(end), s.y(f.Line.Value(end)))
	var upper, lower []string
	for x := last; x <= end; x += chartAhead / 2 {
		_, low, high := f.Expected(x)
		upper = append(upper, fmt.Sprintf("%g,%g", s.x(x), s.y(high)))
		lower = append([]string{fmt.Sprintf("%g,%g", s.x(x), s.y(low))}, lower...)
	}
	doc.Band = strings.Join(append(upper, lower...), " ")
}
