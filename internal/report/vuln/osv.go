package vuln

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"

	"keepgreen/internal/ci"
)

var osvFormat = Format{
	Name:  "osv-scanner",
	Doc:   "OSV-Scanner 2 JSON, with its groups of aliases",
	Score: scoreOSV,
	Read:  osv,
}

func scoreOSV(head []byte) int {
	if holds(head, 1, "results") == 0 || bytes.Contains(head, []byte(`"check_id"`)) { // Semgrep's is another list of results
		return 0
	}
	dense := bytes.Join(bytes.Fields(bytes.TrimPrefix(head, bom)), nil)
	if bytes.HasPrefix(dense, []byte(`{"results":[]`)) {
		return 60
	}
	return max(holds(head, 93, "results", "experimental_config"), holds(head, 95, "results", "packages", "ecosystem"))
}

type osvPackage struct {
	Package struct{ Name, Version, Ecosystem string }
	Vulns   []osvVuln `json:"vulnerabilities"`
	Groups  []struct {
		IDs, Aliases []string
		Max          string `json:"max_severity"`
	}
}

type osvVuln struct {
	ID, Summary string
	Aliases     []string
	Published   instant
	Withdrawn   instant
	Specific    json.RawMessage `json:"database_specific"`
	Affected    []struct {
		Package struct{ Name, Ecosystem string }
		Ranges  []struct{ Events []struct{ Fixed string } }
	}
}

func osv(r io.Reader) (Report, error) {
	rep := Report{Scanner: "osv-scanner"}
	packages := 0
	s := newStream(r)
	err := s.object(func(key string) error {
		if key != "results" {
			return s.skip()
		}
		return s.each(func() error {
			target, from := "", len(rep.Vulns)
			err := s.object(func(key string) error {
				switch key {
				case "source":
					var source struct{ Path string }
					err := s.Decode(&source)
					target = source.Path
					return err
				case "packages":
					return s.each(func() error {
						packages++
						var p osvPackage
						if err := s.Decode(&p); err != nil {
							return err
						}
						rep.Vulns = append(rep.Vulns, p.vulnerabilities()...)
						return nil
					})
				}
				return s.skip()
			})
			for i := range rep.Vulns[from:] {
				rep.Vulns[from+i].Target = target
			}
			return err
		})
	})
	if packages == 0 {
		// On an error OSV-Scanner writes the same empty list as for a clean scan.
		rep.NoData = "OSV-Scanner lists no package, which is what it writes after an error too; with --all-packages a clean scan lists what it looked at"
	}
	return s.finish(rep, err)
}

func (p *osvPackage) vulnerabilities() []ci.Vulnerability {
	var out []ci.Vulnerability
	for _, o := range p.Vulns {
		if !o.Withdrawn.IsZero() {
			continue
		}
		v := ci.Vulnerability{
			ID: o.ID, Aliases: slices.Clone(o.Aliases), Package: p.Package.Name, Version: p.Package.Version,
			PURL: packageURL(p.Package.Ecosystem, p.Package.Name, p.Package.Version), Scanners: []string{"osv-scanner"},
			Title: o.Summary, Published: o.Published.Time, Severity: o.severity(),
		}
		for _, g := range p.Groups {
			if !slices.Contains(g.IDs, o.ID) {
				continue
			}
			v.Aliases = append(append(v.Aliases, g.IDs...), g.Aliases...)
			if score, err := strconv.ParseFloat(g.Max, 64); err == nil && v.Severity == ci.VulnUnknown {
				v.Severity = band(score)
			}
		}
		v.Fixed = o.fixed(p.Package.Name)
		out = append(out, v)
	}
	return out
}

// severity is the advisory's own word, which GitHub's have.
func (o *osvVuln) severity() ci.VulnSeverity {
	var specific struct{ Severity string }
	_ = json.Unmarshal(o.Specific, &specific) // each database has its own shape
	return severity(specific.Severity)
}

func (o *osvVuln) fixed(name string) []string {
	var out []string
	for _, a := range o.Affected {
		if !strings.EqualFold(a.Package.Name, name) {
			continue
		}
		for _, r := range a.Ranges {
			for _, e := range r.Events {
				if e.Fixed != "" {
					out = append(out, e.Fixed)
				}
			}
		}
	}
	return out
}
