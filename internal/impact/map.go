package impact

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Map is who ran what, as it was recorded at one commit.
type Map struct {
	Commit    string
	Tool      string   // who recorded it: "keepgreen", "coverage.py", "testmon"
	Python    string   // its version
	Installed string   // a digest of the packages that were there; empty: not known
	Dirty     []string // files that were not as the commit has them
	Lines     bool     // definitions follow from lines, and only of what tests ran

	Files   []string // slash-separated, relative to the repository
	Defs    []Def
	Tests   []Row  // sorted by ID
	Loads   []Load // sorted by file
	Session Row    // what ran or was read between tests: every test depends on it

	Collected []ci.TestID // tests that were there, sorted; more than Tests where some did not run
}

// Def is a definition that ran.
type Def struct {
	File uint32 // index of Map.Files
	Name string // qualified; "<module>": the module's own code
}

// Row is what one test touched. Its numbers are sorted.
type Row struct {
	ID    ci.TestID
	Defs  []uint32 // indexes of Map.Defs
	Reads []uint32 // files that it opened; indexes of Map.Files
	Lists []uint32 // folders that it listed
	Loads []uint32 // files that its child processes loaded
	Why   string   // why the row is not all that there is; the test always runs
}

// Load is what happened while a module was loaded.
type Load struct {
	File   uint32
	By     []uint32 // files whose code asked for it
	Anyone bool     // nobody of the project did: pytest, or a plugin
	Defs   []uint32
	Reads  []uint32
}

// everyone is the owner of what child processes did between tests.
const everyone = "*"

// Recording collects the files that the plugin wrote into a map.
type Recording struct {
	m         Map
	files     map[string]uint32
	defs      map[Def]uint32
	tests     map[ci.TestID]*bag
	fixtures  map[string]*bag
	loads     map[uint32]*loadBag
	session   bag
	collected map[ci.TestID]bool
	heads     int
	partly    bool
}

type set map[uint32]struct{}

func (s set) sorted() []uint32 {
	out := make([]uint32, 0, len(s))
	for x := range s {
		out = append(out, x)
	}
	slices.Sort(out)
	return out
}

type bag struct {
	defs, reads, lists, loads set
	uses                      map[string]bool
	why                       string
}

func newBag() *bag {
	return &bag{set{}, set{}, set{}, set{}, map[string]bool{}, ""}
}

type loadBag struct {
	bag
	by     set
	anyone bool
}

// NewRecording begins a map.
func NewRecording() *Recording {
	return &Recording{
		files: map[string]uint32{}, defs: map[Def]uint32{}, tests: map[ci.TestID]*bag{}, fixtures: map[string]*bag{},
		loads: map[uint32]*loadBag{}, session: *newBag(), collected: map[ci.TestID]bool{},
	}
}

func (r *Recording) file(name string) uint32 {
	i, known := r.files[name]
	if !known {
		i = uint32(len(r.m.Files))
		r.files[name] = i
		r.m.Files = append(r.m.Files, name)
	}
	return i
}

func (r *Recording) def(file, name string) uint32 {
	d := Def{r.file(file), name}
	i, known := r.defs[d]
	if !known {
		i = uint32(len(r.m.Defs))
		r.defs[d] = i
		r.m.Defs = append(r.m.Defs, d)
	}
	return i
}

// line is one line of a recording; which fields are set says what it is.
type line struct {
	Head      int      `json:"head"`
	Python    string   `json:"python"`
	Installed string   `json:"installed"`
	Test      *string  `json:"test"`
	Fixture   *string  `json:"fixture"`
	Load      *string  `json:"load"`
	Session   bool     `json:"session"`
	By        []string `json:"by"`
	Reads     []string `json:"reads"`
	Lists     []string `json:"lists"`
	Uses      []string `json:"uses"`
	Why       string   `json:"why"`
	Collected []string `json:"collected"`

	Owner *string         `json:"owner"` // a child process: whom it works for
	D     []string        `json:"d"`
	R     string          `json:"r"`
	L     string          `json:"l"`
	X     string          `json:"x"`
	Defs  json.RawMessage `json:"defs"`
}

// Covered notes that a test file of any language covered these files, as its own
// coverage report says.
func (r *Recording) Covered(test ci.TestID, files []string) {
	b := r.test(string(test))
	for _, f := range files {
		b.reads[r.file(f)] = struct{}{}
	}
	r.collected[test] = true
	r.partly = true
}

// Partly reports whether the recording is of some tests only, whatever it says
// was collected.
func (r *Recording) Partly() bool { return r.partly }

// maxRecording bounds one line of a recording.
const maxRecording = 256 << 20

