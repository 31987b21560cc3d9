package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rules in the order in which a person would look.
var rules = []rule{
	{"repository", "a git repository, cloned with its history", repository},
	{"clock", "nothing is dated in the future", clock},
	{"configuration", "`keepgreen.yaml` is right", configuration},
	{"workflow", "the workflow is there, is what `init` would write, and runs", workflow},
	{"pins", "every action is pinned to a commit that is not old", pins},
	{"baseline", "what the gates compare with is there and has grown", baseline},
	{"history", "earlier runs are remembered", history},
	{"selection", "a change runs the tests that it reaches, and no others", selection},
	{"model", "the model that was asked for answers", model},
	{"fixes", "fix pull requests can come to be", fixes},
	{"permissions", "the token and the settings allow what the jobs do", permissions},
	{"required check", "main takes nothing that the gates refused", required},
}

func repository(f Facts) Check {
	switch {
	case !f.Git.Repository:
		return Check{Status: Fail, Detail: "this is not a git repository: nothing can be compared", Hint: "git init"}
	case f.Git.Shallow:
		return Check{
			Status: Fail, Detail: "this clone is shallow: the commit that a change started from may not be here, so everything runs and nothing is compared",
			Hint: "git fetch --unshallow, or fetch-depth: 0 for actions/checkout",
		}
	case f.Git.Branch == "":
		return Check{Status: Warn, Detail: "there is no branch main or master, and the remote names no other", Hint: "git remote set-head origin --auto"}
	}
	return Check{Status: OK, Detail: "a full clone; the branch that is kept green is " + f.Git.Branch}
}

// slack is how far two clocks may differ before anybody is told.
const slack = 5 * time.Minute

