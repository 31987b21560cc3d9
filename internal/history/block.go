package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"keepgreen/internal/ci"
)

// The payload of a block, before compression:
//
//	byte    version
//	uvarint n
//	n ×     uvarint  test index, less the one before
//	        3 bits   outcome, eight to three bytes, lowest bits first
//	n ×     uvarint  duration
//	        runs of (uvarint length, byte attempt) until n are named
//
// Columns beside each other, so that zstd finds the repetition within each: a
// run whose tests all passed costs about a byte a result, nearly all of it for
// durations. The frame carries zstd's own checksum.
const (
	blockVersion = 1
	maxPayload   = 16 << 20 // bytes; bounds what a hostile block can make us allocate
)

var errBlock = errors.New("malformed block")

// zstd's coders are safe for concurrent EncodeAll and DecodeAll, and dear to
// make; making them on first use keeps the commands that need no history fast.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		panic(err) // the options are constants
	}
	return enc
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPayload))
	if err != nil {
		panic(err) // the options are constants
	}
	return dec
})

// EncodeBlock packs results, which must be sorted by test. Equal results give
// equal bytes within one version of keepgreen.
func EncodeBlock(r Results) ([]byte, error) {
	payload, err := r.payload()
	if err != nil {
		return nil, err
	}
	return encoder().EncodeAll(payload, nil), nil
}

// DecodeBlock unpacks what EncodeBlock packed. Any bytes are safe to give to it.
func DecodeBlock(data []byte) (Results, error) {
	payload, err := decoder().DecodeAll(data, nil)
	if err != nil {
		return Results{}, fmt.Errorf("%w: %w", errBlock, err)
	}
	return parsePayload(payload)
}

func (r Results) payload() ([]byte, error) {
	n := r.Len()
	if len(r.Outcomes) != n || len(r.Attempts) != n || len(r.Durations) != n {
		return nil, fmt.Errorf("%w: columns of different length", errBlock)
	}
	out := append(make([]byte, 0, 16+4*n), blockVersion)
	out = binary.AppendUvarint(out, uint64(n))
	before := Index(0)
	for _, test := range r.Tests {
		if test < before {
			return nil, fmt.Errorf("%w: tests out of order", errBlock)
		}
		out = binary.AppendUvarint(out, uint64(test-before))
		before = test
	}
	out = appendOutcomes(out, r.Outcomes)
	for _, d := range r.Durations {
		out = binary.AppendUvarint(out, uint64(d))
	}
	for i := 0; i < n; {
		length := 1
		for i+length < n && r.Attempts[i+length] == r.Attempts[i] {
			length++
		}
		out = append(binary.AppendUvarint(out, uint64(length)), r.Attempts[i])
		i += length
	}
	if len(out) > maxPayload {
		return nil, ErrTooLarge
	}
	return out, nil
}

func appendOutcomes(out []byte, outcomes []ci.Outcome) []byte {
	for start := 0; start < len(outcomes); start += 8 {
		var bits uint32
		group := outcomes[start:min(start+8, len(outcomes))]
		for i, o := range group {
			bits |= uint32(o&7) << (3 * i)
		}
		for range (3*len(group) + 7) / 8 {
			out = append(out, byte(bits))
			bits >>= 8
		}
	}
	return out
}

func parsePayload(p []byte) (Results, error) {
	if len(p) == 0 || p[0] != blockVersion {
		return Results{}, fmt.Errorf("%w: unknown version", errBlock)
	}
	c := cursor{rest: p[1:]}
	count := c.uvarint(maxPayload)
	// Every result takes two bytes and three bits at least, so the count can be
	// held against what is there before anything is allocated for it.
	if n := uint64(len(c.rest)); c.bad || 2*count+(3*count+7)/8 > n {
		return Results{}, fmt.Errorf("%w: count does not fit", errBlock)
	}
	n := int(count)
	r := Results{Tests: make([]Index, n), Durations: make([]uint32, n), Attempts: make([]uint8, n)}
	last := uint64(0)
	for i := range r.Tests {
		last += c.uvarint(1<<32 - 1 - last)
		r.Tests[i] = Index(last)
	}
	r.Outcomes = parseOutcomes(c.take((3*n+7)/8), n)
	for i := range r.Durations {
		r.Durations[i] = uint32(c.uvarint(1<<32 - 1))
	}
	for i := 0; i < n && !c.bad; {
		length := int(c.uvarint(uint64(n - i)))
		attempt := c.take(1)
		if c.bad || length == 0 {
			return Results{}, fmt.Errorf("%w: attempts", errBlock)
		}
		for range length {
			r.Attempts[i] = attempt[0]
			i++
		}
	}
	if c.bad || len(c.rest) != 0 {
		return Results{}, fmt.Errorf("%w: wrong length", errBlock)
	}
	return r, nil
}

func parseOutcomes(packed []byte, n int) []ci.Outcome {
	out := make([]ci.Outcome, n)
	if len(packed) < (3*n+7)/8 {
		return out // the cursor has noted it
	}
	for i := range out {
		at, shift := 3*i/8, 3*i%8
		bits := uint16(packed[at])
		if shift > 5 {
			bits |= uint16(packed[at+1]) << 8
		}
		// 7 is no outcome; a newer writer's eighth one reads as Unknown.
		if o := ci.Outcome(bits >> shift & 7); o <= ci.XPassed {
			out[i] = o
		}
	}
	return out
}

// cursor reads from rest; after the first thing that does not fit it reads zeros.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) uvarint(most uint64) uint64 {
	if len(c.rest) > 0 && c.rest[0] < 0x80 && uint64(c.rest[0]) <= most { // nearly always
		v := c.rest[0]
		c.rest = c.rest[1:]
		return uint64(v)
	}
	v, size := binary.Uvarint(c.rest)
	if size <= 0 || v > most {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[size:]
	return v
}

func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.bad, c.rest = true, nil
		return nil
	}
	out := c.rest[:n]
	c.rest = c.rest[n:]
	return out
}
