package render_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func pct(v float64) *float64 { return &v }

func plainFeedback() render.FeedbackView {
	return render.FeedbackView{
		Verdict: ci.VerdictPass, Repo: "https://github.com/octo/shop", Head: strings.Repeat("3f2a91c", 5) + "3f2a9", Run: "https://github.com/octo/shop/actions/runs/4711",
		RunID: "4711", Attempt: 1, Mute: "mute: label keepgreen-mute",
		Findings: ci.Findings{
			Triaged: true, Tests: &ci.TestCounts{Total: 214, Passed: 212, Skipped: 2},
			Coverage: &ci.CoverageFinding{Pct: pct(92.5), Base: pct(92.4), Verdict: ci.VerdictPass},
			Vulns:    &ci.VulnFinding{Counts: map[ci.VulnSeverity]int{ci.VulnHigh: 2}, Base: map[ci.VulnSeverity]int{ci.VulnHigh: 2}, Verdict: ci.VerdictPass},
			Statuses: map[string]ci.JobStatus{"lint": ci.JobSuccess},
		},
	}
}

func cluster(id string, whose ci.Whose, n int, sentence, next string) ci.Cluster {
	c := ci.Cluster{
		ID: id, Kind: ci.KindTest, Whose: whose, Confidence: 0.94, Cause: ci.Cause{Sentence: sentence, Next: next, Pos: ci.Position{File: "shop/cart.py", Line: 41}},
		Evidence: []ci.Evidence{{What: "same top frame", Detail: "shop/cart.py:41"}},
	}
	for i := range n {
		c.Members = append(c.Members, ci.Failure{
			Kind: ci.KindTest, Test: ci.TestID(fmt.Sprintf("tests/test_cart.py::test_discount[%d]", i)), Exception: "AssertionError",
			Message: "assert 80.0 == 90.0", Pos: ci.Position{File: "tests/test_cart.py", Line: 17},
		})
	}
	return c
}

func failing(clusters ...ci.Cluster) render.FeedbackView {
	v := plainFeedback()
	v.Verdict, v.Clusters = ci.VerdictFail, clusters
	for _, c := range clusters {
		v.Tests.Failed += len(c.Members)
	}
	v.Tests.Passed = max(v.Tests.Passed-v.Tests.Failed, 0)
	v.Tests.Total = max(v.Tests.Total, v.Tests.Failed)
	return v
}

const evilText = "<script>alert(1)</script> @octocat fixes #12 GH-7 [x](http://evil.test) ![p](https://evil.test/p.png) https://evil.test www.evil.test `c` --> <!-- \u202egnp.exe\u200b | a | b\n# head\n- [ ] task\n</details> </sub> a@b.test &lt; javascript:alert(1) smb://evil"

