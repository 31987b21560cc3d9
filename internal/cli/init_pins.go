package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"keepgreen/internal/github"
	"keepgreen/internal/workflow"
)

// pins is the table that the workflow is written with: the program's own, what
// the workflow has already if that is newer, and with --update-pins what the
// forge has. A release that is younger than the minimum age is left alone: most
// releases that were tampered with were found out within days.
func (c *initCommand) pins(s *session) ([]workflow.Pin, []string, error) {
	pins := workflow.Pins()
	if old, err := os.ReadFile(filepath.Join(s.root(), ".github", "workflows", workflow.Main)); err == nil {
		pins = workflow.Adopt(pins, workflow.Uses(string(old)))
	}
	if !c.UpdatePins {
		return pins, nil, nil
	}
	var notes []string
	for i, pin := range pins {
		client, err := s.forge(pin.Action)
		if err != nil {
			return nil, nil, err
		}
		release, err := client.LatestRelease(s.ctx)
		if errors.Is(err, github.ErrNotFound) {
			continue // it has no releases
		}
		if err != nil {
			return nil, nil, noAnswerf("the pins stay as they are; GITHUB_TOKEN raises the limit of requests", "%s: %w", pin.Action, err)
		}
		switch age := s.Now().Sub(release.Published); {
		case !workflow.Older(pin.Version, release.Tag):
			continue
		case age < c.MinAge:
			notes = append(notes, fmt.Sprintf("%s %s is %s old and stays aside until it is %s", pin.Action, release.Tag, days(age), days(c.MinAge)))
			continue
		case !workflow.SameMajor(pin.Version, release.Tag):
			notes = append(notes, fmt.Sprintf("%s has %s; this is %s: read what changed, and update keepgreen for it", pin.Action, release.Tag, pin.Version))
			continue
		}
		commit, err := client.Commit(s.ctx, release.Tag)
		if err != nil {
			return nil, nil, noAnswerf("the pins stay as they are", "%s %s: %w", pin.Action, release.Tag, err)
		}
		pins[i].SHA, pins[i].Version = commit.SHA, release.Tag
		notes = append(notes, fmt.Sprintf("%s %s → %s", pin.Action, pin.Version, release.Tag))
	}
	return pins, notes, nil
}

func days(d time.Duration) string { return plural(int(d.Hours()/24), "day", "days") }
