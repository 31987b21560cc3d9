package triage

import (
	"strings"

	"keepgreen/internal/ci"
)

// dependencyRules read what installers and resolvers say.
var dependencyRules = []CauseRule{
	{"pip", "pip and uv: no matching distribution, conflicts, wheels that do not build", pip},
	{"npm", "npm, yarn, pnpm: ERESOLVE, ETARGET, 404", npm},
	{"go-mod", "go: missing modules and go.sum entries, unknown revisions", goMod},
}

func pip(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	for _, p := range []string{"No matching distribution found for ", "Could not find a version that satisfies the requirement "} {
		if rest, ok := after(m, p); ok {
			module, _, _ := strings.Cut(rest, " (")
			return dependency(module, sprintf("no version of %s can be installed", code(module)), "Check the pin and the Python version; the version may not exist for it.")
		}
	}
	if module, ok := between(m, "could not install deps [", "]"); ok { // tox 3
		module, _, _ = strings.Cut(module, ", ")
		return dependency(module, sprintf("%s cannot be installed", code(module)), "Read what pip says above it: the pin, or the Python version.")
	}
	if module, ok := after(m, "Failed building wheel for "); ok {
		return dependency(module, sprintf("%s has to be compiled and does not compile here", code(module)), "Pin a version with a wheel for this Python, or install its build requirements.")
	}
	if strings.Contains(m, "ResolutionImpossible") || strings.Contains(m, "conflicting dependencies") || strings.Contains(m, "No solution found when resolving") {
		module, _ := between(m, "Cannot install ", " because")
		return dependency(module, "the requirements contradict each other: "+f.Headline(), "Relax one of the pins that the message names.")
	}
	if f.Exception == "DistributionNotFound" || f.Exception == "VersionConflict" || f.Exception == "PackageNotFoundError" {
		module := quoted(m)
		if module == "" {
			module = strings.TrimPrefix(f.Headline(), "No package metadata was found for ")
		}
		return dependency(module, sprintf("the installed packages do not fit: %s", f.Headline()), "Install the project itself, and what it requires.")
	}
	return no()
}

func dependency(module, sentence, next string) (ci.Cause, bool) {
	return ci.Cause{Class: ci.ClassDependency, Module: bareModule(module), Sentence: sentence, Next: next}, true
}

// bareModule is a requirement without its version.
func bareModule(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		s = s[:i]
	}
	if i := strings.IndexAny(s, "=<>!~[; "); i > 0 {
		s = s[:i]
	}
	return s
}

func npm(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	switch {
	case strings.Contains(m, "ERESOLVE"):
		module, _ := after(m, "While resolving: ")
		return dependency(module, "npm cannot find versions that fit together"+prefixed(" for ", module), "Bring the peer dependency and the package that asks for it together.")
	case strings.Contains(m, "No matching version found for "):
		module, _ := after(m, "No matching version found for ")
		module = strings.TrimSuffix(module, ".")
		return dependency(module, sprintf("%s does not exist in that version", code(module)), "Correct the version in package.json.")
	case strings.Contains(m, "is not in this registry") || strings.Contains(m, "is not in the npm registry"):
		module := quoted(m)
		return dependency(module, sprintf("%s is not in the registry", code(module)), "Correct its name, or give the job access to the private registry.")
	case strings.Contains(m, "npm ci` can only install") || strings.Contains(m, "ERR_PNPM_OUTDATED_LOCKFILE") || strings.Contains(m, "lockfile would have been modified"):
		return dependency("", "package.json and the lock file do not agree", "Run the install locally and commit the lock file.")
	}
	return no()
}

func goMod(f ci.Failure) (ci.Cause, bool) {
	m := f.Message
	for _, p := range [][2]string{{"no required module provides package ", ";"}, {"missing go.sum entry for module providing package ", " "}, {"missing go.sum entry for go.mod file", ";"}, {"cannot find module providing package ", "\n"}} {
		module, ok := between(m+"\n", p[0], p[1])
		if !ok {
			continue
		}
		module, _, _ = strings.Cut(strings.TrimSpace(module), "\n")
		module, _, _ = strings.Cut(module, ": ")
		module = strings.Trim(module, " :;")
		return dependency(module, sprintf("no module in go.mod provides %s", codeOr(module, "a package")), "Run go get for it (or go mod tidy), and commit go.mod and go.sum.")
	}
	if strings.Contains(m, "unknown revision") || strings.Contains(m, "checksum mismatch") {
		module, _, _ := strings.Cut(strings.TrimPrefix(f.Headline(), "go: "), "@")
		return dependency(module, "a Go module cannot be had as go.mod names it: "+f.Headline(), "Correct the version in go.mod.")
	}
	return no()
}

