#!/usr/bin/env bash
# Runs the project with Maven and stores what it printed, without this machine's paths.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/project/." "$work" && cd "$work" || exit 1
clean() {
  sed -E -e "s#$work#/home/ci/project#g" -e 's#\x1b\[0m##g' -e '/Download(ing|ed)/d' \
    -e 's#Finished at: .*#Finished at: 2026-01-02T03:04:05Z#' -e 's#Time elapsed: [0-9.]+ s#Time elapsed: 0.012 s#'
}
mvn -B -o test 2>&1 | clean >"$here/maven.txt"
mvn -B -o test -Dsurefire.rerunFailingTestsCount=1 -Dtest='PoolTest#takesInOrder+flaky' 2>&1 | clean >"$here/maven-rerun.txt"
sed -i 's/return free.remove();/return free.removed(absent);/' src/main/java/com/example/Pool.java
mvn -B -o test 2>&1 | clean >"$here/maven-build.txt"
