package vuln

import (
	"fmt"
	"io"

	"keepgreen/internal/ci"
)

var trivyFormat = Format{
	Name: "trivy",
	Doc:  "Trivy JSON (fs, image, repo): vulnerabilities; secrets and misconfigurations apart",
	Score: func(head []byte) int {
		return max(holds(head, 97, "SchemaVersion", "ArtifactName"), holds(head, 96, "SchemaVersion", "Results"))
	},
	Read: trivy,
}

type trivyVuln struct {
	VulnerabilityID string
	VendorIDs       []string
	PkgName         string
	PkgIdentifier   struct{ PURL string }
	Installed       string `json:"InstalledVersion"`
	Fixed           string `json:"FixedVersion"`
	Severity        string
	Title           string
	Published       instant `json:"PublishedDate"`
}

type trivyMisconfig struct {
	ID, Title, Message, Severity, Status string
	PrimaryURL                           string
	Cause                                struct{ StartLine int } `json:"CauseMetadata"`
}

type trivySecret struct {
	RuleID, Severity, Title string
	StartLine               int
}

// trivyTarget is one element of Results: a lock file, the packages of an
// image, a configuration file.
type trivyTarget struct {
	target, class, kind string
	vulns               []trivyVuln
	misconfigs          []trivyMisconfig
	secrets             []trivySecret
}

// trivy reads Trivy's schema version 2.
func trivy(r io.Reader) (Report, error) {
	rep := Report{Scanner: "trivy"}
	s := newStream(r)
	packages := false // some target was looked at for vulnerabilities
	err := s.object(func(key string) error {
		switch key {
		case "Trivy":
			var tool struct{ Version string }
			err := s.Decode(&tool)
			rep.Version = tool.Version
			return err
		case "Results":
			return s.each(func() error {
				var t trivyTarget
				if err := s.object(func(key string) error { return t.member(s, key) }); err != nil {
					return err
				}
				packages = packages || t.class == "os-pkgs" || t.class == "lang-pkgs" || len(t.vulns) > 0
				t.report(&rep)
				return nil
			})
		}
		return s.skip()
	})
	if !packages {
		rep.NoData = "Trivy looked at no package: were lock files found, and is the vulnerability scanner on?"
	}
	return s.finish(rep, err)
}

func (t *trivyTarget) member(s *stream, key string) error {
	switch key {
	case "Target":
		return s.Decode(&t.target)
	case "Class":
		return s.Decode(&t.class)
	case "Type":
		return s.Decode(&t.kind)
	case "Vulnerabilities":
		return s.each(func() error {
			var v trivyVuln
			if err := s.Decode(&v); err != nil {
				return err
			}
			t.vulns = append(t.vulns, v)
			return nil
		})
	case "Misconfigurations":
		return s.each(func() error {
			var m trivyMisconfig
			if err := s.Decode(&m); err != nil {
				return err
			}
			t.misconfigs = append(t.misconfigs, m)
			return nil
		})
	case "Secrets":
		return s.each(func() error {
			var x trivySecret
			if err := s.Decode(&x); err != nil {
				return err
			}
			t.secrets = append(t.secrets, x)
			return nil
		})
	}
	return s.skip()
}

// trivyTypes maps the types of Trivy's targets to ecosystems, for reports from
// before package URLs.
var trivyTypes = map[string]string{
	"pip": "PyPI", "poetry": "PyPI", "pipenv": "PyPI", "uv": "PyPI", "python-pkg": "PyPI", "npm": "npm", "yarn": "npm", "pnpm": "npm", "node-pkg": "npm",
	"gomod": "Go", "gobinary": "Go", "cargo": "crates.io", "rustbinary": "crates.io", "bundler": "RubyGems", "gemspec": "RubyGems", "pom": "Maven",
	"jar": "Maven", "gradle": "Maven", "composer": "Packagist", "nuget": "NuGet", "dotnet-core": "NuGet", "debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine",
}

func (t *trivyTarget) report(rep *Report) {
	for _, v := range t.vulns {
		purl := normalPURL(v.PkgIdentifier.PURL)
		if purl == "" {
			purl = packageURL(trivyTypes[t.kind], v.PkgName, v.Installed)
		}
		rep.Vulns = append(rep.Vulns, ci.Vulnerability{
			ID: v.VulnerabilityID, Aliases: v.VendorIDs, Package: v.PkgName, PURL: purl, Version: v.Installed, Fixed: versions(v.Fixed),
			Severity: severity(v.Severity), Scanners: []string{"trivy"}, Target: t.target, Title: v.Title, Published: v.Published.Time,
		})
	}
	for _, m := range t.misconfigs {
		if m.Status != "" && m.Status != "FAIL" {
			continue // passed, or excepted
		}
		rep.Others = append(rep.Others, ci.Diagnostic{
			Tool: "trivy", Kind: ci.KindLint, Rule: misconfigID(m.ID), Severity: diagnosticSeverity(m.Severity), Message: fmt.Sprintf("%s: %s", m.Title, m.Message),
			Pos: ci.Position{File: t.target, Line: m.Cause.StartLine}, URL: m.PrimaryURL,
		})
	}
	for _, x := range t.secrets {
		// What matched is the secret: it is not repeated.
		rep.Others = append(rep.Others, ci.Diagnostic{
			Tool: "trivy", Kind: ci.KindLint, Rule: "secret/" + x.RuleID, Severity: diagnosticSeverity(x.Severity), Message: "a secret in the repository: " + x.Title,
			Pos: ci.Position{File: t.target, Line: x.StartLine},
		})
	}
}

func diagnosticSeverity(word string) ci.Severity {
	if severity(word) >= ci.VulnHigh {
		return ci.SeverityError
	}
	return ci.SeverityWarning
}