// staticRules read compilers, linters, formatters and type checkers.
var staticRules = []CauseRule{
	{"format", "formatters: black, ruff format, gofmt, prettier", format},
	{"go-compile", "the Go compiler", goCompile},
	{"type-check", "mypy, pyright, tsc: a static type error", typeCheck},
	{"lint", "a lint rule", lint},
	{"build", "other compilers and builds: the first error", build},
}

func format(f ci.Failure) (ci.Cause, bool) {
	tools := " black gofmt gofumpt prettier isort rustfmt clang-format yapf goimports "
	if f.Kind != ci.KindLint || !strings.Contains(tools, " "+f.Tool+" ") && !strings.Contains(f.Message, "ould reformat") && f.Rule != "format" {
		return no()
	}
	return yes(ci.ClassFormat, sprintf("%s is not formatted as %s wants it", or(f.Pos.File, "a file"), or(f.Tool, "the formatter")), sprintf("Run %s on it and commit the result.", or(f.Tool, "the formatter")))
}

func goCompile(f ci.Failure) (ci.Cause, bool) {
	if f.Kind != ci.KindBuild && !strings.Contains(f.Message, "[build failed]") || f.Tool != "" && !strings.HasPrefix(f.Tool, "go") && f.Tool != "gotest" {
		return no()
	}
	m := f.Headline()
	cause := ci.Cause{Class: ci.ClassBuild, Next: "Correct it; nothing in the package can be tested before."}
	switch {
	case strings.Contains(m, "undefined: "):
		cause.Symbol, _ = after(m, "undefined: ")
		cause.Sentence = sprintf("%s is used but not defined%s", code(cause.Symbol), in(f))
	case strings.Contains(m, " imported and not used"):
		cause.Symbol = quoted(m)
		cause.Sentence = sprintf("%s is imported%s and not used", code(cause.Symbol), in(f))
		cause.Next = "Remove the import."
	case strings.Contains(m, "declared and not used"):
		cause.Symbol, _ = after(m, "declared and not used: ")
		if cause.Symbol == "" {
			cause.Symbol, _, _ = strings.Cut(m, " declared")
		}
		cause.Sentence = sprintf("%s is declared%s and not used", code(cause.Symbol), at(f))
		cause.Next = "Use the variable or remove it."
	case strings.Contains(m, " undefined ("):
		cause.Symbol, _, _ = strings.Cut(m, " undefined (")
		why, _ := between(m, "undefined (", ")")
		cause.Sentence = sprintf("%s does not exist%s: %s", code(cause.Symbol), in(f), why)
	case strings.Contains(m, "cannot use "):
		value, _ := between(m, "cannot use ", " (")
		want, _ := between(m, " as ", " value")
		cause.Symbol, cause.Expected = value, want
		cause.Actual, _ = between(m, "of type ", ")")
		cause.Sentence = sprintf("%s is %s%s where %s is needed", code(value), or(cause.Actual, "of another type"), at(f), want)
		if method, ok := between(m, "(missing method ", ")"); ok {
			cause.Symbol = method
			cause.Sentence = sprintf("%s lacks the method %s that %s asks for%s", or(cause.Actual, code(value)), code(method), want, at(f))
		}
	case strings.Contains(m, "in call to "):
		cause.Symbol, _ = after(m, "in call to ")
		cause.Sentence = sprintf("%s is called%s with the wrong arguments: %s", code(cause.Symbol), at(f), m)
		cause.Next = "Bring the call and the signature together."
	case strings.Contains(m, "syntax error"):
		cause.Class = ci.ClassSyntax
		cause.Sentence = sprintf("%s does not parse: %s", or(f.Pos.String(), "a file"), m)
	case strings.Contains(m, "[build failed]"):
		fields := strings.Fields(m)
		cause.Module = fields[0]
		if fields[0] == "FAIL" && len(fields) > 1 {
			cause.Module = fields[1]
		}
		cause.Sentence = sprintf("the package %s does not compile", code(cause.Module))
	case strings.HasPrefix(f.Tool, "go"):
		cause.Sentence = sprintf("the code does not compile%s: %s", at(f), m)
	default:
		return no()
	}
	return cause, true
}

