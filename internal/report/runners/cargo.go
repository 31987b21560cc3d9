package runners

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

var cargoFormat = format.Format{
	Name:  "cargo",
	Doc:   "output of `cargo test` and `cargo nextest run`, and rustc's errors in it",
	Score: scoreCargo,
	Read:  ReadCargo,
	Text:  true,
}

func scoreCargo(head []byte) int {
	for line := range bytes.Lines(head) {
		line = format.TrimTimestamp(bytes.TrimRight(line, "\r\n"))
		switch {
		case bytes.HasPrefix(line, []byte("test result: ")), bytes.HasPrefix(line, []byte("error[E")):
			return 60
		case bytes.HasPrefix(line, []byte("     Running ")) && bytes.Contains(line, []byte("/deps/")):
			return 60
		case bytes.HasPrefix(line, []byte(" ")) && bytes.Contains(line, []byte("Nextest run")):
			return 60
		case bytes.HasPrefix(line, []byte("error: ")) && bytes.Contains(head, []byte("\n  --> ")) && bytes.Contains(head, []byte(".rs:")):
			return 50
		}
	}
	return 0
}

// ReadCargo reads the output of "cargo test" (libtest), of "cargo nextest run",
// and the errors of rustc. A test's ID is its crate, "/", and the name that
// libtest prints: several crates of a workspace have a "tests::it_works".
func ReadCargo(r io.Reader) (ci.Report, error) { return format.ReadLines(r, "cargo", newCargoReader()) }

type cargoReader struct {
	rep    ci.Report
	seen   bool           // cargo or rustc has spoken: its plainer words count from here on
	crate  string         // whose tests run
	active bool           // between "running 3 tests" and "test result:"
	tests  map[string]int // of the crate: index into rep.Tests
	open   string         // a test whose verdict is on a later line (--nocapture)
	list   bool           // below "failures:"

	section *format.Clip // the output of one failed test is being printed
	owner   int          // of the section: index into rep.Tests
	inset   bool         // the section stands four blanks in, as newer nextest prints it

	diag ci.Diagnostic // an error that waits for its place
	wait int           // lines for which it waits
	dup  map[string]bool
}

func newCargoReader() *cargoReader {
	return &cargoReader{tests: map[string]int{}, dup: map[string]bool{}, owner: -1}
}

func (c *cargoReader) Line(l format.Line) {
	b := l.Text
	if c.section != nil && !c.sectionEnds(b) {
		if c.inset {
			b = bytes.TrimPrefix(b, []byte("    "))
		}
		c.section.Line(b)
		return
	}
	if len(b) == 0 {
		c.list = false
		return
	}
	switch b[0] {
	case ' ':
		c.indented(l.N, b)
	case 't':
		c.testLine(l.N, b)
	case '-':
		c.sectionStart(l.N, b)
	case 'e':
		c.errorLine(l.N, b)
	case 'r':
		if bytes.HasPrefix(b, []byte("running ")) && (bytes.HasSuffix(b, []byte(" tests")) || bytes.HasSuffix(b, []byte(" test"))) {
			c.active, c.seen = true, true
			clear(c.tests)
		}
	case 'f':
		c.list = c.active && string(b) == "failures:"
	case 'o', 'F', 'i':
		c.verdictLine(l.N, b)
	}
	if c.wait > 0 {
		if c.wait--; c.wait == 0 {
			c.diag = ci.Diagnostic{}
		}
	}
}

// indented takes cargo's and nextest's status lines, the places of errors and
// the list of failures.
func (c *cargoReader) indented(n int, b []byte) {
	if c.list && bytes.HasPrefix(b, []byte("    ")) {
		c.result(n, string(b[4:]), ci.Failed, "")
		return
	}
	word, rest := format.CutBlank(bytes.TrimLeft(b, " "))
	switch string(word) {
	case "-->":
		c.place(rest)
	case "Running", "Doc-tests":
		if crate, ok := cargoCrate(string(word), string(rest)); ok {
			c.crate, c.active, c.seen = crate, false, true
		}
	case "Compiling", "Finished", "Checking", "Updating", "Downloading":
		c.seen = c.seen || bytes.Contains(rest, []byte(" v")) || bytes.Contains(rest, []byte("target(s)"))
	case "stdout", "stderr":
		if last := len(c.rep.Tests) - 1; last >= 0 && insetSection(b) && c.rep.Tests[last].Framework == "nextest" {
			c.owner, c.section, c.inset = last, format.NewOutput(), true
		}
	case "process":
		c.died(n, rest)
	case "PASS", "FAIL", "FLAKY", "LEAK", "TIMEOUT", "SIGABRT", "SIGSEGV", "SIGKILL", "SIGBUS", "ABORT", "TRY", "SKIP":
		c.nextest(n, string(word), rest)
	}
}

