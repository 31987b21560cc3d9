package vuln

import (
	"cmp"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// Reconcile joins what several scanners found into one list: one entry a
// vulnerability and package, under the CVE where there is one, else the GHSA,
// else the scanner's own name. Severity is the worst that any of them gives; what
// each of them says is kept in Ratings. The order of what comes in changes
// nothing.
func Reconcile(found ...[]ci.Vulnerability) []ci.Vulnerability {
	all := slices.Concat(found...)
	names := newNames(all)
	joined := map[place]*merged{}
	known := packagesOf(all, names)
	for i := range all {
		v := &all[i]
		id := names.canonical(v.ID)
		at := place{id, packageKey(*v)}
		if only := known[place{id, strings.ToLower(v.Package)}]; v.PURL == "" && only != "" {
			at.pkg = only
		}
		m := joined[at]
		if m == nil {
			m = &merged{}
			joined[at] = m
		}
		m.add(v)
	}
	out := make([]ci.Vulnerability, 0, len(joined))
	for at, m := range joined {
		out = append(out, m.finish(at.id, names))
	}
	slices.SortFunc(out, compare)
	return out
}

// place is where a finding belongs.
type place struct{ id, pkg string }

// packagesOf maps a vulnerability and a bare name to the package that other
// scanners give a package URL to; empty: there are several of that name.
func packagesOf(all []ci.Vulnerability, names *names) map[place]string {
	out := map[place]string{}
	for i := range all {
		if all[i].PURL == "" {
			continue
		}
		at, key := place{names.canonical(all[i].ID), strings.ToLower(all[i].Package)}, packageKey(all[i])
		if before, ok := out[at]; ok && before != key {
			key = ""
		}
		out[at] = key
	}
	return out
}

func compare(a, b ci.Vulnerability) int {
	return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID), cmp.Compare(a.PURL, b.PURL), cmp.Compare(a.Version, b.Version))
}

// packageKey is what makes two packages one. Scanners that name no ecosystem
// are joined by the name.
func packageKey(v ci.Vulnerability) string {
	if purl := normalPURL(v.PURL); purl != "" {
		return ci.Vulnerability{PURL: purl}.PackageKey()
	}
	return strings.ToLower(v.Package)
}

// merged is one entry while it is being joined.
type merged struct{ from []*ci.Vulnerability }

func (m *merged) add(v *ci.Vulnerability) { m.from = append(m.from, v) }

func (m *merged) finish(id string, names *names) ci.Vulnerability {
	v := ci.Vulnerability{ID: id}
	if len(m.from) > 1 {
		slices.SortFunc(m.from, func(a, b *ci.Vulnerability) int {
			return cmp.Or(slices.Compare(a.Scanners, b.Scanners), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Version, b.Version),
				cmp.Compare(a.Title, b.Title), cmp.Compare(a.Package, b.Package), cmp.Compare(a.PURL, b.PURL))
		})
	}
	var installed []string
	for _, f := range m.from {
		v.Package, v.PURL = cmp.Or(v.Package, f.Package), cmp.Or(v.PURL, normalPURL(f.PURL))
		v.Target, v.Title = cmp.Or(v.Target, f.Target), cmp.Or(v.Title, f.Title)
		v.Fixed = append(v.Fixed, f.Fixed...)
		v.Scanners = append(v.Scanners, f.Scanners...)
		v.Severity, v.EPSS = max(v.Severity, f.Severity), max(v.EPSS, f.EPSS)
		v.Exploited = v.Exploited || f.Exploited
		v.Ratings = append(v.Ratings, ratings(f)...)
		for one := range strings.SplitSeq(f.Version, ", ") {
			installed = append(installed, strings.TrimPrefix(one, "v"))
		}
		for _, alias := range f.IDs() {
			v.Aliases = append(v.Aliases, names.others(alias)...)
		}
		if !f.Published.IsZero() && (v.Published.IsZero() || f.Published.Before(v.Published)) {
			v.Published = f.Published
		}
		if !f.FirstSeen.IsZero() && (v.FirstSeen.IsZero() || f.FirstSeen.Before(v.FirstSeen)) {
			v.FirstSeen = f.FirstSeen
		}
	}
	v.Version = strings.Join(unique(installed), ", ")
	v.Fixed, v.Scanners, v.Aliases = unique(v.Fixed), unique(v.Scanners), unique(v.Aliases)
	v.Aliases = slices.DeleteFunc(v.Aliases, func(alias string) bool { return alias == id })
	v.Ratings = worst(v.Ratings)
	return v
}

func ratings(v *ci.Vulnerability) []ci.VulnRating {
	if len(v.Ratings) > 0 {
		return v.Ratings
	}
	if v.Severity == ci.VulnUnknown {
		return nil
	}
	var out []ci.VulnRating
	for _, scanner := range v.Scanners {
		out = append(out, ci.VulnRating{Scanner: scanner, Severity: v.Severity})
	}
	return out
}

