package baseline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/baseline"
)

// guide is the file as the guide's own script writes it, with keys of others.
const guide = `{
  "version": 7,
  "coverage": {
    "unit": "percent",
    "baseline": 90.0,
    "current": 91.25
  },
  "vulnerabilities": {
    "high": 10,
    "critical": 0
  },
  "sbom": {
    "digest": "sha256:00"
  },
  "history": [
    {
      "timestamp": "2026-01-02T03:04:05.123456",
      "coverage": 91.25,
      "run_id": 42,
      "note": "kept <&>"
    }
  ],
  "last_updated": "2026-01-02T03:04:05.123456"
}
`

func p[T any](v T) *T { return &v }

func TestQualityKeepsWhatItDoesNotKnow(t *testing.T) {
	q, err := baseline.Parse([]byte(guide))
	assert.NilError(t, err)
	assert.Equal(t, string(q.Bytes()), guide)
	assert.Equal(t, *q.Coverage(), 90.0)
	high, critical := q.Vulnerabilities()
	assert.Equal(t, [2]int{*high, *critical}, [2]int{10, 0})
	h := q.History()
	assert.Equal(t, len(h), 1)
	assert.Equal(t, h[0].RunID, "42")
	assert.Equal(t, h[0].Time.Year(), 2026)

	when := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	changed, err := q.Add(baseline.Entry{RunID: "43", Time: when, Coverage: p(92.0), Covered: 92, Total: 100, Series: "go/line", Commit: "abc"})
	assert.NilError(t, err)
	assert.Assert(t, changed)
	q.SetCoverage(91.625, 92)
	got := string(q.Bytes())
	for _, want := range []string{`"version": 7`, `"unit": "percent",` + "\n    " + `"baseline": 91.625,`, `"note": "kept <&>"`, `"digest"`, `"last_updated": "2026-02-03T04:05:06Z"`} {
		assert.Assert(t, strings.Contains(got, want), "%s\n%s", want, got)
	}
	again, err := baseline.Parse([]byte(got))
	assert.NilError(t, err)
	assert.DeepEqual(t, again.History()[1], baseline.Entry{RunID: "43", Time: when, Coverage: p(92.0), Covered: 92, Total: 100, Series: "go/line", Commit: "abc"})
}

func TestAddIsIdempotentByRun(t *testing.T) {
	q := &baseline.Quality{}
	add := func(e baseline.Entry) bool {
		changed, err := q.Add(e)
		assert.NilError(t, err)
		return changed
	}
	assert.Assert(t, add(baseline.Entry{RunID: "1", Coverage: p(90.0)}))
	before := string(q.Bytes())
	assert.Assert(t, !add(baseline.Entry{RunID: "1", Coverage: p(12.0), Time: time.Time{}}))
	assert.Equal(t, string(q.Bytes()), before)
	assert.Assert(t, add(baseline.Entry{RunID: "1", High: p(3), Critical: p(0)})) // the other gate of the run
	assert.Equal(t, len(q.History()), 1)
	assert.Equal(t, *q.History()[0].High, 3)
	for i := range 30 {
		add(baseline.Entry{RunID: fmt.Sprint(i + 2), Coverage: p(91.0)})
	}
	h := q.History()
	assert.Equal(t, len(h), baseline.Keep)
	assert.Equal(t, h[0].RunID+" "+h[9].RunID, "22 31")
	_, err := q.Add(baseline.Entry{})
	assert.ErrorContains(t, err, "needs the id")
}

func TestBrokenQualityFiles(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"half a line", guide[:60], "line 5: unexpected end of JSON input"},
		{"an empty file", "", "line 1: unexpected end of JSON input"},
		{"NaN as Python writes it", "{\n\"coverage\": {\"baseline\": NaN}}", "line 2: invalid character 'N' looking for beginning of value"},
		{"more than all", `{"coverage": {"baseline": 120}}`, "coverage.baseline: 120 is not a percentage"},
		{"less than nothing", `{"coverage": {"current": -1}}`, "coverage.current: -1 is not a percentage"},
		{"a negative count", `{"vulnerabilities": {"high": -1}}`, "vulnerabilities.high: -1 is not a count"},
		{"half a vulnerability", `{"vulnerabilities": {"critical": 1.5}}`, "vulnerabilities.critical: 1.5 is not a count"},
		{"a text where a number belongs", `{"history": [{"coverage": "90"}]}`, `history: entry 1: coverage: "90" is not a percentage`},
		{"a list", `[]`, "[] is not an object"},
		{"a history that is none", `{"history": {}}`, "history: {} is not a list"},
		{"two documents", "{}\n{}", "line 2: invalid character '{' after top-level value"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := baseline.Parse([]byte(test.file))
			assert.Error(t, err, test.want)
		})
	}
}

