package coverage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"keepgreen/internal/ci"
)

// stream reads a JSON document piece by piece, so that a report of any size
// needs the memory of its largest source file.
type stream struct {
	*json.Decoder
	in *meter
}

// meter counts what is read, and refuses a single value that has no end.
type meter struct {
	r        io.Reader
	newlines int
	read     int64
	limit    int64
}

// maxValue bounds one value of a JSON report: what one source file has to say.
const maxValue = 64 << 20

func (m *meter) Read(p []byte) (int, error) {
	if m.read > m.limit {
		return 0, fmt.Errorf("one value is longer than %d bytes", maxValue)
	}
	n, err := m.r.Read(p)
	m.read += int64(n)
	m.newlines += bytes.Count(p[:n], []byte{'\n'})
	return n, err
}

func newStream(r io.Reader) *stream {
	m := &meter{r: r, limit: maxValue}
	return &stream{Decoder: json.NewDecoder(m), in: m}
}

// located puts the line at which reading stopped before the error.
func (s *stream) located(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	line := 1 + s.in.newlines
	if rest, ok := s.Buffered().(*bytes.Reader); ok && !errors.Is(err, io.ErrUnexpectedEOF) {
		unread := make([]byte, rest.Len())
		_, _ = rest.Read(unread)
		line -= bytes.Count(unread, []byte{'\n'})
	}
	return fmt.Errorf("line %d: %w", line, err)
}

func (s *stream) value(into any) error {
	s.in.limit = s.in.read + maxValue
	return s.Decode(into)
}

// object calls do for each key of the object that comes next; do reads the value.
func (s *stream) object(do func(key string) error) error {
	return s.container('{', func() error {
		token, err := s.Token()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return errors.New("a key is a string")
		}
		return do(key)
	})
}

// array calls do for each element of the array that comes next.
func (s *stream) array(do func() error) error { return s.container('[', do) }

func (s *stream) container(open json.Delim, do func() error) error {
	s.in.limit = s.in.read + maxValue
	token, err := s.Token()
	if err != nil {
		return err
	}
	if token == nil { // null
		return nil
	}
	if token != open {
		return fmt.Errorf("%q where %q was expected", fmt.Sprint(token), open.String())
	}
	for s.More() {
		s.in.limit = s.in.read + maxValue
		if err := do(); err != nil {
			return err
		}
	}
	_, err = s.Token()
	return err
}

// skip reads over a value of any size.
func (s *stream) skip() error {
	depth := 0
	for {
		s.in.limit = s.in.read + maxValue
		token, err := s.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// end makes sure that the document was one.
func (s *stream) end() error {
	if _, err := s.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("something follows the document")
		}
		return err
	}
	return nil
}

// whole reads a document that is one object.
func (s *stream) whole(do func(key string) error) error {
	err := s.object(do)
	if err == nil {
		err = s.end()
	}
	return s.located(err)
}

func isObject(head []byte) bool { return len(head) > 0 && head[0] == '{' }

func scoreCoveragePy(head []byte) int {
	switch {
	case !isObject(head):
		return 0
	case has(head, `"executed_lines"`), has(head, `"branch_coverage"`) && has(head, `"show_contexts"`):
		return 95
	}
	return 0
}

// coveragePyFile is what coverage.py says of one source file. Lists of branches
// came after the first format; before them there are only the sums.
type coveragePyFile struct {
	Executed         []int    `json:"executed_lines"`
	Missing          []int    `json:"missing_lines"`
	ExecutedBranches [][2]int `json:"executed_branches"`
	MissingBranches  [][2]int `json:"missing_branches"`
	Summary          struct {
		Branches *int `json:"num_branches"`
		Covered  *int `json:"covered_branches"`
	} `json:"summary"`
}

