package lint

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"path"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

// scoreSARIF wants the two keys that every log has; the schema's address is
// optional and wears many versions.
func scoreSARIF(head []byte) int {
	if scoreJSON([]string{"runs"}, head) == 0 {
		return 0
	}
	if bytes.Contains(head, []byte("sarif")) || bytes.Contains(head, []byte(`"2.1.0"`)) || bytes.Contains(head, []byte(`"ruleId"`)) || bytes.Contains(head, []byte(`"driver"`)) {
		return 90
	}
	return 0
}

// ReadSARIF reads SARIF 2.1.0 (OASIS, 27 March 2020). Results are decoded one at a
// time; what they refer to (rules, base URIs, artifacts) may stand before or
// after them, so a run is completed at its end. Results that the tool itself
// does not hold against the code (passes, suppressed, absent) are left out.
func ReadSARIF(r io.Reader) (ci.Report, error) {
	var rep ci.Report
	s := newJSONStream(r)
	err := s.objectOrNull(func(key string) error {
		if key != "runs" {
			return s.skip()
		}
		return s.eachObject(func() error {
			run := sarifRun{bases: map[string]sarifLocation{}}
			err := s.object(func(key string) error { return run.member(s, key) })
			run.complete(&rep)
			return err
		})
	})
	return rep, s.where(err)
}

// eachObject calls f at each object of a list, its brace already taken.
func (s *jsonStream) eachObject(f func() error) error {
	token, err := s.Token()
	if err != nil || token != json.Delim('[') {
		return err
	}
	for s.More() {
		s.in.left = maxElement
		token, err := s.Token()
		switch {
		case err != nil:
			return err
		case token == json.Delim('{'):
			err = f()
		case token == json.Delim('['):
			err = s.list(func(json.RawMessage) error { return nil })
		}
		if err != nil {
			return err
		}
	}
	_, err = s.Token()
	return err
}

type sarifLocation struct {
	URI       string
	URIBaseID string
	Index     *int
}

type sarifText struct {
	Text, Markdown, ID string
	Arguments          []string
}

// sarifRule is what is kept of a rule; its help texts can be long.
type sarifRule struct {
	ID            string
	HelpURI       string
	Configuration struct{ Level string } `json:"defaultConfiguration"`
	Strings       map[string]sarifText   `json:"messageStrings"`
	Short         sarifText              `json:"shortDescription"`
	Properties    struct {
		Severity json.RawMessage `json:"security-severity"`
	}
}

type sarifResult struct {
	RuleID    string
	RuleIndex *int
	Rule      *struct {
		ID            string
		Index         *int
		ToolComponent struct{ Index *int }
	}
	Kind, Level   string
	BaselineState string
	Message       sarifText
	Locations     []struct {
		Physical struct {
			Artifact sarifLocation `json:"artifactLocation"`
			Region   struct{ StartLine, StartColumn, EndLine, EndColumn int }
		} `json:"physicalLocation"`
	}
	Suppressions []struct{ Status string }
	Fixes        json.RawMessage
	Properties   struct {
		Severity json.RawMessage `json:"security-severity"`
	}
}

// sarifPending is a result that waits for what its run says later.
type sarifPending struct {
	ci.Diagnostic
	ruleIndex, component int // -1: not given
	message              sarifText
	at                   sarifLocation
	severity             float64
}

type sarifRun struct {
	tool      string
	rules     []sarifRule   // the driver's
	plugins   [][]sarifRule // the extensions'
	bases     map[string]sarifLocation
	artifacts []sarifLocation
	results   []sarifPending
	warnings  []ci.Warning
}

// member reads one key of a run.
func (run *sarifRun) member(s *jsonStream, key string) error {
	s.in.left = maxElement
	switch key {
	case "tool":
		return s.objectOrNull(func(key string) error {
			switch key {
			case "driver":
				return run.driver(s)
			case "extensions":
				return s.listOrNull(func(e json.RawMessage) error {
					var c struct{ Rules []sarifRule }
					_ = json.Unmarshal(e, &c) // an extension that is odd has no rules
					run.plugins = append(run.plugins, c.Rules)
					return nil
				})
			}
			return s.skip()
		})
	case "results":
		return s.listOrNull(run.result)
	case "originalUriBaseIds":
		return lenient(s, &run.bases)
	case "artifacts":
		return s.listOrNull(func(e json.RawMessage) error {
			var a struct{ Location sarifLocation }
			_ = json.Unmarshal(e, &a) // keeps its place in the list
			run.artifacts = append(run.artifacts, a.Location)
			return nil
		})
	case "invocations":
		return s.listOrNull(run.invocation)
	}
	return s.skip()
}

