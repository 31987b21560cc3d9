package vuln_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
	"keepgreen/internal/corpus"
	"keepgreen/internal/report/vuln"
)

func read(t testing.TB, text string) vuln.Report {
	t.Helper()
	rep, err := vuln.Read(strings.NewReader(text))
	assert.NilError(t, err)
	return rep
}

func file(t testing.TB, path string) vuln.Report {
	t.Helper()
	f, err := os.Open(path)
	assert.NilError(t, err)
	defer f.Close()
	rep, err := vuln.Read(f)
	assert.NilError(t, err)
	assert.Equal(t, rep.NoData, "")
	return rep
}

// brief is one line a finding.
func brief(list []ci.Vulnerability) []string {
	var out []string
	for _, v := range list {
		line := fmt.Sprintf("%s %s %s@%s", v.Severity, v.ID, v.Package, v.Version)
		if len(v.Fixed) > 0 {
			line += " fixed in " + strings.Join(v.Fixed, ",")
		}
		out = append(out, line+" by "+strings.Join(v.Scanners, "+"))
	}
	return out
}

// identities are what has to agree between scanners.
func identities(list []ci.Vulnerability) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.ID+" "+v.PackageKey())
	}
	slices.Sort(out)
	return out
}

// TestTwoScannersOfOneManifestAgree: Grype and OSV-Scanner use other names and
// other severities for the same four vulnerabilities.
func TestTwoScannersOfOneManifestAgree(t *testing.T) {
	dir := corpus.Dir(t, "vuln")
	reports := map[string]vuln.Report{}
	for _, name := range []string{"grype.json", "osv.json", "grype.sarif", "osv.sarif"} {
		reports[name] = file(t, filepath.Join(dir, name))
	}
	want := []string{
		"CVE-2020-28493 pkg:pypi/jinja2", "CVE-2020-8203 pkg:npm/lodash", "CVE-2021-44906 pkg:npm/minimist", "CVE-2023-32681 pkg:pypi/requests",
	}
	grype, osv := vuln.Reconcile(reports["grype.json"].Vulns), vuln.Reconcile(reports["osv.json"].Vulns)
	assert.DeepEqual(t, identities(grype), want)
	assert.DeepEqual(t, identities(osv), want)
	both := vuln.Reconcile(reports["grype.json"].Vulns, reports["osv.json"].Vulns)
	assert.DeepEqual(t, brief(both), []string{
		"critical CVE-2021-44906 minimist@1.2.0 fixed in 1.2.6 by grype+osv-scanner",
		"high CVE-2020-28493 jinja2@2.11.2 fixed in 2.11.3 by grype+osv-scanner",
		"high CVE-2020-8203 lodash@4.17.15 fixed in 4.17.19 by grype+osv-scanner",
		"high CVE-2023-32681 requests@2.25.0 fixed in 2.31.0 by grype+osv-scanner",
	})
	assert.Assert(t, both[0].Exploited && both[0].EPSS == 0.012)
	assert.DeepEqual(t, both[1].Ratings, []ci.VulnRating{{Scanner: "grype", Severity: ci.VulnMedium}, {Scanner: "osv-scanner", Severity: ci.VulnHigh}})
	assert.DeepEqual(t, both[3].Aliases, []string{"GHSA-j8r2-6x86-q33q", "PYSEC-2023-74"})

	// SARIF knows less, and says nothing else.
	all := vuln.Reconcile(reports["osv.sarif"].Vulns, reports["grype.sarif"].Vulns, reports["grype.json"].Vulns, reports["osv.json"].Vulns)
	assert.DeepEqual(t, identities(all), want)
	var all4 []vuln.Report
	for _, r := range reports {
		all4 = append(all4, r)
	}
	var native [][]ci.Vulnerability
	for _, r := range vuln.Native(all4) {
		native = append(native, r.Vulns)
	}
	assert.DeepEqual(t, brief(vuln.Reconcile(native...)), brief(both))
	assert.DeepEqual(t, brief(vuln.Reconcile(reports["grype.sarif"].Vulns))[0], "critical GHSA-xvch-5gv4-984h minimist@1.2.0 fixed in 1.2.6 by grype")
	corpus.State(t, "vuln", len(reports), len(reports), nil)
}

