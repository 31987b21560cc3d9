package history_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"keepgreen/internal/ci"
	"keepgreen/internal/history"
	"keepgreen/internal/history/historytest"
)

// TestMain lets the test binary be the other process of the tests with two.
func TestMain(m *testing.M) {
	if path := os.Getenv("HISTORY_TEST_WRITER"); path != "" {
		os.Exit(writer(path))
	}
	os.Exit(m.Run())
}

// filled is the path of a closed history with n runs of 50 tests.
func filled(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path)
	for i := range n {
		appendRun(t, s, i)
	}
	shapes := make([]byte, 3000)
	for i := range shapes {
		shapes[i] = byte(i * i * 7)
	}
	assert.NilError(t, s.PutGreen(t.Context(), history.Green{Repo: "r", Workflow: "ci", Job: "build", Run: "1", Templates: shapes}))
	var said []history.Judged
	for i := range 60 {
		said = append(said, history.Judged{Test: ci.TestID(fmt.Sprintf("tests/test_kept.py::test_%d", i)), Verdict: ci.FlakeFlaky})
	}
	assert.NilError(t, s.PutVerdicts(t.Context(), "r", said))
	assert.NilError(t, s.Close())
	return path
}

func appendRun(t *testing.T, s *history.Store, n int) {
	t.Helper()
	added, err := s.Append(t.Context(), manyTests(n), nil)
	assert.NilError(t, err)
	assert.Assert(t, added)
}

func manyTests(n int) ci.Run {
	run := historytest.Run(n)
	for i := range 50 {
		outcome := ci.Passed
		if i == n%50 {
			outcome = ci.Failed
		}
		run.Tests = append(run.Tests, historytest.Result(fmt.Sprintf("tests/test_%d.py::test_it", i), outcome))
	}
	return run
}

// TestUnusableFiles holds Open to its promise: a clear error with a hint, and
// the file as it was.
func TestUnusableFiles(t *testing.T) {
	good, err := os.ReadFile(filled(t, 30))
	assert.NilError(t, err)
	foreign := filepath.Join(t.TempDir(), "other.db")
	db, err := sql.Open("sqlite", foreign)
	assert.NilError(t, err)
	_, err = db.Exec("CREATE TABLE customer (name TEXT); INSERT INTO customer VALUES ('Ada')")
	assert.NilError(t, err)
	assert.NilError(t, db.Close())
	theirs, err := os.ReadFile(foreign)
	assert.NilError(t, err)

	for _, c := range []struct {
		name    string
		content []byte
		kind    error
	}{
		{"text", []byte("version: 1\n"), history.ErrCorrupt},
		{"one byte", []byte("S"), history.ErrCorrupt},
		{"the magic and no more", good[:16], history.ErrCorrupt},
		{"cut off after the header", good[:100], history.ErrCorrupt},
		{"cut off in the middle", good[:len(good)/2], history.ErrCorrupt},
		{"cut off by a byte", good[:len(good)-1], history.ErrCorrupt},
		{"zeros", make([]byte, 8192), history.ErrCorrupt},
		{"a schema page of garbage", garbage(good, 100, 4096), history.ErrCorrupt},
		{"another program's database", theirs, history.ErrForeign},
		{"another program's, which says so", patched(good, 68, 0x0f055112), history.ErrForeign},
		{"a newer keepgreen's", patched(good, 60, 999), history.ErrNewer},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.db")
			assert.NilError(t, os.WriteFile(path, c.content, 0o644))
			for _, opt := range []history.Options{{}, {ReadOnly: true}} {
				s, err := history.Open(t.Context(), path, opt)
				if err == nil {
					s.Close()
				}
				assert.Check(t, is.ErrorIs(err, c.kind))
				var explained *history.Error
				assert.Assert(t, errors.As(err, &explained))
				assert.Check(t, explained.Hint() != "")
				assert.Check(t, strings.HasPrefix(err.Error(), path))
			}
			now, err := os.ReadFile(path)
			assert.NilError(t, err)
			assert.Assert(t, bytes.Equal(now, c.content), "the file was changed")
		})
	}
}

func garbage(file []byte, from, to int) []byte {
	out := bytes.Clone(file)
	for i := from; i < to; i++ {
		out[i] = byte(i*7 + 3)
	}
	return out
}

func patched(file []byte, at int, word uint32) []byte {
	out := bytes.Clone(file)
	copy(out[at:], []byte{byte(word >> 24), byte(word >> 16), byte(word >> 8), byte(word)})
	return out
}

