package impact

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"keepgreen/internal/ci"
)

// suite makes files of tests whose durations spread over three orders of
// magnitude, as those of real suites do.
func suite(seed uint64, files int) ([]Test, Expected) {
	r := rand.New(rand.NewPCG(seed, 1))
	var tests []Test
	samples := map[ci.TestID][]time.Duration{}
	for f := range files {
		file := fmt.Sprintf("tests/test_%03d.py", f)
		for i := range 1 + r.IntN(40) {
			id := ci.TestID(fmt.Sprintf("%s::test_%d", file, i))
			tests = append(tests, Test{id, file})
			d := time.Duration(float64(5*time.Millisecond) * (1 + 200*r.Float64()*r.Float64()*r.Float64()))
			samples[id] = []time.Duration{d, d, d}
		}
	}
	return tests, Expect(samples)
}

func TestShardsAreBalanced(t *testing.T) {
	for seed := range uint64(40) {
		tests, expects := suite(seed, 150)
		for _, n := range []int{2, 3, 7, 16} {
			total, longest := time.Duration(0), time.Duration(0)
			perFile := map[string]time.Duration{}
			for _, x := range tests {
				total += expects.For(x.ID)
				perFile[x.File] += expects.For(x.ID)
			}
			for _, d := range perFile {
				longest = max(longest, d)
			}
			shards := Split(tests, ShardOptions{Shards: n, Expects: expects})
			bound := max(longest, total/time.Duration(n))
			assert.Assert(t, float64(makespan(shards)) <= 1.05*float64(bound), "seed %d, %d shards: %s, bound %s", seed, n, makespan(shards), bound)
		}
	}
}

