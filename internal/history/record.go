package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"keepgreen/internal/ci"
)

// Limits on what strangers' text can make a record weigh.
const (
	maxName       = 2 << 10 // bytes of a test ID or variant
	maxMessage    = 4 << 10 // bytes of a failure's message
	maxFailures   = 20_000  // rows of a record
	messageBudget = 8 << 20 // bytes of all messages together; past it a message is a headline
	maxHeadline   = 256
	maxPrints     = 64 // fingerprints of a cluster
)

// Record is everything the history keeps of one run, self-contained: Results
// index into Tests, so that a record can be copied from store to store. It is
// the unit of writing and of idempotency.
type Record struct {
	Run      RunRow
	Tests    []Test // sorted by ID and variant; Index is the position
	Results  Results
	Failures []Failure
	Clusters []Cluster // sorted by ID
}

// NewRecord is the run as the history keeps it. The shard is empty for a run
// that is not split.
func NewRecord(run ci.Run, shard string, clusters []ci.Cluster) (Record, error) {
	r := Record{Run: newRow(run, shard)}
	r.columns(run.Tests)
	r.addFailures(run, clusters)
	for _, c := range clusters {
		r.Clusters = append(r.Clusters, newCluster(c))
	}
	slices.SortFunc(r.Clusters, func(a, b Cluster) int { return cmp.Compare(a.ID, b.ID) })
	r.Clusters = slices.CompactFunc(r.Clusters, func(a, b Cluster) bool { return a.ID == b.ID })
	sum, err := r.Sum()
	r.Run.SHA256 = sum
	return r, err
}

// Sum is the checksum of the record's content, as RunRow.SHA256 has it. It
// depends neither on the store nor on how blocks are compressed.
func (r Record) Sum() (string, error) {
	payload, err := r.Results.payload()
	if err != nil {
		return "", err
	}
	r.Run.SHA256 = ""
	hash := sha256.New()
	hash.Write(payload)
	for _, part := range []any{r.Run, r.names(), r.Failures, r.Clusters} {
		if err := json.NewEncoder(hash).Encode(part); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// names are the tests as export files hold them: ID and variant in turn.
func (r Record) names() []string {
	out := make([]string, 0, 2*len(r.Tests))
	for _, t := range r.Tests {
		out = append(out, string(t.ID), t.Variant)
	}
	return out
}

func newRow(run ci.Run, shard string) RunRow {
	row := RunRow{
		Key:      Key{Repo: text(run.Repo, maxName), Run: text(run.ID, maxName), Attempt: run.Attempt, Shard: text(shard, maxName)},
		Workflow: text(run.Workflow, maxName), Event: text(run.Event, maxName), Branch: text(run.Branch, maxName),
		Commit: text(run.Commit, maxName), Tree: text(run.Tree, maxName), Base: text(run.Base, maxName),
		Dirty: run.Dirty, Main: run.Main,
		Started: instant(run.Started), Duration: run.Duration,
		Results: len(run.Tests), Diagnostics: len(run.Diagnostics),
	}
	last, recovered := ci.Last(run.Tests)
	for _, t := range last {
		switch {
		case t.Outcome.Bad():
			row.Failed++
		case t.Outcome.Good():
			row.Passed++
		case t.Outcome == ci.Skipped:
			row.Skipped++
		}
	}
	row.Recovered = len(recovered)
	row.Green = green(run, row)
	if c := run.Coverage; c != nil {
		row.Coverage = newCoverage(c)
	}
	return row
}

// green asks for something that ran and for nothing that was bad: a run in
// which nothing happened is no data, and no data is never a pass.
func green(run ci.Run, row RunRow) bool {
	ran := row.Passed > 0
	for _, j := range run.Jobs {
		switch j.Status {
		case ci.JobSuccess:
			ran = true
		case ci.JobSkipped:
		default:
			return false
		}
	}
	return ran && row.Failed == 0 && len(run.Failures()) == 0
}

func newCoverage(c *ci.Coverage) *Coverage {
	series := c.Tool + "/line"
	if c.Branches {
		series = c.Tool + "/branch"
	}
	out := &Coverage{Series: text(series, maxName)}
	out.Covered, out.Total, out.CoveredBranches, out.TotalBranches = c.Counts()
	return out
}

// columns fills Tests and Results.
func (r *Record) columns(results []ci.TestResult) {
	type name struct{ id, variant string }
	names := make([]name, len(results))
	distinct := make(map[name]Index, len(results))
	for i, t := range results {
		names[i] = name{text(string(t.ID), maxName), text(t.Variant, maxName)}
		distinct[names[i]] = 0
	}
	for n := range distinct {
		r.Tests = append(r.Tests, Test{ID: ci.TestID(n.id), Variant: n.variant})
	}
	slices.SortFunc(r.Tests, compareTests)
	for i := range r.Tests {
		r.Tests[i].Index = Index(i)
		distinct[name{string(r.Tests[i].ID), r.Tests[i].Variant}] = Index(i)
	}
	order := make([]int, len(results))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(distinct[names[a]], distinct[names[b]]), cmp.Compare(results[a].Attempt, results[b].Attempt))
	})
	for _, i := range order {
		t := results[i]
		r.Results.Tests = append(r.Results.Tests, distinct[names[i]])
		r.Results.Outcomes = append(r.Results.Outcomes, t.Outcome)
		r.Results.Attempts = append(r.Results.Attempts, uint8(max(0, min(t.Attempt, math.MaxUint8))))
		r.Results.Durations = append(r.Results.Durations, ticks(t))
	}
}