// TestDamagedPages overwrites one page after the other: whatever is read after
// that is either right or an error, never something else.
func TestDamagedPages(t *testing.T) {
	path := filled(t, 60)
	good, err := os.ReadFile(path)
	assert.NilError(t, err)
	want := map[string]string{}
	s := open(t, path)
	rows, err := s.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	for _, r := range rows {
		want[r.Run] = r.SHA256
	}
	assert.NilError(t, s.Close())

	noticed := 0
	for at := 0; at < len(good); at += 4096 {
		broken := filepath.Join(t.TempDir(), "history.db")
		assert.NilError(t, os.WriteFile(broken, garbage(good, at+110, at+4096), 0o644))
		s, err := history.Open(t.Context(), broken, history.Options{ReadOnly: true})
		if err != nil {
			noticed++
			assert.Check(t, is.ErrorIs(err, history.ErrCorrupt))
			continue
		}
		found := false
		for r, err := range s.Records(t.Context(), history.Filter{}) {
			if err != nil {
				found = true
				assert.Check(t, is.ErrorIs(err, history.ErrCorrupt))
				break
			}
			assert.Check(t, is.Equal(r.Run.SHA256, want[r.Run.Run]))
		}
		_, greens := s.Greens(t.Context(), "r", "ci", "build")
		_, verdicts := s.Verdicts(t.Context(), "r")
		for _, err := range []error{greens, verdicts} {
			if err != nil {
				found = true
				assert.Check(t, is.ErrorIs(err, history.ErrCorrupt))
			}
		}
		if found {
			noticed++
		}
		s.Close()
	}
	assert.Assert(t, noticed > len(good)/4096/2, "%d of %d damaged pages were noticed", noticed, len(good)/4096)
}

func TestUnwritablePlaces(t *testing.T) {
	dir := t.TempDir()
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	assert.NilError(t, os.Mkdir(filepath.Join(dir, "dir.db"), 0o755))
	for _, path := range []string{filepath.Join(dir, "file", "history.db"), "/proc/history/history.db", filepath.Join(dir, "dir.db")} {
		_, err := history.Open(t.Context(), path, history.Options{})
		var explained *history.Error
		assert.Assert(t, errors.As(err, &explained), path)
		assert.Check(t, explained.Hint() != "", path)
	}
	if os.Geteuid() == 0 {
		t.Skip("root may write to a read-only directory")
	}
	assert.NilError(t, os.Chmod(dir, 0o555))
	_, err := history.Open(t.Context(), filepath.Join(dir, "new", "history.db"), history.Options{})
	assert.ErrorIs(t, err, history.ErrUnwritable)
}

func TestReadOnly(t *testing.T) {
	path := filled(t, 3)
	dir := filepath.Dir(path)
	assert.NilError(t, os.Chmod(path, 0o444))
	assert.NilError(t, os.Chmod(dir, 0o555))
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	s, err := history.Open(t.Context(), path, history.Options{ReadOnly: true})
	assert.NilError(t, err)
	defer s.Close()
	rows, err := s.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 3)
	_, err = s.Append(t.Context(), manyTests(9), nil)
	assert.ErrorIs(t, err, history.ErrUnwritable)
	entries, err := os.ReadDir(dir)
	assert.NilError(t, err)
	assert.Equal(t, len(entries), 1, "reading left a file behind")

	_, err = history.Open(t.Context(), filepath.Join(dir, "none.db"), history.Options{ReadOnly: true})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestReadingBesideAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := open(t, path)
	appendRun(t, s, 1)
	reader, err := history.Open(t.Context(), path, history.Options{ReadOnly: true})
	assert.NilError(t, err)
	defer reader.Close()
	appendRun(t, s, 2)
	rows, err := reader.Runs(t.Context(), history.Filter{})
	assert.NilError(t, err)
	assert.Equal(t, len(rows), 2)
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"with space", "per%20cent", "question?mark", "hash#tag", "ünï", "a&b=c"} {
		path := filepath.Join(t.TempDir(), name, "history.db")
		s := open(t, path)
		appendRun(t, s, 1)
		assert.NilError(t, s.Close())
		_, err := os.Stat(path)
		assert.NilError(t, err)
	}
}

// writer is the other process: it appends 25 runs of its own and 5 of everybody.
func writer(path string) int {
	ctx := context.Background()
	s, err := history.Open(ctx, path, history.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Close()
	for i := range 30 {
		run := manyTests(i)
		if i >= 5 {
			run.ID += os.Getenv("HISTORY_TEST_NAME")
		}
		if _, err := s.Append(ctx, run, nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

func TestSeveralProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "history.db")
	var others []*exec.Cmd
	for i := range 3 { // all create the file at once
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "HISTORY_TEST_WRITER="+path, fmt.Sprintf("HISTORY_TEST_NAME=-%d", i))
		cmd.Stderr = os.Stderr
		assert.NilError(t, cmd.Start())
		others = append(others, cmd)
	}
	for _, cmd := range others {
		assert.NilError(t, cmd.Wait())
	}
	s := open(t, path)
	n := 0
	for _, err := range s.Records(t.Context(), history.Filter{}) { // each is verified
		assert.NilError(t, err)
		n++
	}
	assert.Equal(t, n, 5+3*25)
	tests, err := s.Tests(t.Context(), "")
	assert.NilError(t, err)
	assert.Equal(t, len(tests), 50)
}
