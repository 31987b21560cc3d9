// Package triage says which failures are one failure, why they failed in words
// and in fields, whose they are, and how sure that is. It knows masks,
// fingerprints, templates and the sentences of common tools; it refuses to
// guess: what no row of its tables recognises has the class "unknown". It reads
// no file and asks no history: both come in as values and functions. Every step
// is deterministic, and the order of its input changes nothing.
package triage

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Options is what is known beside the failures themselves. The zero value knows
// nothing, and everything still works.
type Options struct {
	// Known are the clusters of earlier runs, newest first: a cluster that shares
	// a fingerprint with one of them takes over its ID.
	Known []Known
	// InRepo says whether a path of a stack trace is the repository's own. Zero:
	// relative paths outside of dependency folders.
	InRepo func(path string) bool
	// Change is the diff under test; nil: unknown.
	Change *ci.Change
	// FailingOnMain says whether main fails with this fingerprint, or in this test,
	// and since which run or commit. Nil: no history.
	FailingOnMain func(fingerprint string, test ci.TestID) (since string, ok bool)
	// PassedOnMain names the last run on main in which the test passed. Nil: no history.
	PassedOnMain func(test ci.TestID) (run string, ok bool)
	// Flaky says whether the history has seen the test pass and fail on one tree.
	Flaky func(test ci.TestID) bool
	// CoFailed is the share of runs with a failure of a or b in which both failed
	// (Jaccard), 0..1. Nil: no history.
	CoFailed func(a, b ci.TestID) float64
	// Covers says whether the test runs what the change touches of a file. Nil: no
	// coverage by test.
	Covers func(test ci.TestID, file ci.FileChange) bool

	changed map[string]ci.FileChange // Change by path
}

// Known is a cluster of an earlier run.
type Known struct {
	ID           string
	Fingerprints []string
}

// Clusters groups failures by their cause, names each cause, says whose it is
// and how sure that is, and puts first what is to be looked at first.
func Clusters(failures []ci.Failure, opt Options) []ci.Cluster {
	if len(failures) == 0 {
		return nil
	}
	if opt.InRepo == nil {
		opt.InRepo = inRepo
	}
	opt.changed = byPath(opt.Change)
	groups := exactGroups(failures, opt)
	groups = nearMerge(groups)
	groups = causeMerge(groups)
	groups = consequences(groups)
	groups = coFailMerge(groups, opt.CoFailed)
	clusters := make([]ci.Cluster, 0, len(groups))
	ids := assignIDs(groups, opt.Known)
	for i, g := range groups {
		clusters = append(clusters, g.cluster(ids[i], len(groups), opt))
	}
	rank(clusters)
	return clusters
}

// inRepo is the answer to "is this our code?" where the caller has none.
func inRepo(name string) bool {
	if strings.IndexByte(name, '\\') >= 0 {
		name = strings.ReplaceAll(name, `\`, "/")
	}
	if name == "" || strings.HasPrefix(name, "<") || path.IsAbs(name) || strings.HasPrefix(name, "../") {
		return false
	}
	if len(name) > 1 && name[1] == ':' { // a drive
		return false
	}
	for _, library := range []string{"java/", "javax/", "jdk/", "sun/", "kotlin/", "org/junit/", "junit/", "org/hamcrest/", "org/assertj/", "org/mockito/", "org/apache/maven/", "org/gradle/", "internal/process/"} {
		if strings.HasPrefix(name, library) {
			return false
		}
	}
	for _, foreign := range []string{"site-packages/", "dist-packages/", "node_modules/", "pkg/mod/", "vendor/", ".venv/", ".tox/", ".nox/", "node:"} {
		if i := strings.Index(name, foreign); i == 0 || i > 0 && name[i-1] == '/' {
			return false
		}
	}
	return true
}

// order ranks causes by how much hangs on them: what keeps tests from even
// starting comes before what a test says, and style comes last.
func order(c ci.Cluster) int {
	if foundAt(c) > 0 {
		return 5 // surer than a line of a log is what a tool reports
	}
	switch c.Kind {
	case ci.KindBuild:
		return 1
	case ci.KindError:
		return 2
	case ci.KindInfra:
		return 3
	case ci.KindTest:
		return 4
	case ci.KindType:
		return 6
	case ci.KindLint:
		return 7
	}
	return 5
}

// whoseOrder puts what is the reader's own to mend first. A line that was found in
// a log comes after what tools report, and there its place in the log decides.
func whoseOrder(c ci.Cluster) int {
	switch c.Whose {
	case ci.WhoseNew:
		return 0
	case ci.WhoseUnknown, ci.WhoseInfra:
		switch {
		case foundAt(c) > 0:
			return 3
		case c.Whose == ci.WhoseInfra:
			return 2
		}
		return 1
	case ci.WhoseFlaky:
		return 4
	default:
		return 5
	}
}

// foundAt is the best place of the cluster's lines among those found in their
// logs; 0: it was reported by a tool, or partly.
func foundAt(c ci.Cluster) int {
	best := 0
	for _, f := range c.Members {
		if f.Rank == 0 {
			return 0
		}
		if best == 0 || f.Rank < best {
			best = f.Rank
		}
	}
	return best
}

// static reports whether the cluster only blocks a checker, not a test.
func static(c ci.Cluster) bool {
	return (c.Kind == ci.KindLint || c.Kind == ci.KindType) && foundAt(c) == 0
}

func rank(clusters []ci.Cluster) {
	boolean := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	slices.SortFunc(clusters, func(a, b ci.Cluster) int {
		return cmp.Or(
			cmp.Compare(boolean(static(a)), boolean(static(b))),
			cmp.Compare(whoseOrder(a), whoseOrder(b)),
			cmp.Compare(order(a), order(b)),
			cmp.Compare(foundAt(a), foundAt(b)),
			cmp.Compare(len(b.Members), len(a.Members)),
			cmp.Compare(b.Confidence, a.Confidence),
			cmp.Compare(a.ID, b.ID),
		)
	})
}
