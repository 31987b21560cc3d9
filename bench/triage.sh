#!/bin/sh
# Prints what triage is measured by: grouping on labelled logs, the lines that
# matter on two collections of failed logs, and throughput on one core.
#
#   LOGHUB_DIR        logpai's labelled sets (github.com/logpai/loghub; research licence)
#   KEEPGREEN_CORPUS  the folder that holds logs-cidiff and logs-pytorch
#   DRAIN3_PYTHON     a Python with drain3 installed, for the peer's row (optional)
#
# What is absent is skipped and says so.
set -eu
cd "$(dirname "$0")/.."

echo "== grouping, error lines, the line that matters"
go test -count=1 -v -run 'Labelled|ExtractFinds' ./internal/triage/ | sed -n 's/^ *[a-z_]*_test.go:[0-9]*: //p'

echo "== throughput, one core"
speed=$(GOMAXPROCS=1 go test -run '^$' -bench . -benchtime 2s ./internal/triage/ | grep '^Benchmark')
echo "$speed"

if [ -n "${DRAIN3_PYTHON:-}" ] && [ -n "${LOGHUB_DIR:-}" ]; then
	echo "== Drain3, as it comes, on the same sets"
	peer=$("$DRAIN3_PYTHON" bench/drain3_loghub.py)
	echo "$peer"
	theirs=$(echo "$peer" | sed -n 's/^Drain3, all.*  \([0-9,]*\) lines\/s$/\1/p' | tr -d ,)
	ours=$(echo "$speed" | awk '/^BenchmarkLoghub/ { for (i = 1; i < NF; i++) if ($(i + 1) == "lines/s") print $i }')
	awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "lines/s on these sets: ours %.0f, Drain3 %.0f, ratio %.0f\n", a, b, a / b }'
else
	echo "== Drain3: skipped (set DRAIN3_PYTHON and LOGHUB_DIR)"
fi
