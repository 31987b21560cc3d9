package coverage

import (
	"fmt"
	"io"

	"keepgreen/internal/ci"
)

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
