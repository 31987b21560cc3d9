package triage

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Line is one line of a log without its timestamp and colours. Text is only
// valid until the next line is read.
type Line struct {
	N    int // 1-based, as an editor counts the lines of the original file
	Text []byte
	Job  string
}

// Excerpt is a run of lines that belong together, with the line that matters.
type Excerpt struct {
	First, Last int    // lines of the log, both included
	Line        int    // the line that matters
	Text        string // its text
	Rule        string // name of the row that recognised it
	Score       int    // how telling it is; only comparable within one log
	Novel       bool   // a green run of the same job never printed it
	Lines       []string
	Job         string
	Rank        int // among the excerpts of the log; 1 is the most telling
	kind        ci.Kind
	step        int // of the job, as far as the log shows steps
}

// ExtractOptions bounds what Extract gives back. Zero: the defaults.
type ExtractOptions struct {
	Excerpts int // how many; zero: 50
	Lines    int // how many lines of text an excerpt keeps; zero: 40
}

// Extract finds the lines of a log that say why it failed, the most telling
// first. With the templates of a green run of the same job, only what that run
// never printed can be an error (LogSage's difference, arXiv 2506.03691);
// without, ordered rules and position decide. It streams: memory is bounded by
// the options, however long the log.
func Extract(lines iter.Seq[Line], green *Templates, opt ExtractOptions) []Excerpt {
	if opt.Excerpts <= 0 {
		opt.Excerpts = 50
	}
	if opt.Lines <= 0 {
		opt.Lines = 40
	}
	x := extractor{green: green.known(), opt: opt}
	for line := range lines {
		x.line(line)
	}
	x.close()
	return x.ranked()
}

// extractor is the state while a log streams by.
type extractor struct {
	green *greenSet
	opt   ExtractOptions
	kept  []Excerpt

	open  *Excerpt
	blank int  // blank lines at the end of the open excerpt
	trace bool // the open excerpt is a trace whose last line is still to come
	last  int  // number of the last line read

	job    string         // of the last line
	step   int            // number of the step that is being read
	failed map[int]bool   // steps that the forge says failed
	first  map[string]int // the first of them, by job
	words  Line           // the last line that the step printed; Text is our own
}

// known is what a log's templates say about other lines; nil stays nil.
func (t *Templates) known() *greenSet {
	if t == nil {
		return nil
	}
	g := &greenSet{shapes: t.shapes, skeletons: map[string]bool{}}
	for _, s := range t.list {
		g.skeletons[strings.Join(skeleton(s.text), " ")] = true
	}
	return g
}

// greenSet answers whether a green run has printed a line like this one.
type greenSet struct {
	shapes    map[uint64]int32
	skeletons map[string]bool
	buf       []byte
}

func (g *greenSet) has(line []byte) bool {
	g.buf = AppendMask(g.buf[:0], clipLine(line))
	if _, ok := g.shapes[hashBytes(g.buf)]; ok {
		return true
	}
	return g.skeletons[strings.Join(skeleton(string(g.buf)), " ")]
}

// anchor is the least score that opens an excerpt; soft rows, below firm, count
// only where there is nearly nothing better.
const (
	anchor = 20
	firm   = 30
)

func (x *extractor) line(l Line) {
	x.last = l.N
	text := clipLine(l.Text)
	trimmed := trimSpace(text)
	x.follow(l, trimmed)
	if len(trimmed) == 0 {
		if x.open != nil {
			x.blank++
		}
		return
	}
	row, score := weigh(trimmed, text)
	novel := true
	if x.green != nil && (score > 0 || x.open != nil) {
		novel = !x.green.has(text)
	}
	switch {
	case score >= x.least() && (x.green == nil || novel):
		if x.open != nil && (x.blank > 2 || x.open.Job != l.Job || x.another(text, trimmed, row)) {
			x.close()
		}
		x.start(l, novel)
		x.take(l, trimmed, row, score)
		x.trace = row.trace
	case x.open != nil && x.belongs(text, trimmed, novel):
		x.take(l, trimmed, row, score)
	default:
		x.close()
	}
}

