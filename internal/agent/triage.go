package agent

import (
	"encoding/json"
	"fmt"
	"strings"

	"keepgreen/internal/ci"
)

// Context is what is known beside the clusters.
type Context struct {
	Mask func(string) string      // replaces what changes from run to run; nil: nothing is replaced
	Code func(ci.Position) string // the lines around a place of the repository; nil: none
}

const (
	maxClusters = 12
	maxMembers  = 5
	maxText     = 900 // bytes of one message
)

// AskTriage asks for the plain-language cause of each cluster and what to do.
func AskTriage(clusters []ci.Cluster, about Context) Question[map[string]ci.Opinion] {
	var ids []string
	var data strings.Builder
	for _, c := range clusters[:min(len(clusters), maxClusters)] {
		ids = append(ids, c.ID)
		describe(&data, c, about)
	}
	if rest := len(clusters) - len(ids); rest > 0 {
		fmt.Fprintf(&data, "(%d smaller clusters are not shown)\n", rest)
	}
	item := Schema{Type: "object", Fields: map[string]Schema{
		"id":         {Type: "string", Enum: ids},
		"cause":      {Type: "string", Most: 400, Doc: "why it fails, for a developer who has not seen the log"},
		"fix":        {Type: "string", Most: 400, Doc: "the change that would mend it; empty where the data does not show one"},
		"confidence": {Type: "number", Max: 1, Doc: "0 to 1 that the cause is right"},
		"evidence":   {Type: "string", Most: 400, Doc: "one line of the data of this cluster, word for word, that shows the cause"},
	}}
	return Question[map[string]ci.Opinion]{
		Kind:   "triage",
		Task:   "Each cluster below is failures with one cause, as a deterministic engine found them. Say for each, in plain words, why it fails and what would mend it.",
		Data:   data.String(),
		Schema: Schema{Type: "object", Fields: map[string]Schema{"clusters": {Type: "array", Most: maxClusters, Items: &item}}},
		Check:  checkTriage,
	}
}

// section begins a cluster; it is what the answer is held against.
func section(id string) string { return "## cluster " + id + "\n" }

func describe(b *strings.Builder, c ci.Cluster, about Context) {
	b.WriteString(section(c.ID))
	fmt.Fprintf(b, "class: %s, kind: %s, failures: %d, whose: %s\nfound: %s\n", c.Cause.Class, c.Kind, len(c.Members), c.Whose, excerpt(c.Cause.Sentence, maxText))
	if len(c.Members) == 0 {
		return
	}
	for _, m := range c.Members[:min(len(c.Members), maxMembers)] {
		fmt.Fprintf(b, "failing: %s\n", excerpt(m.Name(), 200))
	}
	first := c.Members[0]
	message := first.Message
	if about.Mask != nil {
		message = mask(message, about.Mask)
	}
	fmt.Fprintf(b, "message:\n%s\n", excerpt(message, maxText))
	for _, fr := range first.Frames[max(0, len(first.Frames)-4):] {
		fmt.Fprintf(b, "frame: %s %s\n", fr.Position, excerpt(fr.Code, 160))
	}
	if about.Code != nil {
		at := c.Cause.Pos
		if at.IsZero() {
			at = first.Pos
		}
		if code := about.Code(at); code != "" {
			fmt.Fprintf(b, "code at %s:\n%s\n", at, excerpt(code, maxText))
		}
	}
}

func mask(text string, replace func(string) string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = replace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// excerpt keeps the beginning and the end of a long text.
func excerpt(text string, most int) string {
	text = strings.ToValidUTF8(strings.TrimSpace(text), "?")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most*2/3], "") + " … " + strings.ToValidUTF8(text[len(text)-most/3:], "")
}

// checkTriage keeps of each opinion what the cluster's own data supports. An
// opinion whose evidence is no line of the data is dropped whole.
func checkTriage(reply json.RawMessage, sent string) (map[string]ci.Opinion, bool) {
	var doc struct {
		Clusters []struct {
			ID, Cause, Fix, Evidence string
			Confidence               float64
		}
	}
	if json.Unmarshal(reply, &doc) != nil {
		return nil, false
	}
	out := map[string]ci.Opinion{}
	for _, c := range doc.Clusters {
		_, data, found := strings.Cut(sent, section(c.ID))
		if !found {
			continue
		}
		data, _, _ = strings.Cut(data, "\n## cluster ")
		evidence := strings.TrimSpace(c.Evidence)
		if len(evidence) < 8 || !strings.Contains(data, evidence) || !supported(c.Cause, data) {
			continue
		}
		o := ci.Opinion{Cause: clean(c.Cause, 400), Confidence: min(max(c.Confidence, 0), 1)}
		if supported(c.Fix, data) {
			o.Fix = clean(c.Fix, 400)
		}
		if o.Cause != "" {
			out[c.ID] = o
		}
	}
	return out, len(out) > 0
}