func clock(f Facts) Check {
	for _, seen := range []struct {
		what string
		at   time.Time
	}{{"the newest commit", f.Git.Newest}, {"the baseline", f.Baseline.Updated}, {"the newest run of the history", f.History.Newest}} {
		if seen.at.Sub(f.Now) > slack {
			return Check{
				Status: Fail, Detail: fmt.Sprintf("%s is dated %s, and it is %s here", seen.what, stamp(seen.at), stamp(f.Now)),
				Hint: "set the clock of whichever is wrong: quarantines end and baselines move by it",
			}
		}
	}
	if f.Online != nil && f.Online.Ahead.Abs() > slack {
		return Check{Status: Fail, Detail: fmt.Sprintf("the forge's clock and this one differ by %s", f.Online.Ahead.Abs().Round(time.Second)), Hint: "set this machine's clock"}
	}
	return Check{Status: OK, Detail: "no date lies ahead"}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

func configuration(f Facts) Check {
	if f.Config != nil {
		return Check{Status: Fail, Detail: f.Config.Error(), Hint: "keepgreen config check"}
	}
	return Check{Status: OK, Detail: "nothing is wrong with it"}
}

func workflow(f Facts) Check {
	switch w := f.Workflow; {
	case w.State == Missing:
		return Check{Status: Fail, Detail: "there is no .github/workflows/keepgreen.yml", Hint: "keepgreen init"}
	case f.Online != nil && f.Online.Disabled != "":
		return Check{
			Status: Fail, Detail: "GitHub does not run the workflow: it is " + strings.ReplaceAll(f.Online.Disabled, "_", " "),
			Hint: "gh workflow enable keepgreen.yml",
		}
	case f.Online != nil && f.Online.Settings == nil && !f.Online.Enabled:
		return Check{Status: Fail, Detail: "Actions are switched off in this repository", Hint: "Settings → Actions → General → Allow all actions"}
	case w.Stale:
		return Check{Status: Warn, Detail: "the repository has changed, or this program has: init would write another workflow", Hint: "keepgreen init shows the difference"}
	case !w.Published && f.Online != nil && f.Online.Err == nil && f.Online.Variables != nil && f.Online.Variables["KEEPGREEN_RELEASES"] == "":
		return Check{
			Status: Warn, Detail: "the workflow uses .github/keepgreen, and no variable KEEPGREEN_RELEASES says where releases are: it works only on runners that have keepgreen",
			Hint: "gh variable set KEEPGREEN_RELEASES, or keepgreen init --action OWNER/NAME@COMMIT",
		}
	}
	return Check{Status: OK, Detail: "what init would write"}
}

// stale is when a pin is old enough to look at.
const stale = 365 * 24 * time.Hour

func pins(f Facts) Check {
	w := f.Workflow
	if w.State != Present {
		return Check{}
	}
	if len(w.Loose) > 0 {
		return Check{
			Status: Fail, Detail: "not pinned to a commit: " + strings.Join(w.Loose, ", ") + "; whoever moves the tag runs code in your jobs",
			Hint: "name the commit, with the version beside it",
		}
	}
	var newer, old []string
	for _, p := range w.Old {
		switch {
		case p.Newer != "":
			newer = append(newer, p.Action+" "+p.Version+" (there is "+p.Newer+")")
		case p.Age > stale:
			old = append(old, fmt.Sprintf("%s %s (%d days)", p.Action, p.Version, int(p.Age.Hours()/24)))
		}
	}
	switch {
	case len(newer) > 0:
		return Check{Status: Warn, Detail: "older than what there is: " + strings.Join(newer, ", "), Hint: "keepgreen init --update-pins"}
	case len(old) > 0:
		return Check{Status: Warn, Detail: "pinned long ago: " + strings.Join(old, ", "), Hint: "keepgreen init --update-pins"}
	}
	return Check{Status: OK, Detail: "every action is pinned to a commit"}
}

// enough runs make a baseline that single runs do not move.
const enough = 3

func baseline(f Facts) Check {
	b := f.Baseline
	switch {
	case b.State == Broken:
		return Check{Status: Fail, Detail: fmt.Sprintf("%s cannot be read: %v; the gates have no answer", b.Path, b.Err), Hint: "mend the file, or delete it and begin anew"}
	case b.State == Missing:
		return Check{
			Status: Warn, Detail: b.Path + " is not there: a first run is compared with 90 % coverage and no vulnerability, and may fail with \"regression exceeds delta threshold\"",
			Hint: "keepgreen init writes it; one or two green runs of main make it yours",
		}
	case b.Runs == 0:
		return Check{
			Status: Warn, Detail: fmt.Sprintf("%s holds no run of main yet: what is compared with is the %s that it states", b.Path, percent(b.Stated)),
			Hint: "let main run green once or twice, or set coverage.delta in keepgreen.yaml",
		}
	case b.Runs < enough:
		return Check{Status: Warn, Detail: fmt.Sprintf("%s holds %s of main: the baseline still moves with every one", b.Path, count(b.Runs, "run")), Hint: "wait for a green run or two of main"}
	}
	return Check{Status: OK, Detail: fmt.Sprintf("%s holds %s of main", b.Path, count(b.Runs, "run"))}
}

func percent(pct float64) string {
	if pct < 0 {
		return "90 % (the default)"
	}
	return strconv.FormatFloat(pct, 'f', -1, 64) + " %"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func history(f Facts) Check {
	h := f.History
	switch {
	case h.State == Broken:
		return Check{Status: Fail, Detail: fmt.Sprintf("%s cannot be read: %v", h.Path, h.Err), Hint: "move the file away, then keepgreen history pull"}
	case h.State == Missing || h.Runs == 0:
		return Check{
			Status: Warn, Detail: "no earlier run is known here: nothing is flaky, new or fixed, and durations are guesses",
			Hint: "keepgreen history pull, or keepgreen run",
		}
	case h.Main == 0:
		return Check{Status: Warn, Detail: count(h.Runs, "run") + ", none of them of main: whether a failure is already on main is not known", Hint: "let main run once"}
	}
	return Check{Status: OK, Detail: fmt.Sprintf("%s, %d of main", count(h.Runs, "run"), h.Main)}
}

func selection(f Facts) Check {
	p := f.Plan
	switch {
	case p.Err != nil:
		return Check{Status: Unknown, Detail: "no plan could be made: " + p.Err.Error(), Hint: "keepgreen plan"}
	case p.Mode == "":
		return Check{}
	case strings.EqualFold(f.Env["TEST_SELECTION_ENABLED"], "false"):
		return Check{Status: Off, Detail: "TEST_SELECTION_ENABLED is false: everything runs", Hint: "unset the variable TEST_SELECTION_ENABLED"}
	case p.Mode == "full":
		return Check{Status: Warn, Detail: "this change runs everything: " + p.Reason, Hint: "keepgreen plan says which file it is"}
	case !p.Map:
		return Check{Status: OK, Detail: "selective, by imports alone: who runs what was never recorded, so more runs than must", Hint: "record it once on main: docs/plan.md"}
	}
	return Check{Status: OK, Detail: "selective: " + p.Reason}
}

// failed is what the commands print when a model gave no answer.
const failed = "AI API call failed: "

func model(f Facts) Check {
	_, why, found := strings.Cut(f.Triage.Note, failed)
	name := cmp.Or(f.Env["AI_MODEL"], "claude-3-5-sonnet-20241022")
	switch lower := strings.ToLower(why); {
	case found && has(lower, "401", "unauthorized", "invalid x-api-key", "authentication"):
		return Check{Status: Fail, Detail: "the provider refuses the key: " + clip(why), Hint: "make a new key, and set the secret AI_API_KEY"}
	case found && has(lower, "429", "rate limit", "overloaded", "529"):
		return Check{Status: Warn, Detail: "the provider's rate limit: " + clip(why), Hint: "run the job again later, or raise the limit of the account"}
	case found && has(lower, "404", "not_found", "does not exist", "no model"):
		return Check{Status: Fail, Detail: "there is no model " + name + " any more: " + clip(why), Hint: "set the variable AI_MODEL to one that there is"}
	case found && has(lower, "no such host", "connection refused", "timeout", "deadline"):
		return Check{Status: Warn, Detail: "the provider cannot be reached from here: " + clip(why), Hint: "set ANTHROPIC_BASE_URL or AI_BASE_URL to the proxy"}
	case found:
		return Check{Status: Warn, Detail: "the model gave no answer: " + clip(why), Hint: "the built-in answer stands; run the job again"}
	case f.Env["AI_API_KEY"] != "":
		return Check{Status: OK, Detail: "AI_API_KEY is set; the model is " + name}
	case f.Fork:
		return Check{Status: Off, Detail: "a fork's run is given no secrets: the built-in engine answers"}
	case f.Forge:
		return Check{Status: Off, Detail: "AI_API_KEY is not set here: the built-in engine answers", Hint: "gh secret set AI_API_KEY"}
	case f.Online != nil && slices.Contains(f.Online.Secrets, "AI_API_KEY"):
		return Check{Status: OK, Detail: "the secret AI_API_KEY is set; the model is " + name}
	}
	return Check{Status: Off, Detail: "no AI_API_KEY here: the built-in engine answers", Hint: "export AI_API_KEY, or gh secret set AI_API_KEY for the workflow"}
}

func has(text string, signs ...string) bool {
	return slices.ContainsFunc(signs, func(s string) bool { return strings.Contains(text, s) })
}

func clip(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	return s
}