const trivyReport = `{"SchemaVersion": 2, "Trivy": {"Version": "0.74.0"}, "ArtifactName": ".", "ArtifactType": "filesystem", "Results": [
 {"Target": "poetry.lock", "Class": "lang-pkgs", "Type": "poetry", "Vulnerabilities": [
  {"VulnerabilityID": "CVE-2020-28493", "VendorIDs": ["GHSA-g3rq-g295-4j3m"], "PkgName": "Jinja2", "PkgIdentifier": {"PURL": "pkg:pypi/jinja2@2.11.2"}, "InstalledVersion": "2.11.2", "FixedVersion": "2.11.3, 3.0.0", "Severity": "MEDIUM", "Title": "ReDoS", "PublishedDate": "2021-02-01T20:15:00Z"}]},
 {"Target": "Dockerfile", "Class": "config", "Type": "dockerfile", "Misconfigurations": [
  {"ID": "AVD-DS-0002", "Title": "root", "Message": "runs as root", "Severity": "HIGH", "Status": "FAIL", "CauseMetadata": {"StartLine": 3}},
  {"ID": "DS-0001", "Title": "tag", "Severity": "HIGH", "Status": "PASS"}]},
 {"Target": ".env", "Class": "secret", "Secrets": [{"RuleID": "aws-access-key-id", "Severity": "CRITICAL", "Title": "AWS", "StartLine": 1, "Match": "KEY=AKIA****************"}]}]}`

func TestTrivyKeepsSecretsAndMisconfigurationsApart(t *testing.T) {
	rep := read(t, trivyReport)
	assert.Equal(t, rep.NoData, "")
	assert.Equal(t, rep.Version, "0.74.0")
	assert.DeepEqual(t, brief(vuln.Reconcile(rep.Vulns)), []string{"medium CVE-2020-28493 Jinja2@2.11.2 fixed in 2.11.3,3.0.0 by trivy"})
	var rules []string
	for _, d := range rep.Others {
		rules = append(rules, d.Rule)
		assert.Assert(t, !strings.Contains(d.Message, "AKIA"), "a secret is not repeated")
	}
	assert.DeepEqual(t, rules, []string{"DS-0002", "secret/aws-access-key-id"})
}

const pipReport = `{"dependencies": [{"name": "jinja2", "version": "2.11.2", "vulns": [{"id": "PYSEC-2021-66", "fix_versions": ["2.11.3"], "aliases": ["CVE-2020-28493", "GHSA-g3rq-g295-4j3m"], "description": "ReDoS\nmore"}]},
 {"name": "our-app", "skip_reason": "Dependency not found on PyPI"}], "fixes": []}`

const npmReport = `{"auditReportVersion": 2, "vulnerabilities": {
 "minimist": {"name": "minimist", "severity": "critical", "isDirect": false, "via": [{"source": 1097678, "name": "minimist", "title": "Prototype Pollution in minimist", "url": "https://github.com/advisories/GHSA-xvch-5gv4-984h", "severity": "critical", "cvss": {"score": 9.8}, "range": "<1.2.6"}], "effects": ["mkdirp"], "range": "<1.2.6", "nodes": ["node_modules/minimist"], "fixAvailable": true},
 "mkdirp": {"name": "mkdirp", "severity": "critical", "via": ["minimist"], "effects": [], "range": "0.4.1", "nodes": ["node_modules/mkdirp"], "fixAvailable": {"name": "mkdirp", "version": "0.5.6"}}},
 "metadata": {"vulnerabilities": {"critical": 2, "total": 2}}}`

func TestAudits(t *testing.T) {
	pip := read(t, pipReport)
	assert.Equal(t, pip.NoData, "")
	assert.DeepEqual(t, pip.Warnings, []string{"pip-audit could not look at our-app: not known to be clean"})
	npm := read(t, npmReport)
	// What is only vulnerable through a dependency does not count twice.
	assert.DeepEqual(t, brief(npm.Vulns), []string{"critical GHSA-xvch-5gv4-984h minimist@ by npm"})
	assert.DeepEqual(t, brief(vuln.Reconcile(pip.Vulns, npm.Vulns, read(t, trivyReport).Vulns)), []string{
		"critical GHSA-xvch-5gv4-984h minimist@ by npm",
		"medium CVE-2020-28493 jinja2@2.11.2 fixed in 2.11.3,3.0.0 by pip-audit+trivy",
	})
}

