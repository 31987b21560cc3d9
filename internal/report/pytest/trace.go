package pytest

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// Bounds of what is kept of one traceback: an end and a beginning of each.
const (
	detailEnd  = 8 << 10 // bytes of Details kept at each end
	messageEnd = 8 << 10
	firstFrame = 16
	lastFrames = 32
	maxChain   = 16
)

// Traceback reads the text of one failure as pytest prints it, which is also
// what it writes into its JUnit files.
func Traceback(text string) ci.Failure {
	t := newTrace()
	for line := range strings.Lines(text) {
		t.line([]byte(strings.TrimRight(line, "\r\n")))
	}
	return t.failure()
}

// trace reads one Python traceback as pytest prints it, in any of its styles
// (_pytest/_code/code.py: long, short, line, native, value), line by line.
type trace struct {
	chain ends[ci.Link] // the exceptions before the one being read

	exception string
	message   format.Clip
	frames    ends[ci.Frame]
	details   format.Clip
	located   bool // a last location line was seen: what follows is no source

	mode     traceMode
	indent   int    // of the first E line: what is more is the message's own
	code     string // the line marked ">", of the frame whose location is to come
	function string // of the same frame
	grouped  bool   // within an exception group, which has a margin of its own
	plain    bool   // within a traceback as Python itself prints it
	crashed  ci.TestID
}

type traceMode uint8

const (
	inSource  traceMode = iota
	inE                 // between "E   " lines
	inMessage           // a native traceback's exception, which may go on for lines
	wantCode            // a frame's location came; its source line follows
)

func newTrace() *trace {
	return &trace{
		chain:   ends[ci.Link]{first: maxChain / 2, last: maxChain / 2},
		message: format.Clip{Head: messageEnd, Tail: messageEnd},
		details: format.Clip{Head: detailEnd, Tail: detailEnd},
		frames:  ends[ci.Frame]{first: firstFrame, last: lastFrames},
	}
}

func (t *trace) reset() {
	t.details.Reset()
	t.chain.drop()
	t.crashed = ""
	t.restart()
}

// restart begins the next exception of a chain.
func (t *trace) restart() {
	t.exception, t.code, t.function = "", "", ""
	t.message.Reset()
	t.frames.drop()
	t.mode, t.located, t.grouped, t.plain = inSource, false, false, false
}

var (
	causeMark   = []byte("The above exception was the direct cause of the following exception:")
	contextMark = []byte("During handling of the above exception, another exception occurred:")
	nativeMark  = []byte("Traceback (most recent call last):")
	filePrefix  = []byte("File \"")
)

func (t *trace) line(b []byte) {
	t.details.Line(b)
	if len(b) == 0 {
		if t.mode == inMessage {
			t.message.Line(b)
		}
		return
	}
	switch b[0] {
	case ' ', '\t':
		t.indented(b)
	case 'E':
		if len(b) == 1 || b[1] == ' ' {
			t.eLine(b[1:])
			return
		}
		t.flush(b)
	case '>':
		t.source(b)
	default:
		t.flush(b)
	}
}

// eLine is a line of the exception's text.
func (t *trace) eLine(b []byte) {
	if t.mode != inE {
		t.mode = inE
		t.indent = len(b) - len(bytes.TrimLeft(b, " "))
	}
	n := 0
	for n < len(b) && n < t.indent && b[n] == ' ' {
		n++
	}
	t.message.Line(b[n:])
}

func (t *trace) source(b []byte) {
	if len(b) > 1 && b[1] == ' ' && t.code == "" && t.mode != inE {
		t.code = text(bytes.TrimSpace(b[1:]), 300)
	}
}

// indented lines are source, the frames of native tracebacks, or the rest of a
// message.
func (t *trace) indented(b []byte) {
	trimmed := bytes.TrimLeft(b, " \t")
	if len(trimmed) == 0 {
		if t.mode == inMessage {
			t.message.Line(nil)
		}
		return
	}
	switch {
	case trimmed[0] == '|' || trimmed[0] == '+':
		if t.group(trimmed) {
			return
		}
	case trimmed[0] == 'F' && bytes.HasPrefix(trimmed, filePrefix):
		if t.native(trimmed) {
			return
		}
	}
	switch t.mode {
	case wantCode:
		if frame := t.frames.newest(); frame != nil && frame.Code == "" && !onlyMarks(trimmed) {
			frame.Code = text(bytes.TrimSpace(trimmed), 300)
		}
		t.mode = inSource
	case inMessage:
		t.message.Line(b)
	case inSource:
		if t.function == "" {
			t.function = definition(trimmed)
		}
	}
}

func onlyMarks(b []byte) bool { return len(bytes.Trim(b, " ^~")) == 0 }

// definition is the name in "def name(" and "async def name(".
func definition(b []byte) string {
	b = bytes.TrimPrefix(b, []byte("async "))
	rest, ok := bytes.CutPrefix(b, []byte("def "))
	if !ok {
		return ""
	}
	i := bytes.IndexByte(rest, '(')
	if i <= 0 {
		return ""
	}
	return text(rest[:i], 200)
}

