package vuln

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

// vexDocument is OpenVEX 0.2.0 (https://github.com/openvex/spec), with the
// plain strings that 0.0.1 has in its place.
type vexDocument struct {
	Context    string `json:"@context"`
	Timestamp  time.Time
	Statements []vexStatement
}

type vexStatement struct {
	Vulnerability json.RawMessage
	Products      []json.RawMessage
	Status        string
	Justification string
	Impact        string `json:"impact_statement"`
	Notes         string `json:"status_notes"`
	Timestamp     *time.Time
}

const maxVEX = 64 << 20

// VEX reads an OpenVEX document into exceptions, oldest statement first: of
// several about one vulnerability and package the last one counts.
func VEX(r io.Reader) ([]ci.VulnException, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxVEX+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxVEX {
		return nil, fmt.Errorf("the document is larger than %d MiB", maxVEX>>20)
	}
	var doc vexDocument
	if err := json.Unmarshal(bytes.TrimPrefix(data, bom), &doc); err != nil {
		return nil, located(data, err)
	}
	if !strings.Contains(doc.Context, "openvex") {
		return nil, errors.New("it is no OpenVEX document: @context does not say so")
	}
	type dated struct {
		ci.VulnException
		at time.Time
	}
	var all []dated
	for i, s := range doc.Statements {
		e, err := s.exception()
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		e.Source = fmt.Sprintf("statement %d", i+1)
		at := doc.Timestamp
		if s.Timestamp != nil {
			at = *s.Timestamp
		}
		all = append(all, dated{e, at})
	}
	slices.SortStableFunc(all, func(a, b dated) int { return a.at.Compare(b.at) })
	var out []ci.VulnException
	for _, d := range all {
		out = append(out, d.VulnException)
	}
	return out, nil
}

func (s *vexStatement) exception() (ci.VulnException, error) {
	e := ci.VulnException{Status: s.Status, Reason: cmp.Or(s.Impact, s.Notes)}
	switch s.Status {
	case "not_affected":
		if s.Justification == "" && s.Impact == "" {
			return e, errors.New("not_affected needs a justification or an impact_statement")
		}
		e.Reason = strings.TrimPrefix(strings.ReplaceAll(s.Justification, "_", " ")+": "+s.Impact, ": ")
		e.Reason = strings.TrimSuffix(e.Reason, ": ")
	case "fixed", "affected", "under_investigation":
	default:
		return e, fmt.Errorf("status %q is none of not_affected, affected, fixed, under_investigation", s.Status)
	}
	var named struct {
		ID      string `json:"@id"`
		Name    string
		Aliases []string
	}
	if err := json.Unmarshal(s.Vulnerability, &named.Name); err != nil {
		if err := json.Unmarshal(s.Vulnerability, &named); err != nil {
			return e, fmt.Errorf("vulnerability: %w", err)
		}
	}
	if named.Name == "" {
		named.Name = named.ID[strings.LastIndexByte(named.ID, '/')+1:]
	}
	if named.Name == "" {
		return e, errors.New("it names no vulnerability")
	}
	for _, id := range append([]string{named.Name}, named.Aliases...) {
		e.IDs = append(e.IDs, spelled(id))
	}
	if len(s.Products) == 0 {
		return e, errors.New("it names no product")
	}
	var err error
	e.Packages, err = products(s.Products)
	return e, err
}

type vexComponent struct {
	ID          string `json:"@id"`
	Identifiers struct{ PURL string }
}

func (c vexComponent) purl() string { return cmp.Or(normalPURL(c.Identifiers.PURL), normalPURL(c.ID)) }

// products are the packages that a statement is about. A product that is no
// package of an ecosystem is what was scanned as a whole: the statement is about
// its subcomponents, or, where it names none, about every package in it.
func products(raws []json.RawMessage) ([]string, error) {
	var out []string
	whole := false
	for _, raw := range raws {
		var p struct {
			vexComponent
			Sub []vexComponent `json:"subcomponents"`
		}
		if err := json.Unmarshal(raw, &p.ID); err != nil {
			if err := json.Unmarshal(raw, &p); err != nil {
				return nil, fmt.Errorf("products: %w", err)
			}
		}
		for _, sub := range p.Sub {
			out = append(out, cmp.Or(sub.purl(), sub.ID))
		}
		switch purl := p.purl(); {
		case len(p.Sub) > 0:
		case isWhole(purl):
			whole = true
		default:
			out = append(out, purl)
		}
	}
	if whole {
		return nil, nil
	}
	return out, nil
}

// isWhole reports whether a product is an image, a repository or something
// without a package URL, and no package in it.
func isWhole(purl string) bool {
	if purl == "" {
		return true
	}
	return slices.ContainsFunc([]string{"pkg:oci/", "pkg:docker/", "pkg:generic/", "pkg:github/", "pkg:gitlab/", "pkg:bitbucket/"}, func(p string) bool { return strings.HasPrefix(purl, p) })
}

// located puts the line before a syntax error.
func located(data []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at := max(0, min(int(syntax.Offset), len(data))-1)
		return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:at], []byte{'\n'}), err)
	}
	return err
}
