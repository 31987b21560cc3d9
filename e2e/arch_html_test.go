//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// TestTheMapOpensInABrowser looks at the page of keepgreen arch: light in light,
// dark in dark, and zoomed, moved and traced by the keyboard alone.
func TestTheMapOpensInABrowser(t *testing.T) {
	p := newProject(t, map[string]string{
		"app/__init__.py": "", "app/a.py": "from app import b\ndef f(x):\n    return x or 1\n", "app/b.py": "from app import a\n",
		"lib/__init__.py": "", "lib/c.py": "import app.a\n", "lib/d.py": "import lib.c\n",
		"keepgreen.yaml": "arch:\n  contracts:\n    - {name: apart, type: independence, modules: [app, lib]}\n",
	})
	path := filepath.Join(p.dir, "map.html")
	_, stderr, status := p.keepgreen("arch", "--html", path)
	assert.Equal(t, status, 0, stderr)
	page := "file://" + path
	light, dark := brightness(t, page, "1"), brightness(t, page, "0")
	assert.Assert(t, light > 0.8, "brightness in light mode: %.2f", light)
	assert.Assert(t, dark < 0.25, "brightness in dark mode: %.2f", dark)

	// A copy without the policy that forbids it presses keys and writes down what they did.
	source, err := os.ReadFile(path)
	assert.NilError(t, err)
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	assert.Assert(t, policy.Match(source))
	keys := `<script>
const map = document.querySelector("#map svg"), say = [];
const press = (at, key) => at.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
const box = () => map.getAttribute("viewBox").split(" ").map(Number);
map.focus();
say.push("focus " + (document.activeElement === map));
const whole = box();
press(map, "+"); press(map, "+");
say.push("zoomed " + (box()[2] < whole[2] * 0.6));
const before = box();
press(map, "ArrowRight");
say.push("moved " + (box()[0] > before[0]));
press(map, "0");
say.push("whole " + (box().join() === whole.join()));
const node = document.querySelector("#graph .node");
node.focus();
node.dispatchEvent(new FocusEvent("focus")); // a page that is not in front has the focus, but may be told of it later
say.push("traced " + document.querySelector("#graph svg").classList.contains("traced"));
document.body.append(Object.assign(document.createElement("pre"), {id: "said", textContent: say.join(", ")}));
</script></body>`
	copied := strings.Replace(string(policy.ReplaceAll(source, nil)), "</body>", keys, 1)
	assert.NilError(t, os.WriteFile(filepath.Join(p.dir, "keys.html"), []byte(copied), 0o644))
	dom := string(chromium(t, "--dump-dom", "file://"+filepath.Join(p.dir, "keys.html")))
	said := regexp.MustCompile(`<pre id="said">([^<]*)`).FindStringSubmatch(dom)
	assert.Assert(t, said != nil)
	assert.Equal(t, said[1], "focus true, zoomed true, moved true, whole true, traced true")
	assert.Assert(t, strings.Contains(dom, "<h2>Contracts</h2>"))
}
