package workflow

import (
	"slices"
	"strings"
)

// token is what a command needs of the forge, for that command alone.
var token = Pair{Key: "GITHUB_TOKEN", Value: "${{ github.token }}"}

// past fetches what main's runs have left. Without it the commands compare with
// the files that are checked in, and say so.
func past() Step {
	return Step{Name: "The past", Soft: true, Env: []Pair{token}, Run: "keepgreen history pull"}
}

// planned: the plan decides which combinations and which tests are run.
func (p *pipeline) planned() bool {
	if len(p.Projects) != 1 {
		return false
	}
	only := p.Projects[0]
	return only.Language == Python && only.Dir == "." && only.Tests && only.Manager != "tox"
}

// everything is run on main, in the merge queue and once a day: what a
// selection missed is seen there.
var everything = []Pair{{Key: "TEST_SELECTION_ENABLED", Value: "${{ github.event_name != 'pull_request' && 'false' || vars.TEST_SELECTION_ENABLED }}"}}

// plan says which tests the change can reach, on which combinations and shards.
func (p *pipeline) plan() {
	if !slices.ContainsFunc(p.Projects, func(project Project) bool { return project.Tests }) {
		return
	}
	steps := append(
		p.start(),
		past(),
		Step{
			Name: "Plan", ID: "plan", Run: "keepgreen plan",
			Env: everything,
		})
	if p.planned() {
		steps = append(steps, Step{
			Name: "What each shard runs", Env: everything,
			Run: strings.Join([]string{
				"unset GITHUB_OUTPUT GITHUB_STEP_SUMMARY # the plan was told already",
				"mkdir -p selected",
				"shard=1",
				`while keepgreen plan --quiet --shard "$shard" --out "selected/$shard.txt" > /dev/null 2>&1; do`,
				"  shard=$((shard + 1))",
				"done",
				"ls selected",
			}, "\n"),
		}, Step{
			Name: "Hand on what to run", Uses: "actions/upload-artifact",
			With: []Pair{{Key: "name", Value: "selected"}, {Key: "path", Value: "selected/"}, {Key: "if-no-files-found", Value: "error"}, {Key: "retention-days", Value: "14"}},
		})
	}
	p.add(Job{
		ID: "generate-matrix", Why: "Which tests the change can reach, on which platforms and versions, in how many shards.", Timeout: 10, Grants: []Grant{read},
		Outputs: []Pair{
			{Key: "matrix", Value: "${{ steps.plan.outputs.matrix }}"},
			{Key: "changed_files", Value: "${{ steps.plan.outputs.changed_files }}"},
			{Key: "test_selection_mode", Value: "${{ steps.plan.outputs.test_selection_mode }}"},
		},
		Steps: steps,
	})
}

// sinks are where figures are sent, each only if it is set up.
var sinks = []Pair{
	{Key: "NEEDS_JSON", Value: "${{ toJSON(needs) }}"},
	{Key: "DATADOG_API_KEY", Value: "${{ secrets.DATADOG_API_KEY }}"},
	{Key: "DD_SITE", Value: "${{ vars.DD_SITE }}"},
	{Key: "PROMETHEUS_GATEWAY", Value: "${{ secrets.PROMETHEUS_GATEWAY }}"},
	{Key: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: "${{ vars.OTEL_EXPORTER_OTLP_ENDPOINT }}"},
	{Key: "OTEL_EXPORTER_OTLP_HEADERS", Value: "${{ secrets.OTEL_EXPORTER_OTLP_HEADERS }}"},
}

