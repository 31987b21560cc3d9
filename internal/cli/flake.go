package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
	"keepgreen/internal/history"
	"keepgreen/internal/render"
	"keepgreen/internal/report"
)

type flakeCommand struct {
	Tests      flakeTests      `cmd:"" default:"withargs" help:"Say which tests are flaky, broken, regressed or healthy."`
	Quarantine quarantineGroup `cmd:"" help:"The flaky tests whose failures do not count, each with an owner, a reason and an end."`
}

type flakeTests struct {
	Paths   []string `arg:"" optional:"" help:"Reports of earlier runs, oldest first: each file is one run. Without them: the history." placeholder:"PATHS"`
	History string   `default:".keepgreen/history.db" help:"The history." placeholder:"DB"`
	MinRuns int      `default:"5" help:"Fewer runs of a test than this are no verdict, unless the same code passed and failed." placeholder:"N"`
	All     bool     `help:"Also list the healthy tests and those without a verdict."`
}

// Run judges every test of the history.
func (c *flakeTests) Run(s *session) error {
	h, said, err := c.gather(s)
	if err != nil {
		return err
	}
	verdicts := flake.Remembering(h, flake.Options{MinRuns: c.MinRuns, Previous: saidBefore(said)})
	slices.SortStableFunc(verdicts, func(a, b flake.Verdict) int {
		return cmp.Or(cmp.Compare(worry(a.Verdict), worry(b.Verdict)), cmp.Compare(b.Probability, a.Probability), cmp.Compare(a.ID, b.ID))
	})
	rows := make([]render.FlakeTest, len(verdicts))
	for i, v := range verdicts {
		rows[i] = flakeRow(v)
	}
	if s.Format == "json" {
		return render.FlakeDocument(s.Stdout, rows)
	}
	return render.FlakeText(s.Stdout, rows, len(h.Runs), render.TextOptions{Width: s.Width, Colour: s.Colour, Full: c.All})
}

// worry orders verdicts by what to look at first.
func worry(v ci.FlakeVerdict) int {
	return slices.Index([]ci.FlakeVerdict{ci.FlakeRegressed, ci.FlakeBroken, ci.FlakeFlaky, ci.FlakeUnknown, ci.FlakeHealthy}, v)
}

// gather reads the history, and what was said of its tests before the newest run.
func (c *flakeTests) gather(s *session) (h flake.History, said []history.Judged, err error) {
	if len(c.Paths) > 0 {
		h, err = c.fromReports(s)
		return h, nil, err
	}
	path := c.History
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.root(), path)
	}
	store, err := history.Open(s.ctx, path, history.Options{ReadOnly: true})
	if err != nil {
		return h, nil, usagef("keepgreen run remembers each run; or name reports of earlier runs", "%s", withHint(err))
	}
	defer func() { _ = store.Close() }() // it was only read
	tests, err := store.Tests(s.ctx, "")
	if err != nil {
		return h, nil, noAnswerf("", "%s", withHint(err))
	}
	var blocks []history.Block
	for block, err := range store.Scan(s.ctx, history.Filter{Limit: depth}) {
		if err != nil {
			return h, nil, noAnswerf("", "%s", withHint(err))
		}
		blocks = append(blocks, block)
	}
	if len(blocks) > 0 {
		if said, err = store.Verdicts(s.ctx, blocks[0].Run.Repo); err != nil {
			return h, nil, noAnswerf("", "%s", withHint(err))
		}
	}
	return flakeHistory(tests, blocks), said, nil
}

// fromReports makes a history of files: each is a run, in the order in which
// they are named or sorted by name. Which code they ran on is not known, so
// only flips speak for flakiness, and attempts within one file.
func (c *flakeTests) fromReports(s *session) (flake.History, error) {
	var runs []flake.Run
	var tests []flake.Test
	row := map[flake.Test]int{}
	type cell struct {
		test, run int
		outcome   ci.Outcome
	}
	var cells []cell
	for _, path := range c.Paths {
		for source, err := range s.open(path) {
			if err != nil {
				return flake.History{}, err
			}
			rep, err := readSource(source, nil, true)
			if err != nil {
				return flake.History{}, usagef("", "%s: %w", source.Name, err)
			}
			reports := []ci.Report{rep}
			report.Resolve(reports, nil)
			for _, t := range reports[0].Tests {
				key := flake.Test{ID: t.ID, Variant: t.Variant}
				if _, seen := row[key]; !seen {
					row[key] = len(tests)
					tests = append(tests, key)
				}
				cells = append(cells, cell{row[key], len(runs), t.Outcome})
			}
			n := int64(len(runs))
			runs = append(runs, flake.Run{ID: fmt.Sprintf("%04d %s", n, source.Name), Main: true, Started: ordinal(n)})
		}
	}
	if len(tests) == 0 {
		return flake.History{}, usagef("reports that name every test: JUnit XML, go test -json, pytest -v", "%s: no test in them", strings.Join(c.Paths, ", "))
	}
	h := flake.NewHistory(tests, runs)
	for _, c := range cells {
		h.Add(c.test, c.run, c.outcome)
	}
	return h, nil
}

// ordinal is a time that only orders: run n came after run n-1.
func ordinal(n int64) time.Time { return time.Unix(n, 0) }
