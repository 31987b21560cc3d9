// Package forensics checks what a program under test recorded about itself: a
// log whose lines are chained by hashes, across its rotations, and the metrics
// of evictions. It knows the bytes that Python would have hashed and says which
// line does not hold, and how. It opens nothing, repairs nothing, and trusts no
// statement of the log that it has not recomputed.
package forensics

import (
	"fmt"
	"io"
	"strings"
)

// Genesis is the prev_hash of a file's first record.
const Genesis = "GENESIS"

// File is one file of a log. Open may be called twice: a file that does not hold
// is read again to say what happened to it.
type File struct {
	Name string // without directory: rotations name each other so
	Open func() (io.ReadCloser, error)
}

// Options are what a log is held to. The zero value checks the chain alone.
type Options struct {
	Secret    []byte // key of the HMAC; empty: signatures are not checked
	Signed    bool   // a record without a signature does not hold
	Witness   string // a curr_hash that was seen earlier and has to be in the log still
	MaxRecord int    // bytes of a line; 0: 64 MiB
}

const defaultMaxRecord = 64 << 20

// Fault is what is wrong with a line or a file.
type Fault string

// The faults. A chain shows that lines are gone or were put in; which of several
// explanations is true it cannot always show, and then the sentence says so.
const (
	FaultNone      Fault = ""
	FaultTampered  Fault = "tampered"   // the line is not what was hashed
	FaultSignature Fault = "signature"  // the chain holds, the HMAC does not
	FaultDuplicate Fault = "duplicated" // a copy of another line
	FaultReordered Fault = "reordered"  // the line that belongs here stands elsewhere
	FaultInserted  Fault = "inserted"   // the line continues an earlier one: what is between was put in
	FaultDeleted   Fault = "deleted"    // the line before is gone or was replaced
	FaultTruncated Fault = "truncated"  // the end of a file is gone
	FaultRecord    Fault = "no record"  // the line is no record at all
	FaultMissing   Fault = "missing"    // a file that another one names is gone
	FaultLink      Fault = "unlinked"   // the file does not continue the one before
)

// FileResult is the answer for one file.
type FileResult struct {
	Name     string
	Fault    Fault  // the first one
	What     string // the sentence; empty: the file holds
	Bad      int    // 1-based line of the first fault; 0: the file as a whole
	BadLines int    // lines that do not hold
	Lines    int    // lines that were read, empty ones too
	Records  int
	Signed   int // records that carry a signature
	Bytes    int64
	Last     string // curr_hash of the last record
}

// OK reports whether the file holds.
func (f FileResult) OK() bool { return f.Fault == FaultNone }

// Result is the answer for a log.
type Result struct {
	Files     []FileResult
	Witnessed bool // Options.Witness was found
}

// OK reports whether everything holds.
func (r Result) OK() bool {
	for _, f := range r.Files {
		if !f.OK() {
			return false
		}
	}
	return true
}

// Rotated reports whether a file name is a rotation of the log NAME.log:
// NAME-<unix seconds>.log.
func Rotated(log, name string) bool {
	stem, suffix := cutSuffix(log)
	stamp, ok := strings.CutPrefix(name, stem+"-")
	if !ok {
		return false
	}
	stamp, ok = strings.CutSuffix(stamp, suffix)
	return ok && stamp != "" && strings.Trim(stamp, "0123456789") == ""
}

func cutSuffix(log string) (stem, suffix string) {
	if at := strings.LastIndexByte(log, '.'); at > 0 {
		return log[:at], log[at:]
	}
	return log, ""
}

