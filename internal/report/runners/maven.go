package runners

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

var mavenFormat = format.Format{
	Name:  "maven",
	Doc:   "output of Maven (Surefire, Failsafe, the compiler) and of Gradle's test task",
	Score: scoreMaven,
	Read:  ReadMaven,
	Text:  true,
}

func scoreMaven(head []byte) int {
	for line := range bytes.Lines(head) {
		line = format.TrimTimestamp(bytes.TrimRight(line, "\r\n"))
		text, level := mavenLevel(line)
		switch {
		case level != "" && bytes.HasPrefix(text, []byte("Tests run: ")), bytes.Contains(line, []byte(" <<< FAILURE!")), bytes.Contains(line, []byte(" <<< ERROR!")):
			return 60
		case level != "" && (bytes.HasPrefix(text, []byte("Scanning for projects...")) || bytes.HasPrefix(text, []byte("COMPILATION ERROR"))):
			return 60
		case bytes.HasPrefix(line, []byte("> Task :")):
			return 55
		}
		if _, _, ok := gradleTest(line); ok {
			return 55
		}
		if _, _, ok := javacError(line); ok {
			return 50
		}
	}
	return 0
}

// ReadMaven reads what Maven and Gradle print about tests and compilation. A
// test's ID is its class, "::" and its method. Positions in stacks are given
// below the source root (com/example/PoolTest.java), which is all that Java says.
func ReadMaven(r io.Reader) (ci.Report, error) { return format.ReadLines(r, "maven", newMavenReader()) }

type mavenReader struct {
	rep   ci.Report
	tests map[string][]int // indexes into rep.Tests by ID
	short map[string]bool  // tests by simple class and method, which is how the summary names them

	section *format.Clip // the stack of one failure
	owner   int
	nested  bool   // the section is Gradle's: it is what stands further in
	class   string // the class of which the lines below tell

	summary   bool   // below "Failures:" and "Errors:"
	flake     string // below "Flakes:": whose runs are listed
	compile   bool   // below "COMPILATION ERROR" and "Compilation failure"
	dup       map[string]bool
	dirs      []string     // of modules, from what the compiler says that it writes
	built     bool         // "BUILD SUCCESS" was said
	broke     bool         // "BUILD FAILURE" was said
	wrong     *format.Clip // below Gradle's "* What went wrong:"
	goal      *ci.Failure
	wrongLine int
	goalTail  int // lines of the failed goal's message that may still follow
}

func newMavenReader() *mavenReader {
	return &mavenReader{tests: map[string][]int{}, short: map[string]bool{}, dup: map[string]bool{}, owner: -1}
}

func (m *mavenReader) Line(l format.Line) {
	b := l.Text
	if m.section != nil {
		if !m.sectionEnds(b) {
			m.section.Line(b)
			return
		}
		m.closeSection()
	}
	if m.wrong != nil {
		m.wentWrong(b)
		return
	}
	if len(b) < 8 {
		return
	}
	if b[0] == '[' {
		if text, level := mavenLevel(b); level != "" {
			m.tagged(l.N, level, text)
		}
		return
	}
	switch last := b[len(b)-1]; {
	case last == '!': // Surefire before 2.20 had no level before its lines
		m.failedTest(l.N, b)
	case last == 'D':
		m.gradle(l.N, b)
	case b[0] == '*' && string(b) == "* What went wrong:":
		m.wrong = format.NewOutput()
		m.wrongLine = l.N
	default:
		m.plain(l.N, b)
	}
}

// mavenLevel takes off "[ERROR] ".
func mavenLevel(b []byte) (text []byte, level string) {
	if len(b) == 0 || b[0] != '[' {
		return b, ""
	}
	for _, level := range [...]string{"ERROR", "INFO", "WARNING"} {
		if n := len(level); len(b) >= n+2 && string(b[1:n+1]) == level && b[n+1] == ']' {
			return bytes.TrimPrefix(b[n+2:], []byte(" ")), level
		}
	}
	return b, ""
}

