package render

import (
	"io"
	"math"
	"time"

	"keepgreen/internal/ci"
)

type insightsDoc struct {
	Generated string       `json:"generated_at"`
	Repo      string       `json:"repository"`
	Days      int          `json:"days"`
	KPIs      []kpiDoc     `json:"kpis"`
	Changed   []insightDoc `json:"changed"`
	Costs     []insightDoc `json:"costs"`
	Advice    []insightDoc `json:"recommendations"`
	Notes     []string     `json:"notes"`
}

type kpiDoc struct {
	Name     string       `json:"name"`
	Label    string       `json:"label"`
	Unit     ci.KPIUnit   `json:"unit"`
	Value    *number      `json:"value"`
	N        int          `json:"n"`
	Interval []*number    `json:"interval"`
	Target   *targetDoc   `json:"target"`
	Status   ci.KPIStatus `json:"status"`
	Trend    trendDoc     `json:"trend"`
	Doc      string       `json:"definition"`
	Details  []detailDoc  `json:"details"`
	Bins     []binDoc     `json:"calibration,omitempty"`
	Steps    []stepDoc    `json:"change_points"`
	Series   [][2]any     `json:"series"` // date, value
	Note     string       `json:"note,omitempty"`
	Hidden   bool         `json:"hidden,omitempty"`
}

type targetDoc struct {
	Below *number `json:"below,omitempty"`
	Above *number `json:"above,omitempty"`
}

type trendDoc struct {
	Direction ci.Direction `json:"direction"`
	N         int          `json:"n"`
	P         *number      `json:"p"` // after Holm
	Change    *number      `json:"change_30d"`
	Low       *number      `json:"slope_low"`
	High      *number      `json:"slope_high"`
}

type detailDoc struct {
	Label string     `json:"label"`
	Unit  ci.KPIUnit `json:"unit"`
	Value *number    `json:"value"`
	N     int        `json:"n"`
}

type binDoc struct {
	Low   number `json:"low"`
	High  number `json:"high"`
	Mean  number `json:"claimed"`
	Right number `json:"right"`
	N     int    `json:"n"`
}

type stepDoc struct {
	Date   string `json:"date"`
	Before number `json:"before"`
	After  number `json:"after"`
	From   string `json:"from_commit"`
	To     string `json:"to_commit"`
	P      number `json:"p"`
}

type insightDoc struct {
	Rule     string `json:"rule"`
	KPI      string `json:"kpi,omitempty"`
	Text     string `json:"text"`
	Evidence string `json:"evidence"`
	Next     string `json:"next,omitempty"`
	URL      string `json:"url,omitempty"`
}

// InsightsDocument writes the report as JSON.
func InsightsDocument(w io.Writer, v InsightsView) error {
	doc := insightsDoc{
		Generated: v.Now.UTC().Format(time.RFC3339), Repo: v.Repo, Days: v.Days, KPIs: []kpiDoc{},
		Changed: insightDocs(v.Changed), Costs: insightDocs(v.Costs), Advice: insightDocs(v.Advice), Notes: list(v.Notes),
	}
	for _, k := range v.KPIs {
		doc.KPIs = append(doc.KPIs, kpiDocOf(k))
	}
	return encode(w, doc)
}

func insightDocs(in []ci.Insight) []insightDoc {
	out := make([]insightDoc, 0, len(in))
	for _, one := range in {
		out = append(out, insightDoc{one.Rule, one.KPI, one.Text, one.Evidence, one.Next, webURL(one.URL)})
	}
	return out
}

// only is a number that is known; an infinite one is not reached, which is null.
func only(v float64, known bool) *number {
	if !known || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	n := rounded(v, 4)
	return &n
}

func kpiDocOf(k ci.KPI) kpiDoc {
	shown := k.Known() && !k.Hidden
	doc := kpiDoc{
		Name: k.Name, Label: k.Label, Unit: k.Unit, Value: only(k.Value, shown), N: k.N, Interval: []*number{only(k.Low, shown), only(k.High, shown)},
		Status: k.Status, Doc: k.Doc, Note: k.Note, Hidden: k.Hidden, Details: []detailDoc{}, Steps: []stepDoc{}, Series: [][2]any{},
	}
	if k.Target.Set {
		level := number(k.Target.Level)
		doc.Target = &targetDoc{Above: &level}
		if k.Target.Below {
			doc.Target = &targetDoc{Below: &level}
		}
	}
	asked := k.Trend.Direction != ci.NoTrend
	doc.Trend = trendDoc{k.Trend.Direction, k.Trend.N, only(k.Trend.Adjusted, asked), only(k.Trend.Change, asked), only(k.Trend.Line.Low, asked), only(k.Trend.Line.High, asked)}
	for _, d := range k.Details {
		doc.Details = append(doc.Details, detailDoc{d.Label, d.Unit, only(d.Value, d.Known()), d.N})
	}
	for _, b := range k.Bins {
		doc.Bins = append(doc.Bins, binDoc{rounded(b.From, 4), rounded(b.To, 4), rounded(b.Mean, 4), rounded(b.Value, 4), b.N})
	}
	for _, s := range k.Steps {
		doc.Steps = append(doc.Steps, stepDoc{s.When.UTC().Format(time.RFC3339), rounded(s.Before, 4), rounded(s.After, 4), s.From, s.To, number(s.P)})
	}
	for _, p := range k.Series {
		doc.Series = append(doc.Series, [2]any{dayOf(p.X), rounded(p.Y, 4)})
	}
	return doc
}

func dayOf(x float64) string { return time.Unix(int64(x)*86400, 0).UTC().Format(time.DateOnly) }