func (run *sarifRun) driver(s *jsonStream) error {
	return s.objectOrNull(func(key string) error {
		switch key {
		case "name":
			return lenient(s, &run.tool)
		case "rules":
			return s.listOrNull(func(e json.RawMessage) error {
				var rule sarifRule
				_ = json.Unmarshal(e, &rule) // keeps its place in the list
				run.rules = append(run.rules, rule)
				return nil
			})
		}
		return s.skip()
	})
}

// lenient decodes a value if it is of the type that the specification gives it.
func lenient(s *jsonStream, into any) error {
	var raw json.RawMessage
	if err := s.Decode(&raw); err != nil {
		return err
	}
	_ = json.Unmarshal(raw, into)
	return nil
}

// invocation turns what the tool says went wrong with itself into warnings.
func (run *sarifRun) invocation(e json.RawMessage) error {
	var v struct {
		ExecutionSuccessful *bool
		Notifications       []struct {
			Level   string
			Message sarifText
		} `json:"toolExecutionNotifications"`
	}
	if json.Unmarshal(e, &v) != nil {
		return nil
	}
	for _, n := range v.Notifications {
		if n.Level == "error" && len(run.warnings) < 100 {
			run.warnings = append(run.warnings, ci.Warning{Text: lintClean(n.Message.Text, 500)})
		}
	}
	if v.ExecutionSuccessful != nil && !*v.ExecutionSuccessful {
		run.warnings = append(run.warnings, ci.Warning{Text: "the tool says that it did not run to its end"})
	}
	return nil
}

func (run *sarifRun) result(e json.RawMessage) error {
	var v sarifResult
	if err := json.Unmarshal(e, &v); err != nil {
		run.warnings = append(run.warnings, ci.Warning{Text: "a result is not as SARIF says: " + err.Error()})
		return nil
	}
	if v.excused() {
		return nil
	}
	p := sarifPending{ruleIndex: -1, component: -1, message: v.Message, severity: securitySeverity(v.Properties.Severity)}
	p.Rule, p.Fixable = v.RuleID, present(v.Fixes)
	if v.Level != "" {
		p.Severity = lintSeverity(v.Level)
	}
	if v.RuleIndex != nil {
		p.ruleIndex = *v.RuleIndex
	}
	if v.Rule != nil {
		p.setRule(v.Rule.ID, v.Rule.Index, v.Rule.ToolComponent.Index)
	}
	if len(v.Locations) > 0 {
		at := v.Locations[0].Physical
		p.at = at.Artifact
		p.Pos = ci.Position{Line: at.Region.StartLine, Col: at.Region.StartColumn, EndLine: at.Region.EndLine, EndCol: at.Region.EndColumn}
	}
	run.results = append(run.results, p)
	return nil
}

func (p *sarifPending) setRule(id string, index, component *int) {
	if p.Rule == "" {
		p.Rule = id
	}
	if index != nil {
		p.ruleIndex = *index
	}
	if component != nil {
		p.component = *component
	}
}

// excused reports whether the tool does not hold the result against the code:
// §3.27.9 kind, §3.27.23 suppressions, §3.27.24 baselineState.
func (v sarifResult) excused() bool {
	switch v.Kind {
	case "", "fail", "review", "open":
	default:
		return true
	}
	if v.BaselineState == "absent" || len(v.Suppressions) == 0 {
		return v.BaselineState == "absent"
	}
	for _, s := range v.Suppressions {
		if s.Status != "" && s.Status != "accepted" {
			return false
		}
	}
	return true
}

// securitySeverity is a CVSS-like score, written as a string or a number; -1: none.
func securitySeverity(raw json.RawMessage) float64 {
	score, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || score < 0 || score > 10 {
		return -1
	}
	return score
}

