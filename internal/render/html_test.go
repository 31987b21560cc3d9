package render_test

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
)

func html(t testing.TB, v render.View) string {
	t.Helper()
	return written(t, func(w io.Writer) error { return render.HTML(w, v) })
}

func TestHTMLGoldens(t *testing.T) {
	for name, v := range views() {
		t.Run(name, func(t *testing.T) { golden.Assert(t, html(t, v), name+".html") })
	}
}

// tags are the elements that the page itself is made of; a hostile text that
// got past the escaping would bring another, or an attribute of its own.
var (
	tag       = regexp.MustCompile(`(?s)<[!/a-zA-Z][^>]*>`)
	attribute = regexp.MustCompile(`\s(on\w+|style|srcdoc|formaction)\s*=`)
	allowed   = regexp.MustCompile(`^</?(!doctype|html|head|meta|title|style|body|a|header|div|p|svg|path|span|h[1-4]|strong|main|nav|ul|li|section|article|pre|details|summary|dl|dt|dd|code|table|caption|thead|tbody|tfoot|tr|th|td|rect|line|polyline|polygon|figure|figcaption|form|label|input|select|option|output|footer|br|wbr|script)[\s>/]`)
)

// checkPage fails if a page holds a tag, an attribute or a link that our own
// template does not put there.
func checkPage(t *testing.T, got string) {
	t.Helper()
	if n := strings.Count(got, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if n := strings.Count(got, "<style"); n != 1 {
		t.Errorf("%d styles", n)
	}
	body := got[strings.Index(got, "</style>"):]
	body = body[:strings.LastIndex(body, "<script>")]
	for _, one := range tag.FindAllString(body, -1) {
		if !allowed.MatchString(strings.ToLower(one)) {
			t.Errorf("a tag that is not ours: %q", one)
		}
		if name := attribute.FindString(one); name != "" {
			t.Errorf("an attribute that is not ours: %q in %q", name, one)
		}
		if strings.Contains(strings.ToLower(one), "javascript:") || strings.Contains(one, "data:") {
			t.Errorf("a link that runs something: %q", one)
		}
	}
	checkTerminal(t, strings.ReplaceAll(body, "\t", " "), false)
}

func TestHostileTextStaysTextOnThePage(t *testing.T) {
	got := html(t, hostile())
	checkPage(t, got)
	if !strings.Contains(got, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the hostile name is not shown as text")
	}
	if !strings.Contains(got, `user\u202etxt.exe`) {
		t.Error("the reordering character is not made visible")
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkPage(t, html(t, hostileWith([]string{s}))) })
}

func TestThePageLoadsNothing(t *testing.T) {
	got := html(t, believable())
	for _, word := range []string{" src=", "<link", "@import", "url(", "<iframe", "<img"} {
		if strings.Contains(got, word) {
			t.Errorf("the page holds %q", word)
		}
	}
	if !strings.Contains(got, "default-src &#39;none&#39;") && !strings.Contains(got, "default-src 'none'") {
		t.Error("no content security policy")
	}
}

func TestPermalinksOnlyWhereTheyAreTrue(t *testing.T) {
	const permalink = `href="https://github.com/acme/kvtools/blob/3f2a91c0de5b7a6914c2b0d3e4f5a6b7c8d9e0f1/kvtools/config.py#L4"`
	if !strings.Contains(html(t, believable()), permalink) {
		t.Error("no permalink to the cause")
	}
	dirty := believable()
	dirty.Run.Dirty = true
	if strings.Contains(html(t, dirty), "/blob/") {
		t.Error("a permalink into a commit that is not what ran")
	}
}

// many is a run of n tests, every hundredth of which fails.
func many(n int) render.View {
	v := render.View{Verdict: ci.VerdictFail}
	for i := range n {
		r := ci.TestResult{ID: ci.TestID(fmt.Sprintf("tests/test_%03d.py::test_case_%06d", i%400, i)), Outcome: ci.Passed, Timed: true, Duration: time.Duration(i) * time.Microsecond}
		if i%100 == 0 {
			r.Outcome = ci.Failed
		}
		v.Run.Tests = append(v.Run.Tests, r)
	}
	return v
}

func TestALargeRunKeepsItsFailuresAndSaysWhatItLeavesOut(t *testing.T) {
	got := html(t, many(10_000))
	if n := strings.Count(got, `<tr data-o="bad">`); n != 100 {
		t.Errorf("%d of 100 failed tests are on the page", n)
	}
	if n := strings.Count(got, `<tr data-o="good">`); n != 2000 {
		t.Errorf("%d other tests are on the page", n)
	}
	if !strings.Contains(got, "7,900 more are left out") {
		t.Error("the page does not say what it leaves out")
	}
	if len(got) > 2<<20 {
		t.Errorf("the page has %d bytes", len(got))
	}
}

// BenchmarkHTML measures a page of 10,000 tests, and how large it is.
func BenchmarkHTML(b *testing.B) {
	v := many(10_000)
	size := len(html(b, v))
	b.ReportAllocs()
	for b.Loop() {
		if err := render.HTML(io.Discard, v); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size), "page-bytes")
}

func TestFramesStandInForATraceback(t *testing.T) {
	v := render.View{Clusters: []ci.Cluster{{Members: []ci.Failure{{
		Exception: "KeyError", Message: "'kv'", Frames: []ci.Frame{{Position: ci.Position{File: "kv/pool.py", Line: 7}, Func: "take", Code: "  return self.free['kv']"}},
		Chain: []ci.Link{{Exception: "OSError", Message: "gone"}},
	}}}}}
	if got, want := html(t, v), "OSError: gone\n\nkv/pool.py:7 in take\n    return self.free[&#39;kv&#39;]\nKeyError: &#39;kv&#39;"; !strings.Contains(got, want) {
		t.Errorf("no traceback like %q", want)
	}
}
