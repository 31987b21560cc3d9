package cli

import (
	"encoding/json"
	"regexp"
	"strings"

	"keepgreen/internal/agent"
	"keepgreen/internal/render"
)

const archTask = "Explain this architecture scan to the team that owns the code: what keeps it from being healthier, why that hurts them, and what to do first. " +
	"Write at most 200 words, plainly. Name modules, files, functions and figures exactly as the facts do, and no others."

// prose has a model put the findings into words, where there is a model. shown
// is true where the question was to be shown and nothing else.
func (c *archCommand) prose(s *session, view *render.ArchView) (shown bool, err error) {
	adviser, err := s.advisor(c.aiFlags)
	if err != nil {
		return false, err
	}
	question := agent.AskProse("arch", archTask, render.ArchFacts(*view))
	question.Check = onlyNames(question.Check, render.ArchNames(*view))
	text, model, ok := ask(s.ctx, adviser, question)
	if ok {
		view.Prose, view.Model = render.Prose{Summary: text.Summary, Points: text.Points}, model
	}
	view.AI = adviser.said()
	return c.ShowPrompt, nil
}

// onlyNames drops, of a text that passed a check, what names a module, a file or
// a function that is not there: that the word is part of one is not enough.
func onlyNames(check func(json.RawMessage, string) (agent.Prose, bool), known func(word string) bool) func(json.RawMessage, string) (agent.Prose, bool) {
	word := regexp.MustCompile(`[\w-]+(?:[./][\w-]+)+`)
	number := regexp.MustCompile(`^[\d./-]+$`)
	real := func(text string) bool {
		for _, name := range word.FindAllString(text, -1) {
			if !known(name) && !number.MatchString(name) {
				return false
			}
		}
		return true
	}
	return func(reply json.RawMessage, sent string) (agent.Prose, bool) {
		text, ok := check(reply, sent)
		if !ok {
			return text, false
		}
		kept := agent.Prose{Dropped: text.Dropped}
		if real(text.Summary) {
			kept.Summary = text.Summary
		}
		for _, point := range text.Points {
			if real(point) {
				kept.Points = append(kept.Points, point)
			}
		}
		return kept, strings.TrimSpace(kept.Summary) != "" || len(kept.Points) > 0
	}
}