// follow keeps count of the steps of a GitHub job: each begins with a group that
// is named after what it runs, and one that fails says so by an error annotation.
func (x *extractor) follow(l Line, trimmed []byte) {
	switch {
	case l.Job != x.job:
		x.job = l.Job
		x.step++
	case bytes.HasPrefix(trimmed, []byte("##[group]Run ")), bytes.HasPrefix(trimmed, []byte("Post job cleanup.")):
		x.step++
	case bytes.HasPrefix(trimmed, []byte("##[error]")):
		x.fails(l.Job)
		if bytes.HasPrefix(trimmed, []byte("##[error]Process completed with exit code")) {
			x.lastWords()
		}
		x.words.N = 0
	case len(trimmed) > 0 && !quiet(trimmed):
		x.words = Line{N: l.N, Text: append(x.words.Text[:0], clipTo(trimmed, 2000)...), Job: l.Job}
	}
}

// fails notes that the step that is being read failed.
func (x *extractor) fails(job string) {
	if x.failed == nil {
		x.failed, x.first = map[int]bool{}, map[string]int{}
	}
	x.failed[x.step] = true
	if _, known := x.first[job]; !known {
		x.first[job] = x.step
	}
}

// wordsScore is what the last line of a failed step is worth where no row knows
// it: a command that ends with an exit status mostly says why before it does.
const wordsScore = 42

// lastWords keeps the line before a step's exit code, unless an excerpt holds it.
func (x *extractor) lastWords() {
	x.close()
	w := x.words
	if w.N == 0 || len(x.kept) > 0 && x.kept[len(x.kept)-1].Last >= w.N || x.green != nil && x.green.has(w.Text) {
		return
	}
	x.open = &Excerpt{First: w.N, Last: w.N, Line: w.N, Text: string(w.Text), Rule: "last words", Score: wordsScore, Lines: []string{string(w.Text)}, Job: w.Job, Novel: x.green != nil, step: x.step}
	x.close()
}

// elsewhere is how much less an error says that does not stand in the step that
// failed first: what a step prints that went well is no cause, and what fails
// after the first failure (uploads, reports) mostly fails because of it.
func (x *extractor) elsewhere(e Excerpt) int {
	switch first, known := x.first[e.Job]; {
	case !known || e.step == first:
		return 0
	case x.failed[e.step]:
		return 35
	}
	return 45
}

// least is the least score that opens an excerpt here: beside a green log, soft
// words are not needed.
func (x *extractor) least() int {
	if x.green != nil || x.open != nil {
		return firm
	}
	return anchor
}

// another reports whether an error is a new one rather than more of the open excerpt.
func (x *extractor) another(text, trimmed []byte, row *extractRule) bool {
	return !x.trace && (row.name != x.open.Rule || row.apart) && (row.apart || !continues(text, trimmed))
}

func (x *extractor) start(l Line, novel bool) {
	if x.open == nil {
		x.open = &Excerpt{First: l.N, Last: l.N, Job: l.Job, Novel: novel && x.green != nil, step: x.step}
	}
}

// take adds a line to the open excerpt.
func (x *extractor) take(l Line, trimmed []byte, row *extractRule, score int) {
	e := x.open
	e.Last = l.N
	x.blank = 0
	if len(e.Lines) < x.opt.Lines {
		e.Lines = append(e.Lines, string(clipTo(l.Text, 500)))
	}
	if row != nil && (score > e.Score || score == e.Score && row.last) {
		e.Score, e.Rule, e.Line, e.kind = score, row.name, l.N, row.kind
		e.Text = string(clipTo(trimmed, 2000))
	}
}

func clipTo(b []byte, n int) []byte { return b[:min(len(b), n)] }

