package vuln

import (
	"io"
	"strings"

	"keepgreen/internal/ci"
)

var grypeFormat = Format{
	Name: "grype",
	Doc:  "Grype JSON, with EPSS and known exploitation",
	Score: func(head []byte) int {
		return max(holds(head, 96, "matches", "matchDetails"), holds(head, 95, "matches", "descriptor"), holds(head, 94, "matches", "source", "distro"))
	},
	Read: grype,
}

type grypeVuln struct {
	ID, Severity, Description string
	EPSS                      []struct{ EPSS float64 }
	KnownExploited            []struct{ CVE string }
	Fix                       struct{ Versions []string }
}

type grypeMatch struct {
	Vulnerability grypeVuln
	Related       []grypeVuln `json:"relatedVulnerabilities"`
	Artifact      struct {
		Name, Version, Type, PURL string
		Locations                 []struct{ Path string }
	}
}

func grype(r io.Reader) (Report, error) {
	rep := Report{Scanner: "grype", NoData: "there is no list of matches"}
	s := newStream(r)
	err := s.object(func(key string) error {
		switch key {
		case "matches":
			rep.NoData = ""
			return s.each(func() error {
				var m grypeMatch
				if err := s.Decode(&m); err != nil {
					return err
				}
				rep.Vulns = append(rep.Vulns, m.vulnerability())
				return nil
			})
		case "descriptor":
			var d struct {
				Version string
				DB      struct {
					Status struct {
						Built string
						Valid *bool
						Error string
					}
				}
			}
			if err := s.Decode(&d); err != nil {
				return err
			}
			rep.Version = strings.TrimPrefix(d.Version, "[not provided]") // of a build from source
			if d.DB.Status.Built != "" {
				rep.Database = d.DB.Status.Built
			}
			if d.DB.Status.Valid != nil && !*d.DB.Status.Valid {
				rep.NoData = "Grype's database was not valid: " + d.DB.Status.Error
			}
			return nil
		}
		return s.skip()
	})
	return s.finish(rep, err)
}

func (m *grypeMatch) vulnerability() ci.Vulnerability {
	v := ci.Vulnerability{
		ID: m.Vulnerability.ID, Package: m.Artifact.Name, PURL: normalPURL(m.Artifact.PURL), Version: m.Artifact.Version, Fixed: m.Vulnerability.Fix.Versions,
		Severity: severity(m.Vulnerability.Severity), Scanners: []string{"grype"}, Title: m.Vulnerability.Description,
	}
	if v.PURL == "" {
		v.PURL = packageURL(m.Artifact.Type, m.Artifact.Name, m.Artifact.Version)
	}
	if len(m.Artifact.Locations) > 0 {
		v.Target = m.Artifact.Locations[0].Path
	}
	for _, x := range append([]grypeVuln{m.Vulnerability}, m.Related...) {
		if x.ID != v.ID {
			v.Aliases = append(v.Aliases, x.ID)
		}
		v.Exploited = v.Exploited || len(x.KnownExploited) > 0
		for _, e := range x.EPSS {
			v.EPSS = max(v.EPSS, e.EPSS)
		}
	}
	return v
}