// Add reads one file of the plugin. A file of a child process may end anywhere;
// one of pytest itself is whole or an error.
func (r *Recording) Add(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxRecording)
	var rows []line
	var table [][2]string
	var child *bag
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			if child != nil {
				return nil // the process was ended while it wrote
			}
			return fmt.Errorf("line %d: %w", n, err)
		}
		switch {
		case l.Owner != nil:
			child = r.owner(*l.Owner)
		case child != nil:
			r.childLine(child, l)
		case l.Head > 1:
			return fmt.Errorf("line %d: recorded by a newer plugin", n)
		case l.Head == 1:
			r.head(l)
		case len(rows) > 0 && l.Test == nil && l.Fixture == nil && l.Load == nil && !l.Session && l.Collected == nil && len(l.Defs) > 0:
			if err := json.Unmarshal(l.Defs, &table); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		default:
			rows = append(rows, l)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return r.rows(rows, table)
}

func (r *Recording) head(l line) {
	if r.heads > 0 && (r.m.Python != l.Python || r.m.Installed != l.Installed) {
		r.m.Python, r.m.Installed = l.Python, "" // several environments: none is known
	} else {
		r.m.Python, r.m.Installed = l.Python, l.Installed
	}
	r.heads++
}

func (r *Recording) test(id string) *bag {
	b, known := r.tests[ci.TestID(id)]
	if !known {
		b = newBag()
		r.tests[ci.TestID(id)] = b
	}
	return b
}

func (r *Recording) fixture(name string) *bag {
	b, known := r.fixtures[name]
	if !known {
		b = newBag()
		r.fixtures[name] = b
	}
	return b
}

// owner is whose work a child process does: a test's, a fixture's, or everyone's.
func (r *Recording) owner(name string) *bag {
	switch {
	case strings.HasPrefix(name, "t"):
		return r.test(name[1:])
	case strings.HasPrefix(name, "f"):
		return r.fixture(name[1:])
	}
	return &r.session
}

func (r *Recording) childLine(b *bag, l line) {
	switch {
	case len(l.D) == 2:
		b.defs[r.def(l.D[0], l.D[1])] = struct{}{}
	case l.X != "":
		b.loads[r.file(l.X)] = struct{}{}
	case l.R != "":
		b.reads[r.file(l.R)] = struct{}{}
	case l.L != "":
		b.lists[r.file(l.L)] = struct{}{}
	case l.Why != "":
		b.why = l.Why
	}
}

// rows adds the lines of one process, whose definitions are numbered by its own
// table.
func (r *Recording) rows(rows []line, table [][2]string) error {
	numbers := make([]uint32, len(table))
	for i, d := range table {
		numbers[i] = r.def(d[0], d[1])
	}
	for _, l := range rows {
		b := &r.session
		switch {
		case l.Test != nil:
			b = r.test(*l.Test)
		case l.Fixture != nil:
			b = r.fixture(*l.Fixture)
		case l.Load != nil:
			file := r.file(*l.Load)
			load, known := r.loads[file]
			if !known {
				load = &loadBag{bag: *newBag(), by: set{}}
				r.loads[file] = load
			}
			for _, by := range l.By {
				if by == everyone {
					load.anyone = true
				} else {
					load.by[r.file(by)] = struct{}{}
				}
			}
			b = &load.bag
		case l.Collected != nil:
			for _, id := range l.Collected {
				r.collected[ci.TestID(id)] = true
			}
			continue
		}
		if err := r.fill(b, l, numbers); err != nil {
			return err
		}
	}
	return nil
}

func (r *Recording) fill(b *bag, l line, numbers []uint32) error {
	var defs []int
	if len(l.Defs) > 0 {
		if err := json.Unmarshal(l.Defs, &defs); err != nil {
			return err
		}
	}
	for _, d := range defs {
		if d < 0 || d >= len(numbers) {
			return fmt.Errorf("definition %d of %d", d, len(numbers))
		}
		b.defs[numbers[d]] = struct{}{}
	}
	for _, f := range l.Reads {
		b.reads[r.file(f)] = struct{}{}
	}
	for _, f := range l.Lists {
		b.lists[r.file(f)] = struct{}{}
	}
	for _, name := range l.Uses {
		b.uses[name] = true
	}
	if l.Why != "" {
		b.why = l.Why
	}
	return nil
}

