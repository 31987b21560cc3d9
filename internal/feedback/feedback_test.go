package feedback_test

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/feedback"
)

func TestVerdict(t *testing.T) {
	cluster := func(whose ci.Whose) []ci.Cluster { return []ci.Cluster{{Whose: whose}} }
	for name, c := range map[string]struct {
		in   ci.Findings
		want ci.Verdict
	}{
		"nothing known is no pass":                {ci.Findings{}, ci.VerdictNoData},
		"jobs that were skipped say nothing":      {ci.Findings{Statuses: map[string]ci.JobStatus{"test": ci.JobSkipped}}, ci.VerdictNoData},
		"a triage of nothing says nothing":        {ci.Findings{Triaged: true}, ci.VerdictNoData},
		"tests that pass":                         {ci.Findings{Tests: &ci.TestCounts{Total: 1, Passed: 1}}, ci.VerdictPass},
		"tests that fail without a cause":         {ci.Findings{Tests: &ci.TestCounts{Total: 1, Failed: 1}}, ci.VerdictFail},
		"a failure that is new":                   {ci.Findings{Clusters: cluster(ci.WhoseNew)}, ci.VerdictFail},
		"a failure of nobody known":               {ci.Findings{Clusters: cluster(ci.WhoseUnknown)}, ci.VerdictFail},
		"only what main fails with too":           {ci.Findings{Clusters: cluster(ci.WhoseMain)}, ci.VerdictInherited},
		"only flaky ones":                         {ci.Findings{Clusters: cluster(ci.WhoseFlaky)}, ci.VerdictWarn},
		"flaky ones explain a job that failed":    {ci.Findings{Clusters: cluster(ci.WhoseFlaky), Statuses: map[string]ci.JobStatus{"test": ci.JobFailure}}, ci.VerdictWarn},
		"a job that failed and nobody says why":   {ci.Findings{Statuses: map[string]ci.JobStatus{"test": ci.JobFailure}}, ci.VerdictFail},
		"a gate that says no":                     {ci.Findings{Tests: &ci.TestCounts{Passed: 1}, Coverage: &ci.CoverageFinding{Verdict: ci.VerdictFail}}, ci.VerdictFail},
		"a gate that warns":                       {ci.Findings{Tests: &ci.TestCounts{Passed: 1}, Vulns: &ci.VulnFinding{Verdict: ci.VerdictWarn}}, ci.VerdictWarn},
		"a gate without data does not undo tests": {ci.Findings{Tests: &ci.TestCounts{Passed: 1}, Coverage: &ci.CoverageFinding{Verdict: ci.VerdictNoData}}, ci.VerdictPass},
		"a scan that was to fail on a new cycle":  {ci.Findings{Arch: &ci.ArchFinding{Failed: []string{"new cycle"}}}, ci.VerdictFail},
		"the run's own gate":                      {ci.Findings{Tests: &ci.TestCounts{Passed: 1}, Decisions: []ci.Decision{{Gate: "types", Verdict: ci.VerdictFail}}}, ci.VerdictFail},
	} {
		assert.Equal(t, feedback.Verdict(c.in), c.want, name)
	}
}

func TestSilence(t *testing.T) {
	green := ci.Findings{Tests: &ci.TestCounts{Passed: 1}}
	for name, c := range map[string]struct {
		in      ci.Findings
		verdict ci.Verdict
		before  *feedback.Marker
		want    bool
	}{
		"green":                             {green, ci.VerdictPass, nil, true},
		"no data":                           {ci.Findings{}, ci.VerdictNoData, nil, true},
		"green after something was said":    {green, ci.VerdictPass, &feedback.Marker{}, false},
		"red":                               {green, ci.VerdictFail, nil, false},
		"a flaky failure":                   {ci.Findings{Clusters: []ci.Cluster{{Whose: ci.WhoseFlaky}}}, ci.VerdictWarn, nil, false},
		"new lines that no test ran":        {ci.Findings{Coverage: &ci.CoverageFinding{Gaps: []ci.Position{{File: "a", Line: 1}}}}, ci.VerdictPass, nil, false},
		"a new vulnerability that is HIGH":  {ci.Findings{Vulns: &ci.VulnFinding{New: []ci.Vulnerability{{Severity: ci.VulnHigh}}}}, ci.VerdictPass, nil, false},
		"a new vulnerability that is minor": {ci.Findings{Vulns: &ci.VulnFinding{New: []ci.Vulnerability{{Severity: ci.VulnLow}}}}, ci.VerdictPass, nil, true},
		"a new import cycle":                {ci.Findings{Arch: &ci.ArchFinding{NewCycles: [][]string{{"a", "b"}}}}, ci.VerdictPass, nil, false},
	} {
		assert.Equal(t, feedback.Silent(c.in, c.verdict, c.before), c.want, name)
	}
}

