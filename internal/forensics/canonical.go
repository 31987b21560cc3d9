package forensics

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep a record may be nested. Python's own parser gives up
// just below its recursion limit of 1000.
const maxDepth = 990

// Canonical appends to dst what Python's
//
//	json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
//
// makes of one JSON text. Like Python it accepts NaN and the infinities, takes
// the last of equal keys, and prints the integer -0 as 0; unlike Python it
// refuses half a surrogate pair at once, which has no bytes to be hashed.
func Canonical(dst, text []byte) ([]byte, error) {
	w := writer{out: dst}
	if err := w.document(text); err != nil {
		return dst, err
	}
	return w.out, nil
}

// writer reads one JSON text and writes it in canonical form, in one pass. Its
// buffers are kept from line to line.
type writer struct {
	in  []byte
	at  int
	out []byte

	depth   int
	members []member // of the objects that are open, innermost last
	scratch []byte

	record *fields // where the members of a record go; nil: plain JSON
	finite bool    // write null for what JSON has no number for
}

// member is where a member of an object stands in the output.
type member struct {
	start, end int // of "key":value
	key        int // length of the key with its quotes
}

// fields are the members of a record that the chain needs. A nil slice: the
// member is missing or no string.
type fields struct {
	prev, curr, mac           []byte
	event, prevFile, prevLast []byte
	all                       bool // the last three are asked for
}

func (f *fields) reset(all bool) {
	*f = fields{f.prev[:0], f.curr[:0], f.mac[:0], f.event[:0], f.prevFile[:0], f.prevLast[:0], all}
}

// of is where the value of a top-level key is kept, and whether the member
// stays out of the hashed text.
func (f *fields) of(key []byte) (into *[]byte, unhashed bool) {
	switch string(key) {
	case "prev_hash":
		return &f.prev, false
	case "curr_hash":
		return &f.curr, true
	case "hmac":
		return &f.mac, true
	}
	if f.all {
		switch string(key) {
		case "event_type":
			return &f.event, false
		case "prev_file":
			return &f.prevFile, false
		case "prev_file_last_hash":
			return &f.prevLast, false
		}
	}
	return nil, false
}

var (
	errUTF8  = errors.New("it is not UTF-8")
	errShort = errors.New("it breaks off")
)

func (w *writer) document(text []byte) error {
	if !utf8.Valid(text) {
		return errUTF8
	}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		return errors.New("it begins with a byte order mark")
	}
	w.in, w.at, w.depth, w.members = text, 0, 0, w.members[:0]
	w.space()
	if w.record != nil && w.at < len(text) && text[w.at] != '{' {
		return errors.New("it is no JSON object")
	}
	if err := w.value(); err != nil {
		return err
	}
	w.space()
	if w.at < len(w.in) {
		return w.wrong("something follows the JSON value")
	}
	return nil
}

func (w *writer) wrong(what string) error {
	if w.at >= len(w.in) {
		return errShort
	}
	return fmt.Errorf("column %d: %s", w.at+1, what)
}

func (w *writer) space() {
	for w.at < len(w.in) {
		switch w.in[w.at] {
		case ' ', '\t', '\n', '\r':
			w.at++
		default:
			return
		}
	}
}

func (w *writer) value() error {
	if w.at >= len(w.in) {
		return errShort
	}
	switch c := w.in[w.at]; {
	case c == '"':
		return w.text()
	case c == '{':
		return w.nested(w.object)
	case c == '[':
		return w.nested(w.array)
	case c >= '0' && c <= '9', c == '-':
		return w.number()
	}
	return w.word()
}

func (w *writer) nested(read func() error) error {
	if w.depth++; w.depth > maxDepth {
		return fmt.Errorf("column %d: nested deeper than %d levels", w.at+1, maxDepth)
	}
	err := read()
	w.depth--
	return err
}

func (w *writer) array() error {
	w.at++
	w.out = append(w.out, '[')
	w.space()
	if w.at < len(w.in) && w.in[w.at] == ']' {
		w.at++
		w.out = append(w.out, ']')
		return nil
	}
	for {
		w.space()
		if err := w.value(); err != nil {
			return err
		}
		more, err := w.more(']')
		if err != nil {
			return err
		}
		if !more {
			w.out = append(w.out, ']')
			return nil
		}
		w.out = append(w.out, ',')
	}
}

// more reads what follows an element: a comma, or the end.
func (w *writer) more(end byte) (bool, error) {
	w.space()
	if w.at >= len(w.in) {
		return false, errShort
	}
	switch w.in[w.at] {
	case ',':
		w.at++
		return true, nil
	case end:
		w.at++
		return false, nil
	}
	return false, w.wrong(fmt.Sprintf("expected , or %c", end))
}