// TestNoDataIsNoCleanReport: what says nothing says so.
func TestNoDataIsNoCleanReport(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an empty file": {"", "it is empty: the scanner did not finish"},
		"white space":   {" \n", "it is empty: the scanner did not finish"},
		"Trivy that looked at configuration only": {`{"SchemaVersion": 2, "ArtifactName": ".", "Results": [{"Target": "Dockerfile", "Class": "config", "Type": "dockerfile"}]}`, "Trivy looked at no package: were lock files found, and is the vulnerability scanner on?"},
		"Trivy without results":                   {`{"SchemaVersion": 2, "ArtifactName": "."}`, "Trivy looked at no package: were lock files found, and is the vulnerability scanner on?"},
		"OSV-Scanner after an error":              {`{"results":[]}`, "OSV-Scanner lists no package, which is what it writes after an error too; with --all-packages a clean scan lists what it looked at"},
		"OSV-Scanner after an error, as it is":    {"{\n  \"results\": [],\n  \"experimental_config\": {\"licenses\": {\"summary\": false}}\n}", "OSV-Scanner lists no package, which is what it writes after an error too; with --all-packages a clean scan lists what it looked at"},
		"pip-audit that skipped everything":       {`{"dependencies": [{"name": "a", "skip_reason": "not on PyPI"}], "fixes": []}`, "pip-audit skipped every package"},
		"pip-audit of nothing":                    {`{"dependencies": [], "fixes": []}`, "pip-audit looked at no package"},
		"npm without a lock file":                 {`{"error": {"code": "ENOLOCK", "summary": "This command requires an existing lockfile.", "detail": ""}}`, "npm audit failed: ENOLOCK This command requires an existing lockfile."},
		"Grype with a database that is not valid": {`{"matches": [], "source": {}, "descriptor": {"name": "grype", "db": {"status": {"valid": false, "error": "too old"}}}}`, "Grype's database was not valid: too old"},
		"half a report":                           {`{"matches": [{"vulnerability": {"id": "CVE-1"}, "matchDetails": [` + "\n", "it is broken: line 2: unexpected EOF"},
		"a list that is an object":                {`{"matches": {}, "descriptor": {}}`, "it is broken: line 1: expected a list, found {"},
		"two reports in one file":                 {`{"matches": [], "descriptor": {}} {"matches": [], "descriptor": {}}`, "it is broken: line 1: something follows the report"},
		"a type that is wrong":                    {`{"matches": [{"vulnerability": 7}], "descriptor": {}}`, "it is broken: line 1: json: cannot unmarshal number into Go struct field grypeMatch.Vulnerability of type vuln.grypeVuln"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, read(t, c.text).NoData, c.want) })
	}
	for name, text := range map[string]string{
		"Grype that found nothing":      `{"matches": [], "source": {}, "distro": {}, "descriptor": {"name": "grype", "db": {"status": {"valid": true}}}}`,
		"Trivy that found nothing":      `{"SchemaVersion": 2, "ArtifactName": ".", "Results": [{"Target": "go.mod", "Class": "lang-pkgs", "Type": "gomod"}]}`,
		"OSV-Scanner with all packages": `{"results": [{"source": {"path": "go.mod"}, "packages": [{"package": {"name": "a", "version": "1", "ecosystem": "Go"}}]}]}`,
		"npm that found nothing":        `{"auditReportVersion": 2, "vulnerabilities": {}}`,
		"a byte order mark":             "\xef\xbb\xbf" + `{"auditReportVersion": 2, "vulnerabilities": {}}`,
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, read(t, text).NoData, "") })
	}
	_, err := vuln.Read(strings.NewReader(`{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff"}}, "results": []}]}`))
	assert.ErrorIs(t, err, vuln.ErrUnknown)
}

// TestScansThatFailed reads what npm and pip-audit wrote when the registry gave
// them no answer; pip-audit even ended with exit status 0.
func TestScansThatFailed(t *testing.T) {
	for name, want := range map[string]string{
		"npm-audit-refused.json": "npm audit failed: 405 Method Not Allowed - POST https://registry.example.com/-/npm/v1/security/advisories/bulk",
		"pip-audit-skipped.json": "pip-audit skipped every package",
	} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		assert.NilError(t, err)
		assert.Equal(t, read(t, string(data)).NoData, want)
	}
}

func one(id, pkg string, severity ci.VulnSeverity, scanner string, aliases ...string) ci.Vulnerability {
	return ci.Vulnerability{ID: id, Package: pkg, PURL: "pkg:npm/" + pkg + "@1", Severity: severity, Scanners: []string{scanner}, Aliases: aliases}
}