// Everything runs once, nothing is empty, files stay together, and the order
// in which the tests come does not matter.
func TestShardsArePartitions(t *testing.T) {
	for seed := range uint64(20) {
		tests, expects := suite(seed, 1+int(seed))
		for _, byTest := range []bool{false, true} {
			o := ShardOptions{Shards: 1 + int(seed)*3, ByTest: byTest, Expects: expects}
			shards := Split(tests, o)
			where := map[string]int{}
			n := 0
			for i, s := range shards {
				assert.Assert(t, len(s.Tests) > 0)
				for _, id := range s.Tests {
					n++
					if at, seen := where[id.File()]; seen && !byTest {
						assert.Equal(t, at, i)
					}
					where[id.File()] = i
				}
			}
			assert.Equal(t, n, len(tests))
			shuffled := slices.Clone(tests)
			rand.New(rand.NewPCG(seed, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			assert.DeepEqual(t, Split(shuffled, o), shards)
		}
	}
}

// One more file, or noise of a few percent, moves few tests.
func TestShardsAreStable(t *testing.T) {
	tests, expects := suite(7, 200)
	before := places(Split(tests, ShardOptions{Shards: 8, Expects: expects}))
	more := append(slices.Clone(tests), Test{"tests/test_new.py::test_x", "tests/test_new.py"})
	assert.Assert(t, moved(before, places(Split(more, ShardOptions{Shards: 8, Expects: expects}))) < 0.1)
	r := rand.New(rand.NewPCG(3, 3))
	noisy := Expected{Of: map[ci.TestID]time.Duration{}, Unknown: expects.Unknown}
	for id, d := range expects.Of {
		noisy.Of[id] = time.Duration(float64(d) * (0.97 + 0.06*r.Float64()))
	}
	assert.Assert(t, moved(before, places(Split(tests, ShardOptions{Shards: 8, Expects: noisy}))) < 0.35)
}

func places(shards []Shard) map[ci.TestID]int {
	out := map[ci.TestID]int{}
	for i, s := range shards {
		for _, id := range s.Tests {
			out[id] = i
		}
	}
	return out
}

func moved(before, after map[ci.TestID]int) float64 {
	n := 0
	for id, at := range before {
		if after[id] != at {
			n++
		}
	}
	return float64(n) / float64(len(before))
}

func TestShardCount(t *testing.T) {
	tests, expects := suite(1, 30)
	assert.Equal(t, len(Split(nil, ShardOptions{Shards: 4})), 0)
	assert.Equal(t, len(Split(tests, ShardOptions{})), 1)
	assert.Equal(t, len(Split(tests, ShardOptions{Shards: 100, Expects: expects})), 30) // files stay together
	assert.Equal(t, len(Split(tests, ShardOptions{Shards: 9, Limit: 5, Expects: expects})), 5)
	total := time.Duration(0)
	for _, x := range tests {
		total += expects.For(x.ID)
	}
	assert.Equal(t, len(Split(tests, ShardOptions{Target: total/6 + 1, Expects: expects})), 6)
	assert.Equal(t, len(Split(tests, ShardOptions{Target: time.Nanosecond, ByTest: true, Expects: expects})), min(MaxJobs, len(tests)))
}

func TestUnknownTestsCountAsTheMedian(t *testing.T) {
	e := Expect(map[ci.TestID][]time.Duration{"a": {1 * time.Second}, "b": {2 * time.Second, 2 * time.Second, 2 * time.Second}, "c": {9 * time.Second, 9 * time.Second, 9 * time.Second}})
	assert.Equal(t, e.For("new"), 2*time.Second)
	assert.Equal(t, e.For("b"), 2*time.Second)
	assert.Equal(t, e.For("a"), 1500*time.Millisecond) // one sample is pulled towards the median
	assert.Assert(t, Expect(nil).For("x") > 0)
}

func TestReadMatrix(t *testing.T) {
	for name, c := range map[string]struct{ text, want, err string }{
		"the guide's": {`{"python": ["3.11", "3.12"], "platform": ["ubuntu-latest"]}`, `{"python":["3.11","3.12"],"platform":["ubuntu-latest"],"shard":[1,2]}`, ""},
		"include":     {`{"os": ["a"], "include": [{"os": "b", "x": 1}], "exclude": [{"os": "a"}]}`, `{"os":["a"],"shard":[1,2],"include":[{"os":"b","x":1}],"exclude":[{"os":"a"}]}`, ""},
		"numbers":     {`{"python": [3.10]}`, "", "3.1 is a number"},
		"empty":       {`{"python": []}`, "", "the list is empty"},
		"a list":      {`["3.11"]`, "", "an object of lists"},
		"a word":      {`{"python": "3.11"}`, "", "a list is wanted"},
		"cut off":     {`{"python": ["3.11"]`, "", "not JSON"},
		"twice":       {`{"python": ["3.11"], "python": ["3.12"]}`, "", "stands there twice"},
		"own shards":  {`{"shard": [1]}`, "", "--shards"},
		"too many":    {`{"a": ["1","2","3","4","5","6","7","8"], "b": ["1","2","3","4","5","6","7","8"], "c": ["1","2","3","4","5"]}`, "", "at most 256"},
		"not JSON":    {`python: 3`, "", "an object of lists"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ReadMatrix([]byte(c.text))
			if c.err != "" {
				assert.ErrorContains(t, err, c.err)
				return
			}
			assert.NilError(t, err)
			m.Shards = 2
			out, err := json.Marshal(m)
			assert.NilError(t, err)
			assert.Equal(t, string(out), c.want)
		})
	}
}

func TestMatrixOf(t *testing.T) {
	for want, texts := range map[string]map[string]string{
		`{"python":["3.9","3.10"],"platform":["ubuntu-latest"]}`: {"pyproject.toml": "\"Programming Language :: Python :: 3.10\",\n\"Programming Language :: Python :: 3.9\"\n"},
		`{"python":["3.11"],"platform":["ubuntu-latest"]}`:       {"pyproject.toml": "requires-python = \">=3.11\"\n"},
		`{"python":["3.12"],"platform":["ubuntu-latest"]}`:       {".python-version": "3.12\n"},
		`{"go":["1.26"],"platform":["ubuntu-latest"]}`:           {"go.mod": "module x\n\ngo 1.26.1\n"},
		`{"python":["3.x"],"platform":["ubuntu-latest"]}`:        {},
	} {
		out, err := json.Marshal(MatrixOf(texts))
		assert.NilError(t, err)
		assert.Equal(t, string(out), want)
	}
}

func FuzzReadMatrix(f *testing.F) {
	f.Add([]byte(`{"python": ["3.11"], "include": [{"a": "b"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadMatrix(data)
		if err != nil {
			return
		}
		m.Shards = 3
		out, err := json.Marshal(m)
		assert.NilError(t, err)
		assert.Assert(t, json.Valid(out))
		assert.Assert(t, m.Jobs() <= MaxJobs)
	})
}
