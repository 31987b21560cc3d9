//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"gotest.tools/v3/assert"
)

// What a real run of real tools found is what the pull request is told of it.
func TestTheFeedbackOfARealRun(t *testing.T) {
	p := kvHygiene(t)
	stdout, stderr, _ := p.keepgreen("run", "--format", "json", "--python", python(t))
	var ran answer
	assert.NilError(t, json.Unmarshal([]byte(stdout), &ran), stderr)
	p.write(map[string]string{"artifacts/run.json": stdout})
	_, stderr, status := p.keepgreen("feedback", "--ai", "off")
	assert.Equal(t, status, 0, stderr)
	body, err := os.ReadFile(filepath.Join(p.dir, "ci_feedback.md"))
	assert.NilError(t, err)
	assert.Assert(t, strings.Contains(string(body), fmt.Sprintf("| %d of %d tests failed |", ran.Tests.Failed, ran.Tests.Total)), "%s", body)
	assert.Assert(t, strings.Contains(string(body), fmt.Sprintf("%d cause", len(ran.Clusters))), "%s", body)
	assert.Assert(t, strings.Count(string(body), "**1. ") >= 1, "%s", body)
}

// Every golden of the comment, as GitHub-flavoured Markdown becomes HTML, is
// harmless in a browser and stands within a comment's width.
func TestTheCommentsInABrowser(t *testing.T) {
	goldens, err := filepath.Glob("../internal/render/testdata/feedback-*.md")
	assert.NilError(t, err)
	assert.Assert(t, len(goldens) >= 12)
	gfm := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldhtml.WithUnsafe()))
	var page bytes.Buffer
	page.WriteString(`<!doctype html><meta charset="utf-8"><title>comments</title><style>:root{color-scheme:light dark}body{font:14px/1.5 sans-serif;width:780px}code{font-size:85%}pre{overflow:auto}</style>`)
	for _, name := range goldens {
		markdown, err := os.ReadFile(name)
		assert.NilError(t, err)
		page.WriteString("<article>")
		assert.NilError(t, gfm.Convert(markdown, &page))
		page.WriteString("</article>")
	}
	page.WriteString(`<p id="wide"></p><script>document.getElementById("wide").textContent = "too wide: " + [...document.querySelectorAll("article")].filter(a => a.scrollWidth > 780).length</script>`)
	path := filepath.Join(t.TempDir(), "comments.html")
	assert.NilError(t, os.WriteFile(path, page.Bytes(), 0o644))
	dom := string(chromium(t, "--dump-dom", "file://"+path))
	assert.Equal(t, strings.Count(dom, "<article>"), len(goldens), "an article was closed by what stands in it")
	assert.Equal(t, strings.Count(dom, "<script"), 1, "a message became script")
	assert.Assert(t, !strings.Contains(dom, "<img"), "a message became markup")
	assert.Assert(t, strings.Contains(dom, "too wide: 0"), "%s", dom[strings.LastIndex(dom, "too wide"):])
	light, dark := brightness(t, "file://"+path, "1"), brightness(t, "file://"+path, "0")
	assert.Assert(t, light > 0.7 && dark < 0.3, "light %.2f, dark %.2f", light, dark)
}
