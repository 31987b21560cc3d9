package git_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/git"
)

// TestKnownLogGoesOn holds that a log which is kept from commit to commit, read
// and written each time, says what one says that is read at once: with renames,
// merges, commits without changes, odd names and a window that moves.
func TestKnownLogGoesOn(t *testing.T) {
	r := newChurnRepo(t)
	start := r.at
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a.py", "d/b.py", "d/\u00e9 c.py", "\x01odd\n.py"}
	for _, name := range names {
		r.write(name, strings.Repeat(name+"\n", 30))
	}
	r.commit("ann")
	repo, err := git.Open(t.Context(), r.dir, r.env)
	assert.NilError(t, err)
	known := &git.Log{}
	for step := range 14 {
		i := random.IntN(len(names))
		switch random.IntN(5) {
		case 0:
			next := fmt.Sprintf("d/r%d.py", step)
			r.git("mv", names[i], next)
			names[i] = next
		case 1:
			r.git("switch", "-q", "-c", fmt.Sprint("side", step))
			r.write(fmt.Sprintf("side%d.py", step), "x\n")
			r.commit("bob")
			r.git("switch", "-q", "main")
			r.write(names[i], strings.Repeat(names[i]+"\n", 30)+fmt.Sprintln(step))
			r.commit("cy")
			r.git("-c", "user.name=m", "-c", "user.email=m@example.com", "merge", "-q", "--no-edit", fmt.Sprint("side", step))
		case 2: // nothing changes
		default:
			r.write(names[i], strings.Repeat(names[i]+"\n", 30)+fmt.Sprintln(step))
		}
		r.commit([]string{"ann", "bob"}[random.IntN(2)])
		if random.IntN(3) == 0 {
			continue // several commits at once
		}
		since := start.Add(time.Duration(step) * 20 * time.Second)
		next, err := repo.Log(t.Context(), since, git.ReadLog(known.Bytes()))
		assert.NilError(t, err)
		assert.DeepEqual(t, churnOf(t, repo, next, since), r.churn("", since))
		again, err := repo.Log(t.Context(), since, git.ReadLog(next.Bytes()))
		assert.NilError(t, err)
		assert.Assert(t, next.Fresh() && !again.Fresh())
		assert.DeepEqual(t, churnOf(t, repo, again, since), r.churn("", since))
		known = next
	}
	// History that was rewritten, or is wanted further back, is read again.
	r.git("reset", "-q", "--hard", "HEAD~2")
	r.write("new.py", "1\n")
	r.commit("ann")
	for _, since := range []time.Time{start.Add(time.Hour), start} {
		next, err := repo.Log(t.Context(), since, known)
		assert.NilError(t, err)
		assert.DeepEqual(t, churnOf(t, repo, next, since), r.churn("", since))
	}
}

// FuzzReadLog promises, of a log whose checksum is right whatever it holds: no
// panic, and what is read is written so that it is read again as the same.
func FuzzReadLog(f *testing.F) {
	f.Add("")
	f.Add("keepgreen churn 1\nabc 7\n\x011 a@b\n1\t2\tx.py\x00\x00\x01")
	f.Add("keepgreen churn 1\nabc 7\n\x013 a@b\n1\t2\t\x00old\x00new\x00\x012 c@d\x00\x011 e\n-\t-\tb\x00")
	f.Fuzz(func(t *testing.T, text string) {
		sum := crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))
		once := git.ReadLog(binary.LittleEndian.AppendUint32([]byte(text), sum)).Bytes()
		if twice := git.ReadLog(once).Bytes(); string(twice) != string(once) {
			t.Fatalf("%q is read again as %q", once, twice)
		}
	})
}
