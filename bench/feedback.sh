#!/bin/sh
# Prints what the pull-request comment is measured by: how long it takes to
# compose one, how long fifty runs at once take to end with one comment against
# the fake GitHub, and how many bytes each situation's comment has.
set -eu
cd "$(dirname "$0")/.."

echo "== composing, one core"
GOMAXPROCS=1 go test -run '^$' -bench Feedback -benchtime 2s ./internal/render/ | grep '^Benchmark'

echo "== fifty runs at once"
go test -count=1 -v -run FiftyRuns ./internal/github/ | grep -E '^ *--- '

echo "== bytes of each comment (at most 60,000)"
for f in internal/render/testdata/feedback-*.md; do
	printf '%8d  %s\n' "$(wc -c < "$f")" "$(basename "$f" .md | sed 's/^feedback-//')"
done
