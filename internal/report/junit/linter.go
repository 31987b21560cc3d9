package junit

import (
	"fmt"
	"strings"

	"keepgreen/internal/report/lint"
)

// linterOf names the linter that wrote a suite as if its findings were tests:
// ruff and ESLint say so by the suite's package, mypy by its name.
func linterOf(pkg, name string) string {
	switch {
	case pkg == "org.ruff", pkg == "org.eslint":
		return strings.TrimPrefix(pkg, "org.")
	case name == "mypy":
		return "mypy"
	}
	return ""
}

// linter is the linter whose suite is open; empty: the cases are tests.
func (j *junitReader) linter() string {
	if n := len(j.suites); n > 0 {
		return j.suites[n-1].linter
	}
	return ""
}

// golangci recognises what golangci-lint writes: a suite is a file, and the class
// of a case the place in it.
func (j *junitReader) golangci() string {
	place, ok := strings.CutPrefix(string(j.c.class), j.suiteName()+":")
	if !ok || len(j.c.bad) == 0 || strings.Trim(place, "0123456789:") != "" || !strings.HasSuffix(j.suiteName(), ".go") {
		return ""
	}
	return "golangci-lint"
}

// findings makes diagnostics of a linter's case. What such a case says is spelled
// as the linter prints it to a terminal, so that both are read in one place. A
// case that passed is a file without findings.
func (j *junitReader) findings(tool string) {
	for _, p := range j.c.bad {
		var text string
		switch tool {
		case "ruff": // the place stands in the text: "line 1, col 8, `os` imported but unused"
			line, col, message := placed(p.body)
			text = fmt.Sprintf("%s:%d:%d: %s %s", j.suiteName(), line, col, strings.TrimPrefix(string(j.c.name), "org.ruff."), message)
		case "eslint": // its compact format
			text = fmt.Sprintf("%s: %s", j.suiteName(), oneLine(p.body))
		case "golangci-lint":
			line, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(p.body), ": "), "\nCategory: ")
			if strings.HasPrefix(line, ": # ") { // what the compiler said
				_, line, _ = strings.Cut(line, "\n")
				text = fmt.Sprintf("%s (%s)", strings.TrimPrefix(oneLine(line), "./"), j.c.name)
				break
			}
			text = fmt.Sprintf("%s: %s (%s)", j.c.class, oneLine(line), j.c.name)
		default:
			text = p.body
		}
		rep, err := lint.ToolOutput(tool, strings.NewReader(text+"\n"))
		if err != nil || len(rep.Diagnostics) == 0 {
			f := p.failure(tool)
			f.Log.Line = j.c.line
			j.rep.Failures = append(j.rep.Failures, f)
			continue
		}
		for _, d := range rep.Diagnostics {
			d.Log.Line = j.c.line
			j.rep.Diagnostics = append(j.rep.Diagnostics, d)
		}
	}
}

// placed splits "line 1, col 8, message".
func placed(body string) (line, col int, message string) {
	body = oneLine(body)
	if n, _ := fmt.Sscanf(body, "line %d, col %d,", &line, &col); n < 2 {
		return line, col, body
	}
	_, rest, _ := strings.Cut(body, ", ")
	_, message, _ = strings.Cut(rest, ", ")
	return line, col, message
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
