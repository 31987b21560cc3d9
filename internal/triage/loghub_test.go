package triage_test

import (
	"crypto/sha256"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"keepgreen/internal/corpus"
	"keepgreen/internal/triage"
)

// tuning says on which side of the split a name stands. Rules and thresholds
// were chosen on the tuning half only; what counts is the held-out half.
func tuning(name string) bool { return sha256.Sum256([]byte(name))[0]%2 == 0 }

// loghub is the folder of logpai's sixteen labelled logs of 2,000 lines
// (github.com/logpai/loghub, for research: measured, never copied).
func loghub(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv("LOGHUB_DIR"); dir != "" {
		return dir
	}
	return corpus.Dir(tb, "loghub-2k")
}

// labelled is one set: the text of each line and the event that people gave it.
type labelled struct {
	name         string
	lines, event []string
}

func readLoghub(tb testing.TB) []labelled {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(loghub(tb), "*", "*_2k.log_structured.csv"))
	if err != nil || len(paths) == 0 {
		tb.Skip("no labelled logs found")
	}
	slices.Sort(paths)
	var out []labelled
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			tb.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			tb.Fatalf("%s: %v", p, err)
		}
		content, event := slices.Index(rows[0], "Content"), slices.Index(rows[0], "EventId")
		set := labelled{name: filepath.Base(filepath.Dir(p))}
		for _, row := range rows[1:] {
			set.lines = append(set.lines, row[content])
			set.event = append(set.event, row[event])
		}
		out = append(out, set)
	}
	return out
}

// grouping is how well groups agree with labels: GA is the share of lines in
// groups that hold exactly the lines of one event (Zhu et al. 2019), FGA its F1
// over groups (Jiang et al. 2024), pair the F1 over pairs of lines.
type grouping struct{ ga, fga, pair float64 }

func agree(truth []string, got []int) grouping {
	type cell struct {
		t string
		g int
	}
	both := map[cell]int{}
	byTruth, byGot := map[string]int{}, map[int]int{}
	for i, t := range truth {
		both[cell{t, got[i]}]++
		byTruth[t]++
		byGot[got[i]]++
	}
	pairs := func(n int) float64 { return float64(n) * float64(n-1) / 2 }
	var lines, exact int
	var tp, pt, pg float64
	for c, n := range both {
		if n == byTruth[c.t] && n == byGot[c.g] {
			lines += n
			exact++
		}
		tp += pairs(n)
	}
	for _, n := range byTruth {
		pt += pairs(n)
	}
	for _, n := range byGot {
		pg += pairs(n)
	}
	var g grouping
	g.ga = float64(lines) / float64(len(truth))
	g.fga = 2 * float64(exact) / float64(len(byTruth)+len(byGot))
	if pt+pg > 0 {
		g.pair = 2 * tp / (pt + pg)
	}
	return g
}

func mine(set labelled) []int {
	var t triage.Templates
	shapes := make([]int, len(set.lines))
	for i, line := range set.lines {
		shapes[i] = t.Add([]byte(line))
	}
	for i, s := range shapes {
		shapes[i] = t.Group(s)
	}
	return shapes
}

// TestGroupingOfLabelledLogs holds the miner to what was measured, with one
// configuration for all sets.
func TestGroupingOfLabelledLogs(t *testing.T) {
	var sum, tuned, held grouping
	var n, nt, nh float64
	for _, set := range readLoghub(t) {
		g := agree(set.event, mine(set))
		side := "held out"
		if tuning(set.name) {
			side = "tuning"
			tuned, nt = add(tuned, g), nt+1
		} else {
			held, nh = add(held, g), nh+1
		}
		sum, n = add(sum, g), n+1
		t.Logf("%-12s %-8s GA %.3f  FGA %.3f  pair F1 %.3f", set.name, side, g.ga, g.fga, g.pair)
	}
	for _, row := range []struct {
		name string
		g    grouping
		n    float64
	}{{"tuning", tuned, nt}, {"held out", held, nh}, {"all", sum, n}} {
		if row.g.ga/row.n < 0.82 || row.g.fga/row.n < 0.82 || row.g.pair/row.n < 0.94 {
			t.Errorf("%s: below GA .82, FGA .82, pair F1 .94", row.name)
		}
		t.Logf("%-21s GA %.3f  FGA %.3f  pair F1 %.3f  (%.0f sets)", row.name, row.g.ga/row.n, row.g.fga/row.n, row.g.pair/row.n, row.n)
	}
}

func add(a, b grouping) grouping { return grouping{a.ga + b.ga, a.fga + b.fga, a.pair + b.pair} }
