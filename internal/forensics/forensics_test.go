package forensics_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"gotest.tools/v3/assert"

	"keepgreen/internal/forensics"
)

const (
	log    = "kv_cache.log"
	secret = "example-secret"
)

// disk is the files of a log by name.
type disk map[string]string

func captured(t testing.TB, dir string) disk {
	t.Helper()
	d := disk{}
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*.log"))
	assert.NilError(t, err)
	assert.Assert(t, len(names) > 1, "a log with rotations")
	for _, name := range names {
		data, err := os.ReadFile(name)
		assert.NilError(t, err)
		d[filepath.Base(name)] = string(data)
	}
	return d
}

// files are those of the disk in the order of their names, the current one last.
func (d disk) files() []forensics.File {
	var names []string
	for name := range d {
		if forensics.Rotated(log, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []forensics.File
	for _, name := range append(names, log) {
		out = append(out, forensics.File{Name: name, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(d[name])), nil
		}})
	}
	return out
}

func (d disk) lines(name string) []string {
	return strings.SplitAfter(strings.TrimSuffix(d[name], "\n"), "\n")
}

func (d disk) set(name string, lines []string) {
	d[name] = strings.TrimSuffix(strings.Join(lines, ""), "\n") + "\n"
}

func TestRealLogsHold(t *testing.T) {
	for _, dir := range []string{"plain", "signed", "ascii"} {
		t.Run(dir, func(t *testing.T) {
			d := captured(t, dir)
			r, err := forensics.Verify(d.files(), forensics.Options{Secret: []byte(secret), Signed: dir == "signed"})
			assert.NilError(t, err)
			assert.Assert(t, r.OK(), "%+v", r.Files)
			assert.Equal(t, len(r.Files), len(d))
			for _, f := range r.Files {
				assert.Equal(t, f.Lines, strings.Count(d[f.Name], "\n"))
				assert.Equal(t, f.Records, f.Lines)
			}
		})
	}
}

// sealed writes a record's hashes anew, as somebody would who knows the format.
func sealed(t *testing.T, line, key string) string {
	t.Helper()
	var rec map[string]any
	assert.NilError(t, json.Unmarshal([]byte(line), &rec))
	delete(rec, "curr_hash")
	delete(rec, "hmac")
	text, err := json.Marshal(rec)
	assert.NilError(t, err)
	canon, err := forensics.Canonical([]byte(rec["prev_hash"].(string)), text)
	assert.NilError(t, err)
	sum := sha256.Sum256(canon)
	rec["curr_hash"] = hex.EncodeToString(sum[:])
	if key != "" {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(canon)
		rec["hmac"] = hex.EncodeToString(mac.Sum(nil))
	}
	out, err := json.Marshal(rec)
	assert.NilError(t, err)
	return string(out) + "\n"
}

// field is a member of a record's line.
func field(t *testing.T, line, key string) string {
	t.Helper()
	var rec map[string]any
	assert.NilError(t, json.Unmarshal([]byte(line), &rec))
	return fmt.Sprint(rec[key])
}

