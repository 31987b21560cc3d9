package impact

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

// MaxJobs is how many jobs a matrix of GitHub's may have.
// https://docs.github.com/en/actions/reference/limits
const MaxJobs = 256

// Shard is what one machine runs.
type Shard struct {
	Tests    []ci.TestID
	Expected time.Duration
}

// ShardOptions says how tests are split.
type ShardOptions struct {
	Shards  int           // zero: as many as Target asks for; without that one
	Target  time.Duration // how long a shard should take at most; counts where Shards is zero
	Limit   int           // never more than this; zero: MaxJobs
	ByTest  bool          // tests of one file may be split; otherwise they stay together, with their fixtures
	Expects Expected
}

// unit is what is not split.
type unit struct {
	name     string
	tests    []ci.TestID
	expected time.Duration
}

// Split spreads tests over shards by their expected duration. It is
// deterministic, it keeps most tests where they were when a few durations move,
// and it makes no empty shard.
func Split(tests []Test, o ShardOptions) []Shard {
	units := unitsOf(tests, o)
	n := shardCount(units, o)
	if n == 0 {
		return nil
	}
	total, longest := time.Duration(0), time.Duration(0)
	for _, u := range units {
		total += u.expected
		longest = max(longest, u.expected)
	}
	bound := max(longest, (total+time.Duration(n)-1)/time.Duration(n)) // no split is shorter
	shards := spread(units, n, bound+bound/50)
	if makespan(shards) > bound+bound/25 { // staying put costs too much: longest first alone
		if plain := spread(units, n, 0); makespan(plain) < makespan(shards) {
			shards = plain
		}
	}
	for i := range shards {
		slices.Sort(shards[i].Tests)
	}
	return shards
}

func makespan(shards []Shard) time.Duration {
	longest := time.Duration(0)
	for _, s := range shards {
		longest = max(longest, s.Expected)
	}
	return longest
}

// unitsOf groups the tests, the longest unit first. Durations count by steps of
// a tenth in that order, so that noise does not shuffle it.
func unitsOf(tests []Test, o ShardOptions) []unit {
	var units []unit
	at := map[string]int{}
	for _, t := range tests {
		name := t.File
		if o.ByTest || name == "" {
			name = string(t.ID)
		}
		i, known := at[name]
		if !known {
			i = len(units)
			at[name] = i
			units = append(units, unit{name: name})
		}
		units[i].tests = append(units[i].tests, t.ID)
		units[i].expected += max(o.Expects.For(t.ID), time.Microsecond)
	}
	step := func(u unit) int { return int(math.Round(math.Log(float64(u.expected)) / math.Log(1.1))) }
	slices.SortFunc(units, func(a, b unit) int { return cmp.Or(cmp.Compare(step(b), step(a)), cmp.Compare(a.name, b.name)) })
	return units
}

// shardCount is how many shards there are: what was asked for, or as many as
// keep each below the target; never an empty one, never too many jobs.
func shardCount(units []unit, o ShardOptions) int {
	n := max(o.Shards, 1)
	if o.Shards == 0 && o.Target > 0 {
		total := time.Duration(0)
		for _, u := range units {
			total += u.expected
		}
		n = int((total + o.Target - 1) / o.Target)
	}
	limit := MaxJobs
	if o.Limit > 0 {
		limit = min(limit, o.Limit)
	}
	return min(max(n, 1), limit, len(units))
}

// spread gives each unit, the longest first, to the shard that likes it best
// among those that stay below the ceiling; where none does, to the one with the
// least to do. Which shard likes a unit depends on their names alone
// (rendezvous hashing), so a test that comes or goes moves few others.
func spread(units []unit, n int, ceiling time.Duration) []Shard {
	shards := make([]Shard, n)
	for at, u := range units {
		best, liking := -1, uint64(0)
		for i := range shards {
			if shards[i].Expected+u.expected > ceiling {
				continue
			}
			if l := likes(u.name, i); best < 0 || l > liking {
				best, liking = i, l
			}
		}
		if empty := slices.IndexFunc(shards, func(s Shard) bool { return len(s.Tests) == 0 }); empty >= 0 && len(units)-at <= countEmpty(shards) {
			best = empty
		}
		if best < 0 {
			best = 0
			for i := range shards {
				if shards[i].Expected < shards[best].Expected {
					best = i
				}
			}
		}
		shards[best].Tests = append(shards[best].Tests, u.tests...)
		shards[best].Expected += u.expected
	}
	return shards
}

func countEmpty(shards []Shard) int {
	n := 0
	for _, s := range shards {
		if len(s.Tests) == 0 {
			n++
		}
	}
	return n
}

func likes(name string, shard int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	x := h.Sum64() ^ uint64(shard+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // splitmix64: FNV alone leaves neighbours alike
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Arguments are the selected tests as pytest takes them: files whose tests all
// run by their names alone, so that what has no name that is known runs with
// them, and single tests of the others. Only restricts them to some tests;
// nil: all. Go's packages come as their folders.
func Arguments(p Plan, only []ci.TestID) []string {
	partly := map[string]bool{}
	for _, t := range p.Skipped {
		partly[t.File] = true
	}
	if only != nil {
		wanted := make(map[ci.TestID]bool, len(only))
		for _, id := range only {
			wanted[id] = true
		}
		for _, t := range p.Tests {
			partly[t.File] = partly[t.File] || !wanted[t.ID]
		}
		p.Tests = slices.DeleteFunc(slices.Clone(p.Tests), func(c Choice) bool { return !wanted[c.ID] })
	}
	var out []string
	seen := map[string]bool{}
	for _, t := range p.Tests {
		name := t.File
		switch {
		case goPackage(string(t.ID)) != "":
			name = "./" + t.File
		case partly[t.File]:
			name = string(t.ID)
		}
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}
