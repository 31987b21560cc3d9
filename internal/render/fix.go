package render

import (
	"fmt"
	"io"
	"math"
	"path"
	"strings"
)

// ProposalsView is what "fix propose" found.
type ProposalsView struct {
	Proposals []Proposal   // the surest first
	Passed    []PassedOver // clusters without one, and why
	Threshold float64
	Note      string // about models
}

// Proposal is one way to mend a cluster.
type Proposal struct {
	ID, Cluster, Kind, Description, Patch string
	Confidence                            float64
	Because                               []string
	Sure                                  bool
}

// PassedOver is a cluster that nothing is proposed for.
type PassedOver struct{ Cluster, Cause, Why string }

type proposalDoc struct {
	ID          string   `json:"id"`
	Cluster     string   `json:"cluster"`
	Kind        string   `json:"kind"`
	Description string   `json:"description"`
	Patch       string   `json:"patch"`
	Confidence  number   `json:"confidence"`
	Because     []string `json:"because"`
	Sure        bool     `json:"sure"`
}

type passedDoc struct {
	Cluster string `json:"cluster"`
	Cause   string `json:"cause"`
	Why     string `json:"why"`
}

// ProposalsDocument writes the JSON document.
func ProposalsDocument(w io.Writer, v ProposalsView) error {
	doc := struct {
		Proposals  []proposalDoc `json:"proposals"`
		PassedOver []passedDoc   `json:"passed_over"`
		Threshold  number        `json:"threshold"`
		Note       string        `json:"note,omitempty"`
	}{[]proposalDoc{}, []passedDoc{}, number(v.Threshold), v.Note}
	for _, p := range v.Proposals {
		doc.Proposals = append(doc.Proposals, proposalDoc{p.ID, p.Cluster, p.Kind, p.Description, p.Patch, confidence(p.Confidence), list(p.Because), p.Sure})
	}
	for _, p := range v.Passed {
		doc.PassedOver = append(doc.PassedOver, passedDoc(p))
	}
	return encode(w, doc)
}

// ProposalOutputs are the outputs of the step: how many proposals there are, the
// highest confidence, and the patch that is to be verified, if any is.
func ProposalOutputs(v ProposalsView, dir string) []Output {
	best, file := 0.0, ""
	if len(v.Proposals) > 0 && v.Proposals[0].Confidence > 0 {
		best = v.Proposals[0].Confidence
		if best > v.Threshold {
			file = path.Join(dir, v.Proposals[0].ID+".patch")
		}
	}
	return []Output{
		{"proposals", fmt.Sprint(len(v.Proposals))},
		{"fix_confidence", fmt.Sprint(float64(confidence(best)))},
		{"patch", file},
	}
}

// ProposalsText says it for a person.
func ProposalsText(w io.Writer, v ProposalsView, o TextOptions) error {
	p := newPaper(o)
	if len(v.Proposals) == 0 {
		p.line("no repair to propose")
	}
	for i, x := range v.Proposals {
		p.line(fmt.Sprintf("%3d %s  %s", i+1, p.ink.bold(cut(Visible(x.Description), max(p.width-20, 20))), sureness(x.Confidence)))
		p.line("      " + p.ink.dim(Visible(x.Kind)+" for "+Visible(x.Cluster)))
		for _, why := range x.Because {
			for _, line := range wrap(Visible(why), p.width-8, 3) {
				p.line("      " + line)
			}
		}
		p.diff(x.Patch)
	}
	for _, x := range v.Passed {
		p.line("  – " + cut(Visible(x.Cause), p.width-6))
		p.line("      " + p.ink.dim(cut(Visible(x.Why), p.width-8)))
	}
	for _, line := range wrap(Visible(v.Note), p.width-2, 4) {
		p.line("  " + p.ink.dim(line))
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

// diff prints a patch without its header, at most 40 lines of it.
func (p *paper) diff(patch string) {
	_, body, found := strings.Cut(patch, "\n\n")
	if !found {
		return
	}
	n := 0
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "diff --git ") {
			continue
		}
		if n++; n > 40 {
			p.line("      …")
			return
		}
		text := cut(Visible(strings.TrimSuffix(line, "\n")), p.width-8)
		switch {
		case strings.HasPrefix(text, "+"):
			text = p.ink.green(text)
		case strings.HasPrefix(text, "-"):
			text = p.ink.red(text)
		}
		p.line("      " + text)
	}
}

// VerdictView is what became of trying a patch.
type VerdictView struct {
	ID, Cluster, Kind, Description, Patch string
	SHA256                                string // of the patch file
	Base                                  string // the commit that it was tried on
	Verified, Reproduced, Draft           bool
	Reruns                                int
	Confidence, Threshold                 float64
	N                                     int // outcomes of earlier repairs that the confidence rests on
	Because                               []string
	Before, After                         []string // what failed without and with the patch
}

// Goes reports whether the patch may go on to be published.
func (v VerdictView) Goes() bool { return v.Verified && v.Confidence > v.Threshold }

// Verdict is the document that verification hands on to publishing.
type Verdict struct {
	Verified    bool     `json:"verified"`
	Reproduced  bool     `json:"reproduced"`
	Reruns      int      `json:"reruns"`
	Confidence  float64  `json:"confidence"`
	Because     []string `json:"because"`
	Publish     bool     `json:"publish"`
	Draft       bool     `json:"draft"`
	N           int      `json:"n"`
	Threshold   float64  `json:"threshold"`
	ID          string   `json:"id"`
	Cluster     string   `json:"cluster"`
	Kind        string   `json:"kind"`
	Description string   `json:"description"`
	SHA256      string   `json:"sha256"`
	Base        string   `json:"base"`
	Before      []string `json:"failing_before"`
	After       []string `json:"failing_after"`
}

// VerdictDocument writes the JSON document.
func VerdictDocument(w io.Writer, v VerdictView) error {
	return encode(w, Verdict{
		Verified: v.Verified, Reproduced: v.Reproduced, Reruns: v.Reruns, Confidence: float64(confidence(v.Confidence)), Because: list(v.Because),
		Publish: v.Goes(), Draft: v.Draft, N: v.N, Threshold: v.Threshold, ID: v.ID, Cluster: v.Cluster, Kind: v.Kind, Description: v.Description,
		SHA256: v.SHA256, Base: v.Base, Before: list(v.Before), After: list(v.After),
	})
}

// VerdictOutputs are the outputs of the step.
func VerdictOutputs(v VerdictView) []Output {
	return []Output{
		{"verified", fmt.Sprint(v.Verified)},
		{"publish", fmt.Sprint(v.Goes())},
		{"fix_confidence", fmt.Sprint(float64(confidence(v.Confidence)))},
	}
}

// VerdictText says it for a person.
func VerdictText(w io.Writer, v VerdictView, o TextOptions) error {
	p := newPaper(o)
	word := p.ink.red("✗ not verified")
	switch {
	case v.Goes():
		word = p.ink.green("✓ verified")
	case v.Verified:
		word = p.ink.yellow("~ verified, and not sure enough")
	}
	p.line(word + "  " + p.ink.bold(cut(Visible(v.Description), p.width-20)))
	p.line(fmt.Sprintf("  confidence %.2f, published above %.2f", math.Floor(v.Confidence*100)/100, v.Threshold))
	for _, why := range v.Because {
		for i, line := range wrap(Visible(why), p.width-4, 4) {
			p.line(map[bool]string{true: "  – ", false: "    "}[i == 0] + line)
		}
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}
