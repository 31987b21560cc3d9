package triage_test

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report/format"
	"keepgreen/internal/triage"
)

// logOf reads a log as the product does.
func logOf(content []byte) iter.Seq[triage.Line] {
	return func(yield func(triage.Line) bool) {
		for line := range format.Lines(bytes.NewReader(content)) {
			if !yield(triage.Line{N: line.N, Text: line.Text, Job: line.Job}) {
				return
			}
		}
	}
}

// bareReturns makes line breaks of bare carriage returns, as the people who
// labelled the cidiff logs counted them.
func bareReturns(content []byte) []byte {
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(content, []byte("\r"), []byte("\n"))
}

// truthLines reads the error lines ("E 12", "E 12-15") of a labelling.
func truthLines(tb testing.TB, path string) map[int]bool {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[int]bool{}
	for line := range strings.Lines(string(content)) {
		var first, last int
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "E ")
		if !ok {
			continue
		}
		if n, _ := fmt.Sscanf(rest, "%d-%d", &first, &last); n == 1 {
			last = first
		}
		for n := first; n <= last; n++ {
			out[n] = true
		}
	}
	return out
}

// retrieval sums precision and recall over logs; F1 is that of the two means.
type retrieval struct{ p, r, n float64 }

func (r retrieval) f1() float64 {
	p, q := r.p/r.n, r.r/r.n
	return 2 * p * q / (p + q)
}

func (r *retrieval) add(truth, got map[int]bool) (p, q float64) {
	tp := 0
	for n := range got {
		if truth[n] {
			tp++
		}
	}
	if len(got) > 0 {
		p = float64(tp) / float64(len(got))
	}
	if len(truth) > 0 {
		q = float64(tp) / float64(len(truth))
	}
	r.p, r.r, r.n = r.p+p, r.r+q, r.n+1
	return p, q
}

func overlaps(a, b map[int]bool) bool {
	for n := range a {
		if b[n] {
			return true
		}
	}
	return false
}

// TestExtractFindsTheErrorLines measures on cidiff's pairs of logs.
func TestExtractFindsTheErrorLines(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t, "logs-cidiff"), "data", "breakages")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	missed, logs := map[string]string{}, 0
	// rows: half × with or without the green log × who labelled
	sums := map[string]*retrieval{}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		read := func(name string) []byte {
			content, err := os.ReadFile(filepath.Join(dir, e.Name(), name))
			if err != nil {
				t.Fatal(err)
			}
			return bareReturns(content)
		}
		fail := read("fail.log")
		var green triage.Templates
		for line := range logOf(read("pass.log")) {
			green.Add(line.Text)
		}
		half := "held out"
		if tuning(e.Name()) {
			half = "tuning"
		}
		for _, with := range []string{"with green log", "without"} {
			g := &green
			if with == "without" {
				g = nil
			}
			got := map[int]bool{}
			for _, x := range triage.Extract(logOf(fail), g, triage.ExtractOptions{}) {
				for n := x.First; n <= x.Last; n++ {
					got[n] = true
				}
			}
			if g != nil {
				logs++
				if !overlaps(got, truthLines(t, filepath.Join(dir, e.Name(), "groundtruth"))) {
					missed[e.Name()] = "no line that people named is among those found"
				}
			}
			for _, who := range []string{"groundtruth", "groundtruth2"} {
				truth := truthLines(t, filepath.Join(dir, e.Name(), who))
				for _, key := range []string{half + ", " + with + ", " + who, "all, " + with + ", " + who} {
					if sums[key] == nil {
						sums[key] = &retrieval{}
					}
					p, q := sums[key].add(truth, got)
					if strings.HasPrefix(key, "tuning") && with != "without" && who == "groundtruth" {
						t.Logf("%-28s P %.2f R %.2f  (%d lines, truth %d)", e.Name(), p, q, len(got), len(truth))
					}
				}
			}
		}
	}
	corpus.State(t, "logs-cidiff, an error line is found", logs-len(missed), logs, missed)
	keys := make([]string, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s := sums[k]
		if strings.Contains(k, "with green log, groundtruth") && !strings.HasSuffix(k, "2") && s.f1() < 0.85 {
			t.Errorf("%s: F1 %.3f is below .85", k, s.f1())
		}
		t.Logf("%-44s P %.3f  R %.3f  F1 %.3f  (%.0f logs)", k, s.p/s.n, s.r/s.n, s.f1(), s.n)
	}
}

// TestExtractFindsTheLineThatMatters measures on PyTorch's labelled logs.
func TestExtractFindsTheLineThatMatters(t *testing.T) {
	dir := filepath.Join(corpus.Dir(t, "logs-pytorch"), "aws", "lambda", "log-classifier", "fixtures", "classify")
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Skip("no labelled logs found")
	}
	type tally struct{ first, three, n, answered, amongst float64 }
	sums := map[string]*tally{"tuning": {}, "held out": {}, "all": {}}
	below := map[string]string{}
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		log, truth := unmarked(raw)
		excerpts := triage.Extract(logOf(log), nil, triage.ExtractOptions{})
		at := slices.IndexFunc(excerpts, func(x triage.Excerpt) bool { return x.Line == truth })
		half := "held out"
		if tuning(filepath.Base(p)) {
			half = "tuning"
		}
		if at < 0 || at >= 3 {
			below[filepath.Base(p)] = "other lines look more telling"
		}
		answer := slices.IndexFunc(clustersOfLog(log, nil), func(c ci.Cluster) bool {
			return slices.ContainsFunc(c.Members, func(f ci.Failure) bool { return f.Log.Line == truth })
		})
		for _, k := range []string{half, "all"} {
			sums[k].n++
			if answer == 0 {
				sums[k].answered++
			}
			if 0 <= answer && answer < 3 {
				sums[k].amongst++
			}
			if at == 0 {
				sums[k].first++
			}
			if 0 <= at && at < 3 {
				sums[k].three++
			}
		}
		if half == "tuning" && at != 0 {
			t.Logf("%s: line %d is at %d", filepath.Base(p), truth, at)
			for _, x := range excerpts[:min(3, len(excerpts))] {
				t.Logf("    %d %s (%d): %.110s", x.Line, x.Rule, x.Score, x.Text)
			}
		}
	}
	corpus.State(t, "logs-pytorch, the line is among the first three", int(sums["all"].three), int(sums["all"].n), below)
	for _, k := range []string{"tuning", "held out", "all"} {
		s := sums[k]
		if k == "all" && (s.first/s.n < 0.70 || s.three/s.n < 0.80) {
			t.Errorf("%s: below top 1 .70, top 3 .80", k)
		}
		t.Logf("%-9s top 1 %.2f  top 3 %.2f; as triage answers, in the first cause %.2f, in the first three %.2f  (%.0f logs)",
			k, s.first/s.n, s.three/s.n, s.answered/s.n, s.amongst/s.n, s.n)
	}
}

// unmarked takes the labels out of a log and gives the number of the labelled line.
func unmarked(raw []byte) (log []byte, line int) {
	var out bytes.Buffer
	n := 0
	for l := range bytes.Lines(raw) {
		if bytes.HasPrefix(l, []byte("#=SOURCE=#")) {
			continue
		}
		n++
		if rest, ok := bytes.CutPrefix(l, []byte("#=MATCH=# ")); ok {
			line, l = n, rest
		}
		out.Write(l)
	}
	log = bytes.ReplaceAll(out.Bytes(), []byte("‹"), nil)
	return bytes.ReplaceAll(log, []byte("›"), nil), line
}
