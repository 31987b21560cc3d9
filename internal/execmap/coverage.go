package execmap

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// ErrForeign says that the file is no database of coverage.py.
var ErrForeign = errors.New("not a database of coverage.py")

// Bounds. The largest maps seen have a few million bytes: ten thousand tests,
// fifty files each.
const (
	maxBits = 512 << 20 // of all sets of lines together
	maxArcs = 1 << 24
	maxRows = 1 << 24
	maxLine = 10 << 20 // of one source file
	maxText = 64 << 10 // one path, one context
)

// magic begins every SQLite file: https://www.sqlite.org/fileformat.html
const magic = "SQLite format 3\x00"

// IsDatabase reports whether a file that begins so is a database at all.
func IsDatabase(head []byte) bool { return strings.HasPrefix(string(head), magic) }

// Coverage reads a `.coverage` file of coverage.py 5 and later. Its schema:
// https://coverage.readthedocs.io/en/latest/dbschema.html
func Coverage(ctx context.Context, path string) (*Map, error) {
	if err := inspect(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", source(path))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	r := &reader{db: db, m: &Map{Tool: "coverage.py"}}
	if err := r.read(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return r.m, nil
}

// inspect looks at a file before SQLite does: its own message for a text is
// "file is not a database (26)".
func inspect(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	head := make([]byte, 32)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	switch head = head[:n]; {
	case IsDatabase(head):
		return nil
	case strings.HasPrefix(string(head), "!coverage.py:"):
		return fmt.Errorf("%w 5 or later: older ones wrote a private text format", ErrForeign)
	}
	return ErrForeign
}

func source(path string) string {
	q := url.Values{}
	q.Set("mode", "ro")
	q.Set("immutable", "1") // needs no lock file beside it; coverage.py writes without a log
	q.Add("_pragma", "trusted_schema(0)")
	q.Add("_pragma", "query_only(1)")
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}
	return u.String()
}

// reader holds what is known while a database is read.
type reader struct {
	db       *sql.DB
	m        *Map
	files    map[int64]int // id → index
	contexts map[int64]int
	runs     []map[int]Lines // by file: context → lines
	bits     int
}

func (r *reader) read(ctx context.Context) error {
	for _, table := range []string{"coverage_schema", "meta", "file", "context", "line_bits", "arc"} {
		if err := r.isTable(ctx, table); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{r.meta, r.names, r.lines, r.arcs} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.finish()
	return nil
}

// isTable makes sure that reading the table runs no code of the file's: it is a
// table and no view or virtual table, and its columns are stored, not computed.
func (r *reader) isTable(ctx context.Context, name string) error {
	var kind, text string
	err := r.db.QueryRowContext(ctx, "SELECT type, upper(substr(sql, 1, 20)) FROM sqlite_schema WHERE name = ? AND type IN ('table', 'view')", name).Scan(&kind, &text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w 5 or later: it has no table %q", ErrForeign, name)
	case err != nil:
		return err
	case kind != "table" || strings.HasPrefix(text, "CREATE VIRTUAL"):
		return fmt.Errorf("%w: %q is no plain table", ErrForeign, name)
	}
	var computed int
	if err := r.db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_xinfo(?) WHERE hidden <> 0", name).Scan(&computed); err != nil {
		return err
	}
	if computed > 0 {
		return fmt.Errorf("%w: %q has computed columns", ErrForeign, name)
	}
	return nil
}

func (r *reader) meta(ctx context.Context) error {
	return r.each(ctx, "SELECT key, substr(value, 1, 100) FROM meta WHERE key IN ('version', 'has_arcs')", func(rows *sql.Rows) error {
		var key string
		var value sql.NullString
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		switch key {
		case "version":
			r.m.Version = value.String
		case "has_arcs":
			r.m.Branches = value.String == "1" || value.String == "True"
		}
		return nil
	})
}

// names reads the two dictionaries.
func (r *reader) names(ctx context.Context) error {
	r.files, r.contexts = map[int64]int{}, map[int64]int{}
	text := fmt.Sprint(maxText)
	err := r.each(ctx, "SELECT id, substr(path, 1, "+text+") FROM file ORDER BY path", func(rows *sql.Rows) error {
		id, name, err := scanName(rows)
		r.files[id] = len(r.m.Files)
		r.m.Files = append(r.m.Files, File{Path: slashes(name)})
		return err
	})
	if err != nil {
		return err
	}
	r.runs = make([]map[int]Lines, len(r.m.Files))
	return r.each(ctx, "SELECT id, substr(context, 1, "+text+") FROM context ORDER BY context", func(rows *sql.Rows) error {
		id, name, err := scanName(rows)
		r.contexts[id] = len(r.m.Contexts)
		r.m.Contexts = append(r.m.Contexts, name)
		return err
	})
}

func scanName(rows *sql.Rows) (id int64, name string, err error) {
	err = rows.Scan(&id, &name)
	return id, strings.ToValidUTF8(name, "\uFFFD"), err
}

// lines reads what was recorded without arcs.
func (r *reader) lines(ctx context.Context) error {
	query := fmt.Sprintf("SELECT file_id, context_id, substr(numbits, 1, %d) FROM line_bits", maxLine/8+1)
	return r.each(ctx, query, func(rows *sql.Rows) error {
		var file, context int64
		var set []byte
		if err := rows.Scan(&file, &context, &set); err != nil {
			return err
		}
		if len(set) > maxLine/8 {
			return fmt.Errorf("a source file with more than %d lines", maxLine)
		}
		return r.add(file, context, set)
	})
}

func (r *reader) add(file, context int64, set Lines) error {
	runs, in, err := r.at(file, context)
	if err != nil {
		return err
	}
	if r.bits += len(set); r.bits > maxBits {
		return fmt.Errorf("more than %d bytes of lines", maxBits)
	}
	runs[in] = runs[in].Union(set)
	return nil
}

// at finds the runs of a file, and the index of a context.
func (r *reader) at(file, context int64) (runs map[int]Lines, in int, err error) {
	at, known := r.files[file]
	in, named := r.contexts[context]
	if !known || !named {
		return nil, 0, fmt.Errorf("file %d ran in context %d, and one of them has no name: the database is damaged", file, context)
	}
	if r.runs[at] == nil {
		r.runs[at] = map[int]Lines{}
	}
	return r.runs[at], in, nil
}

// arcs reads what was recorded with them: a line ran if a jump began or ended on
// it, which is how coverage.py itself tells (CoverageData.lines).
func (r *reader) arcs(ctx context.Context) error {
	seen := 0
	return r.each(ctx, "SELECT file_id, context_id, fromno, tono FROM arc ORDER BY file_id, fromno, tono", func(rows *sql.Rows) error {
		var file, context int64
		var arc Arc
		if err := rows.Scan(&file, &context, &arc.From, &arc.To); err != nil {
			return err
		}
		if seen++; seen > maxArcs {
			return fmt.Errorf("more than %d jumps between lines", maxArcs)
		}
		runs, in, err := r.at(file, context)
		if err != nil {
			return err
		}
		for _, line := range []int{arc.From, arc.To} {
			if line > maxLine || line < -maxLine {
				return fmt.Errorf("line number %d is out of range", line)
			}
			if line <= 0 {
				continue
			}
			before := len(runs[in])
			runs[in] = runs[in].set(line)
			if r.bits += len(runs[in]) - before; r.bits > maxBits {
				return fmt.Errorf("more than %d bytes of lines", maxBits)
			}
		}
		f := &r.m.Files[r.files[file]]
		if n := len(f.Arcs); n == 0 || f.Arcs[n-1] != arc { // sorted by the query
			f.Arcs = append(f.Arcs, arc)
		}
		return nil
	})
}

func (r *reader) each(ctx context.Context, query string, do func(*sql.Rows) error) error {
	rows, err := r.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		if n > maxRows {
			return fmt.Errorf("more than %d rows in one table", maxRows)
		}
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// finish brings everything into its order.
func (r *reader) finish() {
	for i, runs := range r.runs {
		for context, lines := range runs {
			r.m.Files[i].Runs = append(r.m.Files[i].Runs, Run{context, lines})
		}
		slices.SortFunc(r.m.Files[i].Runs, func(a, b Run) int { return cmp.Compare(a.Context, b.Context) })
	}
	slices.SortStableFunc(r.m.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) }) // slashes may have changed the order
}