func TestReconcile(t *testing.T) {
	for name, c := range map[string]struct {
		in   []ci.Vulnerability
		want []string
	}{
		"through an alias that a third one knows": {
			[]ci.Vulnerability{one("GO-1", "a", ci.VulnLow, "x"), one("CVE-2020-1", "a", ci.VulnHigh, "y"), one("GHSA-aaaa", "a", ci.VulnLow, "z", "GO-1", "CVE-2020-1")},
			[]string{"CVE-2020-1 pkg:npm/a"},
		},
		"one vulnerability in two packages is two": {
			[]ci.Vulnerability{one("CVE-2020-1", "a", ci.VulnLow, "x"), one("CVE-2020-1", "b", ci.VulnLow, "x")},
			[]string{"CVE-2020-1 pkg:npm/a", "CVE-2020-1 pkg:npm/b"},
		},
		"an advisory of two CVEs does not make them one": {
			[]ci.Vulnerability{one("CVE-2020-1", "a", ci.VulnLow, "x"), one("CVE-2020-2", "a", ci.VulnLow, "x"), one("GHSA-aaaa", "a", ci.VulnLow, "y", "CVE-2020-1", "CVE-2020-2")},
			[]string{"CVE-2020-1 pkg:npm/a", "CVE-2020-2 pkg:npm/a"},
		},
		"a vendor's bulletin joins nothing": {
			[]ci.Vulnerability{one("CVE-2020-1", "a", ci.VulnLow, "x", "RHSA-2020:1"), one("CVE-2020-2", "a", ci.VulnLow, "x", "RHSA-2020:1")},
			[]string{"CVE-2020-1 pkg:npm/a", "CVE-2020-2 pkg:npm/a"},
		},
		"without a CVE, the GHSA": {
			[]ci.Vulnerability{one("PYSEC-2020-1", "a", ci.VulnLow, "x", "ghsa-AAAA-bbbb"), one("GHSA-aaaa-bbbb", "a", ci.VulnLow, "y")},
			[]string{"GHSA-aaaa-bbbb pkg:npm/a"},
		},
		"a distribution's name before the CVE": {
			[]ci.Vulnerability{one("DEBIAN-CVE-2020-1", "a", ci.VulnLow, "x"), one("CVE-2020-1", "a", ci.VulnLow, "y")},
			[]string{"CVE-2020-1 pkg:npm/a"},
		},
		"names of PyPI in any spelling": {
			[]ci.Vulnerability{{ID: "CVE-2020-1", PURL: "pkg:pypi/Foo_Bar.baz@1"}, {ID: "CVE-2020-1", PURL: "pkg:PyPI/foo-bar-baz@2?x=y#z"}},
			[]string{"CVE-2020-1 pkg:pypi/foo-bar-baz"},
		},
		"scopes of npm, escaped or not": {
			[]ci.Vulnerability{{ID: "CVE-2020-1", PURL: "pkg:npm/%40a/b@1"}, {ID: "CVE-2020-1", PURL: "pkg:npm/@a/b"}},
			[]string{"CVE-2020-1 pkg:npm/@a/b"},
		},
		"a scanner that knows no ecosystem": {
			[]ci.Vulnerability{one("CVE-2020-1", "a", ci.VulnLow, "x"), {ID: "CVE-2020-1", Package: "A", Scanners: []string{"y"}}},
			[]string{"CVE-2020-1 pkg:npm/a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := vuln.Reconcile(c.in)
			assert.DeepEqual(t, identities(got), c.want)
			for range 5 {
				shuffled := slices.Clone(c.in)
				rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				if diff := cmp.Diff(vuln.Reconcile(shuffled), got); diff != "" {
					t.Error("the order matters:", diff)
				}
			}
			if diff := cmp.Diff(vuln.Reconcile(got), got); diff != "" {
				t.Error("reconciling again changes something:", diff)
			}
		})
	}
}

func TestTheWorstSeverityCounts(t *testing.T) {
	got := vuln.Reconcile([]ci.Vulnerability{one("CVE-2020-1", "a", ci.VulnMedium, "grype"), one("CVE-2020-1", "a", ci.VulnCritical, "osv-scanner"), one("CVE-2020-1", "a", ci.VulnUnknown, "pip-audit")})
	assert.Equal(t, got[0].Severity, ci.VulnCritical)
	assert.DeepEqual(t, got[0].Ratings, []ci.VulnRating{{Scanner: "grype", Severity: ci.VulnMedium}, {Scanner: "osv-scanner", Severity: ci.VulnCritical}})
}

