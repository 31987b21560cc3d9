package agent

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Schema is the part of JSON Schema that the vendors' structured output knows
// (every property required, no other ones), and bounds that only we check:
// Anthropic refuses minimum, maximum and maxLength.
type Schema struct {
	Type   string // "object", "array", "string", "number"
	Doc    string
	Fields map[string]Schema
	Items  *Schema
	Enum   []string
	Most   int     // runes of a string, items of an array; zero: 10,000
	Max    float64 // of a number, which is not below 0; zero: no bound
}

// MarshalJSON implements json.Marshaler.
func (s Schema) MarshalJSON() ([]byte, error) {
	doc := map[string]any{"type": s.Type}
	if s.Doc != "" {
		doc["description"] = s.Doc
	}
	switch {
	case s.Type == "object":
		doc["properties"], doc["required"], doc["additionalProperties"] = s.Fields, slices.Sorted(maps.Keys(s.Fields)), false
	case s.Type == "array":
		doc["items"] = s.Items
	case len(s.Enum) > 0:
		doc["enum"] = s.Enum
	}
	return json.Marshal(doc)
}

// validate lists what is wrong with a decoded value.
func (s Schema) validate(at string, value any) []string {
	most := s.Most
	if most == 0 {
		most = 10_000
	}
	wrong := func(format string, args ...any) []string { return []string{at + ": " + fmt.Sprintf(format, args...)} }
	switch s.Type {
	case "object":
		return s.object(at, value)
	case "array":
		items, ok := value.([]any)
		if !ok || len(items) > most {
			return wrong("must be an array of at most %d", most)
		}
		var out []string
		for i, item := range items {
			out = append(out, s.Items.validate(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
		return out
	case "number":
		if n, ok := value.(float64); !ok || n < 0 || s.Max > 0 && n > s.Max {
			return wrong("must be a number from 0 to %g", s.Max)
		}
	case "string":
		text, ok := value.(string)
		switch {
		case !ok || utf8.RuneCountInString(text) > most:
			return wrong("must be a string of at most %d characters", most)
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
			return wrong("must be one of the listed values")
		}
	}
	return nil
}

func (s Schema) object(at string, value any) []string {
	fields, ok := value.(map[string]any)
	if !ok {
		return []string{at + ": must be an object"}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		field, there := fields[name]
		if !there {
			out = append(out, at+"."+name+": is missing")
			continue
		}
		out = append(out, s.Fields[name].validate(at+"."+name, field)...)
	}
	if len(fields) > len(s.Fields) {
		out = append(out, at+": has properties that the schema does not name")
	}
	return out
}
