package vuln_test

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/report/vuln"
)

func TestVEX(t *testing.T) {
	const doc = `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "a", "timestamp": "2026-01-02T00:00:00Z", "version": 1, "statements": [
 {"vulnerability": {"name": "CVE-2020-8203", "aliases": ["ghsa-P6MC-m468-83gw"]}, "products": [{"@id": "pkg:oci/app@sha256:1", "subcomponents": [{"@id": "pkg:npm/lodash@4.17.15"}]}], "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path", "impact_statement": "only debounce is used"},
 {"vulnerability": {"name": "CVE-2021-44906"}, "products": [{"@id": "pkg:npm/minimist"}], "status": "fixed", "timestamp": "2026-01-01T00:00:00Z"},
 {"vulnerability": "CVE-2023-32681", "products": ["https://example.com/app"], "status": "under_investigation"}]}`
	got, err := vuln.VEX(strings.NewReader(doc))
	assert.NilError(t, err)
	assert.Equal(t, len(got), 3)
	assert.DeepEqual(t, got[0].IDs, []string{"CVE-2021-44906"}) // the older statement comes first
	assert.DeepEqual(t, got[0].Packages, []string{"pkg:npm/minimist"})
	assert.DeepEqual(t, got[1].IDs, []string{"CVE-2020-8203", "GHSA-p6mc-m468-83gw"})
	assert.DeepEqual(t, got[1].Packages, []string{"pkg:npm/lodash@4.17.15"})
	assert.Equal(t, got[1].Reason, "vulnerable code not in execute path: only debounce is used")
	assert.Equal(t, len(got[2].Packages), 0, "a product that is no package is all of it")

	for name, c := range map[string]struct{ text, want string }{
		"no OpenVEX":                    {`{"bomFormat": "CycloneDX"}`, "it is no OpenVEX document: @context does not say so"},
		"half a document":               {"{\"@context\":\n", "line 1: unexpected end of JSON input"},
		"an unknown status":             {`{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-1", "status": "fine"}]}`, `statement 1: status "fine" is none of not_affected, affected, fixed, under_investigation`},
		"not affected without a reason": {`{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-1", "products": ["pkg:npm/a"], "status": "not_affected"}]}`, "statement 1: not_affected needs a justification or an impact_statement"},
		"a statement about nothing":     {`{"@context": "https://openvex.dev/ns", "statements": [{"products": ["pkg:npm/a"], "vulnerability": {}, "status": "fixed"}]}`, "statement 1: it names no vulnerability"},
		"a statement without a product": {`{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-1", "status": "fixed"}]}`, "statement 1: it names no product"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := vuln.VEX(strings.NewReader(c.text))
			assert.Error(t, err, c.want)
		})
	}
}

func TestIgnore(t *testing.T) {
	got, err := vuln.Ignore(strings.NewReader(`# what we live with
ignore:
  - id: ghsa-P6MC-m468-83gw
    package: lodash
    reason: only its debounce is used
    expires: 2027-01-31
  - {id: CVE-2021-44906, reason: "build time only", expires: "2027-02-01"}
`))
	assert.NilError(t, err)
	assert.Equal(t, len(got), 2)
	assert.DeepEqual(t, got[0].IDs, []string{"GHSA-p6mc-m468-83gw"})
	assert.DeepEqual(t, got[0].Packages, []string{"lodash"})
	assert.Equal(t, got[0].Source, "line 3")
	assert.Equal(t, got[0].Expires.Format("2006-01-02"), "2027-01-31")
	assert.Equal(t, got[1].Source, "line 7")

	for name, c := range map[string]struct{ text, want string }{
		"without a reason or an end": {"ignore:\n  - id: CVE-1\n", "line 2: the exception has no reason\nline 2: the exception has no expires"},
		"a key that is misspelled":   {"ignore:\n  - id: CVE-1\n    reason: x\n    expire: 2027-01-01\n    expires: 2027-01-01\n", "line 4: unknown key expire; there are id, package, reason, expires"},
		"a day that is none":         {"ignore:\n  - id: CVE-1\n    reason: x\n    expires: 2027-02-30\n", "line 4: expires: 2027-02-30 is not a day such as 2027-01-31"},
		"a reason that is empty":     {"ignore:\n  - id: CVE-1\n    reason: \"\"\n    expires: 2027-01-01\n", "line 3: reason is empty"},
		"another top-level key":      {"ignored: []\n", "line 1: unknown key ignored; there is ignore"},
		"a list at the top":          {"- id: CVE-1\n", "line 1: expected the key ignore with a list"},
		"no YAML":                    {"ignore: [\n", "line 1: sequence end token ']' not found"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := vuln.Ignore(strings.NewReader(c.text))
			assert.Error(t, err, c.want)
		})
	}
	for _, empty := range []string{"", "# nothing\n", "ignore:\n", "ignore: []\n"} {
		got, err := vuln.Ignore(strings.NewReader(empty))
		assert.NilError(t, err)
		assert.Equal(t, len(got), 0)
	}
}

// FuzzExceptions: any bytes are a list or an error; every exception names a
// vulnerability, and those of the ignore file have a reason and an end.
func FuzzExceptions(f *testing.F) {
	f.Add([]byte("ignore:\n  - id: CVE-1\n    reason: x\n    expires: 2027-01-01\n"))
	f.Add([]byte(`{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-1", "products": ["pkg:npm/a"], "status": "fixed"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := vuln.VEX(strings.NewReader(string(data))); err == nil {
			for _, e := range list {
				assert.Assert(t, len(e.IDs) > 0 && e.IDs[0] != "")
			}
		}
		if list, err := vuln.Ignore(strings.NewReader(string(data))); err == nil {
			for _, e := range list {
				assert.Assert(t, len(e.IDs) == 1 && e.Reason != "" && !e.Expires.IsZero(), "%+v", e)
			}
		}
	})
}
