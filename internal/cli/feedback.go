package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"keepgreen/internal/agent"
	"keepgreen/internal/ci"
	"keepgreen/internal/feedback"
	"keepgreen/internal/render"
)

type feedbackCommand struct {
	aiFlags
	Input    []string `help:"Where the artifacts of the run are: the documents of earlier jobs, reports, logs. Without it: artifacts, reports and ai_analysis, those that are there." placeholder:"DIR" sep:"none"`
	Needs    string   `setting:"NEEDS_JSON" help:"The needs context of the job (toJSON(needs)), or a file that holds it." placeholder:"JSON"`
	Out      string   `default:"ci_feedback.md" help:"Where the comment goes as a file, relative to the repository." placeholder:"FILE"`
	Post     bool     `help:"Put the comment on the pull request."`
	Check    bool     `key:"feedback.check" help:"Put a check run with annotations on the commit too."`
	When     string   `key:"feedback.comment" enum:"auto,always,off" default:"auto" help:"When there is a comment: ${enum}. auto is silent while all is green and nothing was said before." placeholder:"auto|always|off"`
	Repo     string   `help:"The repository on GitHub. Without it: the workflow's." placeholder:"OWNER/NAME"`
	PR       int      `name:"pr" help:"The pull request. Without it: the one that GitHub names for the event or the run." placeholder:"N"`
	RunID    int64    `name:"run" help:"The workflow run that this is about: its artifacts are downloaded where no --input is given. Without it: the run that started a workflow_run workflow, else this one." placeholder:"ID"`
	Received bool     `help:"Say how people took the comment instead: reactions and replies."`
	DryRun   bool     `help:"Print what would be written and posted, and do not."`
}

// told is the document of the command.
type told struct {
	Body      string `json:"body"`
	Posted    bool   `json:"posted"`
	CommentID *int64 `json:"comment_id"`
	Verdict   string `json:"verdict"`
	Result    string `json:"result"` // what became of the comment, in a word
	Why       string `json:"why,omitempty"`
	Pull      *int   `json:"pull_request"`
	URL       string `json:"url,omitempty"`
}

// Run gathers what a run's jobs found, composes what the pull request is told,
// and tells it.
func (c *feedbackCommand) Run(s *session) error {
	about, err := c.place(s)
	if err != nil {
		return err
	}
	defer about.cleanUp()
	if c.Received {
		return c.received(s, about)
	}
	found, notes, err := c.gather(s, about)
	if err != nil {
		return err
	}
	view := c.compose(s, about, found)
	view.Notes = append(view.Notes, notes...)
	if c.ShowPrompt {
		return nil
	}
	actions := c.plan(about, view)
	if c.DryRun {
		return c.print(s, about, view, actions)
	}
	return c.act(s, about, view, actions)
}

// compose is the analysis and the decision: from findings to what is said.
func (c *feedbackCommand) compose(s *session, about *pullPlace, found ci.Findings) render.FeedbackView {
	view := render.FeedbackView{
		Findings: found, Verdict: feedback.Verdict(found), Head: about.head, Attempt: about.attempt, Run: about.runURL, Notes: about.notes,
		Mute: "mute: label " + muteLabel + ", or feedback.comment in keepgreen.yaml",
	}
	if about.repo != "" {
		view.Repo = s.serverURL() + "/" + about.repo
	}
	if about.run != 0 {
		view.RunID = strconv.FormatInt(about.run, 10)
	}
	view.Prose, view.AI = c.prose(s, view)
	return view
}

// prose is the model's text about what was found, where there is a model.
func (c *feedbackCommand) prose(s *session, view render.FeedbackView) (render.Prose, string) {
	adviser, err := s.advisor(c.aiFlags)
	if err != nil {
		return render.Prose{}, "without AI: " + err.Error()
	}
	if len(view.Clusters) == 0 && view.Verdict == ci.VerdictPass {
		return render.Prose{}, "without AI" // there is nothing to explain
	}
	facts := render.FeedbackFacts(view)
	text, model, ok := ask(s.ctx, adviser, agent.AskProse("feedback", proseTask, facts))
	said := adviser.said()
	if !ok && adviser.client == nil {
		if said != "" {
			fmt.Fprintln(s.Stderr, said)
		}
		return render.Prose{}, "without AI"
	}
	if !ok {
		return render.Prose{}, "without AI: " + said
	}
	prose := render.Prose{Summary: text.Summary, Points: text.Points}
	return prose, "with AI (" + model + "): " + strings.TrimPrefix(said, "AI: ")
}

const proseTask = "Explain this CI run to the author of the pull request: what broke, whether it is theirs, and what to do first. " +
	"Write at most 200 words, plainly, without greeting or praise that the facts do not support. Name files, tests and figures exactly as the facts do."

// marker is what the comment carries unseen.
func (p *pullPlace) marker(view render.FeedbackView) feedback.Marker {
	m := feedback.Marker{Key: feedback.Key(p.workflow), Run: p.run, Attempt: p.attempt, SHA: p.head, Verdict: view.Verdict}
	ids, titles := render.FeedbackFindings(view)
	for i := range ids {
		m.Found = append(m.Found, feedback.Found{ID: ids[i], Title: titles[i]})
	}
	return m
}

// body is the comment as it is posted over what stands there.
func (p *pullPlace) body(view render.FeedbackView, have string) string {
	mine := p.marker(view)
	if before, ok := feedback.ParseMarker(have); ok {
		mine = mine.After(before)
		view.Was, view.Resolved = mine.Was, mine.Resolved()
		if p.run == 0 { // nobody's run: it keeps the place of the one that was there
			mine.Run, mine.Attempt = before.Run, before.Attempt
		}
	}
	return mine.String() + "\n" + render.FeedbackMarkdown(view)
}

