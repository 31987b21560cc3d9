package pytest_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"keepgreen/internal/ci"
)

// readable writes a report as text that a person can check against the log.
func readable(rep ci.Report) string {
	var b strings.Builder
	if t := rep.Totals; t != nil {
		fmt.Fprintf(&b, "totals: passed %d failed %d errors %d skipped %d xfailed %d xpassed %d\n",
			t.Passed, t.Failed, t.Errors, t.Skipped, t.XFailed, t.XPassed)
	}
	for _, w := range rep.Warnings {
		fmt.Fprintf(&b, "warning: line %d: %s\n", w.Line, w.Text)
	}
	for _, t := range rep.Tests {
		fmt.Fprintf(&b, "%s %s", strings.ToUpper(t.Outcome.String()), t.ID)
		if t.Attempt > 0 {
			fmt.Fprintf(&b, " attempt %d", t.Attempt)
		}
		if t.Variant != "" {
			fmt.Fprintf(&b, " variant %s", t.Variant)
		}
		if t.Timed {
			b.WriteString(" timed")
		}
		if t.Reason != "" {
			fmt.Fprintf(&b, " (%s)", t.Reason)
		}
		if t.Line > 0 {
			fmt.Fprintf(&b, " line %d", t.Line)
		}
		b.WriteString("\n")
		if t.Failure != nil {
			writeFailure(&b, *t.Failure)
		}
		if t.Output != "" {
			fmt.Fprintf(&b, "    output %q\n", t.Output)
		}
	}
	for _, f := range rep.Failures {
		fmt.Fprintf(&b, "OUTSIDE %s\n", cmp.Or(string(f.Test), "of any test"))
		writeFailure(&b, f)
	}
	return b.String()
}

func writeFailure(b *strings.Builder, f ci.Failure) {
	fmt.Fprintf(b, "    %s", strings.Join(slices.DeleteFunc([]string{string(f.Kind), f.Tool, f.Phase, f.Exception}, func(s string) bool { return s == "" }), " "))
	fmt.Fprintf(b, " at %s, log line %d", cmp.Or(f.Pos.String(), "?"), f.Log.Line)
	if f.Cut {
		b.WriteString(", cut")
	}
	b.WriteString("\n")
	for line := range strings.Lines(f.Message) {
		fmt.Fprintf(b, "    | %s\n", strings.TrimRight(line, " \n"))
	}
	for _, link := range f.Chain {
		fmt.Fprintf(b, "    because %s: %s%s\n", link.Exception, link.Message, frames(link.Frames))
	}
	if len(f.Frames) > 0 {
		fmt.Fprintf(b, "    frames%s\n", frames(f.Frames))
	}
}

func frames(list []ci.Frame) string {
	var b strings.Builder
	for i, f := range list {
		if len(list) > 8 && i >= 2 && i < len(list)-3 {
			if i == 2 {
				fmt.Fprintf(&b, " … %d …", len(list)-5)
			}
			continue
		}
		fmt.Fprintf(&b, " %s", f.Position)
		if f.Func != "" {
			fmt.Fprintf(&b, " in %s", f.Func)
		}
		if f.Code != "" {
			fmt.Fprintf(&b, " {%s}", f.Code)
		}
		b.WriteString(";")
	}
	return b.String()
}
