package workflow

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// writer prints YAML line by line. The order is that of the model and every
// scalar is quoted by one rule, so equal models are equal bytes: a diff between
// two runs of init shows what changed and nothing else.
type writer struct {
	b    strings.Builder
	pins []Pin
}

func (w *writer) line(depth int, format string, args ...any) {
	w.b.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func (w *writer) comment(depth int, text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		w.line(depth, "# %s", line)
	}
}

// pair writes "key: value", a value of several lines as a block.
func (w *writer) pair(depth int, p Pair) {
	switch {
	case strings.Contains(p.Value, "\n"), p.Key == "run" && strings.HasPrefix(scalar(p.Value), `"`):
		w.line(depth, "%s: |%s", scalar(p.Key), behind(p.Why))
		for line := range strings.SplitSeq(strings.TrimSuffix(p.Value, "\n"), "\n") {
			if line == "" {
				w.b.WriteByte('\n')
				continue
			}
			w.line(depth+1, "%s", line)
		}
	default:
		w.line(depth, "%s: %s%s", scalar(p.Key), value(p.Value), behind(p.Why))
	}
}

func behind(why string) string {
	if why == "" {
		return ""
	}
	return " # " + why
}

func (w *writer) pairs(depth int, key string, pairs []Pair) {
	if len(pairs) == 0 {
		return
	}
	w.line(depth, "%s:", key)
	for _, p := range pairs {
		w.pair(depth+1, p)
	}
}

// plain is what YAML 1.1 and 1.2 both read as the same string without quotes.
var plain = regexp.MustCompile(`^(?:[A-Za-z_/$(]|\.[./A-Za-z_])[A-Za-z0-9_./$(){}|&=<>!',+@ *-]*$`)