func TestMarkerIsReadAsItWasWritten(t *testing.T) {
	m := feedback.Marker{
		Key: "ci", Run: 4711, Attempt: 2, SHA: strings.Repeat("ab", 20), Verdict: ci.VerdictFail, Was: ci.VerdictPass,
		Gone:  []feedback.Found{{ID: "k1-c", Title: "gone"}},
		Found: []feedback.Found{{ID: "k1-a", Title: "a title --> <!-- with signs"}, {ID: "k1-b", Title: "é\u202e"}},
	}
	got, ok := feedback.ParseMarker(m.String() + "\n## more")
	assert.Assert(t, ok)
	assert.DeepEqual(t, got, m)
}

func TestWhatIsNoMarker(t *testing.T) {
	m := feedback.Marker{Key: "ci"}.String()
	for _, body := range []string{"", "## CI Feedback", "text\n" + m, "> " + m, m[:len(m)-1], "<!-- keepgreen:feedback v1 -->", "<!-- keepgreen:feedback v2 key=ci -->"} {
		_, ok := feedback.ParseMarker(body)
		assert.Assert(t, !ok, body)
	}
}

func TestWhichRunIsOlder(t *testing.T) {
	at := func(run int64, attempt int) feedback.Marker { return feedback.Marker{Run: run, Attempt: attempt} }
	assert.Assert(t, at(1, 1).Before(at(2, 1)))
	assert.Assert(t, at(1, 9).Before(at(2, 1)), "a retry of an old run")
	assert.Assert(t, at(2, 1).Before(at(2, 2)))
	assert.Assert(t, !at(2, 2).Before(at(2, 2)))
	assert.Assert(t, !at(3, 1).Before(at(2, 9)))
}

func TestKeys(t *testing.T) {
	assert.Equal(t, feedback.Key(""), "ci")
	assert.Equal(t, feedback.Key("ci"), "ci")
	assert.Assert(t, strings.HasPrefix(feedback.Key("CI"), "ci-"))
	assert.Assert(t, feedback.Key("CI") != feedback.Key("ci"))
	assert.Assert(t, feedback.Key("--> x") != feedback.Key("--> y"))
}

func TestAfter(t *testing.T) {
	red := feedback.Marker{Run: 1, Attempt: 1, Verdict: ci.VerdictFail, Found: []feedback.Found{{ID: "a", Title: "first"}, {ID: "b", Title: "second"}}}
	green := feedback.Marker{Run: 2, Attempt: 1, Verdict: ci.VerdictPass, Found: []feedback.Found{{ID: "b", Title: "second, in other words"}}}
	first := green.After(red)
	assert.Equal(t, first.Was, ci.VerdictFail)
	assert.DeepEqual(t, first.Resolved(), []string{"first"})
	assert.DeepEqual(t, green.After(first), first) // the same run once more
	retry := green
	retry.Attempt = 2
	assert.Equal(t, len(retry.After(first).Resolved()), 0)
}

func TestReplies(t *testing.T) {
	posted := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	body := "<!-- keepgreen -->\n## 🤖 CI Feedback\n\n🔴 **1. the discount is applied twice** – <a href=\"https://x\"><code>shop/cart.py:41</code></a><br>"
	others := []ci.Reply{
		{Login: "dev", Text: "> the discount is applied twice\n\nThat was it, thanks!", Time: posted.Add(time.Minute)},
		{Login: "dev", Text: "> ok\n\nfine", Time: posted.Add(time.Minute)},
		{Login: "dev", Text: "looks good to me", Time: posted.Add(time.Minute)},
		{Login: "dev", Text: "The CI feedback is wrong here", Time: posted.Add(time.Minute)},
		{Login: "dev", Text: "the CI feedback is not there yet", Time: posted.Add(-time.Minute)},
		{Login: "other[bot]", Text: "keepgreen was here", Time: posted.Add(time.Minute)},
		{Login: "dev", Text: "@github-actions no", Time: posted.Add(time.Minute)},
	}
	var texts []string
	for _, r := range feedback.Replies(body, "github-actions[bot]", posted, others) {
		texts = append(texts, r.Text)
	}
	assert.DeepEqual(t, texts, []string{others[0].Text, others[3].Text, others[6].Text})
}

// FuzzMarker: whatever is put in, it is one line, ends where it ends, and is
// read again.
func FuzzMarker(f *testing.F) {
	f.Add("CI", "abc", "k1", "title", int64(1))
	f.Add("--> <b>\n", "--", "\x00", "-->", int64(-5))
	f.Fuzz(func(t *testing.T, key, sha, id, title string, run int64) {
		m := feedback.Marker{Key: feedback.Key(key), Run: run, SHA: sha}
		for range 30 {
			m.Found, m.Gone = append(m.Found, feedback.Found{ID: id, Title: title}), append(m.Gone, feedback.Found{ID: title, Title: id})
		}
		text := m.String()
		assert.Equal(t, strings.Index(text, "--"), 2, text)
		assert.Equal(t, strings.Count(text, "--"), 2, text)
		assert.Assert(t, !strings.ContainsAny(text, "\r\n"))
		got, ok := feedback.ParseMarker(text)
		assert.Assert(t, ok, text)
		assert.Equal(t, got.Run, run)
		assert.Equal(t, got.Key, m.Key)
		assert.Assert(t, len(text) <= 8<<10)
		_, _ = feedback.ParseMarker(title) // does not panic
	})
}