// situations are what a pull request's comment has to be good at.
func situations() map[string]render.FeedbackView {
	out := map[string]render.FeedbackView{"all_green": plainFeedback()}

	v := plainFeedback()
	v.Was, v.Resolved = ci.VerdictFail, []string{"the discount is applied twice", "kvtools imports yaml, which is not installed"}
	v.Fixed = []ci.TestID{"tests/test_cart.py::test_discount"}
	out["first_green_after_red"] = v

	out["one_new_failure"] = failing(cluster("k1-aa", ci.WhoseNew, 1, "the discount is applied twice", "look at shop/cart.py:41, which this change added"))

	v = failing(cluster("k1-ff", ci.WhoseNew, 500, "shop/config.py imports yaml, which is not installed", "add PyYAML to requirements.txt"))
	out["flood_of_one_cause"] = v

	v = failing(cluster("k1-bb", ci.WhoseFlaky, 1, "the server did not answer within 2 s", "retry it; it fails in 18 % of runs"))
	v.Clusters[0].Since = "1 November"
	v.Verdict, v.Flaky, v.Recovered = ci.VerdictWarn, []ci.TestID{"tests/test_net.py::test_answer"}, []ci.TestID{"tests/test_io.py::test_write"}
	out["only_flaky"] = v

	v = plainFeedback()
	v.Verdict = ci.VerdictFail
	v.Coverage = &ci.CoverageFinding{
		Pct: pct(86.1), Base: pct(92.4), Verdict: ci.VerdictFail, Because: []string{"regression exceeds delta threshold: 86.10 % is 6.30 pp below the baseline of 92.40 %, and 5.00 pp are allowed"},
		Patch: "31 of 76 new statements ran (40.8 %)", Gaps: []ci.Position{{File: "tools/eviction_checker.py", Line: 45, EndLine: 67}, {File: "tools/pool.py", Line: 9, EndLine: 9}},
	}
	out["coverage_drop"] = v

	v = plainFeedback()
	v.Verdict = ci.VerdictFail
	v.Vulns = &ci.VulnFinding{
		Counts: map[ci.VulnSeverity]int{ci.VulnCritical: 1, ci.VulnHigh: 3}, Base: map[ci.VulnSeverity]int{ci.VulnHigh: 2}, Verdict: ci.VerdictFail,
		Because: []string{"regression exceeds delta threshold"},
		New: []ci.Vulnerability{
			{ID: "CVE-2026-1001", Package: "requests", Version: "2.31.0", Severity: ci.VulnHigh, Title: "Proxy credentials leak on redirect", Fixed: []string{"2.33.0"}},
			{ID: "CVE-2026-4242", Package: "minimist", Version: "1.2.0", Severity: ci.VulnCritical, Title: "Prototype pollution", Fixed: []string{"1.2.6"}, Exploited: true},
		},
	}
	out["new_critical"] = v

	out["no_data"] = render.FeedbackView{RunID: "4711", Attempt: 1, Head: plainFeedback().Head}

	v = failing(cluster("k1-aa", ci.WhoseUnknown, 2, "the discount is applied twice", "look at shop/cart.py:41"))
	v.Notes = []string{"The pull request comes from a fork: what its run wrote is shown as text, and which pull request it belongs to was asked of GitHub."}
	out["fork"] = v

	v = plainFeedback()
	v.RunID, v.Attempt, v.Run = "4600", 2, "https://github.com/octo/shop/actions/runs/4600"
	out["retry_of_an_old_run"] = v

	evil := cluster("k1-ee", ci.WhoseNew, 3, evilText, evilText)
	evil.Members[0] = ci.Failure{Kind: ci.KindTest, Test: ci.TestID("tests/x.py::" + evilText), Message: evilText, Pos: ci.Position{File: "../../" + evilText, Line: 3}}
	evil.Evidence, evil.Since = []ci.Evidence{{What: evilText, Detail: evilText}}, evilText
	v = failing(evil)
	v.AI, v.Prose = evilText, render.Prose{Summary: evilText, Points: []string{evilText}}
	v.Resolved, v.Notes, v.Run, v.RunID = []string{evilText}, []string{evilText}, "javascript:alert(1)", evilText
	v.Coverage.Gaps = []ci.Position{{File: "a\"b<c>&.py", Line: 2, EndLine: 9}}
	v.Vulns.New = []ci.Vulnerability{{ID: evilText, Package: evilText, Severity: ci.VulnCritical, Title: evilText, Fixed: []string{evilText}}}
	v.Decisions = []ci.Decision{{Gate: evilText, Verdict: ci.VerdictFail, Because: []string{evilText}}}
	v.Arch = &ci.ArchFinding{Score: pct(70), NewCycles: [][]string{{evilText, "b", evilText}}}
	v.Flaky = []ci.TestID{ci.TestID(evilText)}
	v.Fixes = []ci.FixFinding{{Cluster: "k1-ee", Description: evilText, CodeChange: evilText, Confidence: 0.9}}
	v.Statuses[evilText] = ci.JobFailure
	out["hostile"] = v

	big := cluster("k1-00", ci.WhoseNew, 1, "the page differs from its snapshot", "")
	big.Members[0].Message = strings.Repeat("<div>é…</div>\n", 5<<20/15)
	big.Cause.Sentence = big.Members[0].Message
	out["message_of_5_MB"] = failing(big)

	v = failing()
	for i := range 12 {
		v.Clusters = append(v.Clusters, cluster(fmt.Sprintf("k1-%02d", i), []ci.Whose{ci.WhoseNew, ci.WhoseMain, ci.WhoseInfra}[i%3], i+1, fmt.Sprintf("cause number %d", i+1), "do this"))
	}
	v.Arch = &ci.ArchFinding{Score: pct(81.2), Before: pct(84.0), NewCycles: [][]string{{"shop.a", "shop.b", "shop.a"}}}
	v.Tests = &ci.TestCounts{Total: 900, Passed: 822, Failed: 78}
	out["twelve_causes"] = v

	v = failing(cluster("k1-mm", ci.WhoseMain, 4, "the price service answers 503", ""))
	v.Clusters[0].Since, v.Verdict = strings.Repeat("0123456789", 4), ci.VerdictInherited
	out["main_is_down"] = v

	v = failing(
		cluster("k1-aa", ci.WhoseNew, 1, "the discount is applied twice", "look at shop/cart.py:41"), cluster("k1-bb", ci.WhoseFlaky, 1, "the server did not answer within 2 s", "retry it"),
		cluster("k1-mm", ci.WhoseMain, 2, "the price service answers 503", ""))
	v.AI = "AI: 1 request, 2,100 tokens in, 180 out, $0.0011"
	v.Prose = render.Prose{Summary: "One failure is yours: cart.py:41 takes the discount a second time. The others fail on main too or pass when retried.", Points: []string{"Apply the discount once, in shop/cart.py:41.", "Leave the price service alone: it is down for everybody."}}
	out["with_a_model"] = v

	v = plainFeedback()
	v.Verdict, v.Tests, v.Coverage, v.Vulns, v.Triaged = ci.VerdictFail, nil, nil, nil, false
	v.Statuses = map[string]ci.JobStatus{"test": ci.JobFailure, "docker-images": ci.JobTimeout, "lint": ci.JobSuccess}
	out["jobs_without_reports"] = v
	return out
}

