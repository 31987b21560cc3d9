package agent

import "encoding/json"

// Prose is a text for a person: a summary and points.
type Prose struct {
	Summary string
	Points  []string
	Dropped int // claims that the facts did not support
}

// AskProse asks for a text about facts that were computed. A sentence that names
// what the facts do not hold, or a figure, is dropped.
func AskProse(kind, task, facts string) Question[Prose] {
	return Question[Prose]{
		Kind: kind, Task: task, Data: facts,
		Schema: Schema{Type: "object", Fields: map[string]Schema{
			"summary": {Type: "string", Most: 600, Doc: "one to three plain sentences"},
			"points":  {Type: "array", Most: 8, Items: &Schema{Type: "string", Most: 300}, Doc: "what to do, the most urgent first"},
		}},
		Check: checkProse,
	}
}

func checkProse(reply json.RawMessage, sent string) (Prose, bool) {
	var doc struct {
		Summary string
		Points  []string
	}
	if json.Unmarshal(reply, &doc) != nil {
		return Prose{}, false
	}
	var out Prose
	out.Summary, out.Dropped = keepSupported(clean(doc.Summary, 600), sent)
	for _, point := range doc.Points {
		kept, dropped := keepSupported(clean(point, 300), sent)
		out.Dropped += dropped
		if kept != "" {
			out.Points = append(out.Points, kept)
		}
	}
	return out, out.Summary != "" || len(out.Points) > 0
}
