package triage

// literals finds which of up to 64 sets of texts occur in a line, in one pass
// and whatever the case: the automaton of Aho and Corasick (1975), complete, so
// that each byte costs one look-up.
type literals struct {
	next [][]uint16 // state → class of byte → state
	hits []uint64   // state → sets that end there
	fold [256]uint8 // byte → class; 0: in no text
}

var extractIndex = newLiterals(extractRules)

func newLiterals(rules []extractRule) *literals {
	l := &literals{}
	classes := 1
	for _, r := range rules {
		for _, text := range r.literals {
			for i := range len(text) {
				if c := text[i]; l.fold[c] == 0 {
					l.fold[c] = uint8(classes)
					if 'a' <= c && c <= 'z' {
						l.fold[c&^0x20] = uint8(classes)
					}
					classes++
				}
			}
		}
	}
	state := func() uint16 {
		l.next = append(l.next, make([]uint16, classes))
		l.hits = append(l.hits, 0)
		return uint16(len(l.next) - 1)
	}
	state()
	for set, r := range rules {
		for _, text := range r.literals {
			at := uint16(0)
			for i := range len(text) {
				c := l.fold[text[i]]
				if l.next[at][c] == 0 {
					s := state()
					l.next[at][c] = s
				}
				at = l.next[at][c]
			}
			l.hits[at] |= 1 << set
		}
	}
	l.complete(classes)
	return l
}

// complete adds the failure links, breadth first, so that no look-up fails.
func (l *literals) complete(classes int) {
	fail := make([]uint16, len(l.next))
	var queue []uint16
	for c := range classes {
		if s := l.next[0][c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for c := range classes {
			s := l.next[at][c]
			if s == 0 {
				l.next[at][c] = l.next[fail[at]][c]
				continue
			}
			fail[s] = l.next[fail[at]][c]
			l.hits[s] |= l.hits[fail[s]]
			queue = append(queue, s)
		}
	}
}

// find is the sets that occur in b, as bits.
func (l *literals) find(b []byte) uint64 {
	var hits uint64
	at := uint16(0)
	for _, c := range b {
		at = l.next[at][l.fold[c]]
		hits |= l.hits[at]
	}
	return hits
}
