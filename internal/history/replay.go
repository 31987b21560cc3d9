package history

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/klauspost/compress/zstd"

	"keepgreen/internal/ci"
)

// An export is a zstd stream of JSON lines: a header, then a record a line. The
// line is bounded because an export may come from anywhere.
const (
	exportFormat  = "keepgreen-history"
	exportVersion = 1
	maxLine       = 128 << 20
)

type wireHeader struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// wireRecord is a Record as exports spell it.
type wireRecord struct {
	Run      RunRow    `json:"run"`
	Tests    []string  `json:"tests"` // ID and variant in turn
	Block    []byte    `json:"block"`
	Failures []Failure `json:"failures"`
	Clusters []Cluster `json:"clusters"`
}

// Export writes records for Import to read, here or elsewhere.
func Export(w io.Writer, records iter.Seq2[Record, error]) error {
	packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	lines := json.NewEncoder(packed)
	if err := lines.Encode(wireHeader{exportFormat, exportVersion}); err != nil {
		return err
	}
	for r, err := range records {
		if err != nil {
			return err
		}
		block, err := EncodeBlock(r.Results)
		if err != nil {
			return err
		}
		if err := lines.Encode(wireRecord{r.Run, r.names(), block, r.Failures, r.Clusters}); err != nil {
			return err
		}
	}
	return packed.Close()
}

// Putter is what Import fills.
type Putter interface {
	Put(ctx context.Context, r Record) (added bool, err error)
}

// Import puts every record of an export into a store. It can be repeated and
// interrupted: what is there already is skipped. It stops at the first record
// that is malformed or in conflict; those before it are kept.
func Import(ctx context.Context, to Putter, r io.Reader) (added, skipped int, err error) {
	for record, err := range ReadExport(r) {
		if err != nil {
			return added, skipped, err
		}
		fresh, err := to.Put(ctx, record)
		switch {
		case err != nil:
			return added, skipped, err
		case fresh:
			added++
		default:
			skipped++
		}
	}
	return added, skipped, nil
}

// ReadExport yields the records of an export, each verified against its checksum.
func ReadExport(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		unpacked, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxLine), zstd.WithDecoderMaxWindow(32<<20))
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer unpacked.Close()
		lines := bufio.NewScanner(unpacked)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		for n := 1; lines.Scan(); n++ {
			if n == 1 {
				err = checkExport(lines.Bytes())
			}
			var record Record
			if err == nil && n > 1 {
				record, err = parseRecord(lines.Bytes())
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if n > 1 && !yield(record, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Record{}, err)
		}
	}
}

func checkExport(line []byte) error {
	var header wireHeader
	if err := json.Unmarshal(line, &header); err != nil || header.Format != exportFormat {
		return errors.New("not an export of a keepgreen history")
	}
	if header.Version > exportVersion {
		return fmt.Errorf("export version %d was written by a newer keepgreen; this one knows %d", header.Version, exportVersion)
	}
	return nil
}

func parseRecord(line []byte) (Record, error) {
	var wire wireRecord
	if err := json.Unmarshal(line, &wire); err != nil {
		return Record{}, err
	}
	results, err := DecodeBlock(wire.Block)
	if err != nil {
		return Record{}, err
	}
	r := Record{Run: wire.Run, Results: results, Failures: wire.Failures, Clusters: wire.Clusters}
	for pair := range slices.Chunk(wire.Tests, 2) {
		if len(pair) != 2 {
			return Record{}, errors.New("a test without a variant")
		}
		r.Tests = append(r.Tests, Test{Index: Index(len(r.Tests)), ID: ci.TestID(pair[0]), Variant: pair[1]})
	}
	if err := r.check(); err != nil {
		return Record{}, err
	}
	if sum, err := r.Sum(); err != nil || sum != r.Run.SHA256 {
		return Record{}, errors.Join(err, fmt.Errorf("run %s does not match its checksum", r.Run.Run))
	}
	return r, nil
}

// check holds a record of unknown origin to what NewRecord promises. A checksum
// proves that nothing was damaged, not that nothing was made up.
func (r Record) check() error {
	sorted := slices.IsSortedFunc(r.Tests, func(a, b Test) int { return cmp.Or(compareTests(a, b), 1) })
	switch {
	case !sorted:
		return errors.New("tests out of order or twice")
	case r.Run.Results != r.Results.Len():
		return errors.New("the block holds another number of results than its run says")
	case r.Run.Failures != len(r.Failures) || len(r.Failures) > maxFailures:
		return errors.New("another number of failures than the run says")
	}
	for _, t := range r.Results.Tests {
		if int(t) >= len(r.Tests) {
			return errors.New("a result of a test without a name")
		}
	}
	for _, f := range r.Failures {
		if len(f.Message) > maxMessage {
			return errors.New("a failure's message is too long")
		}
	}
	return nil
}

// record is the block with names instead of a store's numbers.
func (b Block) record(names map[Index]Test) (Record, error) {
	r := Record{Run: b.Run}
	local := map[Index]Index{}
	for _, i := range b.Results.Tests {
		t, known := names[i]
		if !known {
			return Record{}, &Error{Kind: ErrCorrupt, Err: fmt.Errorf("run %s names test %d, which is not in the dictionary", b.Run.Run, i)}
		}
		if _, seen := local[i]; !seen {
			local[i] = 0
			r.Tests = append(r.Tests, t)
		}
	}
	slices.SortFunc(r.Tests, compareTests)
	ids := map[Index]Index{}
	for i := range r.Tests {
		ids[r.Tests[i].Index], r.Tests[i].Index = Index(i), Index(i)
	}
	r.Results = b.Results.renumber(func(i Index) Index { return ids[i] })
	return r, nil
}