func (w *writer) object() error {
	w.at++
	w.out = append(w.out, '{')
	first, start := len(w.members), len(w.out)
	w.space()
	if w.at < len(w.in) && w.in[w.at] == '}' {
		w.at++
		w.out = append(w.out, '}')
		return nil
	}
	for {
		if err := w.member(); err != nil {
			return err
		}
		more, err := w.more('}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	w.arrange(first, start)
	w.out = append(w.out, '}')
	w.members = w.members[:first]
	return nil
}

// member writes "key":value, with a comma before it unless it is the first.
func (w *writer) member() error {
	w.space()
	if w.at >= len(w.in) || w.in[w.at] != '"' {
		return w.wrong("expected a key")
	}
	before := len(w.out)
	if w.out[before-1] != '{' {
		w.out = append(w.out, ',')
	}
	m := member{start: len(w.out)}
	if err := w.text(); err != nil {
		return err
	}
	m.key = len(w.out) - m.start
	w.space()
	if w.at >= len(w.in) || w.in[w.at] != ':' {
		return w.wrong("expected :")
	}
	w.at++
	w.out = append(w.out, ':')
	w.space()
	if err := w.value(); err != nil {
		return err
	}
	m.end = len(w.out)
	if w.depth == 1 && w.record != nil && !w.keep(m) {
		w.out = w.out[:before]
		return nil
	}
	w.members = append(w.members, m)
	return nil
}

// keep copies what the chain needs of a top-level member; false: it is not hashed.
func (w *writer) keep(m member) bool {
	key := w.out[m.start+1 : m.start+m.key-1]
	if bytes.IndexByte(key, '\\') >= 0 {
		return true // none of the names needs an escape in canonical form
	}
	into, unhashed := w.record.of(key)
	if into == nil {
		return true
	}
	*into = (*into)[:0]
	if value := w.out[m.start+m.key+1 : m.end]; value[0] == '"' {
		*into = plain(*into, value)
	}
	return !unhashed
}

// arrange brings the members of an object that begins at start into the order
// of their keys. Most often they are in it already.
func (w *writer) arrange(first, start int) {
	list := w.members[first:]
	if w.ascending(list) {
		return
	}
	slices.SortStableFunc(list, func(a, b member) int { return w.compare(a, b) })
	w.scratch = w.scratch[:0]
	for i, m := range list {
		if i+1 < len(list) && w.compare(m, list[i+1]) == 0 {
			continue // the last of equal keys counts
		}
		if len(w.scratch) > 0 {
			w.scratch = append(w.scratch, ',')
		}
		w.scratch = append(w.scratch, w.out[m.start:m.end]...)
	}
	w.out = append(w.out[:start], w.scratch...)
}

func (w *writer) ascending(list []member) bool {
	for i := 1; i < len(list); i++ {
		if w.compare(list[i-1], list[i]) >= 0 {
			return false
		}
	}
	return true
}

// compare orders keys by code point, which is the order of their UTF-8.
func (w *writer) compare(a, b member) int {
	x, y := w.out[a.start+1:a.start+a.key-1], w.out[b.start+1:b.start+b.key-1]
	if bytes.IndexByte(x, '\\') < 0 && bytes.IndexByte(y, '\\') < 0 {
		return bytes.Compare(x, y)
	}
	return bytes.Compare(plain(nil, w.out[a.start:a.start+a.key]), plain(nil, w.out[b.start:b.start+b.key]))
}

// words are the literals with what they become.
var words = []struct{ text, finite string }{
	{"true", "true"}, {"false", "false"}, {"null", "null"}, {"NaN", "null"}, {"Infinity", "null"}, {"-Infinity", "null"},
}

func (w *writer) word() error {
	for _, word := range words {
		if bytes.HasPrefix(w.in[w.at:], []byte(word.text)) {
			w.at += len(word.text)
			if w.finite {
				w.out = append(w.out, word.finite...)
			} else {
				w.out = append(w.out, word.text...)
			}
			return nil
		}
	}
	if rest := w.in[w.at:]; len(rest) < len("-Infinity") {
		for _, word := range words {
			if bytes.HasPrefix([]byte(word.text), rest) {
				return errShort
			}
		}
	}
	return w.wrong("expected a value")
}

// number reads a number. Integers stay as they are written, however long.
func (w *writer) number() error {
	start := w.at
	if w.in[w.at] == '-' {
		w.at++
		if w.at < len(w.in) && w.in[w.at] == 'I' {
			w.at = start
			return w.word()
		}
	}
	if !w.digits() {
		return w.wrong("expected a digit")
	}
	whole := w.in[start:w.at]
	if digits := bytes.TrimPrefix(whole, []byte("-")); len(digits) > 1 && digits[0] == '0' {
		w.at = start
		return w.wrong("a number begins with 0")
	}
	fraction := w.at
	if w.at < len(w.in) && w.in[w.at] == '.' {
		w.at++
		if !w.digits() {
			return w.wrong("expected a digit")
		}
	}
	exponent := w.at
	if w.at < len(w.in) && w.in[w.at]|0x20 == 'e' {
		w.at++
		if w.at < len(w.in) && (w.in[w.at] == '+' || w.in[w.at] == '-') {
			w.at++
		}
		if !w.digits() {
			return w.wrong("expected a digit")
		}
	}
	text := w.in[start:w.at]
	switch {
	case fraction == w.at && string(text) == "-0":
		w.out = append(w.out, '0') // Python's integers have no negative zero
	case fraction == w.at, exponent == w.at && shortest(whole, w.in[fraction+1:exponent]):
		w.out = append(w.out, text...)
	default:
		w.out = w.float(w.out, text)
	}
	return nil
}

func (w *writer) digits() bool {
	start := w.at
	for w.at < len(w.in) && w.in[w.at]-'0' <= 9 {
		w.at++
	}
	return w.at > start
}

// shortest reports whether a decimal is certainly what Python prints for its
// float: no two decimals of up to 15 digits are the same float, so none that is
// shorter can stand for it, and Python prints such magnitudes without exponent.
func shortest(whole, fraction []byte) bool {
	last := fraction[len(fraction)-1]
	if last == '0' && len(fraction) > 1 || len(whole)+len(fraction) > 15 {
		return false
	}
	small := whole[len(whole)-1] == '0' && len(bytes.TrimPrefix(whole, []byte("-"))) == 1
	return !small || len(fraction) < 4 || !bytes.HasPrefix(fraction, []byte("000")) || fraction[3] != '0'
}

// float writes a number as Python's float.__repr__ does: the fewest digits that
// give the same float, an exponent below 1e-4 and from 1e16 on.
func (w *writer) float(dst, text []byte) []byte {
	f, _ := strconv.ParseFloat(string(text), 64) // the only error is overflow, which gives the infinity that Python takes
	switch size := math.Abs(f); {
	case math.IsInf(f, 0) && w.finite:
		return append(dst, "null"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case size != 0 && (size < 1e-4 || size >= 1e16):
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// text reads a string and writes it with the escapes that Python writes.
func (w *writer) text() error {
	from := w.at
	w.at++
	for {
		w.at += run(w.in[w.at:])
		if w.at >= len(w.in) {
			return errShort
		}
		switch c := w.in[w.at]; {
		case c == '"':
			w.at++
			w.out = append(w.out, w.in[from:w.at]...)
			return nil
		case c < ' ':
			return w.wrong("a control character in a string")
		}
		if w.at+1 >= len(w.in) {
			return errShort
		}
		if bytes.IndexByte([]byte(`"\bfnrt`), w.in[w.at+1]) >= 0 {
			w.at += 2 // written as it is read
			continue
		}
		w.out = append(w.out, w.in[from:w.at]...)
		r, err := w.escape()
		if err != nil {
			return err
		}
		w.out = quoted(w.out, r)
		from = w.at
	}
}

// escape reads \/ or \uXXXX, and the second half of a surrogate pair.
func (w *writer) escape() (rune, error) {
	if w.in[w.at+1] == '/' {
		w.at += 2
		return '/', nil
	}
	r, err := w.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	at := w.at
	if bytes.HasPrefix(w.in[w.at:], []byte(`\u`)) {
		low, err := w.unit()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, nil
		}
	}
	w.at = at
	return 0, fmt.Errorf("column %d: \\u%04x is half a surrogate pair, which has no UTF-8 to be hashed", at-5, r)
}

// unit reads one \uXXXX.
func (w *writer) unit() (rune, error) {
	if w.in[w.at+1] != 'u' {
		return 0, w.wrong("an escape that JSON does not know")
	}
	if w.at+6 > len(w.in) {
		return 0, errShort
	}
	var r rune
	for _, c := range w.in[w.at+2 : w.at+6] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, w.wrong("an escape that JSON does not know")
		}
	}
	w.at += 6
	return r, nil
}

const shortEscapes = "\"\"\\\\\bb\ff\nn\rr\tt"

// quoted writes a character as it stands in a Python JSON string.
func quoted(dst []byte, r rune) []byte {
	for i := 0; i < len(shortEscapes); i += 2 {
		if r == rune(shortEscapes[i]) {
			return append(dst, '\\', shortEscapes[i+1])
		}
	}
	if r < ' ' {
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	return utf8.AppendRune(dst, r)
}

// plain undoes quoted for a whole canonical string with its quotes.
func plain(dst, s []byte) []byte {
	s = s[1 : len(s)-1]
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		if s[i+1] == 'u' {
			n, _ := strconv.ParseUint(string(s[i+2:i+6]), 16, 8)
			dst, s = append(dst, byte(n)), s[i+6:]
			continue
		}
		for k := 1; k < len(shortEscapes); k += 2 {
			if s[i+1] == shortEscapes[k] {
				dst = append(dst, shortEscapes[k-1])
			}
		}
		s = s[i+2:]
	}
	return dst
}
