package githubtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Run is a workflow run. Its fields are for the test to set; an attempt of 2
// has the jobs of both.
type Run struct {
	ID                        int64
	Number, Attempt           int
	Name, Path                string // "CI", ".github/workflows/ci.yml"
	Event                     string
	HeadBranch, HeadSHA       string
	HeadRepo                  string // "owner/name"; empty: this one
	Actor                     string
	Status, Conclusion        string
	Created, Started, Updated time.Time
	Pulls                     []int
	Jobs                      []Job

	artifacts []*artifact
}

// Job is one job of one attempt.
type Job struct {
	ID                          int64
	Attempt                     int
	Name                        string
	Status, Conclusion          string
	Created, Started, Completed time.Time
	Runner                      int64 // 0: none was assigned
	Labels                      []string
	Steps                       []Step
	Log                         string
}

// Step is one step of a job.
type Step struct {
	Name, Conclusion   string
	Started, Completed time.Time
}

type artifact struct {
	id      int64
	name    string
	data    []byte
	expired bool
	created time.Time
}

// AddRun makes a workflow run; what is empty gets a plain value.
func (r *Repo) AddRun(run Run) *Run {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	fill := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	fill(&run.Name, "CI")
	fill(&run.Path, ".github/workflows/ci.yml")
	fill(&run.Event, "pull_request")
	fill(&run.HeadBranch, r.DefaultBranch)
	fill(&run.HeadRepo, r.Name)
	fill(&run.HeadSHA, r.refs["heads/"+run.HeadBranch])
	fill(&run.Actor, "dev")
	fill(&run.Status, "completed")
	if run.Status == "completed" {
		fill(&run.Conclusion, "success")
	}
	for _, t := range []*time.Time{&run.Created, &run.Started, &run.Updated} {
		if t.IsZero() {
			*t = r.s.now
		}
	}
	run.Attempt = max(run.Attempt, 1)
	if run.ID == 0 {
		run.ID = r.s.id()
	}
	run.Number = max(run.Number, len(r.workflowRuns)+1)
	for i := range run.Jobs {
		run.Jobs[i].Attempt = max(run.Jobs[i].Attempt, 1)
		for _, t := range []*time.Time{&run.Jobs[i].Created, &run.Jobs[i].Started} {
			if t.IsZero() {
				*t = r.s.now
			}
		}
		if run.Jobs[i].ID == 0 {
			run.Jobs[i].ID = r.s.id()
		}
	}
	r.workflowRuns = append(r.workflowRuns, &run)
	return &run
}

// AddArtifact attaches files to a run, as actions/upload-artifact does.
func (r *Repo) AddArtifact(run *Run, name string, files map[string]string) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(path)
		if err == nil {
			_, err = w.Write([]byte(files[path]))
		}
		if err != nil {
			r.s.t.Errorf("githubtest: artifact: %v", err)
		}
	}
	if err := z.Close(); err != nil {
		r.s.t.Errorf("githubtest: artifact: %v", err)
	}
	r.AddZip(run, name, b.Bytes())
}

// AddZip attaches any bytes to a run as an artifact.
func (r *Repo) AddZip(run *Run, name string, data []byte) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	run.artifacts = append(run.artifacts, &artifact{id: r.s.id(), name: name, data: data, created: r.s.now})
}

// Expire makes the artifacts of a run expire.
func (r *Repo) Expire(run *Run) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for _, a := range run.artifacts {
		a.expired = true
	}
}

func (r *request) runDoc(run *Run) map[string]any {
	pulls := []map[string]any{}
	if run.HeadRepo == r.repo.Name { // for forks the list is empty: github/docs#22501
		for _, n := range run.Pulls {
			pulls = append(pulls, map[string]any{"number": n, "id": n, "url": r.link("/pull/%d", n)})
		}
	}
	doc := map[string]any{
		"id": run.ID, "run_number": run.Number, "run_attempt": run.Attempt, "name": run.Name, "path": run.Path, "event": run.Event,
		"head_branch": run.HeadBranch, "head_sha": run.HeadSHA, "head_repository": map[string]any{"full_name": run.HeadRepo},
		"actor": userDoc(run.Actor, false), "status": run.Status, "created_at": stamp(run.Created), "run_started_at": stamp(run.Started),
		"updated_at": stamp(run.Updated), "html_url": r.link("/actions/runs/%d", run.ID), "pull_requests": pulls,
	}
	if run.Conclusion != "" {
		doc["conclusion"] = run.Conclusion
	}
	return doc
}

func (r *request) findRun() *Run {
	for _, run := range r.repo.workflowRuns {
		if run.ID == r.number("run_id") {
			return run
		}
	}
	return nil
}

func (r *request) run() reply {
	run := r.findRun()
	if run == nil {
		return notFound()
	}
	return ok(r.runDoc(run))
}