// TestWhatWasDoneIsNamed does to a real log what hands, disks and crashes do.
func TestWhatWasDoneIsNamed(t *testing.T) {
	first := func(d disk) string { return d.files()[0].Name }
	second := func(d disk) string { return d.files()[1].Name }
	cases := map[string]struct {
		do    func(t *testing.T, d disk)
		file  func(disk) string
		fault forensics.Fault
		line  int
		what  string
	}{
		"a value is changed": {
			func(t *testing.T, d disk) {
				d[first(d)] = strings.Replace(d[first(d)], `"size": 8192`, `"size": 8193`, 1)
			},
			first, forensics.FaultTampered, 0, "its content does not hash to its curr_hash",
		},
		"a curr_hash is changed": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				l[4] = strings.Replace(l[4], field(t, l[4], "curr_hash"), strings.Repeat("0", 64), 1)
				d.set(first(d), l)
			},
			first, forensics.FaultTampered, 5, "its curr_hash is not that of its content",
		},
		"a prev_hash is changed": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				l[4] = strings.Replace(l[4], field(t, l[4], "prev_hash"), strings.Repeat("0", 64), 1)
				d.set(first(d), l)
			},
			first, forensics.FaultTampered, 5, "its prev_hash is not that of the line before",
		},
		"a line is changed and sealed anew": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				l[4] = sealed(t, strings.Replace(l[4], `"schema": 1`, `"schema": 2`, 1), "")
				d.set(first(d), l)
			},
			first, forensics.FaultDeleted, 6, "or the line before was rewritten",
		},
		"a line is deleted": {
			func(t *testing.T, d disk) { d.set(first(d), slices.Delete(d.lines(first(d)), 3, 4)) },
			first, forensics.FaultDeleted, 4, "lines between them were deleted",
		},
		"the first line is deleted": {
			func(t *testing.T, d disk) { d.set(first(d), d.lines(first(d))[1:]) },
			first, forensics.FaultDeleted, 1, "the lines before it were deleted",
		},
		"a line is there twice": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				d.set(first(d), slices.Insert(l, 4, l[3]))
			},
			first, forensics.FaultDuplicate, 5, "repeats line 4",
		},
		"an old line is played again": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				d.set(first(d), slices.Insert(l, 8, l[2]))
			},
			first, forensics.FaultDuplicate, 9, "repeats line 3",
		},
		"two lines change places": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				l[4], l[5] = l[5], l[4]
				d.set(first(d), l)
			},
			first, forensics.FaultReordered, 5, "stands before line 6",
		},
		"the first two lines change places": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				l[0], l[1] = l[1], l[0]
				d.set(first(d), l)
			},
			first, forensics.FaultReordered, 1, "stands before line 2",
		},
		"a line that holds is put in": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				l = slices.Insert(l, 4, sealed(t, `{"schema":1,"event_type":"free","prev_hash":"`+field(t, l[3], "curr_hash")+`"}`, ""))
				d.set(first(d), l)
			},
			first, forensics.FaultInserted, 6, "continues line 4",
		},
		"the current file breaks off in a line": {
			func(t *testing.T, d disk) { d[log] = d[log][:len(d[log])-40] },
			func(disk) string { return log }, forensics.FaultTruncated, -1, "breaks off after",
		},
		"a closed file loses its end": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				d.set(first(d), l[:len(l)-2])
			},
			first, forensics.FaultTruncated, -1, "the end of the file was cut off",
		},
		"a line is added to a closed file": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				last := l[len(l)-1]
				d[first(d)] += sealed(t, `{"schema":1,"event_type":"free","prev_hash":"`+field(t, last, "curr_hash")+`"}`, "")
			},
			first, forensics.FaultInserted, -1, "was added after the file was closed",
		},
		"the first file is gone": {
			func(t *testing.T, d disk) { delete(d, first(d)) },
			func(d disk) string { return first(captured(t, "plain")) }, forensics.FaultMissing, 0, "is not there",
		},
		"a file in the middle is gone": {
			func(t *testing.T, d disk) { delete(d, second(d)) },
			func(d disk) string { return second(captured(t, "plain")) }, forensics.FaultMissing, 0, "is not there",
		},
		"a file is swapped for another log's": {
			func(t *testing.T, d disk) { d[second(d)] = d.lines(first(d))[0] },
			second, forensics.FaultLink, 1, "does not begin with a rotate record",
		},
		"a line is no JSON": {
			func(t *testing.T, d disk) {
				l := d.lines(first(d))
				l[4] = "\x00\x00\x00\n"
				d.set(first(d), l)
			},
			first, forensics.FaultRecord, 5, "cannot be read: it is no JSON object",
		},
		"a line has no hash": {
			func(t *testing.T, d disk) { d[first(d)] = "{\"event_type\":\"free\",\"prev_hash\":\"GENESIS\"}\n" },
			first, forensics.FaultRecord, 1, "it has no curr_hash",
		},
		"the current file is emptied": {
			func(t *testing.T, d disk) { d[log] = "" },
			func(disk) string { return log }, forensics.FaultTruncated, 0, "holds no record",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := captured(t, "plain")
			c.do(t, d)
			r, err := forensics.Verify(d.files(), forensics.Options{MaxRecord: 1 << 20})
			assert.NilError(t, err)
			assert.Assert(t, !r.OK())
			i := slices.IndexFunc(r.Files, func(f forensics.FileResult) bool { return !f.OK() })
			bad := r.Files[i]
			assert.Equal(t, bad.Name, c.file(d))
			assert.Equal(t, bad.Fault, c.fault, bad.What)
			assert.Assert(t, strings.Contains(bad.What, c.what), "%d %s", bad.Bad, bad.What)
			switch c.line {
			case 0:
			case -1:
				assert.Equal(t, bad.Bad, bad.Lines)
			default:
				assert.Equal(t, bad.Bad, c.line, bad.What)
			}
			for _, f := range r.Files[i+1:] {
				assert.Assert(t, f.OK() || c.fault == forensics.FaultLink, "one fault is told once: %s: %s", f.Name, f.What)
			}
		})
	}
}

