package feedback

import (
	"slices"

	"keepgreen/internal/ci"
)

// Verdict is the run's, from everything that is known of it. Nothing known is no
// pass. Where all that failed failed before the change, it is inherited.
func Verdict(f ci.Findings) ci.Verdict {
	verdicts := verdictsOf(f)
	switch {
	case slices.Contains(verdicts, ci.VerdictFail):
		return ci.VerdictFail
	case slices.Contains(verdicts, ci.VerdictInherited):
		return ci.VerdictInherited
	case slices.Contains(verdicts, ci.VerdictWarn):
		return ci.VerdictWarn
	case slices.Contains(verdicts, ci.VerdictPass):
		return ci.VerdictPass
	}
	return ci.VerdictNoData
}

func verdictsOf(f ci.Findings) []ci.Verdict {
	var out []ci.Verdict
	add := func(v ci.Verdict) { out = append(out, v) }
	ran := f.Tests != nil || f.Lint != nil
	switch {
	case len(f.Clusters) > 0:
		add(ofClusters(f.Clusters))
	case f.Tests != nil && f.Tests.Failed > 0:
		add(ci.VerdictFail)
	case ran:
		add(ci.VerdictPass)
	}
	if f.Coverage != nil {
		add(f.Coverage.Verdict)
	}
	if f.Vulns != nil {
		add(f.Vulns.Verdict)
	}
	if f.Arch != nil && len(f.Arch.Failed) > 0 {
		add(ci.VerdictFail)
	}
	explained := len(f.Clusters) > 0 || slices.Contains(out, ci.VerdictFail)
	for _, d := range f.Decisions {
		if d.Gate != "tests" || !explained { // the causes say it better
			add(d.Verdict)
		}
	}
	for _, status := range f.Statuses {
		switch status {
		case ci.JobFailure, ci.JobError, ci.JobTimeout:
			if !explained {
				add(ci.VerdictFail)
			}
		case ci.JobSuccess:
			add(ci.VerdictPass)
		case ci.JobCancelled, ci.JobSkipped:
		}
	}
	return out
}

// ofClusters: one failure that may be the change's own is enough.
func ofClusters(clusters []ci.Cluster) ci.Verdict {
	verdict := ci.VerdictWarn // flaky or the machine's
	for _, c := range clusters {
		switch c.Whose {
		case ci.WhoseNew, ci.WhoseUnknown, "":
			return ci.VerdictFail
		case ci.WhoseMain:
			verdict = ci.VerdictInherited
		case ci.WhoseFlaky, ci.WhoseInfra:
		}
	}
	return verdict
}

// Silent reports whether there is nothing to say: the run is green, nothing in
// it wants to be looked at, and no earlier comment has to be corrected.
func Silent(f ci.Findings, verdict ci.Verdict, before *Marker) bool {
	if before != nil || len(f.Clusters) > 0 {
		return false
	}
	if f.Coverage != nil && len(f.Coverage.Gaps) > 0 {
		return false
	}
	if f.Vulns != nil && slices.ContainsFunc(f.Vulns.New, func(v ci.Vulnerability) bool { return v.Severity >= ci.VulnHigh }) {
		return false
	}
	if f.Arch != nil && len(f.Arch.NewCycles) > 0 {
		return false
	}
	return verdict == ci.VerdictPass || verdict == ci.VerdictNoData
}
