package baseline

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Merge joins two states of the file that grew from one: the history of both,
// each run once, in the order of time, and everything else as the newer one has
// it. Merging a file with itself, or twice, changes nothing.
func Merge(a, b *Quality) (*Quality, error) {
	newer, older := a, b
	if b.updated().After(a.updated()) {
		newer, older = b, a
	}
	known, err := newer.entries()
	if err != nil {
		return nil, err
	}
	list, err := newer.raws()
	if err != nil {
		return nil, err
	}
	theirs, err := older.entries()
	if err != nil {
		return nil, err
	}
	raws, err := older.raws()
	if err != nil {
		return nil, err
	}
	type dated struct {
		at  time.Time
		raw json.RawMessage
	}
	all := make([]dated, len(known))
	for i, e := range known {
		all[i] = dated{e.Time, list[i]}
	}
	added := false
	for i, e := range theirs {
		if e.RunID == "" || slices.ContainsFunc(known, func(k Entry) bool { return k.RunID == e.RunID }) {
			continue
		}
		all, added = append(all, dated{e.Time, raws[i]}), true
	}
	if !added {
		return newer, nil
	}
	slices.SortStableFunc(all, func(x, y dated) int { return cmp.Compare(x.at.UnixNano(), y.at.UnixNano()) })
	all = all[max(0, len(all)-Keep):]
	out := make([]json.RawMessage, len(all))
	for i, d := range all {
		out[i] = d.raw
	}
	merged := &Quality{top: slices.Clone(newer.top)}
	merged.top = merged.top.set("history", encode(out))
	return merged, nil
}

// updated is when the file says that it was last written.
func (q *Quality) updated() time.Time {
	return Instant(Text(q.top.get("last_updated")))
}
