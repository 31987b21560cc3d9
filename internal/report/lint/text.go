package lint

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// Reader reads the line-shaped output of all tools at once, alone or in the
// middle of a larger log. One line costs a look at its first byte and at its
// first colon; only what passes is taken apart. The tool is told by the shape
// of the line, else by the command that the log says it runs.
type Reader struct {
	rep ci.Report
	n   int // number of the current line

	// all says that the source is lint output and nothing else, so that shapes
	// too weak to be trusted in a log ("f:1: text") are findings too.
	all    bool
	hint   string // the tool that the surrounding log says is running; empty: unknown
	forced bool   // hint is certain and never changes

	prev    []byte // the last line that may head a block: a path or a message
	heading string // file of the block of rows being read; empty: none
	head    lintHead
	more    continuation // what the following lines may add to the last finding
	quiet   bool         // in a section that only looks like findings
	module  string       // of "# pkg": go's header
	vetting bool         // the header was go vet's

	unsure []int // findings in the style that flake8 and ruff share
	vote   int   // positive: they read like ruff's
	counts map[string]int
	black  map[string]bool // files already reported as badly formatted
	seen   int             // lines taken as part of some tool's output
}

// lintHead is a message whose place follows on a later line.
type lintHead struct {
	diag  ci.Diagnostic
	until int // line up to which the place may follow; 0: none is awaited
}

// continuation says how the last finding may go on.
type continuation struct {
	how   continuing
	until int // last line that may belong to it
}

type continuing uint8

const (
	contNone    continuing = iota
	contMypy               // "--pretty" wraps a message; its code stands at its end
	contPyright            // deeper indented lines; the rule stands at the end
	contTSC                // indented lines: the chain of types
	contBlack              // the parser's own message
	contShell              // shellcheck's carets, under "In f line 3:"
	contBandit             // the fields under ">> Issue"
	contPydoc              // the message under "f:1 in public function"
)

func newLintText() *Reader {
	return &Reader{counts: map[string]int{}, black: map[string]bool{}}
}

// ReadText reads the output of linters, type checkers and compilers.
func ReadText(r io.Reader) (ci.Report, error) {
	t := newLintText()
	t.all = true
	return t.read(r)
}

func (t *Reader) read(r io.Reader) (ci.Report, error) {
	for line, err := range format.Lines(r) {
		if err != nil {
			return t.Finish(), err
		}
		t.Line(line)
	}
	return t.Finish(), nil
}

// Line takes the next line of the log.
func (t *Reader) Line(l format.Line) {
	b := l.Text
	t.n = l.N
	if len(b) == 0 {
		if t.more.how != contBandit {
			t.more.how = contNone
		}
		return
	}
	if t.more.how != contNone && t.continues(b) {
		t.seen++
		return
	}
	if t.quiet {
		t.quiet = !bytes.HasPrefix(b, []byte("-- Docs:")) && !bytes.HasPrefix(b, []byte("===="))
		return
	}
	before := len(t.rep.Diagnostics)
	took := t.dispatch(b)
	if took || len(t.rep.Diagnostics) > before {
		t.seen++
	}
	if c := b[0]; c != ' ' && c != '\t' && !took {
		t.heading = ""
		t.prev = t.prev[:0]
		if len(b) <= 512 {
			t.prev = append(t.prev, b...)
		}
	}
}

// dispatch sends a line to the shapes that its first byte allows and reports
// whether one of them took it.
func (t *Reader) dispatch(b []byte) bool {
	switch b[0] {
	case ' ', '\t':
		return t.indented(b)
	case '#':
		return t.hash(b)
	case ':':
		return t.annotation(b)
	case '=':
		t.quiet = bytes.Contains(b, []byte(" warnings summary "))
		return false
	case '-':
		if bytes.HasPrefix(b, []byte("--- ")) || bytes.HasPrefix(b, []byte("- hook id: ")) {
			return t.dashes(b)
		}
		return bytes.HasPrefix(b, []byte("--> ")) && t.arrow(b)
	case '+':
		if bytes.HasPrefix(b, []byte("+++ ")) {
			return t.diffTarget(b)
		}
		t.command(b)
		return false
	case '$', '>':
		if bytes.HasPrefix(b, []byte(">> Issue: [")) {
			return t.banditIssue(b)
		}
		t.command(b)
		return false
	case '[':
		return t.bracketed(b)
	case '*':
		return bytes.HasPrefix(b, []byte("************* Module "))
	}
	for _, w := range lintOpenings[b[0]] {
		if bytes.HasPrefix(b, w.opening) && w.take(t, b) {
			return true
		}
	}
	return t.placed(b)
}