// The kinds of action that feedback plans.
const (
	actionFile    = "write_file"
	actionSummary = "step_summary"
	actionComment = "comment"
	actionCheck   = "check_run"
)

// plan is what there is to do, as data.
func (c *feedbackCommand) plan(about *pullPlace, view render.FeedbackView) []ci.Action {
	body := about.body(view, "")
	actions := []ci.Action{
		{Kind: actionFile, Key: "file " + c.Out, Path: c.Out, Body: []byte(body)},
		{Kind: actionSummary, Key: "summary", Body: []byte(render.FeedbackSummary(view))},
	}
	if c.Check && about.head != "" && about.repo != "" {
		actions = append(actions, ci.Action{Kind: actionCheck, Key: "keepgreen/" + feedback.Key(about.workflow), Path: about.repo + "@" + about.head, Body: []byte(render.FeedbackSummary(view))})
	}
	if c.Post && about.pull != 0 {
		target := about.repo + "#" + strconv.Itoa(about.pull)
		actions = append(actions, ci.Action{Kind: actionComment, Key: "comment " + target + " " + feedback.Key(about.workflow), Path: target, Body: []byte(body)})
	}
	return actions
}

// print is the dry run: the actions as they are.
func (c *feedbackCommand) print(s *session, about *pullPlace, view render.FeedbackView, actions []ci.Action) error {
	if s.Format == "json" {
		return writeJSON(s.Stdout, about.told(view, outcome{what: "dry-run"}))
	}
	for _, a := range actions {
		fmt.Fprintf(s.Stdout, "%s: %s (%d bytes)\n", a.Kind, render.Visible(cmp.Or(a.Path, a.Key)), len(a.Body))
	}
	_, err := fmt.Fprintf(s.Stdout, "\n%s", render.VisibleLines(about.body(view, "")))
	return err
}

// act does what was planned, and says what became of it.
func (c *feedbackCommand) act(s *session, about *pullPlace, view render.FeedbackView, actions []ci.Action) error {
	var result outcome
	for _, a := range actions {
		var err error
		switch a.Kind {
		case actionFile:
			err = replaceFile(s.baselinePath(a.Path), func(w io.Writer) error { _, err := w.Write(a.Body); return err })
			if err != nil {
				err = noAnswerf("", "%s: %w", a.Path, bare(err))
			}
		case actionSummary:
			err = s.summarise(a.Body)
		case actionCheck:
			err = c.check(s, about, view, a)
		case actionComment:
			result, err = c.comment(s, about, view)
		}
		if err != nil {
			return err
		}
	}
	if c.Post && about.pull == 0 {
		result = outcome{what: "nothing", why: "no pull request is known for this run"}
	}
	if err := c.fallBack(s, view, result); err != nil {
		return err
	}
	return c.tell(s, about, view, result)
}

func (s *session) summarise(text []byte) error {
	path := s.Env["GITHUB_STEP_SUMMARY"]
	if path == "" {
		return nil
	}
	if err := appendFile(path, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
	}
	return nil
}

// fallBack: where no comment could be made, the findings are annotations of the
// run, which need no permission.
func (c *feedbackCommand) fallBack(s *session, view render.FeedbackView, result outcome) error {
	if result.what != "refused" || s.Env["GITHUB_ACTIONS"] != "true" {
		return nil
	}
	if err := render.Annotations(s.Stderr, render.View{Clusters: view.Clusters}); err != nil {
		return noAnswerf("", "annotations: %w", err)
	}
	return nil
}

// tell prints the answer.
func (c *feedbackCommand) tell(s *session, about *pullPlace, view render.FeedbackView, result outcome) error {
	doc := about.told(view, result)
	if path := s.Env["GITHUB_OUTPUT"]; path != "" {
		outputs := []render.Output{{Name: "posted", Value: strconv.FormatBool(doc.Posted)}, {Name: "verdict", Value: doc.Verdict}}
		if err := appendFile(path, func(w io.Writer) error { return render.Outputs(w, outputs) }); err != nil {
			return noAnswerf("", "GITHUB_OUTPUT: %w", err)
		}
	}
	if s.Format == "json" {
		return writeJSON(s.Stdout, doc)
	}
	fmt.Fprintln(s.Stdout, render.Visible(render.FeedbackHeadline(view)))
	line := filepath.ToSlash(c.Out)
	if result.what != "" {
		line += "; comment: " + result.what
	}
	if result.why != "" {
		line += " (" + result.why + ")"
	}
	if doc.URL != "" {
		line += " " + doc.URL
	}
	_, err := fmt.Fprintln(s.Stdout, render.Visible(line))
	return err
}

func (p *pullPlace) told(view render.FeedbackView, result outcome) told {
	doc := told{Body: p.body(view, ""), Verdict: string(cmp.Or(view.Verdict, ci.VerdictNoData)), Result: cmp.Or(result.what, "not asked"), Why: result.why, URL: result.url}
	if result.body != "" {
		doc.Body = result.body
	}
	doc.Posted = result.what == "created" || result.what == "edited" || result.what == "unchanged" && result.id != 0
	if result.id != 0 {
		doc.CommentID = &result.id
	}
	if p.pull != 0 {
		doc.Pull = &p.pull
	}
	return doc
}
