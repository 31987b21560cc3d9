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

var extractRules = []extractRule{
	{"noise", -1, "", false, false, false, []string{"process completed with exit code", "a task was canceled", "finished: failure", "marked build as failure", "notifying endpoint", " 0 failed", " 0 errors", " 0 error(s)", "no errors", "continue-on-error", "continue_on_error", "continue-through-error", "-werror", "ignore_errors", "error_log", "if-no-files-found", "fail_ci_if_error", "on_failure"}, nil},
	{"wrapper", 10, ci.KindBuild, true, false, false, []string{"custom container implementation", "step script exited", "script/workflow error"}, nil},
	{"exit code", 12, ci.KindBuild, true, false, false, []string{"exit code", "exited with", "exit status", "non-zero", "nonzero", "returned error", "script exited", "failed with error"}, nil},
	{"failed word", 22, "", true, false, false, []string{"fail", "error", "cannot", "could not", "couldn't", "unable to", "unexpected", "denied", "refus", "missing", "invalid", "not found", "does not exist", "no such", "exceed", "abort"}, nil},
	{"sentence of refusal", 45, ci.KindBuild, true, false, false, []string{"refusing to", "more than the", "exceeds the", "is not allowed", "must be ", "out of sync", "does not have", "not supported"}, startsSentence},
	{"build result", 36, ci.KindBuild, false, false, false, []string{"build failed", "build failure", "failed to build", "error building"}, nil},
	{"heading", 79, ci.KindTest, false, false, false, []string{"____ "}, isHeading},
	{"does not exist", 44, ci.KindBuild, false, false, false, []string{"does not exist", "no such file or directory", "command not found", "not recognized as"}, nil},
	{"traceback", 32, ci.KindError, false, true, false, []string{"traceback (most recent call last)", "stack trace:"}, nil},
	{"error word", 48, ci.KindBuild, false, false, false, []string{"error"}, hasErrorWord},
	{"failed marker", 56, ci.KindBuild, false, false, false, []string{"failed", "failure", "fail:", " failed!"}, isFailedMarker},
	{"lint finding", 58, ci.KindLint, false, false, false, []string{">>> lint for ", "would reformat ", "would be reformatted"}, nil},
	{"error level", 70, ci.KindBuild, false, false, false, []string{"[error]", "error:", "fatal:", "error ", "severe", "fatal "}, isErrorLevel},
	{"cancelled", 62, ci.KindInfra, true, false, false, []string{"the operation was canceled", "the operation was cancelled", "received sigint", "keyboardinterrupt", "received sigterm"}, nil},
	{"annotation", 74, ci.KindBuild, false, false, true, []string{"##[error]", "::error"}, isAnnotation},
	{"test failed", 80, ci.KindTest, false, false, false, []string{"failed ", "--- fail:", "fail: ", "error at setup of", "error collecting", "failed consistently"}, isTestFailure},
	{"exception", 82, ci.KindError, true, false, false, []string{"error", "exception", "exit", "interrupt"}, isCause},
	{"exception about a command", 76, ci.KindError, true, false, false, []string{"error", "exception", "exit"}, isExceptionLine},
	{"failed target", 83, ci.KindBuild, false, false, false, []string{"failed: ", "*** [", "failed building wheel"}, isFailedTarget},
	{"compiler", 88, ci.KindBuild, false, false, false, []string{"error"}, isCompilerError},
	{"panic", 88, ci.KindTest, false, true, false, []string{"panic: ", "fatal error: ", "fatal python error"}, nil},
	{"crash", 87, ci.KindError, false, false, false, []string{"segmentation fault", "received signal", "core dumped", "sigsegv", "sigabrt", "sigbus", "stack smashing"}, nil},
	{"resolution", 86, ci.KindBuild, false, false, false, []string{"no matching distribution found", "could not find a version that satisfies", "resolutionimpossible", "eresolve", "no required module provides", "no solution found when resolving"}, nil},
	{"job timeout", 94, ci.KindInfra, false, false, false, []string{"has timed out after"}, isAnnotation},
	{"timeout", 88, ci.KindInfra, false, false, false, []string{"timed out after", "exceeded the maximum execution time", "command took >", "test timed out"}, nil},
	{"network", 84, ci.KindInfra, false, false, false, []string{"could not resolve host", "connection refused", "connection timed out", "temporary failure in name resolution", "tls handshake timeout", "no such host", "error while fetching", "returned error: 5"}, nil},
	{"service", 89, ci.KindInfra, false, false, false, []string{"rate limit exceeded", "could not load credentials", "is not authorized to perform", "error response from daemon", "failed to download archive", "unable to download artifact", "couldn't find remote ref", "authentication failed", "toomanyrequests"}, nil},
	{"memory", 90, ci.KindInfra, false, false, false, []string{"out of memory", "outofmemory", "oomkilled", "cannot allocate memory", "std::bad_alloc"}, nil},
	{"disk", 92, ci.KindInfra, false, false, false, []string{"no space left on device", "disk quota exceeded"}, nil},
	{"runner", 95, ci.KindInfra, false, false, false, []string{"the runner has received a shutdown signal", "lost communication with the server", "pod failed to come online"}, nil},
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
		if (best == nil || r.score > best.score) && (r.check == nil || r.check(line)) {
			best = r
		}
	}
	if best == nil || noise && best.score < loud || quiet(trimmed) {
		return nil, 0
	}
	return best, best.score
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
	for _, w := range []string{"FAILED", "FAILURE", "FAIL:", " failed!", " failed.", " failed:", "Linter failed", " FAIL"} {
		if bytes.Contains(line, []byte(w)) {
			return true
		}
	}
	return false
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

func isTestFailure(line []byte) bool {
	b := trimSpace(line)
	for _, p := range []string{"FAILED ", "ERROR ", "FAILED CONSISTENTLY"} {
		if bytes.HasPrefix(b, []byte(p)) {
			return bytes.Contains(b, []byte("::")) || bytes.Contains(b, []byte(".py")) || p == "FAILED CONSISTENTLY"
		}
	}
	return bytes.HasPrefix(b, []byte("--- FAIL:")) || bytes.HasPrefix(b, []byte("FAIL: ")) || bytes.Contains(b, []byte("ERROR at ")) || bytes.Contains(b, []byte("ERROR collecting"))
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
	return bytes.HasPrefix(b, []byte("FAILED: ")) || bytes.HasPrefix(b, []byte("make: *** [")) || bytes.Contains(b, []byte("]: *** [")) || bytes.Contains(b, []byte("Failed building wheel for"))
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
