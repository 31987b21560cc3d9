package config

import (
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// option is one key of a contract as some file spells it.
type option struct {
	line int
	list []string // one item for a scalar
	many bool     // the file has a list of items
}

// contractOptions are the keys of one contract, whatever the file.
type contractOptions struct {
	file    string
	line    int
	id      string // what to call it where it has no name
	options map[string]option
	used    map[string]bool
	errs    Problems
}

func (o *contractOptions) complain(line int, format string, args ...any) {
	o.errs = append(o.errs, Problem{Line: line, Text: fmt.Sprintf(format, args...)})
}

// kindKeys are the keys that each type of contract has besides those of all.
var kindKeys = map[ci.ContractKind][]string{
	ci.ContractLayers:       {"layers", "containers", "exhaustive", "exhaustive_ignores"},
	ci.ContractForbidden:    {"source_modules", "forbidden_modules", "allow_indirect_imports", "as_packages"},
	ci.ContractIndependence: {"modules"},
	ci.ContractProtected:    {"protected_modules", "allowed_importers", "as_packages"},
}

// contract reads the keys of import-linter 2.17's contracts
// (https://import-linter.readthedocs.io/en/stable/contract_types/). A type that
// is not known here is kept by its name: whoever checks it says so.
func (o *contractOptions) contract() ci.Contract {
	o.used = map[string]bool{}
	c := ci.Contract{
		Kind: ci.ContractKind(o.word("type", "")), Pos: ci.Position{File: o.file, Line: o.line}, Unmatched: ci.AlertLevel(o.word("unmatched_ignore_imports_alerting", "error")),
	}
	c.Name = o.word("name", o.id)
	switch {
	case c.Kind == "":
		o.complain(o.line, "a contract has a type: layers, forbidden, independence or protected")
	case c.Name == "":
		o.complain(o.line, "a contract has a name")
	}
	if !slices.Contains([]ci.AlertLevel{ci.AlertError, ci.AlertWarn, ci.AlertNone}, c.Unmatched) {
		o.complain(o.at("unmatched_ignore_imports_alerting"), "unmatched_ignore_imports_alerting is one of error, warn, none, not %q", c.Unmatched)
	}
	for _, text := range o.words("ignore_imports", false) {
		from, to, ok := strings.Cut(text, "->")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !ok || from == "" || to == "" {
			o.complain(o.at("ignore_imports"), "an ignored import is written a.b -> c.d, not %q", text)
			continue
		}
		c.Ignore = append(c.Ignore, [2]string{o.expression("ignore_imports", from), o.expression("ignore_imports", to)})
	}
	switch c.Kind {
	case ci.ContractLayers:
		o.layers(&c)
	case ci.ContractForbidden:
		c.Sources, c.Targets = o.modules("source_modules"), o.modules("forbidden_modules")
		c.Direct, c.Exact = o.flag("allow_indirect_imports", false), !o.flag("as_packages", true)
	case ci.ContractIndependence:
		c.Modules = o.modules("modules")
	case ci.ContractProtected:
		c.Targets, c.Sources, c.Exact = o.modules("protected_modules"), o.modules("allowed_importers"), !o.flag("as_packages", true)
	}
	return c
}

func (o *contractOptions) layers(c *ci.Contract) {
	var names []string
	for _, text := range o.words("layers", true) {
		l := ci.Layer{}
		independent, open := strings.Contains(text, "|"), strings.Contains(text, ":")
		if independent && open {
			o.complain(o.at("layers"), "the layer %q mixes | and :, which say that its modules may not and may import each other", text)
		}
		separator := "|"
		if l.Open = open && !independent; l.Open {
			separator = ":"
		}
		for name := range strings.SplitSeq(text, separator) {
			name = strings.TrimSpace(name)
			inner, optional := strings.CutPrefix(name, "(")
			if inner, closed := strings.CutSuffix(inner, ")"); optional && closed {
				name = inner
			} else {
				optional = false
			}
			l.Names, l.Optional = append(l.Names, name), append(l.Optional, optional)
			names = append(names, name)
		}
		c.Layers = append(c.Layers, l)
	}
	for i, a := range names {
		for _, b := range names[i+1:] {
			switch {
			case a == b:
				o.complain(o.at("layers"), "the layer %s is there twice", a)
			case strings.HasPrefix(a, b+"."), strings.HasPrefix(b, a+"."):
				o.complain(o.at("layers"), "layers cannot hold each other as %s and %s do", a, b)
			}
		}
	}
	for _, name := range o.words("containers", false) {
		c.Containers = append(c.Containers, o.expression("containers", name))
	}
	c.Exhaustive, c.Except = o.flag("exhaustive", false), o.words("exhaustive_ignores", false)
	if c.Exhaustive && len(c.Containers) == 0 {
		o.complain(o.at("exhaustive"), "exhaustive layers need containers")
	}
}

// unknown complains of keys that no contract of this kind has. import-linter
// itself overlooks them; a misspelt key of ours must not be a rule that is off.
func (o *contractOptions) unknown(c ci.Contract) {
	known := append([]string{"name", "type", "ignore_imports", "unmatched_ignore_imports_alerting"}, kindKeys[c.Kind]...)
	for name, value := range o.options {
		if !slices.Contains(known, name) {
			o.complain(value.line, "unknown key %s; a contract of the type %s has %s", name, c.Kind, strings.Join(known, ", "))
		}
	}
}

func (o *contractOptions) at(key string) int {
	if v, ok := o.options[key]; ok {
		return v.line
	}
	return o.line
}

func (o *contractOptions) word(key, without string) string {
	v, ok := o.options[key]
	switch {
	case !ok:
		return without
	case len(v.list) != 1 || v.many:
		o.complain(v.line, "%s is one word", key)
		return without
	}
	return strings.TrimSpace(v.list[0])
}

func (o *contractOptions) flag(key string, without bool) bool {
	switch text := strings.ToLower(o.word(key, "")); text {
	case "":
		return without
	case "true", "false":
		return text == "true"
	default:
		o.complain(o.at(key), "%s is true or false, not %q", key, text)
		return without
	}
}

// words is a list without its blank items.
func (o *contractOptions) words(key string, must bool) []string {
	var out []string
	for _, item := range o.options[key].list {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	if _, given := o.options[key]; must && !given {
		o.complain(o.line, "a contract of this type has %s", key)
	}
	return out
}

func (o *contractOptions) modules(key string) []string {
	list := o.words(key, true)
	for i := range list {
		list[i] = o.expression(key, list[i])
	}
	return list
}

// expression checks a name with wildcards: each stands for whole parts of it.
func (o *contractOptions) expression(key, text string) string {
	last := ""
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '.' || r == '/' }) {
		wild := part == "*" || part == "**"
		switch {
		case !wild && strings.Contains(part, "*"):
			o.complain(o.at(key), "%s: a wildcard stands for a whole part of a name, not as in %q", key, text)
		case wild && last != "" && (last == "**" || part == "**"):
			o.complain(o.at(key), "%s: ** stands beside no other wildcard, not as in %q", key, text)
		}
		if last = ""; wild {
			last = part
		}
	}
	return text
}