// opening is a line that is known by its first words.
type opening struct {
	opening []byte
	take    func(*Reader, []byte) bool
}

// lintOpenings are the openings by their first byte, the longer ones first.
var lintOpenings = openings(
	opening{[]byte("would reformat "), (*Reader).wouldReformat},
	opening{[]byte("Would reformat: "), (*Reader).ruffWouldReformat},
	opening{[]byte("error: cannot format "), (*Reader).cannotFormat},
	opening{[]byte("error: cannot parse: "), (*Reader).cannotParse},
	opening{[]byte("error: Failed to parse "), (*Reader).ruffParse},
	opening{[]byte("ERROR: "), (*Reader).isort},
	opening{[]byte("Error: "), (*Reader).marked},
	opening{[]byte("Warning: "), (*Reader).marked},
	opening{[]byte("error"), (*Reader).rustHead},
	opening{[]byte("warning"), (*Reader).rustHead},
	opening{[]byte("note: "), (*Reader).noteHead},
	opening{[]byte("help: "), (*Reader).noteHead},
	opening{[]byte("Found "), (*Reader).found},
	opening{[]byte("vet: "), (*Reader).vet},
	opening{[]byte("In "), (*Reader).shellHead},
	opening{[]byte("All checks passed!"), (*Reader).nothing},
	opening{[]byte("Success: no issues found"), (*Reader).nothing},
	opening{[]byte("All done! "), (*Reader).nothing},
	opening{[]byte("Oh no! "), (*Reader).nothing},
	opening{[]byte("Your code has been rated "), (*Reader).nothing},
	opening{[]byte("✖ "), (*Reader).eslintSum},
)

func openings(rows ...opening) (table [256][]opening) {
	for _, row := range rows {
		first := row.opening[0]
		table[first] = append(table[first], row)
	}
	return table
}

// nothing takes a line that says nothing to report.
func (*Reader) nothing([]byte) bool { return true }

// add records a finding on the current line, and returns its index, or -1 if it
// is none.
func (t *Reader) add(d ci.Diagnostic) int {
	if d.Log.Line == 0 {
		d.Log.Line = t.n
	}
	d, ok := finishDiagnostic(d)
	if !ok {
		return -1
	}
	t.rep.Diagnostics = append(t.rep.Diagnostics, d)
	if d.Severity == ci.SeverityError {
		t.counts[d.Tool]++
	}
	return len(t.rep.Diagnostics) - 1
}

// last is the finding recorded last.
func (t *Reader) last() *ci.Diagnostic {
	if len(t.rep.Diagnostics) == 0 {
		return &ci.Diagnostic{}
	}
	return &t.rep.Diagnostics[len(t.rep.Diagnostics)-1]
}

// extend adds a line to the message of the last finding.
func (t *Reader) extend(text string) {
	d := t.last()
	if len(d.Message) < maxLintMessage {
		d.Message = lintClean(d.Message+"\n"+text, maxLintMessage)
	}
}

// Finish is the report on all lines so far.
func (t *Reader) Finish() ci.Report {
	t.resolve("")
	return t.rep
}

// resolve gives the findings that flake8 and ruff would both print so to one of
// them: tool, or where that is empty the one whose style they have.
func (t *Reader) resolve(tool string) {
	if tool == "" {
		tool = "flake8"
		if t.vote > 0 {
			tool = "ruff"
		}
	}
	for _, i := range t.unsure {
		d := &t.rep.Diagnostics[i]
		d.Tool = tool
		if tool == "flake8" && (d.Rule[0] == 'W' || d.Rule[0] == 'C') {
			d.Severity = ci.SeverityWarning
		}
	}
	t.counts[tool] += len(t.unsure)
	t.unsure, t.vote = t.unsure[:0], 0
}