// worst keeps the worst rating of each scanner, sorted by scanner.
func worst(all []ci.VulnRating) []ci.VulnRating {
	slices.SortFunc(all, func(a, b ci.VulnRating) int {
		return cmp.Or(cmp.Compare(a.Scanner, b.Scanner), cmp.Compare(b.Severity, a.Severity))
	})
	return slices.CompactFunc(all, func(a, b ci.VulnRating) bool { return a.Scanner == b.Scanner })
}

// unique sorts and takes out what is empty or there twice.
func unique(list []string) []string {
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > 0 && list[0] == "" {
		list = list[1:]
	}
	return list
}

// names is a union-find over the ids of vulnerabilities.
type names struct {
	parent map[string]string
	cve    map[string]string // of a root: the CVE in its set
	sets   map[string][]string
	found  map[string]string // of a root: its canonical id
}

// newNames joins ids and their aliases. Two sets with different CVEs are never
// joined: some advisories alias several, and are not the same thing as each.
func newNames(all []ci.Vulnerability) *names {
	n := &names{parent: map[string]string{}, cve: map[string]string{}, sets: map[string][]string{}, found: map[string]string{}}
	type edge struct{ a, b string }
	edges := map[edge]bool{}
	for i := range all {
		id := spelled(all[i].ID)
		n.seen(id)
		for _, alias := range all[i].Aliases {
			alias = spelled(alias)
			if alias == id || alias == "" || collects(id) || collects(alias) {
				continue
			}
			n.seen(alias)
			edges[edge{min(id, alias), max(id, alias)}] = true
		}
	}
	sorted := make([]edge, 0, len(edges))
	for e := range edges {
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(x, y edge) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	for _, e := range sorted {
		n.join(e.a, e.b)
	}
	for id := range n.parent {
		root := n.root(id)
		n.sets[root] = append(n.sets[root], id)
	}
	for root, set := range n.sets {
		n.found[root] = slices.MinFunc(set, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	}
	return n
}

func (n *names) seen(id string) {
	if _, ok := n.parent[id]; ok {
		return
	}
	n.parent[id] = id
	if strings.HasPrefix(id, "CVE-") {
		n.cve[id] = id
	}
}

func (n *names) root(id string) string {
	for n.parent[id] != id {
		n.parent[id] = n.parent[n.parent[id]]
		id = n.parent[id]
	}
	return id
}

func (n *names) join(a, b string) {
	a, b = n.root(a), n.root(b)
	if a == b || n.cve[a] != "" && n.cve[b] != "" {
		return
	}
	if b < a {
		a, b = b, a
	}
	n.parent[b] = a
	n.cve[a] = cmp.Or(n.cve[a], n.cve[b])
}

func (n *names) canonical(id string) string {
	return n.found[n.root(spelled(id))]
}

// others are all ids of the set that an id is in, or the id alone.
func (n *names) others(id string) []string {
	id = spelled(id)
	if _, ok := n.parent[id]; !ok {
		return []string{id}
	}
	return append([]string{id}, n.sets[n.root(id)]...)
}

// rank is which id a person would use first.
func rank(id string) int {
	switch {
	case strings.HasPrefix(id, "CVE-"):
		return 0
	case strings.HasPrefix(id, "GHSA-"):
		return 1
	}
	return 2
}

// spelled is an id as its publisher spells it. Distributions put their name
// before CVEs in OSV's database.
func spelled(id string) string {
	id = strings.TrimSpace(id)
	upper := strings.ToUpper(id)
	for _, prefix := range []string{"DEBIAN-CVE-", "UBUNTU-CVE-", "ALPINE-CVE-"} {
		if rest, ok := strings.CutPrefix(upper, prefix); ok {
			return "CVE-" + rest
		}
	}
	switch {
	case strings.HasPrefix(upper, "CVE-"), strings.HasPrefix(upper, "PYSEC-"), strings.HasPrefix(upper, "RUSTSEC-"):
		return upper
	case strings.HasPrefix(upper, "GHSA-"):
		return "GHSA-" + strings.ToLower(id[len("GHSA-"):])
	}
	return id
}

// bulletins are ids of a vendor's notices, each of which is about many
// vulnerabilities at once: what shares one is not the same.
var bulletins = []string{"RHSA-", "RHBA-", "RHEA-", "ELSA-", "ALSA-", "RLSA-", "DSA-", "DLA-", "USN-", "SUSE-", "openSUSE-", "ALAS", "GLSA-", "FEDORA-", "MGASA-", "CESA-", "TEMP-", "PHSA-"}

func collects(id string) bool {
	return slices.ContainsFunc(bulletins, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}
