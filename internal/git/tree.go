package git

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Files lists what the work tree holds below the opened directory: tracked
// files and new ones that are not ignored, relative to that directory.
func (r *Repo) Files(ctx context.Context) ([]string, error) {
	sub := &Repo{Root: filepath.Join(r.Root, filepath.FromSlash(r.Sub)), env: r.env}
	out, err := sub.run(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(out, "\x00") {
		if name != "" {
			files = append(files, name)
		}
	}
	return files, nil
}

// maxBlob bounds a file that is read out of a commit.
const maxBlob = 32 << 20

// blob is a regular file of a commit.
type blob struct {
	path, id string
}

// ReadTree reads the regular files of a commit below the opened directory whose
// path is wanted, one after the other through one git process. The path is
// relative to that directory; data is valid until the next call.
func (r *Repo) ReadTree(ctx context.Context, rev string, want func(path string) bool, each func(path string, data []byte)) error {
	blobs, err := r.blobs(ctx, rev, want)
	if err != nil || len(blobs) == 0 {
		return err
	}
	cmd := exec.CommandContext(ctx, "git", "cat-file", "--batch", "--buffer")
	cmd.Dir, cmd.Env = r.Root, r.env
	var ids bytes.Buffer
	for _, b := range blobs {
		ids.WriteString(b.id + "\n")
	}
	cmd.Stdin = &ids
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	in := bufio.NewReaderSize(stdout, 1<<20)
	for _, b := range blobs {
		if err = readBlob(in, b.path, each); err != nil {
			_ = cmd.Process.Kill() // it would wait for its output to be read
			break
		}
	}
	if waitErr := cmd.Wait(); err == nil && waitErr != nil {
		err = fmt.Errorf("git cat-file: %w", waitErr)
	}
	return err
}

func (r *Repo) blobs(ctx context.Context, rev string, want func(string) bool) ([]blob, error) {
	out, err := r.run(ctx, "ls-tree", "-r", "-z", "--full-tree", rev)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if r.Sub != "" {
		prefix = r.Sub + "/"
	}
	var blobs []blob
	for entry := range strings.SplitSeq(out, "\x00") {
		meta, path, _ := strings.Cut(entry, "\t")
		fields := strings.Fields(meta)
		path, below := strings.CutPrefix(path, prefix)
		if len(fields) == 3 && below && strings.HasPrefix(fields[0], "100") && want(path) {
			blobs = append(blobs, blob{path, fields[2]})
		}
	}
	return blobs, nil
}

// readBlob reads "<id> blob <size>\n<data>\n".
func readBlob(in *bufio.Reader, path string, each func(string, []byte)) error {
	head, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return fmt.Errorf("%s: %s", path, strings.TrimSpace(head))
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	if size > maxBlob {
		_, err = in.Discard(size + 1)
		return err
	}
	data := make([]byte, size+1)
	if _, err := io.ReadFull(in, data); err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	each(path, data[:size])
	return nil
}
