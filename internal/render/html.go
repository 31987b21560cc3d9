package render

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

// How much the page holds before it says that there is more: with these it
// stays quick in a browser whatever the run was.
const (
	maxPageTests    = 2000 // besides the failed ones
	maxPageFailed   = 5000
	maxPageClusters = 100
	maxPageMembers  = 200
	maxPageRows     = 1000 // of diagnostics, files, warnings
	maxPageDetails  = 16 << 10
)

// page is parsed once; html/template escapes every value for where it stands.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"v": Visible, "vl": VisibleLines, "id": breakable, "prose": prose, "plural": plural, "thousands": thousands,
}).Parse(pageHTML))

// breakable is a name that may be broken after its separators: long test IDs
// are what a narrow screen has no room for. Nothing that the escaping makes
// holds a separator, so no character reference is cut in two.
func breakable(s string) template.HTML {
	escaped := template.HTMLEscapeString(Visible(s))
	return template.HTML(strings.NewReplacer("::", "::<wbr>", "/", "/<wbr>", "_", "_<wbr>").Replace(escaped)) //nolint:gosec // escaped above
}

// prose is a sentence of ours in which what stands between backticks is code.
func prose(s string) template.HTML {
	parts := strings.Split(template.HTMLEscapeString(Visible(s)), "`")
	if len(parts)%2 == 0 { // one of them is alone: a backtick of the text's own
		return template.HTML(strings.Join(parts, "`")) //nolint:gosec // escaped above
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // escaped above
}

// HTML writes the report as one page that needs nothing else: no network, no
// second file, and it works with scripts turned off. Its policy names the hash
// of our own style and script, so that nothing else could run even if some
// text got past the escaping.
func HTML(w io.Writer, v View) error {
	return page.Execute(w, pageOf(v.sorted()))
}

// digest is a source expression of a content security policy.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageDoc is what the template is given: everything worked out, nothing escaped.
type pageDoc struct {
	CSP      string
	Style    template.CSS
	Script   template.JS
	Title    string
	Version  string
	Verdict  verdictPart
	Headline []string
	Where    string
	Started  string
	Commit   link
	RunURL   string
	Next     string
	Note     string
	Tiles    []tile
	Clusters []clusterPart
	MoreClu  int
	Gates    []gatePart
	Groups   []groupPart
	Known    bool
	Flaky    []flakePart
	Muted    []mutedPart
	Cover    *coverPart
	Arch     *archPart
	Times    *timesPart
	Slow     []slowPart
	Jobs     []jobPart
	Axis     []string
	Trend    []sparkPart
	Points   []pointPart
	Tests    testsPart
	Diags    []diagPart
	MoreDiag int
	Warnings []string
	MoreWarn int
}

type link struct{ Text, URL string }

type verdictPart struct{ Class, Glyph, Word string }

type tile struct {
	Label, Value, Sub, Class string
	Spark                    *sparkPart
}

type clusterPart struct {
	N                                        int
	Anchor, Class, Glyph, Sentence, Whose    string
	Kind, Sure, Log, Next, Splits, Traceback string
	Opinion                                  string // of a model; empty: none
	Place                                    link
	Count                                    int
	Cut                                      bool // the traceback was shortened
	Expected, Actual                         string
	Members                                  []memberPart
	More                                     int
	Evidence                                 []string
	Fixes                                    []fixPart
	Open                                     bool
}

type memberPart struct {
	Name  string
	Place link
}

type fixPart struct{ Description, Sure, Change string }

type gatePart struct {
	Verdict verdictPart
	Gate    string
	Because []string
}

type groupPart struct {
	Label, Class string
	Tests        []string
	More         int
}

type flakePart struct {
	ID, Words, Range string
	Rate             float64
	HasRate          bool
	Low, Span        float64
}

type mutedPart struct{ ID, Reason, Until, Failed string }

type diagPart struct {
	Tool, Rule, RuleURL, Message, Severity string
	Place                                  link
	Fixable                                bool
}

func pageOf(v View) pageDoc {
	doc := pageDoc{
		CSP: "default-src 'none'; style-src " + digest(pageCSS) + "; script-src " + digest(pageJS) +
			"; base-uri 'none'; form-action 'none'",
		Style: template.CSS(pageCSS), Script: template.JS(pageJS), //nolint:gosec // our own embedded files
		Version: v.Version, Verdict: verdictPartOf(v.verdict()), Headline: v.headline(),
		Next: v.next(), Note: v.Note, RunURL: webURL(v.Links.Run), Known: v.Compare.Known,
	}
	doc.Title = strings.TrimSpace(doc.Verdict.Word + " · " + v.Run.Repo)
	doc.Where = v.where()
	if !v.Run.Started.IsZero() {
		doc.Started = v.Run.Started.UTC().Format("2006-01-02 15:04 UTC")
	}
	if base := v.repoURL(); base != "" {
		doc.Commit = link{shortSHA(v.Run.Commit), base + "/commit/" + v.Run.Commit}
	}
	doc.clusters(v)
	doc.gates(v)
	doc.history(v)
	doc.Cover, doc.Arch = coverPartOf(v), archPartOf(v)
	doc.times(v)
	doc.jobs(v)
	doc.trend(v)
	doc.Tests = testsPartOf(v)
	doc.diagnostics(v)
	doc.Tiles = doc.tiles(v)
	return doc
}

func verdictPartOf(v ci.Verdict) verdictPart {
	class := "none"
	switch v {
	case ci.VerdictPass:
		class = "good"
	case ci.VerdictFail:
		class = "bad"
	case ci.VerdictWarn, ci.VerdictInherited:
		class = "warn"
	case ci.VerdictNoData:
	}
	word := verdictWord(v)
	return verdictPart{class, glyph(v), word[:1] + strings.ToLower(word[1:])}
}

// webURL is the address if it is one of the web's, else nothing: a report must
// not carry a link that runs a script or opens a local file.
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return s
}

