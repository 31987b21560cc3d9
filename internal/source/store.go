package source

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
)

// ContentID names content: the first twenty bytes of git's id for it.
type ContentID [20]byte

// Key is what facts are stored under: what was read, and as which language.
type Key struct {
	ID ContentID
	Go bool
}

// StatID is a digest of everything that the file system says of a file: its
// path, size, times and place on the disk.
type StatID [16]byte

// Store keeps the facts of files by their content, so that a file that did not
// change is not read again. The zero value is empty and ready; its methods may
// be called from several goroutines.
type Store struct {
	mu    sync.Mutex
	facts map[Key]*stored
	stats map[StatID]*content
	added int
}

type stored struct {
	text string
	age  byte // how many times the store was written since the facts were last wanted

	once  sync.Once
	facts Facts
	err   error
}

// decode decodes the text, once. Those who ask share what comes out.
func (e *stored) decode() (Facts, error) {
	e.once.Do(func() { e.facts, e.err = factsFrom(e.text) })
	return e.facts, e.err
}

type content struct {
	id  ContentID
	age byte
}

// Bounds on what is kept: what was not wanted for maxAge writes goes, and what
// was not wanted this time goes beyond maxStore bytes.
const (
	maxAge   = 8
	maxStore = 256 << 20
)

// Facts returns the facts that are stored under the key.
func (s *Store) Facts(k Key) (Facts, bool) {
	s.mu.Lock()
	entry := s.facts[k]
	if entry != nil {
		entry.age = 0
	}
	s.mu.Unlock()
	if entry == nil {
		return Facts{}, false
	}
	f, err := entry.decode()
	return f, err == nil
}

// Prefetch begins to decode what was wanted last time, for it will be again;
// the caller has other things to wait for. What is asked for meanwhile is
// decoded at once.
func (s *Store) Prefetch() {
	var list []*stored
	for _, entry := range s.facts {
		if entry.age <= 1 {
			list = append(list, entry)
		}
	}
	go func() {
		for _, entry := range list {
			_, _ = entry.decode() // who asks for it hears of it
		}
	}()
}

// Put stores facts.
func (s *Store) Put(k Key, f Facts) {
	text := string(appendFacts(make([]byte, 0, 512), f))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.facts == nil {
		s.facts = map[Key]*stored{}
	}
	s.facts[k] = &stored{text: text}
	s.added++
}

// Content returns the id of the content that a file had when the file system
// said the same of it.
func (s *Store) Content(at StatID) (ContentID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.stats[at]
	if c == nil {
		return ContentID{}, false
	}
	c.age = 0
	return c.id, true
}

// PutContent notes what a file's content is while the file system says this of it.
func (s *Store) PutContent(at StatID, id ContentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stats == nil {
		s.stats = map[StatID]*content{}
	}
	s.stats[at] = &content{id: id}
	s.added++
}

// Added is how much was put since the store was read.
func (s *Store) Added() int { return s.added }

// Len is how many files' facts there are.
func (s *Store) Len() int { return len(s.facts) }

// storeHead begins a store. Go's own parser reads Go files, so its version
// counts as well.
func storeHead() string {
	return fmt.Sprintf("keepgreen source facts\x00%d %s\n", readersVersion, runtime.Version())
}

var storeSum = crc32.MakeTable(crc32.Castagnoli)

// WriteTo writes the store, in the order of its keys: "head, stats, facts, sum".
func (s *Store) WriteTo(w io.Writer) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := []byte(storeHead())
	stats := slices.SortedFunc(maps.Keys(s.stats), func(x, y StatID) int { return slices.Compare(x[:], y[:]) })
	stats = slices.DeleteFunc(stats, func(at StatID) bool { return s.stats[at].age >= maxAge })
	b = binary.AppendUvarint(b, uint64(len(stats)))
	for _, at := range stats {
		c := s.stats[at]
		b = append(append(append(b, at[:]...), c.id[:]...), c.age)
	}
	keys := s.kept()
	b = binary.AppendUvarint(b, uint64(len(keys)))
	for _, k := range keys {
		entry := s.facts[k]
		lang := byte(0)
		if k.Go {
			lang = 1
		}
		b = append(append(b, k.ID[:]...), lang, entry.age)
		b = appendText(b, entry.text)
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, storeSum))
	n, err := w.Write(b)
	return int64(n), err
}

// kept lists the facts to write, those that were wanted this time before all others.
func (s *Store) kept() []Key {
	size := 0
	for _, entry := range s.facts {
		if entry.age == 0 {
			size += len(entry.text)
		}
	}
	keys := make([]Key, 0, len(s.facts))
	for k, entry := range s.facts {
		if entry.age > 0 {
			if size += len(entry.text); entry.age >= maxAge || size > maxStore {
				continue
			}
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y Key) int {
		if c := slices.Compare(x.ID[:], y.ID[:]); c != 0 || x.Go == y.Go {
			return c
		}
		return map[bool]int{false: -1, true: 1}[x.Go]
	})
	return keys
}

// ReadStore reads what WriteTo wrote. What is damaged, or was written by another
// version of the readers, is an empty store: everything is read again.
func ReadStore(data []byte) *Store {
	s := &Store{}
	head := storeHead()
	end := len(data) - 4
	if end < len(head) || string(data[:len(head)]) != head || crc32.Checksum(data[:end], storeSum) != binary.LittleEndian.Uint32(data[end:]) {
		return s
	}
	r := unpacker{text: string(data[len(head):end])}
	n := r.count(len(StatID{}) + len(ContentID{}) + 1)
	s.stats = make(map[StatID]*content, n)
	hints := make([]content, n)
	for i := range hints {
		at := StatID([]byte(r.take(len(StatID{}))))
		hints[i].id = ContentID([]byte(r.take(len(ContentID{}))))
		hints[i].age = older(r.byte())
		s.stats[at] = &hints[i]
	}
	n = r.count(len(ContentID{}) + 3)
	s.facts = make(map[Key]*stored, n)
	entries := make([]stored, n)
	for i := range entries {
		k := Key{ID: ContentID([]byte(r.take(len(ContentID{})))), Go: r.byte() == 1}
		entries[i].age = older(r.byte())
		entries[i].text = r.string()
		s.facts[k] = &entries[i]
	}
	if r.bad || len(r.text) > 0 {
		return &Store{}
	}
	return s
}

// older is an entry's age once another store is written without anyone having wanted it.
func older(age byte) byte { return min(age, maxAge-1) + 1 }

// take is the next n bytes; where there are fewer, zeros.
func (r *unpacker) take(n int) string {
	if len(r.text) < n {
		r.fail()
		return string(make([]byte, n))
	}
	s := r.text[:n]
	r.text = r.text[n:]
	return s
}
