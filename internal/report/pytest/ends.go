package pytest

// ends keeps the first and the last few of a sequence of any length.
type ends[T any] struct {
	first, last int // how many of each are kept
	items       []T
	next        int // where in items[first:] the oldest stands, once full
	full        bool
}

func (e *ends[T]) add(item T) {
	if len(e.items) < e.first+e.last {
		e.items = append(e.items, item)
		return
	}
	e.full = true
	e.items[e.first+e.next] = item
	e.next = (e.next + 1) % e.last
}

// newest is the item that was added last; nil if there is none.
func (e *ends[T]) newest() *T {
	switch {
	case len(e.items) == 0:
		return nil
	case !e.full:
		return &e.items[len(e.items)-1]
	}
	return &e.items[e.first+(e.next+e.last-1)%e.last]
}

// take returns a copy of what was kept, in order, and starts afresh.
func (e *ends[T]) take() []T {
	if len(e.items) == 0 {
		return nil
	}
	items := make([]T, 0, len(e.items))
	head, tail := e.items, []T(nil)
	if e.full {
		head, tail = e.items[:e.first], e.items[e.first:]
	}
	items = append(items, head...)
	if e.full {
		items = append(append(items, tail[e.next:]...), tail[:e.next]...)
	}
	e.drop()
	return items
}

// drop forgets what was kept.
func (e *ends[T]) drop() {
	clear(e.items)
	e.items, e.next, e.full = e.items[:0], 0, false
}
