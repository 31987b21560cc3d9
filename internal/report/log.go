package report

import (
	"bytes"
	"io"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/actions"
	"keepgreen/internal/report/format"
	"keepgreen/internal/report/gotest"
	"keepgreen/internal/report/lint"
	"keepgreen/internal/report/pytest"
	"keepgreen/internal/report/runners"
)

var logFormat = format.Format{
	Name:  "log",
	Doc:   "a whole CI job log: everything that the line readers find in it, in one pass",
	Score: scoreLog,
	Read:  Log,
	Text:  true,
}

// lineReaders are the readers that follow a job's log together, in their initial
// state.
func lineReaders() []format.LineReader {
	linters := lint.NewReader()
	return []format.LineReader{
		actions.NewReader(linters.Attribute),
		pytest.NewReader(),
		linters,
		gotest.NewReader(),
		runners.NewJest(),
		runners.NewMaven(),
		runners.NewCargo(),
	}
}

// Log reads the log of a whole job in one pass. It feeds every line to every
// line reader and joins what they found.
func Log(r io.Reader) (ci.Report, error) {
	readers := lineReaders()
	var broken error
	for line, err := range format.Lines(format.DecodeText(r)) {
		if err != nil {
			broken = err
			break
		}
		for _, reader := range readers {
			reader.Line(line)
		}
	}
	reports := make([]ci.Report, len(readers))
	for i, reader := range readers {
		reports[i] = reader.Finish()
	}
	return joinLog(reports), broken
}

// joinLog joins the reports of one log. Totals are kept if one reader has them:
// counts of several tools mean nothing together.
func joinLog(reports []ci.Report) ci.Report {
	out := union(reports, func(ci.Report) int { return 0 })
	out.Format = "log"
	claims := 0
	for _, r := range reports {
		if r.Totals != nil {
			out.Totals = r.Totals
			claims++
		}
	}
	if claims > 1 {
		out.Totals = nil
	}
	out.Failures = dropEchoes(out)
	return out
}

// maxEchoes bounds the comparison of annotations with what they repeat.
const maxEchoes = 500

// dropEchoes drops the forge's error lines that repeat what a reader of the tool
// itself has understood better: test frameworks print annotations of their own
// failures.
func dropEchoes(r ci.Report) []ci.Failure {
	var heads []string
	note := func(f ci.Failure) {
		if head := f.Headline(); len(head) >= 8 && len(heads) < maxEchoes {
			heads = append(heads, head)
		}
	}
	for _, t := range r.Tests {
		if t.Failure != nil {
			note(*t.Failure)
		}
	}
	for _, d := range r.Diagnostics {
		note(d.Failure())
	}
	for _, f := range r.Failures {
		if f.Tool != actions.Tool {
			note(f)
		}
	}
	var out []ci.Failure
	for _, f := range r.Failures {
		if f.Tool == actions.Tool && f.Kind != ci.KindInfra && repeats(f.Message, heads) {
			continue
		}
		out = append(out, f)
	}
	return out
}

func repeats(message string, heads []string) bool {
	for _, head := range heads {
		if strings.Contains(message, head) {
			return true
		}
	}
	return false
}

// scoreLog claims the logs of whole jobs, which hold the output of many tools,
// before the reader of any one of them; other text only if nobody else does.
func scoreLog(head []byte) int {
	text := format.DecodeText(bytes.NewReader(head))
	n, printable := 0, 0
	for line, err := range format.Lines(text) {
		if err != nil || n == 400 {
			break
		}
		n++
		if line.Job != "" || bytes.HasPrefix(line.Text, []byte("##[group]")) || bytes.HasPrefix(line.Text, []byte("##[section]")) {
			return 97
		}
		if bytes.IndexByte(line.Text, 0) < 0 {
			printable++
		}
	}
	if n == 0 || printable < n || bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")) {
		return 0
	}
	return 1
}
