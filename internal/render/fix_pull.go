package render

import (
	"fmt"
	"strings"
)

// PullView is what the pull request of a repair says.
type PullView struct {
	Verdict
	Commit   string // of the repair
	Waits    bool   // its workflows wait for approval, since a workflow's own token opened it
	RunURL   string
	Version  string
	Merge    string // the branch it is for
	Verified string // the commit that it was verified on, where that is not the branch's head
}

// PullMarker is the line by which a later run knows the pull request again.
func PullMarker(v PullView) string {
	word := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
				return r
			}
			return -1
		}, s)
	}
	return fmt.Sprintf("<!-- keepgreen:autofix cluster=%s kind=%s fix=%s commit=%s -->", word(v.Cluster), word(v.Kind), word(v.ID), word(v.Commit))
}

// Marked reads the marker back; ok is false for another pull request.
func Marked(body string) (cluster, kind, commit string, ok bool) {
	line, _, _ := strings.Cut(body, "\n")
	fields, found := strings.CutPrefix(strings.TrimSpace(line), "<!-- keepgreen:autofix ")
	if !found {
		return "", "", "", false
	}
	for field := range strings.FieldsSeq(fields) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "cluster":
			cluster = value
		case "kind":
			kind = value
		case "commit":
			commit = value
		}
	}
	return cluster, kind, commit, cluster != ""
}

// PullTitle is the pull request's title and the first line of its commit.
func PullTitle(description string) string { return "autofix: " + cut(Visible(description), 100) }

// PullBody is the pull request's text: what was done, how sure it is and what that
// rests on, before and after, and what is left to be tested.
func PullBody(v PullView) string {
	var b strings.Builder
	b.WriteString(PullMarker(v) + "\n")
	fmt.Fprintf(&b, "%s.\n\n", NeutralProse(cut(Visible(v.Description), 300)))
	fmt.Fprintf(&b, "**Confidence: %.0f %%** (published above %.0f %%), computed from what was seen, not said by a model:\n\n", 100*v.Confidence, 100*v.Threshold)
	for _, why := range v.Because {
		fmt.Fprintf(&b, "- %s\n", NeutralProse(cut(Visible(why), 300)))
	}
	b.WriteString("\n| | before | after |\n|---|--:|--:|\n")
	fmt.Fprintf(&b, "| failing in the affected suite | %d | %d |\n\n", len(v.Before), len(v.After))
	if mended := missing(v.Before, v.After); len(mended) > 0 {
		b.WriteString(fold(fmt.Sprintf("%s that pass now", plural(len(mended), "failure")), bullets(mended)))
	}
	if len(v.After) > 0 {
		b.WriteString(fold(fmt.Sprintf("%s that it does not touch", plural(len(v.After), "failure")), bullets(v.After)))
	}
	b.WriteString("**Before you merge**\n\n")
	b.WriteString("- Read the change: passing tests show that it works where they look, not that it is what was meant.\n")
	if tests := testCommands(missing(v.Before, v.After)); tests != "" {
		fmt.Fprintf(&b, "- Run what failed once more: %s\n", tests)
	}
	b.WriteString("- Ask whether a test should have caught this earlier.\n\n")
	if v.Verified != "" {
		fmt.Fprintf(&b, "It was verified on %s, the merge that the checks ran on; the files it changes are the same on the branch.\n\n", Neutral(shortHash(v.Verified)))
	}
	if v.Waits {
		b.WriteString("> The workflow's own token opened this pull request, so GitHub holds its checks back until somebody approves them. A token of a GitHub App avoids that: set `GITHUB_APP_ID` and `GITHUB_APP_PRIVATE_KEY`.\n\n")
	}
	foot := "Opened by Keepgreen " + Visible(v.Version)
	if url := webURL(v.RunURL); url != "" {
		foot += " in [this run](" + url + ")"
	}
	fmt.Fprintf(&b, "<sub>%s. Close it if it is wrong: that lowers what such repairs are worth. The label `autofix-stop` on an open pull request, or the variable `KEEPGREEN_AUTOFIX=off`, stops them.</sub>\n", foot)
	return b.String()
}

func shortHash(commit string) string {
	if len(commit) > 10 {
		return commit[:10]
	}
	return commit
}

// missing is what of a is not in b.
func missing(a, b []string) []string {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	var out []string
	for _, s := range a {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}

func bullets(items []string) string {
	var b strings.Builder
	for _, s := range items[:min(len(items), 20)] {
		fmt.Fprintf(&b, "- %s\n", NeutralCode(cut(Visible(s), 200)))
	}
	if n := len(items) - 20; n > 0 {
		fmt.Fprintf(&b, "- and %d more\n", n)
	}
	return b.String()
}

// testCommands is how a person runs what failed; empty: not by name.
func testCommands(failed []string) string {
	var ids []string
	for _, f := range failed {
		if strings.Contains(f, ".py::") && !strings.ContainsAny(f, "'` \n") {
			ids = append(ids, "'"+f+"'")
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return NeutralCode("pytest " + strings.Join(ids[:min(len(ids), 5)], " "))
}
