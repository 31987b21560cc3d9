package workflow

// comments may be written by the job that tells a pull request what was found.
var comments = Grant{"pull-requests", "write", "writes the one comment"}

// feedback tells the pull request. A fork's token may only read; then the
// summary and the annotations say it, and the second workflow comments.
func (p *pipeline) feedback() {
	p.add(Job{
		ID: "pr_feedback", Why: "One comment that is edited, and silence where there is nothing to say.", If: running + " && github.event_name == 'pull_request'",
		Needs:   p.has("generate-matrix", "lint", "test", "coverage-aggregate", "trivy-repo-scan", "docker-scan-pr", "architecture_scan", "cache-forensics", "ai_triage"),
		Timeout: 10, Soft: true, Grants: []Grant{read, comments},
		Steps: append(
			p.start(),
			past(),
			download("*", "artifacts"),
			Step{
				Name: "Feedback", Run: "keepgreen feedback --input artifacts --post",
				Env: []Pair{token, {Key: "NEEDS_JSON", Value: "${{ toJSON(needs) }}"}, {Key: "AI_API_KEY", Value: "${{ secrets.AI_API_KEY }}"}},
			},
			upload("ci-feedback", "ci_feedback.md"),
		),
	})
}

// ForkComments is the second workflow: it comments on pull requests of forks,
// after their own run, with the code of the main branch. The artifacts of that
// run are a stranger's, and are read as data.
func ForkComments(f Facts, o Options) Workflow {
	p := &pipeline{Facts: f, Options: o}
	p.add(Job{
		ID: "pr_feedback", Why: "What a fork's run found. No secret is handed to it, and nothing of the fork's is run.",
		If:      "github.event.workflow_run.event == 'pull_request' && github.event.workflow_run.head_repository.full_name != github.repository",
		Timeout: 10, Soft: true,
		Grants: []Grant{read, {"actions", "read", "downloads what that run handed on"}, comments},
		Steps:  append(p.start(), Step{Name: "Feedback", Env: []Pair{token}, Run: "keepgreen feedback --post --ai off"}),
	})
	return Workflow{
		Path: ".github/workflows/" + Comment, Name: "keepgreen-comment",
		Head: []string{
			"Written by \"keepgreen init\". Comments on pull requests of forks, whose own runs may only read.",
			"It runs the code of the main branch only, and reads what the fork's run handed on as data.",
		},
		On:          Triggers{Runs: []string{"keepgreen"}},
		Concurrency: Concurrency{Group: "keepgreen-comment-${{ github.event.workflow_run.id }}", Cancel: "false"},
		Jobs:        p.jobs,
	}
}