func (r *request) runAttempt() reply {
	run := r.findRun()
	n := int(r.number("attempt_number"))
	if run == nil || n < 1 || n > run.Attempt {
		return notFound()
	}
	one := *run
	one.Attempt = n
	if n < run.Attempt { // an earlier attempt has its own start and end
		one.Conclusion = "success"
		one.Started = time.Time{}
		for _, j := range run.Jobs {
			if j.Attempt != n {
				continue
			}
			if one.Started.IsZero() || j.Created.Before(one.Started) {
				one.Started = j.Created
			}
			if j.Conclusion == "failure" {
				one.Conclusion = "failure"
			}
		}
		if one.Started.IsZero() {
			one.Started = run.Created
		}
	}
	return ok(r.runDoc(&one))
}

func (r *request) runs() reply {
	q := r.URL.Query()
	workflow := r.PathValue("workflow_id")
	var out []map[string]any
	for i := len(r.repo.workflowRuns) - 1; i >= 0; i-- {
		run := r.repo.workflowRuns[i]
		switch {
		case workflow != "" && !strings.HasSuffix(run.Path, "/"+workflow):
		case q.Get("branch") != "" && q.Get("branch") != run.HeadBranch:
		case q.Get("event") != "" && q.Get("event") != run.Event:
		case q.Get("head_sha") != "" && q.Get("head_sha") != run.HeadSHA:
		case q.Get("status") != "" && q.Get("status") != run.Status && q.Get("status") != run.Conclusion:
		case !within(run.Created, q.Get("created")):
		default:
			out = append(out, r.runDoc(run))
		}
	}
	return counted(r, "workflow_runs", out[:min(len(out), 1000)])
}

// within reads GitHub's search syntax for dates as far as we use it: ">=TIME".
func within(t time.Time, created string) bool {
	since, err := time.Parse(time.RFC3339, strings.TrimPrefix(created, ">="))
	return created == "" || err == nil && !t.Before(since)
}

func (r *request) jobs() reply {
	run := r.findRun()
	if run == nil || int(r.number("attempt_number")) > run.Attempt {
		return notFound()
	}
	var out []map[string]any
	for _, j := range run.Jobs {
		if j.Attempt != int(r.number("attempt_number")) {
			continue
		}
		steps := []map[string]any{}
		for i, s := range j.Steps {
			steps = append(steps, map[string]any{
				"name": s.Name, "number": i + 1, "status": "completed", "conclusion": s.Conclusion, "started_at": stamp(s.Started), "completed_at": stamp(s.Completed),
			})
		}
		doc := map[string]any{
			"id": j.ID, "run_id": run.ID, "run_attempt": j.Attempt, "name": j.Name, "status": j.Status, "created_at": stamp(j.Created),
			"started_at": stamp(j.Started), "completed_at": stamp(j.Completed), "labels": slices.Clone(append([]string{}, j.Labels...)), "steps": steps,
			"html_url": r.link("/actions/runs/%d/job/%d", run.ID, j.ID), "head_sha": run.HeadSHA,
		}
		if j.Conclusion != "" {
			doc["conclusion"] = j.Conclusion
		}
		if j.Runner > 0 {
			doc["runner_id"] = j.Runner
		}
		out = append(out, doc)
	}
	return counted(r, "jobs", out)
}

func (r *request) artifacts() reply {
	run := r.findRun()
	if run == nil {
		return notFound()
	}
	var out []map[string]any
	for _, a := range run.artifacts {
		out = append(out, map[string]any{"id": a.id, "name": a.name, "size_in_bytes": len(a.data), "expired": a.expired, "created_at": stamp(a.created)})
	}
	return counted(r, "artifacts", out)
}

func (r *request) artifact() reply {
	for _, run := range r.repo.workflowRuns {
		for _, a := range run.artifacts {
			if a.id != r.number("artifact_id") {
				continue
			}
			if a.expired {
				return problem(http.StatusGone, "Artifact has expired")
			}
			return r.elsewhere(fmt.Sprintf("artifact-%d", a.id), a.data)
		}
	}
	return notFound()
}

func (r *request) jobLog() reply {
	for _, run := range r.repo.workflowRuns {
		for _, j := range run.Jobs {
			if j.ID == r.number("job_id") {
				return r.elsewhere(fmt.Sprintf("job-%d", j.ID), []byte(j.Log))
			}
		}
	}
	return notFound()
}

// elsewhere sends the caller to a signed address, as GitHub does for artifacts
// and logs. The address refuses a token: it is another company's.
func (r *request) elsewhere(name string, data []byte) reply {
	r.repo.blobStore[name] = data
	return reply{status: http.StatusFound, header: http.Header{"Location": {r.s.URL + "/_blob/" + name + "?sig=secret"}}}
}

func (s *Server) serveBlob(w http.ResponseWriter, path string) {
	name := strings.TrimPrefix(path, "/_blob/")
	for _, r := range s.repos {
		if data, has := r.blobStore[name]; has {
			_, _ = w.Write(data) // the client may be gone
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}
