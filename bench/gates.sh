#!/bin/sh
# bench/gates.sh [TRIALS] – the figures of the gates (bench/README.md, "Gates"):
# the simulation of the coverage policies beside what other tools do, the
# coverage readers, the reconciliation of vulnerabilities, the forensic log, and
# eight writers on one ledger. Timings are those of one core.
set -eu
cd "$(dirname "$0")/.."
trials=${1:-20000}
GOMAXPROCS=1 go test -count=1 -timeout 60m -run TestSimulation -v ./internal/policy -sim.trials "$trials" | sed -n 's/.*simulation_test.go:[0-9]*: //p'
GOMAXPROCS=1 go test -run '^$' -bench . -benchtime 2x ./internal/report/coverage ./internal/report/vuln ./internal/forensics | grep -e '^Benchmark' -e '^pkg'
go test -count=5 -run TestEightWritersLoseNothing -v ./internal/git | grep -c -e '^--- PASS' | sed 's/$/ of 5 times 40 of 40 records were kept/'