func compareTests(a, b Test) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Variant, b.Variant))
}

func ticks(t ci.TestResult) uint32 {
	if !t.Timed {
		return 0
	}
	n := (max(t.Duration, 0) + Tick/2) / Tick
	return uint32(min(n, math.MaxUint32-1)) + 1
}

// addFailures gathers every bad attempt of a test, every diagnostic that is not
// merely informational, and what else the clusters hold: failures of the run as
// a whole.
func (r *Record) addFailures(run ci.Run, clusters []ci.Cluster) {
	budget := messageBudget
	of := map[failureKey]string{}
	for _, c := range clusters {
		for _, m := range c.Members {
			of[keyOf(m)] = c.ID
		}
	}
	add := func(f ci.Failure, variant string, attempt int) {
		if len(r.Failures) >= maxFailures {
			return
		}
		most := maxMessage
		if budget <= 0 {
			most = maxHeadline
		}
		row := newFailure(f, of[keyOf(f)], most)
		row.Variant, row.Attempt = text(variant, maxName), attempt
		budget -= len(row.Message)
		r.Failures = append(r.Failures, row)
	}
	seen := map[failureKey]bool{}
	for _, t := range run.Tests {
		if !t.Outcome.Bad() {
			continue
		}
		f := failureOf(t)
		seen[keyOf(f)] = true
		add(f, t.Variant, t.Attempt)
	}
	for _, d := range run.Diagnostics {
		if f := d.Failure(); d.Severity != ci.SeverityInfo && !seen[keyOf(f)] {
			seen[keyOf(f)] = true
			add(f, "", 0)
		}
	}
	for _, c := range clusters {
		for _, m := range c.Members {
			if !seen[keyOf(m)] {
				seen[keyOf(m)] = true
				add(m, "", 0)
			}
		}
	}
	slices.SortStableFunc(r.Failures, compareFailures)
	r.Run.Failures = len(r.Failures)
}

// failureOf is the failure of a bad result as ci.Run.Failures spells it, so that
// it meets itself in a cluster.
func failureOf(t ci.TestResult) ci.Failure {
	run := ci.Run{Tests: []ci.TestResult{t}}
	return run.Failures()[0]
}

type failureKey struct {
	kind                      ci.Kind
	test                      ci.TestID
	tool, rule, message, file string
	line                      int
}

func keyOf(f ci.Failure) failureKey {
	return failureKey{f.Kind, f.Test, f.Tool, f.Rule, f.Message, f.Pos.File, f.Pos.Line}
}

func compareFailures(a, b Failure) int {
	return cmp.Or(
		cmp.Compare(a.Test, b.Test), cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Attempt, b.Attempt),
		cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Tool, b.Tool),
		cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message),
	)
}

func newFailure(f ci.Failure, cluster string, most int) Failure {
	message := f.Message
	if message == "" {
		message = f.Headline()
	}
	return Failure{
		Test: ci.TestID(text(string(f.Test), maxName)), Kind: f.Kind, Cluster: text(cluster, maxName),
		Tool: text(f.Tool, maxName), Rule: text(f.Rule, maxName), Message: text(message, most),
		File: text(f.Pos.File, maxName), Line: f.Pos.Line,
	}
}

func newCluster(c ci.Cluster) Cluster {
	out := Cluster{
		ID: text(c.ID, maxName), Kind: c.Kind, Class: c.Cause.Class,
		Sentence: text(c.Cause.Sentence, maxMessage), Count: len(c.Members), Confidence: c.Confidence,
	}
	if math.IsNaN(c.Confidence) || math.IsInf(c.Confidence, 0) {
		out.Confidence = 0
	}
	for _, print := range c.Fingerprints[:min(len(c.Fingerprints), maxPrints)] {
		out.Fingerprints = append(out.Fingerprints, text(print, maxName))
	}
	if len(c.Members) > 0 {
		out.Message = text(c.Members[0].Headline(), maxMessage)
	}
	return out
}

// listText is a list as its column holds it: JSON, and nothing for nothing.
func listText(list []string) string {
	if len(list) == 0 {
		return ""
	}
	b, _ := json.Marshal(list) // strings do not fail
	return string(b)
}

// textList is what listText wrote.
func textList(s string) (list []string, err error) {
	if s == "" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(s), &list)
	return list, err
}

// text is s as valid UTF-8 of at most most bytes. A longer one keeps its head
// and gets a hash of the whole, so that two long names stay two.
func text(s string, most int) string {
	if len(s) > most {
		sum := sha256.Sum256([]byte(s))
		tail := "…" + hex.EncodeToString(sum[:8])
		s = s[:most-len(tail)]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if r, size := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && size == 1 {
			s = s[:len(s)-1]
		}
		s += tail
	}
	// One byte for one byte, so that the limit holds.
	return strings.ToValidUTF8(s, "?")
}

// instant is t as every store can hold it.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}