// Verify checks the files of a log, which come in the order of their names with
// the current one last. An error is one of reading; what is wrong with the log
// is in the result.
func Verify(files []File, o Options) (Result, error) {
	var r Result
	if len(files) == 0 {
		return r, nil
	}
	if o.MaxRecord == 0 {
		o.MaxRecord = defaultMaxRecord
	}
	current := files[len(files)-1].Name
	v := verifier{options: o}
	earlier := -1 // where the result for the file before stands
	for i, file := range files {
		var before *FileResult
		if earlier >= 0 {
			before = &r.Files[earlier]
		}
		got, first, err := v.file(file, before)
		if err != nil {
			return r, fmt.Errorf("%s: %w", file.Name, err)
		}
		if got.Records == 0 {
			blame(&got, FaultTruncated, 0, "holds no record")
		}
		if before != nil && first.disagrees(before, current) {
			if err := v.cutOff(files[i-1], before, first, got.Name); err != nil {
				return r, fmt.Errorf("%s: %w", files[i-1].Name, err)
			}
		}
		if gone := linked(&got, first, before, current); gone != "" {
			r.Files = append(r.Files, FileResult{Name: gone, Fault: FaultMissing, What: "is not there: " + got.Name + " continues it"})
		}
		r.Files = append(r.Files, got)
		earlier = len(r.Files) - 1
	}
	r.Witnessed = v.witnessed
	if o.Witness != "" && !v.witnessed {
		last := &r.Files[len(r.Files)-1]
		blame(last, FaultTruncated, 0, fmt.Sprintf("the hash %s, seen earlier, is nowhere in the log: its end was cut off, or the log was written anew", short(o.Witness)))
	}
	return r, nil
}

// blame records a fault; the first one of a file counts.
func blame(f *FileResult, fault Fault, line int, what string) {
	if f.OK() {
		f.Fault, f.Bad, f.What = fault, line, what
	}
}

// link is what the first record of a file says about the file before.
type link struct {
	line           int
	event          string
	prev           string
	file, lastHash string
}

// disagrees reports whether the link names the file before, or the name that it
// had until it was renamed, with another last hash.
func (l *link) disagrees(before *FileResult, current string) bool {
	return l != nil && l.event == "rotate" && (l.file == before.Name || l.file == current) && l.lastHash != before.Last
}

// linked compares a file's first record with the file before it, and returns
// the name of a file that ought to stand between and does not.
func linked(got *FileResult, l *link, before *FileResult, current string) (gone string) {
	rotates := l != nil && l.event == "rotate"
	switch {
	case l == nil, before == nil && !rotates:
	case before == nil && (l.file == current || l.file == ""):
		blame(got, FaultMissing, l.line, "continues an earlier file that is gone")
	case before == nil:
		return l.file
	case !rotates:
		blame(got, FaultLink, l.line, fmt.Sprintf("does not begin with a rotate record that continues %s", before.Name))
	case l.file == before.Name, l.file == current: // disagrees has looked at the hash
	case l.file > before.Name && (l.file < got.Name || got.Name == current):
		return l.file
	default:
		blame(got, FaultLink, l.line, fmt.Sprintf("continues %q, not %s", l.file, before.Name))
	}
	return ""
}

// cutOff says what happened to the end of a file whose successor remembers
// another last hash.
func (v *verifier) cutOff(f File, before *FileResult, l *link, by string) error {
	if !before.OK() {
		return nil // its own fault explains it
	}
	line, err := v.find(f, l.lastHash)
	if err != nil {
		return err
	}
	if line > 0 {
		blame(before, FaultInserted, line+1, fmt.Sprintf("was added after the file was closed: %s continues line %d", by, line))
		return nil
	}
	blame(before, FaultTruncated, before.Lines, fmt.Sprintf("is the last line, but %s continues the hash %s: the end of the file was cut off or rewritten", by, short(l.lastHash)))
	return nil
}

// find is the line of the record with a hash; 0: there is none.
func (v *verifier) find(f File, hash string) (line int, err error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer in.Close()
	err = eachLine(in, v.options.MaxRecord, func(n int, text []byte, end ending) error {
		if c := v.check(text, nil, false); end != tooLong && c.fault == nil && string(c.curr) == hash {
			line = n
		}
		return nil
	})
	return line, err
}

// short is enough of a hash to tell it by. What is no hash is quoted.
func short(hash string) string {
	if len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return fmt.Sprintf("%.40q", hash)
	}
	return hash[:12] + "…"
}
