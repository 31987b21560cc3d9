package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"keepgreen/internal/forensics"
	"keepgreen/internal/render"
)

// meter counts what is read of large files and, in a terminal, draws how far it
// is. What is small is read before anybody could look.
type meter struct {
	ctx         context.Context
	w           io.Writer
	live        bool
	look        render.TextOptions
	now         func() time.Time
	since, last time.Time
	done, total int64
}

const (
	meterFrom  = 32 << 20
	meterEvery = 100 * time.Millisecond
)

func newMeter(s *session, total int64) *meter {
	return &meter{
		ctx: s.ctx, w: s.Stderr, live: s.Terminal && !s.Quiet && total >= meterFrom,
		look: render.TextOptions{Width: s.Width}, now: s.Now, since: s.Now(), total: total,
	}
}

// files are the files of a log, each opened when it is its turn. The last one
// may be gone.
func (m *meter) files(dir string, names []string) (files []forensics.File, gone bool) {
	for i, name := range names {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); i == len(names)-1 && err != nil {
			return files, true
		}
		files = append(files, forensics.File{Name: name, Open: func() (io.ReadCloser, error) {
			file, err := os.Open(path)
			if err != nil {
				return nil, bare(err)
			}
			return &counted{file, m, name}, nil
		}})
	}
	return files, false
}

func (m *meter) saw(name string, n int) {
	m.done += int64(n)
	if !m.live {
		return
	}
	now := m.now()
	if now.Sub(m.last) < meterEvery {
		return
	}
	m.last = now
	rate := 0.0
	if spent := now.Sub(m.since).Seconds(); spent > 0.2 {
		rate = float64(m.done) / spent
	}
	fmt.Fprintf(m.w, "\r\x1b[K%s", render.MeterLine(name, min(m.done, m.total), m.total, rate, m.look))
}

// close clears the line.
func (m *meter) close() {
	if m.live {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}

// counted is a file that tells the meter what was read of it, and ends early
// when the command is interrupted.
type counted struct {
	fs.File
	meter *meter
	name  string
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.meter.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.File.Read(p)
	c.meter.saw(c.name, n)
	return n, err
}
