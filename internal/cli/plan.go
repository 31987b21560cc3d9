package cli

import (
	"io"
	"math"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/impact"
	"keepgreen/internal/render"
)

// planCommand is the plan, and what it rests on and is judged by.
type planCommand struct {
	Show   planShow   `cmd:"" default:"withargs" help:"Say which tests a change can reach, and spread them over machines."`
	Audit  planAudit  `cmd:"" help:"Say what plans would have missed, where everything ran."`
	Record planRecord `cmd:"" help:"Keep who ran what, as the pytest plugin recorded it."`
}

type planShow struct {
	planQuestion
	Explain string `help:"Say why this test runs or does not, with the way through the graph: a test ID, a file, or a part of one." placeholder:"TEST"`
	Out     string `help:"Write what the selected tests are called on a command line there, one a line: pytest @FILE." placeholder:"FILE"`
	Shard   int    `help:"With --out: only what this shard runs, from 1." placeholder:"I"`
	Full    bool   `help:"Fold nothing."`
}

// planQuestion is what a plan is asked for, by "plan" and by "run".
type planQuestion struct {
	Base         string        `help:"The branch or commit that the change is compared with, where the change left it. Without it: the main branch." placeholder:"REF"`
	Head         string        `help:"The commit that is tested. Without it: the work tree, with what is not committed." placeholder:"REF"`
	ChangedFiles string        `help:"What changed, one path a line or a JSON list, instead of asking git; - is standard input." placeholder:"FILE"`
	History      string        `default:".keepgreen/history.db" help:"The history: durations, last failures, who ran what." placeholder:"DB"`
	Shards       int           `key:"plan.shards" help:"Spread the tests over so many machines." placeholder:"N"`
	Target       time.Duration `key:"plan.target" help:"Or over as many as keep each below this time." placeholder:"DURATION"`
	Split        string        `enum:"file,test" default:"file" key:"plan.split" help:"What stays together on a machine: ${enum}." placeholder:"file|test"`
	Matrix       string        `default:"ci_cd/test_matrix.json" help:"The axes of the matrix; without the file they follow from the project's metadata." placeholder:"FILE"`
	selectionFlags

	known  *ci.Change // what changed, where "run" knows it already
	python string     // the interpreter that tests are run with; empty: found
}

// Run gathers the change and what is known of the tests, selects, and tells.
func (c *planShow) Run(s *session) error {
	facts, err := c.gather(s)
	if err != nil {
		return err
	}
	plan := facts.plan()
	view, err := c.view(facts, plan)
	if err != nil {
		return err
	}
	if c.Explain != "" {
		if view.Explain = explained(plan, c.Explain); len(view.Explain) == 0 {
			return usagef("keepgreen plan --format json lists every test", "--explain: no test is called %s", c.Explain)
		}
	}
	return c.act(s, view, plan)
}

// view is the plan as it is told, with its shards and its matrix.
func (c *planQuestion) view(f *planFacts, plan impact.Plan) (render.PlanView, error) {
	v := render.PlanView{
		Mode: string(plan.Mode), Reason: plan.Reason, How: "enforce", Base: f.base, Map: f.mapped, Changed: plan.Changed,
		Notes: append(plan.Notes, f.notes...), Timed: len(f.expects.Of) > 0,
	}
	for _, cause := range plan.Causes {
		v.Causes = append(v.Causes, render.PlanCause{File: cause.File, Text: cause.Text, Tests: cause.Tests})
	}
	tests := make([]impact.Test, len(plan.Tests))
	for i, t := range plan.Tests {
		tests[i] = t.Test
		v.Runs += f.expects.For(t.ID)
		v.Tests = append(v.Tests, planTest(t))
	}
	for _, t := range plan.Skipped {
		v.Spares += f.expects.For(t.ID)
		v.Skipped = append(v.Skipped, planTest(t))
	}
	shards := impact.Split(tests, impact.ShardOptions{
		Shards: c.Shards, Target: c.Target, Limit: max(impact.MaxJobs/max(f.matrix.Jobs(), 1), 1), ByTest: c.Split == "test", Expects: f.expects,
	})
	for _, shard := range shards {
		v.Shards = append(v.Shards, render.PlanShard{Tests: shard.Tests, Expected: shard.Expected})
	}
	f.matrix.Shards = len(shards)
	matrix, err := f.matrix.MarshalJSON()
	v.Matrix = matrix
	return v, err
}

