package gotest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/gotest"
	"keepgreen/internal/report/reporttest"
)

// TestShapes reads shapes that the go command and its libraries print only in
// versions or under conditions which the captures do not have.
func TestShapes(t *testing.T) {
	for _, row := range []struct {
		name, text string
		read       func(string) (ci.Report, error)
	}{
		{"testify", testifyText, func(s string) (ci.Report, error) { return gotest.ReadText(strings.NewReader(s)) }},
		{"go-cmp", goCmpText, func(s string) (ci.Report, error) { return gotest.ReadText(strings.NewReader(s)) }},
		{"goroutine-panic", goroutinePanicText, func(s string) (ci.Report, error) { return gotest.ReadText(strings.NewReader(s)) }},
		{"cut-off", "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n    b_test.go:3: got 1, want 2\n", func(s string) (ci.Report, error) { return gotest.ReadText(strings.NewReader(s)) }},
		{"broken-events", brokenEvents, func(s string) (ci.Report, error) { return gotest.ReadJSON(strings.NewReader(s)) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			rep, err := row.read(row.text)
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, reporttest.Describe(rep), filepath.Join("shapes", row.name+".golden"))
		})
	}
}

const goCmpText = `--- FAIL: TestDiff (0.00s)
    diff_test.go:12: Pool() mismatch (-want +got):
          pool.Pool{
        - 	Size: 3,
        + 	Size: 4,
          }
--- FAIL: TestAssert (0.00s)
    assert_test.go:10: assertion failed: 1 (int) != 2 (int)
FAIL
FAIL	example.com/kv/diff	0.003s
`

const goroutinePanicText = `panic: send on closed channel

goroutine 19 [running]:
example.com/kv/feed.(*Feed).push(0xc000012345)
	/home/ci/project/feed/feed.go:31 +0x1d
example.com/kv/feed.TestPush.func1()
	/home/ci/project/feed/feed_test.go:14 +0x25
created by example.com/kv/feed.TestPush in goroutine 7
	/home/ci/project/feed/feed_test.go:13 +0x3d
exit status 2
FAIL	example.com/kv/feed	0.004s
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
example.com/kv/lock.init.0()
	/home/ci/project/lock/lock.go:8 +0x1d
FAIL	example.com/kv/lock	0.002s
`

const brokenEvents = `{"Time":"2026-01-02T03:04:05Z","Action":"run","Package":"example.com/kv/a","Test":"TestA"}
{"Time":"2026-01-02T03:04:05Z","Action":"output","Package":"example.com/kv/a","Test":"TestA","Output":"    a_test.go:3: want 1\n"}
warning: printed without a newline{"Time":"2026-01-02T03:04:05Z","Action":"fail","Package":"example.com/kv/a","Test":"TestA","Elapsed":0.5}
{"Time":"2026-01-02T03:04:05Z","Action":{"nested":1}}
{"Time":"2026-01-02T03:04:05Z"
# example.com/kv/b [example.com/kv/b.test]
b/b.go:3:5: undefined: x
FAIL	example.com/kv/b [build failed]
{"Time":"2026-01-02T03:04:05Z","Action":"fail","Package":"example.com/kv/a","Elapsed":0.5}
`

const testifyText = `--- FAIL: TestTotals (0.00s)
    totals_test.go:9: a line of t.Log: no error so far
    totals_test.go:14: 
        	Error Trace:	/home/ci/project/totals/totals_test.go:14
        	Error:      	Not equal: 
        	            	expected: 3
        	            	actual  : 4
        	Test:       	TestTotals
        	Messages:   	after the merge
FAIL
FAIL	example.com/kv/totals	0.003s
`
