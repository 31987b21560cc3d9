package vuln_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/report/vuln"
)

// TestCapturedAudits reads what pip-audit and npm wrote themselves
// (testdata/capture.py). npm names a package that is there
// twice once, and not the version.
func TestCapturedAudits(t *testing.T) {
	pip, npm := file(t, "testdata/pip-audit.json"), file(t, "testdata/npm-audit.json")
	assert.Equal(t, pip.Scanner, "pip-audit")
	assert.Equal(t, npm.Scanner, "npm")
	all := vuln.Reconcile(pip.Vulns, npm.Vulns)
	assert.DeepEqual(t, brief(all), []string{
		"critical GHSA-xvch-5gv4-984h minimist@ fixed in 1.2.6 by npm",
		"high GHSA-p6mc-m468-83gw lodash@ fixed in 4.17.21 by npm",
		"unknown CVE-2020-28493 jinja2@2.11.2 fixed in 2.11.3 by pip-audit",
		"unknown CVE-2020-14343 pyyaml@5.3 fixed in 5.4 by pip-audit",
	})
	assert.DeepEqual(t, all[2].Aliases, []string{"GHSA-g3rq-g295-4j3m", "PYSEC-2021-66"})
}
