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
	"strings"

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

func scoreSimpleCov(head []byte) int {
	switch {
	case !isObject(head) || !has(head, `"coverage"`) || has(head, `"branch_coverage"`):
		return 0
	case has(head, `simplecov`):
		return 90
	case has(head, `.rb"`, `.erb"`, `.rake"`, `"RSpec"`, `"Minitest"`, `"Unit Tests"`, `"Cucumber`):
		return 80
	}
	return 0
}

// SimpleCov reads .resultset.json, one entry a test command, and the coverage.json
// of its JSON formatter. Before 0.18 a file was the bare list of its lines.
func SimpleCov(r io.Reader) (*ci.Coverage, error) {
	s, b := newStream(r), newBuilder("simplecov")
	files := func() error {
		return s.object(func(name string) error {
			var raw json.RawMessage
			if err := s.value(&raw); err != nil {
				return err
			}
			return b.simpleCov(name, raw)
		})
	}
	err := s.whole(func(key string) error {
		switch key {
		case "coverage": // coverage.json
			return files()
		case "meta", "groups", "total", "errors", "timestamp":
			return s.skip()
		}
		return s.object(func(inner string) error { // a command's results
			if inner == "coverage" {
				return files()
			}
			return s.skip()
		})
	})
	return b.done(), err
}

func (b *builder) simpleCov(name string, raw json.RawMessage) error {
	var f struct {
		Lines    []json.RawMessage
		Branches json.RawMessage
	}
	into := any(&f)
	if len(raw) > 0 && raw[0] == '[' {
		into = &f.Lines
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	file, err := b.file(name)
	if err != nil {
		return err
	}
	for i, cell := range f.Lines {
		hits, ok := saturating(cell)
		if !ok { // null: no code; "ignored": nocov
			continue
		}
		if err := b.line(file, i+1, hits); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := b.simpleCovBranches(file, f.Branches); err != nil {
		return fmt.Errorf("%s: branches: %w", name, err)
	}
	return nil
}

// simpleCovBranches reads {"[:if, 0, 3, 4, 3, 10]": {"[:then, 1, …]": 1, …}}, whose
// third item is the line, or the formatter's list of {start_line, coverage}.
func (b *builder) simpleCovBranches(file *ci.FileCoverage, raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	byLine := map[int][]int{}
	if raw[0] == '[' {
		var list []struct {
			Line     int       `json:"start_line"`
			Report   int       `json:"report_line"`
			Coverage hitNumber `json:"coverage"`
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		for _, l := range list {
			line := l.Report
			if line == 0 {
				line = l.Line
			}
			byLine[line] = append(byLine[line], int(l.Coverage))
		}
	} else {
		var all map[string]map[string]hitNumber
		if err := json.Unmarshal(raw, &all); err != nil {
			return err
		}
		for _, condition := range slices.Sorted(maps.Keys(all)) {
			line, err := rubyLine(condition)
			if err != nil {
				return err
			}
			for _, end := range slices.Sorted(maps.Keys(all[condition])) {
				byLine[line] = append(byLine[line], int(all[condition][end]))
			}
		}
	}
	for line, hits := range byLine {
		if err := b.branch(file, line, ways(hits...)); err != nil {
			return err
		}
	}
	return nil
}

func rubyLine(condition string) (int, error) {
	parts := strings.Split(condition, ",")
	if len(parts) < 3 {
		return 0, fmt.Errorf("%q names no line", cut([]byte(condition)))
	}
	return strconv.Atoi(strings.TrimSpace(parts[2]))
}

func scoreLLVM(head []byte) int {
	switch {
	case !isObject(head):
		return 0
	case has(head, `"llvm.coverage.json.export"`):
		return 95
	case has(head, `"data"`) && has(head, `"segments"`, `"expansions"`):
		return 90
	}
	return 0
}

// LLVM reads what llvm-cov export writes. Counts of lines are derived from the
// segments as llvm-cov itself does (LineCoverageStats in CoverageMapping.cpp).
func LLVM(r io.Reader) (*ci.Coverage, error) {
	s, b := newStream(r), newBuilder("llvm-cov")
	err := s.whole(func(key string) error {
		if key != "data" {
			return s.skip()
		}
		return s.array(func() error {
			return s.object(func(key string) error {
				if key != "files" {
					return s.skip()
				}
				return s.array(func() error {
					var f llvmFile
					if err := s.value(&f); err != nil {
						return err
					}
					return b.llvm(f)
				})
			})
		})
	})
	return b.done(), err
}

type llvmFile struct {
	Filename string
	Segments [][]hitNumber // line, column, count, has a count, is a region's entry, is a gap
	Branches [][]hitNumber // line, column, end line, end column, true count, false count, …
}

func (b *builder) llvm(f llvmFile) error {
	file, err := b.file(f.Filename)
	if err != nil {
		return err
	}
	if err := b.llvmLines(file, f.Segments); err != nil {
		return fmt.Errorf("%s: %w", f.Filename, err)
	}
	byLine := map[int][]int{}
	for _, branch := range f.Branches {
		if len(branch) < 6 {
			return fmt.Errorf("%s: a branch of %d numbers", f.Filename, len(branch))
		}
		line := int(branch[0])
		byLine[line] = append(byLine[line], int(branch[4]), int(branch[5]))
	}
	for line, hits := range byLine {
		if err := b.branch(file, line, ways(hits...)); err != nil {
			return fmt.Errorf("%s: %w", f.Filename, err)
		}
	}
	return nil
}

func (b *builder) llvmLines(file *ci.FileCoverage, segments [][]hitNumber) error {
	var wrapped []hitNumber // the segment that reaches into the line from above
	for at := 0; at < len(segments); {
		if len(segments[at]) < 5 {
			return fmt.Errorf("a segment of %d numbers", len(segments[at]))
		}
		line := int(segments[at][0])
		if err := checkLine(line); err != nil {
			return err
		}
		end := at
		for end < len(segments) && len(segments[end]) >= 5 && int(segments[end][0]) == line {
			end++
		}
		if hits, ok := llvmLine(segments[at:end], wrapped); ok {
			if err := b.line(file, line, hits); err != nil {
				return err
			}
		}
		wrapped = segments[end-1]
		next := line + 1
		if end < len(segments) && len(segments[end]) > 0 {
			next = int(segments[end][0])
		}
		if err := checkLine(next); err != nil || next < line {
			return fmt.Errorf("segments out of order at line %d", line)
		}
		if wrapped[3] != 0 {
			for n := line + 1; n < next; n++ {
				if err := b.line(file, n, int(wrapped[2])); err != nil {
					return err
				}
			}
		}
		at = end
	}
	return nil
}

// llvmLine is the count of a line on which segments start; ok is false if it
// holds no code.
func llvmLine(segments [][]hitNumber, wrapped []hitNumber) (hits int, ok bool) {
	starts := 0
	best := 0
	for _, s := range segments {
		gap := len(s) > 5 && s[5] != 0
		if s[3] != 0 && s[4] != 0 && !gap {
			starts++
			best = max(best, int(s[2]))
		}
	}
	skipped := segments[0][3] == 0 && segments[0][4] != 0
	carried := wrapped != nil && wrapped[3] != 0
	if starts == 0 && (skipped || !carried) {
		return 0, false
	}
	if carried {
		best = max(best, int(wrapped[2]))
	}
	return best, true
}
