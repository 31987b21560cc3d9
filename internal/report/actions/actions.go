// Package actions reads the workflow commands in a log and what GitHub's runner
// says about the job. It tells the machine's failures from the code's.
package actions

import (
	"bytes"
	"cmp"
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
		if _, ok := Parse(bytes.TrimSpace(line)); ok {
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
	rep       ci.Report
	attribute func(d *ci.Diagnostic, title string) // names the tool of an annotation; may be nil
	infra     map[[2]string]bool                   // job and rule that were told already
	said      map[[2]string]int                    // job and message
	beyond    int                                  // what the bounds left out
}

func newActionsReader() *actionsReader {
	return &actionsReader{infra: map[[2]string]bool{}, said: map[[2]string]int{}}
}

// Command is "::name key=value,key=value::message", or "##[name]message", which
// is what the runner leaves of it in the log.
type Command struct {
	Name, Message string
	Props         map[string]string
}

var commandEscapes = strings.NewReplacer("%0A", "\n", "%0D", "\r", "%25", "%", "%3A", ":", "%2C", ",")

// Parse takes a line apart; ok is false if it is none of error,
// warning and notice.
func Parse(text []byte) (c Command, ok bool) {
	switch {
	case bytes.HasPrefix(text, []byte("##[")):
		name, message, found := bytes.Cut(text[len("##["):], []byte("]"))
		c = Command{Name: string(name[:min(len(name), 16)]), Message: string(message)}
		return c, found && severityOf(c.Name) != ""
	case bytes.HasPrefix(text, []byte("::")):
		head, message, found := bytes.Cut(text[len("::"):], []byte("::"))
		if !found || len(head) > 8<<10 {
			return Command{}, false
		}
		name, props, _ := strings.Cut(string(head), " ")
		if severityOf(name) == "" {
			return Command{}, false
		}
		c = Command{Name: name, Message: commandEscapes.Replace(string(message)), Props: map[string]string{}}
		for pair := range strings.SplitSeq(props, ",") {
			if key, value, ok := strings.Cut(pair, "="); ok {
				c.Props[strings.TrimSpace(key)] = commandEscapes.Replace(value)
			}
		}
		return c, true
	}
	return Command{}, false
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
	c, ok := Parse(text)
	if !ok {
		return
	}
	c.Message = format.Safe(strings.TrimSpace(c.Message))
	switch {
	case c.Props["file"] != "":
		a.annotation(l, c)
	case c.Name == "error":
		a.failed(l, c.Message)
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
	if at, again := a.said[key]; again {
		a.rep.Failures[at].Log.Line = l.N // what is tried again fails again; the last time ended the job
		return
	}
	if len(a.said) >= maxActionsErrors {
		a.beyond++
		return
	}
	a.said[key] = len(a.rep.Failures)
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

func (a *actionsReader) annotation(l format.Line, c Command) {
	if len(a.rep.Diagnostics) >= maxAnnotations {
		a.beyond++
		return
	}
	d, title := c.Diagnostic()
	d.Log = ci.Position{Line: l.N}
	titled(&d, title)
	if a.attribute != nil {
		a.attribute(&d, title)
	}
	d.Tool = cmp.Or(d.Tool, Tool)
	d.Kind = cmp.Or(d.Kind, ci.KindLint)
	a.rep.Diagnostics = append(a.rep.Diagnostics, d)
}

// Diagnostic is the finding that an annotation tells, without who says it, and
// the annotation's title.
func (c Command) Diagnostic() (d ci.Diagnostic, title string) {
	d = ci.Diagnostic{Severity: severityOf(c.Name), Message: c.Message}
	d.Pos = ci.Position{
		File: strings.TrimPrefix(format.SlashPath(c.Props["file"]), "./"),
		Line: format.Number([]byte(c.Props["line"])), Col: format.Number([]byte(c.Props["col"])),
		EndLine: format.Number([]byte(c.Props["endLine"])), EndCol: format.Number([]byte(c.Props["endColumn"])),
	}
	return d, c.Props["title"]
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

// NewReader follows the workflow commands of a log. attribute, which may be nil,
// completes a finding by what is known of the tool that says it, and finds that
// tool where the annotation's title does not name it.
func NewReader(attribute func(d *ci.Diagnostic, title string)) format.LineReader {
	a := newActionsReader()
	a.attribute = attribute
	return a
}
