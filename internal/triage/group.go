package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// group is failures that have been joined so far.
type group struct {
	prints  []print // exact fingerprints, the most frequent first
	members []ci.Failure
	clue    clue       // of the clearest member
	example ci.Failure // that member, as it came
	cause   ci.Cause
	matched string        // name of the row that recognised the cause; empty: none
	keys    []sharedCause // what the named cause has in common with others; nil: it names nothing
	joined  []ci.Join
	splits  string
}

// print is an exact fingerprint and how many members have it.
type print struct {
	id string
	n  int
}

// exactGroups puts failures with equal fingerprints together, in an order that
// does not depend on the order of the failures.
func exactGroups(failures []ci.Failure, opt Options) []*group {
	at := make(map[string]*group)
	var out []*group
	for _, f := range failures {
		c := newClue(f, opt.InRepo)
		id := c.print()
		g := at[id]
		if g == nil {
			g = &group{prints: []print{{id: id}}, clue: c}
			at[id] = g
			out = append(out, g)
		} else if clearer(f, g.members[0]) < 0 {
			g.clue = c
			g.members = append(g.members, g.members[0])
			g.members[0] = f
			g.prints[0].n++
			continue
		}
		g.members = append(g.members, f)
		g.prints[0].n++
	}
	for _, g := range out {
		slices.SortFunc(g.members, clearer)
		g.example = g.members[0]
		g.cause, g.matched = classify(g.clue)
		g.keys = causeKeys(g.cause, g.clue.f)
		g.splits = "another message, exception or top frame in the repository"
		if n := len(g.members); n > 1 {
			g.joined = []ci.Join{{Step: "exact", Reason: exactReason(g.clue), Count: n}}
		}
	}
	slices.SortFunc(out, first)
	return out
}

// exactReason says in words what equal fingerprints share.
func exactReason(c clue) string {
	switch {
	case c.f.Rule != "":
		return "same rule " + c.f.Rule
	case c.top.File != "":
		return fmt.Sprintf("same masked message in %s", where(c.top))
	}
	return "same masked message"
}

func where(f ci.Frame) string {
	if f.Func == "" {
		return f.File
	}
	return f.File + " (" + f.Func + ")"
}

// clearer orders failures: what explains itself best comes first. It is a total
// order on what can be seen of a failure, so that results do not depend on the
// order in which failures came.
func clearer(a, b ci.Failure) int {
	return cmp.Or(
		cmp.Compare(truth(a.Cut), truth(b.Cut)),
		cmp.Compare(truth(len(a.Frames) == 0), truth(len(b.Frames) == 0)),
		cmp.Compare(truth(a.Details == ""), truth(b.Details == "")),
		cmp.Compare(len(a.Test), len(b.Test)),
		cmp.Compare(a.Test, b.Test),
		cmp.Compare(a.Pos.File, b.Pos.File),
		cmp.Compare(a.Pos.Line, b.Pos.Line),
		cmp.Compare(a.Pos.Col, b.Pos.Col),
		cmp.Compare(a.Message, b.Message),
		cmp.Compare(a.Exception, b.Exception),
		cmp.Compare(a.Job, b.Job),
		cmp.Compare(a.Log.File, b.Log.File),
		cmp.Compare(a.Log.Line, b.Log.Line),
		cmp.Compare(a.Phase, b.Phase),
		cmp.Compare(a.Tool, b.Tool),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Details, b.Details),
		slices.CompareFunc(a.Frames, b.Frames, compareFrames),
		slices.CompareFunc(a.Chain, b.Chain, func(x, y ci.Link) int {
			return cmp.Or(cmp.Compare(x.Exception, y.Exception), cmp.Compare(x.Message, y.Message), slices.CompareFunc(x.Frames, y.Frames, compareFrames))
		}),
	)
}

func compareFrames(a, b ci.Frame) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Func, b.Func), cmp.Compare(a.Code, b.Code))
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// first orders groups: the more telling kind, the larger, the smaller fingerprint.
func first(a, b *group) int {
	return cmp.Or(
		cmp.Compare(order(ci.Cluster{Kind: a.clue.f.Kind}), order(ci.Cluster{Kind: b.clue.f.Kind})),
		cmp.Compare(truth(a.matched == ""), truth(b.matched == "")),
		cmp.Compare(len(b.members), len(a.members)),
		cmp.Compare(a.prints[0].id, b.prints[0].id),
	)
}

// absorb joins h into g for a reason.
func (g *group) absorb(h *group, step, reason, splits string) {
	count := len(h.members)
	if len(g.joined) > 0 && g.joined[len(g.joined)-1].Step == step && g.joined[len(g.joined)-1].Reason == reason {
		g.joined[len(g.joined)-1].Count += count
	} else {
		g.joined = append(g.joined, ci.Join{Step: step, Reason: reason, Count: count})
	}
	g.members = append(g.members, h.members...)
	g.prints = append(g.prints, h.prints...)
	g.splits = splits
}