var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldhtml.WithUnsafe()))

func toHTML(t testing.TB, markdown string) string {
	t.Helper()
	var b bytes.Buffer
	assert.NilError(t, gfm.Convert([]byte(markdown), &b))
	return b.String()
}

// TestFeedbackGoldens holds each comment to its golden, and each to its limits.
// With FEEDBACK_HTML=DIR the pages are written for a person to look at.
func TestFeedbackGoldens(t *testing.T) {
	for name, v := range situations() {
		t.Run(name, func(t *testing.T) {
			got := render.FeedbackMarkdown(v)
			golden.Assert(t, got, "feedback-"+name+".md")
			assert.Assert(t, len(got) <= render.MaxComment, "%d bytes", len(got))
			assert.Assert(t, strings.HasPrefix(got, "## 🤖 CI Feedback\n\n"))
			page := toHTML(t, got)
			harmlessPage(t, page)
			if dir := os.Getenv("FEEDBACK_HTML"); dir != "" {
				assert.NilError(t, os.WriteFile(filepath.Join(dir, name+".html"), []byte(page), 0o644))
			}
		})
	}
}

var (
	anchors   = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	elements  = regexp.MustCompile(`<(/?)([a-zA-Z][a-zA-Z0-9]*)`)
	tagged    = regexp.MustCompile(`<[^>]*>`)
	mentioned = regexp.MustCompile(`(^|[^a-zA-Z0-9_])@[a-zA-Z0-9]`)
	referred  = regexp.MustCompile(`(^|[^&a-zA-Z0-9_])(#|GH-)[0-9]`)
)