// FuzzParse promises: no panic, and what is accepted is written as the same
// JSON value, stays so, and holds at most the entries it should.
func FuzzParse(f *testing.F) {
	f.Add([]byte(guide))
	f.Add([]byte(`{"history": [{"run_id": "1", "coverage": null}], "a": 1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := baseline.Parse(data)
		if err != nil {
			return
		}
		once := q.Bytes()
		if !json.Valid(once) {
			t.Fatalf("wrote %q", once)
		}
		twice, err := baseline.Parse(once)
		assert.NilError(t, err)
		assert.Equal(t, string(twice.Bytes()), string(once))
		if _, err := q.Add(baseline.Entry{RunID: "new", Coverage: p(1.0)}); err == nil {
			assert.Assert(t, len(q.History()) <= max(baseline.Keep, len(twice.History())))
		}
	})
}

func ledger(t *testing.T, n int) []byte {
	t.Helper()
	var data []byte
	for i := range n {
		var added bool
		var err error
		data, added, err = baseline.Append(data, baseline.Record{RunID: fmt.Sprint(i), Commit: "c<&>é", Covered: i, Total: 100, Verdict: "pass"})
		assert.NilError(t, err)
		assert.Assert(t, added)
	}
	return data
}

func TestLedgerFindsWhatWasDoneToIt(t *testing.T) {
	data := string(ledger(t, 4))
	records, err := baseline.ParseLedger([]byte(data))
	assert.NilError(t, err)
	assert.Equal(t, len(records), 4)
	same, added, err := baseline.Append([]byte(data), baseline.Record{RunID: "2", Covered: 99, Total: 100})
	assert.NilError(t, err)
	assert.Assert(t, !added)
	assert.Equal(t, string(same), data)

	lines := strings.SplitAfter(data, "\n")
	for _, test := range []struct{ name, text, want string }{
		{"edited", strings.Replace(data, `"covered":2`, `"covered":9`, 1), "line 3: the record was edited"},
		{"edited at the end", strings.Replace(data, `"covered":3`, `"covered":9`, 1), "line 4: the record was edited"},
		{"removed", lines[0] + lines[2] + lines[3], "line 2: the chain is broken"},
		{"removed at the start", lines[1] + lines[2], "line 1: the chain is broken"},
		{"reordered", lines[0] + lines[2] + lines[1], "line 2: the chain is broken"},
		{"doubled", lines[0] + lines[0], "line 2: the chain is broken"},
		{"cut in a line", data[:len(data)-9], "line 4: the line is not complete"},
		{"grown a key", strings.Replace(data, `"verdict"`, `"x":1,"verdict"`, 1), `line 1: json: unknown field "x"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := baseline.ParseLedger([]byte(test.text))
			assert.ErrorContains(t, err, test.want)
			_, _, err = baseline.Append([]byte(test.text), baseline.Record{RunID: "new"})
			assert.Assert(t, err != nil, "nothing is chained to a broken ledger")
		})
	}
}

// TestVulnsOfALedger: the list is told by its changes, and any record's own list
// can be had back.
func TestVulnsOfALedger(t *testing.T) {
	find := func(ids ...string) baseline.Vulns {
		v := baseline.Vulns{Scanners: []string{"grype 1"}}
		for _, id := range ids {
			v.Findings = append(v.Findings, baseline.Finding{ID: id, Package: "pkg:npm/a", Severity: "high"})
		}
		return v
	}
	var data []byte
	for i, v := range []baseline.Vulns{find("A", "B"), find("B", "C"), find("B", "C"), find()} {
		records, err := baseline.ParseLedger(data)
		assert.NilError(t, err)
		change := v.ChangeSince(records)
		assert.Equal(t, len(change.Added)+len(change.Removed), []int{2, 2, 0, 2}[i])
		data, _, err = baseline.Append(data, baseline.Record{RunID: fmt.Sprint(i), Series: baseline.VulnSeries, High: p(len(v.Findings)), Critical: p(0), Vulns: change, Verdict: "pass"})
		assert.NilError(t, err)
		data, _, err = baseline.Append(data, baseline.Record{RunID: fmt.Sprint(i), Series: "go/line", Covered: 1, Total: 2, Verdict: "pass"})
		assert.NilError(t, err)
		records, err = baseline.ParseLedger(data)
		assert.NilError(t, err)
		assert.DeepEqual(t, baseline.VulnsAfter(records).Findings, v.Findings)
	}
	assert.Assert(t, baseline.VulnsAfter(nil) == nil)
	var many []string
	for i := range 6000 {
		many = append(many, fmt.Sprint(i))
	}
	v := find(many...)
	v.Findings[0].Severity = "low"
	change := v.ChangeSince(nil)
	assert.Assert(t, change.Severe && len(change.Added) == 5000 && change.Added[0].ID == "1")
}