var reserved = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n|\.inf|\.nan)$`)

// scalar is a string as a YAML scalar that reads back as that string: 3.10 is
// a version and no number.
func scalar(s string) string {
	if plain.MatchString(s) && !reserved.MatchString(s) && !strings.HasSuffix(s, " ") && !strings.Contains(s, " #") {
		return s
	}
	if expression.MatchString(s) {
		return s
	}
	quoted, _ := json.Marshal(s) // a string always marshals
	text := string(quoted)
	// JSON escapes what HTML minds; YAML reads the escapes, people do not.
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(text)
}

// expression is a single ${{ … }} that needs no quotes.
var expression = regexp.MustCompile(`^\$\{\{ [A-Za-z0-9_.()!=&|' \[\]*-]+ \}\}$`)

// list is a flow sequence.
func list(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = flowScalar(v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// flowScalar is a scalar inside [] or {}, where more characters have a meaning.
func flowScalar(s string) string {
	text := scalar(s)
	if strings.HasPrefix(text, `"`) || !strings.ContainsAny(text, ",[]{}") {
		return text
	}
	quoted, _ := json.Marshal(s)
	return string(quoted)
}

// YAML is the workflow as a file.
func (wf Workflow) YAML(pins []Pin) string {
	w := &writer{pins: pins}
	w.comment(0, strings.Join(wf.Head, "\n"))
	w.line(0, "name: %s", scalar(wf.Name))
	w.triggers(wf.On)
	w.b.WriteString("# Nothing for anybody; each job says what it needs.\npermissions: {}\n")
	w.line(0, "concurrency:")
	w.line(1, "group: %s", scalar(wf.Concurrency.Group))
	w.line(1, "cancel-in-progress: %s", value(wf.Concurrency.Cancel))
	w.pairs(0, "env", wf.Env)
	w.b.WriteString("defaults:\n  run:\n    shell: bash\n")
	w.line(0, "jobs:")
	for _, j := range wf.Jobs {
		w.job(j)
	}
	w.keep(1, "jobs")
	return w.b.String()
}

// value is a scalar that may be a boolean or a whole number: what GitHub makes
// of such an input is the same text again.
func value(s string) string {
	if s == "true" || s == "false" || whole.MatchString(s) {
		return s
	}
	return scalar(s)
}

var whole = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,8})$`)

func (w *writer) triggers(on Triggers) {
	w.line(0, "on:")
	if on.Main != "" {
		w.line(1, "push:")
		w.line(2, "branches: %s", list([]string{on.Main}))
	}
	if on.PullRequest {
		w.line(1, "pull_request:")
		w.line(1, "merge_group:")
	}
	if on.Schedule != "" {
		w.line(1, "schedule:")
		w.line(2, "- cron: %s", scalar(on.Schedule))
	}
	if len(on.Runs) > 0 {
		// It runs no code of whoever started the other workflow, and hands it no secret.
		w.line(1, "workflow_run: # zizmor: ignore[dangerous-triggers]")
		w.line(2, "workflows: %s", list(on.Runs))
		w.line(2, "types: [completed]")
	}
	if on.Dispatch {
		w.line(1, "workflow_dispatch:")
	}
}

func (w *writer) job(j Job) {
	w.b.WriteByte('\n')
	w.comment(1, j.Why)
	w.line(1, "%s:", j.ID)
	title := j.Title
	if title == "" {
		title = j.ID
	}
	w.line(2, "name: %s", scalar(title))
	if j.If != "" {
		w.line(2, "if: ${{ %s }}", j.If)
	}
	if len(j.Needs) > 0 {
		w.line(2, "needs: %s", list(j.Needs))
	}
	w.line(2, "runs-on: %s", scalar(j.RunsOn))
	w.line(2, "timeout-minutes: %d", j.Timeout)
	if j.Environment != "" {
		w.line(2, "environment: %s", scalar(j.Environment))
	}
	w.grants(j.Grants)
	if j.Serial != "" {
		w.line(2, "concurrency:")
		w.line(3, "group: %s", scalar(j.Serial))
		w.line(3, "cancel-in-progress: false")
	}
	if j.Soft {
		w.line(2, "continue-on-error: true")
	}
	w.pairs(2, "outputs", j.Outputs)
	w.pairs(2, "env", j.Env)
	w.matrix(j.Matrix)
	w.line(2, "steps:")
	for _, s := range j.Steps {
		w.step(s)
	}
}

func (w *writer) grants(grants []Grant) {
	if len(grants) == 0 {
		w.line(2, "permissions: {}")
		return
	}
	w.line(2, "permissions:")
	for _, g := range grants {
		w.line(3, "%s: %s%s", g.Scope, g.Level, behind(g.Why))
	}
}

func (w *writer) matrix(m *Matrix) {
	if m == nil {
		return
	}
	w.line(2, "strategy:")
	w.line(3, "fail-fast: false")
	if m.Expression != "" {
		w.line(3, "matrix: ${{ %s }}", m.Expression)
		return
	}
	w.line(3, "matrix:")
	for _, a := range m.Axes {
		w.line(4, "%s: %s", a.Name, list(a.Values))
	}
	if len(m.Include) == 0 {
		return
	}
	w.line(4, "include:")
	for _, row := range m.Include {
		cells := make([]string, len(row))
		for i, p := range row {
			cells[i] = p.Key + ": " + flowScalar(p.Value)
		}
		w.line(5, "- {%s}", strings.Join(cells, ", "))
	}
}

func (w *writer) step(s Step) {
	if s.Keep != "" {
		w.keep(3, s.Keep)
		return
	}
	w.comment(3, s.Why)
	w.line(3, "- name: %s", scalar(s.Name))
	if s.ID != "" {
		w.line(4, "id: %s", s.ID)
	}
	if s.If != "" {
		w.line(4, "if: ${{ %s }}", s.If)
	}
	if s.Soft {
		w.line(4, "continue-on-error: true")
	}
	if s.Uses != "" {
		w.line(4, "uses: %s", w.uses(s.Uses))
	}
	w.pairs(4, "with", s.With)
	w.pairs(4, "env", s.Env)
	if s.Dir != "" {
		w.line(4, "working-directory: %s", scalar(s.Dir))
	}
	if s.Run != "" {
		w.pair(4, Pair{Key: "run", Value: s.Run})
	}
}

// selfRepository is beside every action of the repository itself: zizmor prefers
// the newer "$/", which act, actionlint 1.7 and GitHub Enterprise Server lack.
const selfRepository = " # zizmor: ignore[self-repository]"

// uses is an action at its pinned commit with the version beside it, or what
// was given where it says for itself which commit it is.
func (w *writer) uses(action string) string {
	if strings.HasPrefix(action, "./") {
		return action + selfRepository
	}
	if strings.Contains(action, "@") {
		return action
	}
	pin, _, ok := pinOf(w.pins, action)
	if !ok {
		panic("no pin for " + action) // the generator uses an action that its table does not have
	}
	return action + "@" + pin.SHA + " # " + pin.Version
}
