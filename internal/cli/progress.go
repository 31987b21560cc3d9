package cli

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"keepgreen/internal/ci"
	"keepgreen/internal/render"
	"keepgreen/internal/runner"
)

// progress tells what is going on: one live line in a terminal, a plain line a
// job elsewhere, nothing at all when it is quiet.
type progress struct {
	w    io.Writer
	live bool
	look render.TextOptions
	now  func() time.Time

	mu      sync.Mutex
	since   time.Time
	at      render.Progress
	stop    chan struct{}
	stopped sync.WaitGroup
}

// newProgress starts telling; the caller ends it with close.
func newProgress(s *session) *progress {
	p := &progress{
		w: s.Stderr, live: s.Terminal, now: s.Now, since: s.Now(), stop: make(chan struct{}),
		look: render.TextOptions{Width: s.Width, Colour: s.Colour && s.Terminal},
	}
	if s.Quiet {
		p.w, p.live = io.Discard, false
	}
	if p.live {
		p.stopped.Go(p.redraw)
	}
	return p
}

func (p *progress) redraw() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.mu.Lock()
			p.at.Frame++
			p.draw()
			p.mu.Unlock()
		}
	}
}

// draw rewrites the live line; the lock is held.
func (p *progress) draw() {
	if !p.live || len(p.at.Jobs) == 0 {
		return
	}
	p.at.Elapsed = p.now().Sub(p.since)
	fmt.Fprintf(p.w, "\r\x1b[K%s", p.at.Line(p.look))
}

// say prints a line of its own above the live line; the lock is held.
func (p *progress) say(line string) {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintln(p.w, line)
	p.draw()
}

func (p *progress) started(plan runner.Plan, attempt int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at.Jobs = append(p.at.Jobs, render.ProgressJob{Name: plan.Tool, Running: true})
	p.at.Done, p.at.Total, p.at.Failed = 0, 0, 0
	if attempt > 1 {
		p.say(fmt.Sprintf("▸ %s again, attempt %d", plan.Tool, attempt))
		return
	}
	if !p.live {
		p.say(render.JobStart(ci.Job{Name: plan.Tool}, p.look))
	}
}

// saw takes what a running tool prints and keeps what tells how far it is.
func (p *progress) saw(line []byte) {
	if !p.live {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	step(&p.at, line)
}

// step reads a line of a tool's output for how far it is: pytest's count of
// what it collected and the test that has just ended, go test's events.
func step(at *render.Progress, line []byte) {
	if _, rest, ok := bytes.Cut(line, []byte("collected ")); ok {
		n, _, _ := bytes.Cut(rest, []byte(" "))
		at.Total, _ = strconv.Atoi(string(n))
		return
	}
	name, rest, ok := bytes.Cut(line, []byte(" "))
	if ok && bytes.Contains(name, []byte("::")) && bytes.HasSuffix(bytes.TrimSpace(line), []byte("%]")) {
		ended(at, string(name), bytes.HasPrefix(rest, []byte("FAILED")) || bytes.HasPrefix(rest, []byte("ERROR")))
		return
	}
	failed := bytes.Contains(line, []byte(`"Action":"fail"`))
	if failed || bytes.Contains(line, []byte(`"Action":"pass"`)) {
		if _, rest, ok := bytes.Cut(line, []byte(`"Test":"`)); ok {
			name, _, _ := bytes.Cut(rest, []byte(`"`))
			ended(at, string(name), failed)
		}
	}
}

func ended(at *render.Progress, test string, failed bool) {
	at.Last = test
	at.Done++
	if failed {
		at.Failed++
	}
}

func (p *progress) finished(j ci.Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.at.Jobs {
		if job := &p.at.Jobs[i]; job.Name == j.Tool && job.Running {
			job.Running, job.Status = false, j.Status
		}
	}
	p.say(strings.TrimRight(render.JobLine(j, p.look), " "))
}

// close ends the telling and clears the live line.
func (p *progress) close() {
	close(p.stop)
	p.stopped.Wait()
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