// native reads `File "path", line 7, in function` and its siblings without a
// comma (faulthandler) or a function (SyntaxError).
func (t *trace) native(b []byte) bool {
	frame, ok := nativeFrame(b)
	if !ok || t.mode == inE {
		return false
	}
	t.frames.add(frame)
	t.mode = wantCode
	return true
}

func nativeFrame(b []byte) (ci.Frame, bool) {
	b = b[len(filePrefix):]
	i := bytes.Index(b, []byte("\", line "))
	if i <= 0 {
		return ci.Frame{}, false
	}
	line, rest := number(b[i+len("\", line "):])
	if line == 0 {
		return ci.Frame{}, false
	}
	frame := ci.Frame{Position: ci.Position{File: text(b[:i], 500), Line: line}}
	if _, name, found := bytes.Cut(rest, []byte("in ")); found {
		frame.Func = text(bytes.TrimSpace(name), 200)
	}
	return frame, true
}

// group reads the "|" and "+" margin of an exception group's traceback.
func (t *trace) group(b []byte) bool {
	if bytes.HasPrefix(b, []byte("+ Exception Group Traceback")) {
		t.grouped = true
		return true
	}
	if !t.grouped || b[0] != '|' {
		return t.grouped
	}
	inner := bytes.TrimPrefix(b[1:], []byte(" "))
	trimmed := bytes.TrimLeft(inner, " ")
	switch {
	case bytes.HasPrefix(trimmed, filePrefix) && t.message.Empty():
		return t.native(trimmed)
	case len(inner) > 0 && inner[0] == ' ' && t.message.Empty():
		t.mode = inSource
	case len(trimmed) > 0:
		t.message.Line(trimmed)
	}
	return true
}

// flush lines stand at the left margin: locations, marks of a chain, the
// exception of a native traceback.
func (t *trace) flush(b []byte) {
	switch {
	case b[0] == '_' && bytes.HasPrefix(b, []byte("_ _ _")):
		t.code, t.function, t.mode = "", "", inSource
		return
	case b[0] == 'T' && bytes.Equal(b, causeMark), b[0] == 'D' && bytes.Equal(b, contextMark):
		t.link()
		return
	case b[0] == 'T' && bytes.Equal(b, nativeMark):
		t.plain = true
		if t.mode == inMessage { // loader errors print a message, then the traceback
			t.message.Reset()
		}
		t.mode = inSource
		return
	case t.location(b):
		return
	case bytes.HasPrefix(b, []byte("worker '")):
		if _, id, found := bytes.Cut(b, []byte("' crashed while running '")); found {
			t.crashed = ci.TestID(text(bytes.TrimSuffix(id, []byte("'")), maxID))
			t.exception = "WorkerCrash"
			t.message.Line(b)
		}
		return
	case t.mode == inMessage:
		t.message.Line(b)
		return
	}
	if t.plain && len(t.frames.items) > 0 && t.mode != inE && !t.located && t.message.Empty() {
		t.mode = inMessage
		t.message.Line(b)
	}
}

// location reads "path:7: ", "path:7: in function" and "path:7: Exception".
func (t *trace) location(b []byte) bool {
	file, line, rest, ok := location(b)
	if !ok {
		return false
	}
	if t.mode == inMessage && !identifier(rest) {
		return false // a line of somebody's message
	}
	frame := ci.Frame{Position: ci.Position{File: text(file, 500), Line: line}}
	if name, short := bytes.CutPrefix(rest, []byte("in ")); short {
		frame.Func = text(name, 200)
		t.frames.add(frame)
		t.mode = wantCode
		return true
	}
	frame.Func, frame.Code = t.function, t.code
	t.code, t.function = "", ""
	last := t.frames.newest()
	if t.mode != inMessage || last == nil || last.Line != line {
		t.frames.add(frame)
	}
	t.mode = inSource
	if len(rest) > 0 {
		t.located = true
		name, _, _ := bytes.Cut(rest, []byte(":"))
		if identifier(name) {
			t.exception = shortName(text(name, 200))
		}
	}
	return true
}

// location splits "path:line: rest". Paths have no spaces, except those of
// frozen modules, or what a program printed would often look like one.
func location(b []byte) (file []byte, line int, rest []byte, ok bool) {
	if b[0] == '"' || b[0] == '[' {
		return nil, 0, nil, false
	}
	for i := 1; i+1 < len(b); i++ {
		switch b[i] {
		case ' ':
			if b[0] != '<' {
				return nil, 0, nil, false
			}
		case ':':
			n, after := number(b[i+1:])
			if n == 0 {
				continue
			}
			if len(after) > 0 && after[0] != ':' || !pathLike(b[:i]) {
				return nil, 0, nil, false
			}
			after = bytes.TrimPrefix(after, []byte(":"))
			return b[:i], n, bytes.TrimSpace(after), len(after) == 0 || after[0] == ' '
		}
	}
	return nil, 0, nil, false
}

