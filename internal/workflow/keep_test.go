package workflow

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"gotest.tools/v3/assert"
)

const marked = "a: 1\n  # keepgreen:begin here (kept)\n  # keepgreen:end here\nb: 2\n"

func TestMergeKeepsWhatStandsBetweenTheMarks(t *testing.T) {
	for _, tt := range []struct {
		name, old, text string
		hand            bool
		lost            []string
	}{
		{name: "a new file is as generated", old: "", text: marked},
		{
			name: "own lines stay", old: sealed(strings.Replace(marked, "  # keepgreen:end", "  own: 1\n\n  # keepgreen:end", 1)),
			text: strings.Replace(marked, "  # keepgreen:end", "  own: 1\n\n  # keepgreen:end", 1),
		},
		{name: "an edit elsewhere is noticed", old: strings.Replace(sealed(marked), "a: 1", "a: 2", 1), text: marked, hand: true},
		{
			name: "a place that is gone is named", old: sealed("# keepgreen:begin gone\nx: 1\n# keepgreen:end gone\n"), text: marked, lost: []string{"gone"},
		},
		{name: "an empty place that is gone is no loss", old: sealed("# keepgreen:begin gone\n# keepgreen:end gone\n"), text: marked},
		{name: "a file that init never wrote counts as edited", old: "on: push\n", text: marked, hand: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := Merge(tt.old, marked)
			assert.Equal(t, m.Text, tt.text)
			assert.Equal(t, m.Hand, tt.hand)
			assert.DeepEqual(t, m.Lost, tt.lost)
		})
	}
}

// FuzzMerge: merging twice is merging once, and no line of a place is lost.
func FuzzMerge(f *testing.F) {
	f.Add(marked)
	f.Add("# keepgreen:begin here\nmine\n# keepgreen:begin nested\n# keepgreen:end here\n")
	f.Fuzz(func(t *testing.T, old string) {
		once := Merge(old, marked)
		assert.Equal(t, Merge(once.Text, marked).Text, once.Text)
		for _, line := range places(old)["here"] {
			assert.Assert(t, strings.Contains(once.Text, line))
		}
	})
}

// FuzzScalar: whatever is written reads back as the same string.
func FuzzScalar(f *testing.F) {
	for _, s := range []string{"", "3.10", "on", "yes", "a: b", "# x", "a #b", "${{ vars.X }}", "*", "null", "0x1f", "- a", "é\u2028", "'q'", `"`, "@at", "{a}", "1_000", "12:30", "~", "<<", "="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ToValidUTF8(s, "") != s || strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == '\ufeff' || r == '\ufffe' || r == '\uffff'
		}) {
			t.Skip("YAML has no such characters")
		}
		var back map[string]string
		assert.NilError(t, yaml.Unmarshal([]byte("k: "+scalar(s)+"\n"), &back))
		assert.Equal(t, back["k"], s)
		var list struct{ K []string }
		assert.NilError(t, yaml.Unmarshal([]byte("k: ["+flowScalar(s)+", x]\n"), &list))
		assert.Equal(t, list.K[0], s)
	})
}

func TestOlder(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"v1.2.3", "v1.2.4", true}, {"v1.10.0", "v1.9.0", false}, {"v1.2.3", "v1.2.3", false}, {"v4.36.2", "codeql-bundle-v2.23.0", false}, {"v1", "v1.0.1", true},
	} {
		assert.Equal(t, Older(tt.a, tt.b), tt.want, "%s %s", tt.a, tt.b)
	}
}
