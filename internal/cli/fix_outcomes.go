package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"

	"keepgreen/internal/github"
	"keepgreen/internal/heal"
	"keepgreen/internal/render"
)

// outcomesPath is where what people did with earlier repairs is kept.
const outcomesPath = fixesPath + "/outcomes.json"

type fixOutcomes struct {
	Repo string `help:"The repository on GitHub." placeholder:"OWNER/NAME"`
	Out  string `default:".keepgreen/fixes/outcomes.json" help:"Where the outcomes go, for fix verify." placeholder:"FILE"`
}

// Run reads what became of the pull requests of earlier repairs.
func (c *fixOutcomes) Run(s *session) error {
	client, err := s.forge(c.Repo)
	if err != nil {
		return err
	}
	pulls, err := client.PullRequests(s.ctx, github.PullFilter{State: "all", Limit: 500})
	if err != nil {
		return noAnswerf("", "%w", err)
	}
	view := outcomesOf(pulls)
	if err := home(s.root()); err != nil {
		return noAnswerf("", "%s: %w", homePath, bare(err))
	}
	if err := replaceFile(s.inRepo(c.Out), func(w writer) error { return render.OutcomesDocument(w, view) }); err != nil {
		return noAnswerf("", "%s: %w", c.Out, bare(err))
	}
	if s.Format == "json" {
		return render.OutcomesDocument(s.Stdout, view)
	}
	return render.OutcomesText(s.Stdout, view)
}

// outcomesOf counts by kind of repair. Unchanged is what was merged with the commit
// that was opened as its head.
func outcomesOf(pulls []github.PullRequest) map[string]render.Outcome {
	out := map[string]render.Outcome{}
	for _, pull := range pulls {
		_, kind, commit, ours := render.Marked(pull.Body)
		if !ours || !strings.HasPrefix(pull.HeadRef, "autofix-") {
			continue
		}
		o := out[kind]
		switch {
		case pull.Merged && pull.HeadSHA == commit:
			o.Unchanged++
		case pull.Merged:
			o.Changed++
		case pull.State == "closed":
			o.Closed++
		default:
			o.Open++
		}
		out[kind] = o
	}
	return out
}

// outcomes is the history of a kind of repair; nothing where there is none.
func (s *session) outcomes(file, kind string) (heal.Rate, error) {
	data, err := os.ReadFile(s.inRepo(file))
	if errors.Is(err, fs.ErrNotExist) {
		return heal.Rate{}, nil
	}
	if err != nil {
		return heal.Rate{}, usagef("", "--outcomes %s: %w", file, bare(err))
	}
	var doc struct {
		Kinds map[string]render.Outcome `json:"kinds"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return heal.Rate{}, usagef("keepgreen fix outcomes writes it", "--outcomes %s: %w", file, err)
	}
	o := doc.Kinds[kind]
	return heal.Rate{Right: max(o.Unchanged, 0), Wrong: max(o.Changed, 0) + max(o.Closed, 0)}, nil
}