func pathLike(b []byte) bool {
	if b[0] == '<' {
		return b[len(b)-1] == '>'
	}
	return bytes.ContainsAny(b, "./\\") && !bytes.Contains(b, []byte("://")) && !bytes.ContainsAny(b, "=(,'\"")
}

// number reads a positive decimal number at the start of b.
func number(b []byte) (n int, rest []byte) {
	i := 0
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9' && i < 9; i++ {
		n = n*10 + int(b[i]-'0')
	}
	return n, b[i:]
}

func identifier(b []byte) bool {
	for i, c := range b {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
		if !letter && (i == 0 || c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(b) > 0
}

func shortName(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }

// text makes a bounded, valid string of bytes that are about to be reused.
func text(b []byte, limit int) string {
	if len(b) > limit {
		return format.Shorten(format.Valid(string(b[:limit+1])), limit)
	}
	return format.Valid(string(b))
}

// link ends one exception of a chain.
func (t *trace) link() {
	exception, message := t.said()
	t.chain.add(ci.Link{Exception: exception, Message: message, Frames: t.frames.take()})
	t.restart()
}

// said is the exception and its message as far as they were read.
func (t *trace) said() (exception, message string) {
	exception, message = SplitException(t.message.Text())
	if t.exception != "" && t.exception != "UnexpectedException" {
		if exception != t.exception {
			message = strings.TrimSpace(t.message.Text())
		}
		return t.exception, message
	}
	return exception, message
}

// SplitException tells the class from the message in "pkg.Error: text".
func SplitException(s string) (exception, message string) {
	s = strings.TrimSpace(s)
	first, rest, _ := strings.Cut(s, "\n")
	if strings.HasPrefix(first, "File \"") {
		return syntaxError(s)
	}
	name, after, colon := strings.Cut(first, ": ")
	name = strings.TrimSuffix(name, ":")
	switch {
	case first == "assert" || strings.HasPrefix(first, "assert "):
		return "AssertionError", s
	case strings.HasPrefix(first, "fixture '") && strings.HasSuffix(first, "' not found"):
		return "FixtureLookupError", s // what pytest raises and does not print
	case !exceptionName(name, colon):
		return "", s
	case !colon:
		return shortName(name), strings.TrimSpace(rest)
	}
	if rest != "" {
		after += "\n" + rest
	}
	return shortName(name), strings.TrimSpace(after)
}

// syntaxError puts the compiler's sentence before the place that it shows.
func syntaxError(s string) (exception, message string) {
	i := strings.LastIndexByte(s, '\n')
	if i < 0 || strings.HasPrefix(s[i+1:], "File \"") {
		return "", s
	}
	exception, message = SplitException(s[i+1:])
	if exception == "" {
		return "", s
	}
	return exception, strings.TrimSpace(message + "\n" + s[:i])
}

// exceptionName tells a class of exceptions from a word that a colon follows.
func exceptionName(name string, colon bool) bool {
	if !identifier([]byte(name)) {
		return false
	}
	short := shortName(name)
	if short == "" {
		return false
	}
	for _, end := range []string{"Error", "Exception", "Warning", "Exit", "Interrupt", "Group", "Failed", "Timeout", "Failure"} {
		if strings.HasSuffix(short, end) {
			return true
		}
	}
	upper := 'A' <= short[0] && short[0] <= 'Z'
	return upper && (colon || strings.ToUpper(short) != short) || colon && strings.Contains(name, ".")
}

// failure is what the traceback says, without whose it is.
func (t *trace) failure() ci.Failure {
	exception, message := t.said()
	frames := t.frames.take()
	details := t.details.Text()
	switch {
	case message == "" && exception == "" && len(frames) == 0:
		message = format.Shorten(strings.TrimSpace(details), messageEnd)
	case t.exception == "DocTestFailure":
		message = docTest(details)
	}
	if exception == "SyntaxError" || exception == "IndentationError" || exception == "TabError" {
		frames = append(frames, syntaxFrame(message)...)
	}
	return ci.Failure{Exception: exception, Message: message, Details: details, Frames: frames, Chain: t.chain.take()}
}

// syntaxFrame is the place that a SyntaxError is about, which is no frame of
// its traceback.
func syntaxFrame(message string) []ci.Frame {
	for line := range strings.Lines(message) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "File \"") {
			if frame, ok := nativeFrame([]byte(line)); ok {
				return []ci.Frame{frame}
			}
		}
	}
	return nil
}

// docTest is the part of a doctest's failure that says what differs.
func docTest(details string) string {
	for _, mark := range []string{"\nExpected", "\nDifferences", "\nUNEXPECTED EXCEPTION"} {
		i := strings.Index(details, mark)
		if i < 0 {
			continue
		}
		said := details[i+1:]
		if j := strings.Index(said, "\n\n"); j >= 0 {
			said = said[:j]
		}
		return said
	}
	return details
}
