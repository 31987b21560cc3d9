package cli

import (
	"path/filepath"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/impact"
	"keepgreen/internal/render"
)

// planAudit shows how the plans did.
type planAudit struct {
	History string `default:".keepgreen/history.db" help:"The history." placeholder:"DB"`
}

// auditWindow is how many scored plans a miss is remembered for.
const auditWindow = 100

// Run counts what plans would have missed where everything ran.
func (c *planAudit) Run(s *session) error {
	name := c.History
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.root(), name)
	}
	store, err := history.Open(s.ctx, name, history.Options{ReadOnly: true})
	if err != nil {
		return usagef("keepgreen run scores the plan wherever everything runs: on main, in samples of pull requests, with --select shadow", "%s", withHint(err))
	}
	defer func() { _ = store.Close() }() // it was only read
	run := ci.Run{Repo: filepath.Base(s.root())}
	s.fromForge(&run)
	audits, err := store.Audits(s.ctx, run.Repo)
	if err != nil {
		return noAnswerf("", "%s", withHint(err))
	}
	view := auditView(audits)
	if s.Format == "json" {
		return render.AuditDocument(s.Stdout, view)
	}
	return render.AuditText(s.Stdout, view, render.TextOptions{Width: s.Width, Colour: s.Colour})
}

func auditView(audits []history.Audit) render.AuditView {
	v := render.AuditView{Runs: len(audits)}
	for _, a := range audits {
		missed := missedTests(a)
		v.Selected += a.Selected
		v.Skipped += a.Skipped
		v.Failed += a.Failed
		v.Missed += len(missed)
		if a.Failed > 0 {
			v.Red++
		}
		if len(missed) > 0 {
			v.Escapes++
		}
		for _, test := range missed {
			row := render.AuditMiss{Run: a.Run, Commit: a.Commit, At: a.At, Mode: a.Mode, Test: ci.TestID(test)}
			for _, m := range a.Missed {
				if m.Test == test {
					row.Files = append(row.Files, m.File)
				}
			}
			v.Misses = append(v.Misses, row)
		}
	}
	v.Low, v.High = impact.MissInterval(v.Missed, v.Failed)
	for kind := range wide(audits) {
		v.Wide = append(v.Wide, string(kind))
	}
	return v
}

// wide are the kinds of reasoning that missed a failing test in the last scored
// plans: they are conservative until as many went well.
func wide(audits []history.Audit) map[impact.Kind]bool {
	out := map[impact.Kind]bool{}
	for _, a := range audits[:min(len(audits), auditWindow)] {
		for _, m := range a.Missed {
			out[impact.Kind(m.Kind)] = true
			if m.Kind == string(impact.KindRuns) { // names are followed for the same files
				out[impact.KindNames] = true
			}
		}
	}
	return out
}
