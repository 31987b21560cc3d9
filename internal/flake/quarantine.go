package flake

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"keepgreen/internal/ci"
)

// QuarantineFile is where a repository keeps its list, at its root: it is
// reviewed and committed as code is, since it says which failures may pass.
const QuarantineFile = "keepgreen-quarantine.yaml"

const (
	maxQuarantine = 1 << 20 // bytes
	dateLayout    = time.DateOnly
)

// Entry is one test in quarantine. It still runs, and its failures are still
// reported; those that Excused accepts do not fail the run.
type Entry struct {
	Test    ci.TestID
	Variant string // empty: in all variants
	Owner   string // who mends it
	Reason  string
	Ticket  string    // optional
	Expires time.Time // the last day, UTC, on which the entry counts
	Line    int       // in the file, 1-based; 0: not from a file
}

// Active reports whether the entry counts: until the end of its last day.
func (e Entry) Active(now time.Time) bool { return now.Before(e.Expires.AddDate(0, 0, 1)) }

// Covers reports whether the entry is about the test.
func (e Entry) Covers(t Test) bool {
	return e.Test == t.ID && (e.Variant == "" || e.Variant == t.Variant)
}

// Quarantined finds the active entry for a test.
func Quarantined(entries []Entry, t Test, now time.Time) (Entry, bool) {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Covers(t) && e.Active(now) })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

// unlikely is the probability below which failing in all attempts is no longer
// put down to the rate at which a flaky test fails.
const unlikely = 0.05

// Excused says whether a failure of a quarantined test is a confirmed flake and
// may be let pass. attempts are the test's outcomes in this run, in order. It is
// one if an attempt passed, or if the history knows the test as flaky and all
// attempts failing is what such a test does. What the history calls broken is
// not excused, nor is an attempt that was cut off: nobody saw how it ended.
func Excused(e Entry, v Verdict, attempts []ci.Outcome, now time.Time) (excused bool, because string) {
	bad, good := 0, 0
	for _, o := range attempts {
		switch {
		case o.Bad():
			bad++
		case o.Good():
			good++
		case o == ci.Unknown:
			return false, "an attempt was cut off, so nobody saw how it ends"
		}
	}
	switch {
	case !e.Covers(v.Test):
		return false, "the entry is about another test"
	case !e.Active(now):
		return false, "its quarantine expired on " + e.Expires.Format(dateLayout)
	case bad == 0:
		return false, "it did not fail"
	case good > 0:
		return true, fmt.Sprintf("it passed in %d of %d attempts on the same code", good, bad+good)
	case v.Verdict != ci.FlakeFlaky:
		return false, fmt.Sprintf("it failed in %s, and its history says %s, not flaky", count(bad, "attempt"), cmp.Or(v.Verdict, ci.FlakeUnknown))
	case math.Pow(v.Interval[1], float64(bad)) < unlikely:
		return false, fmt.Sprintf("it failed in all %d attempts, which is too many for a flake that fails in at most %.0f %% of runs", bad, 100*v.Interval[1])
	}
	return true, fmt.Sprintf("its history says flaky: it fails in %d of %d runs", v.SegmentFailures, v.SegmentRuns)
}

// ParseQuarantine reads the list. The error names every entry that is wrong,
// each with its line; the entries that are right are returned with it.
func ParseQuarantine(data []byte) ([]Entry, error) {
	list, err := quarantineList(data)
	if err != nil || list == nil {
		return nil, err
	}
	var entries []Entry
	var wrong []error
	for _, node := range list.Values {
		e, err := parseEntry(node)
		if err == nil {
			err = duplicate(entries, e)
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		entries = append(entries, e)
	}
	return entries, errors.Join(wrong...)
}

func duplicate(entries []Entry, e Entry) error {
	for _, old := range entries {
		if old.Test == e.Test && old.Variant == e.Variant {
			return lineError(e.Line, "%s is in the list already, in line %d", e.Test, old.Line)
		}
	}
	return nil
}

func lineError(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", line, fmt.Errorf(format, args...))
}

// quarantineList is the list in the file; nil if there is none or it is empty.
func quarantineList(data []byte) (*ast.SequenceNode, error) {
	if len(data) > maxQuarantine {
		return nil, fmt.Errorf("longer than %d bytes", maxQuarantine)
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, yamlError(err)
	}
	var root *ast.MappingNode
	for _, doc := range file.Docs {
		switch body := doc.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
		case *ast.MappingNode:
			if root != nil {
				return nil, lineError(lineOf(body), "a second document; the list is one")
			}
			root = body
		default:
			return nil, lineError(lineOf(body), "want the keys version and quarantine")
		}
	}
	if root == nil {
		return nil, nil
	}
	return listIn(root)
}

func listIn(root *ast.MappingNode) (list *ast.SequenceNode, err error) {
	for _, pair := range root.Values {
		key, line := pair.Key.String(), lineOf(pair.Key)
		switch value := pair.Value.(type) {
		case *ast.SequenceNode:
			if key == "quarantine" {
				list = value
				continue
			}
		case *ast.NullNode:
			if key == "quarantine" {
				continue
			}
		case *ast.IntegerNode:
			if key == "version" && value.GetToken().Value == "1" {
				continue
			}
		}
		switch key {
		case "quarantine":
			return nil, lineError(line, "quarantine: want a list of tests")
		case "version":
			return nil, lineError(line, "version: this keepgreen knows 1")
		}
		return nil, lineError(line, "unknown key %q; want version or quarantine", key)
	}
	return list, nil
}

func parseEntry(node ast.Node) (Entry, error) {
	e := Entry{Line: lineOf(node)}
	fields, isMap := node.(*ast.MappingNode)
	if !isMap {
		return e, lineError(e.Line, "want a test with the keys test, owner, reason and expires")
	}
	if len(fields.Values) > 0 {
		e.Line = lineOf(fields.Values[0].Key)
	}
	var expires string
	targets := map[string]*string{
		"test": (*string)(&e.Test), "variant": &e.Variant, "owner": &e.Owner,
		"reason": &e.Reason, "ticket": &e.Ticket, "expires": &expires,
	}
	for _, pair := range fields.Values {
		key, line := pair.Key.String(), lineOf(pair.Key)
		target, known := targets[key]
		if !known {
			return e, lineError(line, "unknown key %q; want test, variant, owner, reason, ticket or expires", key)
		}
		text, err := scalar(pair.Value)
		if err != nil {
			return e, lineError(line, "%s: %w", key, err)
		}
		*target = text
		if key == "expires" {
			if e.Expires, err = time.Parse(dateLayout, text); err != nil {
				return e, lineError(line, "expires: %q is not a date such as 2026-12-31", text)
			}
		}
	}
	for _, key := range []string{"test", "owner", "reason", "expires"} {
		if strings.TrimSpace(*targets[key]) == "" {
			return e, lineError(e.Line, "%s is missing", key)
		}
	}
	return e, nil
}

func scalar(node ast.Node) (string, error) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), nil
	case *ast.NullNode:
		return "", nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	}
	return "", errors.New("want text")
}

func lineOf(node ast.Node) int {
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line
	}
	return 1
}

// yamlError is the parser's error as one line with the line's number first.
func yamlError(err error) error {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil && syntax.GetToken().Position != nil {
		return lineError(syntax.GetToken().Position.Line, "%s", syntax.GetMessage())
	}
	return err
}