// belongs reports whether a line that is no error itself continues the open excerpt.
func (x *extractor) belongs(text, trimmed []byte, novel bool) bool {
	if quiet(trimmed) {
		return false
	}
	if continues(text, trimmed) {
		return x.blank <= 2
	}
	if x.green != nil && novel {
		return x.blank <= 1
	}
	return false
}

// close keeps the open excerpt, if it is worth more than the least that is kept.
func (x *extractor) close() {
	e := x.open
	x.open, x.blank, x.trace = nil, 0, false
	if e == nil {
		return
	}
	x.kept = append(x.kept, *e)
	if len(x.kept) >= 2*x.opt.Excerpts+16 {
		x.prune()
	}
}

// prune drops the least telling excerpts; of equal ones those in the middle,
// since causes stand at the beginning and consequences at the end.
func (x *extractor) prune() {
	if len(x.kept) <= x.opt.Excerpts {
		return
	}
	slices.SortStableFunc(x.kept, func(a, b Excerpt) int { return cmp.Compare(b.Score, a.Score) })
	n := x.opt.Excerpts
	least := x.kept[n-1].Score
	lo := slices.IndexFunc(x.kept, func(e Excerpt) bool { return e.Score == least })
	hi := lo
	for hi < len(x.kept) && x.kept[hi].Score == least {
		hi++
	}
	front := lo + (n-lo)/2
	copy(x.kept[front:n], x.kept[hi-(n-front):hi])
	x.kept = x.kept[:n]
	slices.SortFunc(x.kept, func(a, b Excerpt) int { return cmp.Compare(a.First, b.First) })
}

// ranked orders what was kept: the most telling first; of equally telling ones
// the last, for what ended a job stands at its end. The first excerpt of each
// row comes before the second of any: three traces of one error say less than
// the trace, the test and the job's last word.
func (x *extractor) ranked() []Excerpt {
	x.prune()
	out := x.kept
	weight := func(e Excerpt) int { return e.Score - x.elsewhere(e) }
	slices.SortFunc(out, func(a, b Excerpt) int {
		return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(b.First, a.First))
	})
	strong := 0
	for strong < len(out) && weight(out[strong]) >= firm {
		strong++
	}
	out = out[:max(strong, min(len(out), 3))]
	seen := map[string]int{}
	turn := make(map[int]int, len(out))
	for _, e := range out {
		turn[e.First] = seen[e.Rule]
		seen[e.Rule]++
	}
	slices.SortStableFunc(out, func(a, b Excerpt) int {
		return cmp.Or(cmp.Compare(min(turn[a.First], 1), min(turn[b.First], 1)), cmp.Compare(weight(b), weight(a)))
	})
	for i := range out {
		out[i].Rank = i + 1
	}
	return out
}

// Firm reports whether the excerpt is evidence by itself: a line of a kind that
// says that something failed, or one that a green run never printed. What is not
// firm only says where to look in a text that is known to be of a failed job.
func (e Excerpt) Firm() bool { return e.Novel || e.Score >= firm }

// Failure is the excerpt as something for triage to cluster.
func (e Excerpt) Failure() ci.Failure {
	f := ci.Failure{Kind: e.kind, Message: e.Text, Details: strings.Join(e.Lines, "\n"), Log: ci.Position{Line: e.Line, EndLine: e.Last}, Job: e.Job, Novel: e.Novel}
	f.Signal, f.Rank = float64(max(min(e.Score, 100), 1))/100, e.Rank
	if f.Kind == "" {
		f.Kind = ci.KindBuild
	}
	f.Message = strings.TrimPrefix(f.Message, "##[error]")
	if name, rest, ok := strings.Cut(f.Message, ": "); ok && isException(name) {
		f.Exception, f.Message = shortName(name), rest
		f.Kind = ci.KindError
	}
	if pos, rest, ok := compilerPosition(f.Message); ok {
		f.Pos, f.Message = pos, rest
	}
	return f
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}
