//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/forensics"
)

// writer runs the example's own writer in the project; its output lands in out/.
func (p project) writer(secret string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(python(p.t), append([]string{"scripts/write_forensics.py", "out"}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "FORENSIC_HMAC_SECRET="+secret)
	out, err := cmd.CombinedOutput()
	assert.NilError(p.t, err, string(out))
}

type forensicAnswer struct {
	OK    bool
	Files []struct {
		File     string
		OK       bool
		Lines    int
		FirstBad *int `json:"first_bad_line"`
		Error    *string
		Fault    *string
		Signed   int
		BadLines int    `json:"bad_lines"`
		LastHash string `json:"last_hash"`
	}
}

func (p project) verify(want int, args ...string) forensicAnswer {
	p.t.Helper()
	stdout, stderr, status := p.keepgreen(append([]string{"forensics", "verify", "out/kv_cache.log", "--format", "json"}, args...)...)
	var a forensicAnswer
	assert.NilError(p.t, json.Unmarshal([]byte(stdout), &a), "%s%s", stdout, stderr)
	assert.Equal(p.t, status, want, stdout)
	assert.Equal(p.t, a.OK, want == 0)
	return a
}

// TestForensicsOfARealWriter: what Python wrote holds, with and without a key,
// however its lines are escaped, and every line that is changed is named.
func TestForensicsOfARealWriter(t *testing.T) {
	t.Setenv("KEY", "köy of the e2e test")
	for name, c := range map[string]struct {
		secret string
		args   []string
		verify []string
	}{
		"as it is":              {"", nil, nil},
		"signed":                {os.Getenv("KEY"), nil, []string{"--hmac-secret-env", "KEY", "--require-hmac"}},
		"escaped to ASCII":      {"", []string{"--ascii"}, nil},
		"in one file":           {"", []string{"--max-bytes", "100000000"}, nil},
		"in very small files":   {"", []string{"--max-bytes", "600"}, nil},
		"signed, ASCII, bigger": {os.Getenv("KEY"), []string{"--ascii", "--requests", "400"}, []string{"--hmac-secret-env", "KEY", "--require-hmac"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := kvHygiene(t)
			p.writer(c.secret, c.args...)
			p.verify(0, c.verify...)

			log := filepath.Join(p.dir, "out", "kv_cache.log")
			text, err := os.ReadFile(log)
			assert.NilError(t, err)
			lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
			for at := range min(len(lines), 8) {
				changed := strings.Join(lines[:at], "") + strings.Replace(lines[at], `"schema": 1`, `"schema": 3`, 1) + strings.Join(lines[at+1:], "") + "\n"
				assert.NilError(t, os.WriteFile(log, []byte(changed), 0o644))
				a := p.verify(1, c.verify...)
				last := a.Files[len(a.Files)-1]
				assert.Equal(t, *last.FirstBad, at+1)
				assert.Equal(t, *last.Fault, "tampered")
				assert.Equal(t, last.BadLines, 1)
			}
		})
	}
}

// TestForensicsGateAgreesWithTheChecker: the example's verdict and ours are one.
func TestForensicsGateAgreesWithTheChecker(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{{nil, 0}, {[]string{"--leak"}, 1}} {
		p := kvHygiene(t)
		p.writer("", c.args...)
		_, stderr, status := p.keepgreen("forensics", "gate", "out/eviction_metrics.json")
		assert.Equal(t, status, c.want, stderr)
		script := `import json,sys; from tools.eviction_checker import Thresholds, verdict; print(json.dumps(verdict(json.load(open("out/eviction_metrics.json")), Thresholds())))`
		cmd := exec.Command(python(t), "-c", script)
		cmd.Dir = p.dir
		theirs, err := cmd.Output()
		assert.NilError(t, err)
		ours, err := os.ReadFile(filepath.Join(p.dir, "forensics", "verdict.json"))
		assert.NilError(t, err)
		type verdict struct {
			Pass     bool
			Failures []map[string]any
			Metrics  map[string]any
		}
		var a, b verdict
		assert.NilError(t, json.Unmarshal(theirs, &a))
		assert.NilError(t, json.Unmarshal(ours, &b))
		assert.DeepEqual(t, a, b)
	}
}

// TestCanonicalOfRandomRecords compares with the json module of a real Python
// over thousands of texts of its own making, spelled in several ways.
func TestCanonicalOfRandomRecords(t *testing.T) {
	cmd := exec.Command(python(t), "testdata/random_json.py", "6000")
	out, err := cmd.Output()
	assert.NilError(t, err)
	n := 0
	for line := range strings.Lines(string(out)) {
		n++
		var pair [2]string
		assert.NilError(t, json.Unmarshal([]byte(line), &pair))
		got, err := forensics.Canonical(nil, []byte(pair[0]))
		assert.NilError(t, err, "%q", pair[0])
		assert.Equal(t, string(got), pair[1], "of %q", pair[0])
	}
	assert.Equal(t, n, 6000)
}
