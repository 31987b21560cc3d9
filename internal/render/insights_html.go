package render

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strings"

	"keepgreen/internal/ci"
)

//go:embed page/insights.html
var insightsHTML string

//go:embed page/insights.css
var insightsCSS string

var insightsPage = template.Must(template.New("insights").Funcs(template.FuncMap{"v": Visible, "prose": prose}).Parse(insightsHTML))

// insightsPageDoc is what the template is given.
type insightsPageDoc struct {
	CSP                  string
	Style                template.CSS
	Repo, Version, Class string
	Headline, Where      string
	Next, Changed, Costs []ci.Insight
	KPIs                 []kpiPart
	Notes                []string
}

type kpiPart struct {
	Name, Label, Class, Sign, Value, Sub, Note, Doc string
	Status                                          ci.KPIStatus
	Chart                                           template.HTML
	Details                                         []detailPart
	Bins                                            []calibrationPart
	Days                                            []dayPart
}

type (
	detailPart      struct{ Label, Value, N string }
	calibrationPart struct{ Claimed, Right, N string }
	dayPart         struct{ Day, Value string }
)

// maxDayRows is how many days the table below a chart lists.
const maxDayRows = 60

// InsightsHTML writes the report as one page that needs nothing else.
func InsightsHTML(w io.Writer, v InsightsView) error {
	style := pageCSS + insightsCSS + chartCSS
	doc := insightsPageDoc{
		CSP:   "default-src 'none'; style-src " + digest(style) + "; base-uri 'none'; form-action 'none'",
		Style: template.CSS(style), Repo: v.Repo, Version: v.Version, Class: v.class(), //nolint:gosec // our own embedded files
		Headline: upperFirst(v.headline()), Where: insightsWhere(v),
		Next: webOnly(v.next()), Changed: webOnly(v.Changed), Costs: webOnly(v.Costs), Notes: v.Notes,
	}
	for _, k := range v.KPIs {
		part, err := kpiPartOf(k)
		if err != nil {
			return err
		}
		doc.KPIs = append(doc.KPIs, part)
	}
	return insightsPage.Execute(w, doc)
}

// webOnly keeps the links that lead into the web.
func webOnly(list []ci.Insight) []ci.Insight {
	out := make([]ci.Insight, len(list))
	for i, one := range list {
		out[i] = one
		out[i].URL = webURL(one.URL)
	}
	return out
}

func kpiPartOf(k ci.KPI) (kpiPart, error) {
	part := kpiPart{
		Name: k.Name, Label: k.Label, Class: kpiClass(k), Sign: kpiSign(k.Status), Status: k.Status, Value: kpiValue(k), Note: upperFirst(k.Note), Doc: upperFirst(k.Doc),
	}
	var sub []string
	if r := kpiRange(k); r != "" {
		sub = append(sub, "95 %: "+r)
	}
	if k.Known() && !k.Hidden {
		sub = append(sub, "n "+thousands(k.N))
	}
	if k.Target.Set {
		sub = append(sub, "target "+kpiTarget(k))
	}
	part.Sub = strings.Join(append(sub, kpiTrend(k)), " · ")
	if len(k.Series) > 1 {
		var b bytes.Buffer
		if err := chart.Execute(&b, chartOf(k, false)); err != nil {
			return part, err
		}
		part.Chart = template.HTML(b.String()) //nolint:gosec // html/template has escaped it
	}
	for _, d := range k.Details {
		part.Details = append(part.Details, detailPart{d.Label, d.Unit.Say(d.Value), thousands(d.N)})
	}
	for _, b := range k.Bins {
		part.Bins = append(part.Bins, calibrationPart{percent(100 * b.Mean), percent(100 * b.Value), thousands(b.N)})
	}
	for _, p := range k.Series[max(0, len(k.Series)-maxDayRows):] {
		part.Days = append(part.Days, dayPart{dayOf(p.X), k.Unit.Say(p.Y)})
	}
	return part, nil
}
