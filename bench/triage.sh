#!/bin/sh
# Prints what triage and flake are measured by, in one run, peers included:
# grouping on labelled logs, error lines and the line that matters on two
# collections of failed logs, throughput on one core, the calibration of
# confidence, flaky tests on simulated histories, and the time of all verdicts.
#
#   LOGHUB_DIR        logpai's labelled sets (github.com/logpai/loghub; research licence)
#   KEEPGREEN_CORPUS  the folder that holds logs-cidiff and logs-pytorch
#   DRAIN3_PYTHON     a Python with drain3; without it one is made by scripts/venv
#
# What is absent is skipped and says so. BENCHTIME is how long each speed is measured (2s).
set -eu
cd "$(dirname "$0")/.."
benchtime=${BENCHTIME:-2s}

say() { printf '\n== %s\n' "$1"; }
# logged prints what tests logged, without where in them.
logged() { sed -n -e 's/^ *[a-z_]*_test.go:[0-9]*: //p' -e '/^--- \(FAIL\|SKIP\)/p'; }

say "grouping on labelled log templates (goal GA .82, FGA .82, pair F1 .94)"
go test -count=1 -v -run 'GroupingOfLabelled' ./internal/triage/ | logged

say "error lines on logs-cidiff (goal macro F1 .85 with the green log)"
go test -count=1 -v -run 'ExtractFindsTheErrorLines' ./internal/triage/ | logged | grep -e ', with' -e '^---' || true

say "the line that matters on logs-pytorch (goal top 1 .70, top 3 .90)"
go test -count=1 -v -run 'ExtractFindsTheLineThatMatters' ./internal/triage/ | logged | grep -e 'top 1' -e '^---' || true

say "confidence: Brier score and expected calibration error (docs/confidence.md)"
grep -e '^| half' -e '^| held out' docs/confidence.md

say "throughput, one core (goal 500,000 lines/s)"
speed=$(GOMAXPROCS=1 go test -run '^$' -bench . -benchtime "$benchtime" ./internal/triage/ | grep '^Benchmark')
echo "$speed"

if [ -n "${LOGHUB_DIR:-}" ]; then
	say "Drain3 0.9.11 as it comes, on the same sets"
	if [ -z "${DRAIN3_PYTHON:-}" ]; then
		wanted=$(mktemp)
		echo drain3==0.9.11 >"$wanted"
		scripts/venv .keepgreen/tools/drain3 "$wanted" >/dev/null
		rm -f "$wanted"
		DRAIN3_PYTHON=.keepgreen/tools/drain3/bin/python
	fi
	peer=$("$DRAIN3_PYTHON" bench/drain3_loghub.py)
	echo "$peer"
	theirs=$(echo "$peer" | sed -n 's/^Drain3, all.*  \([0-9,]*\) lines\/s$/\1/p' | tr -d ,)
	ours=$(echo "$speed" | awk '/^BenchmarkLoghub/ { for (i = 1; i < NF; i++) if ($(i + 1) == "lines/cpu-s") print $i }')
	awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "lines a second of computing on these sets: ours %.0f, Drain3 %.0f, ratio %.0f\n", a, b, a / b }'
else
	say "Drain3: skipped (set LOGHUB_DIR)"
fi

say "flaky, broken, regressed, healthy on simulated histories, beside three published rules (goal macro F1 .90 at 100 runs, precision of flaky .98)"
go test -run '^$' -bench 'Rules/runs=100' -benchtime 1x ./internal/flake/ | grep '^Benchmark'

say "all verdicts of 20,000 tests x 1,000 runs (goal 2 s, 300 MiB)"
go test -run '^$' -bench 'Verdicts' -benchtime 1x ./internal/flake/ | grep '^Benchmark'
