package execmap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrNotTestmon says that the file is no database of pytest-testmon 2.
var ErrNotTestmon = errors.New("not a database of pytest-testmon 2")

// Touched is what pytest-testmon knows: which test ran anything in which file.
type Touched struct {
	Python string
	Tests  []string        // node IDs
	Files  []string        // relative to pytest's root
	Pairs  map[[2]int]bool // index of Tests, index of Files
}

// Testmon reads a `.testmondata` of pytest-testmon 2. Its checksums of methods
// are of its own making; that a file was touched is what is taken.
func Testmon(ctx context.Context, path string) (*Touched, error) {
	if err := inspect(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotTestmon, err)
	}
	db, err := sql.Open("sqlite", source(path))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	r := &reader{db: db, m: &Map{}}
	for _, table := range []string{"environment", "test_execution", "file_fp", "test_execution_file_fp"} {
		if err := r.isTable(ctx, table); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotTestmon, err)
		}
	}
	t := &Touched{Pairs: map[[2]int]bool{}}
	if err := r.each(ctx, "SELECT substr(python_version, 1, 100) FROM environment", func(rows *sql.Rows) error {
		var version sql.NullString
		err := rows.Scan(&version)
		t.Python = version.String
		return err
	}); err != nil {
		return nil, err
	}
	tests, err := r.dictionary(ctx, "SELECT id, substr(test_name, 1, %d) FROM test_execution ORDER BY test_name, id", &t.Tests)
	if err != nil {
		return nil, err
	}
	files, err := r.dictionary(ctx, "SELECT id, substr(filename, 1, %d) FROM file_fp ORDER BY filename, id", &t.Files)
	if err != nil {
		return nil, err
	}
	err = r.each(ctx, "SELECT test_execution_id, fingerprint_id FROM test_execution_file_fp", func(rows *sql.Rows) error {
		var test, file int64
		if err := rows.Scan(&test, &file); err != nil {
			return err
		}
		i, known := tests[test]
		j, named := files[file]
		if !known || !named {
			return fmt.Errorf("test %d touched file %d, and one of them has no name: the database is damaged", test, file)
		}
		t.Pairs[[2]int{i, j}] = true
		return nil
	})
	return t, err
}

// dictionary reads ids and names; equal names share an index.
func (r *reader) dictionary(ctx context.Context, query string, names *[]string) (map[int64]int, error) {
	at := map[int64]int{}
	err := r.each(ctx, fmt.Sprintf(query, maxText), func(rows *sql.Rows) error {
		id, name, err := scanName(rows)
		if n := len(*names); n == 0 || (*names)[n-1] != name {
			*names = append(*names, name)
		}
		at[id] = len(*names) - 1
		return err
	})
	return at, err
}