// Map is the map of everything that was added. What a wider fixture did belongs
// to each test that uses it, and to the fixtures that do.
func (r *Recording) Map(commit string, dirty []string) *Map {
	m := r.m
	m.Commit, m.Tool, m.Dirty = commit, "keepgreen", dirty
	for id, b := range r.tests {
		whole := newBag()
		r.gather(whole, b, map[string]bool{})
		m.Tests = append(m.Tests, rowOf(id, whole))
	}
	slices.SortFunc(m.Tests, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) })
	for file, l := range r.loads {
		m.Loads = append(m.Loads, Load{File: file, By: l.by.sorted(), Anyone: l.anyone, Defs: l.defs.sorted(), Reads: l.reads.sorted()})
	}
	slices.SortFunc(m.Loads, func(a, b Load) int { return cmp.Compare(a.File, b.File) })
	m.Session = rowOf("", &r.session)
	for id := range r.collected {
		m.Collected = append(m.Collected, id)
	}
	slices.Sort(m.Collected)
	return &m
}

func (r *Recording) gather(into, b *bag, seen map[string]bool) {
	for from, to := range map[*set]set{&b.defs: into.defs, &b.reads: into.reads, &b.lists: into.lists, &b.loads: into.loads} {
		for x := range *from {
			to[x] = struct{}{}
		}
	}
	into.why = cmp.Or(into.why, b.why)
	for name := range b.uses {
		if fixture, known := r.fixtures[name]; known && !seen[name] {
			seen[name] = true
			r.gather(into, fixture, seen)
		}
	}
}

func rowOf(id ci.TestID, b *bag) Row {
	return Row{ID: id, Defs: b.defs.sorted(), Reads: b.reads.sorted(), Lists: b.lists.sorted(), Loads: b.loads.sorted(), Why: b.why}
}

// Row is what a test touched; ok is false where it was not recorded.
func (m *Map) Row(id ci.TestID) (Row, bool) {
	i, ok := slices.BinarySearchFunc(m.Tests, id, func(r Row, id ci.TestID) int { return cmp.Compare(r.ID, id) })
	if !ok {
		return Row{}, false
	}
	return m.Tests[i], true
}

// Over lays a newer map of some of the tests over an older one of all: what was
// not recorded anew is as it was, since nothing that it touched has changed.
func (m *Map) Over(old *Map) *Map { return combine(m, old, false) }

// With is a map of what either says, as two environments recorded it at one
// commit.
func (m *Map) With(other *Map) *Map { return combine(m, other, true) }

func combine(m, other *Map, both bool) *Map {
	r := NewRecording()
	r.m.Python, r.m.Installed = m.Python, m.Installed
	if m.Python == "" {
		r.m.Python, r.m.Installed = other.Python, other.Installed
	}
	for i, from := range []*Map{m, other} {
		for _, row := range from.Tests {
			if _, newer := m.Row(row.ID); i == 0 || both || !newer {
				r.copyRow(r.test(string(row.ID)), row, from)
			}
		}
		for _, l := range from.Loads {
			r.copyLoad(l, from)
		}
		r.copyRow(&r.session, from.Session, from)
		for _, id := range from.Collected {
			r.collected[id] = true
		}
	}
	return r.Map(m.Commit, m.Dirty)
}

func (r *Recording) copyRow(b *bag, row Row, from *Map) {
	for _, d := range row.Defs {
		b.defs[r.def(from.Files[from.Defs[d].File], from.Defs[d].Name)] = struct{}{}
	}
	for _, x := range []struct {
		in  []uint32
		out set
	}{{row.Reads, b.reads}, {row.Lists, b.lists}, {row.Loads, b.loads}} {
		for _, f := range x.in {
			x.out[r.file(from.Files[f])] = struct{}{}
		}
	}
	b.why = cmp.Or(b.why, row.Why)
}

func (r *Recording) copyLoad(l Load, from *Map) {
	file := r.file(from.Files[l.File])
	into, known := r.loads[file]
	if !known {
		into = &loadBag{bag: *newBag(), by: set{}}
		r.loads[file] = into
	}
	into.anyone = into.anyone || l.Anyone
	for _, by := range l.By {
		into.by[r.file(from.Files[by])] = struct{}{}
	}
	r.copyRow(&into.bag, Row{Defs: l.Defs, Reads: l.Reads}, from)
}

// reads reports whether anybody opened a file.
func (m *Map) reads(file string) bool {
	i := slices.Index(m.Files, file)
	if i < 0 {
		return false
	}
	has := func(list []uint32) bool { _, ok := slices.BinarySearch(list, uint32(i)); return ok }
	return has(m.Session.Reads) || slices.ContainsFunc(m.Tests, func(r Row) bool { return has(r.Reads) }) ||
		slices.ContainsFunc(m.Loads, func(l Load) bool { return has(l.Reads) })
}
