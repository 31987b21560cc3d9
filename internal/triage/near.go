package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// nearMerge joins groups whose messages differ by less than a tenth: same kind,
// same exception, and either the same function or a message that is specific
// enough to stand alone. Bounded edit distance behind a histogram bound, as the
// Kubernetes triage does it; candidates come from an index, so that 50,000
// different messages do not meet each other in pairs.
func nearMerge(groups []*group) []*group {
	index := map[uint64][]int32{}
	var out []*group
	reps := make([]*nearText, 0, len(groups))
	for _, g := range groups {
		// What a named cause will join needs no likeness.
		if g.clue.f.Rule != "" || g.clue.masked == "" || g.keys != nil {
			out, reps = append(out, g), append(reps, nil)
			continue
		}
		t := newNearText(g.clue)
		if i := t.closest(reps, index); i >= 0 {
			out[i].absorb(g, "near", fmt.Sprintf("messages differ by less than %d %%", nearPercent), "a message that differs by more than a tenth")
			continue
		}
		for _, key := range t.offer() {
			index[key] = append(index[key], int32(len(out)))
		}
		out, reps = append(out, g), append(reps, t)
	}
	return out
}

const (
	nearPercent   = 10
	maxCandidates = 32 // precise comparisons for one message
	specific      = 24 // letters outside of marks that make a message specific
)

// nearText is a message prepared for comparison.
type nearText struct {
	text   string
	cut    bool
	prefix uint64    // of where it happened and how the message begins
	bands  [4]uint64 // of where it happened, what the message quotes, and its words
	grams  [64]uint16
}

func newNearText(c clue) *nearText {
	t := &nearText{text: c.masked, cut: c.f.Cut}
	if t.cut {
		t.text = strings.TrimSuffix(strings.TrimSpace(t.text), "...")
	}
	place := ""
	if letters(t.text) < specific || isAssertion(c.f.Exception) {
		place = c.top.File + "\x00" + c.top.Func
		if c.top.Func == "" {
			place += "\x00" + string(testFunc(c.f.Test))
		}
	}
	seed := mix(hashString(string(c.f.Kind)) ^ mix(hashString(c.f.Exception)^mix(hashString(place))))
	t.prefix = mix(seed ^ hashString(t.text[:min(len(t.text), specific)]))
	t.sketch(seed ^ names(t.text))
	return t
}

// offer lists the keys under which others find t, ask those under which t finds
// others: a message that was cut is found by how it begins.
func (t *nearText) offer() []uint64 {
	if t.cut {
		return append(t.bands[:], t.prefix)
	}
	return append(t.bands[:], mix(t.prefix))
}

func (t *nearText) ask() []uint64 {
	if t.cut {
		return append(t.bands[:], t.prefix, mix(t.prefix))
	}
	return append(t.bands[:], t.prefix)
}

// sketch computes the histogram and four smallest hashes of word pairs
// (MinHash): messages that differ by a tenth share at least one of them nearly
// always.
func (t *nearText) sketch(seed uint64) {
	for i := 0; i+4 <= len(t.text); i++ {
		h := uint32(t.text[i]) | uint32(t.text[i+1])<<8 | uint32(t.text[i+2])<<16 | uint32(t.text[i+3])<<24
		h *= 0x9e3779b1
		t.grams[h>>26]++
	}
	mins := [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
	var last uint64
	for word := range strings.FieldsSeq(t.text) {
		h := hashString(word)
		pair := last*31 + h
		last = h
		for k := range mins {
			mins[k] = min(mins[k], mix(pair^uint64(k+1)*0x9e3779b97f4a7c15))
		}
	}
	for k := range t.bands {
		t.bands[k] = mix(mins[k] ^ mix(seed+uint64(k)))
	}
}

func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix is the finaliser of MurmurHash3.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// letters counts the letters outside of marks, without the words that any assertion has.
func letters(s string) int {
	n, word, inMark := 0, 0, false
	flush := func(end int) {
		switch s[end-word : end] {
		case "assert", "expected", "got", "want", "where", "but", "equal", "not", "received", "actual", "is", "to", "be", "None", "True", "False":
		default:
			n += word
		}
		word = 0
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '<':
			flush(i)
			inMark = true
		case s[i] == '>':
			inMark = false
			word = 0
		case is(s[i], cLower|cUpper):
			if !inMark {
				word++
			}
		default:
			flush(i)
		}
	}
	flush(len(s))
	return n
}

// closest is the index of the representative that t is near to; -1: none.
func (t *nearText) closest(reps []*nearText, index map[uint64][]int32) int {
	type candidate struct{ i, bound int }
	var room [4 * maxCandidates]candidate
	candidates := room[:0]
	for _, key := range t.ask() {
		for _, i := range index[key] {
			if len(candidates) == cap(candidates) {
				break
			}
			c := candidate{int(i), t.bound(reps[i])}
			if !slices.Contains(candidates, c) {
				candidates = append(candidates, c)
			}
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.bound, b.bound), cmp.Compare(a.i, b.i))
	})
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		if t.near(reps[c.i], c.bound) {
			return c.i
		}
	}
	return -1
}

// bound is a lower bound of the edit distance: one edit changes at most four
// 4-grams, each of which moves two buckets by one.
func (t *nearText) bound(o *nearText) int {
	sum := 0
	for i := range t.grams {
		d := int(t.grams[i]) - int(o.grams[i])
		sum += max(d, -d)
	}
	return sum / 8
}

func (t *nearText) near(o *nearText, bound int) bool {
	a, b := t.text, o.text
	if t.cut || o.cut { // a cut message is compared as far as it goes
		n := min(len(a), len(b))
		if n < specific {
			return a == b
		}
		a, b = a[:n], b[:n]
		bound = 0
	}
	limit := (len(a) + len(b)) / 2 * nearPercent / 100
	if bound > limit || max(len(a)-len(b), len(b)-len(a)) > limit {
		return false
	}
	if names(a) != names(b) {
		return false
	}
	return distance(a, b, limit) <= limit
}

// names is what a message quotes: two messages that quote different symbols are
// about different things, however alike they read.
func names(s string) uint64 {
	h := uint64(1)
	for {
		i := strings.IndexAny(s, "'\"`")
		if i < 0 {
			return h
		}
		q := s[i]
		s = s[i+1:]
		j := strings.IndexByte(s, q)
		if j < 0 {
			return h
		}
		if j > 0 && j <= longQuote {
			h = mix(h ^ hashString(s[:j]))
		}
		s = s[j+1:]
	}
}

// distance is the edit distance of a and b, or more than limit: Ukkonen's band
// of the table is all that is looked at.
func distance(a, b string, limit int) int {
	if a == b {
		return 0
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(a)+1)
	for i := range row {
		row[i] = i
	}
	for j := 1; j <= len(b); j++ {
		lo, hi := max(1, j-limit), min(len(a), j+limit)
		diagonal := row[lo-1]
		if lo == 1 {
			row[0] = j
		} else {
			row[lo-1] = limit + 1
		}
		best := row[lo-1]
		for i := lo; i <= hi; i++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[i-1], above(row, i, j, limit))
			}
			diagonal = row[i]
			row[i] = cost
			best = min(best, cost)
		}
		if best > limit {
			return limit + 1
		}
	}
	return row[len(a)]
}

// above is the cell of the row before, or too much where that lies outside of the band.
func above(row []int, i, j, limit int) int {
	if i > j-1+limit {
		return limit + 1
	}
	return row[i]
}
