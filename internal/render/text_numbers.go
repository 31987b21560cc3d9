package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"keepgreen/internal/ci"
)

func (p *paper) coverage(v View) {
	pct, ok := v.Run.Coverage.Percent()
	if !ok {
		return
	}
	covered, total, _, _ := v.Run.Coverage.Counts()
	p.blank()
	parts := []string{
		p.ink.share(pct, p.meter(pct, 20)) + " " + p.ink.bold(percent(pct)),
		fmt.Sprintf("%s of %s", thousands(covered), plural(total, "statement")),
	}
	if v.Baseline.Known {
		parts = append(parts, "baseline "+percent(v.Baseline.Pct), p.delta(pct-v.Baseline.Pct))
	}
	p.inline("  coverage  ", "            ", parts)
	p.coverageFiles(v)
}

// coverageFiles lists the files that lost coverage, else those that miss most.
func (p *paper) coverageFiles(v View) {
	files := v.coverFiles()
	slices.SortStableFunc(files, func(a, b fileCover) int { return cmp.Compare(min(a.Delta, 0), min(b.Delta, 0)) })
	files = slices.DeleteFunc(files, func(f fileCover) bool { return f.Pct >= 100 })
	shown := p.limit(len(files), foldFiles)
	for _, f := range files[:shown] {
		name := pad(cutLeft(Visible(f.File), p.width/2-8), min(30, p.width/2-8))
		line := "    " + name + " " + padLeft(percent(f.Pct), 7)
		used := width(line)
		if f.HasDelta && (f.Delta <= -0.05 || f.Delta >= 0.05) {
			line += " " + p.delta(f.Delta)
			used += 1 + width(points(f.Delta))
		}
		if missing := ranges(f.Missing, 0); missing != "" && p.width-used > 18 {
			line += p.ink.dim("  misses " + cut(missing, p.width-used-9))
		}
		p.line(line)
	}
	if n := len(files) - shown; n > 0 {
		p.line(p.ink.dim("    … " + plural(n, "more file") + " below 100 %"))
	}
}

func (p *paper) delta(d float64) string {
	switch {
	case d <= -0.05:
		return p.ink.red(points(d))
	case d >= 0.05:
		return p.ink.green(points(d))
	}
	return points(d)
}

// meter draws a share of 100 in n columns.
func (p *paper) meter(pct float64, n int) string {
	full := min(max(int(pct*float64(n)/100), 0), n)
	return strings.Repeat("━", full) + strings.Repeat("┄", n-full)
}

var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"}

// bar draws d against the longest in at most n columns, to an eighth.
func bar(d, longest time.Duration, n int) string {
	if longest <= 0 || d <= 0 {
		return ""
	}
	units := max(int(float64(d)/float64(longest)*float64(n*8)), 1)
	return strings.Repeat("█", units/8) + eighths[units%8]
}

func (p *paper) slowest(v View) {
	fold := foldSlow
	if p.full {
		fold = 10
	}
	tests := ci.SlowestTests(v.Run.Tests, fold)
	tests = slices.DeleteFunc(tests, func(t ci.TestResult) bool { return t.Duration < 50*time.Millisecond })
	if len(tests) == 0 {
		return
	}
	if v.Run.Coverage == nil || p.full {
		p.blank()
	}
	for i, t := range tests {
		label := ""
		if i == 0 {
			label = "slowest"
		}
		const barWidth = 12
		line := "  " + pad(label, 8) + padLeft(spent(t.Duration), 9) + " " + p.ink.blue(pad(bar(t.Duration, tests[0].Duration, barWidth), barWidth))
		p.line(line + " " + cutLeft(Visible(string(t.ID)), p.width-2-8-9-2-barWidth))
	}
}
