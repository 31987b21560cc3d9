// Package actions reads the workflow commands in a log and what GitHub's runner
// says about the job. It tells the machine's failures from the code's.
package actions

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
	"keepgreen/internal/report/format"
)

var actionsFormat = format.Format{
	Name:  "actions",
	Doc:   "GitHub's workflow commands (`::error file=…::`) and the runner's own messages",
	Score: scoreActions,
	Read:  Read,
	Text:  true,
}

// Tool is who says what no tool puts its name to.
const Tool = "actions"

func scoreActions(head []byte) int {
	for line := range bytes.Lines(head) {
		if _, ok := workflowCommand(bytes.TrimSpace(line)); ok {
			return 20
		}
	}
	return 0
}

// Read reads the workflow commands in a text and what GitHub's runner says
// about the job. See docs.github.com, "Workflow commands for GitHub Actions".
func Read(r io.Reader) (ci.Report, error) {
	a := newActionsReader()
	for line, err := range format.Lines(format.DecodeText(r)) {
		if err != nil {
			return a.Finish(), err
		}
		a.Line(line)
	}
	return a.Finish(), nil
}

// Bounds of what one log may make the reader hold.
const (
	maxAnnotations   = 10_000
	maxActionsErrors = 1_000
)

type actionsReader struct {
	rep    ci.Report
	infra  map[[2]string]bool // job and rule that were told already
	said   map[[2]string]bool // job and message
	beyond int                // what the bounds left out
}

func newActionsReader() *actionsReader {
	return &actionsReader{infra: map[[2]string]bool{}, said: map[[2]string]bool{}}
}

// command is "::name key=value,key=value::message", or "##[name]message", which
// is what the runner leaves of it in the log.
type command struct {
	name, message string
	props         map[string]string
}

var commandEscapes = strings.NewReplacer("%0A", "\n", "%0D", "\r", "%25", "%", "%3A", ":", "%2C", ",")

// workflowCommand takes a line apart; ok is false if it is none of error,
// warning and notice.
func workflowCommand(text []byte) (c command, ok bool) {
	switch {
	case bytes.HasPrefix(text, []byte("##[")):
		name, message, found := bytes.Cut(text[len("##["):], []byte("]"))
		c = command{name: string(name[:min(len(name), 16)]), message: string(message)}
		return c, found && severityOf(c.name) != ""
	case bytes.HasPrefix(text, []byte("::")):
		head, message, found := bytes.Cut(text[len("::"):], []byte("::"))
		if !found || len(head) > 8<<10 {
			return command{}, false
		}
		name, props, _ := strings.Cut(string(head), " ")
		if severityOf(name) == "" {
			return command{}, false
		}
		c = command{name: name, message: commandEscapes.Replace(string(message)), props: map[string]string{}}
		for pair := range strings.SplitSeq(props, ",") {
			if key, value, ok := strings.Cut(pair, "="); ok {
				c.props[strings.TrimSpace(key)] = commandEscapes.Replace(value)
			}
		}
		return c, true
	}
	return command{}, false
}

func severityOf(name string) ci.Severity {
	switch name {
	case "error":
		return ci.SeverityError
	case "warning":
		return ci.SeverityWarning
	case "notice":
		return ci.SeverityInfo
	}
	return ""
}

func (a *actionsReader) Line(l format.Line) {
	text := l.Text
	if len(text) == 0 {
		return
	}
	if text[0] != '#' && text[0] != ':' {
		a.plain(l)
		return
	}
	c, ok := workflowCommand(text)
	if !ok {
		return
	}
	c.message = format.Safe(strings.TrimSpace(c.message))
	switch {
	case c.props["file"] != "":
		a.annotation(l, c)
	case c.name == "error":
		a.failed(l, c.message)
	}
}

// infraRule is a message of the runner or the kernel that says that the machine
// ended the job, not the code in it.
type infraRule struct {
	name, text string
	anywhere   bool // it need not stand in an error of the runner
}

var infraRules = []infraRule{
	{"cancelled", "The operation was canceled", false},
	{"shutdown", "The runner has received a shutdown signal", true},
	{"timeout", " has timed out after ", false},
	{"timeout", "exceeded the maximum execution time", false},
	{"lost_runner", "lost communication with the server", true},
	{"lost_runner", "The hosted runner encountered an error while running your job", true},
	{"lost_runner", "The job was not acquired by Runner", true},
	{"disk_full", "No space left on device", true},
	{"killed", "Process completed with exit code 137", false},
	{"killed", "failed with exit code 137", false},
	{"killed", "Cannot allocate memory", true},
}

// plain looks for what a shell or the kernel says without a workflow command.
func (a *actionsReader) plain(l format.Line) {
	if len(l.Text) > 1<<10 {
		return
	}
	if bytes.Contains(l.Text, []byte("Killed")) && killed(l.Text) {
		a.machine(l, "killed", string(l.Text))
		return
	}
	for i := range infraRules {
		rule := &infraRules[i]
		if rule.anywhere && endsOrStands(l.Text, rule.text) {
			a.machine(l, rule.name, string(l.Text))
			return
		}
	}
}

