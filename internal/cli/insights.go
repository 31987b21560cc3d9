package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
	"keepgreen/internal/trend"
)

type insightsCommand struct {
	History string `default:".keepgreen/history.db" help:"The history; relative to the repository." placeholder:"DB"`
	Days    int    `default:"30" help:"The window that values are of; trends look back further." placeholder:"N"`
	Until   string `help:"The report as it was at the end of this day, 2006-01-02. Without it: now." placeholder:"DATE"`
	Repo    string `setting:"GITHUB_REPOSITORY" help:"Of which repository, where the history holds several. Without it: all of them." placeholder:"OWNER/NAME"`
	Out     string `default:"ci_insights.md" help:"Write the report there, and its charts into a directory of that name beside it; relative to the repository." placeholder:"FILE"`
	HTML    string `name:"html" help:"Also write it as one HTML page there." placeholder:"FILE"`
}

// Run reads the history, works out the key figures, and says what they say.
func (c *insightsCommand) Run(s *session) error {
	data, notes, err := c.gather(s)
	if err != nil {
		return err
	}
	kpis := trend.KPIs(data)
	version, _ := buildVersion()
	view := render.InsightsView{
		Version: version, Repo: c.Repo, Now: data.Now, Days: data.Days, KPIs: kpis, Changed: trend.Changed(data, kpis),
		Costs: trend.Costs(data, kpis), Advice: trend.Advice(data, kpis), Notes: notes,
	}
	return c.act(s, view)
}

// act writes the report with its charts, and tells.
func (c *insightsCommand) act(s *session, v render.InsightsView) error {
	out := s.baselinePath(c.Out)
	charts := strings.TrimSuffix(out, filepath.Ext(out))
	if charts == out {
		charts += "_charts"
	}
	for _, k := range v.KPIs {
		path := filepath.Join(charts, k.Name+".svg")
		if len(k.Series) < 2 {
			os.Remove(path) // of an earlier report: it would show what is not known any more
			continue
		}
		if err := replaceFile(path, func(w io.Writer) error { return render.KPIChart(w, k) }); err != nil {
			return noAnswerf("", "%s: %w", path, bare(err))
		}
	}
	files := []struct {
		path  string
		write func(io.Writer) error
	}{
		{c.Out, func(w io.Writer) error { return render.InsightsMarkdown(w, v, filepath.Base(charts)) }},
		{c.HTML, func(w io.Writer) error { return render.InsightsHTML(w, v) }},
	}
	for _, file := range files {
		if file.path == "" {
			continue
		}
		if err := replaceFile(s.baselinePath(file.path), file.write); err != nil {
			return noAnswerf("", "%s: %w", file.path, bare(err))
		}
	}
	return c.tell(s, v)
}

func (c *insightsCommand) tell(s *session, v render.InsightsView) error {
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.InsightsMarkdown(w, v, "") }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	var err error
	if s.Format == "json" {
		err = render.InsightsDocument(s.Stdout, v)
	} else {
		err = render.InsightsText(s.Stdout, v, render.TextOptions{Width: s.Width, Colour: s.Colour})
	}
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	return nil
}

// repoPage is the address of the repository's page, from that of a run.
func repoPage(runs []trend.Run) string {
	for _, r := range runs {
		if page, _, found := strings.Cut(r.URL, "/actions/runs/"); found {
			return page
		}
	}
	return ""
}

// severe are the severities with a limit of their own.
var severe = map[string]ci.VulnSeverity{ci.VulnHigh.String(): ci.VulnHigh, ci.VulnCritical.String(): ci.VulnCritical}
