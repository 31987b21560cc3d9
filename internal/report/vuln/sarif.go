package vuln

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"keepgreen/internal/ci"
)

var sarifFormat = Format{
	Name:  "scanner-sarif",
	Doc:   "SARIF of Grype, OSV-Scanner or Trivy, where there is no JSON of theirs: it knows fewer aliases",
	Score: scoreSARIF,
	Read:  sarif,
}

// sarifScanners are the names of drivers whose results are vulnerabilities.
var sarifScanners = map[string]string{"grype": "grype", "osv-scanner": "osv-scanner", "trivy": "trivy"}

func scoreSARIF(head []byte) int {
	if holds(head, 1, "runs", "driver") == 0 {
		return 0
	}
	lower := bytes.ToLower(head)
	for name := range sarifScanners {
		for _, space := range []string{"", " "} {
			if bytes.Contains(lower, []byte(`"name":`+space+`"`+name+`"`)) {
				return 95
			}
		}
	}
	return 0
}

type sarifRule struct {
	ID         string
	Deprecated []string              `json:"deprecatedIds"`
	Short      struct{ Text string } `json:"shortDescription"`
	Help       struct{ Text string }
	Properties struct {
		PURLs    []string
		Tags     []string
		Severity json.RawMessage `json:"security-severity"`
	}
}

type sarifResult struct {
	RuleID       string
	RuleIndex    *int
	Message      struct{ Text string }
	Suppressions []struct{ Status string }
	Locations    []struct {
		Physical struct {
			Artifact struct{ URI string } `json:"artifactLocation"`
			Region   struct{ StartLine int }
		} `json:"physicalLocation"`
	}
}

// sarifRun is a run of which the results may stand before the rules.
type sarifRun struct {
	scanner, version string
	rules            []sarifRule
	byID             map[string]int
	results          []sarifResult
}

func sarif(r io.Reader) (Report, error) {
	rep := Report{NoData: "there is no run of a scanner"}
	s := newStream(r)
	err := s.object(func(key string) error {
		if key != "runs" {
			return s.skip()
		}
		return s.each(func() error {
			run := sarifRun{byID: map[string]int{}}
			if err := s.object(func(key string) error { return run.member(s, key) }); err != nil {
				return err
			}
			run.report(&rep)
			return nil
		})
	})
	return s.finish(rep, err)
}

func (run *sarifRun) member(s *stream, key string) error {
	switch key {
	case "tool":
		return s.object(func(key string) error {
			if key != "driver" {
				return s.skip()
			}
			return s.object(func(key string) error { return run.driver(s, key) })
		})
	case "results":
		return s.each(func() error {
			var r sarifResult
			if err := s.Decode(&r); err != nil {
				return err
			}
			run.results = append(run.results, r)
			return nil
		})
	}
	return s.skip()
}

func (run *sarifRun) driver(s *stream, key string) error {
	switch key {
	case "name":
		var name string
		err := s.Decode(&name)
		run.scanner = sarifScanners[strings.ToLower(name)]
		return err
	case "version":
		return s.Decode(&run.version)
	case "rules":
		return s.each(func() error {
			var rule sarifRule
			if err := s.Decode(&rule); err != nil {
				return err
			}
			run.byID[rule.ID] = len(run.rules)
			run.rules = append(run.rules, rule)
			return nil
		})
	}
	return s.skip()
}

func (run *sarifRun) report(rep *Report) {
	if run.scanner == "" {
		return
	}
	rep.Scanner, rep.Version, rep.NoData = run.scanner, run.version, ""
	if run.scanner == "osv-scanner" && len(run.results) == 0 {
		rep.NoData = "OSV-Scanner's SARIF has no result, which is what it writes after an error too"
	}
	for _, r := range run.results {
		if slices.ContainsFunc(r.Suppressions, func(s struct{ Status string }) bool { return s.Status == "" || s.Status == "accepted" }) {
			continue
		}
		run.result(rep, r)
	}
}

func (run *sarifRun) result(rep *Report, r sarifResult) {
	at, ok := run.byID[r.RuleID]
	if !ok && r.RuleIndex != nil && *r.RuleIndex >= 0 && *r.RuleIndex < len(run.rules) {
		at, ok = *r.RuleIndex, true
	}
	var rule sarifRule
	if ok {
		rule = run.rules[at]
	}
	id := r.RuleID
	if id == "" {
		id = rule.ID
	}
	target, line := "", 0
	if len(r.Locations) > 0 {
		target, line = filePath(r.Locations[0].Physical.Artifact.URI), r.Locations[0].Physical.Region.StartLine
	}
	if run.scanner == "trivy" && len(rule.Properties.Tags) > 0 && !slices.Contains(rule.Properties.Tags, "vulnerability") {
		rep.Others = append(rep.Others, ci.Diagnostic{
			Tool: "trivy", Kind: ci.KindLint, Rule: misconfigID(id), Severity: ci.SeverityWarning, Message: firstLine(r.Message.Text), Pos: ci.Position{File: target, Line: line},
		})
		return
	}
	v := ci.Vulnerability{ID: id, Scanners: []string{run.scanner}, Target: target, Title: firstLine(rule.Short.Text), Severity: rule.severity()}
	switch run.scanner {
	case "grype":
		rule.grype(&v)
	case "osv-scanner":
		v.Aliases = rule.Deprecated
		osvMessage(&v, r.Message.Text)
	case "trivy":
		trivyMessage(&v, r.Message.Text)
	}
	rep.Vulns = append(rep.Vulns, v)
}

