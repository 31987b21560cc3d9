package impact

import (
	"encoding/binary"
	"errors"
	"slices"

	"keepgreen/internal/ci"
)

// mapVersion begins an encoded map; another one is no map to this program.
const mapVersion = 1

// errMap says that bytes are no map that this program wrote.
var errMap = errors.New("not a map of who ran what, or of another version")

// AppendBinary encodes the map: tables of names, then sorted numbers by their
// differences.
func (m *Map) AppendBinary(b []byte) ([]byte, error) {
	e := encoder(append(b, mapVersion))
	for _, s := range []string{m.Commit, m.Tool, m.Python, m.Installed} {
		e.text(s)
	}
	e.number(uint64(map[bool]int{true: 1}[m.Lines]))
	e.texts(m.Dirty)
	e.texts(m.Files)
	e.number(uint64(len(m.Defs)))
	for _, d := range m.Defs {
		e.number(uint64(d.File))
		e.text(d.Name)
	}
	e.number(uint64(len(m.Tests)))
	for _, r := range m.Tests {
		e.row(r)
	}
	e.number(uint64(len(m.Loads)))
	for _, l := range m.Loads {
		e.number(uint64(l.File)<<1 | uint64(map[bool]int{true: 1}[l.Anyone]))
		e.sorted(l.By)
		e.sorted(l.Defs)
		e.sorted(l.Reads)
	}
	e.row(m.Session)
	e.number(uint64(len(m.Collected)))
	for _, id := range m.Collected {
		e.text(string(id))
	}
	return e, nil
}

type encoder []byte

func (e *encoder) number(n uint64) { *e = binary.AppendUvarint(*e, n) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	*e = append(*e, s...)
}

func (e *encoder) texts(list []string) {
	e.number(uint64(len(list)))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) sorted(list []uint32) {
	e.number(uint64(len(list)))
	before := uint32(0)
	for _, n := range list {
		e.number(uint64(n - before))
		before = n
	}
}

func (e *encoder) row(r Row) {
	e.text(string(r.ID))
	e.sorted(r.Defs)
	e.sorted(r.Reads)
	e.sorted(r.Lists)
	e.sorted(r.Loads)
	e.text(r.Why)
}

// ParseMap decodes what AppendBinary encoded. Any bytes are safe to give to it.
func ParseMap(data []byte) (*Map, error) {
	if len(data) == 0 || data[0] != mapVersion {
		return nil, errMap
	}
	d := decoder{rest: data[1:]}
	m := &Map{Commit: d.text(), Tool: d.text(), Python: d.text(), Installed: d.text(), Lines: d.number() == 1, Dirty: d.texts(), Files: d.texts()}
	d.files = uint64(len(m.Files))
	m.Defs = make([]Def, d.count(2))
	for i := range m.Defs {
		m.Defs[i] = Def{d.index(d.files), d.text()}
	}
	d.defs = uint64(len(m.Defs))
	m.Tests = make([]Row, d.count(6))
	for i := range m.Tests {
		m.Tests[i] = d.row()
	}
	m.Loads = make([]Load, d.count(4))
	for i := range m.Loads {
		head := d.number()
		m.Loads[i] = Load{File: uint32(head >> 1), Anyone: head&1 == 1, By: d.sorted(d.files), Defs: d.sorted(d.defs), Reads: d.sorted(d.files)}
		d.bad = d.bad || head>>1 >= d.files
	}
	m.Session = d.row()
	m.Collected = make([]ci.TestID, d.count(1))
	for i := range m.Collected {
		m.Collected[i] = ci.TestID(d.text())
	}
	ordered := slices.IsSortedFunc(m.Tests, func(a, b Row) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	if d.bad || len(d.rest) > 0 || !ordered {
		return nil, errMap
	}
	return m, nil
}

// decoder reads numbers; after the first that does not fit, all are 0.
type decoder struct {
	rest        []byte
	files, defs uint64 // how many there are
	bad         bool
	arena       []uint32
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || d.bad {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// count is how many things follow of which each takes at least so many bytes.
func (d *decoder) count(size uint64) int {
	n := d.number()
	if n > uint64(len(d.rest))/size {
		d.bad, d.rest = true, nil
		return 0
	}
	return int(n)
}

func (d *decoder) index(limit uint64) uint32 {
	n := d.number()
	if n >= limit {
		d.bad = true
		return 0
	}
	return uint32(n)
}

func (d *decoder) text() string {
	n := d.count(1)
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) texts() []string {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	out := make([]string, n)
	for i := range out {
		out[i] = d.text()
	}
	return out
}

// sorted reads a list of numbers below the limit; the lists share memory.
func (d *decoder) sorted(limit uint64) []uint32 {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	if cap(d.arena)-len(d.arena) < n {
		d.arena = make([]uint32, 0, max(n, 1<<16))
	}
	start := len(d.arena)
	at := uint64(0)
	for i := range n {
		step := d.number()
		at += step
		if at >= limit || step == 0 && i > 0 || step >= limit {
			d.bad, d.rest = true, nil
			return nil
		}
		d.arena = append(d.arena, uint32(at))
	}
	return d.arena[start:len(d.arena):len(d.arena)]
}

func (d *decoder) row() Row {
	return Row{ID: ci.TestID(d.text()), Defs: d.sorted(d.defs), Reads: d.sorted(d.files), Lists: d.sorted(d.files), Loads: d.sorted(d.files), Why: d.text()}
}