// metrics collects the figures of the run.
func (p *pipeline) metrics() {
	needs := p.has("generate-matrix", "lint", "test", "coverage-aggregate", "trivy-repo-scan", "docker-scan-pr", "docker-images", "architecture_scan", "cache-forensics", "ai_triage")
	p.add(Job{
		ID: "ci_metrics", Why: "How long this run took, how much of that waiting, and its other figures.", If: running, Needs: needs, Timeout: 10, Soft: true,
		Grants: []Grant{read, {"actions", "read", "asks when the jobs of this run started and ended"}},
		Steps: append(
			p.start(),
			past(),
			download("*", "artifacts"),
			p.clock(),
			Step{Name: "Metrics", Env: sinks, Run: "keepgreen metrics --input artifacts --emit"},
			Step{Name: "The day's insights", If: running + " && github.event_name == 'schedule'", Soft: true, Env: []Pair{{Key: "AI_API_KEY", Value: "${{ secrets.AI_API_KEY }}"}}, Run: "keepgreen insights --out ci_insights.md"},
			upload("ci-metrics", "ci_metrics/run_metrics.json\nci_insights*"),
		),
	})
}

// clock asks the forge about this run; without an answer the times are unknown.
func (p *pipeline) clock() Step {
	return Step{
		Name: "What the forge's clock says", Soft: true, Env: []Pair{{Key: "GH_TOKEN", Value: "${{ github.token }}"}},
		Run: "mkdir -p artifacts/forge\n" +
			`gh api "repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID" > artifacts/forge/run.json` + "\n" +
			`gh api "repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID/attempts/$GITHUB_RUN_ATTEMPT/jobs?per_page=100" > artifacts/forge/jobs.json`,
	}
}

// record is the one job that writes what later runs are compared with. It runs
// on main only, one at a time, and no code of the repository.
func (p *pipeline) record() {
	needs := p.has("generate-matrix", "lint", "test", "coverage-aggregate", "trivy-repo-scan", "docker-images", "cache-forensics")
	green := "needs.test.result == 'success'"
	if len(p.has("lint")) > 0 {
		green += " && needs.lint.result == 'success'"
	}
	steps := append(p.start(), past(), download("*", "artifacts"))
	step := func(name, when, run string) {
		steps = append(steps, Step{Name: name, If: when, Soft: true, Run: run})
	}
	if len(p.has("test")) > 0 {
		logs := []string{"artifacts/reports-test-*"}
		if len(p.has("lint")) > 0 {
			logs = append(logs, "artifacts/reports-lint*")
		}
		step("Remember the tests", running, nullglob+"keepgreen triage "+strings.Join(logs, " ")+" --record --quiet --out \"$RUNNER_TEMP/triage\"")
		step("Move the coverage baseline", green, nullglob+"keepgreen gate coverage "+p.measured("artifacts/")+" --update-baseline")
	}
	if len(p.has("trivy-repo-scan")) > 0 {
		step("Move the vulnerability baseline", "needs.trivy-repo-scan.result == 'success'",
			"keepgreen gate vulns artifacts/reports-scan/scan/grype.json artifacts/reports-scan/scan/trivy.json --update-baseline")
	}
	for _, i := range p.Images {
		step("Move the baseline of the image "+i.Flavour, "needs.docker-images.result == 'success'",
			"keepgreen gate vulns artifacts/reports-image-"+i.Flavour+"/image.json --baseline ci_metrics/image_"+i.Flavour+"_metrics.json --no-history --update-baseline")
	}
	steps = append(steps, p.clock())
	steps = append(steps, Step{
		Name: "Remember the times", If: running, Soft: true, Env: []Pair{{Key: "NEEDS_JSON", Value: "${{ toJSON(needs) }}"}},
		Run: "keepgreen metrics --input artifacts --out \"$RUNNER_TEMP/metrics\"",
	}, Step{Name: "Hand it to later runs", Env: []Pair{token}, Run: "keepgreen history push"})
	p.add(Job{
		ID: "record_history", Why: "What main's later runs, and everybody's, are compared with: kept on the branch keepgreen-history.",
		If:    running + " && (github.event_name == 'push' || github.event_name == 'schedule') && github.ref == 'refs/heads/" + p.Branch + "'",
		Needs: needs, Timeout: 15, Serial: "keepgreen-history",
		Grants: []Grant{{"contents", "write", "pushes the branch that the history is kept on"}, {"actions", "read", "asks when the jobs of this run started and ended"}},
		Steps:  steps,
	})
}