func (m *mavenReader) tagged(n int, level string, text []byte) {
	if len(text) == 0 {
		m.goalTail = 0
		return
	}
	switch {
	case bytes.HasPrefix(text, []byte("Tests run: ")):
		m.totals(text)
	case bytes.HasPrefix(text, []byte("BUILD ")):
		m.built = m.built || string(text) == "BUILD SUCCESS"
		m.broke = m.broke || string(text) == "BUILD FAILURE"
	case bytes.HasPrefix(text, []byte("Compiling ")):
		m.module(text)
	case bytes.HasPrefix(text, []byte("Flakes:")):
		m.flake, m.summary = "?", true
	case level == "ERROR":
		m.failure(n, text)
	case m.flake != "":
		m.flakeRun(n, text)
	}
}

// failure takes the lines of level ERROR.
func (m *mavenReader) failure(n int, text []byte) {
	switch {
	case m.failedTest(n, text):
	case bytes.HasPrefix(text, []byte("Failures:")) || bytes.HasPrefix(text, []byte("Errors:")):
		m.summary, m.flake = true, ""
	case bytes.HasPrefix(text, []byte("COMPILATION ERROR")):
		m.compile = true
	case m.javaError(n, text):
	case m.compile && text[0] == ' ':
		m.javaDetail(text)
	case bytes.HasPrefix(text, []byte("Failed to execute goal ")):
		m.failedGoal(n, string(text))
	case m.summary && text[0] == ' ':
		m.summaryLine(n, strings.TrimSpace(string(text)))
	case m.goalTail > 0 && m.goal != nil && text[0] != '-' && !bytes.HasPrefix(text, []byte("[Help")):
		m.goalTail--
		m.goal.Message += "\n" + format.Shorten(string(text), 400)
	}
}

// failedTest takes "com.example.PoolTest.takes -- Time elapsed: 0.011 s <<<
// FAILURE!" and the "takes(com.example.PoolTest)  Time elapsed: …" of Surefire 2.
func (m *mavenReader) failedTest(n int, text []byte) bool {
	head, how, ok := strings.Cut(string(text), "<<< ")
	if !ok || how != "FAILURE!" && how != "ERROR!" {
		return false
	}
	name, took, ok := strings.Cut(head, "Time elapsed: ")
	if !ok || strings.HasPrefix(name, "Tests run: ") {
		return false
	}
	class, method := javaTest(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(name), "--")))
	if method == "" && m.class != "" && !strings.Contains(class, ".") && !javaClass(class) {
		class, method = m.class, class // Surefire 3.0 milestones leave the class to the line above
	}
	if method == "" {
		method = "(class)" // what failed is the class as a whole: @BeforeAll, its constructor
	}
	outcome := ci.Failed
	if how == "ERROR!" {
		outcome = ci.Errored
	}
	m.owner = m.result(n, class, method, outcome)
	if m.owner >= 0 {
		r := &m.rep.Tests[m.owner]
		if seconds, _, ok := strings.Cut(took, " s"); ok {
			var d time.Duration
			if d, ok = format.ParseSeconds(strings.ReplaceAll(seconds, ",", "")); ok {
				r.Duration, r.Timed = d, true
			}
		}
	}
	m.section, m.nested = format.NewOutput(), false
	return true
}

