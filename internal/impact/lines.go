package impact

import (
	"bytes"

	"keepgreen/internal/ci"
)

// Moved says where the lines of unchanged code of a file are now: those of
// definitions that are as they were, and those before the first and after the
// last line that differs.
func (d Delta) Moved() map[int]int {
	out := map[int]int{}
	if d.Old == nil || d.New == nil {
		return out
	}
	was, is := bytes.Split(d.OldText, []byte{'\n'}), bytes.Split(d.NewText, []byte{'\n'})
	same := 0
	for same < len(was) && same < len(is) && bytes.Equal(was[same], is[same]) {
		same++
		out[same] = same
	}
	for i := 0; i < len(was)-same && i < len(is)-same && bytes.Equal(was[len(was)-1-i], is[len(is)-1-i]); i++ {
		out[len(was)-i] = len(is) - i
	}
	if d.Broken {
		return out
	}
	now := map[string]ci.Definition{}
	for _, def := range d.New {
		now[def.Name] = def
	}
	before, after := byName(d.Old), byName(d.New)
	for _, def := range d.Old {
		there, ok := now[def.Name]
		if !ok || def.Kind == ci.DefModule || def.Kind == ci.DefClass || len(before[def.Name].hashes) != 1 || len(after[def.Name].hashes) != 1 {
			continue
		}
		// The hash passes over layout: only what has as many lines is sure to have moved as a whole.
		if def.Hash == there.Hash && def.Last-def.First == there.Last-there.First {
			for i := range def.Last - def.First + 1 {
				out[def.First+i] = there.First + i
			}
		}
	}
	return out
}
