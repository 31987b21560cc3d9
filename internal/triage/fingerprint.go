package triage

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"keepgreen/internal/ci"
)

// Algorithm is the version of fingerprints, and the prefix of every cluster's
// ID. It changes with the mask and with what goes into a fingerprint, so that
// ids of two versions never meet by accident.
const Algorithm = "k1"

// How much of a message counts: the first lines say what happened, what follows
// is context that varies.
const (
	maxPrintLines = 8
	maxPrintBytes = 1 << 10
)

// Fingerprint is the exact fingerprint of a failure: kind, exception or rule,
// masked message, and the innermost frame in the repository. The order of
// trust is Sentry's (stack trace, then type, then message), the exact hash
// LUCI's: stable, incremental, explainable. inRepo nil: relative paths.
func Fingerprint(f ci.Failure, inRepo func(string) bool) string {
	return newClue(f, inRepo).print()
}

// clue is a failure as triage looks at it: at the root of its chain of
// exceptions, with its place in the repository.
type clue struct {
	f      ci.Failure // Exception, Message and Frames are the root's; Pos is the top frame in the repository
	masked string     // the message, masked and normalised
	top    ci.Frame   // innermost frame in the repository; zero: none
	rooted bool       // the root of a chain replaced the last exception
	own    bool       // a frame or the position lies in the repository
}

func newClue(f ci.Failure, ours func(string) bool) clue {
	if ours == nil {
		ours = inRepo
	}
	c := clue{f: f}
	if len(f.Chain) > 0 && f.Chain[0].Exception != "" {
		root := f.Chain[0]
		c.f.Exception, c.f.Message, c.f.Frames = root.Exception, root.Message, root.Frames
		c.rooted = true
	}
	c.f.Exception = shortName(c.f.Exception)
	if inner, rest, ok := strings.Cut(c.f.Message, ": "); ok && inner != "" && c.f.Exception != "" && c.f.Exception != "AssertionError" && isException(inner) {
		// A wrapper that quotes what it wraps: the quoted one is the cause.
		c.f.Exception, c.f.Message = shortName(inner), rest
	}
	c.top, c.own = topFrame(c.f.Frames, ours)
	if !c.own && c.rooted {
		c.top, c.own = topFrame(f.Frames, ours)
	}
	switch {
	case c.own:
		c.f.Pos = c.top.Position
	case f.Pos.File != "" && ours(f.Pos.File):
		c.top = ci.Frame{Position: f.Pos}
		c.own = true
	}
	c.masked = normal(c.f.Message)
	return c
}

// shortName takes the module off an exception's name.
func shortName(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 && i+1 < len(name) {
		return name[i+1:]
	}
	return name
}

// topFrame is the innermost frame in the repository.
func topFrame(frames []ci.Frame, ours func(string) bool) (ci.Frame, bool) {
	for i := len(frames) - 1; i >= 0; i-- {
		if ours(frames[i].File) {
			return frames[i], true
		}
	}
	return ci.Frame{}, false
}

// normal is a message ready to be compared: bounded, masked, without blank
// lines and without the blanks that indent and align.
func normal(message string) string {
	var kept []byte
	lines := 0
	for line := range strings.Lines(message) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if lines > 0 {
			kept = append(kept, '\n')
		}
		for i, word := range fields {
			if i > 0 {
				kept = append(kept, ' ')
			}
			kept = append(kept, word...)
		}
		lines++
		if lines == maxPrintLines || len(kept) >= maxPrintBytes {
			break
		}
	}
	if len(kept) > maxPrintBytes {
		kept = kept[:maxPrintBytes]
	}
	return string(AppendMask(make([]byte, 0, len(kept)), kept))
}

// print hashes what tells this failure from others.
func (c clue) print() string {
	h := sha256.New()
	write := func(parts ...string) {
		for _, p := range parts {
			io.WriteString(h, p)
			h.Write([]byte{0})
		}
	}
	write(string(c.f.Kind))
	switch {
	case c.f.Kind == ci.KindLint && c.f.Rule != "":
		// A rule that is broken forty times is one thing to mend.
		write(c.f.Tool, c.f.Rule)
	case c.f.Rule != "":
		write(c.f.Tool, c.f.Rule, c.masked)
	default:
		write(c.f.Exception, c.masked, c.top.File, c.top.Func)
		if c.top.Func == "" && c.f.Test != "" && c.f.Exception == "" {
			// Go's and JavaScript's tests name no function: the test is the place.
			write(string(testFunc(c.f.Test)))
		}
	}
	return Algorithm + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// testFunc is the test without parameters and without Go's subtest.
func testFunc(id ci.TestID) ci.TestID {
	id = id.Base()
	if id.File() != "" {
		return id
	}
	s := string(id)
	dot := strings.LastIndex(s, ".Test")
	if dot < 0 {
		return id
	}
	if i := strings.IndexByte(s[dot:], '/'); i >= 0 {
		return ci.TestID(s[:dot+i])
	}
	return id
}