func TestSignatures(t *testing.T) {
	key := forensics.Options{Secret: []byte(secret)}
	required := forensics.Options{Secret: []byte(secret), Signed: true}
	name := captured(t, "signed").files()[0].Name
	reseal := func(t *testing.T, d disk, key string) {
		l := d.lines(name)
		last := len(l) - 1
		l[last] = sealed(t, strings.Replace(l[last], `"schema": 1`, `"schema": 2`, 1), key)
		d.set(name, l)
	}
	for what, c := range map[string]struct {
		do      func(t *testing.T, d disk)
		options forensics.Options
		says    string
	}{
		"a chain sealed anew without the key":    {func(t *testing.T, d disk) { reseal(t, d, "guessed") }, key, "does not belong to its content and this key"},
		"a signature that was taken off":         {func(t *testing.T, d disk) { reseal(t, d, "") }, required, "carries no signature"},
		"another key":                            {func(*testing.T, disk) {}, forensics.Options{Secret: []byte("other")}, "does not belong to its content and this key"},
		"an upper-case signature is another one": {func(t *testing.T, d disk) { d[name] = strings.Replace(d[name], `"hmac": "`, `"hmac": "A`, 1) }, key, "does not belong"},
	} {
		t.Run(what, func(t *testing.T) {
			d := captured(t, "signed")
			c.do(t, d)
			r, err := forensics.Verify(d.files(), c.options)
			assert.NilError(t, err)
			assert.Equal(t, r.Files[0].Fault, forensics.FaultSignature, r.Files[0].What)
			assert.Assert(t, strings.Contains(r.Files[0].What, c.says), r.Files[0].What)
		})
	}
}

// TestRotationsThatHold are ways of writing the link that are as good.
func TestRotationsThatHold(t *testing.T) {
	older := sealed(t, `{"event_type":"alloc","prev_hash":"GENESIS"}`, "")
	last := field(t, older, "curr_hash")
	closed := "kv_cache-1000000000.log"
	for name, rotate := range map[string]string{
		"names the closed file":                      `{"event_type":"rotate","prev_file":"` + closed + `","prev_file_last_hash":"` + last + `","prev_hash":"GENESIS"}`,
		"names the current file, as it was then":     `{"event_type":"rotate","prev_file":"kv_cache.log","prev_file_last_hash":"` + last + `","prev_hash":"GENESIS"}`,
		"goes on with the hash of the file before":   `{"event_type":"rotate","prev_file":"` + closed + `","prev_file_last_hash":"` + last + `","prev_hash":"` + last + `"}`,
		"is spelled with escapes in keys and values": `{"event\u005ftype":"rot\u0061te","prev_file":"` + closed + `","prev_file_last_hash":"` + last + `","prev_hash":"GENESIS"}`,
	} {
		t.Run(name, func(t *testing.T) {
			d := disk{closed: older, log: sealed(t, rotate, "")}
			r, err := forensics.Verify(d.files(), forensics.Options{})
			assert.NilError(t, err)
			assert.Assert(t, r.OK(), "%+v", r.Files)
		})
	}
	d := disk{closed: older, log: sealed(t, `{"event_type":"rotate","prev_file":"kv_cache.log","prev_file_last_hash":"`+strings.Repeat("0", 64)+`","prev_hash":"GENESIS"}`, "")}
	r, err := forensics.Verify(d.files(), forensics.Options{})
	assert.NilError(t, err)
	assert.Assert(t, !r.OK(), "the right name with the wrong hash is not benign")
}

func TestAWitnessFindsACutEnd(t *testing.T) {
	d := captured(t, "plain")
	r, err := forensics.Verify(d.files(), forensics.Options{})
	assert.NilError(t, err)
	seen := r.Files[len(r.Files)-1].Last
	r, err = forensics.Verify(d.files(), forensics.Options{Witness: seen})
	assert.NilError(t, err)
	assert.Assert(t, r.OK() && r.Witnessed)
	l := d.lines(log)
	d.set(log, l[:len(l)-1])
	r, err = forensics.Verify(d.files(), forensics.Options{})
	assert.NilError(t, err)
	assert.Assert(t, r.OK(), "a chain alone cannot show that its end is gone")
	r, err = forensics.Verify(d.files(), forensics.Options{Witness: seen})
	assert.NilError(t, err)
	assert.Assert(t, !r.OK())
}

