package history

import (
	"errors"
	"io/fs"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What can be wrong with a store. Each comes wrapped in an *Error with the path.
var (
	ErrCorrupt    = errors.New("the history is damaged")
	ErrForeign    = errors.New("not a keepgreen history")
	ErrNewer      = errors.New("the history was written by a newer keepgreen")
	ErrUnwritable = errors.New("the history cannot be written")
	ErrBusy       = errors.New("the history is in use by another process")
	ErrFull       = errors.New("no space left for the history")
	ErrConflict   = errors.New("another run is recorded under the same key")
	ErrTooLarge   = errors.New("the run is too large to record")
)

// hints say what to do next.
var hints = map[error]string{
	ErrCorrupt:    "it was left as it is; move it away to start a new one, or restore a copy",
	ErrForeign:    "it was left as it is; name another file",
	ErrNewer:      "upgrade keepgreen, or name another file",
	ErrUnwritable: "runs are not remembered until its directory can be written; or name another file",
	ErrBusy:       "try again when the other keepgreen has finished",
	ErrFull:       "free some space; the run itself is not affected",
	ErrConflict:   "give each shard of a run its own name, and each run its own id",
	ErrTooLarge:   "split the run into shards",
}

// Error is a failure of the store: which file, what, and what to do next.
type Error struct {
	Path string
	Kind error // one of the Err values, or nil
	Err  error // what the system said; may be nil
}

func (e *Error) Error() string {
	text := e.Path
	if e.Kind != nil {
		text += ": " + e.Kind.Error()
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap makes errors.Is see both the kind and its origin.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// Hint is the one thing to do next; it may be empty.
func (e *Error) Hint() string { return hints[e.Kind] }

// explain wraps what SQLite or the system said into an *Error. The extended
// result codes carry the primary one in their lowest byte.
func explain(path string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Path: path, Kind: kindOf(err), Err: err}
}

// inTheWay reports whether another process is the reason, and will be gone.
func inTheWay(err error) bool {
	var failed *sqlite.Error
	return errors.Is(err, ErrBusy) || errors.As(err, &failed) && failed.Code()&0xff == sqlite3.SQLITE_IOERR
}

func kindOf(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return ErrUnwritable
	}
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return nil
	}
	switch failed.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return ErrCorrupt
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return ErrUnwritable
	case sqlite3.SQLITE_FULL:
		return ErrFull
	}
	return nil
}
