package junit

import (
	"hash/maphash"
	"math"
	"time"

	"keepgreen/internal/ci"
)

// caseList gathers results and numbers the executions of one test. Half a
// million results that passed must not cost much before they are handed over:
// they are kept in rows a third of their size, in chunks that never move, and
// found again by a hash of the ID instead of a second copy of it.
type caseList struct {
	chunks     [][]caseRow
	size       int
	last       map[uint64]int32 // latest row by hash of its ID
	seed       maphash.Seed
	names      arena
	files      stringTable
	frameworks stringTable
	beside     []ci.Failure // second failures of a test that already has one
}

// caseRow is a result; what few have stands in more.
type caseRow struct {
	id        ci.TestID
	duration  time.Duration
	more      *ci.TestResult // the whole result, except for the attempt
	file      int32
	framework int32
	line      int32
	attempt   int32
	outcome   ci.Outcome
	timed     bool
}

// stringTable numbers strings that come again and again.
type stringTable struct {
	list []string
	at   map[string]int32
}

func (t *stringTable) add(s string) int32 {
	if i, ok := t.at[s]; ok {
		return i
	}
	if t.at == nil {
		t.at = map[string]int32{}
	}
	t.at[s] = int32(len(t.list))
	t.list = append(t.list, s)
	return int32(len(t.list) - 1)
}

const caseChunk = 4096

func (l *caseList) row(i int) *caseRow { return &l.chunks[i/caseChunk][i%caseChunk] }

// add keeps a result and returns its number.
func (l *caseList) add(t ci.TestResult) int {
	if l.last == nil {
		l.last = map[uint64]int32{}
		l.seed = maphash.MakeSeed()
	}
	attempt := int32(t.Attempt)
	h := maphash.String(l.seed, string(t.ID))
	if i, seen := l.last[h]; seen {
		if before := l.row(int(i)); before.id == t.ID {
			if samePytestRun(before.more, &t) {
				l.beside = append(l.beside, *t.Failure)
				return int(i)
			}
			before.attempt = max(before.attempt, 1)
			attempt = before.attempt + 1
		}
	}
	if l.size%caseChunk == 0 {
		l.chunks = append(l.chunks, make([]caseRow, 0, caseChunk))
	}
	row := caseRow{
		id: t.ID, duration: t.Duration, timed: t.Timed, outcome: t.Outcome, attempt: attempt,
		file: l.files.add(t.File), framework: l.frameworks.add(t.Framework), line: int32(min(t.Line, math.MaxInt32)),
	}
	if t.Failure != nil || t.Reason != "" || t.Output != "" || t.Variant != "" {
		more := t // not &t: the many results that have nothing more stay off the heap
		row.more = &more
	}
	last := len(l.chunks) - 1
	l.chunks[last] = append(l.chunks[last], row)
	l.last[h] = int32(l.size)
	l.size++
	return l.size - 1
}

// results hands over everything, in order; the list is empty afterwards.
func (l *caseList) results() []ci.TestResult {
	if l.size == 0 {
		return nil
	}
	l.last = nil
	out := make([]ci.TestResult, 0, l.size)
	for _, chunk := range l.chunks {
		for i := range chunk {
			row := &chunk[i]
			t := ci.TestResult{
				ID: row.id, Framework: l.frameworks.list[row.framework], Outcome: row.outcome,
				Duration: row.duration, Timed: row.timed, File: l.files.list[row.file], Line: int(row.line),
			}
			if row.more != nil {
				t = *row.more
			}
			t.Attempt = int(row.attempt)
			out = append(out, t)
		}
	}
	*l = caseList{}
	return out
}

// samePytestRun tells the second of the two elements that pytest writes for one
// test whose call failed and whose teardown broke as well
// (LogXML.pytest_runtest_logreport opens a second element then). The failure of
// the call stays the test's; the other is listed beside it.
func samePytestRun(before, t *ci.TestResult) bool {
	return before != nil && before.Outcome == ci.Failed &&
		t.Framework == "pytest" && t.Failure != nil && t.Failure.Phase == "teardown"
}
