package forensics

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// verifier keeps its buffers from file to file.
type verifier struct {
	options   Options
	canon     writer
	fields    fields
	mac       hash.Hash
	sum       []byte
	witnessed bool
}

// checked is what one line turned out to be. Its slices hold until the next line.
type checked struct {
	fault      error  // it is no record
	hash       string // what curr_hash has to be; set only if it is not
	prev, curr []byte
	signed     bool
	badMAC     bool
	hashed     []byte // prev_hash and canonical text
}

// check reads one line and recomputes its hashes. The bytes that are hashed are
// put together with the hash that ought to come before.
func (v *verifier) check(line, last []byte, first bool) checked {
	w := &v.canon
	w.record = &v.fields
	v.fields.reset(first)
	w.out = append(w.out[:0], last...)
	if err := w.document(line); err != nil {
		return checked{fault: err}
	}
	c := checked{prev: v.fields.prev, curr: v.fields.curr, signed: len(v.fields.mac) > 0, hashed: w.out}
	switch {
	case len(c.prev) == 0:
		return checked{fault: errors.New("it has no prev_hash")}
	case len(c.curr) == 0:
		return checked{fault: errors.New("it has no curr_hash")}
	}
	if !bytes.Equal(c.prev, last) {
		c.hashed = append(append([]byte{}, c.prev...), w.out[len(last):]...)
	}
	sum := sha256.Sum256(c.hashed)
	if !isHex(c.curr, &sum) {
		c.hash = hex.EncodeToString(sum[:])
	}
	c.badMAC = c.signed && len(v.options.Secret) > 0 && !v.authentic(c.hashed)
	return c
}

const hexDigits = "0123456789abcdef"

// isHex reports whether the text is the sum in lower-case hexadecimal digits.
func isHex(text []byte, sum *[sha256.Size]byte) bool {
	if len(text) != 2*sha256.Size {
		return false
	}
	var differ byte
	for i, b := range sum {
		differ |= text[2*i] ^ hexDigits[b>>4] | text[2*i+1] ^ hexDigits[b&15]
	}
	return differ == 0
}

func (v *verifier) authentic(text []byte) bool {
	if v.mac == nil {
		v.mac = hmac.New(sha256.New, v.options.Secret)
	}
	v.mac.Reset()
	v.mac.Write(text)
	var sum [sha256.Size]byte
	v.sum = hex.AppendEncode(v.sum[:0], v.mac.Sum(sum[:0]))
	return hmac.Equal(v.sum, v.fields.mac)
}

// file checks one file; the link is what its first record says of the one
// before, nil if there is no first record that can be read.
func (v *verifier) file(f File, before *FileResult) (FileResult, *link, error) {
	got := FileResult{Name: f.Name}
	in, err := f.Open()
	if err != nil {
		return got, nil, err
	}
	defer in.Close()
	var first *link
	var bad *suspect
	last := append(make([]byte, 0, 64), Genesis...)
	err = eachLine(in, v.options.MaxRecord, func(n int, line []byte, whole ending) error {
		got.Lines, got.Bytes = n, got.Bytes+int64(len(line))
		if len(bytes.TrimSpace(line)) == 0 && whole != tooLong {
			return nil
		}
		if whole == tooLong {
			got.BadLines++
			blame(&got, FaultRecord, n, fmt.Sprintf("is longer than %d MiB and was not read", v.options.MaxRecord>>20))
			return nil
		}
		c := v.check(line, last, got.Records == 0)
		if c.fault != nil {
			got.BadLines++
			if whole == torn {
				blame(&got, FaultTruncated, n, fmt.Sprintf("breaks off after %d bytes: the end of the file was cut off, or the writer was stopped", len(line)))
				return nil
			}
			blame(&got, FaultRecord, n, "cannot be read: "+c.fault.Error())
			return nil
		}
		got.Records++
		if got.Records == 1 {
			first = v.link(n, before, c, &last)
		}
		follow, s := v.judge(&got, n, c, last)
		if s != nil {
			got.BadLines++
			if bad == nil && got.OK() {
				bad = s
				blame(&got, s.fault, n, s.what)
			}
		}
		if follow {
			last = append(last[:0], c.curr...)
		}
		return nil
	})
	if err != nil {
		return got, nil, err
	}
	if got.Records > 0 {
		got.Last = string(last)
	}
	if bad != nil && bad.line == got.Bad {
		err = v.explain(f, &got, bad)
	}
	return got, first, err
}

