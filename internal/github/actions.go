package github

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	gh "github.com/google/go-github/v92/github"
)

// WorkflowRun is one attempt of a run of a workflow.
type WorkflowRun struct {
	ID                 int64
	Number, Attempt    int
	Name, Path         string
	Event              string
	HeadBranch         string
	HeadSHA, HeadRepo  string // HeadRepo is "owner/name"
	Actor              string
	Status, Conclusion string
	Created            time.Time // of the run
	Started, Updated   time.Time // of this attempt
	Pulls              []int     // empty for forks, whatever they are of
	URL                string
}

func runOf(r *gh.WorkflowRun) WorkflowRun {
	out := WorkflowRun{
		ID: r.GetID(), Number: r.GetRunNumber(), Attempt: max(r.GetRunAttempt(), 1), Name: r.GetName(), Path: r.GetPath(), Event: r.GetEvent(),
		HeadBranch: r.GetHeadBranch(), HeadSHA: r.GetHeadSHA(), HeadRepo: r.GetHeadRepository().GetFullName(), Actor: r.GetActor().GetLogin(),
		Status: r.GetStatus(), Conclusion: r.GetConclusion(), Created: r.GetCreatedAt().Time, Started: r.GetRunStartedAt().Time,
		Updated: r.GetUpdatedAt().Time, URL: r.GetHTMLURL(),
	}
	for _, p := range r.PullRequests {
		out.Pulls = append(out.Pulls, p.GetNumber())
	}
	return out
}

// Run reads a workflow run as its last attempt left it.
func (c *Client) Run(ctx context.Context, id int64) (WorkflowRun, error) {
	r, _, err := c.api.Actions.GetWorkflowRunByID(ctx, c.repo.Owner, c.repo.Name, id)
	if err != nil {
		return WorkflowRun{}, did(err, "read run %d", id)
	}
	return runOf(r), nil
}

// RunAttempt reads one attempt of a run.
func (c *Client) RunAttempt(ctx context.Context, id int64, attempt int) (WorkflowRun, error) {
	r, _, err := c.api.Actions.GetWorkflowRunAttempt(ctx, c.repo.Owner, c.repo.Name, id, attempt, nil)
	if err != nil {
		return WorkflowRun{}, did(err, "read attempt %d of run %d", attempt, id)
	}
	return runOf(r), nil
}

// RunFilter chooses workflow runs. The zero value chooses all.
type RunFilter struct {
	Workflow string // file name, "ci.yml"; empty: any
	Branch   string
	Event    string
	Status   string // status or conclusion: "success", "completed" …
	HeadSHA  string
	Since    time.Time // created at or after
	Limit    int       // most to list, newest first; 0: all (GitHub names 1,000 at most)
}

// Runs lists workflow runs, newest first.
func (c *Client) Runs(ctx context.Context, f RunFilter) ([]WorkflowRun, error) {
	options := &gh.ListWorkflowRunsOptions{Branch: f.Branch, Event: f.Event, Status: f.Status, HeadSHA: f.HeadSHA, ListOptions: gh.ListOptions{PerPage: 100}}
	if !f.Since.IsZero() {
		options.Created = ">=" + f.Since.UTC().Format(time.RFC3339)
	}
	list := c.api.Actions.ListRepositoryWorkflowRunsIter(ctx, c.repo.Owner, c.repo.Name, options)
	if f.Workflow != "" {
		list = c.api.Actions.ListWorkflowRunsByFileNameIter(ctx, c.repo.Owner, c.repo.Name, f.Workflow, options)
	}
	var out []WorkflowRun
	for one, err := range list {
		if err != nil {
			return nil, did(err, "list workflow runs")
		}
		out = append(out, runOf(one))
		if len(out) == f.Limit {
			break
		}
	}
	return out, nil
}

// WorkflowJob is one job of one attempt.
type WorkflowJob struct {
	ID                          int64
	Attempt                     int
	Name                        string
	Status, Conclusion          string
	Created, Started, Completed time.Time // Created to Started is the time in the queue
	Runner                      int64     // 0: no machine was ever assigned
	Labels                      []string
	Steps                       []JobStep
	URL                         string
}

// JobStep is one step of a job.
type JobStep struct {
	Name               string
	Number             int
	Status, Conclusion string
	Started, Completed time.Time
}

func jobOf(j *gh.WorkflowJob) WorkflowJob {
	out := WorkflowJob{
		ID: j.GetID(), Attempt: max(int(j.GetRunAttempt()), 1), Name: j.GetName(), Status: j.GetStatus(), Conclusion: j.GetConclusion(),
		Created: j.GetCreatedAt().Time, Started: j.GetStartedAt().Time, Completed: j.GetCompletedAt().Time, Runner: j.GetRunnerID(), Labels: j.Labels, URL: j.GetHTMLURL(),
	}
	for _, s := range j.Steps {
		out.Steps = append(out.Steps, JobStep{s.GetName(), int(s.GetNumber()), s.GetStatus(), s.GetConclusion(), s.GetStartedAt().Time, s.GetCompletedAt().Time})
	}
	return out
}

// Jobs lists the jobs of one attempt of a run.
func (c *Client) Jobs(ctx context.Context, run int64, attempt int) ([]WorkflowJob, error) {
	var out []WorkflowJob
	for one, err := range c.api.Actions.ListWorkflowJobsAttemptIter(ctx, c.repo.Owner, c.repo.Name, run, int64(attempt), &gh.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, did(err, "list the jobs of run %d", run)
		}
		out = append(out, jobOf(one))
	}
	return out, nil
}

