#!/bin/sh
# Captures what real tools write about one run of the programs in project/:
# gcovr 8.8 (with gcc 12), llvm-cov 14, vitest 3 with istanbul (clover, lcov),
# SimpleCov 0.22.0, JaCoCo 0.8.12. They are taken from PATH; JACOCO names the
# directory with org.jacoco.agent-runtime.jar and org.jacoco.cli-nodeps.jar.
# Paths are made relative, so that no machine's are in the files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/project/* "$work"
cd "$work"
relative() { sed "s|$work/||g; s/id=\"vm-[0-9a-f]*\"/id=\"vm\"/" "$1" >"$here/$2"; }

gcc --coverage -O0 pool.c -o pool && ./pool
gcovr --json gcovr.json --json-pretty .
relative gcovr.json gcovr.json

clang -fprofile-instr-generate -fcoverage-mapping pool.c -o pool
LLVM_PROFILE_FILE=pool.profraw ./pool
llvm-profdata merge pool.profraw -o pool.profdata
llvm-cov export ./pool -instr-profile pool.profdata >llvm.json
relative llvm.json llvm-cov.json

npm init -y >/dev/null && npm install --silent --no-audit --no-fund vitest@3 @vitest/coverage-istanbul@3
npx vitest run --coverage.enabled --coverage.provider=istanbul --coverage.reporter=clover --coverage.reporter=lcovonly --coverage.include=pool.js
relative coverage/clover.xml clover.xml
relative coverage/lcov.info istanbul.info
rm -r coverage

ruby run.rb
relative coverage/.resultset.json simplecov.resultset.json

mkdir classes && javac -g -d classes Pool.java
java -javaagent:"$JACOCO"/org.jacoco.agent-runtime.jar=destfile=jacoco.exec -cp classes Pool
java -jar "$JACOCO"/org.jacoco.cli-nodeps.jar report jacoco.exec --classfiles classes --sourcefiles . --xml jacoco.xml
relative jacoco.xml jacoco.xml
