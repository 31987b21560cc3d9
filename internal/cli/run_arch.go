package cli

import (
	"errors"
	"fmt"

	"keepgreen/internal/ci"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
)

// archRule is what a run makes of the architecture.
type archRule struct {
	Arch       bool     `key:"run.arch" default:"true" negatable:"" help:"Scan the architecture while the tools run, and say what the change makes worse."`
	ArchFailOn []string `key:"arch.fail_on" help:"Say no when: new-cycles, score-drop=X, min-score=X, broken-contracts." placeholder:"RULE"`
}

// archAnswer is what a scan came to.
type archAnswer struct {
	view render.ArchView
	err  error
}

// scan begins to scan while the tools run, which keep the processors less than
// busy. The answer is nil where none is wanted.
func (c *archRule) scan(s *session, f *facts) (chan archAnswer, error) {
	if _, err := policy.ArchRules(c.ArchFailOn); err != nil {
		return nil, usagef("", "arch.fail_on: %w", err)
	}
	if !c.Arch {
		return nil, nil
	}
	answer := make(chan archAnswer, 1)
	question := archQuestion{repo: f.repo, base: f.run.Base, churnSince: "1y", linter: s.archLinter(), cached: true}
	go func() {
		view, err := s.architecture(question)
		answer <- archAnswer{view, err}
	}()
	return answer, nil
}

// archLinter is whether import-linter's contracts count: what the file says, else yes.
func (s *session) archLinter() bool {
	v, set := s.conf.Lookup("arch.import_linter")
	return !set || v.Text == "true"
}

// archGate puts what the scan found into the view, and judges it where there
// are rules. A repository without a source file has no architecture; a scan that
// failed is a warning, and no pass of the rules.
func (c *archRule) archGate(s *session, f *facts, view *render.View) {
	if f.arch == nil {
		return
	}
	answer := <-f.arch
	rules, err := policy.ArchRules(c.ArchFailOn)
	switch {
	case s.ctx.Err() != nil || err != nil:
		return
	case errors.Is(answer.err, errNoSource):
		return
	case answer.err != nil:
		because := fmt.Sprintf("the architecture is not known: %s", answer.err)
		f.warn("%s", because)
		if len(rules) > 0 {
			view.Decisions = append(view.Decisions, ci.Decision{Gate: "arch", Verdict: ci.VerdictNoData, Because: []string{because}})
		}
		return
	}
	view.Arch = &answer.view
	if len(rules) > 0 {
		decision := policy.Architecture(rules, answer.view.Architecture, answer.view.Delta)
		if decision.Verdict == ci.VerdictFail {
			answer.view.Failed = decision.Because
		}
		view.Decisions = append(view.Decisions, decision)
	}
}