// JobLog copies at most limit bytes of a job's log.
func (c *Client) JobLog(ctx context.Context, job int64, to io.Writer, limit int64) error {
	where, err := c.elsewhere(ctx, "actions/jobs/%d/logs", job)
	if err != nil {
		return did(err, "read the log of job %d", job)
	}
	return did(c.download(ctx, where, to, limit), "read the log of job %d", job)
}

// Artifact is what a run left behind.
type Artifact struct {
	ID      int64
	Name    string
	Size    int64 // of the zip
	Expired bool
	Created time.Time
}

// Artifacts lists the artifacts of a run. Of several with one name, left by
// several attempts, the last one counts.
func (c *Client) Artifacts(ctx context.Context, run int64) ([]Artifact, error) {
	var out []Artifact
	at := map[string]int{}
	for one, err := range c.api.Actions.ListWorkflowRunArtifactsIter(ctx, c.repo.Owner, c.repo.Name, run, &gh.ListOptions{PerPage: 100}) {
		if err != nil {
			return nil, did(err, "list the artifacts of run %d", run)
		}
		a := Artifact{one.GetID(), one.GetName(), one.GetSizeInBytes(), one.GetExpired(), one.GetCreatedAt().Time}
		if i, seen := at[a.Name]; seen {
			if a.ID > out[i].ID {
				out[i] = a
			}
			continue
		}
		at[a.Name] = len(out)
		out = append(out, a)
	}
	return out, nil
}

// ArchiveLimits bound what is unpacked of an artifact, which a stranger may
// have made. The zero value is 64 MB of zip, 256 MB unpacked, 5,000 files.
type ArchiveLimits struct {
	Packed, Unpacked int64
	Files            int
}

func (l ArchiveLimits) defaults() ArchiveLimits {
	if l.Packed == 0 {
		l.Packed = 64 << 20
	}
	if l.Unpacked == 0 {
		l.Unpacked = 256 << 20
	}
	if l.Files == 0 {
		l.Files = 5000
	}
	return l
}

// Download unpacks an artifact: put is called for each file with its path,
// which is relative and stays below where it is put. Links are left out.
func (c *Client) Download(ctx context.Context, a Artifact, limits ArchiveLimits, put func(name string, content io.Reader) error) error {
	limits = limits.defaults()
	where, err := c.elsewhere(ctx, "actions/artifacts/%d/zip", a.ID)
	if err != nil {
		return did(err, "download artifact %s", a.Name)
	}
	var packed bytes.Buffer
	if err := c.download(ctx, where, &packed, limits.Packed); err != nil {
		return fmt.Errorf("artifact %s: %w", a.Name, err)
	}
	if err := unpack(packed.Bytes(), limits, put); err != nil {
		return fmt.Errorf("artifact %s: %w", a.Name, err)
	}
	return nil
}

// elsewhere asks for something that GitHub keeps with somebody else, and gives
// the address that it names. The library follows such redirects by itself or
// reduces the refusals to a text without a status.
func (c *Client) elsewhere(ctx context.Context, format string, args ...any) (*url.URL, error) {
	request, err := c.api.NewRequest(ctx, http.MethodGet, "repos/"+c.repo.String()+"/"+fmt.Sprintf(format, args...), nil)
	if err != nil {
		return nil, err
	}
	stay := *c.api.Client()
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := stay.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if where, err := response.Location(); err == nil && response.StatusCode/100 == 3 {
		return where, nil
	}
	if err := gh.CheckResponse(response); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("GitHub says %d and names no address", response.StatusCode)
}

// download fetches an address that carries its own permission. No token goes
// with it: the store is another host.
func (c *Client) download(ctx context.Context, where *url.URL, to io.Writer, limit int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	response, err := c.plain.Do(req)
	if err != nil {
		return fmt.Errorf("download: %w", bareURL(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &Error{What: "download", Status: response.StatusCode, Message: http.StatusText(response.StatusCode), kind: kindOf(response.StatusCode, "")}
	}
	n, err := io.Copy(to, io.LimitReader(response.Body, limit+1))
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	if n > limit {
		return fmt.Errorf("more than %d MB", limit>>20)
	}
	return nil
}

// bareURL drops the address from an error: it holds a signature.
func bareURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func unpack(data []byte, limits ArchiveLimits, put func(string, io.Reader) error) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	if len(archive.File) > limits.Files {
		return fmt.Errorf("%d files, more than %d", len(archive.File), limits.Files)
	}
	left := limits.Unpacked
	for _, f := range archive.File {
		if !f.Mode().IsRegular() {
			continue
		}
		name := strings.ReplaceAll(f.Name, `\`, "/")
		if name == "" || strings.ContainsAny(name, "\x00:") || path.IsAbs(name) || path.Clean("/"+name) != "/"+name {
			return fmt.Errorf("%q: a path that leaves the archive", f.Name)
		}
		if left, err = unpackFile(f, name, left, put); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// unpackFile counts what really comes out: the header's sizes are claims.
func unpackFile(f *zip.File, name string, left int64, put func(string, io.Reader) error) (int64, error) {
	content, err := f.Open()
	if err != nil {
		return left, err
	}
	defer content.Close()
	bounded := &io.LimitedReader{R: content, N: left + 1}
	if err := put(name, bounded); err != nil {
		return left, err
	}
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return left, err
	}
	if bounded.N <= 0 {
		return 0, fmt.Errorf("the artifact unpacks to more than it may")
	}
	return bounded.N - 1, nil
}
