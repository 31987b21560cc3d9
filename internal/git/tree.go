package git

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// File is a file of the work tree or of a commit.
type File struct {
	Path string // slash-separated, relative to the opened directory
	Blob string // git's id of its content; empty: git does not know what it holds now
}

// Files lists the regular files that the work tree holds below the opened
// directory, tracked ones and new ones that are not ignored, in the order of
// their paths. Git itself says which of the tracked ones hold what its index
// says, with all the care that it takes over clocks and file systems.
func (r *Repo) Files(ctx context.Context) ([]File, error) {
	sub := &Repo{Root: filepath.Join(r.Root, filepath.FromSlash(r.Sub)), env: r.env}
	questions := [][]string{
		{"ls-files", "-z", "--stage", "-v"},
		{"diff-files", "-z", "--name-only", "--relative", "--ignore-submodules=all"},
		{"ls-files", "-z", "--others", "--exclude-standard"},
	}
	answers, errs := make([]string, len(questions)), make([]error, len(questions))
	var wait sync.WaitGroup
	for i, args := range questions {
		wait.Go(func() { answers[i], errs[i] = sub.run(ctx, args...) })
	}
	wait.Wait()
	if err := cmp.Or(errs[0], errs[1], errs[2]); err != nil {
		return nil, err
	}
	files := parseStage(answers[0])
	index := make(map[string]int, len(files))
	for i, f := range files {
		index[f.Path] = i
	}
	for name := range strings.SplitSeq(answers[1], "\x00") {
		if i, known := index[name]; known {
			files[i].Blob = ""
		}
	}
	for name := range strings.SplitSeq(answers[2], "\x00") {
		if name != "" && !strings.HasSuffix(name, "/") { // a folder is another repository
			files = append(files, File{Path: name})
		}
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return files, nil
}

// parseStage reads "git ls-files -z --stage -v": "H 100644 id 0\tpath\0". Only
// of what is tagged H, in one stage, does git look whether it changed.
func parseStage(out string) []File {
	files := make([]File, 0, strings.Count(out, "\x00"))
	for entry := range strings.SplitSeq(out, "\x00") {
		meta, name, _ := strings.Cut(entry, "\t")
		fields := strings.Fields(meta)
		if len(fields) != 4 || !strings.HasPrefix(fields[1], "100") {
			continue
		}
		if n := len(files); n > 0 && files[n-1].Path == name {
			continue // a conflict has up to three stages
		}
		f := File{Path: name}
		if fields[0] == "H" && fields[3] == "0" {
			f.Blob = fields[2]
		}
		files = append(files, f)
	}
	return files
}

// maxBlob bounds a file that is read out of a commit.
const maxBlob = 32 << 20

// Tree lists the regular files of a commit below the opened directory.
func (r *Repo) Tree(ctx context.Context, rev string) ([]File, error) {
	out, err := r.run(ctx, "ls-tree", "-r", "-z", "--full-tree", rev)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if r.Sub != "" {
		prefix = r.Sub + "/"
	}
	var files []File
	for entry := range strings.SplitSeq(out, "\x00") {
		meta, path, _ := strings.Cut(entry, "\t")
		fields := strings.Fields(meta)
		path, below := strings.CutPrefix(path, prefix)
		if len(fields) == 3 && below && strings.HasPrefix(fields[0], "100") {
			files = append(files, File{path, fields[2]})
		}
	}
	return files, nil
}

// ReadBlobs reads the content of files that Tree or Files listed, one after the
// other through one git process. Data is valid until the next call of each.
func (r *Repo) ReadBlobs(ctx context.Context, files []File, each func(f File, data []byte)) error {
	if len(files) == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, "git", "cat-file", "--batch", "--buffer")
	cmd.Dir, cmd.Env = r.Root, r.env
	var ids bytes.Buffer
	for _, f := range files {
		ids.WriteString(f.Blob + "\n")
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
	for _, f := range files {
		if err = readBlob(in, f, each); err != nil {
			_ = cmd.Process.Kill() // it would wait for its output to be read
			break
		}
	}
	if waitErr := cmd.Wait(); err == nil && waitErr != nil {
		err = fmt.Errorf("git cat-file: %w", waitErr)
	}
	return err
}

// readBlob reads "<id> blob <size>\n<data>\n".
func readBlob(in *bufio.Reader, f File, each func(File, []byte)) error {
	head, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return fmt.Errorf("%s: %s", f.Path, strings.TrimSpace(head))
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
	each(f, data[:size])
	return nil
}