func (rule *sarifRule) severity() ci.VulnSeverity {
	score, err := strconv.ParseFloat(strings.Trim(string(rule.Properties.Severity), `"`), 64)
	if err != nil {
		return ci.VulnUnknown
	}
	return band(score)
}

// grype takes the rule's id apart, which is "<id>-<package>", and reads the
// lines of its help. The help's severity is Grype's own word; the rule's
// security-severity is a CVSS score that Grype's JSON does not go by.
func (rule *sarifRule) grype(v *ci.Vulnerability) {
	help := labelled(rule.Help.Text)
	v.Package, v.Version = help["Package"], help["Version"]
	v.ID = strings.TrimSuffix(v.ID, "-"+v.Package)
	if id := help["Vulnerability"]; id != "" {
		v.ID = id
	}
	if rated := severity(help["Severity"]); rated != ci.VulnUnknown {
		v.Severity = rated
	}
	v.Fixed = versions(help["Fix Version"])
	if len(rule.Properties.PURLs) > 0 {
		v.PURL = normalPURL(rule.Properties.PURLs[0])
	}
	if v.PURL == "" {
		v.PURL = packageURL(help["Type"], v.Package, v.Version)
	}
	if v.Package == "" {
		v.Package = purlName(v.PURL)
	}
}

// labelled reads lines of the kind "Name: value"; "Vulnerability ID" has no colon.
func labelled(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if id, ok := strings.CutPrefix(line, "Vulnerability "); ok && out["Vulnerability"] == "" && !strings.Contains(id, " ") {
			out["Vulnerability"] = id
			continue
		}
		if name, value, ok := strings.Cut(line, ": "); ok && out[name] == "" {
			out[name] = value
		}
	}
	return out
}

// osvMessage reads "Package 'jinja2@2.11.2' is vulnerable to 'CVE-…'". The
// ecosystem is not said; the file that was scanned tells it.
func osvMessage(v *ci.Vulnerability, text string) {
	_, rest, _ := strings.Cut(text, "Package '")
	spec, _, _ := strings.Cut(rest, "'")
	v.Package = spec
	if at := strings.LastIndexByte(spec, '@'); at > 0 {
		v.Package, v.Version = spec[:at], spec[at+1:]
	}
	v.PURL = packageURL(ecosystemOf(v.Target), v.Package, v.Version)
}

// trivyMessage reads "Package: x\nInstalled Version: 1\n…\nFixed Version: 2".
func trivyMessage(v *ci.Vulnerability, text string) {
	said := labelled(text)
	v.Package, v.Version, v.Fixed = said["Package"], said["Installed Version"], versions(said["Fixed Version"])
	if rated := severity(said["Severity"]); rated != ci.VulnUnknown {
		v.Severity = rated
	}
	v.PURL = packageURL(ecosystemOf(v.Target), v.Package, v.Version)
}

// lockfiles names the ecosystem of a file that packages are read from.
var lockfiles = []struct{ part, ecosystem string }{
	{"package-lock.json", "npm"},
	{"yarn.lock", "npm"},
	{"pnpm-lock.yaml", "npm"},
	{"bun.lock", "npm"},
	{"node_modules", "npm"},
	{"requirements", "PyPI"},
	{"poetry.lock", "PyPI"},
	{"Pipfile.lock", "PyPI"},
	{"uv.lock", "PyPI"},
	{"pdm.lock", "PyPI"},
	{"pylock.", "PyPI"},
	{"go.mod", "Go"},
	{"go.sum", "Go"},
	{"Cargo.lock", "crates.io"},
	{"Gemfile.lock", "RubyGems"},
	{"pom.xml", "Maven"},
	{"gradle.lockfile", "Maven"},
	{"composer.lock", "Packagist"},
	{"packages.lock.json", "NuGet"},
	{"mix.lock", "Hex"},
	{"pubspec.lock", "Pub"},
}

func ecosystemOf(target string) string {
	base := target[strings.LastIndexByte(target, '/')+1:]
	for _, l := range lockfiles {
		if strings.Contains(base, l.part) {
			return l.ecosystem
		}
	}
	return ""
}

func filePath(uri string) string {
	if u, err := url.Parse(uri); err == nil && u.Scheme == "file" {
		return u.Path
	}
	return strings.TrimFunc(uri, unicode.IsControl)
}