// complete turns the results of a run into findings.
func (run *sarifRun) complete(rep *ci.Report) {
	tool := lintToolName(run.tool)
	byID := make(map[string]*sarifRule, len(run.rules))
	for _, rules := range append([][]sarifRule{run.rules}, run.plugins...) {
		for i := range rules {
			if byID[rules[i].ID] == nil {
				byID[rules[i].ID] = &rules[i]
			}
		}
	}
	for _, p := range run.results {
		d := p.Diagnostic
		rule := run.rule(p, byID)
		d.Tool, d.URL = tool, rule.HelpURI
		if d.Rule == "" {
			d.Rule = rule.ID
		}
		d.Severity = sarifLevel(p, rule)
		d.Message = p.message.text(rule)
		d.Pos.File = run.path(p.at, 0)
		if d, ok := finishDiagnostic(d); ok {
			rep.Diagnostics = append(rep.Diagnostics, d)
		}
	}
	rep.Warnings = append(rep.Warnings, run.warnings...)
}

// rule finds the rule of a result by index or by ID, whose last parts may be
// finer than the rule's own ("CA1000/1", §3.27.5).
func (run *sarifRun) rule(p sarifPending, byID map[string]*sarifRule) *sarifRule {
	rules := run.rules
	if p.component >= 0 && p.component < len(run.plugins) {
		rules = run.plugins[p.component]
	}
	if p.ruleIndex >= 0 && p.ruleIndex < len(rules) {
		return &rules[p.ruleIndex]
	}
	for id := p.Rule; id != ""; id, _ = lintCutLast(id, "/") {
		if rule := byID[id]; rule != nil {
			return rule
		}
		if !strings.Contains(id, "/") {
			break
		}
	}
	return &sarifRule{}
}

// sarifLevel is the worse of the level and the security severity: scanners
// leave the level at its default and put the weight into the score.
func sarifLevel(p sarifPending, rule *sarifRule) ci.Severity {
	level := p.Severity
	if level == "" {
		level = ci.SeverityWarning // §3.27.10
		if rule.Configuration.Level != "" {
			level = lintSeverity(rule.Configuration.Level)
		}
	}
	score := max(p.severity, securitySeverity(rule.Properties.Severity))
	switch {
	case score >= 7: // GitHub's "high" and "critical"
		return ci.SeverityError
	case score >= 4 && level == ci.SeverityInfo:
		return ci.SeverityWarning
	}
	return level
}

// text is the message with its arguments in place (§3.11).
func (m sarifText) text(rule *sarifRule) string {
	s := m.Text
	if s == "" {
		s = rule.Strings[m.ID].Text
	}
	for i, argument := range m.Arguments[:min(len(m.Arguments), 20)] {
		if len(s) > maxLintMessage {
			break
		}
		s = strings.ReplaceAll(s, "{"+strconv.Itoa(i)+"}", argument[:min(len(argument), 1000)])
	}
	if s == "" {
		s = m.Markdown
	}
	if s == "" {
		s = rule.Short.Text
	}
	return s
}

// path resolves a location against its bases (§3.14.14). A base that is an
// absolute directory is the root of the sources, unless it lies in a runner's
// workspace, whose part below the checkout then belongs to the path.
func (run *sarifRun) path(at sarifLocation, depth int) string {
	if at.URI == "" && at.Index != nil && *at.Index >= 0 && *at.Index < len(run.artifacts) && depth == 0 {
		return run.path(run.artifacts[*at.Index], 1)
	}
	file := uriPath(at.URI)
	if strings.HasPrefix(file, "/") || at.URIBaseID == "" || depth > 8 {
		return file
	}
	base, ok := run.bases[at.URIBaseID]
	if !ok {
		return file
	}
	dir := run.path(base, depth+1)
	whole := path.Join(dir, file)
	if strings.HasPrefix(dir, "/") && lintPath(whole) == whole {
		return file
	}
	return whole
}

// uriPath is the path of a URI, unescaped. "file:///C:/x" keeps its drive.
func uriPath(uri string) string {
	if len(uri) > 4000 {
		return ""
	}
	rest, isFile := strings.CutPrefix(uri, "file://")
	if isFile {
		if at := strings.IndexByte(rest, '/'); at > 0 {
			rest = rest[at:] // the host
		}
		if len(rest) > 2 && rest[2] == ':' {
			rest = rest[1:]
		}
	}
	if plain, err := url.PathUnescape(rest); err == nil {
		rest = plain
	}
	return rest
}
