package triage

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
)

// extractRule is one row: a way in which logs say that something went wrong.
// Literals are searched for in all lines at once; check, if there is one, then
// looks at the line. Scores order the rows by how well such a line explains a
// failure: what names the culprit first, what only counts it last.
type extractRule struct {
	name     string
	score    int
	kind     ci.Kind
	last     bool // of several in one excerpt, the last explains it
	trace    bool // what follows belongs to it
	apart    bool // each such line stands for itself
	literals []string
	check    func(line []byte) bool
}

// loud is the score from which a row is not silenced by the words of the row "noise".
const loud = 78

// weigh finds the best row for a line; the score is 0 if none fits, and what a
// quiet line says does not count.
func weigh(trimmed, line []byte) (*extractRule, int) {
	hits := extractIndex.find(trimmed)
	if hits == 0 {
		return nil, 0
	}
	var best *extractRule
	noise := false
	for i := range extractRules {
		if hits&(1<<i) == 0 {
			continue
		}
		r := &extractRules[i]
		if r.score < 0 {
			noise = true
			continue
		}
		if r.name == "aftermath" {
			return r, r.score // whatever else it says
		}
		if (best == nil || r.score > best.score) && (r.check == nil || r.check(line)) {
			best = r
		}
	}
	if best == nil || best.score < loud && (noise || warns(trimmed)) || quiet(trimmed) {
		return nil, 0
	}
	return best, best.score
}

// warns recognises lines that call themselves a warning or a note.
func warns(b []byte) bool {
	for _, p := range []string{"warning:", "warning ", "[warning]", "##[warning]", "warn ", "[warn]", "npm warn", "w: "} {
		if lower(b, p) {
			return !bytes.Contains(b, []byte("treated as error"))
		}
	}
	return bytes.Contains(b, []byte(": note: ")) || bytes.Contains(b, []byte(": warning: "))
}

// quiet recognises lines whose own level says that they are no error, and
// commands that are echoed.
func quiet(b []byte) bool {
	for _, p := range []string{"[INFO]", "[DEBUG]", "[TRACE]", "INFO", "DEBUG", "##[group]", "##[endgroup]", "##[debug]", "##[command]", "Downloading", "Downloaded", "+ ", "[WARNING] *", "remote: ", "Requirement already", "Collecting "} {
		if len(b) >= len(p) && string(b[:len(p)]) == p {
			return true
		}
	}
	return false
}

// continues reports whether a line carries on what the line before began: a
// frame of a stack, an indented remark, another line of the same level.
func continues(line, trimmed []byte) bool {
	if line[0] == ' ' || line[0] == '\t' {
		return true
	}
	for _, p := range []string{"at ", "Caused by:", "... ", "[ERROR]", "[FATAL]", "E  ", ">  ", "| ", "^", "note: ", "stderr:", "stdout:", "During handling", "The above exception", "Also:", "}", "]", ")", "- ", "* "} {
		if bytes.HasPrefix(trimmed, []byte(p)) {
			return true
		}
	}
	return false
}

// lower reports whether b begins with the lower-case text, whatever b's case.
func lower(b []byte, text string) bool {
	if len(b) < len(text) {
		return false
	}
	for i := range len(text) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != text[i] {
			return false
		}
	}
	return true
}

// startsSentence keeps the rows of soft words to lines that are prose: five words
// and more, no code.
func startsSentence(line []byte) bool {
	b := trimSpace(line)
	return len(b) > 20 && is(b[0], cUpper|cLower) && bytes.Count(b, []byte(" ")) >= 4 && !bytes.ContainsAny(b[:10], "=({;")
}

// isHeading is pytest's heading of a failed test.
func isHeading(line []byte) bool {
	return bytes.HasPrefix(line, []byte("____")) && bytes.HasSuffix(line, []byte("____")) && bytes.IndexByte(line, ' ') > 0
}

// hasErrorWord is "error" as a word of prose: not part of a name, a path or an option.
func hasErrorWord(line []byte) bool {
	for i := 0; i+5 <= len(line); i++ {
		if !lower(line[i:], "error") || i > 0 && (is(line[i-1], cWord) || line[i-1] == '-' || line[i-1] == '/' || line[i-1] == '.') {
			continue
		}
		j := i + 5
		if j < len(line) && line[j] == 's' {
			j++
		}
		if j == len(line) || line[j] == ' ' || line[j] == ':' || line[j] == '!' {
			return true
		}
	}
	return false
}

