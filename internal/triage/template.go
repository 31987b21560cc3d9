package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Templates learns the lines of a log as templates: what the lines of one
// print statement have in common. It works in two steps. Reading a line is one
// masking pass and one look-up; lines that mask alike are one shape. Groups
// then finds the shapes that differ only in words that vary (names, hosts,
// states) and makes templates of them. Memory is bounded by the number of
// shapes kept, never by the number of lines.
//
// The zero value is ready to use.
type Templates struct {
	shapes map[uint64]int32 // hash of the masked line → index
	list   []shape
	bytes  int // of all shapes
	buf    []byte
	groups []int32 // by shape; nil: not computed since the last new shape
	merged []merged
}

// maxShapes bounds the shapes that are kept. A log of 3.6 million lines has a
// few thousand; what comes after the bound is matched, not learned.
const (
	maxShapes     = 1 << 16
	maxShapeBytes = 16 << 20
)

// maxTokens bounds the words of a line that take part in templates.
const maxTokens = 128

// shape is a masked line and how often it was seen.
type shape struct {
	text  string
	count int
}

// Template is one group of lines.
type Template struct {
	Text  string // the words all lines share; "<*>" stands for what varies
	Count int    // lines
}

// Add learns a line and returns its shape's index, -1 when no more are kept.
func (t *Templates) Add(line []byte) int {
	t.buf = AppendMask(t.buf[:0], clipLine(line))
	return t.learn(t.buf, 1)
}

// learn counts a masked line.
func (t *Templates) learn(masked []byte, count int) int {
	key := hashBytes(masked)
	if i, ok := t.shapes[key]; ok {
		t.list[i].count += count
		return int(i)
	}
	if len(t.list) >= maxShapes || t.bytes+len(masked) > maxShapeBytes {
		return -1
	}
	t.bytes += len(masked)
	if t.shapes == nil {
		t.shapes = map[uint64]int32{}
	}
	t.shapes[key] = int32(len(t.list))
	t.list = append(t.list, shape{text: string(masked), count: count})
	t.groups = nil
	return len(t.list) - 1
}

// clipLine bounds how much of a line is looked at.
func clipLine(line []byte) []byte {
	const maxLine = 4 << 10
	return line[:min(len(line), maxLine)]
}

// hashBytes is a 64-bit hash, eight bytes at a time.
func hashBytes(b []byte) uint64 {
	h := uint64(len(b)) * 0x9e3779b97f4a7c15
	for len(b) >= 8 {
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		h = (h ^ w) * 0xff51afd7ed558ccd
		h ^= h >> 32
		b = b[8:]
	}
	var w uint64
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return mix(h ^ w*0xc4ceb9fe1a85ec53)
}

// Len is the number of shapes.
func (t *Templates) Len() int { return len(t.list) }

// Group is the template of a shape, an index into List.
func (t *Templates) Group(shape int) int {
	t.settle()
	return int(t.groups[shape])
}

// List is the templates, in the order in which they first appeared.
func (t *Templates) List() []Template {
	t.settle()
	out := make([]Template, len(t.merged))
	for i, m := range t.merged {
		out[i] = Template{Text: strings.Join(m.words, " "), Count: m.count}
	}
	return out
}

// merged is a template under construction.
type merged struct {
	words []string
	count int
}

// settle groups the shapes.
func (t *Templates) settle() {
	if t.groups != nil || len(t.list) == 0 {
		return
	}
	m := miner{}
	for i, s := range t.list {
		m.add(i, s)
	}
	t.groups, t.merged = m.mine(len(t.list))
}

// textVersion begins the text form of templates; it names the version of the
// mask, because shapes of two versions do not compare.
const textVersion = "keepgreen templates 1"

// MarshalText writes the shapes, the most frequent first, one a line: what is
// kept of a green log, so that the next red one can be compared with it.
func (t *Templates) MarshalText() ([]byte, error) {
	order := make([]int, len(t.list))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(t.list[b].count, t.list[a].count), cmp.Compare(t.list[a].text, t.list[b].text))
	})
	out := []byte(textVersion + "\n")
	for _, i := range order {
		out = strconv.AppendInt(out, int64(t.list[i].count), 10)
		out = append(out, '\t')
		out = append(out, strings.NewReplacer("\n", " ", "\r", " ").Replace(t.list[i].text)...)
		out = append(out, '\n')
	}
	return out, nil
}

// UnmarshalText reads what MarshalText wrote, and adds it to what t has learned.
func (t *Templates) UnmarshalText(text []byte) error {
	head, rest, _ := strings.Cut(string(text), "\n")
	if head != textVersion {
		return fmt.Errorf("line 1: %q is not %q", clip(head, 60), textVersion)
	}
	n := 1
	for line := range strings.Lines(rest) {
		n++
		number, shape, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		count, err := strconv.Atoi(number)
		if !ok || err != nil || count < 1 {
			return fmt.Errorf("line %d: want a count, a tab and a shape", n)
		}
		t.learn([]byte(shape), count)
	}
	return nil
}