// many are n findings of four scanners that use different names for the same.
func many(n int) []string {
	var out [4]strings.Builder
	out[0].WriteString(`{"matches":[`)
	out[1].WriteString(`{"results":[{"source":{"path":"package-lock.json"},"packages":[`)
	out[2].WriteString(`{"SchemaVersion":2,"ArtifactName":".","Results":[{"Target":"package-lock.json","Class":"lang-pkgs","Type":"npm","Vulnerabilities":[`)
	out[3].WriteString(`{"auditReportVersion":2,"vulnerabilities":{`)
	for i := range n / 4 {
		comma := ","
		if i == 0 {
			comma = ""
		}
		ghsa, cve, pkg := fmt.Sprintf("GHSA-%04d-aaaa-bbbb", i), fmt.Sprintf("CVE-2024-%05d", i), fmt.Sprintf("package-%d", i)
		fmt.Fprintf(&out[0], `%s{"vulnerability":{"id":"%s","severity":"High","fix":{"versions":["2.0.0"]}},"relatedVulnerabilities":[{"id":"%s"}],"matchDetails":[],"artifact":{"name":"%s","version":"1.0.0","purl":"pkg:npm/%s@1.0.0"}}`, comma, ghsa, cve, pkg, pkg)
		fmt.Fprintf(&out[1], `%s{"package":{"name":"%s","version":"1.0.0","ecosystem":"npm"},"vulnerabilities":[{"id":"%s","aliases":["%s"],"database_specific":{"severity":"MODERATE"}}],"groups":[{"ids":["%s"],"aliases":["%s","%s"]}]}`, comma, pkg, ghsa, cve, ghsa, cve, ghsa)
		fmt.Fprintf(&out[2], `%s{"VulnerabilityID":"%s","PkgName":"%s","PkgIdentifier":{"PURL":"pkg:npm/%s@1.0.0"},"InstalledVersion":"1.0.0","FixedVersion":"2.0.0","Severity":"HIGH"}`, comma, cve, pkg, pkg)
		fmt.Fprintf(&out[3], `%s"%s":{"via":[{"source":%d,"url":"https://github.com/advisories/%s","severity":"high"}],"fixAvailable":true}`, comma, pkg, i, ghsa)
	}
	for i, end := range []string{`],"descriptor":{}}`, `]}]}`, `]}]}`, `}}`} {
		out[i].WriteString(end)
	}
	return []string{out[0].String(), out[1].String(), out[2].String(), out[3].String()}
}

// BenchmarkFiftyThousand reads and reconciles 50,000 findings of four scanners
// ("all"), and reconciles what was read ("reconcile").
func BenchmarkFiftyThousand(b *testing.B) {
	texts := many(50_000)
	var read [][]ci.Vulnerability
	total := 0
	for _, text := range texts {
		rep, err := vuln.Read(strings.NewReader(text))
		if err != nil || rep.NoData != "" {
			b.Fatal(err, rep.NoData)
		}
		read = append(read, rep.Vulns)
		total += len(text)
	}
	b.Run("reconcile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got := vuln.Reconcile(read...); len(got) != 12_500 {
				b.Fatal(len(got))
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		b.SetBytes(int64(total))
		for b.Loop() {
			var found [][]ci.Vulnerability
			for _, text := range texts {
				rep, err := vuln.Read(strings.NewReader(text))
				if err != nil {
					b.Fatal(err)
				}
				found = append(found, rep.Vulns)
			}
			if got := vuln.Reconcile(found...); len(got) != 12_500 {
				b.Fatal(len(got))
			}
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
	})
}

// FuzzRead: any bytes get an answer; what was read can be reconciled, in any
// order to the same, and a second time to the same.
func FuzzRead(f *testing.F) {
	for _, text := range append(many(8), trivyReport, pipReport, npmReport, `{"results":[]}`,
		`{"runs":[{"tool":{"driver":{"name":"grype","rules":[{"id":"GHSA-x-p","help":{"text":"Package: p\nVersion: 1"},"properties":{"security-severity":"9.8"}}]}},"results":[{"ruleId":"GHSA-x-p","message":{"text":"m"}}]}]}`,
		`{"runs":[{"results":[{"ruleId":"CVE-2020-1","message":{"text":"Package 'a@1' is vulnerable"}}],"tool":{"driver":{"name":"osv-scanner","rules":[{"id":"CVE-2020-1","deprecatedIds":["GHSA-y"]}]}}}]}`) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rep, err := vuln.Read(strings.NewReader(string(data)))
		if err != nil {
			assert.ErrorIs(t, err, vuln.ErrUnknown)
			return
		}
		once := vuln.Reconcile(rep.Vulns)
		slices.Reverse(rep.Vulns)
		if diff := cmp.Diff(vuln.Reconcile(rep.Vulns), once); diff != "" {
			t.Error("the order matters:", diff)
		}
		assert.DeepEqual(t, identities(vuln.Reconcile(once)), identities(once))
	})
}