// cargoCrate is the crate of "Running unittests src/lib.rs (target/debug/deps/kv_pool-0123)".
func cargoCrate(word, rest string) (string, bool) {
	if word == "Doc-tests" {
		return strings.ReplaceAll(rest, "-", "_"), rest != "" && !strings.Contains(rest, " ")
	}
	path := rest
	if i := strings.LastIndexByte(rest, '('); i >= 0 {
		path = strings.TrimSuffix(rest[i+1:], ")")
	}
	path = strings.ReplaceAll(path, "\\", "/")
	if !strings.Contains(path, "/deps/") && !strings.HasPrefix(path, "target/") {
		return "", false
	}
	name := strings.TrimSuffix(path[format.LastSlash(path)+1:], ".exe")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name = name[:i]
	}
	return name, name != ""
}

// testLine takes "test a::b ... FAILED", "test result: …" and the panics of
// tests whose output is not captured.
func (c *cargoReader) testLine(n int, b []byte) {
	rest, ok := bytes.CutPrefix(b, []byte("test "))
	if !ok || !c.active {
		return
	}
	if totals, ok := bytes.CutPrefix(rest, []byte("result: ")); ok {
		c.totals(string(totals))
		c.active, c.open, c.list = false, "", false
		return
	}
	name, verdict, ok := strings.Cut(string(rest), " ... ")
	if !ok {
		return
	}
	for _, mode := range []string{" - should panic", " - compile fail", " - compile"} {
		name = strings.TrimSuffix(name, mode)
	}
	if !c.verdict(n, name, verdict) {
		c.open = name
	}
}

func (c *cargoReader) verdict(n int, name, verdict string) bool {
	switch {
	case verdict == "ok" || strings.HasPrefix(verdict, "ok ") || strings.HasPrefix(verdict, "bench:"):
		c.result(n, name, ci.Passed, "")
	case verdict == "FAILED" || strings.HasPrefix(verdict, "FAILED "):
		c.result(n, name, ci.Failed, "")
	case strings.HasPrefix(verdict, "ignored"):
		c.result(n, name, ci.Skipped, strings.TrimPrefix(strings.TrimPrefix(verdict, "ignored"), ", "))
	default:
		return false
	}
	return true
}

// verdictLine takes the verdict of a test whose own output came between.
func (c *cargoReader) verdictLine(n int, b []byte) {
	if c.open != "" && c.verdict(n, c.open, string(b)) {
		c.open = ""
	}
}

// result records a test once; the list of failures repeats what is known.
func (c *cargoReader) result(n int, name string, outcome ci.Outcome, reason string) int {
	if i, known := c.tests[name]; known {
		return i
	}
	if len(c.rep.Tests) >= format.MaxResults {
		return -1
	}
	r := ci.TestResult{ID: c.id(name), Framework: "cargo", Outcome: outcome, Reason: reason}
	if outcome.Bad() {
		r.Failure = &ci.Failure{Kind: ci.KindTest, Test: r.ID, Tool: "cargo test", Log: ci.Position{Line: n}}
	}
	c.tests[name] = len(c.rep.Tests)
	c.rep.Tests = append(c.rep.Tests, r)
	return len(c.rep.Tests) - 1
}

func (c *cargoReader) id(name string) ci.TestID {
	if c.crate == "" {
		return ci.TestID(name)
	}
	return ci.TestID(c.crate + "/" + name)
}

// totals reads "FAILED. 1 passed; 4 failed; 1 ignored; …".
func (c *cargoReader) totals(text string) {
	if c.rep.Totals == nil {
		c.rep.Totals = &ci.Totals{}
	}
	_, counts, _ := strings.Cut(text, ". ")
	for part := range strings.SplitSeq(counts, "; ") {
		count, what, _ := strings.Cut(part, " ")
		n := max(format.LineNumber([]byte(count)), 0)
		switch what {
		case "passed":
			c.rep.Totals.Passed += n
		case "failed":
			c.rep.Totals.Failed += n
		case "ignored":
			c.rep.Totals.Skipped += n
		}
	}
}

