//go:build e2e && heavy

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// healed is what became of one broken program.
type healed struct {
	ruin
	noticed          bool // some tool says that something is wrong
	proposed         int
	right, wrong     int // repairs that would be published
	kinds            []string
	verification     time.Duration
	verifications    int
	unverified, said string
}

// TestHeavyHealing breaks the programs in all listed ways, has the failures
// triaged, repairs proposed and verified, and compares what would be published
// with the program as it was. KEEPGREEN_HEAL names a half ("tuning", "held out");
// without it both are done. No wrong repair may be published.
func TestHeavyHealing(t *testing.T) {
	type tally struct{ all, noticed, right, wrong int }
	classes, fixers := map[string]*tally{}, map[string]*tally{}
	var total tally
	var spent time.Duration
	var verifications int
	count := func(m map[string]*tally, key string, h healed) {
		if m[key] == nil {
			m[key] = &tally{}
		}
		m[key].all++
		if h.noticed {
			m[key].noticed++
		}
		m[key].right += min(h.right, 1)
		m[key].wrong += h.wrong
	}
	half := os.Getenv("KEEPGREEN_HEAL")
	only := os.Getenv("KEEPGREEN_HEAL_ONLY")
	for _, r := range ruins(t) {
		if half != "" && r.heldOut() != (half == "held out") || !strings.Contains(r.id, only) {
			continue
		}
		h := heal(t, r)
		t.Logf("%-9s %-70s %s", verdictOf(h), r.id, h.said)
		group := r.class
		if !r.mechanical {
			group += " (no fixer can know)"
		}
		count(classes, group, h)
		total.all++
		if h.noticed {
			total.noticed++
		}
		for _, kind := range h.kinds {
			count(fixers, kind, h)
		}
		total.wrong += h.wrong
		spent += h.verification
		verifications += h.verifications
	}
	for name, n := range classes {
		t.Logf("class %-36s %d of %d noticed breakages mended, %d wrong", name, n.right, n.noticed, n.wrong)
	}
	for name, n := range fixers {
		t.Logf("fixer %-36s %d right, %d wrong", name, n.right, n.wrong)
	}
	t.Logf("%d breakages, %d noticed, %d wrong repairs published, %d verifications of %s on average", total.all, total.noticed, total.wrong, verifications, spent/time.Duration(max(verifications, 1)))
	assert.Equal(t, total.wrong, 0)
}

// threshold is the default one; a lower one measures the fixers themselves.
func threshold() float64 {
	if x, err := strconv.ParseFloat(os.Getenv("KEEPGREEN_HEAL_THRESHOLD"), 64); err == nil {
		return x
	}
	return 0.9
}

func verdictOf(h healed) string {
	switch {
	case h.wrong > 0:
		return "WRONG"
	case h.right > 0 && h.mechanical:
		return "mended"
	case !h.noticed:
		return "unnoticed"
	case h.mechanical:
		return "missed"
	}
	return "left"
}

// heal has one broken program mended.
func heal(t *testing.T, r ruin) healed {
	t.Helper()
	h := healed{ruin: r}
	p := seeded(t, r)
	logs := t.TempDir()
	for name, args := range toolsOf(t, r) {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = p.dir
		out, _ := cmd.CombinedOutput() // a red exit status is the point
		assert.NilError(t, os.WriteFile(filepath.Join(logs, name), out, 0o644))
	}
	_, stderr, status := p.keepgreen("triage", logs, "--out", "ai_analysis")
	assert.Equal(t, status, 0, stderr)
	stdout, stderr, status := p.keepgreen("fix", "propose", "--format", "json", "--python", python(t))
	assert.Equal(t, status, 0, stderr)
	var doc struct {
		Proposals []struct {
			ID, Kind, Patch string
			Confidence      float64
			Because         []string
		}
		Passed []struct{ Why, Cause string } `json:"passed_over"`
	}
	assert.NilError(t, json.Unmarshal([]byte(stdout), &doc))
	h.noticed = len(doc.Proposals)+len(doc.Passed) > 0
	h.proposed = len(doc.Proposals)
	for _, pass := range doc.Passed {
		h.said += fmt.Sprintf("[%s: %s] ", pass.Cause, pass.Why)
	}
	for _, x := range doc.Proposals {
		h.said += fmt.Sprintf("[%s %.2f", x.Kind, x.Confidence)
		if x.Confidence > threshold() {
			h.verify(t, p, x.ID, x.Kind, x.Patch)
		}
		h.said += "] "
	}
	return h
}