// assignIDs gives each group the ID of the earlier cluster with which it shares
// most failures, or else its own most frequent fingerprint.
func assignIDs(groups []*group, known []Known) []string {
	owner := map[string]int{} // fingerprint → index in known
	for i, k := range known {
		for _, p := range append([]string{k.ID}, k.Fingerprints...) {
			if _, taken := owner[p]; !taken {
				owner[p] = i
			}
		}
	}
	ids := make([]string, len(groups))
	taken := map[string]bool{}
	bySize := make([]int, len(groups))
	for i, g := range groups {
		bySize[i] = i
		slices.SortFunc(g.prints, func(a, b print) int {
			return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id, b.id))
		})
	}
	slices.SortFunc(bySize, func(a, b int) int {
		return cmp.Or(cmp.Compare(len(groups[b].members), len(groups[a].members)), cmp.Compare(a, b))
	})
	for _, i := range bySize {
		if id := groups[i].earlier(owner, known); id != "" && !taken[id] {
			ids[i] = id
			taken[id] = true
		}
	}
	for _, i := range bySize {
		for _, p := range groups[i].prints {
			if ids[i] == "" && !taken[p.id] {
				ids[i] = p.id
				taken[p.id] = true
			}
		}
		for n := 2; ids[i] == ""; n++ {
			if id := fmt.Sprintf("%s-%d", groups[i].prints[0].id, n); !taken[id] {
				ids[i] = id
				taken[id] = true
			}
		}
	}
	return ids
}

// earlier is the ID of the known cluster that holds most of the group's failures.
func (g *group) earlier(owner map[string]int, known []Known) string {
	votes := map[int]int{}
	best := -1
	for _, p := range g.prints {
		k, ok := owner[p.id]
		if !ok {
			continue
		}
		votes[k] += p.n
		if best < 0 || votes[k] > votes[best] || votes[k] == votes[best] && k < best {
			best = k
		}
	}
	if best < 0 {
		return ""
	}
	return known[best].ID
}

// maxPrints bounds the fingerprints that a cluster is known again by.
const maxPrints = 64

// fingerprints lists the group's, which assignIDs has put in order.
func (g *group) fingerprints() []string {
	out := make([]string, min(len(g.prints), maxPrints))
	for i := range out {
		out[i] = g.prints[i].id
	}
	return out
}

// cluster is the group as the rest of the house sees it.
func (g *group) cluster(id string, groups int, opt Options) ci.Cluster {
	slices.SortFunc(g.members, clearer)
	c := ci.Cluster{
		ID: id, Kind: g.clue.f.Kind, Cause: g.cause, Members: g.members,
		Joined: g.joined, Splits: g.splits, Fingerprints: g.fingerprints(),
	}
	if i := slices.IndexFunc(g.members, func(f ci.Failure) bool { return clearer(f, g.example) == 0 }); i > 0 {
		// The example that explains the cause stands first.
		example := g.members[i]
		copy(g.members[1:i+1], g.members[:i])
		g.members[0] = example
	}
	c.Files = files(c, opt.InRepo)
	if n := len(c.Files); c.Cause.Class == ci.ClassFormat && n > 1 {
		c.Cause.Sentence = fmt.Sprintf("%d files are not formatted as %s wants them", n, or(g.clue.f.Tool, "the formatter"))
		c.Cause.Next = fmt.Sprintf("Run %s and commit the result.", or(g.clue.f.Tool, "the formatter"))
	}
	whose(&c, g, opt)
	c.Evidence, c.Confidence = confidence(seen{c, groups}, g.matched)
	return c
}

// Fingerprints lists the exact fingerprints of a cluster's members, sorted: what
// a later run passes as Known.
func Fingerprints(c ci.Cluster, inRepo func(string) bool) []string {
	seen := map[string]bool{}
	for _, f := range c.Members {
		seen[Fingerprint(f, inRepo)] = true
	}
	out := make([]string, 0, len(seen))
	for p := range seen {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// maxFiles bounds the files of a cluster: beyond these nobody reads on.
const maxFiles = 20

// files lists the repository's files that a cluster points at, the cause's own
// first, then by how many members name them.
func files(c ci.Cluster, ours func(string) bool) []string {
	count := map[string]int{}
	vote := func(name string, weight int) {
		if name != "" && ours(name) {
			count[name] += weight
		}
	}
	vote(c.Cause.Pos.File, 1<<20)
	for _, f := range c.Members {
		top, ok := topFrame(f.Frames, ours)
		if ok {
			vote(top.File, 4)
		}
		vote(f.Pos.File, 2)
		if name := f.Test.File(); strings.Contains(name, ".") {
			vote(name, 1)
		}
	}
	out := make([]string, 0, len(count))
	for name := range count {
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	return out[:min(len(out), maxFiles)]
}