// CoveragePy reads the JSON report of coverage.py. Its formats 1 to 3 differ in
// regions (functions, classes) that repeat the lines of their file, and in
// percentages; the lines are the same in all.
func CoveragePy(r io.Reader) (*ci.Coverage, error) {
	s, b := newStream(r), newBuilder("coverage.py")
	err := s.whole(func(key string) error {
		switch key {
		case "meta":
			var meta struct {
				Branches bool `json:"branch_coverage"`
			}
			err := s.value(&meta)
			b.cov.Branches = b.cov.Branches || meta.Branches
			return err
		case "files":
			return s.object(func(name string) error {
				var f coveragePyFile
				if err := s.value(&f); err != nil {
					return err
				}
				return b.coveragePy(name, f)
			})
		}
		return s.skip()
	})
	return b.done(), err
}

func (b *builder) coveragePy(name string, f coveragePyFile) error {
	file, err := b.file(name)
	if err != nil {
		return err
	}
	for _, n := range f.Executed {
		if err := b.line(file, n, 1); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, n := range f.Missing {
		if err := b.line(file, n, 0); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if f.ExecutedBranches == nil && f.MissingBranches == nil {
		if total, covered := f.Summary.Branches, f.Summary.Covered; total != nil && covered != nil && *total > 0 {
			b.cov.Branches = true
			file.TotalBranches = min(*total, maxEntries)
			file.CoveredBranches = min(max(*covered, 0), file.TotalBranches)
		}
		return nil
	}
	// A branch is named by the line it leads to, which is what tells the ways
	// out of a line apart in every shard.
	arcs := map[int]map[int]bool{}
	for taken, list := range map[bool][][2]int{false: f.MissingBranches, true: f.ExecutedBranches} {
		for _, arc := range list {
			from, to := arc[0], arc[1]
			if arcs[from] == nil {
				arcs[from] = map[int]bool{}
			}
			arcs[from][to] = arcs[from][to] || taken
		}
	}
	for from, ends := range arcs {
		hits := make([]int, 0, len(ends))
		for _, to := range slices.Sorted(maps.Keys(ends)) {
			hits = append(hits, map[bool]int{true: 1}[ends[to]])
		}
		if err := b.branch(file, from, ways(hits...)); err != nil {
			return fmt.Errorf("%s: branch from %w", name, err)
		}
	}
	return nil
}

func scoreGcovr(head []byte) int {
	switch {
	case !isObject(head):
		return 0
	case has(head, `"gcovr/`):
		return 95
	case has(head, `"files"`) && has(head, `"line_number"`):
		return 60
	}
	return 0
}

// Gcovr reads gcovr's JSON. A line may come several times, once for each
// instance of a template.
func Gcovr(r io.Reader) (*ci.Coverage, error) {
	s, b := newStream(r), newBuilder("gcovr")
	err := s.whole(func(key string) error {
		if key != "files" {
			return s.skip()
		}
		return s.array(func() error {
			var f struct {
				File  string
				Lines []struct {
					Number   int       `json:"line_number"`
					Count    hitNumber `json:"count"`
					Branches []struct{ Count hitNumber }
					Excluded bool `json:"gcovr/excluded"`
					NonCode  bool `json:"gcovr/noncode"`
				}
			}
			if err := s.value(&f); err != nil {
				return err
			}
			file, err := b.file(f.File)
			if err != nil {
				return err
			}
			for _, l := range f.Lines {
				if l.Excluded || l.NonCode {
					continue
				}
				if err := b.line(file, l.Number, int(l.Count)); err != nil {
					return fmt.Errorf("%s: %w", f.File, err)
				}
				hits := make([]int, len(l.Branches))
				for i := range l.Branches {
					hits[i] = int(l.Branches[i].Count)
				}
				if len(hits) == 0 {
					continue
				}
				if err := b.branch(file, l.Number, ways(hits...)); err != nil {
					return fmt.Errorf("%s: %w", f.File, err)
				}
			}
			return nil
		})
	})
	return b.done(), err
}

// hitNumber is a count of any size; a boolean is 0 or 1.
type hitNumber int

// UnmarshalJSON implements json.Unmarshaler.
func (h *hitNumber) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case "true":
		*h = 1
		return nil
	case "false", "null":
		*h = 0
		return nil
	}
	if n, ok := saturating(raw); ok {
		*h = hitNumber(n)
		return nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(f) {
		return fmt.Errorf("%s is not a count", cut(raw))
	}
	*h = hitNumber(max(-maxHits, min(maxHits, f)))
	return nil
}