// isFailedMarker is FAILED, FAILURE or "failed!" as a verdict, not in a sentence about options.
func isFailedMarker(line []byte) bool {
	b := trimSpace(line)
	for _, mark := range []string{"✗", "✖", "❌", "✘"} {
		if bytes.HasPrefix(b, []byte(mark)) {
			return len(b) > len(mark)+2
		}
	}
	for _, w := range []string{"FAILED", "FAILURE", "FAIL:", " failed!", " failed:", "Linter failed", " FAIL"} {
		if bytes.Contains(line, []byte(w)) {
			return true
		}
	}
	return bytes.Contains(line, []byte(" failed.")) && !isProse(b)
}

// isProse recognises a line of running text, as documents have it: many words, and
// nothing in them that names a thing (a number, a path, a symbol, an option).
func isProse(b []byte) bool {
	const many = 9
	return bytes.Count(b, []byte(" "))+1 >= many && !bytes.ContainsAny(b, "0123456789:/=_`<>[]{}|\\#$%&*+@~\"") && !bytes.Contains(b, []byte(" '"))
}

// isErrorLevel is a line that begins with its level, or with a tool's name and its level.
func isErrorLevel(line []byte) bool {
	b := trimSpace(line)
	for _, p := range []string{"error:", "fatal:", "[error]", "[fatal]", "error ", "e: ", "severe", "fatal ", "error\t"} {
		if lower(b, p) {
			return len(b) > len(p)+2
		}
	}
	tool, rest, ok := bytes.Cut(b, []byte(": "))
	return ok && len(tool) < 24 && bytes.IndexByte(tool, ' ') < 0 && (lower(rest, "error:") || lower(rest, "fatal:") || lower(rest, "fatal error:"))
}

// isAnnotation is an error message of a forge that says more than an exit code.
func isAnnotation(line []byte) bool {
	for _, w := range []string{"exit code", "exited with", "custom container implementation failed"} {
		if bytes.Contains(line, []byte(w)) {
			return false
		}
	}
	return bytes.HasPrefix(line, []byte("##[error]")) || bytes.HasPrefix(line, []byte("::error"))
}

// isTestFailure is the line by which a runner names a test that failed.
func isTestFailure(line []byte) bool {
	b := trimSpace(line)
	for _, p := range []string{"FAILED ", "ERROR "} {
		if bytes.HasPrefix(b, []byte(p)) && (bytes.Contains(b, []byte("::")) || bytes.Contains(b, []byte(".py"))) {
			return true
		}
	}
	for _, p := range []string{"FAILED CONSISTENTLY", "--- FAIL:", "FAIL: ", "ERROR: test", "[  FAILED  ] ", "not ok ", "UNEXPECTED SUCCESS"} {
		if bytes.HasPrefix(b, []byte(p)) {
			return true
		}
	}
	if timed, rest, ok := bytes.Cut(b, []byte("]: ")); ok { // unittest-xml-reporting: "FAIL [0.012s]: test_a (t.T)"
		return (bytes.HasPrefix(timed, []byte("FAIL [")) || bytes.HasPrefix(timed, []byte("ERROR ["))) && len(rest) > 0
	}
	if place, ok := bytes.CutSuffix(b, []byte(": Failure")); ok { // googletest: "pool_test.cc:12: Failure"
		return bytes.IndexByte(place, ':') > 0 && bytes.IndexByte(place, ' ') < 0 || bytes.Equal(place, []byte("unknown file"))
	}
	for _, w := range []string{"ERROR at ", "ERROR collecting", "***Failed", "***Exception", "[XPASS(strict)]"} {
		if bytes.Contains(b, []byte(w)) {
			return true
		}
	}
	return false
}

// isShellError is what a shell says of the script that it runs: "bash: line 3:
// foo: command not found", "./build.sh: line 12: X: unbound variable".
func isShellError(line []byte) bool {
	b := trimSpace(line)
	who, rest, ok := bytes.Cut(b, []byte(": "))
	if !ok || bytes.IndexByte(who, ' ') >= 0 {
		return bytes.Contains(b, []byte("is not recognized as an internal"))
	}
	shell := bytes.HasSuffix(who, []byte("sh"))
	return shell || bytes.HasPrefix(rest, []byte("line ")) && bytes.IndexByte(rest, ':') > 0
}

// isKilled is the shell's word for a process that the kernel ended.
func isKilled(line []byte) bool {
	b := trimSpace(line)
	if bytes.Equal(b, []byte("Killed")) {
		return true
	}
	return bytes.Contains(b, []byte(" Killed ")) && bytes.Contains(b, []byte(": line ")) || bytes.HasSuffix(b, []byte(": Killed")) || bytes.HasPrefix(b, []byte("signal: killed"))
}

