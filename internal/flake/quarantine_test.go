package flake_test

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
)

const list = `# ours
version: 1
quarantine:
  # the pool is being rewritten
  - test: tests/test_kv.py::TestPool::test_reuse[fp16]
    owner: "@kv"   # on call
    reason: >
      loses a block
      under load
    expires: 2026-12-31

  - test: "tests/test_io.py::test_read"
    variant: py3.12
    owner: ada
    reason: network
    ticket: 4711
    expires: 2026-03-01
# the end
`

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	assert.NilError(t, err)
	return d
}

func TestParseQuarantine(t *testing.T) {
	got, err := flake.ParseQuarantine([]byte(list))
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []flake.Entry{
		{Test: "tests/test_kv.py::TestPool::test_reuse[fp16]", Owner: "@kv", Reason: "loses a block under load", Expires: day(t, "2026-12-31"), Line: 5},
		{Test: "tests/test_io.py::test_read", Variant: "py3.12", Owner: "ada", Reason: "network", Ticket: "4711", Expires: day(t, "2026-03-01"), Line: 12},
	})
	for _, empty := range []string{"", "# nothing\n", "version: 1\n", "quarantine:\n", "quarantine: []\n", "---\n"} {
		got, err := flake.ParseQuarantine([]byte(empty))
		assert.NilError(t, err, empty)
		assert.Equal(t, len(got), 0)
	}
}

func TestParseQuarantineErrors(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"no owner", "quarantine:\n- test: a\n  reason: b\n  expires: 2026-01-01\n", "line 2: owner is missing"},
		{"never expires", "quarantine:\n- test: a\n  reason: b\n  owner: c\n", "line 2: expires is missing"},
		{"a date that is none", "quarantine:\n- test: a\n  reason: b\n  owner: c\n  expires: soon\n", `line 5: expires: "soon" is not a date such as 2026-12-31`},
		{"a misspelt key", "quarantine:\n- test: a\n  expire: 2026-01-01\n", `line 3: unknown key "expire"; want test, variant, owner, reason, ticket or expires`},
		{"a list for text", "quarantine:\n- test: [a, b]\n", "line 2: test: want text"},
		{"an alias", "quarantine:\n- test: &a x\n", "line 2: test: want text"},
		{"an unknown key above", "tests:\n- a\n", `line 1: unknown key "tests"; want version or quarantine`},
		{"no list", "version: 1\nquarantine: a\n", "line 2: quarantine: want a list of tests"},
		{"another version", "version: 2\n", "line 1: version: this keepgreen knows 1"},
		{"a list of names", "quarantine:\n- a\n", "line 2: want a test with the keys test, owner, reason and expires"},
		{"twice", list + "  - {test: tests/test_io.py::test_read, variant: py3.12, owner: a, reason: b, expires: 2026-01-01}\n", "line 19: tests/test_io.py::test_read is in the list already, in line 12"},
		{"two mistakes", "quarantine:\n- test: a\n- test: b\n", "line 2: owner is missing\nline 3: owner is missing"},
		{"no YAML", "quarantine:\n\t- a\n", "line 2: "},
		{"text", "hello\n", "line 1: want the keys version and quarantine"},
		{"too long", strings.Repeat("#", 1<<20) + "\n", "longer than"},
	} {
		_, err := flake.ParseQuarantine([]byte(c.in))
		assert.Check(t, is.ErrorContains(err, c.want), c.name)
	}
	kept, err := flake.ParseQuarantine([]byte(list + "  - test: x\n"))
	assert.Assert(t, err != nil)
	assert.Equal(t, len(kept), 2)
}

func TestExpiry(t *testing.T) {
	entries, err := flake.ParseQuarantine([]byte(list))
	assert.NilError(t, err)
	read := flake.Test{ID: "tests/test_io.py::test_read", Variant: "py3.12"}
	_, active := flake.Quarantined(entries, read, day(t, "2026-03-01").Add(23*time.Hour))
	assert.Assert(t, active, "the last day counts")
	_, active = flake.Quarantined(entries, read, day(t, "2026-03-02"))
	assert.Assert(t, !active)
	_, active = flake.Quarantined(entries, flake.Test{ID: read.ID, Variant: "py3.11"}, day(t, "2026-01-01"))
	assert.Assert(t, !active, "another variant")
	pool := flake.Test{ID: entries[0].Test, Variant: "arm64"}
	_, active = flake.Quarantined(entries, pool, day(t, "2026-01-01"))
	assert.Assert(t, active, "an entry without a variant covers all")
}

