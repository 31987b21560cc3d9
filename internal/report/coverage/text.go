package coverage

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"keepgreen/internal/ci"
)

// eachLine calls do for each line, without its end, and puts the line's number
// before its error.
func eachLine(r io.Reader, do func(line []byte) error) (lines int, err error) {
	const longest = 1 << 20
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), longest)
	for in.Scan() {
		lines++
		line := in.Bytes()
		if lines == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if err := do(bytes.TrimSpace(line)); err != nil {
			return lines, fmt.Errorf("line %d: %w", lines, err)
		}
	}
	if err := in.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("longer than %d bytes", longest)
		}
		return lines, fmt.Errorf("line %d: %w", lines+1, err)
	}
	return lines, nil
}

func scoreLCOV(head []byte) int {
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(line, []byte("SF:")):
			return 90
		case bytes.HasPrefix(line, []byte("TN:")), len(line) == 0, line[0] == '#':
		default:
			return 0
		}
	}
	return 0
}

// LCOV reads a tracefile (geninfo(1)). The totals LF, LH, BRF and BRH are not
// read: they are optional and known to lie. A file may come in several records,
// one a test; what ran in any has run.
func LCOV(r io.Reader) (*ci.Coverage, error) {
	t := tracefile{builder: newBuilder("lcov")}
	lines, err := eachLine(r, t.line)
	if err == nil && t.file != nil {
		err = fmt.Errorf("line %d: the file ends inside the record of a source file: %w", lines, io.ErrUnexpectedEOF)
	}
	return t.done(), err
}

type tracefile struct {
	*builder
	file   *ci.FileCoverage // the record that is open
	record *ci.FileCoverage // its branches, numbered within the record
}

func (t *tracefile) line(line []byte) (err error) {
	key, value, _ := bytes.Cut(line, []byte(":"))
	switch string(key) {
	case "SF":
		if t.file != nil {
			return errors.New("SF inside the record of another file")
		}
		t.file, err = t.builder.file(string(value))
		t.record = newFile()
	case "DA":
		err = t.da(value)
	case "BRDA":
		err = t.brda(value)
	case "end_of_record":
		if t.file != nil {
			for n, c := range t.record.Branches {
				branch(t.file, n, c)
			}
		}
		t.file = nil
	}
	return err
}

var errNoRecord = errors.New("data outside of the record of a source file")

// da reads "line,hits[,checksum]".
func (t *tracefile) da(value []byte) error {
	if t.file == nil {
		return errNoRecord
	}
	number, rest, found := bytes.Cut(value, []byte(","))
	hits, _, _ := bytes.Cut(rest, []byte(","))
	n, ok := saturating(number)
	count, counted := taken(hits)
	if !ok || !found || !counted {
		return fmt.Errorf("DA:%s is not line,hits", cut(value))
	}
	return t.builder.line(t.file, n, count)
}

// brda reads "line,block,branch,taken"; the branch may be an expression with
// commas in it, so taken is what follows the last.
func (t *tracefile) brda(value []byte) error {
	if t.file == nil {
		return errNoRecord
	}
	number, rest, _ := bytes.Cut(value, []byte(","))
	i := bytes.LastIndexByte(rest, ',')
	n, ok := saturating(number)
	if !ok || i < 0 || checkLine(n) != nil {
		return fmt.Errorf("BRDA:%s is not line,block,branch,taken", cut(value))
	}
	count := 0
	if last := rest[i+1:]; string(last) != "-" {
		if count, ok = taken(last); !ok {
			return fmt.Errorf("BRDA:%s is not line,block,branch,taken", cut(value))
		}
	}
	t.cov.Branches = true
	if err := t.spend(1); err != nil {
		return err
	}
	if t.record.Branches == nil {
		t.record.Branches = map[int]ci.BranchCount{}
	}
	c := t.record.Branches[n]
	if count > 0 {
		c.Covered++
		c.Ways |= way(c.Total)
	}
	if c.Total++; c.Total > 64 {
		c.Ways = 0
	}
	t.record.Branches[n] = c
	return nil
}

// taken is a hit count as LCOV tools write it: beyond int32, negative, or, from
// some, with an exponent.
func taken(raw []byte) (int, bool) {
	if n, ok := saturating(raw); ok {
		return n, true
	}
	mantissa, exponent, ok := bytes.Cut(bytes.ToLower(raw), []byte("e"))
	mantissa, fraction, _ := bytes.Cut(mantissa, []byte("."))
	n, whole := saturating(mantissa)
	if _, digits := saturating(exponent); !whole || ok && !digits {
		return 0, false
	}
	if _, digits := saturating(fraction); len(fraction) > 0 && !digits {
		return 0, false
	}
	if ok && n != 0 {
		return maxHits, true // how often exactly does not matter
	}
	return n, ok || len(fraction) > 0
}

func scoreGo(head []byte) int {
	if bytes.HasPrefix(head, []byte("mode: ")) {
		return 95
	}
	return 0
}

// Go reads a profile of go test. Statements are counted by block, as go tool
// cover does, and a block that several test binaries report (-coverpkg) counts
// once. Hits by line are for drawing and for the lines of a change: a line ran
// if any block on it did.
func Go(r io.Reader) (*ci.Coverage, error) {
	b := newBuilder("go")
	started := false
	lines, err := eachLine(r, func(line []byte) error {
		switch {
		case len(line) == 0:
			return nil
		case bytes.HasPrefix(line, []byte("mode: ")):
			started = true // again in the middle where profiles were concatenated
			return nil
		case !started:
			return errors.New(`a profile begins with "mode:"`)
		}
		return goBlock(b, line)
	})
	if err == nil && !started {
		err = fmt.Errorf("line %d: %w", lines+1, io.ErrUnexpectedEOF)
	}
	return b.done(), err
}

// goBlock reads "file.go:1.2,3.4 statements count".
func goBlock(b *builder, line []byte) error {
	colon := bytes.LastIndexByte(line, ':')
	if colon < 1 {
		return badBlock(line)
	}
	at, rest, _ := bytes.Cut(line[colon+1:], []byte(" "))
	count, times, _ := bytes.Cut(rest, []byte(" "))
	from, to, ok := bytes.Cut(at, []byte(","))
	first, firstCol, ok1 := position(from)
	last, lastCol, ok2 := position(to)
	statements, ok3 := saturating(count)
	hits, ok4 := saturating(times)
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || statements < 0 || statements > maxLineNo || last < first {
		return badBlock(line)
	}
	if err := checkLine(last); err != nil {
		return err
	}
	f, err := b.file(string(line[:colon]))
	if err != nil {
		return err
	}
	if err := b.spend(1); err != nil {
		return err
	}
	key := ci.Block{FirstLine: first, FirstCol: firstCol, LastLine: last, LastCol: lastCol}
	_, known := f.Blocks[key]
	block(f, key, ci.BlockCount{Statements: statements, Hits: max(hits, 0)})
	if statements == 0 || known && hits <= 0 {
		return nil
	}
	if !known {
		if err := b.spend(last - first + 1); err != nil {
			return err
		}
	}
	for n := first; n <= last; n++ {
		hit(f, n, max(hits, 0))
	}
	return nil
}

func badBlock(line []byte) error {
	return fmt.Errorf("%q is not file:line.column,line.column statements count", cut(line))
}

func position(raw []byte) (line, col int, ok bool) {
	a, b, ok := bytes.Cut(raw, []byte("."))
	line, ok1 := saturating(a)
	col, ok2 := saturating(b)
	return line, col, ok && ok1 && ok2 && line >= 1 && col >= 0
}
