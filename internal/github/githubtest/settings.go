package githubtest

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Settings are a repository's settings, for tests to set before anybody asks.
type Settings struct {
	DefaultBranch   string
	Archived        bool
	Permissions     map[string]string // login → "admin", "write", "read"
	Variables       map[string]string
	Secrets         []string
	Workflows       []WorkflowFile
	Releases        []Release
	RequiredChecks  []string // of the default branch, by classic protection
	RuleChecks      []string // by a ruleset
	ActionsOn       bool
	TokenPermission string // GITHUB_TOKEN where a workflow asks for nothing
	MayOpenPulls    bool   // "Allow GitHub Actions to create and approve pull requests"
}

// WorkflowFile is a workflow file that GitHub knows.
type WorkflowFile struct{ Name, Path, State string }

// Release is a published version.
type Release struct {
	Tag               string
	Draft, Prerelease bool
	Published         time.Time
}

func (r *request) repository() reply {
	doc := map[string]any{
		"id": 1, "full_name": r.repo.Name, "private": r.repo.Private, "fork": r.repo.IsFork, "archived": r.repo.Archived,
		"default_branch": r.repo.DefaultBranch, "html_url": r.link(""),
	}
	if r.actor != nil {
		write := r.actor.allowed(r.repo, "contents:write")
		doc["permissions"] = map[string]any{"admin": r.actor.May == nil, "push": write, "pull": true}
	}
	return ok(doc)
}

func (r *request) branch() reply {
	name := r.PathValue("branch")
	sha := r.repo.refs["heads/"+name]
	if sha == "" {
		return problem(http.StatusNotFound, "Branch not found")
	}
	protected := name == r.repo.DefaultBranch && len(r.repo.RequiredChecks) > 0
	doc := map[string]any{"name": name, "protected": protected, "commit": r.commitDoc(r.repo.commits[sha])}
	contexts := []string{}
	if protected {
		contexts = r.repo.RequiredChecks
	}
	doc["protection"] = map[string]any{"enabled": protected, "required_status_checks": map[string]any{"contexts": contexts, "checks": []any{}, "enforcement_level": "non_admins"}}
	return ok(doc)
}

func (r *request) branchRules() reply {
	if r.PathValue("branch") != r.repo.DefaultBranch || len(r.repo.RuleChecks) == 0 {
		return list(r, nil)
	}
	checks := []map[string]any{}
	for _, c := range r.repo.RuleChecks {
		checks = append(checks, map[string]any{"context": c})
	}
	return list(r, []map[string]any{{
		"type": "required_status_checks", "ruleset_id": 1, "ruleset_source_type": "Repository", "ruleset_source": r.repo.Name,
		"parameters": map[string]any{"required_status_checks": checks, "strict_required_status_checks_policy": false},
	}})
}

func (r *request) permission() reply {
	login := r.PathValue("username")
	level := r.repo.Permissions[login]
	if level == "" {
		level = "none"
		if !r.repo.Private {
			level = "read"
		}
	}
	return ok(map[string]any{"permission": level, "role_name": level, "user": userDoc(login, false)})
}

func (r *request) variables() reply {
	var out []map[string]any
	for _, name := range slices.Sorted(maps.Keys(r.repo.Variables)) {
		out = append(out, map[string]any{"name": name, "value": r.repo.Variables[name], "created_at": stamp(r.s.now), "updated_at": stamp(r.s.now)})
	}
	return counted(r, "variables", out)
}

func (r *request) secrets() reply {
	var out []map[string]any
	for _, name := range r.repo.Secrets {
		out = append(out, map[string]any{"name": name, "created_at": stamp(r.s.now), "updated_at": stamp(r.s.now)})
	}
	return counted(r, "secrets", out)
}

func (r *request) workflows() reply {
	var out []map[string]any
	for i, w := range r.repo.Workflows {
		out = append(out, map[string]any{"id": i + 1, "name": w.Name, "path": w.Path, "state": w.State})
	}
	return counted(r, "workflows", out)
}

func (r *request) actionsPermissions() reply {
	return ok(map[string]any{"enabled": r.repo.ActionsOn, "allowed_actions": "all"})
}

func (r *request) workflowPermissions() reply {
	return ok(map[string]any{"default_workflow_permissions": r.repo.TokenPermission, "can_approve_pull_request_reviews": r.repo.MayOpenPulls})
}

func releaseDoc(i int, one Release) map[string]any {
	return map[string]any{
		"id": i + 1, "tag_name": one.Tag, "name": one.Tag, "draft": one.Draft, "prerelease": one.Prerelease, "published_at": stamp(one.Published),
	}
}

func (r *request) releases() reply {
	var out []map[string]any
	for i, one := range r.repo.Releases {
		out = append(out, releaseDoc(i, one))
	}
	slices.Reverse(out)
	return list(r, out)
}

func (r *request) latestRelease() reply {
	for i, one := range slices.Backward(r.repo.Releases) {
		if !one.Draft && !one.Prerelease {
			return ok(releaseDoc(i, one))
		}
	}
	return notFound()
}

func (r *request) rateLimit() reply {
	limit := map[string]any{"limit": 60, "remaining": 60, "used": 0, "reset": r.s.now.Add(time.Hour).Unix()}
	if a := r.actor; a != nil {
		limit = map[string]any{"limit": a.limit(), "remaining": max(a.limit()-a.window.used, 0), "used": a.window.used, "reset": a.window.reset.Unix()}
		r.s.refund(r)
	}
	return ok(map[string]any{"resources": map[string]any{"core": limit, "search": limit}, "rate": limit})
}
