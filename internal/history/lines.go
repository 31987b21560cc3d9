package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"keepgreen/internal/ci"
)

// Lines are a whole history as JSON Lines, for other tools to read and for
// ImportLines to take back: a header, then an object a line whose "kind" says what
// it is. Unlike an Export they hold everything, and nothing that only we can read.
const (
	linesFormat  = "keepgreen-history-lines"
	linesVersion = 1
)

type lineKind struct {
	Format  string `json:"format,omitempty"`
	Version int    `json:"version,omitempty"`
	Kind    string `json:"kind,omitempty"`
}

type resultLine struct {
	Test     ci.TestID `json:"test"`
	Variant  string    `json:"variant,omitempty"`
	Outcome  string    `json:"outcome"`
	Attempt  uint8     `json:"attempt"`
	Duration *float64  `json:"duration_s,omitempty"`
}

type recordLine struct {
	Kind     string       `json:"kind"`
	Run      RunRow       `json:"run"`
	Results  []resultLine `json:"results"`
	Failures []Failure    `json:"failures,omitempty"`
	Clusters []Cluster    `json:"clusters,omitempty"`
}

type pipelineLine struct {
	Kind string `json:"kind"`
	PipelineRow
	Jobs []ci.JobTiming `json:"jobs,omitempty"`
}

type fixLine struct {
	Kind string `json:"kind"`
	FixRow
}

type feedbackLine struct {
	Kind string `json:"kind"`
	FeedbackRow
}

// ExportLines writes everything that the selected repository has, "" for all, from
// a time on.
func (s *Store) ExportLines(ctx context.Context, w io.Writer, repo string, since time.Time) (lines int, err error) {
	buffered := bufio.NewWriter(w)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	put := func(line any) {
		if err == nil {
			err = out.Encode(line)
			lines++
		}
	}
	put(lineKind{Format: linesFormat, Version: linesVersion})
	pipelines, failed := s.Pipelines(ctx, repo, since)
	if failed != nil {
		return 0, failed
	}
	for _, p := range pipelines {
		jobs, failed := s.PipelineJobs(ctx, p.Repo, p.Run, p.Attempt)
		if failed != nil {
			return lines, failed
		}
		put(pipelineLine{"pipeline", p, jobs})
	}
	for record, failed := range s.Records(ctx, Filter{Repo: repo, Since: since}) {
		if failed != nil {
			return lines, failed
		}
		put(recordLineOf(record))
	}
	fixes, failed := s.Fixes(ctx, repo, since)
	if failed != nil {
		return lines, failed
	}
	for _, f := range fixes {
		put(fixLine{"fix", f})
	}
	said, failed := s.Feedback(ctx, repo, since)
	if failed != nil {
		return lines, failed
	}
	for _, f := range said {
		put(feedbackLine{"feedback", f})
	}
	return lines, errors.Join(err, buffered.Flush())
}

func recordLineOf(r Record) recordLine {
	line := recordLine{Kind: "record", Run: r.Run, Results: make([]resultLine, r.Results.Len()), Failures: r.Failures, Clusters: r.Clusters}
	for i, index := range r.Results.Tests {
		t := r.Tests[index]
		one := resultLine{Test: t.ID, Variant: t.Variant, Outcome: r.Results.Outcomes[i].String(), Attempt: r.Results.Attempts[i]}
		if d, ok := r.Results.Duration(i); ok {
			seconds := d.Seconds()
			one.Duration = &seconds
		}
		line.Results[i] = one
	}
	return line
}

// record is the line as a store takes it. Its checksum must hold; a line of
// another program need not have one, and is counted anew.
func (l recordLine) record() (Record, error) {
	r := Record{Run: l.Run, Failures: l.Failures, Clusters: l.Clusters}
	results := make([]ci.TestResult, len(l.Results))
	for i, one := range l.Results {
		t := ci.TestResult{ID: one.Test, Variant: one.Variant, Attempt: int(one.Attempt)}
		known := false
		for o := ci.Unknown; o <= ci.XPassed; o++ {
			if o.String() == one.Outcome {
				t.Outcome, known = o, true
			}
		}
		if !known {
			return r, fmt.Errorf("run %s: %.40q is no outcome", l.Run.Run, one.Outcome)
		}
		if one.Duration != nil {
			t.Timed, t.Duration = true, time.Duration(*one.Duration*float64(time.Second))
		}
		results[i] = t
	}
	if l.Run.SHA256 == "" {
		return l.foreign(results)
	}
	r.columns(results)
	if err := r.check(); err != nil {
		return r, err
	}
	if sum, err := r.Sum(); err != nil || sum != r.Run.SHA256 {
		return r, errors.Join(err, fmt.Errorf("run %s does not match its checksum", r.Run.Run))
	}
	return r, nil
}

