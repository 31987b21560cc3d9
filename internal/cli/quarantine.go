package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/flake"
	"keepgreen/internal/policy"
	"keepgreen/internal/render"
)

type quarantineGroup struct {
	List   quarantineList   `cmd:"" default:"1" help:"Show the list, what it excuses and what it does not."`
	Add    quarantineAdd    `cmd:"" help:"Put a flaky test on the list."`
	Remove quarantineRemove `cmd:"" help:"Take a test off the list."`
}

// readQuarantine reads the list; a repository without one has an empty one.
func readQuarantine(root string) (data []byte, entries []flake.Entry, err error) {
	data, err = os.ReadFile(filepath.Join(root, flake.QuarantineFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, usagef("", "%s: %w", flake.QuarantineFile, bare(err))
	}
	entries, err = flake.ParseQuarantine(data)
	if err != nil {
		return nil, nil, usagef("each entry has test, owner, reason and expires (YYYY-MM-DD)", "%s", prefixLines(flake.QuarantineFile+": ", err.Error()))
	}
	return data, entries, nil
}

type quarantineList struct{}

// Run shows the list.
func (quarantineList) Run(s *session) error {
	_, entries, err := readQuarantine(s.root())
	if err != nil {
		return err
	}
	now := s.Now()
	if s.Format == "json" {
		return render.QuarantineDocument(s.Stdout, quarantineRows(entries, now))
	}
	if len(entries) == 0 {
		fmt.Fprintln(s.Stdout, "no test is in quarantine")
		return nil
	}
	return render.QuarantineText(s.Stdout, quarantineRows(entries, now), render.TextOptions{Width: s.Width, Colour: s.Colour})
}

func quarantineRows(entries []flake.Entry, now time.Time) []render.Quarantine {
	rows := make([]render.Quarantine, len(entries))
	for i, e := range entries {
		rows[i] = render.Quarantine{Test: e.Test, Reason: e.Reason, Owner: e.Owner, Ticket: e.Ticket, Until: e.Expires, Expired: !e.Active(now)}
	}
	return rows
}

type quarantineAdd struct {
	Test    string        `arg:"" help:"The test's ID, as \"keepgreen flake\" prints it."`
	Owner   string        `required:"" help:"Who mends it." placeholder:"WHO"`
	Reason  string        `required:"" help:"Why it is known to be flaky and not broken." placeholder:"TEXT"`
	Ticket  string        `help:"Where the mending is tracked." placeholder:"URL"`
	For     time.Duration `default:"336h" help:"How long the entry counts; two weeks without it. At most 90 days." placeholder:"DURATION"`
	Variant string        `help:"Only in this matrix cell." placeholder:"NAME"`
}

// maxQuarantine is how long an entry may count: a list without an end is a
// list of tests that nobody mends.
const maxQuarantine = 90 * 24 * time.Hour

// Run adds an entry.
func (c *quarantineAdd) Run(s *session) error {
	if c.For <= 0 || c.For > maxQuarantine {
		return usagef("an entry ends, so that somebody looks again", "--for %s: at most 90 days", c.For)
	}
	data, entries, err := readQuarantine(s.root())
	if err != nil {
		return err
	}
	if slices.ContainsFunc(entries, func(e flake.Entry) bool { return e.Test == ci.TestID(c.Test) && e.Variant == c.Variant }) {
		return usagef("keepgreen flake quarantine remove takes it off", "%s is on the list already", c.Test)
	}
	out, err := flake.AddQuarantine(data, flake.Entry{
		Test: ci.TestID(c.Test), Variant: c.Variant, Owner: c.Owner, Reason: c.Reason, Ticket: c.Ticket, Expires: s.Now().UTC().Add(c.For).Truncate(24 * time.Hour),
	})
	if err != nil {
		return usagef("", "%s: %w", flake.QuarantineFile, err)
	}
	return s.writeQuarantine(out, "added "+c.Test)
}

type quarantineRemove struct {
	Test    string `arg:"" help:"The test's ID."`
	Variant string `help:"Only the entry of this matrix cell." placeholder:"NAME"`
}

// Run removes an entry.
func (c *quarantineRemove) Run(s *session) error {
	data, _, err := readQuarantine(s.root())
	if err != nil {
		return err
	}
	out, found, err := flake.RemoveQuarantine(data, ci.TestID(c.Test), c.Variant)
	if err != nil {
		return usagef("", "%s: %w", flake.QuarantineFile, err)
	}
	if !found {
		return usagef("keepgreen flake quarantine lists them", "%s is not on the list", c.Test)
	}
	return s.writeQuarantine(out, "removed "+c.Test)
}

func (s *session) writeQuarantine(data []byte, what string) error {
	path := filepath.Join(s.root(), flake.QuarantineFile)
	err := replaceFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return noAnswerf("", "%s: %w", flake.QuarantineFile, bare(err))
	}
	fmt.Fprintf(s.Stdout, "%s: %s; commit the file\n", flake.QuarantineFile, what)
	return nil
}

// excused says which failures of a run do not count: confirmed flakes of tests
// that are in quarantine.
func (p *past) excused(run []ci.TestResult) policy.Excused {
	if len(p.quarantine) == 0 {
		return nil
	}
	attempts := map[flake.Test][]ci.Outcome{}
	for _, t := range run {
		key := flake.Test{ID: t.ID, Variant: t.Variant}
		attempts[key] = append(attempts[key], t.Outcome)
	}
	verdicts := map[flake.Test]flake.Verdict{}
	for _, v := range p.verdicts {
		verdicts[v.Test] = v
	}
	return func(t ci.TestResult) (string, bool) {
		key := flake.Test{ID: t.ID, Variant: t.Variant}
		entry, ok := flake.Quarantined(p.quarantine, key, p.now)
		if !ok {
			return "", false
		}
		verdict, known := verdicts[key]
		if !known {
			verdict = flake.Verdict{Test: key, Verdict: ci.FlakeUnknown}
		}
		excused, because := flake.Excused(entry, verdict, attempts[key], p.now)
		return because, excused
	}
}

// muted are the active entries as the summary shows them.
func (p *past) muted(run []ci.TestResult) []render.Quarantine {
	last, _ := ci.Last(run)
	var out []render.Quarantine
	for _, row := range quarantineRows(p.quarantine, p.now) {
		if row.Expired {
			continue
		}
		row.Failed = slices.ContainsFunc(last, func(t ci.TestResult) bool { return t.ID == row.Test && t.Outcome.Bad() })
		out = append(out, row)
	}
	return out
}
