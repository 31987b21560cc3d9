package triage

import (
	"cmp"
	"slices"
	"strings"
)

// wild is the word that stands for anything.
const wild = "<*>"

// skeleton is what is left of a masked line when everything that varies by its
// own looks has become a wildcard, and wildcards in a row have become one:
// lists, sizes, quoted requests and remarks in brackets may be of any length.
func skeleton(text string) []string {
	fields := strings.Fields(text)
	if len(fields) > maxTokens {
		fields = fields[:maxTokens]
	}
	out := make([]string, 0, len(fields))
	push := func(w string) {
		if n := len(out); w == wild && n > 0 && out[n-1] == wild {
			return
		}
		out = append(out, w)
	}
	for i := 0; i < len(fields); i++ {
		w := fields[i]
		if end := remark(fields, i); end > 0 {
			i = end
			continue
		}
		if end, open := quotation(fields, i); end > i {
			push(open)
			push(wild)
			i = end
			continue
		}
		if n := len(out); n > 0 && out[n-1] == wild && isUnit(w) {
			continue
		}
		push(vague(w))
	}
	return unroll(out)
}

// vague is a wildcard for a word that varies by its own looks: it carries a mark or
// a digit. Of key=value only the value varies.
func vague(w string) string {
	if key, value, ok := strings.Cut(w, "="); ok && key != "" && !varies(key) {
		if varies(value) || strings.Contains(strings.Trim(value, ".,;"), ".") {
			return key + "=" + wild
		}
		return w
	}
	if varies(w) {
		return wild
	}
	return w
}

// varies reports whether a word is variable by its own looks.
func varies(w string) bool {
	for i := 0; i < len(w); i++ {
		if is(w[i], cDigit) || w[i] == '<' && i+1 < len(w) {
			return true
		}
	}
	return false
}

// remark is the index of the last word of a remark in brackets that holds only
// what varies, and so may be missing: "(1.2 KB)", "(host.example)", "()".
func remark(fields []string, i int) int {
	if i == 0 || fields[i][0] != '(' {
		return 0
	}
	for j := i; j < len(fields) && j < i+3; j++ {
		w := strings.Trim(fields[j], "(),;:.")
		if w != "" && !varies(w) && !isUnit(w) && (j != i || !strings.Contains(w, ".")) {
			return 0
		}
		if strings.HasSuffix(strings.TrimRight(fields[j], ",;:."), ")") {
			return j
		}
	}
	return 0
}

// quotation is the last word of a text in quotes of several words of which some
// vary, and its first word.
func quotation(fields []string, i int) (end int, open string) {
	q := fields[i][0]
	if q != '"' && q != '\'' || len(fields[i]) < 2 || fields[i][len(fields[i])-1] == q {
		return 0, ""
	}
	any := false
	for j := i + 1; j < len(fields) && j < i+32; j++ {
		any = any || varies(fields[j])
		if strings.IndexByte(fields[j], q) >= 0 {
			if !any {
				return 0, ""
			}
			return j, vague(fields[i])
		}
	}
	return 0, ""
}

// isUnit recognises units of size and time.
func isUnit(w string) bool {
	switch strings.Trim(w, "().,;:") {
	case "B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "kB", "bytes", "ns", "us", "ms", "s", "sec", "secs", "second", "seconds", "min", "minutes", "hours", "%":
		return true
	}
	return false
}

// unroll collapses groups of up to four words that repeat.
func unroll(w []string) []string {
	out := w[:0]
	for i := 0; i < len(w); i++ {
		out = append(out, w[i])
		for p := 1; p <= 4; p++ {
			n := len(out)
			if n >= 2*p && slices.Equal(out[n-p:], out[n-2*p:n-p]) && slices.Contains(out[n-p:], wild) {
				out = out[:n-p]
				break
			}
		}
	}
	return out
}

// mined is the shapes of one skeleton.
type mined struct {
	words  []string
	shapes []int
	count  int
}

// miner groups shapes.
type miner struct {
	at   map[string]int
	list []mined
}

func (m *miner) add(i int, s shape) {
	w := skeleton(s.text)
	key := strings.Join(w, " ")
	k, ok := m.at[key]
	if !ok {
		if m.at == nil {
			m.at = map[string]int{}
		}
		k = len(m.list)
		m.at[key] = k
		m.list = append(m.list, mined{words: w})
	}
	m.list[k].shapes = append(m.list[k].shapes, i)
	m.list[k].count += s.count
}

// manyWords is how many different words in one place, with all else equal, make
// that place a variable.
const manyWords = 4

// mine joins skeletons that differ in one place where many different words
// stand, until nothing changes, and numbers the templates by first appearance.
func (m *miner) mine(n int) ([]int32, []merged) {
	list := m.list
	for range 3 {
		next := widen(list)
		if len(next) == len(list) {
			break
		}
		list = next
	}
	slices.SortFunc(list, func(a, b mined) int { return cmp.Compare(slices.Min(a.shapes), slices.Min(b.shapes)) })
	groups := make([]int32, n)
	out := make([]merged, len(list))
	for i, t := range list {
		out[i] = merged{words: t.words, count: t.count}
		for _, s := range t.shapes {
			groups[s] = int32(i)
		}
	}
	return groups, out
}

// widen finds places where many words stand with all else equal.
func widen(list []mined) []mined {
	type slot struct {
		hash uint64
		at   int
	}
	others := map[slot]int{}
	hashes := make([]uint64, len(list))
	wordHash := make([][]uint64, len(list))
	for i, t := range list {
		wordHash[i] = make([]uint64, len(t.words))
		for k, w := range t.words {
			wordHash[i][k] = mix(hashString(w) + uint64(k)*0x9e3779b97f4a7c15)
			hashes[i] += wordHash[i][k]
		}
		hashes[i] += uint64(len(t.words)) << 56
		for k, w := range t.words {
			if w != wild {
				others[slot{hashes[i] - wordHash[i][k], k}]++
			}
		}
	}
	at := map[string]int{}
	var out []mined
	for i, t := range list {
		w := slices.Clone(t.words)
		best, where := 0, -1
		for k := range w {
			if w[k] == wild {
				continue
			}
			if c := others[slot{hashes[i] - wordHash[i][k], k}]; c > best {
				best, where = c, k
			}
		}
		if best >= manyWords && constant(w, where) > 0 {
			w[where] = wild
		}
		w = unroll(w)
		key := strings.Join(w, " ")
		j, ok := at[key]
		if !ok {
			j = len(out)
			at[key] = j
			out = append(out, mined{words: w})
		}
		out[j].shapes = append(out[j].shapes, t.shapes...)
		out[j].count += t.count
	}
	return out
}

// constant counts the words besides the k-th that are no wildcards.
func constant(w []string, k int) int {
	n := 0
	for i := range w {
		if i != k && w[i] != wild {
			n++
		}
	}
	return n
}
