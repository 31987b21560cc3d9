#!/usr/bin/env bash
# Runs the project with cargo and stores what it printed, without this machine's paths.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/project/." "$work" && cd "$work" || exit 1
clean() {
  sed -E -e "s#$work#/home/ci/project#g" -e 's#-[0-9a-f]{16}\)#-0123456789abcdef)#' -e "s#thread '([^']+)' \([0-9]+\)#thread '\1' (4242)#" -e 's#/rustc/[0-9a-f]+/#/rustc/0123abcd/#'
}
export CARGO_NET_OFFLINE=true
export RUST_BACKTRACE=0
cargo test --no-fail-fast 2>&1 | clean >"$here/cargo.txt"
RUST_BACKTRACE=1 cargo test --lib empty_pool 2>&1 | clean >"$here/cargo-backtrace.txt"
cargo test --features broken 2>&1 | clean >"$here/cargo-build.txt"
