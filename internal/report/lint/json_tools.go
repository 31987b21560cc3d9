package lint

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// jsonTools are the tools that write JSON of their own, each with keys that
// together only it writes.
var jsonTools = []jsonTool{
	{"ruff-json", "ruff check --output-format json or json-lines", []string{"filename", "end_location", "noqa_row", "cell"}, "", ruffJSON, nil, nil},
	{"mypy-json", "mypy --output json", []string{"file", "hint", "code", "severity", "column"}, "", mypyJSON, nil, nil},
	{"pylint-json", "pylint -f json", []string{"message-id", "symbol", "module", "obj"}, "", pylintJSON, nil, nil},
	{"pylint-json2", "pylint -f json2", []string{"messages", "messageId", "absolutePath", "symbol"}, "messages", pylintJSON, nil, nil},
	{"pyright-json", "pyright --outputjson", []string{"generalDiagnostics", "version"}, "generalDiagnostics", pyrightJSON, nil, nil},
	{"bandit-json", "bandit -f json", []string{"errors", "generated_at", "metrics"}, "results", banditJSON, nil, nil},
	{"flake8-json", "flake8 --format json (flake8-json)", []string{"line_number", "column_number", "physical_line", "text"}, "", flake8JSON, nil, nil},
	{"golangci-lint-json", "golangci-lint run --output.json.path", []string{"Issues", "FromLinter", "Text"}, "Issues", golangciJSON, nil, nil},
	{"eslint-json", "eslint -f json", []string{"filePath", "messages"}, "", eslintJSON, nil, nil},
	{"eslint-meta-json", "eslint -f json-with-metadata", []string{"results", "filePath", "messages", "errorCount"}, "results", eslintJSON, nil, nil},
	{"stylelint-json", "stylelint -f json", []string{"source", "warnings", "deprecations"}, "", stylelintJSON, nil, nil},
	{"shellcheck-json", "shellcheck -f json; hadolint -f json", []string{"file", "line", "column", "level", "code", "message"}, "", shellcheckJSON, nil, nil},
	{"shellcheck-json1", "shellcheck -f json1", []string{"comments", "file", "line", "column", "level", "code", "message"}, "comments", shellcheckJSON, nil, nil},
	{"staticcheck-json", "staticcheck -f json", []string{"code", "severity", "location", "end", "message", "file"}, "", staticcheckJSON, nil, nil},
	{"go-vet-json", "go vet -json", []string{"posn", "message"}, "", goVetJSON, nil, nil},
	{"gitlab", "code quality reports as GitLab reads them", []string{"description", "fingerprint", "location", "path"}, "", gitlabJSON, nil, nil},
	{"rdjson", "Reviewdog Diagnostic Format, one document", []string{"diagnostics", "message", "location", "path", "range"}, "diagnostics", rdJSON, []string{"source", "severity"}, rdJSONFinish},
	{"rdjsonl", "Reviewdog Diagnostic Format, one finding a line", []string{"message", "location", "path", "range", "start"}, "", rdJSON, nil, nil},
	{"cargo-json", "cargo build, check or clippy --message-format json", []string{"reason", "package_id"}, "", cargoJSON, nil, nil},
	{"gcc-json", "gcc -fdiagnostics-format=json", []string{"kind", "locations", "caret", "message"}, "", gccJSON, nil, nil},
	{"rubocop-json", "rubocop -f json", []string{"metadata", "files", "offenses", "path"}, "files", rubocopJSON, nil, nil},
}

func ruffJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		Code, Filename, Message, URL, Severity string
		Fix                                    *struct{ Applicability string }
		Location                               struct{ Row, Column int }
		EndLocation                            struct{ Row, Column int } `json:"end_location"`
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	add(ci.Diagnostic{
		Tool: "ruff", Rule: v.Code, Severity: lintSeverity(v.Severity), Message: v.Message, URL: v.URL,
		Fixable: v.Fix != nil && (v.Fix.Applicability == "safe" || v.Fix.Applicability == "always"),
		Pos:     ci.Position{File: v.Filename, Line: v.Location.Row, Col: v.Location.Column, EndLine: v.EndLocation.Row, EndCol: v.EndLocation.Column},
	})
	return nil
}

