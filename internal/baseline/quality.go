// Package baseline knows the two shapes in which the level that main has
// reached is kept: the file ci_metrics/quality_metrics.json, and a ledger of
// chained records. Bytes become values and values bytes; what it does not
// understand it keeps, and what is broken it refuses as a whole. It computes no
// baseline and decides nothing.
package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Entry is one run of main in the history.
type Entry struct {
	Time           time.Time // zero: not said
	RunID          string
	Coverage       *float64 // percent; nil: not measured
	High, Critical *int     // nil: not counted
	Commit, Series string
	Covered, Total int    // what Coverage is made of; Total 0: not said
	Accepted       string // who accepted this level, and why; empty: nobody had to
}

// Keep is how many entries the file holds.
const Keep = 10

// Quality is the file with everything in it, also what is not understood, in
// its own order. The zero value is an empty file.
type Quality struct{ top object }

// object is a JSON object whose members keep their order and their text.
type object []member

type member struct {
	key   string
	value json.RawMessage
}

// maxFile bounds the file; ten entries need a few kilobytes.
const maxFile = 4 << 20

// Parse reads the file. A broken one, half a line or a figure that cannot be,
// is an error that names the line; it is never repaired by guessing.
func Parse(data []byte) (*Quality, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("the file has %d bytes; at most %d are read", len(data), maxFile)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, located(data, err)
	}
	q := &Quality{}
	var err error
	if q.top, err = members(whole); err != nil {
		return nil, err
	}
	return q, q.check()
}

// located puts the line before a syntax error.
func located(data []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at := max(0, min(int(syntax.Offset), len(data))-1) // the offset is behind the byte that is wrong
		return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:at], []byte{'\n'}), err)
	}
	return err
}

func members(raw json.RawMessage) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	open, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if open != json.Delim('{') {
		return nil, fmt.Errorf("%s is not an object", short(raw))
	}
	var out object
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		out = out.set(key.(string), value) // of a key that is there twice, the last counts, as everywhere
	}
	return out, nil
}

func short(raw []byte) string {
	const most = 40
	if len(raw) > most {
		return string(raw[:most]) + "…"
	}
	return string(raw)
}

func (o object) get(key string) json.RawMessage {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

func (o object) set(key string, value json.RawMessage) object {
	for i := range o {
		if o[i].key == key {
			o[i].value = value
			return o
		}
	}
	return append(o, member{key, value})
}

func (o object) bytes() json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encode(m.key))
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// encode writes a value without escaping <, > and &, which JSON does not ask for.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage("null") // only a NaN could do this, and Add refuses it
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func (o object) sub(key string) (object, error) {
	raw := o.get(key)
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	sub, err := members(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return sub, nil
}

// check reads everything once, so that later reading cannot fail.
func (q *Quality) check() error {
	coverage, err := q.top.sub("coverage")
	if err != nil {
		return err
	}
	for _, key := range []string{"baseline", "current"} {
		if _, err := percentage(coverage.get(key)); err != nil {
			return fmt.Errorf("coverage.%s: %w", key, err)
		}
	}
	vulns, err := q.top.sub("vulnerabilities")
	if err != nil {
		return err
	}
	for _, key := range []string{"high", "critical"} {
		if _, err := number(vulns.get(key)); err != nil {
			return fmt.Errorf("vulnerabilities.%s: %w", key, err)
		}
	}
	_, err = q.entries()
	return err
}

// percentage is a figure of 0 to 100; nil where there is none.
func percentage(raw json.RawMessage) (*float64, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	var v float64
	if err := json.Unmarshal(raw, &v); err != nil || !(v >= 0 && v <= 100) {
		return nil, fmt.Errorf("%s is not a percentage", short(raw))
	}
	return &v, nil
}

// number is a count; nil where there is none.
func number(raw json.RawMessage) (*int, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	var v float64
	if err := json.Unmarshal(raw, &v); err != nil || v < 0 || v > math.MaxInt32 || v != math.Trunc(v) {
		return nil, fmt.Errorf("%s is not a count", short(raw))
	}
	n := int(v)
	return &n, nil
}

// Coverage is the baseline that the file states; nil where it states none.
func (q *Quality) Coverage() *float64 {
	coverage, _ := q.top.sub("coverage")
	v, _ := percentage(coverage.get("baseline"))
	return v
}

// Vulnerabilities are the counts that the file states; nil where it states none.
func (q *Quality) Vulnerabilities() (high, critical *int) {
	vulns, _ := q.top.sub("vulnerabilities")
	high, _ = number(vulns.get("high"))
	critical, _ = number(vulns.get("critical"))
	return high, critical
}

// History lists the runs in the order in which they were added.
func (q *Quality) History() []Entry {
	out, _ := q.entries()
	return out
}

func (q *Quality) raws() ([]json.RawMessage, error) {
	raw := q.top.get("history")
	if raw == nil {
		return nil, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("history: %s is not a list", short(raw))
	}
	return list, nil
}

func (q *Quality) entries() ([]Entry, error) {
	list, err := q.raws()
	if err != nil {
		return nil, err
	}
	out := make([]Entry, 0, len(list))
	for i, raw := range list {
		e, err := entry(raw)
		if err != nil {
			return nil, fmt.Errorf("history: entry %d: %w", i+1, err)
		}
		out = append(out, e)
	}
	return out, nil
}

func entry(raw json.RawMessage) (e Entry, err error) {
	o, err := members(raw)
	if err != nil {
		return e, err
	}
	if e.Coverage, err = percentage(o.get("coverage")); err != nil {
		return e, fmt.Errorf("coverage: %w", err)
	}
	if e.High, err = number(o.get("high")); err != nil {
		return e, fmt.Errorf("high: %w", err)
	}
	if e.Critical, err = number(o.get("critical")); err != nil {
		return e, fmt.Errorf("critical: %w", err)
	}
	covered, err1 := number(o.get("covered"))
	total, err2 := number(o.get("statements"))
	if err1 == nil && err2 == nil && covered != nil && total != nil && *covered <= *total {
		e.Covered, e.Total = *covered, *total
	}
	e.RunID, e.Commit, e.Series = Text(o.get("run_id")), Text(o.get("commit")), Text(o.get("series"))
	e.Accepted = Text(o.get("accepted"))
	e.Time = Instant(Text(o.get("timestamp")))
	return e, nil
}

// Text is a string, or a number as it is written: run ids are found as both.
func Text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if len(raw) > 0 && strings.IndexByte("-0123456789", raw[0]) >= 0 {
		return string(raw)
	}
	return ""
}

