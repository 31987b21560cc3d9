package triage_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"go/format"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/triage"
)

// The weights of confidence are fitted to the rows in testdata/calibration: one
// row a cluster, with the values of the model's features and whether its cause
// was right. seeded.tsv is written by the end-to-end test TestHeavyCalibration,
// logs.tsv by TestCalibrationLogs below. "make calibrate" makes everything again.

// ridges are the penalties that are tried; they keep the weights of signs that few
// rows show near 0. Cross-validation over the files of the tuning half chooses.
var ridges = []float64{0.3, 1, 3, 10, 30}

// row is a labelled cluster.
type row struct {
	source, name string
	right        bool
	x            []float64
}

func (r row) y() float64 {
	if r.right {
		return 1
	}
	return 0
}

// family is what counts together in the fit.
func (r row) family() string {
	if r.source == "example" {
		return "seeded"
	}
	return r.source
}

func readCalibration(tb testing.TB) (rows []row) {
	tb.Helper()
	for _, file := range []string{"seeded.tsv", "logs.tsv"} {
		data, err := os.ReadFile(filepath.Join("testdata", "calibration", file))
		if err != nil {
			tb.Fatal(err)
		}
		in := csv.NewReader(bytes.NewReader(data))
		in.Comma, in.LazyQuotes = '\t', true
		records, err := in.ReadAll()
		if err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		if want := append([]string{"source", "name", "case", "right"}, triage.FeatureNames()...); !slices.Equal(records[0], want) {
			tb.Fatalf("%s: its columns are not the model's features; make calibrate writes it again", file)
		}
		for n, record := range records[1:] {
			r := row{source: record[0], name: record[1], right: record[3] == "true"}
			for _, cell := range record[4:] {
				x, err := strconv.ParseFloat(cell, 64)
				if err != nil {
					tb.Fatalf("%s:%d: %v", file, n+2, err)
				}
				r.x = append(r.x, x)
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// model is a logistic one; the bias comes first.
type model []float64

func (m model) probability(x []float64) float64 {
	sum := m[0]
	for i, v := range x {
		sum += m[i+1] * v
	}
	return 1 / (1 + math.Exp(-sum))
}

// fit maximises the penalised likelihood by Newton's method (iteratively
// reweighted least squares; le Cessie and van Houwelingen 1992). The bias is not
// penalised. What tools reported and each collection of logs count the same in
// sum, so that hundreds of seeded breakages do not outvote the logs.
func fit(rows []row, ridge float64) model {
	n := len(rows[0].x) + 1
	counts := map[string]float64{}
	for _, r := range rows {
		counts[r.family()]++
	}
	weight := func(r row) float64 { return float64(len(rows)) / float64(len(counts)) / counts[r.family()] }
	m := make(model, n)
	for range 50 {
		gradient, hessian := make([]float64, n), make([][]float64, n)
		for i := range hessian {
			hessian[i] = make([]float64, n)
			if i > 0 {
				gradient[i], hessian[i][i] = -ridge*m[i], ridge
			}
		}
		for _, r := range rows {
			p := m.probability(r.x)
			x := append([]float64{1}, r.x...)
			for i := range x {
				gradient[i] += weight(r) * (r.y() - p) * x[i]
				for j := range x {
					hessian[i][j] += weight(r) * p * (1 - p) * x[i] * x[j]
				}
			}
		}
		step := solve(hessian, gradient)
		size := 0.0
		for i, s := range step {
			m[i] += s
			size += s * s
		}
		if size < 1e-18 {
			break
		}
	}
	for i := range m { // as printed: further digits mean nothing
		m[i] = math.Round(m[i]*1000) / 1000
	}
	return m
}

// crossValidated is the penalty with the least log loss when each fifth of the
// files is predicted from the other four.
func crossValidated(rows []row) (best float64) {
	least := math.Inf(1)
	for _, ridge := range ridges {
		loss := 0.0
		for fold := range byte(5) {
			in := func(r row) bool { return sha256.Sum256([]byte(r.name))[1]%5 == fold }
			m := fit(slices.DeleteFunc(slices.Clone(rows), in), ridge)
			for _, r := range rows {
				if in(r) {
					loss -= math.Log(max(1e-9, 1-math.Abs(r.y()-m.probability(r.x))))
				}
			}
		}
		if loss < least {
			least, best = loss, ridge
		}
	}
	return best
}

// solve is Gauss's elimination for a positive definite matrix.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for i := range n {
		for k := i + 1; k < n; k++ {
			f := a[k][i] / a[i][i]
			for j := i; j < n; j++ {
				a[k][j] -= f * a[i][j]
			}
			b[k] -= f * b[i]
		}
	}
	x := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		x[i] = b[i]
		for j := i + 1; j < n; j++ {
			x[i] -= a[i][j] * x[j]
		}
		x[i] /= a[i][i]
	}
	return x
}

// halves splits the rows by the SHA-256 of the file that was broken or read.
func halves(rows []row) (tuned, held []row) {
	for _, r := range rows {
		if tuning(r.source + "/" + r.name) {
			tuned = append(tuned, r)
		} else {
			held = append(held, r)
		}
	}
	return tuned, held
}

// TestConfidenceIsTheFit holds the shipped weights, and what docs/ says of them,
// to the rows: -update fits and writes them again.
func TestConfidenceIsTheFit(t *testing.T) {
	rows := readCalibration(t)
	tuned, held := halves(rows)
	ridge := crossValidated(tuned)
	m := fit(tuned, ridge)
	t.Logf("ridge %g", ridge)
	compare(t, "weights.go", weightsFile(m))
	compare(t, filepath.Join("..", "..", "docs", "confidence.svg"), plot(m, held))
	compare(t, filepath.Join("..", "..", "docs", "confidence.md"), page(m, ridge, tuned, held))
	if s := scoreOf(m, held); s.ece > 0.1 {
		t.Errorf("held out: expected calibration error %.3f is above .1", s.ece)
	}
}

// compare is golden's comparison, for files that stand elsewhere.
func compare(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err == nil && string(got) == want {
		return
	}
	if !golden.FlagUpdate() {
		t.Errorf("%s is not what the rows in testdata/calibration give: go test -run ConfidenceIsTheFit -update writes it again", path)
		return
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func weightsFile(m model) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// Code generated by go test -run ConfidenceIsTheFit -update; DO NOT EDIT.\n\npackage triage\n\n")
	fmt.Fprintf(&b, "// weightBias and weights are fitted to the labelled clusters in\n// testdata/calibration, in log odds; docs/confidence.md says how well.\nconst weightBias = %g\n\nvar weights = [...]float64{\n", m[0])
	for i, name := range triage.FeatureNames() {
		fmt.Fprintf(&b, "\t%g, // %s\n", m[i+1], name)
	}
	b.WriteString("}\n")
	source, err := format.Source([]byte(b.String()))
	if err != nil {
		panic(err) // the names of features are no comments any more
	}
	return string(source)
}

// score is how good probabilities are.
type score struct {
	n, right   int
	brier, ece float64
	baseline   float64 // Brier score of the share of right ones, said of all
	bins       [10]bin
}

// bin is the clusters whose confidence lies in one tenth.
type bin struct {
	n, right int
	said     float64 // sum
}

// scoreOf computes Brier's score and the expected calibration error over ten
// bins of equal width (Naeini et al. 2015).
func scoreOf(m model, rows []row) (s score) {
	for _, r := range rows {
		p := m.probability(r.x)
		s.brier += (p - r.y()) * (p - r.y())
		b := &s.bins[min(int(p*10), 9)]
		b.n++
		b.said += p
		s.n++
		if r.right {
			b.right++
			s.right++
		}
	}
	n := float64(s.n)
	for _, b := range s.bins {
		s.ece += math.Abs(b.said-float64(b.right)) / n
	}
	share := float64(s.right) / n
	s.brier, s.baseline = s.brier/n, share*(1-share)
	return s
}

// page is docs/confidence.md.
func page(m model, ridge float64, tuned, held []row) string {
	var b strings.Builder
	b.WriteString(`# Confidence

Every cause has a confidence: the probability that who reads it is led to the fault. It is a logistic model over the signs below,
fitted to labelled clusters with the ridge penalty that cross-validation over the files of the tuning half chose. This page, the plot and the weights in the program are written by one test
(` + "`go test ./internal/triage -run ConfidenceIsTheFit -update`" + `) and compared by it; ` + "`make calibrate`" + ` also makes the labelled rows again.

| source | what was labelled | right means |
| --- | --- | --- |
| seeded | small Python and Go programs, broken in one to three places at a time; the real pytest, ruff, mypy and go test ran on each | the class of cause fits the fault, and the cause names what was broken, the function around it, or a place at most three lines away |
| example | examples/kv-hygiene as it is, whose README lists its faults | the cause names one of them |
| logs-pytorch | 41 CI logs with the line that matters marked by hand | the cause was read from that line |
| logs-cidiff | 36 CI logs with their error lines listed by hand, without the green log and with it | the cause was read from one of them |

The split: a row belongs to the tuning half if the first byte of the SHA-256 of its source and file is even. Weights are fitted on the tuning half;
everything else here is about the other half, which holds other files, but mutations and tools of the same kinds. It was looked at
while signs and penalty were chosen, so it is a little kinder than a repository that nobody has seen. What tools reported and each collection of logs have the same weight in the fit.
A cause in your repository is more like the seeded ones if tools reported it, and more like the logs if it was a line of text.

## How well it holds

![What was said against what was so](confidence.svg)

| half | source | clusters | right | Brier score | of the share alone | expected calibration error |
| --- | --- | --: | --: | --: | --: | --: |
`)
	for _, half := range []struct {
		name string
		rows []row
	}{{"tuning", tuned}, {"held out", held}} {
		for _, source := range append([]string{""}, sources(half.rows)...) {
			of := slices.DeleteFunc(slices.Clone(half.rows), func(r row) bool { return source != "" && r.source != source })
			name := source
			if name == "" {
				name = "all"
			}
			s := scoreOf(m, of)
			fmt.Fprintf(&b, "| %s | %s | %d | %d | %.3f | %.3f | %.3f |\n", half.name, name, s.n, s.right, s.brier, s.baseline, s.ece)
		}
	}
	b.WriteString("\n## The signs and their weights\n\n")
	fmt.Fprintf(&b, "In log odds; a cause of which nothing is known begins at %.2f. The penalty is %g.\n\n| sign | what it is | weight | rows that show it |\n| --- | --- | --: | --: |\n", m[0], ridge)
	_, signs := triage.Confidence()
	for i, f := range signs {
		n := 0
		for _, r := range tuned {
			if r.x[i] != 0 {
				n++
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %+.2f | %d |\n", f.Name, f.Doc, m[i+1], n)
	}
	b.WriteString("\nA weight says what a sign adds beside the others, so its own sign may surprise. A sign that no row shows has the weight 0: nothing is known of it.\n")
	return b.String()
}

func sources(rows []row) (out []string) {
	for _, r := range rows {
		if !slices.Contains(out, r.source) {
			out = append(out, r.source)
		}
	}
	slices.Sort(out)
	return out
}

// plot is the reliability diagram: what was said against how often it was so, with
// Wilson's 95 % interval; the area of a point is its number of clusters.
func plot(m model, rows []row) string {
	s := scoreOf(m, rows)
	x := func(p float64) float64 { return 60 + 360*p }
	y := func(p float64) float64 { return 400 - 360*p }
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 440 460" width="440" height="460" role="img" aria-label="Reliability of confidence on the held-out half" font-family="system-ui, sans-serif" font-size="12">
<style>svg{background:#fff;color:#1f2328}.d{stroke:#1a7f37;fill:#1a7f37}@media(prefers-color-scheme:dark){svg{background:#0d1117;color:#e6edf3}.d{stroke:#3fb950;fill:#3fb950}}</style>
<g fill="none" stroke="currentColor"><rect x="60" y="40" width="360" height="360" opacity=".35"/><path d="M60 400L420 40" stroke-dasharray="4 4" opacity=".6"/></g>
<g fill="currentColor"><text x="240" y="22" text-anchor="middle">`)
	fmt.Fprintf(&b, "%d held-out clusters: Brier %.3f, ECE %.3f</text>\n", s.n, s.brier, s.ece)
	for i := range 6 {
		p := float64(i) / 5
		fmt.Fprintf(&b, `<text x="%g" y="418" text-anchor="middle">%.1f</text><text x="52" y="%g" text-anchor="end">%.1f</text>`+"\n", x(p), p, y(p)+4, p)
	}
	b.WriteString(`<text x="240" y="444" text-anchor="middle">confidence that was printed</text><text transform="translate(20 220) rotate(-90)" text-anchor="middle">share that was right</text></g>` + "\n<g class=\"d\">\n")
	for _, bin := range s.bins {
		if bin.n == 0 {
			continue
		}
		n := float64(bin.n)
		p, said := float64(bin.right)/n, bin.said/n
		low, high := wilson(p, n)
		fmt.Fprintf(&b, `<path d="M%.1f %.1fV%.1f"/><circle cx="%.1f" cy="%.1f" r="%.1f" fill-opacity=".5"><title>%d clusters: %.2f said, %.2f right</title></circle>`+"\n",
			x(said), y(low), y(high), x(said), y(p), 2+math.Sqrt(n), bin.n, said, p)
	}
	return b.String() + "</g>\n</svg>\n"
}

// wilson is the 95 % interval of a share.
func wilson(p, n float64) (low, high float64) {
	const z = 1.96
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return centre - half, centre + half
}
