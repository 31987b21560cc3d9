#!/bin/sh
# Prints what repairs are measured by: 170 breakages of small Python and Go
# programs, made by e2e/heal_corpus_test.go and listed, with the half that each is
# in, in e2e/testdata/breakages.tsv. Each is triaged, has repairs proposed and
# verified without a model, and what would be published is compared with the
# program as it was. HALF is "held out" (the default), "tuning" or empty for both.
# On two idle cores a half takes some ten minutes.
set -eu
cd "$(dirname "$0")/.."
make -s keepgreen
scripts/venv .keepgreen/tools/e2e-venv e2e/requirements.txt
printf '\n== tokens for a run with 200 failures (goal: at most 10 %% of the raw log)\n'
go test -run TestTokensOfTwoHundredFailures -v ./internal/agent | sed -n 's/^ *[a-z_]*_test.go:[0-9]*: //p'
printf '\n== repairs without a model (goal: 40 %% of the classes that fixers name; wrong ones published: 0)\n'
KEEPGREEN_HEAL=${HALF-held out} KEEPGREEN_E2E_PYTHON=$PWD/.keepgreen/tools/e2e-venv/bin/python \
	go test -tags 'e2e heavy' -count=1 -timeout 60m -run '^TestHeavyHealing$' -v ./e2e/ | sed -n -e 's/^ *heal_test.go:[0-9]*: //p' -e '/^--- \(FAIL\|SKIP\)/p'
