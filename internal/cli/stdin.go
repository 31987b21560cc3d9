package cli

import (
	"bytes"
	"io"
	"os"
)

// heldStdin is how much of standard input is held in memory. What is longer is
// spooled to a file, because an archive is read from its end.
const heldStdin = 8 << 20

// spooled is everything that can be read from in, to be read at random. The
// caller calls done when it needs it no more.
func spooled(in io.Reader) (text io.ReaderAt, size int64, done func(), err error) {
	head, err := io.ReadAll(io.LimitReader(in, heldStdin+1))
	if err != nil {
		return nil, 0, nil, err
	}
	if len(head) <= heldStdin {
		return bytes.NewReader(head), int64(len(head)), func() {}, nil
	}
	file, err := os.CreateTemp("", "keepgreen-stdin-*")
	if err != nil {
		return nil, 0, nil, err
	}
	done = func() {
		file.Close()
		os.Remove(file.Name())
	}
	if size, err = io.Copy(file, io.MultiReader(bytes.NewReader(head), in)); err != nil {
		done()
		return nil, 0, nil, err
	}
	return file, size, done, nil
}
