#!/usr/bin/env bash
# Runs the project with the go command and stores what it printed, without this
# machine's paths: captured in ../*.txt and ../*.json beside it.
set -u
cd "$(dirname "$0")/project" || exit 1
export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local
clean() {
  sed -E -e "s#$PWD#/home/ci/project#g" -e "s#$(go env GOROOT)#/usr/local/go#g" \
    -e 's#goroutine [0-9]+#goroutine 7#g' -e 's#0x[0-9a-f]{6,}#0xc000012345#g' \
    -e 's#"Time":"[^"]*"#"Time":"2026-01-02T03:04:05.000000001Z"#'
}
run() { # name of the capture, arguments of go test
  go test "${@:2}" 2>&1 | clean >"../$1"
}
run all.txt -timeout 2s ./...
run verbose.txt -v -timeout 2s ./...
run all.json -json -timeout 2s ./...
run race.txt -race ./race
run race.json -race -json ./race
run count.txt -v -count 2 -shuffle 1 -skip 'Panics|Fuzz|Example' ./pool
run count.json -json -count 2 -skip 'Panics|Fuzz|Example' ./pool
run rest.txt -skip Panics ./pool
run rest.json -json -skip Panics ./pool
run bench.txt -run '^$' -bench . -benchtime 1x ./pool
run bench.json -json -run '^$' -bench . -benchtime 1x ./pool
run fullpath.txt -fullpath -run 'TakeOrder' ./pool
go build ./... 2>&1 | clean >../build.txt