// foreign is the record of a line that was not written by ExportLines.
func (l recordLine) foreign(results []ci.TestResult) (Record, error) {
	row := l.Run
	run := ci.Run{
		ID: row.Run, Attempt: max(row.Attempt, 1), Repo: row.Repo, Workflow: row.Workflow, Event: row.Event, Branch: row.Branch, Commit: row.Commit,
		Tree: row.Tree, Base: row.Base, Dirty: row.Dirty, Main: row.Main, Started: row.Started, Duration: row.Duration, Tests: results,
	}
	if run.ID == "" || run.Repo == "" || run.Started.IsZero() {
		return Record{}, errors.New("a record needs repo, run and started")
	}
	return NewRecord(run, row.Shard, nil)
}

// IsLines reports whether a text begins as ExportLines writes it.
func IsLines(head []byte) bool {
	var k lineKind
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	return json.Unmarshal(line, &k) == nil && k.Format == linesFormat
}

// Imported counts what an import brought.
type Imported struct {
	Runs, Records, Fixes, Feedback int
	Known                          int // records that were there already
}

// ImportLines takes back what ExportLines wrote. It can be repeated and
// interrupted; it stops at the first line that is malformed, and what came before
// it is kept.
func (s *Store) ImportLines(ctx context.Context, r io.Reader) (n Imported, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	b := batch{store: s, ctx: ctx, n: &n}
	for at := 1; lines.Scan(); at++ {
		if err := b.line(at, lines.Bytes()); err != nil {
			return n, errors.Join(fmt.Errorf("line %d: %w", at, err), b.flush())
		}
	}
	return n, errors.Join(lines.Err(), b.flush())
}

// batch gathers rows, so that a hundred thousand are not a transaction each.
type batch struct {
	store     *Store
	ctx       context.Context
	n         *Imported
	pipelines []PipelineRow
	fixes     []FixRow
	feedback  []FeedbackRow
}

func (b *batch) line(at int, data []byte) error {
	var k lineKind
	if err := json.Unmarshal(data, &k); err != nil {
		return err
	}
	switch {
	case at == 1 && k.Format != linesFormat:
		return errors.New("not an export of a keepgreen history")
	case at == 1 && k.Version > linesVersion:
		return fmt.Errorf("version %d was written by a newer keepgreen; this one knows %d", k.Version, linesVersion)
	case at == 1:
		return nil
	}
	switch k.Kind {
	case "pipeline":
		var l pipelineLine
		if err := json.Unmarshal(data, &l); err != nil {
			return err
		}
		return b.pipeline(l)
	case "record":
		var l recordLine
		if err := json.Unmarshal(data, &l); err != nil {
			return err
		}
		r, err := l.record()
		if err != nil {
			return err
		}
		added, err := b.store.Put(b.ctx, r)
		if added {
			b.n.Records++
		} else if err == nil {
			b.n.Known++
		}
		return err
	case "fix":
		var l fixLine
		if err := json.Unmarshal(data, &l); err != nil {
			return err
		}
		b.fixes = append(b.fixes, l.FixRow)
	case "feedback":
		var l feedbackLine
		if err := json.Unmarshal(data, &l); err != nil {
			return err
		}
		b.feedback = append(b.feedback, l.FeedbackRow)
	default:
		return fmt.Errorf("%.40q is no kind of line", k.Kind)
	}
	return nil
}

func (b *batch) pipeline(l pipelineLine) error {
	if l.Repo == "" || l.Run == "" || l.Attempt < 1 || l.Started.IsZero() {
		return errors.New("a pipeline needs repo, run, attempt and started")
	}
	b.n.Runs++
	if len(l.Jobs) > 0 {
		return b.store.PutPipeline(b.ctx, l.PipelineRow, l.Jobs)
	}
	if b.pipelines = append(b.pipelines, l.PipelineRow); len(b.pipelines) < 5000 {
		return nil
	}
	rows := b.pipelines
	b.pipelines = nil
	return b.store.PutPipelines(b.ctx, rows)
}

func (b *batch) flush() error {
	b.n.Fixes, b.n.Feedback = len(b.fixes), len(b.feedback)
	return errors.Join(b.store.PutPipelines(b.ctx, b.pipelines), b.store.PutFixes(b.ctx, b.fixes), b.store.PutFeedback(b.ctx, b.feedback))
}
