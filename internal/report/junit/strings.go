package junit

import "strings"

// arena puts many small strings into few allocations.
type arena struct{ b strings.Builder }

const arenaSize = 64 << 10

func (a *arena) keep(s []byte) string {
	if len(s) > arenaSize/8 {
		return string(s)
	}
	if a.b.Cap()-a.b.Len() < len(s) {
		a.b = strings.Builder{}
		a.b.Grow(arenaSize)
	}
	start := a.b.Len()
	a.b.Write(s)
	return a.b.String()[start:]
}

// interner keeps one copy of strings that come again and again.
type interner struct {
	seen map[string]string
}

const maxInterned = 1 << 14

func (in *interner) keep(s []byte) string {
	if len(s) == 0 {
		return ""
	}
	if known, ok := in.seen[string(s)]; ok {
		return known
	}
	kept := string(s)
	if in.seen == nil {
		in.seen = map[string]string{}
	}
	if len(in.seen) < maxInterned {
		in.seen[kept] = kept
	}
	return kept
}