func typeCheck(f ci.Failure) (ci.Cause, bool) {
	if f.Kind != ci.KindType {
		return no()
	}
	m := f.Headline()
	if unparsed(f) {
		return doesNotParse(f)
	}
	cause := ci.Cause{Class: ci.ClassTyping, Rule: f.Rule, Sentence: sprintf("%s%s (%s)", m, at(f), or(f.Rule, f.Tool)), Next: "Correct the annotation or the value."}
	cause.Actual, _ = between(m, `has type "`, `"`)
	if cause.Actual == "" {
		cause.Actual, _ = between(m, `(got "`, `"`)
	}
	if cause.Actual == "" {
		cause.Actual, _ = between(m, `has incompatible type "`, `"`)
	}
	for _, p := range []string{`expected "`, `variable has type "`} {
		if want, ok := between(m, p, `"`); ok && cause.Expected == "" {
			cause.Expected = want
		}
	}
	if cause.Expected != "" && cause.Actual == cause.Expected {
		cause.Actual, _ = between(m, `expression has type "`, `"`)
	}
	if undefinedName(f) {
		cause.Symbol = quoted(m)
		cause.Sentence = sprintf("%s is not defined%s", code(cause.Symbol), in(f))
		cause.Next = sprintf("Import or define %s.", code(cause.Symbol))
	}
	if symbol, ok := between(m, `has no attribute "`, `"`); ok {
		cause.Symbol, cause.Type = symbol, quoted(m)
	}
	if symbol, ok := between(m, `in call to "`, `"`); ok && cause.Symbol == "" {
		cause.Symbol = symbol
		cause.Type, _ = between(m, `" of "`, `"`)
	}
	if noSuchModule(f) {
		cause.Module = quoted(m)
		cause.Sentence = sprintf("%s finds no module %s%s", or(f.Tool, "the type checker"), code(cause.Module), at(f))
		cause.Next = "Correct its name, or install what provides it where the checker runs."
	}
	if cause.Expected != "" && cause.Actual != "" {
		cause.Sentence = sprintf("%s expects %s%s, gets %s", or(f.Tool, "the type checker"), code(cause.Expected), at(f), code(cause.Actual))
	}
	return cause, true
}

// unparsed recognises the rules by which checkers say what SyntaxError says.
func unparsed(f ci.Failure) bool {
	return oneOf(f.Rule, "invalid-syntax", "E999", "E0001", "syntax-error", "syntax") || f.Tool == "ruff" && strings.HasPrefix(f.Message, "SyntaxError: ")
}

func doesNotParse(f ci.Failure) (ci.Cause, bool) {
	place := f.Pos
	place.Col = 0
	return ci.Cause{
		Class: ci.ClassSyntax, Rule: f.Rule,
		Sentence: sprintf("%s does not parse: %s", or(place.String(), "a file"), strings.TrimPrefix(f.Headline(), "SyntaxError: ")),
		Next:     "Correct the syntax; nothing that imports the file can run.",
	}, true
}

// noSuchModule recognises the rules by which checkers say what ModuleNotFoundError says.
func noSuchModule(f ci.Failure) bool {
	return oneOf(f.Rule, "import-not-found", "reportMissingImports", "TS2307")
}

// ruleWords say common rules as a developer would.
var ruleWords = map[string]string{
	"F401": "imports that nobody uses", "unused-import": "imports that nobody uses", "F841": "variables that are assigned and never used",
	"E501": "lines that are too long", "line-too-long": "lines that are too long", "I001": "imports that are not sorted", "E711": "comparisons with None by ==",
	"W291": "blanks at the ends of lines", "W292": "a file without a newline at its end", "E722": "except without an exception", "B006": "mutable default arguments",
	"F811": "a definition that hides an earlier one", "no-unused-vars": "variables that nobody uses", "unused-variable": "variables that nobody uses", "errcheck": "errors that nobody checks",
}

