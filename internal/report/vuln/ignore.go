package vuln

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"keepgreen/internal/ci"
)

const maxIgnore = 4 << 20

// Ignore reads keepgreen-ignore.yaml:
//
//	ignore:
//	  - id: CVE-2020-8203
//	    package: lodash
//	    reason: only its debounce is used
//	    expires: 2027-01-31
//
// Everything but the package is asked for: an exception without a reason or an
// end is forgotten, not decided. All that is wrong is told, with its line.
func Ignore(r io.Reader) ([]ci.VulnException, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxIgnore+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxIgnore {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxIgnore>>20)
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, yamlError(err)
	}
	var list ignoreList
	for i, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case i > 0:
			list.wrong(doc.Body, "a second document; the file holds one")
		default:
			list.top(doc.Body)
		}
	}
	return list.entries, list.err()
}

func yamlError(err error) error {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("line %d: %s", at.GetToken().Position.Line, at.GetMessage())
	}
	return err
}

type ignoreList struct {
	entries  []ci.VulnException
	problems []problem
}

// problem is one thing wrong with the file.
type problem struct {
	line int
	text string
}

func (l *ignoreList) wrong(n ast.Node, format string, args ...any) {
	l.problems = append(l.problems, problem{n.GetToken().Position.Line, fmt.Sprintf(format, args...)})
}

// err is all that is wrong, in the order of the file.
func (l *ignoreList) err() error {
	slices.SortStableFunc(l.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, p := range l.problems {
		all = append(all, fmt.Errorf("line %d: %s", p.line, p.text))
	}
	return errors.Join(all...)
}

// pairs are the members of a mapping.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func (l *ignoreList) top(n ast.Node) {
	if _, empty := n.(*ast.NullNode); empty {
		return
	}
	if _, comment := n.(*ast.CommentGroupNode); comment {
		return
	}
	members, ok := pairs(n)
	if !ok {
		l.wrong(n, "expected the key ignore with a list")
		return
	}
	for _, m := range members {
		items, isList := m.Value.(*ast.SequenceNode)
		switch {
		case m.Key.String() != "ignore":
			l.wrong(m.Key, "unknown key %s; there is ignore", m.Key)
		case isList:
			for _, item := range items.Values {
				l.item(item)
			}
		default:
			if _, empty := m.Value.(*ast.NullNode); !empty {
				l.wrong(m.Value, "ignore is a list")
			}
		}
	}
}

var ignoreKeys = []string{"id", "package", "reason", "expires"}

func (l *ignoreList) item(n ast.Node) {
	members, ok := pairs(n)
	if !ok {
		l.wrong(n, "an item has the keys %s", strings.Join(ignoreKeys, ", "))
		return
	}
	e := ci.VulnException{Status: "ignored", Source: fmt.Sprintf("line %d", n.GetToken().Position.Line)}
	said := map[string]bool{}
	if len(members) > 0 {
		e.Source = fmt.Sprintf("line %d", members[0].Key.GetToken().Position.Line)
	}
	for _, m := range members {
		key, value := m.Key.String(), strings.TrimSpace(scalar(m.Value))
		switch {
		case !slices.Contains(ignoreKeys, key):
			l.wrong(m.Key, "unknown key %s; there are %s", key, strings.Join(ignoreKeys, ", "))
			continue
		case value == "":
			l.wrong(m.Key, "%s is empty", key)
			continue
		case said[key]:
			l.wrong(m.Key, "%s is there twice", key)
		}
		said[key] = true
		switch key {
		case "id":
			e.IDs = []string{spelled(value)}
		case "package":
			e.Packages = []string{value}
			if purl := normalPURL(value); purl != "" {
				e.Packages[0] = purl
			}
		case "reason":
			e.Reason = value
		case "expires":
			day, err := time.Parse(time.DateOnly, value)
			if err != nil {
				l.wrong(m.Value, "expires: %s is not a day such as 2027-01-31", value)
			}
			e.Expires = day
		}
	}
	for _, key := range []string{"id", "reason", "expires"} {
		if !said[key] && len(members) > 0 && !slices.ContainsFunc(members, func(m *ast.MappingValueNode) bool { return m.Key.String() == key }) {
			l.wrong(members[0].Key, "the exception has no %s", key)
		}
	}
	l.entries = append(l.entries, e)
}

// scalar is the text of a plain value; of a list or a mapping it is empty.
func scalar(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.NullNode, *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return ""
	}
	return n.GetToken().Value
}
