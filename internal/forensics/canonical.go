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
	inside  *key // whose value is being read
	keys    map[string]*key
	members []member // of the objects that are open, innermost last
	scratch []byte
	orders  [remembered][]int32
	floats  [64]spelling // numbers whose spelling took work: they come again

	record *fields // where the members of a record go; nil: plain JSON
	finite bool    // write null for what JSON has no number for
}

// member is where a member of an object stands in the output.
type member struct {
	start, end int // of "key":value
	*key
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

// of is where the value of a top-level field is kept, and whether the member
// stays out of the hashed text.
func (f *fields) of(n named) (into *[]byte, unhashed bool) {
	switch {
	case n == prevHash:
		return &f.prev, false
	case n == currHash:
		return &f.curr, true
	case n == signature:
		return &f.mac, true
	case n == eventType && f.all:
		return &f.event, false
	case n == prevFile && f.all:
		return &f.prevFile, false
	case n == prevLast && f.all:
		return &f.prevLast, false
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
	if len(w.keys) == 0 || len(w.keys) > maxKeys {
		w.keys = map[string]*key{"": {}}
	}
	w.inside = w.keys[""]
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
	if w.at < len(w.in) && w.in[w.at] <= ' ' {
		w.blank()
	}
}

func (w *writer) blank() {
	in, at := w.in, w.at
	for at < len(in) && (in[at] == ' ' || in[at] == '\n' || in[at] == '\r' || in[at] == '\t') {
		at++
	}
	w.at = at
}

func (w *writer) value() error {
	if w.at >= len(w.in) {
		return errShort
	}
	switch c := w.in[w.at]; {
	case c == '"':
		return w.text()
	case c == '{':
		if w.depth++; w.depth > maxDepth {
			return w.tooDeep()
		}
		err := w.object()
		w.depth--
		return err
	case c == '[':
		if w.depth++; w.depth > maxDepth {
			return w.tooDeep()
		}
		err := w.array()
		w.depth--
		return err
	case c >= '0' && c <= '9', c == '-':
		return w.number()
	}
	return w.word()
}

func (w *writer) tooDeep() error {
	return fmt.Errorf("column %d: nested deeper than %d levels", w.at+1, maxDepth)
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
	if w.at < len(w.in) && w.in[w.at] == ',' {
		w.at++
		return true, nil
	}
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
	inside := w.inside
	guess := &inside.child
	for {
		k, err := w.member(*guess)
		if err != nil {
			return err
		}
		*guess, guess = k, &k.next
		more, err := w.more('}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	w.inside = inside
	w.arrange(first, start)
	w.out = append(w.out, '}')
	w.members = w.members[:first]
	return nil
}

// member writes "key":value, with a comma before it unless it is the first.
func (w *writer) member(guess *key) (*key, error) {
	w.space()
	k, err := w.key(guess)
	if err != nil {
		return nil, err
	}
	before := len(w.out)
	if w.out[before-1] != '{' {
		w.out = append(w.out, ',')
	}
	m := member{start: len(w.out), key: k}
	w.out = append(w.out, k.canonical...)
	w.space()
	w.inside = k
	if err := w.value(); err != nil {
		return nil, err
	}
	m.end = len(w.out)
	if k.field != unnamed && w.depth == 1 && w.record != nil && !w.keep(m) {
		w.out = w.out[:before]
		return k, nil
	}
	w.members = append(w.members, m)
	return k, nil
}

// keep copies what the chain needs of a top-level member; false: it is not hashed.
func (w *writer) keep(m member) bool {
	into, unhashed := w.record.of(m.field)
	if into == nil {
		return true
	}
	*into = (*into)[:0]
	if value := w.out[m.start+len(m.canonical) : m.end]; value[0] == '"' {
		*into = plain(*into, value)
	}
	return !unhashed
}

// arrange brings the members of an object that begins at start into the order
// of their keys. The lines of a log are much alike: the order that was right
// for the last object with as many members is tried first.
func (w *writer) arrange(first, start int) {
	list := w.members[first:]
	if w.ascending(list) {
		return
	}
	order := w.order(list)
	if start > len(w.out)/2 {
		w.scratch = w.join(w.scratch[:0], list, order)
		w.out = append(w.out[:start], w.scratch...)
		return
	}
	w.scratch = w.join(append(w.scratch[:0], w.out[:start]...), list, order)
	w.out, w.scratch = w.scratch, w.out
}

// join appends the members in their order. The last of equal keys counts.
func (w *writer) join(dst []byte, list []member, order []int32) []byte {
	begin := len(dst)
	for i, at := range order {
		m := &list[at]
		if i+1 < len(order) {
			if after := &list[order[i+1]]; m.head == after.head && w.compare(m, after) == 0 {
				continue
			}
		}
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = append(dst, w.out[m.start:m.end]...)
	}
	return dst
}

// remembered is how many members an object may have for its order to be kept.
const remembered = 64

func (w *writer) order(list []member) []int32 {
	kept := &w.orders[len(list)%remembered]
	if len(*kept) == len(list) && w.sorts(list, *kept) {
		return *kept
	}
	*kept = (*kept)[:0]
	for i := range list {
		*kept = append(*kept, int32(i))
	}
	slices.SortStableFunc(*kept, func(a, b int32) int { return w.compare(&list[a], &list[b]) })
	return *kept
}

// sorts reports whether the order is strictly ascending.
func (w *writer) sorts(list []member, order []int32) bool {
	before := &list[order[0]]
	for _, at := range order[1:] {
		m := &list[at]
		if !w.less(before, m) {
			return false
		}
		before = m
	}
	return true
}

func (w *writer) ascending(list []member) bool {
	for i := 1; i < len(list); i++ {
		if !w.less(&list[i-1], &list[i]) {
			return false
		}
	}
	return true
}

func (w *writer) less(a, b *member) bool {
	if a.head != b.head {
		return a.head < b.head
	}
	return w.compare(a, b) < 0
}

// compare orders keys by code point, which is the order of their UTF-8.
func (w *writer) compare(a, b *member) int { return bytes.Compare(a.name, b.name) }

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
	if w.integer() {
		return nil
	}
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
	case fraction == w.at, exponent == w.at && shortest(whole, w.in[fraction+1:exponent]), exponent < w.at && scientific(text):
		w.out = append(w.out, text...)
	default:
		w.out = w.known(w.out, text)
	}
	return nil
}

// integer copies what most numbers are: a few digits. Anything else is left alone.
func (w *writer) integer() bool {
	in, at := w.in, w.at
	for at < len(in) && in[at]-'0' <= 9 {
		at++
	}
	if at == w.at || at == len(in) || in[w.at] == '0' && at > w.at+1 {
		return false
	}
	if c := in[at]; c == '.' || c|0x20 == 'e' {
		return false
	}
	w.out = append(w.out, in[w.at:at]...)
	w.at = at
	return true
}

// spelling is a number as it was read and as Python prints it.
type spelling struct{ read, printed []byte }

// known is float with a memory.
func (w *writer) known(dst, text []byte) []byte {
	h := uint32(len(text))
	for _, c := range text {
		h = h*31 + uint32(c)
	}
	s := &w.floats[h%uint32(len(w.floats))]
	if len(text) > 32 || !bytes.Equal(s.read, text) {
		s.read = append(s.read[:0], text[:min(len(text), 33)]...)
		s.printed = w.float(s.printed[:0], text)
	}
	return append(dst, s.printed...)
}

func (w *writer) digits() bool {
	in, at := w.in, w.at
	for at < len(in) && in[at]-'0' <= 9 {
		at++
	}
	moved := at > w.at
	w.at = at
	return moved
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

// scientific is shortest for numbers with an exponent, such as 1e-07 and
// 1.5e+300. Where floats lose digits, below 1e-300, it does not know.
func scientific(text []byte) bool {
	mantissa, exponent, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("-")), []byte("e"))
	if len(exponent) < 3 || len(exponent) == 4 && exponent[1] == '0' || len(exponent) > 4 || len(mantissa) > 15 || mantissa[0] == '0' {
		return false
	}
	if len(mantissa) > 1 && (mantissa[1] != '.' || mantissa[len(mantissa)-1] == '0') {
		return false
	}
	n := 0
	for _, c := range exponent[1:] {
		n = n*10 + int(c-'0')
	}
	return n < 300 && (exponent[0] == '-' && n > 4 || exponent[0] == '+' && n >= 16)
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
		switch w.in[w.at+1] {
		case '"', '\\', 'b', 'f', 'n', 'r', 't':
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