// harmlessPage checks what GitHub would show: our elements only, closed in
// order, links to our own places only, and no text that GitHub turns into a
// mention, a reference or a link.
func harmlessPage(t testing.TB, page string) {
	t.Helper()
	allowed := map[string]bool{}
	for name := range strings.FieldsSeq("h2 p strong em a code pre br table thead tbody tr th td details summary ul ol li sub del input") {
		allowed[name] = true
	}
	var open []string
	for _, m := range elements.FindAllStringSubmatch(page, -1) {
		assert.Assert(t, allowed[m[2]], "<%s>", m[2])
		switch {
		case m[2] == "br":
		case m[1] == "":
			open = append(open, m[2])
		default:
			assert.Assert(t, len(open) > 0 && open[len(open)-1] == m[2], "</%s> closes %v", m[2], open)
			open = open[:len(open)-1]
		}
	}
	assert.Equal(t, len(open), 0, "%v stays open", open)
	assert.Assert(t, !strings.Contains(page, "<input"), "a task list")
	for _, m := range anchors.FindAllStringSubmatch(page, -1) {
		assert.Assert(t, strings.HasPrefix(m[1], "https://github.com/octo/shop/"), "%s", m[1])
	}
	text := regexp.MustCompile(`(?s)<(code|pre)>.*?</(code|pre)>`).ReplaceAllString(page, "")
	text = tagged.ReplaceAllString(text, " ")
	for _, old := range [][2]string{{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", `"`}, {"&amp;", "&"}} {
		text = strings.ReplaceAll(text, old[0], old[1])
	}
	assert.Assert(t, !mentioned.MatchString(text), "a mention: %q", mentioned.FindString(text))
	assert.Assert(t, !referred.MatchString(text), "a reference: %q", referred.FindString(text))
	for _, r := range page {
		assert.Assert(t, (r < 0x200b || r > 0x200f) && (r < 0x202a || r > 0x202e) && (r < 0x2066 || r > 0x2069), "%U", r)
	}
}

// FuzzFeedback: whatever strangers write, the comment stays ours.
func FuzzFeedback(f *testing.F) {
	f.Add(evilText)
	f.Add("</code></pre></details>")
	f.Add("a\x00\xff\r\n\t|`@x")
	f.Add("w.w..w//:www.x.y @@a ##1 #1 hh-1 GH-12 -")
	f.Fuzz(func(t *testing.T, s string) {
		c := cluster("k", ci.WhoseNew, 2, s, s)
		c.Members[0] = ci.Failure{Kind: ci.KindTest, Test: ci.TestID(s), Message: s, Pos: ci.Position{File: s, Line: 1}}
		c.Evidence, c.Since = []ci.Evidence{{What: s, Detail: s}}, s
		v := failing(c)
		v.Prose, v.AI, v.RunID, v.Mute = render.Prose{Summary: s, Points: []string{s}}, s, s, s
		v.Resolved, v.Notes, v.Flaky = []string{s}, []string{s}, []ci.TestID{ci.TestID(s)}
		v.Coverage.Gaps = []ci.Position{{File: s, Line: 2, EndLine: 9}}
		v.Vulns.New = []ci.Vulnerability{{ID: s, Package: s, Version: s, Severity: ci.VulnCritical, Title: s, Fixed: []string{s}}}
		v.Fixes = []ci.FixFinding{{Cluster: "k", Description: s, CodeChange: s, Confidence: 0.9}}
		got := render.FeedbackMarkdown(v)
		assert.Assert(t, len(got) <= render.MaxComment)
		harmlessPage(t, toHTML(t, got))
	})
}

func TestAModelsTextIsCutAtThreeHundredWords(t *testing.T) {
	v := plainFeedback()
	v.Prose = render.Prose{Summary: strings.Repeat("word ", 250), Points: []string{strings.Repeat("point ", 100), "gone"}}
	got := render.FeedbackMarkdown(v)
	assert.Equal(t, strings.Count(got, "word"), 250)
	assert.Equal(t, strings.Count(got, "point"), 50)
	assert.Assert(t, !strings.Contains(got, "gone"))
}

func TestTheCommentIsCutBetweenSections(t *testing.T) {
	v := failing()
	for i := range 400 {
		c := cluster(fmt.Sprintf("k%d", i), ci.WhoseNew, 30, strings.Repeat("<é", 120), strings.Repeat("&", 240))
		c.Members[0].Message = strings.Repeat("*", 300)
		c.Evidence = []ci.Evidence{{What: strings.Repeat("*", 80), Detail: strings.Repeat("_", 200)}}
		v.Clusters = append(v.Clusters, c)
	}
	got := render.FeedbackMarkdown(v)
	assert.Assert(t, len(got) <= render.MaxComment && len(got) > render.MaxComment/2, "%d", len(got))
	assert.Assert(t, strings.Contains(got, "did not fit into a comment"))
	harmlessPage(t, toHTML(t, got))
	assert.Assert(t, len(render.FeedbackSummary(v)) > len(got))
}

// BenchmarkFeedback composes the comment of 500 failures behind one cause, and
// that of a message of 5 MB.
func BenchmarkFeedback(b *testing.B) {
	all := situations()
	for _, name := range []string{"flood_of_one_cause", "message_of_5_MB"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				render.FeedbackMarkdown(all[name])
			}
		})
	}
}