// endsOrStands: the message is the line's beginning or end. In the middle of a
// line it is a program's own text about such messages.
func endsOrStands(line []byte, text string) bool {
	trimmed := bytes.TrimRight(line, ". \t'\")")
	return bytes.HasSuffix(trimmed, []byte(text)) || bytes.HasPrefix(line, []byte(text))
}

// killed reads the shell's "Killed" and "script.sh: line 3:  2303 Killed  pytest".
func killed(text []byte) bool {
	if string(bytes.TrimSpace(text)) == "Killed" {
		return true
	}
	_, after, ok := bytes.Cut(text, []byte(": line "))
	if !ok {
		return false
	}
	fields := bytes.Fields(after)
	if len(fields) < 3 || string(fields[2]) != "Killed" {
		return false
	}
	_, err := strconv.Atoi(string(fields[1]))
	return err == nil
}

func (a *actionsReader) machine(l format.Line, rule, message string) {
	key := [2]string{l.Job, rule}
	if a.infra[key] || len(a.infra) >= maxActionsErrors {
		return
	}
	a.infra[key] = true
	a.rep.Failures = append(a.rep.Failures, ci.Failure{
		Kind: ci.KindInfra, Tool: "runner", Rule: rule, Message: format.Safe(message),
		Job: strings.Clone(l.Job), Log: ci.Position{Line: l.N},
	})
}

// failed is an error without a place: of the machine, or of a step. That a
// process ended with a status other than 0 is why there is something to read,
// not a failure of its own.
func (a *actionsReader) failed(l format.Line, message string) {
	for i := range infraRules {
		if strings.Contains(message, infraRules[i].text) {
			a.machine(l, infraRules[i].name, message)
			return
		}
	}
	if isExitNoise(message) {
		return
	}
	key := [2]string{l.Job, message}
	if a.said[key] {
		return
	}
	if len(a.said) >= maxActionsErrors {
		a.beyond++
		return
	}
	a.said[key] = true
	a.rep.Failures = append(a.rep.Failures, ci.Failure{
		Kind: ci.KindError, Tool: Tool, Message: message, Job: strings.Clone(l.Job), Log: ci.Position{Line: l.N}, Cut: l.Cut,
	})
}

func isExitNoise(message string) bool {
	message = strings.TrimPrefix(message, "Error: ")
	if message == "" || strings.HasPrefix(message, "Process completed with exit code ") {
		return true
	}
	// actions/toolkit exec: "The process '/usr/bin/git' failed with exit code 1"
	return strings.HasPrefix(message, "The process '") && strings.Contains(message, "failed with exit code ")
}

func (a *actionsReader) annotation(l format.Line, c command) {
	if len(a.rep.Diagnostics) >= maxAnnotations {
		a.beyond++
		return
	}
	d := ci.Diagnostic{Tool: Tool, Kind: ci.KindLint, Severity: severityOf(c.name), Message: c.message, Log: ci.Position{Line: l.N}}
	d.Pos = ci.Position{
		File: strings.TrimPrefix(format.SlashPath(c.props["file"]), "./"),
		Line: format.Number([]byte(c.props["line"])), Col: format.Number([]byte(c.props["col"])),
		EndLine: format.Number([]byte(c.props["endLine"])), EndCol: format.Number([]byte(c.props["endColumn"])),
	}
	titled(&d, c.props["title"])
	a.rep.Diagnostics = append(a.rep.Diagnostics, d)
}

// titled reads who says it from the title "Ruff (F401)" and takes the place and
// rule that such tools repeat off the front of the message.
func titled(d *ci.Diagnostic, title string) {
	tool, rule, ok := strings.Cut(strings.TrimSuffix(title, ")"), " (")
	if !ok || strings.ContainsAny(tool+rule, " ()") {
		return
	}
	d.Tool, d.Rule = strings.ToLower(tool), rule
	place := fmt.Sprintf(":%d:%d: ", d.Pos.Line, d.Pos.Col)
	if at := strings.Index(d.Message, place); at >= 0 && format.SamePath(format.SlashPath(d.Message[:at]), d.Pos.File) {
		d.Message = d.Message[at+len(place):]
	}
	d.Message = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(d.Message, rule+":"), rule+" "))
}

func (a *actionsReader) Finish() ci.Report {
	if a.beyond > 0 {
		a.rep.Warnings = append(a.rep.Warnings, ci.Warning{Text: fmt.Sprintf("%d more errors and annotations of the log are left out", a.beyond)})
	}
	a.rep.Format = "actions"
	return a.rep
}

// Formats are the rows of this package.
func Formats() []format.Format { return []format.Format{actionsFormat} }

// NewReader follows the workflow commands of a log.
func NewReader() format.LineReader { return newActionsReader() }