// javaTest splits the name of a test into its class and its method.
func javaTest(name string) (class, method string) {
	if i := strings.LastIndexByte(name, '('); i > 0 && strings.HasSuffix(name, ")") && strings.Contains(name[i:], ".") && !strings.Contains(name[:i], ".") {
		return name[i+1 : len(name)-1], name[:i]
	}
	end := len(name)
	if i := strings.IndexAny(name, "( ["); i >= 0 {
		end = i
	}
	i := strings.LastIndexByte(name[:end], '.')
	if i < 0 || javaClass(name[i+1:]) && end == len(name) {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// javaClass reports whether the last element of a name is written as a class.
func javaClass(s string) bool { return s != "" && 'A' <= s[0] && s[0] <= 'Z' }

func simpleName(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }

// result records one execution of a test; a test that fails again was run again.
func (m *mavenReader) result(n int, class, method string, outcome ci.Outcome) int {
	if len(m.rep.Tests) >= format.MaxResults {
		return -1
	}
	id := class + "::" + method
	r := ci.TestResult{ID: ci.TestID(id), Framework: "junit", Outcome: outcome, Attempt: len(m.tests[id]) + 1}
	if outcome.Bad() {
		r.Failure = &ci.Failure{Kind: ci.KindTest, Test: r.ID, Tool: "surefire", Log: ci.Position{Line: n}}
	}
	bare, _, _ := strings.Cut(method, "(")
	m.short[simpleName(class)+"."+bare] = true
	m.tests[id] = append(m.tests[id], len(m.rep.Tests))
	m.rep.Tests = append(m.rep.Tests, r)
	return len(m.rep.Tests) - 1
}

// sectionEnds: a stack ends at an empty line or at the next line with a level;
// the message of an exception may have empty lines of its own.
func (m *mavenReader) sectionEnds(b []byte) bool {
	if m.nested {
		return len(b) > 0 && b[0] != ' ' && b[0] != '\t' && !bytes.HasPrefix(b, []byte("FAILURE: Build failed"))
	}
	if len(b) == 0 {
		return bytes.Contains(m.section.Start(), []byte("\tat ")) || bytes.Contains(m.section.Start(), []byte("    at "))
	}
	if bytes.HasPrefix(b, []byte("##[")) || bytes.HasPrefix(b, []byte("> Task :")) {
		return true
	}
	if _, _, ok := gradleTest(b); ok {
		return true
	}
	_, level := mavenLevel(b)
	return level != ""
}

func (m *mavenReader) closeSection() {
	text := m.section.String()
	m.section = nil
	if m.owner < 0 || m.rep.Tests[m.owner].Failure == nil {
		return
	}
	r := &m.rep.Tests[m.owner]
	f := javaFailure(text, string(r.ID))
	f.Test, f.Log, f.Tool = r.ID, r.Failure.Log, r.Failure.Tool
	r.Failure, r.Output = &f, f.Details
}

// summaryLine takes "PoolTest.takes:20 expected …", "PoolTest.a:3->help:9 »
// NullPointer why" and the runs of a test that Surefire ran again.
func (m *mavenReader) summaryLine(n int, text string) {
	if strings.HasPrefix(text, "Run ") {
		return // the runs have been printed where they happened
	}
	name, rest, ok := strings.Cut(text, ":")
	if !ok || strings.ContainsAny(name, " \t/") {
		name, rest, ok = strings.Cut(text, " » ")
		if !ok || strings.ContainsAny(name, " \t/") {
			return
		}
		rest = " » " + rest
	}
	bare, _, _ := strings.Cut(name, "(")
	class, method := javaTest(name)
	if m.short[bare] || method == "" || !javaClass(simpleName(class)) {
		return
	}
	i := m.result(n, class, method, ci.Failed)
	if i < 0 {
		return
	}
	f := m.rep.Tests[i].Failure
	place, message, _ := strings.Cut(rest, " ")
	if why, ok := strings.CutPrefix(message, "» "); ok {
		f.Exception, message, _ = strings.Cut(why, " ")
		f.Exception = strings.TrimSuffix(f.Exception, ":")
	}
	f.Message = format.Shorten(message, format.MaxMessage)
	f.Pos.Line = max(format.LineNumber([]byte(place)), 0)
}

// flakeRun takes what is listed below "Flakes:": a test, and how its runs ended.
func (m *mavenReader) flakeRun(n int, text []byte) {
	if run, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte("Run ")); ok {
		if class, method := javaTest(m.flake); bytes.HasSuffix(run, []byte(": PASS")) && method != "" {
			m.result(n, class, method, ci.Passed)
		}
		return
	}
	if text[0] != ' ' {
		m.flake = string(text)
	}
}

// totals takes "Tests run: 8, Failures: 3, Errors: 2, Skipped: 1" of a module;
// the same with a time is of one class.
func (m *mavenReader) totals(text []byte) {
	if bytes.Contains(text, []byte("Time elapsed")) {
		if i := bytes.LastIndex(text, []byte(" in ")); i > 0 {
			m.class = string(text[i+len(" in "):])
		}
		return
	}
	m.summary, m.flake = false, ""
	if m.rep.Totals == nil {
		m.rep.Totals = &ci.Totals{}
	}
	run := 0
	for part := range strings.SplitSeq(string(text), ", ") {
		what, count, _ := strings.Cut(part, ": ")
		n := max(format.LineNumber([]byte(strings.TrimSpace(count))), 0)
		switch what {
		case "Tests run":
			run = n
		case "Failures":
			m.rep.Totals.Failed += n
			run -= n
		case "Errors":
			m.rep.Totals.Errors += n
			run -= n
		case "Skipped":
			m.rep.Totals.Skipped += n
			run -= n
		}
	}
	m.rep.Totals.Passed += max(run, 0)
}

// module learns where a module is from "Compiling 1 source file [with javac …]
// to /x/target/classes".
func (m *mavenReader) module(text []byte) {
	fields := bytes.Fields(text)
	for i, word := range fields[:len(fields)-1] {
		if string(word) != "to" {
			continue
		}
		if dir, _, ok := strings.Cut(string(fields[i+1]), "/target/"); ok && !slices.Contains(m.dirs, dir) && len(m.dirs) < 1000 {
			m.dirs = append(m.dirs, dir)
		}
	}
}

// javaError takes "/x/src/main/java/Pool.java:[17,21] cannot find symbol".
func (m *mavenReader) javaError(n int, text []byte) bool {
	file, rest, ok := strings.Cut(string(text), ":[")
	if !ok || !strings.HasSuffix(file, ".java") && !strings.HasSuffix(file, ".kt") && !strings.HasSuffix(file, ".scala") {
		return false
	}
	at, why, ok := strings.Cut(rest, "] ")
	if !ok {
		return false
	}
	line, col, _ := strings.Cut(at, ",")
	m.compile = true
	m.diagnostic(ci.Diagnostic{
		Message: why, Log: ci.Position{Line: n},
		Pos: ci.Position{File: file, Line: max(format.LineNumber([]byte(line)), 0), Col: max(format.LineNumber([]byte(col)), 0)},
	})
	return true
}

func (m *mavenReader) diagnostic(d ci.Diagnostic) {
	d.Tool, d.Kind, d.Severity = "javac", ci.KindBuild, ci.SeverityError
	d.Message = format.Shorten(strings.TrimPrefix(d.Message, "error: "), format.MaxMessage)
	key := d.Pos.String() + " " + d.Message
	if m.dup[key] || len(m.rep.Diagnostics) >= format.MaxDiagnostics { // Maven repeats them when the goal has failed
		m.compile = false
		return
	}
	m.dup[key] = true
	m.rep.Diagnostics = append(m.rep.Diagnostics, d)
}

// javaDetail adds "symbol: …" and "location: …" to the error above.
func (m *mavenReader) javaDetail(text []byte) {
	if n := len(m.rep.Diagnostics); n > 0 {
		if d := &m.rep.Diagnostics[n-1]; len(d.Message) < format.MaxMessage {
			d.Message += "\n" + string(bytes.TrimSpace(text))
		}
	}
}

// failedGoal keeps why Maven gave up; it counts only if nothing else says why.
func (m *mavenReader) failedGoal(n int, text string) {
	m.compile = false
	if m.goal != nil || strings.Contains(text, "There are test failures") {
		return
	}
	text = strings.TrimSuffix(text, " -> [Help 1]")
	kind, message := ci.KindBuild, text
	if _, why, ok := strings.Cut(text, ": "); ok {
		message = why
	}
	if strings.Contains(text, "surefire") || strings.Contains(text, "failsafe") {
		kind = ci.KindError // the forked machine died
	}
	m.goal, m.goalTail = &ci.Failure{Kind: kind, Tool: "maven", Message: format.Shorten(message, format.MaxMessage), Log: ci.Position{Line: n}}, 8
}

func (m *mavenReader) Finish() ci.Report {
	if m.section != nil {
		m.closeSection()
	}
	if m.wrong != nil {
		m.wentWrong(nil)
	}
	explained := len(m.rep.Diagnostics) > 0
	for _, r := range m.rep.Tests {
		explained = explained || r.Outcome.Bad()
	}
	if m.goal != nil && !explained {
		m.rep.Failures = append(m.rep.Failures, *m.goal)
	}
	root := commonDir(m.dirs)
	for i := range m.rep.Diagnostics {
		file := &m.rep.Diagnostics[i].Pos.File
		if m.built && !m.broke { // an [ERROR] that the build survived, e.g. about a file's encoding
			m.rep.Diagnostics[i].Severity = ci.SeverityInfo
		}
		if root != "" {
			*file = strings.TrimPrefix(*file, root+"/")
		}
	}
	return m.rep
}

// commonDir is the deepest directory that holds all of dirs.
func commonDir(dirs []string) string {
	if len(dirs) == 0 {
		return ""
	}
	common := dirs[0]
	for _, dir := range dirs[1:] {
		for common != "" && dir != common && !strings.HasPrefix(dir, common+"/") {
			common = common[:max(format.LastSlash(common), 0)]
		}
	}
	return common
}
