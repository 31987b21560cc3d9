package source_test

import (
	"slices"
	"testing"

	"gotest.tools/v3/assert"

	"keepgreen/internal/source"
)

// TestPythonStatements has what coverage.py 7.17.3 on CPython 3.11 says of each
// text; e2e compares whole libraries with the tool itself.
func TestPythonStatements(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []int
	}{
		{"an empty file", "\n# nothing\n", nil},
		{"a statement over lines counts on its first", "x = (\n  1,\n  2)\ny = \"\"\"\n\n\"\"\"\nz = 1 + \\\n  2\n", []int{1, 4, 7}},
		{"several on a line count once", "a = 1; b = 2\n", []int{1}},
		{"docstrings do not count, other strings do", "'doc'\ndef f():\n  'doc'\n  'no doc'\nclass C:\n  f'no doc {f}'\ndef g():\n  b'no doc'\n", []int{2, 4, 5, 6, 7, 8}},
		{"clauses without code of their own", "try:\n  a\nexcept E:\n  b\nelse:\n  c\nfinally:\n  d\nif a:\n  b\nelse:\n  c\nfor x in y:\n  z\nelse: w\n", []int{1, 2, 3, 4, 6, 8, 9, 10, 12, 13, 14, 15}},
		{"declarations", "x: int\ndef f():\n  global x\n  y: int\n  z: int = 1\n  z.w: int\n  return z\n", []int{1, 2, 5, 6, 7}},
		{"decorators", "@a\n@b(\n 1)\ndef f(\n  x):\n  pass\n", []int{1, 2, 4, 6}},
		{"what is never reached", "def f():\n  return 1\n  g()\ndef h(x):\n  if x:\n    raise E\n  else:\n    return 2\n  g()\ndef w():\n  while True:\n    g()\n  g()\n", []int{1, 2, 4, 5, 6, 8, 10, 11, 12}},
		{"what is reached after all", "while True:\n  if a: break\nb\ntry:\n  raise E\nexcept E:\n  pass\nb\nwith a:\n  raise E\nb\n", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"conditions that are constants", "if 0:\n  a\nelse:\n  b\nif __debug__:\n  c\nelse:\n  d\n", []int{1, 4, 5, 6}},
		{"no cover: a line, a suite, a function by its decorator", "a # pragma: no cover\nif b: # pragma: no cover\n  c\nelse:\n  d\n@e # pragma: no cover\ndef f():\n  g\nh\n", []int{5, 9}},
		{"no cover on a definition takes its decorators with it", "@a\ndef f(): # pragma: no cover\n  b\nc\n", []int{4}},
		{"stubs and type checkers", "class P:\n  def f(self): ...\n  def g(self):\n    ...\nif TYPE_CHECKING:\n  import a\nb\n", []int{1, 7}},
		{"match", "match a:\n  case 1:\n    b\n  case _:\n    c\nmatch = 1\nmatch[0]: int\n", []int{1, 2, 3, 4, 5, 6, 7}},
		{"old line ends", "a\r\n'''\r\n'''\r\nb\rc", []int{1, 2, 4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := source.PythonStatements([]byte(c.src), nil)
			assert.DeepEqual(t, got.Lines, c.want)
			for _, n := range got.Lines {
				assert.Equal(t, got.First(n), n)
			}
		})
	}
	s := source.PythonStatements([]byte("a\nx = (\n 1,\n)\nb\n"), nil)
	assert.DeepEqual(t, []int{s.First(1), s.First(2), s.First(3), s.First(4), s.First(5), s.First(99)}, []int{1, 2, 2, 2, 5, 99})
}

func TestExclusion(t *testing.T) {
	src := []byte("a\ndef __repr__(self):\n  b\nc # pragma: no cover\n")
	for _, c := range []struct {
		lines, also []string
		want        []int
		unknown     int
	}{
		{nil, nil, []int{1, 2, 3}, 0},
		{nil, []string{"def __repr__"}, []int{1}, 0},
		{[]string{"def __repr__"}, nil, []int{1, 4}, 0},
		{[]string{}, nil, []int{1, 2, 3, 4}, 0},
		{nil, []string{"^a$", "x(?=y)", "("}, []int{2, 3}, 2},
	} {
		all, unknown := source.Exclusion(c.lines, c.also)
		assert.Equal(t, len(unknown), c.unknown)
		assert.DeepEqual(t, source.PythonStatements(src, all).Lines, c.want)
	}
}

// FuzzPythonStatements promises: no panic, lines in order that the file has, and
// each the first line of its own statement.
func FuzzPythonStatements(f *testing.F) {
	f.Add([]byte("@a\ndef f(x): # pragma: no cover\n  while 1:\n    return '''\n'''\nelse: ...\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		s := source.PythonStatements(src, nil)
		assert.Assert(t, slices.IsSorted(s.Lines))
		for i, n := range s.Lines {
			assert.Assert(t, n >= 1 && n <= 1+len(src) && s.First(n) == n, "%d", n)
			assert.Assert(t, i == 0 || s.Lines[i-1] < n)
		}
	})
}
