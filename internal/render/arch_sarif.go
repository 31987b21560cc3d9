package render

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"

	"keepgreen/internal/ci"
)

// archRuleDocs are the rules that ArchSARIF may name.
var archRuleDocs = []struct{ id, doc, level string }{
	{"import-cycle", "An import that keeps modules circular at load.", "warning"},
	{"contract", "An import that a contract of the architecture forbids.", "error"},
	{"hub-module", "A module that many depend on and that depends on many.", "warning"},
	{"god-module", "A module far larger than the others.", "note"},
	{"hotspot", "A complex function in a file that is changed often.", "note"},
	{"stable-dependencies", "An import from a stable module to one that changes more easily.", "note"},
	{"change-coupling", "Two files that change together without an import between them.", "note"},
}

// ArchSARIF writes the findings as SARIF 2.1.0. Fingerprints are of what is
// wrong and not of the line it stands on, so that an edit above it makes no new
// alert.
func ArchSARIF(w io.Writer, v ArchView) error {
	index := map[string]int{}
	rules := []map[string]any{}
	level := map[string]string{}
	for i, r := range archRuleDocs {
		index[r.id], level[r.id] = i, r.level
		rules = append(rules, map[string]any{"id": r.id, "shortDescription": map[string]string{"text": r.doc}, "defaultConfiguration": map[string]string{"level": r.level}})
	}
	results := []map[string]any{}
	for _, a := range v.Advice {
		results = append(results, map[string]any{
			"ruleId": a.Rule, "ruleIndex": index[a.Rule], "level": level[a.Rule], "message": map[string]string{"text": Visible(a.Text)},
			"locations": sarifPlace(a.Pos), "partialFingerprints": map[string]string{"keepgreenArch/v1": fingerprint(a)},
			"properties": map[string]any{"effort": a.Effort},
		})
	}
	return encode(w, map[string]any{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
		"runs": []map[string]any{{
			"tool":       map[string]any{"driver": map[string]any{"name": "keepgreen arch", "version": v.Version, "rules": rules}},
			"columnKind": "unicodeCodePoints", "results": results,
		}},
	})
}

func fingerprint(a ci.Advice) string {
	sum := sha256.Sum256([]byte(a.Rule + "\x00" + a.Key))
	return hex.EncodeToString(sum[:16])
}

func sarifPlace(p ci.Position) []map[string]any {
	return []map[string]any{{"physicalLocation": map[string]any{
		"artifactLocation": map[string]string{"uri": (&url.URL{Path: p.File}).EscapedPath(), "uriBaseId": "%SRCROOT%"},
		"region":           map[string]int{"startLine": max(p.Line, 1)},
	}}}
}
