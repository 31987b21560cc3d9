// Package config turns the bytes of keepgreen.yaml into settings. It opens
// nothing and knows no environment; every complaint names the line, the key,
// what is wrong and what would be right. A key is a row in one table, from
// which the reference in docs/ is generated, and a key that is not in the table
// is an error: a misspelt gate must not be a gate that is off.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"keepgreen/internal/ci"
)

// maxSize bounds the file: configuration is written by people.
const maxSize = 1 << 20

// Config is a checked configuration. The zero value is the default.
type Config struct {
	values map[string]Value
}

// Value is what the file says of one key.
type Value struct {
	Text      string        // scalars, as kong and strconv read them
	List      []string      // for keys of kind List
	Contracts []ci.Contract // for keys of kind Contracts
	Line      int           // 1-based
}

// Lookup is the value of a key, and whether the file sets it.
func (c *Config) Lookup(key string) (Value, bool) {
	if c == nil {
		return Value{}, false
	}
	v, ok := c.values[key]
	return v, ok
}

// List is the value of a list key; nil where the file does not set it.
func (c *Config) List(key string) []string {
	v, _ := c.Lookup(key)
	return v.List
}

// Contracts are the contracts of the architecture that the file has.
func (c *Config) Contracts() []ci.Contract {
	v, _ := c.Lookup("arch.contracts")
	return v.Contracts
}

// Keys lists the keys that the file sets, sorted.
func (c *Config) Keys() []string {
	if c == nil {
		return nil
	}
	keys := make([]string, 0, len(c.values))
	for key := range c.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Problem is one thing wrong with the file.
type Problem struct {
	Line, Col int
	Text      string
}

// Problems is all that is wrong with the file, in file order; it is an error.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = fmt.Sprintf("line %d: %s", problem.Line, problem.Text)
	}
	return strings.Join(lines, "\n")
}

// Parse checks a configuration file. The error is a Problems.
func Parse(data []byte) (*Config, error) {
	if len(data) > maxSize {
		return nil, Problems{{Line: 1, Text: fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), maxSize)}}
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, Problems{syntaxProblem(err)}
	}
	p := parse{config: &Config{values: map[string]Value{}}}
	for i, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case i > 0:
			p.complain(doc.Body, "a second document; the file holds one")
		default:
			p.mapping("", doc.Body)
		}
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return p.config, nil
}

func syntaxProblem(err error) Problem {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &located) && located.GetToken() != nil {
		pos := located.GetToken().Position
		return Problem{Line: pos.Line, Col: pos.Column, Text: located.GetMessage()}
	}
	return Problem{Line: 1, Text: err.Error()}
}

// parse collects values and problems while walking the tree.
type parse struct {
	config   *Config
	problems Problems
}

func (p *parse) complain(n ast.Node, format string, args ...any) {
	pos := n.GetToken().Position
	p.problems = append(p.problems, Problem{Line: pos.Line, Col: pos.Column, Text: fmt.Sprintf(format, args...)})
}

func (p *parse) mapping(prefix string, n ast.Node) {
	switch n := n.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
	case *ast.MappingNode:
		for _, entry := range n.Values {
			p.entry(prefix, entry)
		}
	case *ast.MappingValueNode:
		p.entry(prefix, n)
	default:
		where := strings.TrimSuffix(prefix, ".")
		if where == "" {
			where = "the file"
		}
		p.complain(n, "%s holds keys, not %s", where, describe(n))
	}
}

func (p *parse) entry(prefix string, entry *ast.MappingValueNode) {
	name, ok := entry.Key.(*ast.StringNode)
	if !ok {
		p.complain(entry.Key, "a key is a plain word, not %s", describe(entry.Key))
		return
	}
	full := prefix + name.Value
	if isSection(full) {
		p.mapping(full+".", entry.Value)
		return
	}
	key, known := find(full)
	if !known {
		p.complain(entry.Key, "unknown key %s%s", full, suggestion(full))
		return
	}
	if value, ok := p.value(key, entry.Value); ok {
		p.config.values[full] = value
	}
}

