package githubtest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// Check is a check run.
type Check struct {
	ID                   int64
	Name, HeadSHA, Key   string
	Status, Conclusion   string
	Title, Summary, Text string
	Annotations          []Annotation
	by                   string
}

// Annotation is one annotation of a check run.
type Annotation struct {
	Path    string `json:"path"`
	Start   int    `json:"start_line"`
	End     int    `json:"end_line"`
	Level   string `json:"annotation_level"`
	Title   string `json:"title,omitempty"`
	Message string `json:"message"`
	Raw     string `json:"raw_details,omitempty"`
	Column  int    `json:"start_column,omitempty"`
	ToCol   int    `json:"end_column,omitempty"`
}

type checkSent struct {
	Name       *string `json:"name"`
	HeadSHA    string  `json:"head_sha"`
	Key        *string `json:"external_id"`
	Status     *string `json:"status"`
	Conclusion *string `json:"conclusion"`
	Output     *struct {
		Title       string       `json:"title"`
		Summary     string       `json:"summary"`
		Text        string       `json:"text"`
		Annotations []Annotation `json:"annotations"`
	} `json:"output"`
}

// Checks are the check runs on a commit.
func (r *Repo) Checks(sha string) []Check {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []Check
	for _, c := range r.checks {
		if c.HeadSHA == sha {
			out = append(out, *c)
		}
	}
	return out
}

func (r *request) checkDoc(c *Check) map[string]any {
	doc := map[string]any{
		"id": c.ID, "name": c.Name, "head_sha": c.HeadSHA, "external_id": c.Key, "status": c.Status, "html_url": r.link("/runs/%d", c.ID),
		"output": map[string]any{"title": c.Title, "summary": c.Summary, "text": c.Text, "annotations_count": len(c.Annotations)},
	}
	if c.Conclusion != "" {
		doc["conclusion"] = c.Conclusion
	}
	return doc
}

func (r *request) createCheck() reply {
	if !r.actor.Bot {
		return problem(http.StatusForbidden, "You must authenticate via a GitHub App.")
	}
	var sent checkSent
	r.decode(&sent)
	if r.repo.commits[sent.HeadSHA] == nil {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+sent.HeadSHA)
	}
	c := &Check{ID: r.s.id(), HeadSHA: sent.HeadSHA, Status: "queued", by: r.actor.Login}
	if refused := fill(c, sent); refused != nil {
		return *refused
	}
	r.repo.checks = append(r.repo.checks, c)
	return created(r.checkDoc(c))
}

func (r *request) findCheck() *Check {
	for _, c := range r.repo.checks {
		if c.ID == r.number("check_run_id") {
			return c
		}
	}
	return nil
}

func (r *request) updateCheck() reply {
	c := r.findCheck()
	if c == nil || c.by != r.actor.Login {
		return notFound()
	}
	var sent checkSent
	r.decode(&sent)
	if refused := fill(c, sent); refused != nil {
		return *refused
	}
	return ok(r.checkDoc(c))
}

// fill puts what was sent into the check, within the limits. Annotations are
// added to those that are there; everything else is replaced.
func fill(c *Check, sent checkSent) *reply {
	if out := sent.Output; out != nil {
		if refused := outputLimits(out.Summary, out.Text, out.Annotations); refused != nil {
			return refused
		}
		c.Title, c.Summary, c.Text = out.Title, out.Summary, out.Text
		c.Annotations = append(c.Annotations, out.Annotations...)
	}
	for from, to := range map[**string]*string{&sent.Name: &c.Name, &sent.Key: &c.Key, &sent.Status: &c.Status, &sent.Conclusion: &c.Conclusion} {
		if *from != nil {
			*to = **from
		}
	}
	if c.Status == "completed" && c.Conclusion == "" {
		no := invalid("CheckRun", "conclusion", "missing_field", "")
		return &no
	}
	if c.Conclusion != "" {
		c.Status = "completed"
	}
	return nil
}

func outputLimits(summary, text string, annotations []Annotation) *reply {
	refuse := func(field, message string) *reply {
		no := invalid("CheckRun", field, "custom", message)
		return &no
	}
	if utf8.RuneCountInString(summary) > maxOutput || utf8.RuneCountInString(text) > maxOutput {
		return refuse("output", "Only 65535 characters are allowed")
	}
	if len(annotations) > maxAnnotations {
		no := problem(http.StatusUnprocessableEntity, fmt.Sprintf("Invalid request.\n\nNo more than 50 items are allowed; %d were supplied.", len(annotations)))
		return &no
	}
	for _, a := range annotations {
		switch {
		case len(a.Message) > maxAnnotation || len(a.Raw) > maxAnnotation:
			return refuse("annotations", "message exceeds 64 KB")
		case utf8.RuneCountInString(a.Title) > maxTitle:
			return refuse("annotations", "title is too long (maximum is 255 characters)")
		case a.End < a.Start || a.Start < 1:
			return refuse("annotations", "end_line must not be before start_line")
		case a.Column > 0 && a.Start != a.End:
			return refuse("annotations", "start_column is only allowed on one line")
		case beyond(a.Title) || beyond(a.Message) || beyond(a.Raw):
			// EnricoMi/publish-unit-test-result-action escapes them for this reason.
			no := problem(http.StatusInternalServerError, "Server Error")
			return &no
		}
	}
	return nil
}

// beyond reports characters that take four bytes.
func beyond(s string) bool {
	for _, r := range s {
		if r > 0xFFFF {
			return true
		}
	}
	return false
}

func (r *request) annotations() reply {
	c := r.findCheck()
	if c == nil {
		return notFound()
	}
	var out []map[string]any
	for _, a := range c.Annotations {
		data, err := json.Marshal(a)
		one := map[string]any{}
		if err != nil || json.Unmarshal(data, &one) != nil {
			r.s.t.Errorf("githubtest: annotation: %v", err)
		}
		out = append(out, one)
	}
	return list(r, out)
}

func (r *request) checks() reply {
	sha := r.repo.resolve(r.PathValue("ref"))
	if sha == "" {
		return problem(http.StatusUnprocessableEntity, "No commit found for SHA: "+r.PathValue("ref"))
	}
	name := r.URL.Query().Get("check_name")
	var out []map[string]any
	for _, c := range r.repo.checks {
		if c.HeadSHA == sha && (name == "" || c.Name == name) {
			out = append(out, r.checkDoc(c))
		}
	}
	return counted(r, "check_runs", out)
}

// SARIF is a document that was uploaded.
type SARIF struct {
	Commit, Ref string
	Document    []byte
}

// SARIFs are the documents that were uploaded.
func (r *Repo) SARIFs() []SARIF {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return append([]SARIF(nil), r.sarifs...)
}

func (r *request) uploadSARIF() reply {
	zipped, err := base64.StdEncoding.DecodeString(r.text("sarif"))
	if err != nil {
		return problem(http.StatusBadRequest, "sarif is not base64")
	}
	if len(zipped) > 10<<20 {
		return problem(http.StatusRequestEntityTooLarge, "SARIF upload too large")
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return problem(http.StatusBadRequest, "sarif is not gzip")
	}
	document, err := io.ReadAll(unpacked)
	if err != nil || !json.Valid(document) {
		return problem(http.StatusBadRequest, "sarif is not JSON")
	}
	r.repo.sarifs = append(r.repo.sarifs, SARIF{r.text("commit_sha"), r.text("ref"), document})
	return reply{status: http.StatusAccepted, body: map[string]any{"id": "sarif-" + strconv.Itoa(len(r.repo.sarifs))}}
}