// isRepositoryError keeps "Clone of … failed" and leaves what only speaks of clones.
func isRepositoryError(line []byte) bool {
	b := trimSpace(line)
	i := bytes.Index(bytes.ToLower(b[:min(len(b), 300)]), []byte("clone of "))
	return i < 0 || bytes.Contains(b, []byte("failed"))
}

// isServiceError keeps "An error occurred (Code) when calling", as AWS's tools
// print it, and leaves other errors that occurred.
func isServiceError(line []byte) bool {
	if !bytes.Contains(line, []byte("rror occurred (")) {
		return true
	}
	return bytes.Contains(line, []byte("when calling"))
}

// isExceptionLine is the last line of a trace: a class of error and its message.
func isExceptionLine(line []byte) bool {
	b := line
	if bytes.HasPrefix(b, []byte("E  ")) {
		b = trimSpace(b[1:])
	}
	i := bytes.IndexByte(b, ':')
	if i < 0 {
		i = len(b)
	}
	return isException(string(b[:i])) && len(b) < 4000
}

// isCause is an exception that is not merely the news of another process's failure.
func isCause(line []byte) bool {
	for _, w := range []string{"failed!", "returned non-zero", "exit status", "exit code", "SystemExit", "CalledProcessError"} {
		if bytes.Contains(line, []byte(w)) {
			return false
		}
	}
	return isExceptionLine(line)
}

// isException recognises the name of a class of exceptions.
func isException(name string) bool {
	if name == "" || len(name) > 100 || !is(name[0], cLower|cUpper) {
		return false
	}
	for i := 0; i < len(name); i++ {
		if !is(name[i], cWord) && name[i] != '.' && name[i] != '$' {
			return false
		}
	}
	base := shortName(name)
	if !is(base[0], cUpper) || base == "Error" || base == "Exception" {
		return base == "Error" && name != base
	}
	for _, suffix := range []string{"Error", "Exception", "Interrupt", "Exit", "Failure", "Timeout"} {
		if strings.HasSuffix(base, suffix) {
			return true
		}
	}
	return false
}

func isFailedTarget(line []byte) bool {
	b := trimSpace(line)
	return bytes.HasPrefix(b, []byte("FAILED: ")) || bytes.HasPrefix(b, []byte("make: *** [")) || bytes.Contains(b, []byte("]: *** [")) || bytes.Contains(b, []byte("Failed building wheel for")) ||
		bytes.Contains(b, []byte("Execution failed for task")) || bytes.Contains(b, []byte("ould not build wheels")) || bytes.Contains(b, []byte("Failed to execute goal"))
}

// isCompilerError is "path:line:col: error: …" and its relatives.
func isCompilerError(line []byte) bool {
	_, _, ok := compilerPosition(string(line[:min(len(line), 600)]))
	return ok
}

// compilerPosition reads the place and the message off a compiler's error:
// gcc's "f.c:1:2: error: m", MSVC's "f.c(1): error C1: m", javac's under Maven
// "[ERROR] f.java:[1,2] m", tsc's "f.ts(1,2): error TS1: m", Go's "f.go:1:2: m".
func compilerPosition(s string) (pos ci.Position, message string, ok bool) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "[ERROR]"))
	end := -1
	for i := 1; i+1 < len(s); i++ {
		if c := s[i]; (c == ':' || c == '(') && (is(s[i+1], cDigit) || s[i+1] == '[') && strings.IndexByte(s[:i], '.') > 0 {
			end = i
			break
		}
	}
	if end < 0 || strings.ContainsAny(s[:end], " \"'=") {
		return pos, "", false
	}
	pos.File = s[:end]
	rest := strings.TrimLeft(s[end:], ":([")
	pos.Line, rest = number(rest)
	if len(rest) > 1 && (rest[0] == ':' || rest[0] == ',') && is(rest[1], cDigit) {
		pos.Col, rest = number(rest[1:])
	}
	maven := strings.HasPrefix(s[end:], ":[")
	rest = strings.TrimLeft(rest, ")]: ")
	if pos.Line == 0 {
		return pos, "", false
	}
	if maven || strings.HasPrefix(rest, "error") || strings.HasPrefix(rest, "fatal error") || strings.HasPrefix(rest, "Error") {
		return pos, rest, true
	}
	return pos, "", false
}

// number reads digits off the front of s; what does not fit is 0.
func number(s string) (n int, rest string) {
	i := 0
	for i < len(s) && is(s[i], cDigit) {
		if n = n*10 + int(s[i]-'0'); n > 1<<30 {
			n = 0
		}
		i++
	}
	return n, s[i:]
}
