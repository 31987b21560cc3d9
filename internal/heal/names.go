package heal

import (
	"regexp"
	"slices"
	"strings"
)

// near are the candidates that a name may be a slip of: one letter too many, too
// few, another, or two in the wrong order; two slips in a long name.
func near(name string, candidates []string) []string {
	most := 1
	if len(name) >= 8 {
		most = 2
	}
	if len(name) < 3 {
		return nil
	}
	var out []string
	best := most
	for _, c := range candidates {
		if c == name || slices.Contains(out, c) || strings.HasPrefix(c, "__") {
			continue
		}
		switch d := slips(name, c); {
		case d < best:
			best, out = d, []string{c}
		case d == best:
			out = append(out, c)
		}
	}
	return out
}

// slips is the optimal string alignment distance.
func slips(a, b string) int {
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, last, before := rows[2], rows[1], rows[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}

// word matches a name as a whole.
func word(name string) *regexp.Regexp {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
}

// identifiers are the names in a text, each once.
func identifiers(text string) []string {
	names := regexp.MustCompile(`[A-Za-z_]\w*`).FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}

// IsTest reports whether a path is a test's, by the names that pytest, unittest
// and go test look for, or its data.
func IsTest(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		switch part {
		case "test", "tests", "testing", "testdata", "__snapshots__", "snapshots", "spec", "specs", "e2e":
			return true
		}
	}
	base := file[strings.LastIndexByte(file, '/')+1:]
	return base == "conftest.py" || strings.HasPrefix(base, "test_") && strings.HasSuffix(base, ".py") ||
		strings.HasSuffix(base, "_test.py") || strings.HasSuffix(base, "_test.go") || strings.HasSuffix(base, ".snap") || strings.HasSuffix(base, ".golden")
}
