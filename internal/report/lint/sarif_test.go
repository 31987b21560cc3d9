package lint

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/report/format"
)

func TestSARIF(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{
			"rules may stand behind the results",
			`{"version":"2.1.0","runs":[{"results":[{"ruleIndex":0,"message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"./a.py"},"region":{"startLine":3}}}]}],"tool":{"driver":{"name":"Scan","rules":[{"id":"R1","defaultConfiguration":{"level":"note"}}]}}}]}`,
			"a.py:3 lint scan [R1] info: m\n",
		},
		{
			"a security severity raises the default level",
			`{"runs":[{"tool":{"driver":{"name":"s","rules":[{"id":"R","properties":{"security-severity":"8.1"}}]}},"results":[{"ruleId":"R","level":"note","message":{"text":"m"}}]}]}`,
			" lint s [R] error: m\n",
		},
		{
			"without a level anywhere it is a warning",
			`{"runs":[{"tool":{"driver":{"name":"s"}},"results":[{"ruleId":"R","message":{"text":"m"}}]}]}`,
			" lint s [R] warning: m\n",
		},
		{
			"base URIs are joined, and the runner's workspace is taken off",
			`{"runs":[{"originalUriBaseIds":{"ROOT":{"uri":"file:///home/runner/work/kv/kv/"},"SUB":{"uri":"sub%20dir/","uriBaseId":"ROOT"}},"tool":{"driver":{"name":"s"}},"results":[{"ruleId":"R","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.py","uriBaseId":"SUB"}}}]}]}]}`,
			"sub dir/a.py lint s [R] warning: m\n",
		},
		{
			"a base that is some machine's directory is the root",
			`{"runs":[{"originalUriBaseIds":{"ROOT":{"uri":"file:///srv/build/"}},"tool":{"driver":{"name":"s"}},"results":[{"ruleId":"R","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.py","uriBaseId":"ROOT"}}}]}]}]}`,
			"a.py lint s [R] warning: m\n",
		},
		{
			"messages of rules take arguments, artifacts are found by index",
			`{"runs":[{"tool":{"driver":{"name":"s","rules":[{"id":"R","messageStrings":{"d":{"text":"{0} is {1}"}}}]}},"artifacts":[{"location":{"uri":"b.py"}}],"results":[{"ruleId":"R/1","message":{"id":"d","arguments":["x","y"]},"locations":[{"physicalLocation":{"artifactLocation":{"index":0}}}]}]}]}`,
			"b.py lint s [R/1] warning: x is y\n",
		},
		{
			"what is passed, suppressed or absent is not held against the code",
			`{"runs":[{"tool":{"driver":{"name":"s"}},"results":[{"kind":"pass","message":{"text":"a"}},{"suppressions":[{"kind":"inSource"}],"message":{"text":"b"}},{"baselineState":"absent","message":{"text":"c"}},{"suppressions":[{"status":"rejected"}],"message":{"text":"d"},"ruleId":"R"}]}]}`,
			" lint s [R] warning: d\n",
		},
		{
			"two runs, a rule of an extension",
			`{"runs":[{"tool":{"driver":{"name":"mypy"}},"results":[{"ruleId":"R","message":{"text":"m"}}]},{"tool":{"driver":{"name":"b"},"extensions":[{"rules":[{"id":"E","helpUri":"https://example.org/e"}]}]},"results":[{"rule":{"index":0,"toolComponent":{"index":0}},"message":{"text":"n"}}]}]}`,
			" type mypy [R] warning: m\n lint b [E] warning: n\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, err := ReadSARIF(strings.NewReader(c.in))
			assert.NilError(t, err)
			assert.Equal(t, lintSummary(rep.Diagnostics), c.want)
		})
	}
}

func TestSARIFThatEndsEarlyKeepsWhatWasRead(t *testing.T) {
	whole := sarifOf(3, 0)
	rep, err := ReadSARIF(strings.NewReader(whole[:len(whole)-40]))
	assert.ErrorContains(t, err, "unexpected EOF")
	assert.Equal(t, len(rep.Diagnostics) >= 2, true)
}

func TestAValueBeyondTheBoundIsAnError(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`{"runs":[{"results":[{"ruleId":"`), io.LimitReader(zeros('a'), 1<<30))
	_, err := ReadSARIF(endless)
	assert.ErrorContains(t, err, "larger than 32 MiB")
	_, err = ReadSARIF(io.LimitReader(zeros('['), 1<<30))
	assert.Assert(t, err == nil || strings.Contains(err.Error(), "deep") || strings.Contains(err.Error(), "depth"))
}

type zeros byte

func (z zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(z)
	}
	return len(p), nil
}

