package vuln

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"keepgreen/internal/ci"
)

var pipFormat = Format{
	Name: "pip-audit",
	Doc:  "pip-audit JSON",
	Score: func(head []byte) int {
		return max(holds(head, 94, "dependencies", "vulns"), holds(head, 93, "dependencies", "skip_reason"), holds(head, 60, "dependencies", "fixes"))
	},
	Read: pipAudit,
}

type pipDependency struct {
	Name, Version string
	Skipped       string `json:"skip_reason"`
	Vulns         []struct {
		ID, Description string
		Fixed           []string `json:"fix_versions"`
		Aliases         []string
	}
}

// pipAudit reads pip-audit's JSON. It states no severities.
func pipAudit(r io.Reader) (Report, error) {
	rep := Report{Scanner: "pip-audit"}
	s := newStream(r)
	looked := 0
	var skipped []string
	err := s.object(func(key string) error {
		if key != "dependencies" {
			return s.skip()
		}
		return s.each(func() error {
			var d pipDependency
			if err := s.Decode(&d); err != nil {
				return err
			}
			if d.Skipped != "" {
				skipped = append(skipped, d.Name)
				return nil
			}
			looked++
			for _, v := range d.Vulns {
				rep.Vulns = append(rep.Vulns, ci.Vulnerability{
					ID: v.ID, Aliases: v.Aliases, Package: d.Name, PURL: packageURL("PyPI", d.Name, d.Version), Version: d.Version, Fixed: v.Fixed,
					Scanners: []string{"pip-audit"}, Title: firstLine(v.Description),
				})
			}
			return nil
		})
	})
	if len(skipped) > 0 {
		rep.Warnings = append(rep.Warnings, fmt.Sprintf("pip-audit could not look at %s: not known to be clean", few(skipped)))
	}
	if looked == 0 {
		rep.NoData = "pip-audit looked at no package"
		if len(skipped) > 0 {
			rep.NoData = "pip-audit skipped every package"
		}
	}
	return s.finish(rep, err)
}

// few names some of many.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

var npmFormat = Format{
	Name: "npm-audit",
	Doc:  "npm audit JSON (version 2)",
	Score: func(head []byte) int {
		return max(holds(head, 97, "auditReportVersion"), holds(head, 70, "error", "summary", "detail"))
	},
	Read: npmAudit,
}

type npmPackage struct {
	Name         string
	Via          []json.RawMessage // an advisory, or the name of a dependency that has one
	Nodes        []string
	FixAvailable json.RawMessage
}

type npmAdvisory struct {
	Source   json.RawMessage // a number, of old a text
	Name     string
	Title    string
	URL      string
	Severity string
	CVSS     struct{ Score float64 }
}

// npmAudit reads npm's report. A package that is only vulnerable through a
// dependency names that in via: the advisory is counted once, where it belongs.
func npmAudit(r io.Reader) (Report, error) {
	rep := Report{Scanner: "npm", NoData: "there is no list of vulnerabilities"}
	var message string
	s := newStream(r)
	err := s.object(func(key string) error {
		switch key {
		case "message":
			return s.Decode(&message)
		case "error":
			var failed struct{ Code, Summary string }
			if err := s.Decode(&failed); err != nil {
				return err
			}
			why := strings.TrimSpace(failed.Code + " " + failed.Summary)
			rep.NoData = "npm audit failed: " + firstLine(cmp.Or(why, message, "it does not say why"))
			return nil
		case "auditReportVersion":
			var version int
			if err := s.Decode(&version); err != nil {
				return err
			}
			if version != 2 {
				rep.Warnings = append(rep.Warnings, fmt.Sprintf("npm audit's report has version %d; 2 is known", version))
			}
			return nil
		case "vulnerabilities":
			if strings.HasPrefix(rep.NoData, "there") {
				rep.NoData = ""
			}
			return s.object(func(name string) error {
				var p npmPackage
				if err := s.Decode(&p); err != nil {
					return err
				}
				rep.Vulns = append(rep.Vulns, p.vulnerabilities(name)...)
				return nil
			})
		}
		return s.skip()
	})
	return s.finish(rep, err)
}

func (p *npmPackage) vulnerabilities(name string) []ci.Vulnerability {
	var out []ci.Vulnerability
	for _, raw := range p.Via {
		var a npmAdvisory
		if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &a) != nil {
			continue
		}
		v := ci.Vulnerability{
			ID: path.Base(a.URL), Package: name, PURL: packageURL("npm", name, ""), Severity: severity(a.Severity), Scanners: []string{"npm"},
			Title: a.Title, Target: "package-lock.json",
		}
		if !strings.HasPrefix(v.ID, "GHSA-") {
			v.ID = "npm-" + strings.Trim(string(a.Source), `"`)
		}
		if v.Severity == ci.VulnUnknown {
			v.Severity = band(a.CVSS.Score)
		}
		var fix struct{ Name, Version string }
		if json.Unmarshal(p.FixAvailable, &fix) == nil && fix.Name == name {
			v.Fixed = versions(fix.Version)
		}
		out = append(out, v)
	}
	return out
}

// versions splits a list of versions as Trivy writes it.
func versions(list string) []string {
	var out []string
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// misconfigID drops the prefix that Trivy's rules had until 2025: AVD-DS-0001
// is DS-0001.
func misconfigID(id string) string { return strings.TrimPrefix(id, "AVD-") }