// found reads "Found 3 errors in 2 files" of mypy and "Found 3 errors." of ruff:
// they say how much there should have been.
func (t *Reader) found(b []byte) bool {
	rest := b[len("Found "):]
	n := leadingDigits(rest)
	if n == 0 {
		return false
	}
	claimed, err := strconv.Atoi(string(rest[:n]))
	if err != nil {
		return false
	}
	rest = bytes.TrimPrefix(bytes.TrimPrefix(rest[n:], []byte(" error")), []byte("s"))
	switch {
	case bytes.HasPrefix(rest, []byte(" in ")) && bytes.Contains(rest, []byte("checked ")),
		bytes.HasPrefix(rest, []byte(" in ")) && bytes.Contains(rest, []byte("prevented further checking")):
		t.reconcile("mypy", claimed)
	case bytes.Equal(rest, []byte(".")):
		t.resolve("ruff")
		t.reconcile("ruff", claimed)
	case bytes.HasPrefix(rest, []byte(" (")) && bytes.Contains(rest, []byte(" fixed")):
		t.resolve("ruff")
	default:
		return bytes.HasPrefix(rest, []byte(" in "))
	}
	return true
}

// eslintSum reads "✖ 8 problems (6 errors, 2 warnings)".
func (t *Reader) eslintSum(b []byte) bool {
	_, sum, ok := bytes.Cut(b, []byte(" ("))
	n := leadingDigits(sum)
	if !ok || n == 0 || !bytes.HasPrefix(sum[n:], []byte(" error")) {
		return false
	}
	claimed, err := strconv.Atoi(string(sum[:n]))
	if err != nil {
		return false
	}
	if t.counts["stylelint"] == 0 {
		t.reconcile("eslint", claimed)
	}
	return true
}

// reconcile compares what a tool claims with what was read since its last claim.
func (t *Reader) reconcile(tool string, claimed int) {
	if read := t.counts[tool]; read != claimed {
		t.rep.Warnings = append(t.rep.Warnings, ci.Warning{
			Line: t.n, Text: fmt.Sprintf("%s says %d errors, %d were read", tool, claimed, read),
		})
	}
	t.counts[tool] = 0
}

// command takes the tool that a log says it runs: "+ flake8 src", "> eslint .".
func (t *Reader) command(b []byte) {
	if t.forced || len(b) > 2000 {
		return
	}
	tool := commandTool(string(b[1:]))
	if tool != "" || b[0] != '>' {
		t.hint = tool
	}
}

// wrappers are the words that a command may have before the tool it starts.
var wrappers = []string{
	"bundle", "dlx", "env", "exec", "hatch", "npx", "pdm", "pipenv", "pipx", "pnpm", "poetry", "run", "sudo",
	"time", "tool", "uv", "uvx", "xargs", "yarn",
}

// commandTool is the linter that a shell command starts; empty: none that is
// known. Of several commands on a line the first linter counts.
func commandTool(line string) string {
	for command := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ';' || r == '&' || r == '|' }) {
		fields := strings.Fields(command)
		at := slices.IndexFunc(fields, func(word string) bool {
			return word[0] != '-' && !strings.Contains(word, "=") && !strings.HasPrefix(word, "python") && !slices.Contains(wrappers, word)
		})
		if at < 0 {
			continue
		}
		word, _, _ := strings.Cut(fields[at][strings.LastIndexByte(fields[at], '/')+1:], "@")
		word = strings.TrimSuffix(word, "-action") // golangci/golangci-lint-action@v6
		if at+1 < len(fields) && (word == "go" || word == "cargo") {
			switch word += " " + fields[at+1]; word {
			case "cargo clippy":
				return "clippy"
			case "cargo check", "cargo build":
				return "cargo"
			}
		}
		if word = lintToolName(word); word != "" {
			if _, ok := lintTools[word]; ok {
				return word
			}
		}
	}
	return ""
}

// scoreLintText asks how much of a head, apart from what is indented below a
// finding, is lint output.
func scoreLintText(head []byte) int {
	t := newLintText()
	t.all = true
	strict := newLintText()
	lines := 0
	for line := range format.Lines(bytes.NewReader(head)) { //nolint:errcheck // reading memory does not fail
		if len(line.Text) > 0 && line.Text[0] != ' ' && line.Text[0] != '\t' && !isSnippet(line.Text) {
			lines++
		}
		t.Line(line)
		strict.Line(line)
	}
	found := len(t.Finish().Diagnostics)
	switch {
	case found > 0 && found*10 >= lines*3 || t.seen > 0 && t.seen*2 >= lines:
		return 50
	case len(strict.Finish().Diagnostics) > 0:
		return 5
	}
	return 0
}

// isSnippet recognises "12 |     code", the source that a tool shows.
func isSnippet(b []byte) bool {
	n := leadingDigits(b)
	return n > 0 && bytes.HasPrefix(bytes.TrimLeft(b[n:], " "), []byte("|")) || bytes.HasPrefix(b, []byte("help: "))
}

func leadingDigits(b []byte) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}