// sectionStart takes "---- a::b stdout ----", and nextest's "--- STDOUT: crate a::b ---".
func (c *cargoReader) sectionStart(n int, b []byte) {
	name, ok := strings.CutPrefix(string(b), "---- ")
	if ok {
		name, ok = strings.CutSuffix(name, " stdout ----")
	}
	if !ok || !c.active {
		c.nextestSection(b)
		return
	}
	c.owner = c.result(n, name, ci.Failed, "")
	c.section, c.inset = format.NewOutput(), false
	c.list = false
}

// sectionEnds reports whether the line is no longer the output of the test
// whose section it follows, and reads the section if so.
func (c *cargoReader) sectionEnds(b []byte) bool {
	switch {
	case bytes.HasPrefix(b, []byte("---- ")) && bytes.HasSuffix(b, []byte(" stdout ----")):
	case string(b) == "failures:" || string(b) == "successes:":
	case bytes.HasPrefix(b, []byte("test result: ")):
	case bytes.HasPrefix(b, []byte("--- STD")), bytes.HasPrefix(b, []byte("────")), bytes.HasPrefix(b, []byte("   Canceling")):
	case nextestStatus(b) || insetSection(b):
	default:
		return false
	}
	c.closeSection()
	return true
}

func (c *cargoReader) closeSection() {
	text := c.section.String()
	c.section = nil
	if c.owner < 0 || c.rep.Tests[c.owner].Failure == nil {
		return
	}
	r := &c.rep.Tests[c.owner]
	if f := rustFailure(text); r.Failure.Exception == "" && (f.Message != "" || r.Failure.Message == "") {
		f.Test, f.Log, f.Tool = r.ID, r.Failure.Log, r.Failure.Tool
		r.Failure, r.Output = &f, f.Details
		if f.Message == "" && r.Reason != "" {
			f.Message = r.Reason
		}
		r.File = rustTestFile(f.Pos.File)
	}
}

// rustTestFile is the file of an integration test; the code under test is no
// test's source.
func rustTestFile(file string) string {
	if strings.HasPrefix(file, "tests/") || strings.Contains(file, "/tests/") {
		return file
	}
	return ""
}

// rustFailure reads what a failed test printed.
func rustFailure(text string) ci.Failure {
	f := ci.Failure{Kind: ci.KindTest, Tool: "cargo test", Details: format.Shorten(strings.Trim(text, "\n"), format.MaxFailureText)}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		place, ok := panicked(line)
		if !ok {
			continue
		}
		f.Exception = "panic"
		// Before Rust 1.73 the message stood on the same line: 'why', src/lib.rs:1:2
		if why, at, old := cutLast(place, "', "); old && strings.HasPrefix(why, "'") {
			f.Message, f.Pos = why[1:], rustPosition(at)
		} else {
			f.Message, f.Pos = rustMessage(lines[i+1:]), rustPosition(strings.TrimSuffix(place, ":"))
		}
		f.Frames = rustFrames(lines[i+1:])
		f.Pos = rustOurs(f.Pos, f.Frames)
		return f
	}
	for _, line := range lines {
		if _, why, ok := strings.Cut(line, "Error: "); ok && strings.HasPrefix(line, "Error: ") {
			f.Exception, f.Message = "Error", format.Shorten(why, format.MaxMessage)
			return f
		}
		if why, ok := strings.CutPrefix(line, "note: test did not panic as expected"); ok {
			f.Message = "test did not panic as expected"
			if at, ok := strings.CutPrefix(why, " at "); ok {
				f.Pos = rustPosition(at)
			}
			return f
		}
	}
	f.Message = format.Shorten(format.LastLines(lines, 10, func(b []byte) bool { return len(b) == 0 }), format.MaxMessage)
	return f
}

