package github_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/github"
	"keepgreen/internal/github/githubtest"
)

func TestRunsJobsAndAttempts(t *testing.T) {
	s, repo, client := forge(t)
	start := s.Now()
	run := repo.AddRun(githubtest.Run{HeadBranch: "feature", Attempt: 2, Conclusion: "failure", Pulls: []int{1}, Jobs: []githubtest.Job{
		{Name: "test", Status: "completed", Conclusion: "failure", Created: start, Started: start.Add(time.Minute), Completed: start.Add(3 * time.Minute), Log: "boom"},
		{Name: "test", Attempt: 2, Status: "completed", Conclusion: "success", Steps: []githubtest.Step{{Name: "pytest", Conclusion: "success"}}},
	}})
	for range 120 {
		repo.AddRun(githubtest.Run{Path: ".github/workflows/nightly.yml"})
	}
	got, err := client.Run(ctx, run.ID)
	assert.NilError(t, err)
	assert.Equal(t, got.Attempt, 2)
	assert.DeepEqual(t, got.Pulls, []int{1})
	first, err := client.RunAttempt(ctx, run.ID, 1)
	assert.NilError(t, err)
	assert.Equal(t, first.Attempt, 1)
	jobs, err := client.Jobs(ctx, run.ID, 1)
	assert.NilError(t, err)
	assert.Equal(t, jobs[0].Started.Sub(jobs[0].Created), time.Minute)
	jobs, err = client.Jobs(ctx, run.ID, 2)
	assert.NilError(t, err)
	assert.Equal(t, jobs[0].Steps[0].Name, "pytest")
	var log bytes.Buffer
	assert.NilError(t, client.JobLog(ctx, repo0(t, client, run.ID), &log, 1<<20))
	assert.Equal(t, log.String(), "boom")
	assert.ErrorContains(t, client.JobLog(ctx, repo0(t, client, run.ID), &log, 2), "more than")
	all, err := client.Runs(ctx, github.RunFilter{})
	assert.NilError(t, err)
	assert.Equal(t, len(all), 121)
	some, err := client.Runs(ctx, github.RunFilter{Workflow: "nightly.yml", Limit: 5, Since: start})
	assert.NilError(t, err)
	assert.Equal(t, len(some), 5)
	red, err := client.Runs(ctx, github.RunFilter{Branch: "feature", Status: "failure", Event: "pull_request", HeadSHA: repo.Head("feature")})
	assert.NilError(t, err)
	assert.Equal(t, len(red), 1)
	_, err = client.Run(ctx, 1)
	assert.ErrorIs(t, err, github.ErrNotFound)
}

// repo0 is the id of the first job of the first attempt.
func repo0(t *testing.T, client *github.Client, run int64) int64 {
	t.Helper()
	jobs, err := client.Jobs(ctx, run, 1)
	assert.NilError(t, err)
	return jobs[0].ID
}

func TestArtifacts(t *testing.T) {
	_, repo, client := forge(t)
	run := repo.AddRun(githubtest.Run{})
	repo.AddArtifact(run, "reports", map[string]string{"a.json": "old"})
	repo.AddArtifact(run, "reports", map[string]string{"a.json": "{}", "sub/b.xml": "<x/>"})
	list, err := client.Artifacts(ctx, run.ID)
	assert.NilError(t, err)
	assert.Equal(t, len(list), 1)
	got := map[string]string{}
	put := func(name string, content io.Reader) error {
		data, err := io.ReadAll(content)
		got[name] = string(data)
		return err
	}
	assert.NilError(t, client.Download(ctx, list[0], github.ArchiveLimits{}, put))
	assert.DeepEqual(t, got, map[string]string{"a.json": "{}", "sub/b.xml": "<x/>"})
	repo.Expire(run)
	assert.ErrorIs(t, client.Download(ctx, list[0], github.ArchiveLimits{}, put), github.ErrNotFound)
}

// zipOf is an archive with names as they are given, which zip.Writer allows.
func zipOf(t *testing.T, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		header := &zip.FileHeader{Name: f[0], Method: zip.Deflate}
		if f[1] == "LINK" {
			header.SetMode(0o777 | 1<<27) // fs.ModeSymlink
		}
		w, err := z.CreateHeader(header)
		assert.NilError(t, err)
		_, err = io.WriteString(w, f[1])
		assert.NilError(t, err)
	}
	assert.NilError(t, z.Close())
	return b.Bytes()
}

func TestHostileArtifacts(t *testing.T) {
	_, repo, client := forge(t)
	bomb := strings.Repeat("0", 1<<20)
	for _, c := range []struct {
		name string
		data []byte
		want string // of the error; empty: it is taken, without the bad part
	}{
		{"no zip", []byte("hello"), "not a valid zip file"},
		{"a path above", zipOf(t, [2]string{"../../x", "y"}), "leaves the archive"},
		{"a path of Windows", zipOf(t, [2]string{`..\x`, "y"}), "leaves the archive"},
		{"a drive", zipOf(t, [2]string{`C:x`, "y"}), "leaves the archive"},
		{"an absolute path", zipOf(t, [2]string{"/etc/passwd", "y"}), "leaves the archive"},
		{"no clean path", zipOf(t, [2]string{"a//b", "y"}), "leaves the archive"},
		{"a link", zipOf(t, [2]string{"link", "LINK"}), ""},
		{"a bomb", zipOf(t, [2]string{"a", bomb}, [2]string{"b", bomb}), "more than it may"},
		{"many files", zipOf(t, [2]string{"a", ""}, [2]string{"b", ""}, [2]string{"c", ""}, [2]string{"d", ""}), "4 files, more than 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := repo.AddRun(githubtest.Run{})
			repo.AddZip(run, "x", c.data)
			list, err := client.Artifacts(ctx, run.ID)
			assert.NilError(t, err)
			var names []string
			err = client.Download(ctx, list[0], github.ArchiveLimits{Unpacked: 1 << 20, Files: 3}, func(name string, content io.Reader) error {
				names = append(names, name)
				_, err := io.Copy(io.Discard, content)
				return err
			})
			if c.want == "" {
				assert.NilError(t, err)
				assert.Equal(t, len(names), 0)
				return
			}
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzDownload(f *testing.F) {
	f.Add([]byte("PK\x05\x06\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, repo, client := forge(t)
		run := repo.AddRun(githubtest.Run{})
		repo.AddZip(run, "x", data)
		list, err := client.Artifacts(ctx, run.ID)
		assert.NilError(t, err)
		total := int64(0)
		_ = client.Download(ctx, list[0], github.ArchiveLimits{Unpacked: 1000}, func(name string, content io.Reader) error {
			assert.Assert(t, !strings.Contains(name, "..") && !strings.HasPrefix(name, "/"))
			n, err := io.Copy(io.Discard, content)
			total += n
			return err
		}) // any answer is fine within the bounds
		assert.Assert(t, total <= 1001)
	})
}
