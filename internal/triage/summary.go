package triage

import (
	"fmt"
	"strings"

	"keepgreen/internal/ci"
)

// summaryCauses is how many causes the summary names.
const summaryCauses = 3

// Summary is one line about all clusters: "2 causes behind 7 failures: …".
func Summary(clusters []ci.Cluster) string {
	failures := 0
	for _, c := range clusters {
		failures += len(c.Members)
	}
	if failures == 0 {
		return "no failures"
	}
	var named []string
	for _, c := range clusters[:min(len(clusters), summaryCauses)] {
		sentence, _, _ := strings.Cut(c.Cause.Sentence, "\n")
		part := clip(sentence, 120)
		if n := len(c.Members); n > 1 {
			part += fmt.Sprintf(" (%d)", n)
		}
		named = append(named, part)
	}
	if rest := len(clusters) - summaryCauses; rest > 0 {
		named = append(named, fmt.Sprintf("and %d more", rest))
	}
	return fmt.Sprintf("%s behind %s: %s", count(len(clusters), "cause"), count(failures, "failure"), strings.Join(named, "; "))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