// verify tries a proposal, and where it would be published, compares.
func (h *healed) verify(t *testing.T, p project, id, kind, patch string) {
	t.Helper()
	started := time.Now()
	stdout, stderr, status := p.keepgreen("fix", "verify", "--format", "json", "--python", python(t), "--threshold", fmt.Sprint(threshold()), "--patch", ".keepgreen/fixes/"+id+".patch")
	h.verification += time.Since(started)
	h.verifications++
	assert.Check(t, status == 0 || status == 1, stderr)
	var verdict struct {
		Publish bool
		Because []string
	}
	assert.NilError(t, json.Unmarshal([]byte(stdout), &verdict), stderr)
	if !verdict.Publish {
		h.said += " not verified: " + strings.Join(verdict.Because, "; ")
		return
	}
	h.kinds = append(h.kinds, kind)
	copied := seeded(t, h.ruin)
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = copied.dir, strings.NewReader(patch)
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, string(out))
	if h.same(t, copied, kind) {
		h.right++
		return
	}
	h.wrong++
	h.said += "\n" + patch
}

// seeded is the broken program under git.
func seeded(t *testing.T, r ruin) project {
	t.Helper()
	p := project{t, t.TempDir()}
	assert.NilError(t, os.CopyFS(p.dir, os.DirFS(filepath.Join("testdata", "seed", r.language()))))
	assert.NilError(t, filepath.WalkDir(p.dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".seed") {
			return os.Rename(path, strings.TrimSuffix(path, ".seed"))
		}
		return err
	}))
	p.write(map[string]string{r.file: r.text, ".gitignore": ".keepgreen/\nai_analysis/\n"})
	if r.language() == "python" {
		data, err := os.ReadFile(filepath.Join(p.dir, "pyproject.toml"))
		assert.NilError(t, err)
		p.write(map[string]string{"pyproject.toml": string(data) + "\n[tool.ruff]\nline-length = 160\n\n[tool.ruff.lint]\nselect = [\"E\", \"F\", \"I\"]\n\n[tool.black]\nline-length = 160\n"})
	}
	p.git("init", "-q", "-b", "main")
	p.commit("broken")
	return p
}

// toolsOf is what CI runs, by the name of the log.
func toolsOf(t *testing.T, r ruin) map[string][]string {
	if r.language() == "golang" {
		return map[string][]string{"test.log": {"go", "test", "-json", "./..."}, "vet.log": {"go", "vet", "./..."}}
	}
	return map[string][]string{
		"pytest.log": {python(t), "-B", "-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors"},
		"ruff.log":   {python(t), "-m", "ruff", "check", "--no-cache", "--output-format=concise", "."},
		"black.log":  {python(t), "-m", "black", "--check", "."},
	}
}

// sameProgram prints whether two Python files are the same program: equal trees,
// with the imports sorted.
const sameProgram = `
import ast, sys
def tree(path):
    body, imports = [], set()
    for node in ast.parse(open(path).read()).body:
        if isinstance(node, ast.Import):
            imports |= {("import", a.name, a.asname) for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            imports |= {(node.module, a.name, a.asname) for a in node.names}
        else:
            body.append(ast.dump(node))
    return sorted(map(str, imports)), body
(was, body), (now, other) = tree(sys.argv[1]), tree(sys.argv[2])
print(body == other and (was == now or "part" in sys.argv and set(now) < set(was)))
`

// same compares the mended program with the one that was broken.
func (h *healed) same(t *testing.T, p project, kind string) bool {
	t.Helper()
	was := filepath.Join(t.TempDir(), "was"+filepath.Ext(h.file))
	assert.NilError(t, os.WriteFile(was, []byte(h.was), 0o644))
	broken := filepath.Join(t.TempDir(), "broken"+filepath.Ext(h.file))
	assert.NilError(t, os.WriteFile(broken, []byte(h.text), 0o644))
	now := filepath.Join(p.dir, h.file)
	if changed := strings.TrimSpace(p.git("diff", "--name-only")); changed != h.file {
		return false
	}
	if h.language() == "golang" {
		a, err := exec.Command("gofmt", was).Output()
		assert.NilError(t, err)
		b, err := exec.Command("gofmt", now).Output()
		assert.NilError(t, err)
		return string(a) == string(b)
	}
	out, err := exec.Command(python(t), "-c", sameProgram, was, now).CombinedOutput()
	assert.NilError(t, err, string(out))
	if kept, err := exec.Command(python(t), "-c", sameProgram, broken, now).Output(); err == nil && (kind == "format" || kind == "import-order") && strings.TrimSpace(string(kept)) == "True" {
		return true // layout is mended; what else is wrong is another cluster's
	}
	// One import of several that were lost is a step of the way, and no wrong one.
	if step, err := exec.Command(python(t), "-c", sameProgram, was, now, "part").Output(); err == nil && kind == "missing-import" && strings.TrimSpace(string(step)) == "True" {
		return true
	}
	return strings.TrimSpace(string(out)) == "True" || h.name == "name a class before it is there" && strings.Contains(p.git("diff"), "+from __future__ import annotations")
}
