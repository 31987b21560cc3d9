package history

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"keepgreen/internal/ci"
)

// DefaultPath is where a repository keeps its history, relative to its root.
const DefaultPath = ".keepgreen/history.db"

// Options of Open.
type Options struct {
	ReadOnly bool          // never write, nor create; the file may stand in a directory that cannot be written
	Wait     time.Duration // for another process that is writing; zero: 10 s
}

// Store is the history in one SQLite file. It is safe for several goroutines
// and several processes at once. Close it.
type Store struct {
	path string
	db   *sql.DB

	writing sync.Mutex // one writer: SQLite has one lock, and waiting here is fair
	names   dictionary // of the repository written to last; guarded by writing
}

// Open opens the history at path and creates it, with its directory, where
// there is none. Every failure is an *Error, whose Hint says what to do; a file
// that is damaged, foreign or newer is left as it is. A caller that can do
// without a history goes on without one.
func Open(ctx context.Context, path string, opt Options) (*Store, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	if !opt.ReadOnly {
		if err := create(path); err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(path); err != nil {
		return nil, &Error{Path: path, Err: reason(err)}
	}
	db, err := sql.Open("sqlite", dataSource(path, opt))
	if err != nil {
		return nil, explain(path, err)
	}
	s := &Store{path: path, db: db}
	if err := s.prepare(ctx, opt); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context, opt Options) error {
	if !opt.ReadOnly {
		return patiently(ctx, opt.wait(), func() error { return migrate(ctx, s.db, s.path) })
	}
	version, err := fileVersion(ctx, s.db, s.path)
	if err == nil && version < len(migrations) {
		return &Error{Path: s.path, Kind: ErrUnwritable, Err: fmt.Errorf("its schema is version %d and must be brought to %d first", version, len(migrations))}
	}
	return err
}

// Close ends the store. It writes the log back into the file.
func (s *Store) Close() error { return explain(s.path, s.db.Close()) }

// Path is the file.
func (s *Store) Path() string { return s.path }

func (o Options) wait() time.Duration {
	if o.Wait == 0 {
		return 10 * time.Second
	}
	return o.Wait
}

// patiently tries again while another process is in the way. SQLite waits for
// locks by itself, but not for the one that switches a new file to WAL, and a
// process that closes the file may take the log away while another opens it
// (https://www.sqlite.org/wal.html, "sometimes queries return SQLITE_BUSY").
func patiently(ctx context.Context, wait time.Duration, try func() error) error {
	const pause = 25 * time.Millisecond
	err := try()
	for range int(wait / pause) {
		if !inTheWay(err) || ctx.Err() != nil {
			break
		}
		time.Sleep(pause)
		err = try()
	}
	return err
}

func dataSource(path string, opt Options) string {
	q := url.Values{}
	q.Set("_busy_timeout", strconv.FormatInt(opt.wait().Milliseconds(), 10))
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "synchronous(NORMAL)") // with WAL a crash of the machine may lose the last run, never the file
	q.Set("_txlock", "immediate")           // a transaction that writes waits at its start, where it can
	if opt.ReadOnly {
		q.Set("mode", "ro")
		// A log that is being written has to be read with the file; without one the
		// file is all there is, and reading it needs no lock file beside it.
		if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
			q.Set("immutable", "1")
		}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}
	return u.String()
}

// create makes the directory and an empty file, which is what SQLite takes for
// a new database: the system's own error says more than SQLite's.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return &Error{Path: path, Kind: ErrUnwritable, Err: reason(err)}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return &Error{Path: path, Kind: ErrUnwritable, Err: reason(err)}
	}
	return file.Close()
}

// inspect looks at a file's header before SQLite may touch it.
// https://www.sqlite.org/fileformat.html#the_database_header
func inspect(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &Error{Path: path, Kind: ErrUnwritable, Err: reason(err)}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 && info.Mode().IsRegular() {
		return explain(path, err)
	}
	if !info.Mode().IsRegular() {
		return &Error{Path: path, Kind: ErrForeign, Err: errors.New("not a regular file")}
	}
	var header [100]byte
	if _, err := io.ReadFull(file, header[:]); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Path: path, Err: reason(err)}
	}
	if string(header[:16]) != "SQLite format 3\x00" {
		return &Error{Path: path, Kind: ErrCorrupt, Err: errors.New("not a database file")}
	}
	wal, err := os.Stat(path + "-wal")
	if err == nil && wal.Size() > 0 {
		return nil // the log holds what the file may not have yet
	}
	return checkHeader(path, header, info.Size())
}

func checkHeader(path string, header [100]byte, size int64) error {
	word := func(at int) int64 { return int64(binary.BigEndian.Uint32(header[at:])) }
	page := int64(binary.BigEndian.Uint16(header[16:]))
	if page == 1 {
		page = 65536
	}
	if word(68) != applicationID && word(68) != 0 {
		return &Error{Path: path, Kind: ErrForeign, Err: errors.New("a database of another program")}
	}
	// The size in the header counts only if written by the version that last
	// changed the file, which any SQLite since 2010 is.
	if want := word(28) * page; word(24) == word(92) && size < want {
		return &Error{Path: path, Kind: ErrCorrupt, Err: fmt.Errorf("cut off: %d bytes of %d", size, want)}
	}
	return nil
}

// reason is what the system said without the path, which Error names.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Append records a run that is not split into shards. added is false when it
// was recorded before, with the same content; other content under the same key
// is ErrConflict.
func (s *Store) Append(ctx context.Context, run ci.Run, clusters []ci.Cluster) (added bool, err error) {
	record, err := NewRecord(run, "", clusters)
	if err != nil {
		return false, &Error{Path: s.path, Kind: ErrTooLarge}
	}
	return s.Put(ctx, record)
}