func TestLinesOfAnyLength(t *testing.T) {
	long := sealed(t, `{"prev_hash":"GENESIS","x":"`+strings.Repeat("é", 400_000)+`"}`, "")
	next := sealed(t, `{"prev_hash":"`+field(t, long, "curr_hash")+`"}`, "")
	d := disk{log: long + "\n" + strings.TrimSpace(next)}
	r, err := forensics.Verify(d.files(), forensics.Options{})
	assert.NilError(t, err)
	assert.Assert(t, r.OK(), "%+v", r.Files)
	assert.Equal(t, r.Files[0].Records, 2)
	assert.Equal(t, r.Files[0].Lines, 3, "an empty line is no record, and is counted")

	r, err = forensics.Verify(d.files(), forensics.Options{MaxRecord: 300_000})
	assert.NilError(t, err)
	assert.Equal(t, r.Files[0].Bad, 1)
	assert.Equal(t, r.Files[0].Lines, 3)
	assert.Assert(t, strings.HasPrefix(r.Files[0].What, "is longer than"), r.Files[0].What)
}

// TestOneByteAtATime reads through a reader that gives as little as it may.
func TestOneByteAtATime(t *testing.T) {
	d := captured(t, "signed")
	files := d.files()
	for i, f := range files {
		files[i].Open = func() (io.ReadCloser, error) {
			return io.NopCloser(iotest.OneByteReader(strings.NewReader(d[f.Name]))), nil
		}
	}
	r, err := forensics.Verify(files, forensics.Options{Secret: []byte(secret)})
	assert.NilError(t, err)
	assert.Assert(t, r.OK())
}

func TestAReadErrorIsNoVerdict(t *testing.T) {
	broken := errors.New("input/output error")
	_, err := forensics.Verify([]forensics.File{{Name: log, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(iotest.ErrReader(broken)), nil
	}}}, forensics.Options{})
	assert.ErrorIs(t, err, broken)
	assert.ErrorContains(t, err, log)
}

// FuzzVerify: any bytes get an answer, and a file that holds holds no more once
// any one of its bytes that is not space was changed.
func FuzzVerify(f *testing.F) {
	d := captured(f, "ascii")
	name := d.files()[0].Name
	f.Add([]byte(d[name]), uint16(77), byte(1))
	f.Add([]byte("{}\n{"), uint16(0), byte(9))
	f.Add([]byte(d[log]), uint16(900), byte('x'))
	f.Fuzz(func(t *testing.T, text []byte, at uint16, mask byte) {
		verify := func(text []byte) forensics.FileResult {
			r, err := forensics.Verify([]forensics.File{{Name: log, Open: func() (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(text)), nil
			}}}, forensics.Options{Secret: []byte(secret), MaxRecord: 1 << 16})
			assert.NilError(t, err)
			return r.Files[len(r.Files)-1]
		}
		before := verify(text)
		if !before.OK() || before.Records < 2 || int(at) >= len(text) {
			return
		}
		changed := bytes.Clone(text)
		changed[at] ^= mask
		after := verify(changed)
		if !after.OK() {
			return
		}
		// What may differ is the spelling, not what it says: the hashes are the same.
		assert.Equal(t, after.Last, before.Last)
	})
}

// grown repeats the records of a real log, chained anew, to about the size.
func grown(b *testing.B, dir string, canonical bool, size int) []byte {
	d := captured(b, dir)
	lines := d.lines(d.files()[1].Name)[1:]
	var out bytes.Buffer
	prev := forensics.Genesis
	mac := hmac.New(sha256.New, []byte(secret))
	for i := 0; out.Len() < size; i++ {
		line := strings.TrimSpace(lines[i%len(lines)])
		body, _, ok := strings.Cut(line, `"prev_hash"`)
		if !ok {
			b.Fatal("the writer puts the hashes last")
		}
		body += `"prev_hash": "` + prev + `"`
		text, err := forensics.Canonical([]byte(prev), []byte(body+"}"))
		assert.NilError(b, err)
		sum := sha256.Sum256(text)
		prev = hex.EncodeToString(sum[:])
		body += `, "curr_hash": "` + prev + `"`
		if dir == "signed" {
			mac.Reset()
			mac.Write(text)
			body += `, "hmac": "` + hex.EncodeToString(mac.Sum(nil)) + `"`
		}
		record := []byte(body + "}")
		if canonical {
			record, err = forensics.Canonical(nil, record)
			assert.NilError(b, err)
		}
		out.Write(record)
		out.WriteByte('\n')
	}
	return out.Bytes()
}
