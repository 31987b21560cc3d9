package history_test

import (
	"bytes"
	"math"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/history/historytest"
)

// resultsFrom makes valid results of any bytes, with all the extremes.
func resultsFrom(data []byte) history.Results {
	var r history.Results
	test := uint64(0)
	for len(data) >= 4 {
		step := uint64(data[0])
		if data[0] > 250 {
			step = 1 << (data[1] % 32)
		}
		test = min(test+step, math.MaxUint32)
		r.Tests = append(r.Tests, history.Index(test))
		r.Outcomes = append(r.Outcomes, ci.Outcome(data[1]%7))
		r.Attempts = append(r.Attempts, data[2])
		r.Durations = append(r.Durations, uint32(data[3])<<(data[2]%25))
		data = data[4:]
	}
	return r
}

func equalResults(a, b history.Results) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Tests {
		if a.Tests[i] != b.Tests[i] || a.Outcomes[i] != b.Outcomes[i] || a.Attempts[i] != b.Attempts[i] || a.Durations[i] != b.Durations[i] {
			return false
		}
	}
	return true
}

// FuzzBlockRoundTrip: what was encoded is what is decoded.
func FuzzBlockRoundTrip(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1, 1, 1, 20}, 40))
	f.Add([]byte{255, 31, 255, 255, 255, 31, 0, 0, 0, 6, 24, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		want := resultsFrom(data)
		packed, err := history.EncodeBlock(want)
		assert.NilError(t, err)
		got, err := history.DecodeBlock(packed)
		assert.NilError(t, err)
		if !equalResults(got, want) {
			t.Fatalf("%+v became %+v", want, got)
		}
	})
}

// FuzzBlockDecode: any payload is refused or is results that encode and decode
// to themselves. The input is compressed first, so that the fuzzer works on the
// columns rather than on zstd.
func FuzzBlockDecode(f *testing.F) {
	enc, err := zstd.NewWriter(nil)
	assert.NilError(f, err)
	dec, err := zstd.NewReader(nil)
	assert.NilError(f, err)
	for _, seed := range [][]byte{nil, bytes.Repeat([]byte{2, 3, 2, 7}, 9)} {
		packed, err := history.EncodeBlock(resultsFrom(seed))
		assert.NilError(f, err)
		payload, err := dec.DecodeAll(packed, nil)
		assert.NilError(f, err)
		f.Add(payload)
	}
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, _ = history.DecodeBlock(payload) // as it comes, too
		got, err := history.DecodeBlock(enc.EncodeAll(payload, nil))
		if err != nil {
			return
		}
		packed, err := history.EncodeBlock(got)
		assert.NilError(t, err)
		again, err := history.DecodeBlock(packed)
		assert.NilError(t, err)
		if !equalResults(got, again) {
			t.Fatalf("%+v became %+v", got, again)
		}
	})
}

// FuzzReadExport: any bytes are refused, or are records that a store takes.
func FuzzReadExport(f *testing.F) {
	enc, err := zstd.NewWriter(nil)
	assert.NilError(f, err)
	dec, err := zstd.NewReader(nil)
	assert.NilError(f, err)
	s := historytest.NewMemory()
	r, err := history.NewRecord(manyTests(1), "", nil)
	assert.NilError(f, err)
	_, err = s.Put(f.Context(), r)
	assert.NilError(f, err)
	var out bytes.Buffer
	assert.NilError(f, history.Export(&out, s.Records(f.Context(), history.Filter{})))
	lines, err := dec.DecodeAll(out.Bytes(), nil)
	assert.NilError(f, err)
	f.Add(lines)
	f.Add([]byte(`{"format":"keepgreen-history","version":2}`))
	f.Add([]byte("{\"format\":\"keepgreen-history\",\"version\":1}\n{}\n"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		store := historytest.NewMemory()
		_, _, err := history.Import(t.Context(), store, bytes.NewReader(enc.EncodeAll(lines, nil)))
		if err != nil {
			return
		}
		for _, err := range store.Records(t.Context(), history.Filter{}) {
			assert.NilError(t, err)
		}
	})
}

func TestHostileBlocks(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	assert.NilError(t, err)
	bomb := enc.EncodeAll(append([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x0f}, make([]byte, 1<<30)...), nil)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err = history.DecodeBlock(bomb)
	runtime.ReadMemStats(&after)
	assert.Assert(t, err != nil)
	assert.Assert(t, after.TotalAlloc-before.TotalAlloc < 64<<20, "a bomb of %d bytes took %d", len(bomb), after.TotalAlloc-before.TotalAlloc)

	_, err = history.EncodeBlock(history.Results{Tests: []history.Index{2, 1}, Outcomes: make([]ci.Outcome, 2), Attempts: make([]uint8, 2), Durations: make([]uint32, 2)})
	assert.ErrorContains(t, err, "out of order")
	_, err = history.EncodeBlock(history.Results{Tests: []history.Index{2}})
	assert.ErrorContains(t, err, "different length")

	const many = 8 << 20
	_, err = history.EncodeBlock(history.Results{
		Tests: make([]history.Index, many), Outcomes: make([]ci.Outcome, many),
		Attempts: make([]uint8, many), Durations: make([]uint32, many),
	})
	assert.ErrorIs(t, err, history.ErrTooLarge)
}