// repoURL is the base of permalinks; empty where none can be made.
func (v View) repoURL() string {
	base := strings.TrimSuffix(webURL(v.Links.Repo), "/")
	if base == "" || len(v.Run.Commit) < 7 || strings.Trim(v.Run.Commit, "0123456789abcdef") != "" {
		return ""
	}
	return base
}

// place is a position as a link to the tested commit, or as mere words where
// the tree that ran is in no commit or the file is not of the repository.
func (v View) place(p ci.Position) link {
	l := link{Text: p.String()}
	base := v.repoURL()
	if base == "" || v.Run.Dirty || p.File == "" || strings.HasPrefix(p.File, "/") || strings.Contains(p.File, "..") || strings.ContainsAny(p.File, ":\\") {
		return l
	}
	l.URL = base + "/blob/" + v.Run.Commit + "/" + (&url.URL{Path: p.File}).EscapedPath()
	if p.Line > 0 {
		l.URL += "#L" + strconv.Itoa(p.Line)
	}
	return l
}

func (doc *pageDoc) clusters(v View) {
	fixes := map[string][]fixPart{}
	for _, f := range v.Fixes {
		fixes[f.Cluster] = append(fixes[f.Cluster], fixPart{f.Description, sureness(f.Confidence), cutBytes(f.CodeChange, maxPageDetails)})
	}
	shown := v.Clusters[:min(len(v.Clusters), maxPageClusters)]
	doc.MoreClu = len(v.Clusters) - len(shown)
	for i, c := range shown {
		part := clusterPartOf(v, c)
		part.N, part.Anchor = i+1, fmt.Sprintf("cause-%d", i+1)
		part.Fixes = fixes[c.ID]
		part.Open = i == 0 && needsYou(c)
		doc.Clusters = append(doc.Clusters, part)
	}
}

