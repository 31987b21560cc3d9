package agent

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Shown is a part of a file that a model may change.
type Shown struct {
	Path string
	From int // 1-based line at which Text begins
	Text string
}

// Tried is an earlier candidate, and why it did not hold.
type Tried struct {
	Patch   string
	Because []string
}

// Candidate is a model's repair: texts to replace in files that it was shown.
type Candidate struct {
	Explanation string
	Confidence  float64 // its own number
	Edits       []Replace
}

// Replace is one text to be replaced, which has to occur once in the file.
type Replace struct{ Path, Old, New string }

const (
	maxCandidates = 3
	maxEdits      = 6
	maxShown      = 24 << 10
)

// AskFix asks for edits that mend one cluster. What a reply may name are the files
// that were shown and nothing else; whether an edit is right is found out by
// others, who believe no word of it.
func AskFix(c ci.Cluster, about Context, files []Shown, tried []Tried) Question[[]Candidate] {
	var data strings.Builder
	describe(&data, c, about)
	var paths []string
	for _, f := range files {
		if data.Len()+len(f.Text) > maxShown {
			continue
		}
		if !slices.Contains(paths, f.Path) {
			paths = append(paths, f.Path)
		}
		fmt.Fprintf(&data, "file %s, from line %d:\n%s\nend of file %s\n", f.Path, f.From, f.Text, f.Path)
	}
	for _, t := range tried {
		fmt.Fprintf(&data, "tried before:\n%s\nit did not hold: %s\n", excerpt(t.Patch, 3*maxText), excerpt(strings.Join(t.Because, "; "), maxText))
	}
	edit := Schema{Type: "object", Fields: map[string]Schema{
		"path": {Type: "string", Enum: paths},
		"old":  {Type: "string", Most: 4000, Doc: "lines of that file, word for word, enough of them to occur once"},
		"new":  {Type: "string", Most: 4000, Doc: "what stands there instead"},
	}}
	candidate := Schema{Type: "object", Fields: map[string]Schema{
		"explanation": {Type: "string", Most: 400, Doc: "why this mends it"},
		"confidence":  {Type: "number", Max: 1, Doc: "0 to 1 that it is the right repair, not only one that passes"},
		"edits":       {Type: "array", Most: maxEdits, Items: &edit},
	}}
	return Question[[]Candidate]{
		Kind: "fix",
		Task: "The cluster below is failures with one cause. Propose up to three small repairs of the code, the best first, each as texts to replace in the files shown. " +
			"Mend the cause. Do not touch what a test expects, do not skip, silence or catch anything, and do not special-case what the test asks for. Where the files do not show what is wrong, propose nothing.",
		Data:   data.String(),
		Schema: Schema{Type: "object", Fields: map[string]Schema{"candidates": {Type: "array", Most: maxCandidates, Items: &candidate}}},
		Check:  func(reply json.RawMessage, sent string) ([]Candidate, bool) { return checkFix(reply, sent, paths) },
	}
}

// checkFix keeps candidates whose edits are of files that were shown, replace
// something that was shown, and change it.
func checkFix(reply json.RawMessage, sent string, paths []string) ([]Candidate, bool) {
	var doc struct{ Candidates []Candidate }
	if json.Unmarshal(reply, &doc) != nil {
		return nil, false
	}
	var out []Candidate
	for _, c := range doc.Candidates {
		wrong := slices.ContainsFunc(c.Edits, func(e Replace) bool {
			first, _, _ := strings.Cut(strings.TrimSpace(e.Old), "\n")
			return !slices.Contains(paths, e.Path) || first == "" || e.Old == e.New || !strings.Contains(sent, strings.TrimSpace(first)) || strings.Contains(e.New, "[secret ")
		})
		if wrong || len(c.Edits) == 0 {
			continue
		}
		if forbidden(c.Explanation) {
			c.Explanation = ""
		}
		c.Explanation, c.Confidence = clean(c.Explanation, 400), min(max(c.Confidence, 0), 1)
		out = append(out, c)
	}
	return out, len(out) > 0
}
