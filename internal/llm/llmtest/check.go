package llmtest

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are derived from @anthropic-ai/sdk 1.12.0 and openai 6.49.0 by
// scripts/llm-schemas.
//
//go:embed schemas/*.json
var schemas embed.FS

// compiled are the schemas by name; compiling one takes some 50 ms.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	out := map[string]*jsonschema.Schema{}
	for _, name := range []string{"anthropic-request", "anthropic-response", "openai-request", "openai-response"} {
		data, err := schemas.ReadFile("schemas/" + name + ".json")
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, doc); err != nil {
			return nil, err
		}
		if out[name], err = c.Compile(name); err != nil {
			return nil, err
		}
	}
	return out, nil
})

// Validate holds a document against a vendor's schema, e.g. "openai-response".
func Validate(name string, body []byte) error {
	all, err := compiled()
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return all[name].Validate(doc)
}

// check is what the vendor would refuse in a request.
func (p *Provider) check(body []byte) []string {
	name := "openai-request"
	if p.API == "anthropic" {
		name = "anthropic-request"
	}
	var wrong []string
	if err := Validate(name, body); err != nil {
		wrong = append(wrong, err.Error())
	}
	var doc map[string]any
	if json.Unmarshal(body, &doc) != nil {
		return wrong
	}
	for _, field := range []string{"temperature", "top_p", "top_k"} {
		if doc[field] != nil {
			wrong = append(wrong, field+": current models refuse it")
		}
	}
	switch p.API {
	case "anthropic":
		wrong = append(wrong, anthropicRules(doc)...)
	case "openai":
		if doc["max_tokens"] != nil {
			wrong = append(wrong, "max_tokens: use max_completion_tokens")
		}
		wrong = append(wrong, strictRules(doc)...)
	default: // llama.cpp and Ollama ignore what they do not know, and would answer without a limit
		if doc["max_tokens"] == nil {
			wrong = append(wrong, "max_tokens is missing")
		}
		if doc["reasoning_effort"] != nil {
			wrong = append(wrong, "reasoning_effort is not known here")
		}
	}
	return wrong
}

// anthropicRules: prefilled answers are refused, and structured output knows a
// part of JSON Schema only.
func anthropicRules(doc map[string]any) []string {
	var wrong []string
	if messages, ok := doc["messages"].([]any); ok && len(messages) > 0 {
		if last, ok := messages[len(messages)-1].(map[string]any); ok && last["role"] != "user" {
			wrong = append(wrong, "the last message must be the user's")
		}
	}
	config, _ := doc["output_config"].(map[string]any)
	format, _ := config["format"].(map[string]any)
	return append(wrong, keywords("schema", format["schema"])...)
}

// strictRules: "strict" wants every property required and no other allowed.
func strictRules(doc map[string]any) []string {
	response, _ := doc["response_format"].(map[string]any)
	schema, _ := response["json_schema"].(map[string]any)
	if schema == nil {
		return nil
	}
	return keywords("schema", schema["schema"])
}

// known are the keywords that both vendors' structured output takes.
var known = []string{"type", "enum", "const", "anyOf", "allOf", "properties", "required", "additionalProperties", "items", "description", "$ref", "$defs"}

func keywords(at string, schema any) []string {
	node, ok := schema.(map[string]any)
	if !ok {
		return nil
	}
	var wrong []string
	for _, key := range slices.Sorted(maps.Keys(node)) {
		if !slices.Contains(known, key) {
			wrong = append(wrong, fmt.Sprintf("%s: %s is not supported", at, key))
		}
	}
	wrong = append(wrong, keywords(at+".items", node["items"])...)
	properties, ok := node["properties"].(map[string]any)
	if !ok {
		return wrong
	}
	if node["additionalProperties"] != false {
		wrong = append(wrong, at+": additionalProperties must be false")
	}
	var required []string
	if list, ok := node["required"].([]any); ok {
		for _, name := range list {
			required = append(required, fmt.Sprint(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !slices.Contains(required, name) {
			wrong = append(wrong, at+": required does not list "+name)
		}
		wrong = append(wrong, keywords(strings.Join([]string{at, name}, "."), properties[name])...)
	}
	return wrong
}
