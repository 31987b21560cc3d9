package reporttest

import (
	"fmt"
	"strings"

	"keepgreen/internal/ci"
)

// Brief renders results one a line, for comparison.
func Brief(rep ci.Report) string {
	var b strings.Builder
	for _, t := range rep.Tests {
		fmt.Fprintf(&b, "%s %s", t.ID, t.Outcome)
		if t.Attempt > 0 {
			fmt.Fprintf(&b, " #%d", t.Attempt)
		}
		if t.Reason != "" {
			fmt.Fprintf(&b, " (%s)", t.Reason)
		}
		if t.Failure != nil {
			b.WriteString(" " + briefFailure(*t.Failure))
		}
		b.WriteByte('\n')
	}
	for _, f := range rep.Failures {
		fmt.Fprintf(&b, "beside %s%s\n", f.Test, " "+briefFailure(f))
	}
	return b.String()
}

func briefFailure(f ci.Failure) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s: %s @%s", f.Kind, f.Phase, f.Exception, f.Headline(), f.Pos))
}