// mypyJSON adds 1 to columns, which mypy counts from 0 here and from 1 in text.
func mypyJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		File, Message, Hint, Code, Severity string
		Line, Column                        int
		EndLine                             int `json:"end_line"`
		EndColumn                           int `json:"end_column"`
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	if v.Hint != "" {
		v.Message += "\nnote: " + v.Hint
	}
	add(ci.Diagnostic{
		Tool: "mypy", Rule: v.Code, Severity: lintSeverity(v.Severity), Message: v.Message,
		Pos: ci.Position{File: v.File, Line: v.Line, Col: v.Column + 1, EndLine: v.EndLine, EndCol: v.EndColumn},
	})
	return nil
}

// pylintJSON adds 1 to columns, which pylint counts from 0.
func pylintJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		Type, Symbol, Message, Path string
		ID1                         string `json:"message-id"`
		ID2                         string `json:"messageId"`
		Line, Column                int
		EndLine, EndColumn          int
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	id := v.ID1 + v.ID2
	add(ci.Diagnostic{
		Tool: "pylint", Rule: id, Severity: lintSeverity(v.Type), Message: v.Message, URL: pylintURL(id, v.Symbol),
		Pos: ci.Position{File: v.Path, Line: v.Line, Col: v.Column + 1, EndLine: v.EndLine, EndCol: v.EndColumn},
	})
	return nil
}

// pyrightJSON adds 1 to lines and columns, which the language server protocol
// counts from 0.
func pyrightJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	type point struct{ Line, Character int }
	var v struct {
		File, Severity, Message, Rule string
		Range                         *struct{ Start, End point }
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	d := ci.Diagnostic{Tool: "pyright", Rule: v.Rule, Severity: lintSeverity(v.Severity), Message: v.Message, Pos: ci.Position{File: v.File}}
	if r := v.Range; r != nil {
		d.Pos.Line, d.Pos.Col, d.Pos.EndLine, d.Pos.EndCol = r.Start.Line+1, r.Start.Character+1, r.End.Line+1, r.End.Character+1
	}
	add(d)
	return nil
}

func banditJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		Filename string
		Severity string `json:"issue_severity"`
		Text     string `json:"issue_text"`
		Line     int    `json:"line_number"`
		Col      int    `json:"col_offset"`
		EndCol   int    `json:"end_col_offset"`
		Info     string `json:"more_info"`
		ID       string `json:"test_id"`
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	add(ci.Diagnostic{
		Tool: "bandit", Rule: v.ID, Severity: lintSeverity(v.Severity), Message: v.Text, URL: v.Info,
		Pos: ci.Position{File: v.Filename, Line: v.Line, Col: v.Col + 1},
	})
	return nil
}

func flake8JSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var byFile map[string][]struct {
		Code, Filename, Text string
		Line                 int `json:"line_number"`
		Col                  int `json:"column_number"`
	}
	if err := json.Unmarshal(e, &byFile); err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(byFile)) {
		for _, v := range byFile[file] {
			d := ci.Diagnostic{Tool: "flake8", Rule: v.Code, Message: v.Text, Pos: ci.Position{File: v.Filename, Line: v.Line, Col: v.Col}}
			if strings.HasPrefix(v.Code, "W") || strings.HasPrefix(v.Code, "C") {
				d.Severity = ci.SeverityWarning
			}
			add(d)
		}
	}
	return nil
}

func golangciJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		FromLinter, Text, Severity string
		Pos                        struct {
			Filename     string
			Line, Column int
		}
		Replacement, SuggestedFixes json.RawMessage
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	d := ci.Diagnostic{
		Tool: "golangci-lint", Rule: v.FromLinter, Severity: lintSeverity(v.Severity), Message: v.Text,
		Pos:     ci.Position{File: v.Pos.Filename, Line: v.Pos.Line, Col: v.Pos.Column},
		Fixable: present(v.Replacement) || present(v.SuggestedFixes),
	}
	if v.FromLinter == "typecheck" {
		d.Kind = ci.KindBuild
	}
	add(d)
	return nil
}

func present(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null" && string(raw) != "[]"
}

func eslintJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		FilePath string
		Messages []struct {
			RuleID                           string
			Severity                         int
			Message                          string
			Line, Column, EndLine, EndColumn int
			Fix                              json.RawMessage
		}
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	for _, m := range v.Messages {
		d := ci.Diagnostic{
			Tool: "eslint", Rule: m.RuleID, Message: m.Message, Fixable: present(m.Fix),
			Pos: ci.Position{File: v.FilePath, Line: m.Line, Col: m.Column, EndLine: m.EndLine, EndCol: m.EndColumn},
		}
		if m.Severity == 1 {
			d.Severity = ci.SeverityWarning
		}
		add(d)
	}
	return nil
}

func stylelintJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		Source   string
		Warnings []struct {
			Line, Column, EndLine, EndColumn int
			Rule, Severity, Text             string
			Fix                              json.RawMessage
		}
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	for _, w := range v.Warnings {
		add(ci.Diagnostic{
			Tool: "stylelint", Rule: w.Rule, Severity: lintSeverity(w.Severity), Message: w.Text, Fixable: present(w.Fix),
			Pos: ci.Position{File: v.Source, Line: w.Line, Col: w.Column, EndLine: w.EndLine, EndCol: w.EndColumn},
		})
	}
	return nil
}

// shellcheckJSON also reads hadolint's, whose codes are strings.
func shellcheckJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		File, Level, Message             string
		Line, Column, EndLine, EndColumn int
		Code                             json.RawMessage
		Fix                              json.RawMessage
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	tool, rule := "shellcheck", "SC"+string(v.Code)
	if strings.HasPrefix(string(v.Code), `"`) {
		tool, rule = "hadolint", strings.Trim(string(v.Code), `"`)
	}
	add(ci.Diagnostic{
		Tool: tool, Rule: rule, Severity: lintSeverity(v.Level), Message: v.Message, Fixable: present(v.Fix),
		Pos: ci.Position{File: v.File, Line: v.Line, Col: v.Column, EndLine: v.EndLine, EndCol: v.EndColumn},
	})
	return nil
}

func staticcheckJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		Code, Severity, Message string
		Location                struct {
			File         string
			Line, Column int
		}
		End struct{ Line, Column int }
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	d := ci.Diagnostic{
		Tool: "staticcheck", Rule: v.Code, Severity: lintSeverity(v.Severity), Message: v.Message,
		Pos: ci.Position{File: v.Location.File, Line: v.Location.Line, Col: v.Location.Column, EndLine: v.End.Line, EndCol: v.End.Column},
	}
	if v.Code == "compile" {
		d.Kind = ci.KindBuild
	}
	add(d)
	return nil
}

// goVetJSON reads {"package": {"analyzer": [finding, …] or {"error": …}}}.
func goVetJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var packages map[string]map[string]json.RawMessage
	if err := json.Unmarshal(e, &packages); err != nil {
		return err
	}
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		for _, analyzer := range slices.Sorted(maps.Keys(packages[pkg])) {
			var findings []struct {
				Posn, Message string
				Fixes         json.RawMessage `json:"suggested_fixes"`
			}
			if err := json.Unmarshal(packages[pkg][analyzer], &findings); err != nil {
				continue // the analyzer itself broke: {"error": …}
			}
			for _, f := range findings {
				d := ci.Diagnostic{Tool: "go vet", Rule: analyzer, Message: f.Message, Fixable: present(f.Fixes)}
				if p, ok := cutPlace([]byte(f.Posn + ": -")); ok {
					d.Pos = p.position()
				}
				add(d)
			}
		}
	}
	return nil
}

// gitlabJSON reads GitLab's subset of the Code Climate format, which names no
// tool.
func gitlabJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	type point struct{ Line, Column int }
	var v struct {
		Description, Severity string
		Check                 string `json:"check_name"`
		Engine                string `json:"engine_name"`
		Location              struct {
			Path      string
			Lines     struct{ Begin, End json.RawMessage }
			Positions struct{ Begin, End point }
		}
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	d := ci.Diagnostic{Tool: lintToolName(v.Engine), Rule: v.Check, Severity: lintSeverity(v.Severity), Pos: ci.Position{File: v.Location.Path}}
	if d.Tool == "" {
		d.Tool = "code quality"
	}
	d.Message = strings.TrimPrefix(v.Description, v.Check+": ")
	d.Pos.Line, d.Pos.Col = v.Location.Positions.Begin.Line, v.Location.Positions.Begin.Column
	d.Pos.EndLine, d.Pos.EndCol = v.Location.Positions.End.Line, v.Location.Positions.End.Column
	if d.Pos.Line == 0 { // a number, or an object with the line (Code Climate)
		var at point
		if json.Unmarshal(v.Location.Lines.Begin, &d.Pos.Line) != nil && json.Unmarshal(v.Location.Lines.Begin, &at) == nil {
			d.Pos.Line, d.Pos.Col = at.Line, at.Column
		}
	}
	add(d)
	return nil
}

func rdJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	type point struct{ Line, Column int }
	var v struct {
		Message, Severity string
		Location          struct {
			Path  string
			Range struct{ Start, End point }
		}
		Code        struct{ Value, URL string }
		Source      struct{ Name, URL string }
		Suggestions json.RawMessage
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	at := v.Location.Range
	add(ci.Diagnostic{
		Tool: lintToolName(v.Source.Name), Rule: v.Code.Value, URL: v.Code.URL, Severity: rdSeverity(v.Severity), Message: v.Message,
		Fixable: present(v.Suggestions),
		Pos:     ci.Position{File: v.Location.Path, Line: at.Start.Line, Col: at.Start.Column, EndLine: at.End.Line, EndCol: at.End.Column},
	})
	return nil
}

// rdSeverity leaves UNKNOWN_SEVERITY and what is not there to the document.
func rdSeverity(word string) ci.Severity {
	if word == "" || word == "UNKNOWN_SEVERITY" {
		return ""
	}
	return lintSeverity(word)
}

// rdJSONFinish gives findings the tool and severity of their document, where
// they have none of their own.
func rdJSONFinish(found []ci.Diagnostic, around map[string]json.RawMessage) {
	var source struct{ Name string }
	var severity string
	_ = json.Unmarshal(around["source"], &source) // absent or odd: no name
	_ = json.Unmarshal(around["severity"], &severity)
	for i := range found {
		if found[i].Tool == "" {
			found[i].Tool = lintClean(lintToolName(source.Name), 100)
			if tool, ok := lintTools[found[i].Tool]; ok {
				found[i].Kind = tool.kind
			}
		}
		if found[i].Severity == "" {
			found[i].Severity = lintSeverity(severity)
		}
	}
}

func cargoJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	type span struct {
		File      string `json:"file_name"`
		Line      int    `json:"line_start"`
		Col       int    `json:"column_start"`
		EndLine   int    `json:"line_end"`
		EndCol    int    `json:"column_end"`
		IsPrimary bool   `json:"is_primary"`
	}
	var v struct {
		Reason  string
		Message struct {
			Message, Level string
			Code           *struct{ Code string }
			Spans          []span
		}
	}
	if err := json.Unmarshal(e, &v); err != nil || v.Reason != "compiler-message" {
		return err
	}
	d := ci.Diagnostic{Tool: "cargo", Severity: lintSeverity(v.Message.Level), Message: v.Message.Message}
	if v.Message.Code != nil {
		d.Rule = v.Message.Code.Code
	}
	if strings.HasPrefix(d.Rule, "clippy::") {
		d.Tool = "clippy"
	}
	at := slices.IndexFunc(v.Message.Spans, func(s span) bool { return s.IsPrimary })
	if at < 0 {
		return nil // "aborting due to 2 previous errors" and other sums
	}
	s := v.Message.Spans[at]
	d.Pos = ci.Position{File: s.File, Line: s.Line, Col: s.Col, EndLine: s.EndLine, EndCol: s.EndCol}
	add(d)
	return nil
}

func gccJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	type point struct {
		File         string
		Line, Column int
	}
	var v struct {
		Kind, Message, Option string
		URL                   string `json:"option_url"`
		Locations             []struct{ Caret, Finish point }
		Fixits                json.RawMessage
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	d := ci.Diagnostic{Tool: "gcc", Rule: v.Option, URL: v.URL, Severity: lintSeverity(v.Kind), Message: v.Message, Fixable: present(v.Fixits)}
	if len(v.Locations) > 0 {
		at := v.Locations[0]
		d.Pos = ci.Position{File: at.Caret.File, Line: at.Caret.Line, Col: at.Caret.Column, EndLine: at.Finish.Line, EndCol: at.Finish.Column}
	}
	add(d)
	return nil
}

func rubocopJSON(e json.RawMessage, add func(ci.Diagnostic)) error {
	var v struct {
		Path     string
		Offenses []struct {
			Severity, Message string
			Cop               string `json:"cop_name"`
			Correctable       bool
			Location          struct {
				Line, Column int
				LastLine     int `json:"last_line"`
				LastColumn   int `json:"last_column"`
			}
		}
	}
	if err := json.Unmarshal(e, &v); err != nil {
		return err
	}
	for _, o := range v.Offenses {
		add(ci.Diagnostic{
			Tool: "rubocop", Rule: o.Cop, Severity: lintSeverity(o.Severity), Message: strings.TrimPrefix(o.Message, o.Cop+": "), Fixable: o.Correctable,
			Pos: ci.Position{File: v.Path, Line: o.Location.Line, Col: o.Location.Column, EndLine: o.Location.LastLine, EndCol: o.Location.LastColumn},
		})
	}
	return nil
}
