package artifact

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"keepgreen/internal/ci"
)

// wireRun is one attempt of a run as GitHub's REST API has it
// (https://docs.github.com/en/rest/actions/workflow-runs).
type wireRun struct {
	ID         int64     `json:"id"`
	Attempt    int       `json:"run_attempt"`
	Name       string    `json:"name"`
	Event      string    `json:"event"`
	HeadBranch string    `json:"head_branch"`
	HeadSHA    string    `json:"head_sha"`
	Status     string    `json:"status"`
	Conclusion string    `json:"conclusion"`
	URL        string    `json:"html_url"`
	Created    time.Time `json:"created_at"`
	Started    time.Time `json:"run_started_at"`
	Updated    time.Time `json:"updated_at"`
	Actor      struct {
		Login string `json:"login"`
	} `json:"actor"`
	Repository struct {
		FullName      string `json:"full_name"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	Pulls []struct {
		Number int `json:"number"`
	} `json:"pull_requests"`
}

func readRun(f fields, doc *Document) error {
	var w wireRun
	if err := remarshal(f, &w); err != nil {
		return err
	}
	if w.ID <= 0 {
		return fmt.Errorf("id: %d is not the id of a run", w.ID)
	}
	p := ci.Pipeline{
		Repo: w.Repository.FullName, ID: strconv.FormatInt(w.ID, 10), Attempt: max(w.Attempt, 1), Workflow: w.Name, Event: w.Event, Branch: w.HeadBranch,
		Commit: w.HeadSHA, Actor: w.Actor.Login, URL: w.URL, Status: ci.Concluded(w.Conclusion), Created: w.Created, Started: w.Started,
	}
	p.Main = p.Branch != "" && p.Branch == w.Repository.DefaultBranch && ci.ClassOfRef(p.Event, true) == ci.RefMain
	if w.Status == "completed" {
		p.Ended = w.Updated
	}
	if len(w.Pulls) > 0 {
		p.Pull = w.Pulls[0].Number
	}
	doc.Run = &p
	return nil
}

func readJobs(f fields, doc *Document) error {
	var jobs []struct {
		Name       string     `json:"name"`
		Attempt    int        `json:"run_attempt"`
		Conclusion string     `json:"conclusion"`
		URL        string     `json:"html_url"`
		Runner     int64      `json:"runner_id"`
		Created    *time.Time `json:"created_at"`
		Started    *time.Time `json:"started_at"`
		Completed  *time.Time `json:"completed_at"`
	}
	if err := json.Unmarshal(f["jobs"], &jobs); err != nil {
		return err
	}
	for _, j := range jobs {
		doc.Jobs = append(doc.Jobs, ci.PipelineJob{
			Name: j.Name, Attempt: max(j.Attempt, 1), Status: ci.Concluded(j.Conclusion), URL: j.URL, Runner: j.Runner,
			Created: instant(j.Created), Started: instant(j.Started), Ended: instant(j.Completed),
		})
	}
	return nil
}

// instant is a time that was said. Go's zero time, which servers written in it
// send for "never", is no time (actions-runner-controller #4444).
func instant(t *time.Time) time.Time {
	if t == nil || t.Year() < 1971 {
		return time.Time{}
	}
	return t.UTC()
}

// remarshal reads an object that was split into its members.
func remarshal(f fields, to any) error {
	whole, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return json.Unmarshal(whole, to)
}