func TestExcused(t *testing.T) {
	const p, f, x, cut = ci.Passed, ci.Failed, ci.Skipped, ci.Unknown
	e := flake.Entry{Test: "a", Owner: "o", Reason: "r", Expires: day(t, "2026-06-30")}
	now := day(t, "2026-06-01")
	known := flake.Verdict{Test: flake.Test{ID: "a"}, Verdict: ci.FlakeFlaky, Interval: [2]float64{0.05, 0.3}}
	broken := known
	broken.Verdict = ci.FlakeBroken
	for _, c := range []struct {
		name     string
		v        flake.Verdict
		attempts []ci.Outcome
		now      time.Time
		want     bool
	}{
		{"passed when retried", known, []ci.Outcome{f, p}, now, true},
		{"passed when retried, though its history says nothing", flake.Verdict{Test: known.Test}, []ci.Outcome{f, p}, now, true},
		{"known as flaky, not retried", known, []ci.Outcome{f}, now, true},
		{"failed more often in a row than such a flake does", known, []ci.Outcome{f, f, f}, now, false},
		{"broken", broken, []ci.Outcome{f}, now, false},
		{"not known as flaky", flake.Verdict{Test: known.Test, Verdict: ci.FlakeHealthy}, []ci.Outcome{f}, now, false},
		{"expired", known, []ci.Outcome{f, p}, day(t, "2026-07-01"), false},
		{"cut off", known, []ci.Outcome{f, cut}, now, false},
		{"skipped when retried", broken, []ci.Outcome{f, x}, now, false},
		{"did not fail", known, []ci.Outcome{p}, now, false},
		{"another test", flake.Verdict{Test: flake.Test{ID: "b"}, Verdict: ci.FlakeFlaky}, []ci.Outcome{f, p}, now, false},
	} {
		got, because := flake.Excused(e, c.v, c.attempts, c.now)
		assert.Check(t, is.Equal(got, c.want), c.name)
		assert.Check(t, because != "", c.name)
	}
}

func TestEditQuarantine(t *testing.T) {
	e := flake.Entry{Test: `tests/t.py::test_"x"[a: b #1]`, Owner: "@team", Reason: "line\nfeed <é>", Expires: day(t, "2026-05-01")}
	entry := "  - test: \"tests/t.py::test_\\\"x\\\"[a: b #1]\"\n    owner: \"@team\"\n    reason: \"line\\nfeed <é>\"\n    expires: \"2026-05-01\"\n"
	added, err := flake.AddQuarantine([]byte(list), e)
	assert.NilError(t, err)
	assert.Equal(t, string(added), strings.Replace(list, "# the end\n", entry+"# the end\n", 1))
	back, found, err := flake.RemoveQuarantine(added, e.Test, "")
	assert.NilError(t, err)
	assert.Assert(t, found)
	assert.Equal(t, string(back), list)

	out, found, err := flake.RemoveQuarantine([]byte(list), "tests/test_kv.py::TestPool::test_reuse[fp16]", "")
	assert.NilError(t, err)
	assert.Assert(t, found)
	assert.Assert(t, is.Contains(string(out), "# the pool is being rewritten"))
	assert.Assert(t, !strings.Contains(string(out), "under load"))
	_, found, err = flake.RemoveQuarantine([]byte(list), "none", "")
	assert.NilError(t, err)
	assert.Assert(t, !found)

	for _, empty := range []string{"", "version: 1\nquarantine: []\n", "quarantine:", "quarantine: # none\n", "version: 1\r\nquarantine:\r\n"} {
		out, err := flake.AddQuarantine([]byte(empty), e)
		assert.NilError(t, err, empty)
		got, err := flake.ParseQuarantine(out)
		assert.NilError(t, err)
		assert.Equal(t, len(got), 1)
	}
	_, err = flake.AddQuarantine(added, e)
	assert.ErrorContains(t, err, "in the list already")
	_, err = flake.AddQuarantine([]byte("quarantine: [{test: a, owner: b, reason: c, expires: 2026-01-01}]\n"), e)
	assert.ErrorContains(t, err, "by hand")
	e.Owner = ""
	_, err = flake.AddQuarantine([]byte(list), e)
	assert.ErrorContains(t, err, "owner is missing")
}

// FuzzQuarantine: any bytes are a list or a mistake; what is a list can be added
// to and removed from, and is then the list it was.
func FuzzQuarantine(f *testing.F) {
	f.Add([]byte(list), "tests/a.py::test_x")
	f.Add([]byte("quarantine:\n- test: a\n  owner: b\n  reason: |\n    # c\n  expires: 2026-01-01"), "b")
	f.Add([]byte("quarantine: [{test: a, owner: b, reason: c, expires: 2026-01-01}]"), "\x00")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		before, err := flake.ParseQuarantine(data)
		if err != nil {
			return
		}
		e := flake.Entry{Test: ci.TestID(name), Owner: "o", Reason: "r", Expires: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		added, err := flake.AddQuarantine(data, e)
		if err != nil {
			return
		}
		removed, found, err := flake.RemoveQuarantine(added, e.Test, "")
		assert.NilError(t, err)
		assert.Assert(t, found)
		after, err := flake.ParseQuarantine(removed)
		assert.NilError(t, err)
		assert.Equal(t, len(after), len(before))
		for i := range after {
			assert.Equal(t, after[i].Test, before[i].Test)
			assert.Equal(t, after[i].Reason, before[i].Reason)
		}
	})
}
