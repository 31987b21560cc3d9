package source_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/source"
)

// pythonSample has one of everything that facts can say.
const pythonSample = `"""A module."""
import a.b as c, d
from . import x
from ..p import (y as z, w)
from q import *
if TYPE_CHECKING:
    from t import T
try:
    import fast
except ImportError:
    fast = None
APPS = ["shop.models.Order"]

class Base(ABC):
    @abstractmethod
    def f(self, n, *rest): ...

def g(x):
    import late
    __import__(x)
    importlib.import_module("plug.in")
    return [i for i in x if i and not late] or (lambda q: q)
def broken(:
`

const goSample = "package p\n\nimport (\n\t\"fmt\"\n\tq \"x/y\"\n)\n\ntype T interface{ M() }\n\nfunc (t *U) F(a, b int) {\n\tif a > b {\n\t\tfmt.Println(q.Z)\n\t}\n}\n"

func key(text string, golang bool) source.Key {
	sum := sha256.Sum256([]byte(text))
	return source.Key{ID: source.ContentID(sum[:20]), Go: golang}
}

func written(t *testing.T, s *source.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := s.WriteTo(&b)
	assert.NilError(t, err)
	return b.Bytes()
}

func TestStoreGivesBackWhatItWasGiven(t *testing.T) {
	var s source.Store
	python, golang := source.Python([]byte(pythonSample)), source.Go([]byte(goSample))
	assert.Assert(t, python.Broken != nil && len(python.Opaque) > 0 && len(python.Strings) > 0)
	s.Put(key("one", false), python)
	s.Put(key("one", true), golang)
	s.PutContent(source.StatID{1}, key("one", false).ID)
	data := written(t, &s)
	assert.DeepEqual(t, data, written(t, &s))

	read := source.ReadStore(data)
	assert.Equal(t, read.Len(), 2)
	assert.Equal(t, read.Added(), 0)
	got, ok := read.Facts(key("one", false))
	assert.Assert(t, ok)
	assert.DeepEqual(t, got, python)
	got, ok = read.Facts(key("one", true))
	assert.Assert(t, ok)
	assert.DeepEqual(t, got, golang)
	id, ok := read.Content(source.StatID{1})
	assert.Assert(t, ok)
	assert.Equal(t, id, key("one", false).ID)
	_, ok = read.Facts(key("two", false))
	assert.Assert(t, !ok)
}

func TestStoreForgetsWhatNobodyWants(t *testing.T) {
	var s source.Store
	s.Put(key("wanted", false), source.Facts{Lines: 1})
	s.Put(key("old", false), source.Facts{Lines: 2})
	data := written(t, &s)
	for range 10 {
		read := source.ReadStore(data)
		_, ok := read.Facts(key("wanted", false))
		assert.Assert(t, ok)
		data = written(t, read)
	}
	assert.Equal(t, source.ReadStore(data).Len(), 1)
}

func TestDamagedStoreIsEmpty(t *testing.T) {
	var s source.Store
	s.Put(key("one", false), source.Python([]byte(pythonSample)))
	data := written(t, &s)
	for i := range data {
		torn := bytes.Clone(data)
		torn[i] ^= 0x10
		assert.Equal(t, source.ReadStore(torn).Len(), 0, "byte %d", i)
		assert.Equal(t, source.ReadStore(data[:i]).Len(), 0, "cut at %d", i)
	}
}

// TestStoredFactsMatchTheReaders fails when a reader makes something else of a
// file than it did: readersVersion must rise with that, or what older versions
// stored is believed.
func TestStoredFactsMatchTheReaders(t *testing.T) {
	python, golang := source.Python([]byte(pythonSample)), source.Go([]byte(goSample))
	b := source.AppendFacts(source.AppendFacts(nil, python), golang)
	got := fmt.Sprintf("%d %x", source.ReadersVersion, sha256.Sum256(b))
	assert.Equal(t, got, "1 532b3553922b9a502e79d80e29d65871f6a08d5579e92cefef34e80cbe07faf9")
}

// FuzzFacts promises that decoding takes any bytes, and that what it accepts
// says the same when it is encoded and decoded again.
func FuzzFacts(f *testing.F) {
	f.Add(string(source.AppendFacts(nil, source.Python([]byte(pythonSample)))))
	f.Add(string(source.AppendFacts(nil, source.Go([]byte(goSample)))))
	f.Add("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, text string) {
		facts, err := source.FactsFrom(text)
		if err != nil {
			return
		}
		again, err := source.FactsFrom(string(source.AppendFacts(nil, facts)))
		assert.NilError(t, err)
		assert.DeepEqual(t, again, facts)
	})
}
