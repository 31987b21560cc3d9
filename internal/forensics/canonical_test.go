package forensics_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"gotest.tools/v3/assert"

	"keepgreen/internal/forensics"
)

// TestCanonicalIsPythons compares with what Python 3.11 made of each text.
func TestCanonicalIsPythons(t *testing.T) {
	file, err := os.Open("testdata/canonical.tsv")
	assert.NilError(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	n := 0
	for lines.Scan() {
		n++
		in, out, ok := strings.Cut(lines.Text(), "\t")
		assert.Assert(t, ok)
		var text string
		var want *string
		assert.NilError(t, json.Unmarshal([]byte(in), &text))
		assert.NilError(t, json.Unmarshal([]byte(out), &want))
		got, err := forensics.Canonical(nil, []byte(text))
		switch {
		case want == nil && err == nil:
			t.Errorf("%s: Python refuses it; this made %s of it", in, got)
		case want != nil && err != nil:
			t.Errorf("%s: %v; Python makes %s of it", in, err, *want)
		case want != nil && string(got) != *want:
			t.Errorf("%s\n got %s\nwant %s", in, got, *want)
		}
	}
	assert.NilError(t, lines.Err())
	assert.Assert(t, n > 100)
}

func TestCanonicalSaysWhere(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"half a pair, which has no UTF-8": {`{"a":"x\ud83e!"}`, `column 8: \ud83e is half a surrogate pair, which has no UTF-8 to be hashed`},
		"a comma that is missing":         {`{"a":1 "b":2}`, "column 8: expected , or }"},
		"a line that was cut":             {`{"a":tr`, "it breaks off"},
		"a string that was cut":           {`{"a":"\u00`, "it breaks off"},
		"bytes that are no UTF-8":         {"{\"a\":\"\xff\"}", "it is not UTF-8"},
		"a surrogate as bytes":            {"{\"a\":\"\xed\xa0\x80\"}", "it is not UTF-8"},
		"a byte order mark":               {"\ufeff{}", "it begins with a byte order mark"},
		"nested like a bomb":              {strings.Repeat("[", 100_000), "column 991: nested deeper than 990 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := forensics.Canonical(nil, []byte(c.text))
			assert.Error(t, err, c.want)
		})
	}
}

func TestCanonicalAppends(t *testing.T) {
	got, err := forensics.Canonical([]byte("before"), []byte(`{"b":1,"a":2}`))
	assert.NilError(t, err)
	assert.Equal(t, string(got), `before{"a":2,"b":1}`)
}

// FuzzCanonical: the canonical form is a fixed point, is UTF-8, and is valid
// JSON except for NaN and the infinities.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":[1.0,1e-7,-0],"a":"\u00e9\/\ud83e\uddca\n"}`, `{"\"":1,"!":{"z":1,"y":2},"\"":3}`, `[NaN,1e999]`, `"\u001f"`, "123456789.10", `{"a\\":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := forensics.Canonical(nil, text)
		if err != nil {
			return
		}
		twice, err := forensics.Canonical(nil, once)
		assert.NilError(t, err, "of %q", once)
		assert.Equal(t, string(twice), string(once))
		assert.Assert(t, utf8.Valid(once))
		if bytes.Contains(once, []byte("NaN")) || bytes.Contains(once, []byte("Infinity")) {
			return
		}
		assert.Assert(t, json.Valid(once), "%q", once)
		var a, b any
		if json.Unmarshal(text, &a) == nil {
			assert.NilError(t, json.Unmarshal(once, &b))
			assert.DeepEqual(t, a, b)
		}
	})
}
