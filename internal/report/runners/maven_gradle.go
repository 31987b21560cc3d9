package runners

import (
	"bytes"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// gradle takes "PoolTest > takesInOrder() FAILED" and its kin; below a failure
// stands its stack, or "ExceptionClass at File.java:12".
func (m *mavenReader) gradle(n int, b []byte) {
	name, verdict, ok := gradleTest(b)
	if !ok {
		return
	}
	class, method := gradleName(name)
	outcome := map[string]ci.Outcome{"PASSED": ci.Passed, "FAILED": ci.Failed, "SKIPPED": ci.Skipped}[verdict]
	i := m.result(n, class, method, outcome)
	if outcome == ci.Failed {
		m.owner, m.section, m.nested = i, format.NewOutput(), true
		if i >= 0 {
			m.rep.Tests[i].Failure.Tool = "gradle"
		}
	}
}

// gradleTest splits "com.example.PoolTest > takes() FAILED".
func gradleTest(b []byte) (name, verdict string, ok bool) {
	if len(b) == 0 || b[len(b)-1] != 'D' {
		return "", "", false
	}
	i := bytes.LastIndexByte(b, ' ')
	if i <= 0 {
		return "", "", false
	}
	switch verdict = string(b[i+1:]); verdict {
	case "FAILED", "PASSED", "SKIPPED":
	default:
		return "", "", false
	}
	class, _, found := bytes.Cut(b[:i], []byte(" > "))
	if !found || len(class) == 0 || bytes.ContainsAny(class, " /:<>") || !javaClass(simpleName(string(class))) {
		return "", "", false
	}
	return string(b[:i]), verdict, true
}

// gradleName brings "A > Nested > takes()" to "A$Nested" and "takes", as
// Surefire names them; what follows a method is one of its parameters.
func gradleName(name string) (class, method string) {
	parts := strings.Split(name, " > ")
	at := len(parts) - 1
	for i, part := range parts[1:] {
		if strings.HasSuffix(part, ")") {
			at = i + 1
			break
		}
	}
	method = strings.TrimSuffix(parts[at], "()")
	return strings.Join(parts[:at], "$"), strings.Join(append([]string{method}, parts[at+1:]...), "::")
}

// wentWrong takes the lines below "* What went wrong:", up to the first empty
// one. It counts only if nothing else says why the build failed.
func (m *mavenReader) wentWrong(b []byte) {
	if len(b) > 0 && len(m.wrong.Start()) < format.MaxMessage && !bytes.HasPrefix(b, []byte("* ")) {
		m.wrong.Line(b)
		return
	}
	text := strings.TrimSpace(m.wrong.String())
	m.wrong = nil
	if text == "" || m.goal != nil || strings.Contains(text, "There were failing tests") {
		return
	}
	m.goal = &ci.Failure{Kind: ci.KindBuild, Tool: "gradle", Message: format.Shorten(text, format.MaxMessage), Log: ci.Position{Line: m.wrongLine}}
}

// plain takes javac's own lines, as Gradle and Ant show them.
func (m *mavenReader) plain(n int, b []byte) {
	if b[0] == ' ' {
		if m.compile && (bytes.HasPrefix(b, []byte("  symbol:")) || bytes.HasPrefix(b, []byte("  location:"))) {
			m.javaDetail(b)
		}
		return
	}
	if pos, why, ok := javacError(b); ok {
		m.compile = true
		m.diagnostic(ci.Diagnostic{Message: why, Pos: pos, Log: ci.Position{Line: n}})
	}
}

// javacError splits "/x/Pool.java:17: error: cannot find symbol".
func javacError(b []byte) (pos ci.Position, message string, ok bool) {
	i := bytes.Index(b, []byte(": error: "))
	if i <= 0 {
		return pos, "", false
	}
	j := bytes.LastIndexByte(b[:i], ':')
	if j <= 0 || !bytes.HasSuffix(b[:j], []byte(".java")) || bytes.IndexByte(b[:j], ' ') >= 0 {
		return pos, "", false
	}
	line := format.LineNumber(b[j+1 : i])
	if line <= 0 {
		return pos, "", false
	}
	return ci.Position{File: string(b[:j]), Line: line}, string(b[i+len(": error: "):]), true
}

// javaFailure reads an exception with its stack and its causes.
func javaFailure(text, test string) ci.Failure {
	f := ci.Failure{Kind: ci.KindTest, Details: format.Shorten(strings.Trim(text, "\n"), format.MaxFailureText)}
	var links []ci.Link
	var head []string
	var frames []ci.Frame
	flush := func() {
		if len(head) > 0 {
			exception, message := javaException(head)
			links = append(links, ci.Link{Exception: exception, Message: message, Frames: frames})
		}
		head, frames = nil, nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		if trimmed == "" && len(frames) > 0 || strings.HasPrefix(trimmed, "FAILURE: Build failed") {
			continue
		}
		if cause, ok := strings.CutPrefix(trimmed+" ", "Caused by: "); ok {
			flush()
			if cause = strings.TrimSpace(cause); cause != "" { // Gradle puts it on the next line
				head = []string{cause}
			}
			continue
		}
		frame, ok := javaFrame(trimmed)
		switch {
		case ok && len(frames) < format.MaxFrames:
			frames = append(frames, frame)
		case ok || strings.HasPrefix(trimmed, "... "):
		case len(frames) == 0 && len(head) < 60:
			head = append(head, trimmed)
		}
	}
	flush()
	if len(links) == 0 {
		return f
	}
	for i := range links {
		for a, z := 0, len(links[i].Frames)-1; a < z; a, z = a+1, z-1 {
			links[i].Frames[a], links[i].Frames[z] = links[i].Frames[z], links[i].Frames[a]
		}
	}
	f.Exception, f.Message, f.Frames = links[0].Exception, links[0].Message, links[0].Frames
	for i := len(links) - 1; i > 0; i-- { // root cause first
		f.Chain = append(f.Chain, links[i])
	}
	if f.Pos = javaPlace(f.Frames, test); f.Pos.IsZero() {
		f.Pos = gradlePlace(text)
	}
	return f
}

// gradlePlace is the place in Gradle's short form, "SomeException at PoolTest.java:20".
func gradlePlace(text string) ci.Position {
	for line := range strings.Lines(text[:min(len(text), 1<<10)]) {
		_, at, ok := cutLast(strings.TrimSpace(line), " at ")
		if !ok {
			continue
		}
		if file, line, ok := cutLast(at, ":"); ok && format.LineNumber([]byte(line)) > 0 && !strings.ContainsAny(file, " (") {
			return ci.Position{File: file, Line: format.LineNumber([]byte(line))}
		}
	}
	return ci.Position{}
}

// javaException splits "org.opentest4j.AssertionFailedError: why"; Gradle's
// short form is "org.opentest4j.AssertionFailedError at PoolTest.java:20".
func javaException(head []string) (exception, message string) {
	first, rest, _ := strings.Cut(head[0], ": ")
	if class, _, ok := strings.Cut(first, " at "); ok && rest == "" {
		first = class
	}
	if strings.ContainsAny(first, " \t") {
		return "", format.Shorten(strings.TrimSpace(strings.Join(head, "\n")), format.MaxMessage)
	}
	message = strings.TrimSpace(strings.Join(append([]string{rest}, head[1:]...), "\n"))
	return simpleName(first), format.Shorten(message, format.MaxMessage)
}

// javaFrame reads "at java.base/java.util.ArrayDeque.remove(ArrayDeque.java:523)"
// and the "… at PoolTest.java:20" of Gradle's short form.
func javaFrame(line string) (ci.Frame, bool) {
	rest, ok := strings.CutPrefix(line, "at ")
	if !ok || !strings.HasSuffix(rest, ")") {
		return ci.Frame{}, false
	}
	fn, place, ok := cutLast(strings.TrimSuffix(rest, ")"), "(")
	if !ok {
		return ci.Frame{}, false
	}
	fn = fn[format.LastSlash(fn)+1:] // without the module
	file, line, _ := strings.Cut(place, ":")
	frame := ci.Frame{Func: fn, Position: ci.Position{File: file, Line: max(format.LineNumber([]byte(line)), 0)}}
	class := fn[:max(strings.LastIndexByte(fn, '.'), 0)]
	if i := strings.LastIndexByte(class, '.'); i > 0 && frame.Line > 0 {
		frame.File = strings.ReplaceAll(class[:i], ".", "/") + "/" + file
	}
	return frame, true
}

// javaPlace is the innermost frame of the project: of the test's own package
// family, or else of nobody known.
func javaPlace(frames []ci.Frame, test string) ci.Position {
	parts := strings.SplitN(test, ".", 3)
	family := strings.Join(parts[:min(len(parts), 2)], ".") + "."
	for i := len(frames) - 1; i >= 0; i-- {
		if len(parts) == 3 && strings.HasPrefix(frames[i].Func, family) {
			return frames[i].Position
		}
	}
	for i := len(frames) - 1; i >= 0; i-- {
		if !javaForeign(frames[i].Func) {
			return frames[i].Position
		}
	}
	return ci.Position{}
}

func javaForeign(fn string) bool {
	for _, prefix := range [...]string{
		"java.", "javax.", "jdk.", "sun.", "com.sun.", "kotlin.", "scala.", "junit.", "org.junit.", "org.opentest4j.", "org.testng.",
		"org.hamcrest.", "org.assertj.", "org.mockito.", "org.apache.maven.", "org.gradle.", "org.springframework.", "worker.org.gradle.",
	} {
		if strings.HasPrefix(fn, prefix) {
			return true
		}
	}
	return false
}