func lint(f ci.Failure) (ci.Cause, bool) {
	if f.Kind != ci.KindLint {
		return no()
	}
	if unparsed(f) {
		return doesNotParse(f)
	}
	cause := ci.Cause{Class: ci.ClassLint, Rule: f.Rule}
	name := strings.TrimSpace(f.Tool + " " + f.Rule)
	if words := ruleWords[f.Rule]; words != "" {
		cause.Sentence = sprintf("%s: %s", name, words)
	} else {
		cause.Sentence = sprintf("%s: %s", name, f.Headline())
	}
	cause.Next = sprintf("Correct it where %s points.", or(f.Tool, "the linter"))
	if f.Tool == "ruff" {
		cause.Next = "Try ruff check --fix, and correct by hand what it leaves."
	}
	cause.Symbol = quoted(f.Message)
	if undefinedName(f) {
		cause.Sentence = sprintf("%s is used but not defined%s", code(cause.Symbol), in(f))
		cause.Next = sprintf("Import or define %s.", code(cause.Symbol))
	}
	return cause, true
}

func build(f ci.Failure) (ci.Cause, bool) {
	m := f.Headline()
	if f.Kind != ci.KindBuild || strings.HasPrefix(m, "Process completed") || strings.HasPrefix(m, "exit status") {
		return no()
	}
	symbol, ok := "", false
	for _, p := range []string{"undefined reference to `", "undefined reference to '", "use of undeclared identifier '", "cannot find symbol", "was not declared in this scope", "Cannot find name '", "cannot find value `"} {
		if strings.Contains(m, p) {
			symbol, ok = quoted(m), true
		}
	}
	if ok && symbol != "" {
		return ci.Cause{Class: ci.ClassBuild, Symbol: symbol, Sentence: sprintf("%s is used but not defined%s", code(symbol), in(f)), Next: "Define or import it; nothing that needs it can be built before."}, true
	}
	return yes(ci.ClassBuild, sprintf("it does not build%s: %s", at(f), m), "Correct the first error; later ones often follow from it.")
}

// generalRules come last.
var generalRules = []CauseRule{
	{"expected-actual", "Expected and Actual, But was, Received on lines of their own, in any framework", expectedActual},
	{"go-error", "whatever else a Go test says with t.Error or t.Fatal", goError},
	{"exception", "any other exception, by its name", exception},
	{"exit", "a command that failed and said nothing better", exit},
	{"infra", "what its reader already knows to be infrastructure", infra},
}

func expectedActual(f ci.Failure) (ci.Cause, bool) {
	if f.Kind != ci.KindTest {
		return no()
	}
	expected, ok := jsField(f.Message, "Expected")
	for _, label := range []string{"But was", "Actual", "Received", "Was"} {
		if actual, ok2 := jsField(f.Message, label); ok && ok2 {
			return assertion(f, actual, expected, "")
		}
	}
	return no()
}

func exception(f ci.Failure) (ci.Cause, bool) {
	if f.Exception == "" {
		return no()
	}
	return ci.Cause{
		Class: ci.ClassException, Type: f.Exception,
		Sentence: sprintf("%s%s", headline(f), at(f)), Next: "Read the innermost frame that is yours.",
	}, true
}

func exit(f ci.Failure) (ci.Cause, bool) {
	if found(f.Message, "exit code", "exit status", "exited with", "returned non-zero", "Got exit code", "rc=", "custom container implementation failed") == "" {
		return no()
	}
	return yes(ci.ClassExit, or(f.Tool, "a command")+" failed and said nothing better: "+f.Headline(), "Read the lines before it.")
}

func infra(f ci.Failure) (ci.Cause, bool) {
	if f.Kind != ci.KindInfra {
		return no()
	}
	return yes(ci.ClassInfra, "the machine or a service around the run failed: "+f.Headline(), "Run it again; if it stays, look at the job's set-up.")
}
