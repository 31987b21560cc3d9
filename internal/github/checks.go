package github

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v92/github"
)

// MaxAnnotations is how many annotations one request may carry.
const MaxAnnotations = 50

// What a check run takes (docs.github.com/rest/checks/runs); longer texts are cut.
const (
	maxOutput  = 65535      // characters of summary and text
	maxTitle   = 255        // characters of a title
	maxMessage = 64<<10 - 1 // bytes of a message
)

// Check is a check run on a commit.
type Check struct {
	Name, HeadSHA string
	Conclusion    string // "success", "failure", "neutral" …; empty: still in progress
	Title         string
	Summary, Text string // Markdown, 65,535 characters each
	DetailsURL    string
	Key           string // external_id: a check with the same name, commit and key is updated
	Annotations   []CheckAnnotation
}

// CheckAnnotation is a remark on lines of a file.
type CheckAnnotation struct {
	Path               string
	StartLine, EndLine int
	StartCol, EndCol   int    // only where both lines are one
	Level              string // "notice", "warning", "failure"
	Title, Message     string
	Raw                string
}

// PutCheck creates the check, or updates the one of ours that has its name,
// commit and key. Annotations that are there already are not repeated.
func (c *Client) PutCheck(ctx context.Context, check Check) (id int64, err error) {
	have, err := c.findCheck(ctx, check)
	if err != nil {
		return 0, err
	}
	left := annotationsOf(check)
	if have == nil {
		made, _, err := c.api.Checks.CreateCheckRun(ctx, c.repo.Owner, c.repo.Name, gh.CreateCheckRunOptions{
			Name: check.Name, HeadSHA: check.HeadSHA, DetailsURL: optional(check.DetailsURL), ExternalID: optional(check.Key),
			Status: new(statusOf(check)), Conclusion: optional(check.Conclusion), Output: outputOf(check, first(&left)),
		})
		if err != nil {
			return 0, did(err, "create check %q", check.Name)
		}
		have = made
	} else {
		if left, err = c.unsaid(ctx, have.GetID(), left); err != nil {
			return have.GetID(), err
		}
		if err := c.updateCheck(ctx, have.GetID(), check, first(&left)); err != nil {
			return have.GetID(), err
		}
	}
	for len(left) > 0 {
		if err := c.updateCheck(ctx, have.GetID(), check, first(&left)); err != nil {
			return have.GetID(), err
		}
	}
	return have.GetID(), nil
}

func (c *Client) findCheck(ctx context.Context, check Check) (*gh.CheckRun, error) {
	if check.Key == "" {
		return nil, nil
	}
	options := &gh.ListCheckRunsOptions{CheckName: new(check.Name), ListOptions: gh.ListOptions{PerPage: 100}}
	runs, _, err := c.api.Checks.ListCheckRunsForRef(ctx, c.repo.Owner, c.repo.Name, check.HeadSHA, options)
	if err != nil {
		return nil, did(err, "list the checks of %s", check.HeadSHA)
	}
	for _, run := range runs.CheckRuns {
		if run.GetExternalID() == check.Key {
			return run, nil
		}
	}
	return nil, nil
}

// unsaid leaves out the annotations that a check has.
func (c *Client) unsaid(ctx context.Context, id int64, all []*gh.CheckRunAnnotation) ([]*gh.CheckRunAnnotation, error) {
	said := map[string]bool{}
	for one, err := range c.api.Checks.ListCheckRunAnnotationsIter(ctx, c.repo.Owner, c.repo.Name, id, &gh.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, did(err, "list the annotations of check %d", id)
		}
		said[annotationKey(one)] = true
	}
	return slices.DeleteFunc(all, func(a *gh.CheckRunAnnotation) bool { return said[annotationKey(a)] }), nil
}

func annotationKey(a *gh.CheckRunAnnotation) string {
	return a.GetPath() + "\x00" + a.GetTitle() + "\x00" + a.GetMessage() + "\x00" + time.Duration(a.GetStartLine()).String()
}

func (c *Client) updateCheck(ctx context.Context, id int64, check Check, some []*gh.CheckRunAnnotation) error {
	_, _, err := c.api.Checks.UpdateCheckRun(ctx, c.repo.Owner, c.repo.Name, id, gh.UpdateCheckRunOptions{
		Name: check.Name, DetailsURL: optional(check.DetailsURL), ExternalID: optional(check.Key),
		Status: new(statusOf(check)), Conclusion: optional(check.Conclusion), Output: outputOf(check, some),
	})
	return did(err, "update check %q", check.Name)
}

// first takes the annotations of one request off a list.
func first(left *[]*gh.CheckRunAnnotation) []*gh.CheckRunAnnotation {
	n := min(len(*left), MaxAnnotations)
	some := (*left)[:n]
	*left = (*left)[n:]
	return some
}

func statusOf(check Check) string {
	if check.Conclusion == "" {
		return "in_progress"
	}
	return "completed"
}

func outputOf(check Check, some []*gh.CheckRunAnnotation) *gh.CheckRunOutput {
	return &gh.CheckRunOutput{
		Title: new(runes(check.Title, maxTitle)), Summary: new(runes(check.Summary, maxOutput)), Text: optional(runes(check.Text, maxOutput)), Annotations: some,
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// runes cuts a text to so many characters.
func runes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// bytesOf cuts a text to so many bytes, between two characters.
func bytesOf(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// basic spells characters of four bytes as escapes: annotations with them end in
// a server error (EnricoMi/publish-unit-test-result-action escapes them too).
func basic(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r > 0xFFFF {
			fmt.Fprintf(&b, `\U%08x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func annotationsOf(check Check) []*gh.CheckRunAnnotation {
	var out []*gh.CheckRunAnnotation
	for _, a := range check.Annotations {
		one := &gh.CheckRunAnnotation{
			Path: new(a.Path), StartLine: new(max(a.StartLine, 1)), EndLine: new(max(a.EndLine, a.StartLine, 1)),
			AnnotationLevel: new(a.Level), Title: optional(runes(basic(a.Title), maxTitle)), Message: new(bytesOf(basic(a.Message), maxMessage)), RawDetails: optional(bytesOf(basic(a.Raw), maxMessage)),
		}
		if a.StartCol > 0 && a.EndCol >= a.StartCol && one.GetStartLine() == one.GetEndLine() {
			one.StartColumn, one.EndColumn = new(a.StartCol), new(a.EndCol)
		}
		out = append(out, one)
	}
	return out
}

// UploadSARIF hands a SARIF document to code scanning, which shows 5,000
// results of it.
func (c *Client) UploadSARIF(ctx context.Context, commit, ref string, document []byte) (id string, err error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(document); err != nil {
		return "", did(err, "pack SARIF")
	}
	if err := z.Close(); err != nil {
		return "", did(err, "pack SARIF")
	}
	made, _, err := c.api.CodeScanning.UploadSarif(ctx, c.repo.Owner, c.repo.Name, gh.SarifAnalysis{
		CommitSHA: commit, Ref: ref, Sarif: base64.StdEncoding.EncodeToString(packed.Bytes()), ToolName: new("keepgreen"),
	})
	if err != nil {
		return "", did(err, "upload SARIF")
	}
	return made.GetID(), nil
}
