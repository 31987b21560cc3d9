package main

import (
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"keepgreen/internal/llm/llmtest"
)

// fakes is the key under which a script keeps its fake provider of models.
type fakes struct{}

// startAI is the command "ai API BEHAVIOUR [ANSWER…]" of scripts: from here on a
// fake provider is configured, as a repository's secrets and variables do it.
// The answers are files, one a question, the last one for all others. What
// the vendor would refuse, the fake refuses.
func startAI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ai anthropic|openai|compatible BEHAVIOUR [ANSWER…]")
	}
	fake := &llmtest.Provider{API: args[0], Behave: args[1]}
	if files := args[2:]; len(files) > 0 {
		answers := make([]string, len(files))
		for i, file := range files {
			answers[i] = ts.ReadFile(file)
		}
		fake.Answer = func(a llmtest.Asked) string { return answers[min(a.Round, len(answers))-1] }
	}
	server := httptest.NewServer(fake)
	ts.Defer(server.Close)
	*ts.Value(fakes{}).(**llmtest.Provider) = fake //nolint:forcetypeassert // set by Setup
	ts.Setenv("AI_API_KEY", "sk-a-key-for-scripts")
	switch args[0] {
	case "anthropic":
		ts.Setenv("AI_MODEL", "") // the default
		ts.Setenv("ANTHROPIC_BASE_URL", server.URL)
	case "openai":
		ts.Setenv("AI_MODEL", "gpt-4-turbo-preview")
		ts.Setenv("AI_BASE_URL", server.URL+"/v1")
	default:
		ts.Setenv("AI_MODEL", "tiny-instruct")
		ts.Setenv("AI_BASE_URL", server.URL+"/v1")
	}
}

// writeAsked is the command "asked FILE": the questions so far, as they were sent.
func writeAsked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: asked FILE")
	}
	var b strings.Builder
	fake := *ts.Value(fakes{}).(**llmtest.Provider) //nolint:forcetypeassert // set by Setup
	for _, a := range fake.Asked() {
		b.WriteString(a.Body + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}
