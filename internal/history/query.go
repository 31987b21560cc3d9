package history

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"keepgreen/internal/ci"
)

// What is asked of a history beyond reading it is asked here, of anything that
// can be read, so that every kind of store gives the same answer.

// Lister lists runs.
type Lister interface {
	Runs(ctx context.Context, f Filter) ([]RunRow, error)
}

// Latest is the newest selected run; ok is false when there is none.
func Latest(ctx context.Context, from Lister, f Filter) (row RunRow, ok bool, err error) {
	f.Limit = 1
	rows, err := from.Runs(ctx, f)
	if err != nil || len(rows) == 0 {
		return RunRow{}, false, err
	}
	return rows[0], true, nil
}

// LastGreen is the newest selected run of the kept branch in which all was
// well and whose tree is known: what a change is compared with.
func LastGreen(ctx context.Context, from Lister, f Filter) (row RunRow, ok bool, err error) {
	f.Main, f.Green, f.Clean = true, true, true
	return Latest(ctx, from, f)
}

// Execution is one execution of one test.
type Execution struct {
	Run      RunRow
	Variant  string
	Outcome  ci.Outcome
	Attempt  int
	Duration time.Duration
	Timed    bool
}

// Scanner reads blocks and the names in them.
type Scanner interface {
	Scan(ctx context.Context, f Filter) iter.Seq2[Block, error]
	Tests(ctx context.Context, repo string) ([]Test, error)
}

// Executions lists what became of one test in the selected runs, newest run
// first, in at most n runs that have it; n of zero means all.
func Executions(ctx context.Context, from Scanner, f Filter, id ci.TestID, n int) ([]Execution, error) {
	tests, err := from.Tests(ctx, f.Repo)
	if err != nil {
		return nil, err
	}
	variants := map[Index]string{}
	for _, t := range tests {
		if t.ID == id {
			variants[t.Index] = t.Variant
		}
	}
	if len(variants) == 0 {
		return nil, nil
	}
	var out []Execution
	runs := 0
	for block, err := range from.Scan(ctx, f) {
		if err != nil {
			return nil, err
		}
		found := block.executions(variants)
		out = append(out, found...)
		if len(found) > 0 {
			runs++
		}
		if n > 0 && runs == n {
			break
		}
	}
	return out, nil
}

func (b Block) executions(variants map[Index]string) []Execution {
	var out []Execution
	for index, variant := range variants {
		i, found := slices.BinarySearch(b.Results.Tests, index)
		for ; found && i < b.Len() && b.Results.Tests[i] == index; i++ {
			e := Execution{Run: b.Run, Variant: variant, Outcome: b.Outcomes[i], Attempt: int(b.Attempts[i])}
			e.Duration, e.Timed = b.Duration(i)
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Execution) int { return cmp.Compare(a.Variant, b.Variant) })
	return out
}

// KnownCluster is a cluster as the history knows it.
type KnownCluster struct {
	Cluster        // as it was seen last
	Runs    int    // in how many records
	First   RunRow // where it was seen first
	Last    RunRow // and last

	// Main is set if the newest run of the kept branch has the cluster; MainSince
	// is then the first of the runs without a gap that have it.
	Main      bool
	MainSince RunRow
}

// Sighter lists runs and their clusters.
type Sighter interface {
	Lister
	Sightings(ctx context.Context, f Filter) ([]Sighting, error)
}

// KnownClusters are the clusters of the selected runs, by ID: what triage seeds
// its identities with, and what it asks "was that there before?".
func KnownClusters(ctx context.Context, from Sighter, f Filter) ([]KnownCluster, error) {
	runs, err := from.Runs(ctx, f)
	if err != nil {
		return nil, err
	}
	sightings, err := from.Sightings(ctx, f)
	if err != nil {
		return nil, err
	}
	known := map[string]*KnownCluster{}
	onMain := map[string]map[group]bool{}
	for _, s := range sightings { // newest first
		k := known[s.Cluster.ID]
		if k == nil {
			k = &KnownCluster{Cluster: s.Cluster, Last: s.Run}
			known[s.Cluster.ID] = k
			onMain[s.Cluster.ID] = map[group]bool{}
		}
		k.Runs++
		k.First = s.Run
		onMain[s.Cluster.ID][groupOf(s.Run)] = true
	}
	for id, k := range known {
		k.MainSince, k.Main = streak(runs, onMain[id])
	}
	out := make([]KnownCluster, 0, len(known))
	for _, k := range known {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b KnownCluster) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// group is a run with all its shards.
type group struct {
	repo, run string
	attempt   int
}

func groupOf(r RunRow) group { return group{r.Repo, r.Run, r.Attempt} }

// streak follows the runs of the kept branch back from the newest for as long
// as they have what is asked for.
func streak(runs []RunRow, has map[group]bool) (since RunRow, ok bool) {
	for _, r := range runs {
		if !r.Main {
			continue
		}
		if !has[groupOf(r)] {
			break
		}
		since, ok = r, true
	}
	return since, ok
}

// compareRuns is the order of every list of runs: newest first.
func compareRuns(a, b RunRow) int {
	return cmp.Or(
		b.Started.Compare(a.Started), cmp.Compare(a.Repo, b.Repo), cmp.Compare(a.Run, b.Run),
		cmp.Compare(a.Attempt, b.Attempt), cmp.Compare(a.Shard, b.Shard),
	)
}
