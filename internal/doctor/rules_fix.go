package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fixes: why no pull request with a fix has come.
func fixes(f Facts) Check {
	threshold := 0.9
	if t, err := strconv.ParseFloat(f.Env["AI_CONFIDENCE_THRESHOLD"], 64); err == nil {
		threshold = t
	}
	switch t := f.Triage; {
	case f.Online != nil && strings.EqualFold(f.Online.Variables["KEEPGREEN_AUTOFIX"], "off"), strings.EqualFold(f.Env["KEEPGREEN_AUTOFIX"], "off"):
		return Check{Status: Off, Detail: "KEEPGREEN_AUTOFIX is off", Hint: "delete the variable KEEPGREEN_AUTOFIX"}
	case f.Workflow.State == Present && !f.Workflow.Fixes:
		return Check{Status: Off, Detail: "the workflow has no job auto_fix", Hint: "keepgreen init"}
	case f.Online != nil && f.Online.Err == nil && f.Online.Settings == nil && !f.Online.MayOpen:
		return Check{
			Status: Fail, Detail: "workflows of " + f.Online.Repo + " may not open pull requests",
			Hint: "Settings → Actions → General → Allow GitHub Actions to create and approve pull requests",
		}
	case t.State == Broken:
		return Check{Status: Unknown, Detail: fmt.Sprintf("%s cannot be read: %v", t.Path, t.Err), Hint: "keepgreen triage writes it anew"}
	case t.State != Present:
		return Check{Status: Unknown, Detail: "there is no triage report here", Hint: "keepgreen triage LOGS, or --triage FILE"}
	case t.Clusters == 0:
		return Check{Status: OK, Detail: t.Path + ": nothing is broken, so there is nothing to fix"}
	case t.Fixes == 0:
		return Check{Status: Warn, Detail: fmt.Sprintf("%s: %s, and no fix is known for any", t.Path, count(t.Clusters, "cause")), Hint: "this one is yours: keepgreen triage says where to begin"}
	case t.Confidence <= threshold:
		return Check{
			Status: Warn, Detail: fmt.Sprintf("%s: the best fix has a confidence of %.2f, and only more than %.2f starts auto_fix", t.Path, t.Confidence, threshold),
			Hint: "apply the fix that the report describes by hand",
		}
	default:
		return Check{Status: OK, Detail: fmt.Sprintf("%s: a fix with a confidence of %.2f starts auto_fix", t.Path, t.Confidence)}
	}
}

// permissions: what the token and the settings let the jobs do.
func permissions(f Facts) Check {
	switch o := f.Online; {
	case f.Fork:
		return Check{
			Status: Warn, Detail: "this run tests a fork's pull request: its token may only read, and it is given no secrets",
			Hint: "nothing: summary and annotations are written, and keepgreen-comment.yml comments",
		}
	case o == nil:
		return Check{}
	case o.Err != nil:
		return Check{Status: Unknown, Detail: "GitHub gave no answer: " + o.Err.Error(), Hint: "set GITHUB_TOKEN, and GITHUB_REPOSITORY where the remote does not say it"}
	case o.Settings != nil:
		return Check{Status: Unknown, Detail: "the settings of Actions cannot be read: " + o.Settings.Error(), Hint: "ask again with a token of an administrator"}
	case o.SecretErr != nil:
		return Check{Status: OK, Detail: "Actions run; which secrets there are, this token may not read"}
	default:
		detail := "Actions run; secrets: " + strings.Join(o.Secrets, ", ")
		if len(o.Secrets) == 0 {
			detail = "Actions run; there are no secrets, and none is needed"
		}
		return Check{Status: OK, Detail: detail}
	}
}

func required(f Facts) Check {
	o := f.Online
	if o == nil || o.Err != nil {
		return Check{}
	}
	if slices.Contains(o.Checks, "required") {
		return Check{Status: OK, Detail: "main requires the check \"required\""}
	}
	detail := "main requires no check"
	if len(o.Checks) > 0 {
		detail = "main requires " + strings.Join(o.Checks, ", ") + ", and not the check \"required\", which alone sees that a job was skipped"
	}
	return Check{Status: Warn, Detail: detail, Hint: "Settings → Rules → require the status check \"required\""}
}
