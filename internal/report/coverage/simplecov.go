package coverage

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

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