// Instant reads RFC 3339, and what Python's isoformat writes without a zone; what
// is neither is the zero time.
func Instant(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Add puts a run into the history and reports whether that changed anything. A
// run that is there already keeps what it says and gains what it did not say,
// so that the coverage gate and the vulnerability gate of one run make one
// entry, and running either again makes none.
func (q *Quality) Add(e Entry) (changed bool, err error) {
	if e.RunID == "" {
		return false, errors.New("an entry needs the id of its run")
	}
	if e.Coverage != nil && !(*e.Coverage >= 0 && *e.Coverage <= 100) {
		return false, fmt.Errorf("%v is not a percentage", *e.Coverage)
	}
	list, err := q.raws()
	if err != nil {
		return false, err
	}
	known, err := q.entries()
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(known, func(k Entry) bool { return k.RunID == e.RunID })
	if at < 0 {
		list = append(list, e.fill(nil).bytes())
		list = list[max(0, len(list)-Keep):]
	} else {
		old, err := members(list[at])
		if err != nil {
			return false, err
		}
		before := string(old.bytes())
		list[at] = e.fill(old).bytes()
		if string(list[at]) == before {
			return false, nil
		}
	}
	q.top = q.top.set("history", encode(list))
	if !e.Time.IsZero() {
		q.top = q.top.set("last_updated", encode(e.Time.UTC().Format(time.RFC3339)))
	}
	return true, nil
}

// fill adds the members of the entry that are not there.
func (e Entry) fill(o object) object {
	put := func(key string, value any, known bool) {
		if raw := o.get(key); known && (raw == nil || string(raw) == "null") {
			o = o.set(key, encode(value))
		}
	}
	put("timestamp", e.Time.UTC().Format(time.RFC3339), !e.Time.IsZero())
	if e.Coverage != nil {
		had := o.get("coverage") != nil && string(o.get("coverage")) != "null"
		put("coverage", math.Round(*e.Coverage*1e4)/1e4, true)
		put("covered", e.Covered, e.Total > 0 && !had)
		put("statements", e.Total, e.Total > 0 && !had)
		put("series", e.Series, e.Series != "" && !had)
	}
	put("run_id", e.RunID, true)
	put("commit", e.Commit, e.Commit != "")
	put("accepted", e.Accepted, e.Accepted != "")
	if e.High != nil {
		put("high", *e.High, true)
	}
	if e.Critical != nil {
		put("critical", *e.Critical, true)
	}
	return o
}

// SetCoverage states the baseline that the history now has, and the newest value.
func (q *Quality) SetCoverage(baseline, current float64) {
	o, _ := q.top.sub("coverage")
	o = o.set("baseline", encode(math.Round(baseline*1e4)/1e4))
	o = o.set("current", encode(math.Round(current*1e4)/1e4))
	q.top = q.top.set("coverage", o.bytes())
}

// Best is the best baseline that main had since a level was accepted, and the
// series that it belongs to; 0: not said.
func (q *Quality) Best() (best float64, series string) {
	coverage, _ := q.top.sub("coverage")
	if v, err := percentage(coverage.get("best")); err == nil && v != nil {
		return *v, Text(coverage.get("best_series"))
	}
	return 0, ""
}

// SetBest states it. The guide's file has no such keys; they stand beside the others.
func (q *Quality) SetBest(best float64, series string) {
	o, _ := q.top.sub("coverage")
	o = o.set("best", encode(math.Round(best*1e4)/1e4)).set("best_series", encode(series))
	q.top = q.top.set("coverage", o.bytes())
}

// SetVulnerabilities states the counts that the baseline now has.
func (q *Quality) SetVulnerabilities(high, critical int) {
	o, _ := q.top.sub("vulnerabilities")
	o = o.set("high", encode(high)).set("critical", encode(critical))
	q.top = q.top.set("vulnerabilities", o.bytes())
}

// Bytes is the file: two spaces a level, as the guide's own script writes it.
func (q *Quality) Bytes() []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, q.top.bytes(), "", "  "); err != nil {
		return nil // members are valid JSON by construction
	}
	b.WriteByte('\n')
	return b.Bytes()
}
