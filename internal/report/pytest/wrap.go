package pytest

import (
	"bytes"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

// wrapperReader reads what tox and nox print around the tools that they run:
// which environment the lines are of, and their own failures. A command that
// failed is theirs to report only if the tool inside did not say why.
type wrapperReader struct {
	env      string
	phase    string      // "install_deps", "commands[0]", …
	badAt    int         // failures that the inner reader had when the command began
	begun    bool        // it has just begun, and what went before is not closed yet
	said     format.Clip // the last lines that a failed installation printed
	failures []ci.Failure
}

// line reports whether the line is the wrapper's own.
func (w *wrapperReader) line(l format.Line, bad int) bool {
	b := l.Text
	if len(b) < 6 || b[0] == ' ' || len(b) > 4<<10 {
		return false
	}
	if b[0] == 'E' && bytes.HasPrefix(b, []byte("ERROR: ")) {
		return w.tox3(l.N, b, bad)
	}
	if b[0] == 'n' && bytes.HasPrefix(b, []byte("nox > ")) {
		return w.nox(l.N, b[len("nox > "):], bad)
	}
	if env, command, ok := bytes.Cut(b, []byte(" run-test: ")); ok && envName(env) && bytes.HasPrefix(command, []byte("commands[")) {
		w.begin(text(env, 60), "commands") // tox 3: "py311 run-test: commands[0] | pytest"
		return true
	}
	i := bytes.IndexByte(b, ':')
	if i <= 0 || i > 60 || i+2 >= len(b) || b[i+1] != ' ' || !envName(b[:i]) {
		if w.env != "" && w.installing() {
			w.said.Line(b)
		}
		return false
	}
	rest := b[i+2:]
	switch {
	case startsPhase(rest):
		phase, _, _ := bytes.Cut(rest, []byte("> "))
		w.begin(text(b[:i], 60), text(phase, 60))
		w.said = format.Clip{Head: 2 << 10, Tail: 2 << 10}
	case bytes.HasPrefix(rest, []byte("exit ")) && bytes.Contains(rest, []byte(" seconds) ")):
		code, _ := number(rest[len("exit "):])
		if code != 0 && string(b[:i]) == w.env {
			w.failed(l, rest, bad)
		}
	case bytes.HasPrefix(rest, []byte("Exception running subprocess ")):
		w.failed(l, rest, bad)
		w.badAt = -1
	default:
		return false
	}
	return true
}

// begin notes that an environment's command begins.
func (w *wrapperReader) begin(env, phase string) { w.env, w.phase, w.begun = env, phase, true }

// settle counts the failures at the beginning of a command, once the inner
// reader has closed what the command before it left open.
func (w *wrapperReader) settle(bad int) {
	if w.begun {
		w.badAt, w.begun = bad, false
	}
}

func envName(b []byte) bool {
	for _, c := range b {
		if c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

func startsPhase(b []byte) bool {
	for _, phase := range []string{"commands", "install_", "freeze> ", "_optional_hooks", "package_env", "build_"} {
		if bytes.HasPrefix(b, []byte(phase)) {
			return bytes.Contains(b, []byte("> "))
		}
	}
	return false
}

func (w *wrapperReader) installing() bool {
	return len(w.phase) > 8 && w.phase[:8] == "install_"
}

// failed is tox 4's "py311: exit 1 (0.99 seconds) /dir> command pid=7".
func (w *wrapperReader) failed(l format.Line, said []byte, bad int) {
	if w.badAt < 0 || bad > w.badAt && !w.installing() {
		return
	}
	w.add(l.N, "tox", w.phase+" of "+w.env+": "+text(said, 1000))
	if !w.said.Empty() {
		w.failures[len(w.failures)-1].Details = w.said.Text()
	}
}

func (w *wrapperReader) add(n int, tool, message string) {
	if len(w.failures) < 1000 {
		w.failures = append(w.failures, ci.Failure{Kind: ci.KindBuild, Tool: tool, Message: message, Log: ci.Position{Line: n}})
	}
}

// tox3 reads "ERROR: InvocationError for command … (exited with code 1)".
func (w *wrapperReader) tox3(n int, b []byte, bad int) bool {
	rest := bytes.TrimLeft(b[len("ERROR: "):], " ")
	switch {
	case bytes.HasPrefix(rest, []byte("could not install deps ")): // the summary repeats it behind the name
		w.add(n, "tox", text(rest, 1000))
	case bytes.HasPrefix(rest, []byte("InvocationError for command ")):
		if bad == w.badAt {
			w.add(n, "tox", text(rest, 1000))
		}
		w.badAt = bad
	default:
		return false
	}
	return true
}

func (w *wrapperReader) nox(n int, b []byte, bad int) bool {
	if name, ok := bytes.CutPrefix(b, []byte("Running session ")); ok {
		w.begin(text(name, 60), "session")
		return true
	}
	if bytes.HasPrefix(b, []byte("Command ")) && bytes.Contains(b, []byte(" failed with exit code ")) && bad == w.badAt {
		w.add(n, "nox", text(b, 1000))
	}
	return true
}

func (w *wrapperReader) finish(rep *ci.Report) {
	rep.Failures = append(rep.Failures, w.failures...)
}
