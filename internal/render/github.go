package render

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// GitHub shows ten annotations of a type for each step and drops the rest.
const maxAnnotations = 10

// Level is the type of an annotation.
type Level string

// The types of annotation that a workflow command can make.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// Annotation is a message at a place of the changed files' view.
type Annotation struct {
	Level          Level
	Pos            ci.Position // empty: the run as a whole
	Title, Message string
}

// Annotate lists what is worth annotating, the most important first, at most
// ten of each type: one for each cause, then the further places of the causes,
// then lines that lost their coverage.
func Annotate(v View) []Annotation { return AnnotateAll(v, maxAnnotations) }

// AnnotateAll is Annotate with another limit for each type: a check run shows
// more than the output of a step.
func AnnotateAll(v View, most int) []Annotation {
	v = v.sorted()
	var out, more []Annotation
	for _, c := range v.Clusters {
		first := annotationOf(c)
		out = append(out, first)
		seen := map[ci.Position]bool{line(first.Pos): true}
		for _, m := range c.Members {
			if m.Pos.IsZero() || seen[line(m.Pos)] {
				continue
			}
			seen[line(m.Pos)] = true
			more = append(more, Annotation{first.Level, m.Pos, first.Title, m.Name() + "\n" + m.Headline()})
		}
	}
	out = append(out, more...)
	out = append(out, coverageNotices(v)...)
	left := map[Level]int{LevelError: most, LevelWarning: most, LevelNotice: most}
	return slices.DeleteFunc(out, func(a Annotation) bool {
		left[a.Level]--
		return left[a.Level] < 0
	})
}

// line is a position without its columns: one annotation a line is enough.
func line(p ci.Position) ci.Position { return ci.Position{File: p.File, Line: p.Line} }

func annotationOf(c ci.Cluster) Annotation {
	a := Annotation{LevelError, place(c), sentence(c), ""}
	if !needsYou(c) {
		a.Level = LevelWarning
	}
	parts := []string{logLine(c), plural(count(c), "failure") + "; " + cmp.Or(whoseWords(c), "whose it is, is not known") + "; " + sureness(c.Confidence)}
	if c.Cause.Next != "" {
		parts = append(parts, "Next: "+c.Cause.Next)
	}
	a.Message = strings.TrimSpace(strings.Join(parts, "\n"))
	return a
}

func coverageNotices(v View) []Annotation {
	var out []Annotation
	for _, f := range v.coverFiles() {
		if !f.HasDelta || f.Delta > -0.05 || len(f.Missing) == 0 {
			continue
		}
		first := f.Missing[0]
		out = append(out, Annotation{
			LevelNotice,
			ci.Position{File: f.File, Line: first.First, EndLine: first.Last},
			"Coverage fell " + points(f.Delta),
			fmt.Sprintf("%s of %s; lines that did not run: %s", percent(f.Pct), plural(f.Total, "statement"), ranges(f.Missing, 20)),
		})
	}
	return out
}

// Annotations writes the annotations as workflow commands.
func Annotations(w io.Writer, v View) error {
	var b bytes.Buffer
	for _, a := range Annotate(v) {
		b.WriteString(a.command() + "\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// command is the annotation as a workflow command; the escapes are those of
// the runner's ActionCommand (github.com/actions/runner).
func (a Annotation) command() string {
	var props []string
	prop := func(name, value string) {
		if value != "" {
			props = append(props, name+"="+escapeProperty(value))
		}
	}
	prop("file", Visible(a.Pos.File))
	if a.Pos.File != "" && a.Pos.Line > 0 {
		prop("line", strconv.Itoa(a.Pos.Line))
		if a.Pos.EndLine > a.Pos.Line {
			prop("endLine", strconv.Itoa(a.Pos.EndLine))
		} else if a.Pos.Col > 0 {
			prop("col", strconv.Itoa(a.Pos.Col))
		}
	}
	prop("title", cut(Visible(a.Title), 200))
	head := "::" + string(a.Level)
	if len(props) > 0 {
		head += " " + strings.Join(props, ",")
	}
	return head + "::" + escapeData(VisibleLines(cutBytes(a.Message, 4096)))
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeData(s string) string     { return dataEscapes.Replace(s) }
func escapeProperty(s string) string { return propertyEscapes.Replace(s) }

// Output is one value that a step hands to the next ones.
type Output struct{ Name, Value string }

// TriageOutputs are the outputs of the ai_triage job.
func TriageOutputs(v View) []Output {
	return []Output{
		{"fix_confidence", strconv.FormatFloat(FixConfidence(v.Fixes), 'f', -1, 64)},
		{"has_flaky_tests", strconv.FormatBool(HasFlaky(v))},
		{"triage_summary", Summary(v)},
	}
}

// Outputs writes values as GITHUB_OUTPUT takes them. A value of several lines
// stands between two delimiters made of its own hash: whoever writes the value
// cannot know a delimiter that depends on all of it.
func Outputs(w io.Writer, outputs []Output) error {
	var b bytes.Buffer
	for _, o := range outputs {
		if !outputName(o.Name) {
			return fmt.Errorf("output %q: a name is letters, digits, - and _, and starts with a letter or _", o.Name)
		}
		if !strings.ContainsAny(o.Value, "\r\n") {
			fmt.Fprintf(&b, "%s=%s\n", o.Name, o.Value)
			continue
		}
		end := delimiter(o.Value)
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", o.Name, end, o.Value, end)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func outputName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}

func delimiter(value string) string {
	sum := sha256.Sum256([]byte(value))
	for {
		end := "keepgreen_" + hex.EncodeToString(sum[:12])
		if !strings.Contains(value, end) {
			return end
		}
		sum = sha256.Sum256(sum[:])
	}
}
