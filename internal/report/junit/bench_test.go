package junit_test

import (
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report"
	"keepgreen/internal/report/junit"
)

// junitStream is a JUnit file of any size, made as it is read, so that a
// benchmark measures the reader's memory and not the input's. Every 50th case
// fails with a traceback.
type junitStream struct {
	cases, next int
	size        int // bytes of system-out that pad each case
	buf         []byte
	done        bool
}

const streamTrace = `def test_page(pool):
        page = pool.take()
&gt;       assert page.owner is None
E       AssertionError: assert &apos;worker-7&apos; is None
E        +  where &apos;worker-7&apos; = &lt;Page 12&gt;.owner

tests/unit/kv/test_pool.py:88: AssertionError`

func (s *junitStream) Read(p []byte) (int, error) {
	for len(s.buf) < len(p) && !s.done {
		s.more()
	}
	n := copy(p, s.buf)
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (s *junitStream) more() {
	i := s.next
	s.next++
	if i == 0 {
		s.buf = append(s.buf, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites name=\"pytest tests\"><testsuite name=\"pytest\" errors=\"0\" hostname=\"ci\">\n"...)
	}
	if i == s.cases {
		s.buf = append(s.buf, "</testsuite></testsuites>\n"...)
		s.done = true
		return
	}
	s.buf = fmt.Appendf(s.buf, "<testcase classname=\"tests.unit.kv.test_pool_%d.TestPool\" name=\"test_page[fp16-%d]\" time=\"0.%03d\">", i/1000, i, i%1000)
	if i%50 == 0 {
		s.buf = append(s.buf, "<failure message=\"AssertionError: assert &apos;worker-7&apos; is None\">"+streamTrace+"</failure>"...)
	}
	s.buf = append(s.buf, "<system-out>"...)
	for n := 0; n < s.size; n += 64 {
		s.buf = append(s.buf, "INFO  kv.pool:pool.py:41 page taken by worker-7 &amp; handed back \n"...)
	}
	s.buf = append(s.buf, "</system-out></testcase>\n"...)
}

// peakHeap runs f and returns the most bytes of live and not yet collected
// objects that were seen meanwhile.
func peakHeap(f func()) uint64 {
	runtime.GC()
	stop := make(chan struct{})
	peak := uint64(0)
	var wg sync.WaitGroup
	wg.Go(func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	f()
	close(stop)
	wg.Wait()
	return peak
}

// BenchmarkJUnit500k reads a file of 200 MB with 500,000 cases and states the
// highest heap; making the stream is part of the time.
func BenchmarkJUnit500k(b *testing.B) {
	const cases = 500_000
	size, _ := io.Copy(io.Discard, &junitStream{cases: cases, size: 256})
	b.SetBytes(size)
	peak := uint64(0)
	for b.Loop() {
		var rep ci.Report
		var err error
		peak = max(peak, peakHeap(func() { rep, err = junit.Read(&junitStream{cases: cases, size: 256}) }))
		if err != nil || len(rep.Tests) != cases {
			b.Fatal(len(rep.Tests), err)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(size)/(1<<20), "file-MiB")
}

// BenchmarkJUnitStream is what making that stream costs alone.
func BenchmarkJUnitStream(b *testing.B) {
	size, _ := io.Copy(io.Discard, &junitStream{cases: 500_000, size: 256})
	b.SetBytes(size)
	for b.Loop() {
		io.Copy(io.Discard, &junitStream{cases: 500_000, size: 256})
	}
}

// BenchmarkUnion100k joins two sources that tell of the same 100,000 tests.
func BenchmarkUnion100k(b *testing.B) {
	structured, err := junit.Read(&junitStream{cases: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	structured.Format = "junit"
	text := structured
	text.Format = "log"
	for b.Loop() {
		if u := report.Union([]ci.Report{structured, text}); len(u.Tests) != 100_000 {
			b.Fatal(len(u.Tests))
		}
	}
}