// link reads what the first record says of the file before. Some writers go on
// with the hash of that file instead of beginning anew, which binds the files
// just as well.
func (v *verifier) link(n int, before *FileResult, c checked, last *[]byte) *link {
	l := &link{line: n, event: string(v.fields.event), file: string(v.fields.prevFile), lastHash: string(v.fields.prevLast), prev: string(c.prev)}
	if before != nil && l.event == "rotate" && l.prev == before.Last && l.prev == l.lastHash {
		*last = append((*last)[:0], l.prev...)
	}
	return l
}

// suspect is a line that does not hold, with what a second reading needs.
type suspect struct {
	line       int
	fault      Fault
	what       string
	last       string // the hash that ought to come before
	prev, curr string
	hash       string // what its content hashes to; empty: its curr_hash
	restored   bool   // with the right prev_hash its curr_hash is right
}

// judge says whether a record holds and whether the chain goes on from it.
func (v *verifier) judge(got *FileResult, n int, c checked, last []byte) (follow bool, s *suspect) {
	if c.signed {
		got.Signed++
	}
	if v.options.Witness != "" && c.hash == "" && string(c.curr) == v.options.Witness {
		v.witnessed = true
	}
	follows := bytes.Equal(c.prev, last)
	if follows && c.hash == "" {
		switch {
		case c.badMAC:
			return true, &suspect{line: n, fault: FaultSignature, what: "has a signature that does not belong to its content and this key"}
		case v.options.Signed && !c.signed:
			return true, &suspect{line: n, fault: FaultSignature, what: "carries no signature"}
		}
		return true, nil
	}
	s = &suspect{line: n, last: string(last), prev: string(c.prev), curr: string(c.curr), hash: c.hash}
	switch {
	case c.hash == "":
		s.fault, s.what = FaultDeleted, "does not follow the line before"
	case follows:
		s.fault, s.what = FaultTampered, "was changed after it was written: its content does not hash to its curr_hash"
	default:
		s.fault, s.what = FaultTampered, "was changed after it was written: neither its prev_hash nor its curr_hash holds"
		s.restored = v.restores(c, last)
	}
	// A copy of the line before leaves the chain where it is.
	return !bytes.Equal(c.curr, last), s
}

// restores reports whether a record holds again once its prev_hash is put right.
func (v *verifier) restores(c checked, last []byte) bool {
	text := c.hashed[len(c.prev):]
	was := fmt.Appendf(nil, `"prev_hash":"%s"`, c.prev)
	at := bytes.LastIndex(text, was)
	if at < 0 {
		return false
	}
	mended := append([]byte{}, last...)
	mended = append(append(mended, text[:at]...), fmt.Sprintf(`"prev_hash":"%s"`, last)...)
	mended = append(mended, text[at+len(was):]...)
	sum := sha256.Sum256(mended)
	return hex.EncodeToString(sum[:]) == string(c.curr)
}

// ending is how a line ends.
type ending uint8

const (
	ended   ending = iota
	torn           // the file ends without a newline
	tooLong        // over the limit; the text is left out
)

// eachLine hands on the lines of a file without their newline, in memory that is
// used again.
func eachLine(r io.Reader, limit int, do func(n int, line []byte, end ending) error) error {
	buf := make([]byte, 256<<10)
	n, from, to := 0, 0, 0
	skipping, atEnd := false, false
	for {
		for {
			i := bytes.IndexByte(buf[from:to], '\n')
			if i < 0 {
				break
			}
			n++
			end, line := ended, buf[from:from+i]
			if skipping {
				end, line, skipping = tooLong, nil, false
			}
			from += i + 1
			if err := do(n, line, end); err != nil {
				return err
			}
		}
		if atEnd {
			break
		}
		if skipping {
			from = to
		}
		copy(buf, buf[from:to])
		from, to = 0, to-from
		if to == len(buf) {
			if to >= limit {
				skipping, to = true, 0
			} else {
				buf = append(buf, make([]byte, min(len(buf), limit-len(buf)+1))...)
			}
		}
		k, err := r.Read(buf[to:])
		to += k
		if err == io.EOF {
			atEnd = true
		} else if err != nil {
			return err
		}
	}
	if skipping {
		return do(n+1, nil, tooLong)
	}
	if from < to {
		return do(n+1, buf[from:to], torn)
	}
	return nil
}
