package cli

import (
	"errors"
	"fmt"

	"keepgreen/internal/ci"
	"keepgreen/internal/feedback"
	"keepgreen/internal/github"
	"keepgreen/internal/render"
)

// outcome is what became of the comment.
type outcome struct {
	what, why string
	id        int64
	url, body string
}

// forgeError says what to do about an answer of GitHub.
func forgeError(err error) error {
	var limit *github.LimitError
	switch {
	case errors.As(err, &limit):
		return noAnswerf("it is free again at "+limit.Until.UTC().Format("15:04:05 UTC"), "%w", err)
	case errors.Is(err, github.ErrUnauthorized):
		return noAnswerf("GITHUB_TOKEN or GH_TOKEN has to hold a valid token", "%w", err)
	case errors.Is(err, github.ErrForbidden):
		return noAnswerf("give the job's token the permissions: contents: read, actions: read, pull-requests: write", "%w", err)
	}
	return noAnswerf("", "%w", err)
}

// comment puts the comment on the pull request. A token that may not is no
// failure: the summary and the annotations say the same.
func (c *feedbackCommand) comment(s *session, about *pullPlace, view render.FeedbackView) (outcome, error) {
	switch {
	case about.muted != "":
		return outcome{what: "muted", why: about.muted}, nil
	case c.When == "off":
		return outcome{what: "muted", why: "feedback.comment is off"}, nil
	}
	login, err := about.client.Login(s.ctx)
	if err != nil {
		return refused(err)
	}
	mine := about.marker(view)
	kept, what, err := about.client.KeepComment(s.ctx, about.pull, github.Sticky{
		Login: login,
		Ours: func(body string) bool {
			m, ok := feedback.ParseMarker(body)
			return ok && m.Key == mine.Key
		},
		Newer: func(have string) bool {
			m, ok := feedback.ParseMarker(have)
			return !ok || about.run == 0 || !mine.Before(m)
		},
		Body: func(have string) (string, error) {
			if have == "" && c.When == "auto" && feedback.Silent(view.Findings, view.Verdict, nil) {
				return "", nil
			}
			return about.body(view, have), nil
		},
	})
	if err != nil {
		return refused(err)
	}
	out := outcome{what: what, id: kept.ID, url: kept.URL, body: kept.Body}
	switch what {
	case github.StickyNothing:
		out.why = "all is green and nothing was said before"
	case github.StickyNewer:
		out.why = "a newer run has written it"
	}
	return out, nil
}

// refused sorts out the errors that are a matter of permission.
func refused(err error) (outcome, error) {
	switch {
	case errors.Is(err, github.ErrForbidden), errors.Is(err, github.ErrNotFound):
		return outcome{what: "refused", why: "the token may not comment here; the run's summary and annotations say the same"}, nil
	default:
		return outcome{}, forgeError(err)
	}
}

// check puts the check run with its annotations on the commit.
func (c *feedbackCommand) check(s *session, about *pullPlace, view render.FeedbackView, a ci.Action) error {
	check := github.Check{
		Name: "keepgreen", HeadSHA: about.head, Key: a.Key, Conclusion: conclusionOf(view.Verdict), Title: render.FeedbackHeadline(view),
		Summary: render.FeedbackMarkdown(view), DetailsURL: about.runURL,
	}
	for _, one := range render.AnnotateAll(render.View{Clusters: view.Clusters}, 500) {
		if one.Pos.File == "" || one.Pos.Line <= 0 {
			continue
		}
		check.Annotations = append(check.Annotations, github.CheckAnnotation{
			Path: one.Pos.File, StartLine: one.Pos.Line, EndLine: max(one.Pos.EndLine, one.Pos.Line), Level: levelOf(one.Level),
			Title: render.Visible(one.Title), Message: render.VisibleLines(one.Message),
		})
	}
	_, err := about.client.PutCheck(s.ctx, check)
	if errors.Is(err, github.ErrForbidden) || errors.Is(err, github.ErrNotFound) {
		_, err = fmt.Fprintln(s.Stderr, "the check run was refused: the job's token needs checks: write, and must be a workflow's or an app's")
		return err
	}
	if err != nil {
		return forgeError(err)
	}
	return nil
}

func conclusionOf(v ci.Verdict) string {
	switch v {
	case ci.VerdictPass:
		return "success"
	case ci.VerdictFail:
		return "failure"
	case ci.VerdictWarn, ci.VerdictInherited, ci.VerdictNoData:
	}
	return "neutral"
}

func levelOf(l render.Level) string {
	switch l {
	case render.LevelError:
		return "failure"
	case render.LevelWarning:
		return "warning"
	case render.LevelNotice:
	}
	return "notice"
}
