//go:build e2e

package e2e

import (
	"bytes"
	"image"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// chromium runs the browser without its own background traffic.
func chromium(t *testing.T, args ...string) []byte {
	t.Helper()
	exe, err := exec.LookPath("chromium")
	assert.NilError(t, err, "make e2e installs chromium where it runs as root")
	flags := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
	}
	var stderr bytes.Buffer
	cmd := exec.Command(exe, append(flags, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	assert.NilError(t, err, stderr.String())
	return out
}

// The page needs no network, shows what the terminal shows, and is light in
// light and dark in dark.
func TestTheReportOpensInABrowser(t *testing.T) {
	p := kvHygiene(t)
	p.keepgreen("run", "--python", python(t), "--report", "report.html")
	path := filepath.Join(p.dir, "report.html")
	source, err := os.ReadFile(path)
	assert.NilError(t, err)
	fetched := regexp.MustCompile(`(?i)(src|action)\s*=\s*["']?(https?:)?//|url\(\s*["']?(https?:)?//|@import`)
	assert.Assert(t, !fetched.Match(source), "%s", fetched.Find(source))

	page := "file://" + path
	dom := string(chromium(t, "--dump-dom", page))
	for _, want := range []string{"CacheTracer", "test_one_region_in_nine_left_dirty", "tools/isolation.py", "<svg", "89.5"} {
		assert.Assert(t, strings.Contains(dom, want), "%q is not on the page", want)
	}
	light := brightness(t, page, "1")
	dark := brightness(t, page, "0")
	assert.Assert(t, light > 0.8, "brightness in light mode: %.2f", light)
	assert.Assert(t, dark < 0.25, "brightness in dark mode: %.2f", dark)
}

// A hostile test name is text on the page, never markup or script.
func TestTheReportObeysNobody(t *testing.T) {
	p := newProject(t, map[string]string{"test_it.py": `import pytest
@pytest.mark.parametrize("x", ["</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"])
def test_h(x):
    assert False, x
`})
	p.keepgreen("run", "--python", python(t), "--report", "report.html")
	dom := string(chromium(t, "--dump-dom", "file://"+filepath.Join(p.dir, "report.html")))
	assert.Assert(t, strings.Contains(dom, "&lt;/script&gt;"), "the name is not on the page")
	assert.Assert(t, !strings.Contains(dom, "<title>owned"), "a test name became script")
	assert.Assert(t, !strings.Contains(dom, "<img"), "a test name became markup")
}

// brightness is the mean luminance of the page's screenshot, 0..1, in Blink's
// preferred colour scheme 0 (dark) or 1 (light).
func brightness(t *testing.T, page, scheme string) float64 {
	t.Helper()
	shot := filepath.Join(t.TempDir(), "page.png")
	chromium(t, "--blink-settings=preferredColorScheme="+scheme, "--window-size=1280,1600", "--screenshot="+shot, page)
	file, err := os.Open(shot)
	assert.NilError(t, err)
	defer file.Close()
	picture, _, err := image.Decode(file)
	assert.NilError(t, err)
	sum, n := 0.0, 0
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y += 4 {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x += 4 {
			r, g, b, _ := picture.At(x, y).RGBA()
			sum += (0.2126*float64(r) + 0.7152*float64(g) + 0.0722*float64(b)) / 0xffff
			n++
		}
	}
	return sum / float64(n)
}