func planTest(c impact.Choice) render.PlanTest {
	return render.PlanTest{ID: c.ID, Kind: string(c.Kind), Because: c.Because}
}

// explained is what a plan says of the tests that a name means: the test or
// file of that name, or else all whose name holds it.
func explained(plan impact.Plan, name string) []render.PlanExplanation {
	var exact, part []render.PlanExplanation
	add := func(c impact.Choice, selected bool) {
		e := render.PlanExplanation{PlanTest: planTest(c), Selected: selected}
		for _, step := range c.Path {
			e.Path = append(e.Path, render.PlanStep{From: step.From, Line: step.Line, How: step.How, To: step.To})
		}
		switch {
		case string(c.ID) == name, c.ID == ci.TestID(name).Base(), c.File == name:
			exact = append(exact, e)
		case strings.Contains(string(c.ID), name):
			part = append(part, e)
		}
	}
	for _, c := range plan.Tests {
		add(c, true)
	}
	for _, c := range plan.Skipped {
		add(c, false)
	}
	if len(exact) > 0 {
		return exact
	}
	return part
}

// act writes what was asked for and tells the plan.
func (c *planShow) act(s *session, view render.PlanView, plan impact.Plan) error {
	if c.Shard > len(view.Shards) && c.Shard > 1 || c.Shard < 0 {
		return usagef("", "--shard=%d: there are %d", c.Shard, len(view.Shards))
	}
	if c.Out != "" {
		var only []ci.TestID
		if c.Shard > 0 && len(view.Shards) > 0 {
			only = view.Shards[c.Shard-1].Tests
		}
		if err := replaceFile(s.resolve(c.Out), func(w writer) error { return writeArguments(w, plan, only) }); err != nil {
			return noAnswerf("", "%s: %w", c.Out, bare(err))
		}
	}
	if err := s.tellPlan(view); err != nil {
		return err
	}
	if s.Format == "json" {
		return render.PlanDocument(s.Stdout, view)
	}
	return render.PlanText(s.Stdout, view, render.TextOptions{Width: s.Width, Colour: s.Colour, Full: c.Full})
}

// writeArguments writes the selected tests as arguments of a test runner; only
// restricts them to a shard's, where it is not nil.
func writeArguments(w io.Writer, plan impact.Plan, only []ci.TestID) error {
	_, err := io.WriteString(w, strings.Join(impact.Arguments(plan, only), "\n")+"\n")
	return err
}

// tellPlan writes the outputs and the summary of the step.
func (s *session) tellPlan(v render.PlanView) error {
	if path := s.Env["GITHUB_OUTPUT"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.Outputs(w, render.PlanOutputs(v)) }); err != nil {
			return noAnswerf("", "GITHUB_OUTPUT: %w", err)
		}
	}
	if path := s.Env["GITHUB_STEP_SUMMARY"]; path != "" {
		if err := appendFile(path, func(w io.Writer) error { return render.PlanSummary(w, v) }); err != nil {
			return noAnswerf("", "GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	return nil
}

// check refuses what is no question.
func (c *planQuestion) check() error {
	switch {
	case c.Shards < 0 || c.Shards > impact.MaxJobs:
		return usagef("", "--shards=%d: a number from 1 to %d is wanted", c.Shards, impact.MaxJobs)
	case c.Threshold < 0 || c.Threshold > math.MaxInt32:
		return usagef("", "--threshold=%d: a number not below 0 is wanted", c.Threshold)
	case c.ChangedFiles != "" && (c.Base != "" || c.Head != ""):
		return usagef("give either --changed-files, or --base and --head", "--changed-files says what changed; so do --base and --head")
	case c.Target < 0:
		return usagef("", "--target=%s: a time is wanted, such as 10m", c.Target)
	}
	return nil
}