// panicked is what follows "panicked at " in "thread 'x' (42) panicked at …".
func panicked(line string) (string, bool) {
	if !strings.HasPrefix(line, "thread '") {
		return "", false
	}
	_, place, ok := strings.Cut(line, " panicked at ")
	return place, ok
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func rustMessage(lines []string) string {
	end := 0
	for end < len(lines) && end < 60 && lines[end] != "stack backtrace:" && !strings.HasPrefix(lines[end], "note: ") {
		end++
	}
	return format.Shorten(strings.TrimSpace(strings.Join(lines[:end], "\n")), format.MaxMessage)
}

// rustPosition reads "src/lib.rs:30:9".
func rustPosition(at string) ci.Position {
	rest, col, ok := cutLast(at, ":")
	if !ok {
		return ci.Position{}
	}
	file, line, ok := cutLast(rest, ":")
	if !ok || file == "" {
		return ci.Position{}
	}
	return ci.Position{
		File: strings.TrimPrefix(strings.ReplaceAll(file, "\\", "/"), "./"),
		Line: max(format.LineNumber([]byte(line)), 0), Col: max(format.LineNumber([]byte(col)), 0),
	}
}

// rustFrames reads a backtrace, which is printed innermost first.
func rustFrames(lines []string) []ci.Frame {
	var out []ci.Frame
	for i := 1; i < len(lines) && len(out) < format.MaxFrames; i++ {
		at, ok := strings.CutPrefix(strings.TrimLeft(lines[i], " "), "at ")
		if !ok {
			continue
		}
		index, fn, ok := strings.Cut(strings.TrimLeft(lines[i-1], " "), ": ")
		if !ok || format.LineNumber([]byte(index)) < 0 {
			continue
		}
		out = append(out, ci.Frame{Func: fn, Position: rustPosition(at)})
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// rustOurs prefers the innermost frame of the repository to a panic's place in
// the standard library or in a dependency.
func rustOurs(pos ci.Position, frames []ci.Frame) ci.Position {
	if rustInRepo(pos.File) {
		return pos
	}
	for i := len(frames) - 1; i >= 0; i-- {
		if rustInRepo(frames[i].File) {
			return frames[i].Position
		}
	}
	return pos
}

func rustInRepo(file string) bool {
	return file != "" && !strings.HasPrefix(file, "/rustc/") && !strings.Contains(file, "/.cargo/registry/") &&
		!strings.Contains(file, "/rustlib/") && !strings.Contains(file, "/.rustup/")
}

// errorLine takes rustc's "error[E0308]: why" and the errors of cargo that are
// not merely a consequence of others.
func (c *cargoReader) errorLine(n int, b []byte) {
	rest, ok := bytes.CutPrefix(b, []byte("error"))
	if !ok {
		return
	}
	rule := ""
	if bytes.HasPrefix(rest, []byte("[E")) {
		end := bytes.IndexByte(rest, ']')
		if end < 0 || format.LineNumber(rest[2:end]) < 0 {
			return
		}
		rule, rest = string(rest[1:end]), rest[end+1:]
	}
	why, ok := bytes.CutPrefix(rest, []byte(": "))
	if !ok {
		return
	}
	c.diag = ci.Diagnostic{
		Tool: "rustc", Kind: ci.KindBuild, Rule: rule, Severity: ci.SeverityError,
		Message: format.Shorten(string(why), format.MaxMessage), Log: ci.Position{Line: n},
	}
	c.wait = 4
	if rule != "" || c.seen && alone(string(why)) {
		c.addDiagnostic() // some have no place: the linker's, a missing crate's
	}
}

// alone reports whether an error of cargo stands without a place in a file.
func alone(why string) bool {
	for _, prefix := range []string{"linking with ", "failed to ", "no matching package ", "package `", "cannot find ", "unable to "} {
		if strings.HasPrefix(why, prefix) {
			return true
		}
	}
	return false
}

func (c *cargoReader) addDiagnostic() {
	if len(c.rep.Diagnostics) < format.MaxDiagnostics {
		c.seen = true
		c.rep.Diagnostics = append(c.rep.Diagnostics, c.diag)
	}
}

// place takes "  --> src/lib.rs:15:5", the place of the error above it.
func (c *cargoReader) place(at []byte) {
	if c.wait == 0 {
		return
	}
	pos := rustPosition(string(at))
	if pos.Line == 0 || !strings.HasSuffix(pos.File, ".rs") && !strings.HasSuffix(pos.File, ".toml") {
		return
	}
	c.diag.Pos, c.wait = pos, 0
	key := pos.String() + c.diag.Rule + c.diag.Message
	if last := len(c.rep.Diagnostics) - 1; last >= 0 && c.rep.Diagnostics[last].Log == c.diag.Log {
		if c.dup[key] { // the library and its tests are compiled with the same error
			c.rep.Diagnostics = c.rep.Diagnostics[:last]
		} else {
			c.rep.Diagnostics[last].Pos = pos
		}
	} else if !c.dup[key] {
		c.addDiagnostic()
	}
	c.dup[key] = true
}

// died takes "process didn't exit successfully: `…` (signal: 11, SIGSEGV: …)".
func (c *cargoReader) died(n int, rest []byte) {
	if !c.seen || !bytes.HasPrefix(rest, []byte("didn't exit successfully: ")) {
		return
	}
	_, how, ok := cutLast(string(rest), "(signal: ")
	if !ok {
		return
	}
	c.rep.Failures = append(c.rep.Failures, ci.Failure{
		Kind: ci.KindError, Tool: "cargo test", Test: ci.TestID(c.crate), Exception: "signal",
		Message: "the tests of " + format.OrUnknown(c.crate) + " ended with signal " + strings.TrimSuffix(how, ")"), Log: ci.Position{Line: n},
	})
}

func nextestStatus(b []byte) bool {
	word, rest := format.CutBlank(bytes.TrimLeft(b, " "))
	if len(rest) == 0 || b[0] != ' ' {
		return false
	}
	switch string(word) {
	case "PASS", "FAIL", "FLAKY", "TIMEOUT", "SIGABRT", "SIGSEGV", "TRY":
		return bytes.IndexByte(rest, '[') >= 0 && bytes.Contains(rest, []byte("s] "))
	}
	return string(word) == "Summary" && rest[0] == '['
}

// insetSection reports whether a line heads a test's output, "  stderr ───".
func insetSection(b []byte) bool {
	return string(b) == "  stdout ───" || string(b) == "  stderr ───"
}

// nextest takes "FAIL [   0.004s] (2/3) kv_pool tests::a", "TRY 1 FAIL [ … ]"
// and "FLAKY 2/3 [ … ]". Its summary repeats the failures, which count once.
func (c *cargoReader) nextest(n int, status string, rest []byte) {
	text := string(rest)
	attempt := 0
	if status == "TRY" {
		count, after, _ := strings.Cut(text, " ")
		attempt, _ = strconv.Atoi(count)
		status, text, _ = strings.Cut(after, " ")
		text = strings.TrimLeft(text, " ")
	}
	if status == "FLAKY" {
		return // its passing TRY has been counted
	}
	inside, name, ok := strings.Cut(text, "] ")
	if !ok || !strings.HasPrefix(inside, "[") || !strings.HasSuffix(inside, "s") && strings.TrimSpace(inside) != "[" {
		return
	}
	if strings.HasPrefix(name, "(") {
		_, name, _ = strings.Cut(name, ") ")
	}
	binary, test, ok := strings.Cut(strings.TrimLeft(name, " "), " ")
	if !ok {
		return
	}
	c.seen = true
	c.crate = nextestCrate(binary)
	outcome := ci.Failed
	switch status {
	case "PASS", "LEAK":
		outcome = ci.Passed
	case "SKIP":
		outcome = ci.Skipped
	}
	key := binary + " " + test + "#" + strconv.Itoa(attempt)
	if _, known := c.tests[key]; known || len(c.rep.Tests) >= format.MaxResults {
		return
	}
	r := ci.TestResult{ID: c.id(test), Framework: "nextest", Outcome: outcome, Attempt: attempt}
	r.Duration, r.Timed = format.ParseSeconds(strings.TrimSuffix(strings.TrimLeft(inside[1:], " >"), "s"))
	if outcome.Bad() {
		r.Failure = &ci.Failure{Kind: ci.KindTest, Test: r.ID, Tool: "cargo nextest", Log: ci.Position{Line: n}}
		if status != "FAIL" {
			r.Failure.Exception, r.Failure.Message = strings.ToLower(status), "ended with "+status
		}
		if status == "TIMEOUT" {
			r.Failure.Message = "test timed out after " + r.Duration.Round(time.Second).String()
		}
	}
	c.tests[key], c.tests[binary+" "+test] = len(c.rep.Tests), len(c.rep.Tests)
	c.rep.Tests = append(c.rep.Tests, r)
}

// nextestCrate brings "kv-pool::reuse" to libtest's "reuse".
func nextestCrate(binary string) string {
	if i := strings.LastIndex(binary, "::"); i >= 0 {
		binary = binary[i+2:]
	}
	return strings.ReplaceAll(binary[format.LastSlash(binary)+1:], "-", "_")
}

// nextestSection takes "--- STDERR:              kv_pool tests::a ---".
func (c *cargoReader) nextestSection(b []byte) {
	if !bytes.HasPrefix(b, []byte("--- STD")) {
		return
	}
	_, name, ok := strings.Cut(strings.Trim(string(b), "- "), ":")
	if !ok {
		return
	}
	if i, known := c.tests[strings.TrimSpace(name)]; known {
		c.owner, c.section, c.inset = i, format.NewOutput(), false
	}
}

func (c *cargoReader) Finish() ci.Report {
	if c.section != nil {
		c.closeSection()
	}
	return c.rep
}