func clusterPartOf(v View, c ci.Cluster) clusterPart {
	part := clusterPart{
		Sentence: sentence(c), Whose: whoseWords(c), Kind: string(class(c)), Sure: sureness(c.Confidence), Log: logLine(c), Next: c.Cause.Next,
		Splits: c.Splits, Place: v.place(place(c)), Count: count(c), Expected: c.Cause.Expected, Actual: c.Cause.Actual,
	}
	if c.Opinion != nil {
		part.Opinion = opinionText(c.Opinion)
	}
	part.Class, part.Glyph = "bad", "✗"
	switch c.Whose {
	case ci.WhoseMain:
		part.Class, part.Glyph = "warn", "↓"
	case ci.WhoseFlaky:
		part.Class, part.Glyph = "warn", "~"
	case ci.WhoseInfra:
		part.Class, part.Glyph = "none", "○"
	case ci.WhoseNew, ci.WhoseUnknown:
	}
	if strings.Contains(part.Sentence, part.Log) {
		part.Log = ""
	}
	if len(c.Members) > 0 {
		whole := details(c.Members[0])
		part.Traceback = cutBytes(whole, maxPageDetails)
		part.Cut = len(part.Traceback) < len(whole)
	}
	for _, m := range c.Members[:min(len(c.Members), maxPageMembers)] {
		part.Members = append(part.Members, memberPart{m.Name(), v.place(m.Pos)})
	}
	part.More = len(c.Members) - len(part.Members)
	for _, e := range c.Evidence {
		part.Evidence = append(part.Evidence, evidenceWords(e))
	}
	for _, j := range c.Joined {
		part.Evidence = append(part.Evidence, fmt.Sprintf("%s joined because they share %s", plural(j.Count, "failure"), j.Reason))
	}
	return part
}

// cutBytes shortens a text to n bytes at the end of a line where one is near.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	if i := strings.LastIndexByte(s, '\n'); i > n/2 {
		s = s[:i]
	}
	return strings.ToValidUTF8(s, "")
}

func (doc *pageDoc) gates(v View) {
	for _, d := range v.Decisions {
		verdict := d.Verdict
		if verdict == "" {
			verdict = ci.VerdictNoData
		}
		part := gatePart{verdictPartOf(verdict), d.Gate, d.Because}
		part.Verdict.Word = gateWord(verdict)
		doc.Gates = append(doc.Gates, part)
	}
}

func gateWord(v ci.Verdict) string {
	switch v {
	case ci.VerdictPass:
		return "passes"
	case ci.VerdictWarn:
		return "warns"
	case ci.VerdictFail:
		return "fails"
	case ci.VerdictInherited:
		return "was red before"
	case ci.VerdictNoData:
	}
	return "no data"
}

func (doc *pageDoc) history(v View) {
	classes := map[string]string{"31": "bad", "32": "good", "33": "warn", "2": "none"}
	for _, g := range v.groups() {
		if g.label == "quarantined" { // has a table of its own
			continue
		}
		part := groupPart{Label: g.label, Class: classes[g.ink]}
		for _, id := range g.ids[:min(len(g.ids), maxPageMembers)] {
			part.Tests = append(part.Tests, string(id))
		}
		part.More = len(g.ids) - len(part.Tests)
		doc.Groups = append(doc.Groups, part)
	}
	for _, t := range v.Flaky[:min(len(v.Flaky), maxPageRows)] {
		part := flakePart{ID: string(t.ID), Words: flakeWords(t)}
		if t.Runs > 0 && t.Low >= 0 && t.High <= 1 && t.Low <= t.High {
			part.HasRate, part.Rate = true, 100*t.Rate
			part.Low, part.Span = 100*t.Low, max(100*(t.High-t.Low), 0.5)
			part.Range = fmt.Sprintf("%s (%s to %s)", percent(100*t.Rate), percent(100*t.Low), percent(100*t.High))
		}
		doc.Flaky = append(doc.Flaky, part)
	}
	for _, q := range v.Muted[:min(len(v.Muted), maxPageRows)] {
		part := mutedPart{ID: string(q.Test), Reason: q.Reason, Until: "no end", Failed: "did not fail"}
		if !q.Until.IsZero() {
			part.Until = q.Until.UTC().Format(time.DateOnly)
		}
		if q.Failed {
			part.Failed = "failed"
		}
		doc.Muted = append(doc.Muted, part)
	}
	for _, w := range v.Run.Warnings[:min(len(v.Run.Warnings), maxPageRows)] {
		doc.Warnings = append(doc.Warnings, warningWords(w))
	}
	doc.MoreWarn = len(v.Run.Warnings) - len(doc.Warnings)
}

func (doc *pageDoc) diagnostics(v View) {
	for _, d := range v.Run.Diagnostics[:min(len(v.Run.Diagnostics), maxPageRows)] {
		doc.Diags = append(doc.Diags, diagPart{d.Tool, d.Rule, webURL(d.URL), d.Message, string(d.Severity), v.place(d.Pos), d.Fixable})
	}
	doc.MoreDiag = len(v.Run.Diagnostics) - len(doc.Diags)
}
