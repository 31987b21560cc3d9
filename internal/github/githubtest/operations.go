package githubtest

import "net/http"

// operations is everything that can be asked for, with the permission that
// GitHub's documentation names for it. It is filled when the program starts,
// because the handlers refer to it in turn.
var operations []operation

func init() { //nolint:gochecknoinits // the table and the handlers refer to each other
	const (
		repo   = "/repos/{owner}/{repo}"
		runs   = repo + "/actions/runs"
		issues = repo + "/issues"
		pulls  = repo + "/pulls"
		talk   = "issues:write|pull_requests:write"
		listen = "issues:read!|pull_requests:read!"
	)
	add := func(pattern, needs string, do func(*request) reply) {
		operations = append(operations, operation{pattern: pattern, needs: needs, do: do})
	}
	add("GET /rate_limit", "", (*request).rateLimit)
	add("POST /app/installations/{installation_id}/access_tokens", "", (*request).installationToken)
	add("GET "+repo+"/installation", "", (*request).installation)

	add("GET "+issues+"/{issue_number}/comments", listen, (*request).comments)
	add("POST "+issues+"/{issue_number}/comments", talk, (*request).createComment)
	add("GET "+issues+"/comments/{comment_id}", listen, (*request).comment)
	add("PATCH "+issues+"/comments/{comment_id}", talk, (*request).editComment)
	add("DELETE "+issues+"/comments/{comment_id}", talk, (*request).deleteComment)
	add("GET "+issues+"/comments/{comment_id}/reactions", listen, (*request).reactions)
	add("POST "+issues+"/comments/{comment_id}/reactions", talk, (*request).addReaction)
	add("DELETE "+issues+"/comments/{comment_id}/reactions/{reaction_id}", talk, (*request).removeReaction)
	add("POST "+issues+"/{issue_number}/labels", talk, (*request).addLabels)
	add("DELETE "+issues+"/{issue_number}/labels/{name}", talk, (*request).removeLabel)

	add("POST "+repo+"/check-runs", "checks:write", (*request).createCheck)
	add("PATCH "+repo+"/check-runs/{check_run_id}", "checks:write", (*request).updateCheck)
	add("GET "+repo+"/check-runs/{check_run_id}/annotations", "checks:read!", (*request).annotations)
	add("GET "+repo+"/commits/{ref}/check-runs", "checks:read!", (*request).checks)
	add("POST "+repo+"/code-scanning/sarifs", "security_events:write", (*request).uploadSARIF)

	add("GET "+runs, "actions:read!", (*request).runs)
	add("GET "+repo+"/actions/workflows/{workflow_id}/runs", "actions:read!", (*request).runs)
	add("GET "+runs+"/{run_id}", "actions:read!", (*request).run)
	add("GET "+runs+"/{run_id}/attempts/{attempt_number}", "actions:read!", (*request).runAttempt)
	add("GET "+runs+"/{run_id}/attempts/{attempt_number}/jobs", "actions:read!", (*request).jobs)
	add("GET "+runs+"/{run_id}/artifacts", "actions:read!", (*request).artifacts)
	add("GET "+repo+"/actions/artifacts/{artifact_id}/{archive_format}", "actions:read", (*request).artifact)
	add("GET "+repo+"/actions/jobs/{job_id}/logs", "actions:read", (*request).jobLog)
	add("GET "+repo+"/actions/workflows", "actions:read!", (*request).workflows)
	add("GET "+repo+"/actions/permissions", "administration:read", (*request).actionsPermissions)
	add("GET "+repo+"/actions/permissions/workflow", "administration:read", (*request).workflowPermissions)
	add("GET "+repo+"/actions/variables", "actions_variables:read", (*request).variables)
	add("GET "+repo+"/actions/secrets", "secrets:read", (*request).secrets)

	add("GET "+repo, "metadata:read!", (*request).repository)
	add("GET "+repo+"/branches/{branch}", "contents:read!", (*request).branch)
	add("GET "+repo+"/rules/branches/{branch}", "metadata:read!", (*request).branchRules)
	add("GET "+repo+"/collaborators/{username}/permission", "metadata:read", (*request).permission)
	add("GET "+repo+"/releases", "contents:read!", (*request).releases)
	add("GET "+repo+"/releases/latest", "contents:read!", (*request).latestRelease)

	add("GET "+repo+"/commits/{ref}", "contents:read!", (*request).commit)
	add("GET "+repo+"/contents/{path}", "contents:read!", (*request).contents)
	add("GET "+repo+"/git/commits/{commit_sha}", "contents:read!", (*request).gitCommit)
	add("GET "+repo+"/git/ref/{ref}", "contents:read!", (*request).ref)
	add("POST "+repo+"/git/refs", "contents:write", (*request).createRef)
	add("PATCH "+repo+"/git/refs/{ref}", "contents:write", (*request).updateRef)
	add("DELETE "+repo+"/git/refs/{ref}", "contents:write", (*request).deleteRef)
	add("POST "+repo+"/git/blobs", "contents:write", (*request).createBlob)
	add("POST "+repo+"/git/trees", "contents:write", (*request).createTree)
	add("POST "+repo+"/git/commits", "contents:write", (*request).createCommit)

	add("GET "+pulls, "pull_requests:read!", (*request).pulls)
	add("POST "+pulls, "pull_requests:write", (*request).createPull)
	add("GET "+pulls+"/{pull_number}", "pull_requests:read!", (*request).pull)
	add("PATCH "+pulls+"/{pull_number}", "pull_requests:write", (*request).editPull)
	add("GET "+pulls+"/{pull_number}/commits", "pull_requests:read!", (*request).pullCommits)
	add("GET "+pulls+"/{pull_number}/files", "pull_requests:read!", (*request).pullFiles)
	add("GET "+repo+"/commits/{commit_sha}/pulls", "pull_requests:read!", (*request).commitPulls)
}

func noContent() reply { return reply{status: http.StatusNoContent} }