func (p *parse) value(key Key, n ast.Node) (Value, bool) {
	v := Value{Line: n.GetToken().Position.Line}
	if key.Kind == List {
		list, ok := p.list(key, n)
		v.List = list
		return v, ok
	}
	if key.Kind == Contracts {
		list, ok := p.contracts(key, n)
		v.Contracts = list
		return v, ok
	}
	text, ok := scalar(n)
	if !ok {
		p.complain(n, "%s is %s, not %s", key.Name, key.Kind.wants(key), describe(n))
		return v, false
	}
	if err := key.check(text); err != nil {
		p.complain(n, "%s is %s, not %q", key.Name, key.Kind.wants(key), text)
		return v, false
	}
	v.Text = text
	return v, true
}

func (p *parse) list(key Key, n ast.Node) ([]string, bool) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		p.complain(n, "%s is a list, not %s", key.Name, describe(n))
		return nil, false
	}
	list := []string{}
	for _, item := range seq.Values {
		text, ok := scalar(item)
		if !ok {
			p.complain(item, "%s is a list of words, not of %s", key.Name, describe(item))
			return nil, false
		}
		if len(key.Allowed) > 0 && !slices.Contains(key.Allowed, text) {
			p.complain(item, "%s takes %s, not %q", key.Name, strings.Join(key.Allowed, ", "), text)
			return nil, false
		}
		list = append(list, text)
	}
	return list, true
}

// contracts reads a list of contracts, each a mapping with import-linter's keys.
func (p *parse) contracts(key Key, n ast.Node) (list []ci.Contract, ok bool) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		p.complain(n, "%s is a list, not %s", key.Name, describe(n))
		return nil, false
	}
	for _, item := range seq.Values {
		one := &contractOptions{line: item.GetToken().Position.Line, options: map[string]option{}}
		switch item := item.(type) {
		case *ast.MappingNode:
			for _, entry := range item.Values {
				p.contractKey(one, entry)
			}
		case *ast.MappingValueNode:
			p.contractKey(one, item)
		default:
			p.complain(item, "a contract is a mapping with name and type, not %s", describe(item))
			continue
		}
		c := one.contract()
		if kindKeys[c.Kind] == nil && c.Kind != "" {
			one.complain(one.at("type"), "type is one of layers, forbidden, independence, protected, not %q", c.Kind)
		} else if c.Kind != "" {
			one.unknown(c)
		}
		list = append(list, c)
		slices.SortStableFunc(one.errs, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		p.problems = append(p.problems, one.errs...)
	}
	return list, len(p.problems) == 0
}

// contractKey reads one key of a contract: a word, or a list of words.
func (p *parse) contractKey(one *contractOptions, entry *ast.MappingValueNode) {
	name, ok := entry.Key.(*ast.StringNode)
	if !ok {
		p.complain(entry.Key, "a key is a plain word, not %s", describe(entry.Key))
		return
	}
	v := option{line: entry.Key.GetToken().Position.Line}
	if seq, isList := entry.Value.(*ast.SequenceNode); isList {
		v.many = true
		for _, item := range seq.Values {
			text, ok := scalar(item)
			if !ok {
				p.complain(item, "%s is a list of words, not of %s; words with : or * stand in quotes", name.Value, describe(item))
				continue
			}
			v.list = append(v.list, text)
		}
	} else if text, ok := scalar(entry.Value); ok {
		v.list = []string{text}
	} else {
		p.complain(entry.Value, "%s is a word or a list of words, not %s", name.Value, describe(entry.Value))
		return
	}
	one.options[name.Value] = v
}

// scalar is the text of a scalar as it stands in the file. Anchors, aliases and
// tags are refused: a configuration is read by people.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.AliasNode, *ast.AnchorNode:
		return "an anchor or alias"
	default:
		return strconv.Quote(n.GetToken().Value)
	}
}

// check reports whether the text is a value of the key's kind.
func (k Key) check(text string) (err error) {
	switch k.Kind {
	case Bool:
		_, err = strconv.ParseBool(text)
	case Number:
		var v float64
		if v, err = strconv.ParseFloat(text, 64); err == nil && (v != v || v < k.Min || k.Max > 0 && v > k.Max) {
			err = errors.New("out of range")
		}
	case Count:
		_, err = strconv.ParseUint(text, 10, 31)
	case Duration:
		var d time.Duration
		if d, err = time.ParseDuration(text); err == nil && d <= 0 {
			err = errors.New("not positive")
		}
	case Word:
		if len(k.Allowed) > 0 && !slices.Contains(k.Allowed, text) {
			err = errors.New("not allowed")
		}
	case List, Contracts: // their items are checked one by one
	}
	return err
}