// sarifOf is a log of n results, each padded to about size bytes.
func sarifOf(n, size int) string {
	var b strings.Builder
	b.WriteString(`{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"scan","rules":[{"id":"R1","helpUri":"https://example.org"}]}},"results":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"ruleId":"R1","ruleIndex":0,"level":"error","message":{"text":"result %d"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/f%d.py"},"region":{"startLine":%d,"startColumn":1}}}],"partialFingerprints":{"x":%q}}`, i, i%100, i+1, strings.Repeat("f", size))
	}
	b.WriteString("]}]}")
	return b.String()
}

// FuzzSARIF promises: no panic, and findings that are safe to hold.
func FuzzSARIF(f *testing.F) {
	f.Add(sarifOf(2, 4))
	f.Add(`{"runs":[{"originalUriBaseIds":{"A":{"uri":"x/","uriBaseId":"A"}},"artifacts":[{"location":{"index":0}}],"results":[{"locations":[{"physicalLocation":{"artifactLocation":{"uri":"../../%2e%2e/a%0a","uriBaseId":"A"}}}],"message":{"text":"m"}}]}]}`)
	f.Add(`{"runs":[{"results":null,"tool":{"driver":{"rules":[null]}}}]}`)
	f.Fuzz(func(t *testing.T, in string) {
		rep, _ := ReadSARIF(strings.NewReader(in))
		for _, d := range rep.Diagnostics {
			checkSafe(t, d)
		}
	})
}

// FuzzLintJSON promises the same for every reader of a tool's own JSON, and for XML.
func FuzzLintJSON(f *testing.F) {
	f.Add(`[{"filename":"../a.py","location":{"row":-1},"message":"m","code":"E1"}]`)
	f.Add(`{"messages":[{"path":"a","symbol":"s","messageId":"C1","message":"m"}]}`)
	f.Add(`<checkstyle><file name="a"><error line="1" message="m" source="eslint.rules.semi"/></file></checkstyle>`)
	f.Fuzz(func(t *testing.T, in string) {
		for _, format := range lintFormats {
			format.Score([]byte(in))
			rep, _ := format.Read(strings.NewReader(in))
			for _, d := range rep.Diagnostics {
				checkSafe(t, d)
			}
		}
	})
}

// BenchmarkSARIF reads a log of about 50 MB with 27,000 results; peak-MB is the
// live heap above the start, sampled while reading, findings included.
func BenchmarkSARIF(b *testing.B) {
	log := sarifOf(27_000, 1600)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		in := &sampler{r: strings.NewReader(log)}
		in.sample()
		start := in.peak
		rep, err := ReadSARIF(in)
		if err != nil || len(rep.Diagnostics) != 27_000 {
			b.Fatal(err, len(rep.Diagnostics))
		}
		in.sample()
		b.ReportMetric(float64(in.peak-start)/1e6, "peak-MB")
	}
}

// sampler measures the live heap every few megabytes of input.
type sampler struct {
	r    io.Reader
	n    int
	peak uint64
}

func (s *sampler) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.n += n; s.n > 4<<20 {
		s.n = 0
		s.sample()
	}
	return n, err
}

func (s *sampler) sample() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.peak = max(s.peak, m.HeapAlloc)
}

// BenchmarkLintTextQuiet reads a log without findings, as most of a CI log is.
func BenchmarkLintTextQuiet(b *testing.B) {
	log := []byte(strings.Repeat(`2024-05-01T12:34:56.1234567Z tests/test_store.py::test_evict[layer-1] PASSED                    [ 12%]
2024-05-01T12:34:56.1234567Z Collecting requests==2.31.0 (from -r requirements.txt (line 3))
2024-05-01T12:34:56.1234567Z   Downloading requests-2.31.0-py3-none-any.whl (62 kB)
2024-05-01T12:34:56.1234567Z INFO 12:34:56 cache.store: loaded 12 entries from /var/cache/kv in 0.3 s
2024-05-01T12:34:56.1234567Z src/cache/store.py      120     12    90%   4-6, 9, 120-130
`, 20_000))
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		t := newLintText()
		for line := range format.Lines(bytes.NewReader(log)) {
			t.Line(line)
		}
		if n := len(t.Finish().Diagnostics); n != 0 {
			b.Fatal(n)
		}
	}
}

// BenchmarkLintTextDense reads nothing but findings.
func BenchmarkLintTextDense(b *testing.B) {
	log := []byte(strings.Repeat("src/cache/store.py:120:12: F401 [*] `os` imported but unused\nsrc/cache/store.py:12: error: Item \"None\" has no attribute \"x\"  [union-attr]\n", 20_000))
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		rep, err := ReadText(bytes.NewReader(log))
		if err != nil || len(rep.Diagnostics) != 40_000 {
			b.Fatal(err, len(rep.Diagnostics))
		}
	}
}
