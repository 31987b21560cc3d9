#!/usr/bin/env bash
# Runs the project with jest, vitest and mocha and stores what they printed,
# without this machine's paths. The tools are looked for in $TOOLS/node_modules
# (npm i jest@29 vitest@2 mocha@10). With NEWER set (npm i jest@30 vitest@4 mocha@12
# in $TOOLS) what the newer versions print otherwise is stored beside it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/project/." "$work" && ln -s "${TOOLS:?}/node_modules" "$work/node_modules" && cd "$work" || exit 1
clean() { sed -E -e "s#$work#/home/ci/project#g" -e "s#${TOOLS}#/home/ci/project#g" -e "s#(\\.\\./)+[a-z/]*node_modules#node_modules#g"; }
bin=$work/node_modules/.bin
export CI=true
if [ -n "${NEWER:-}" ]; then
	$bin/jest 2>&1 | clean >"$here/jest30.txt"
	echo "export default { test: { include: ['src/vitest*.mjs'] } };" >vitest.config.mjs
	$bin/vitest run 2>&1 | clean >"$here/vitest4.txt"
	$bin/vitest run --reporter json 2>/dev/null | clean >"$here/vitest4.json"
	$bin/mocha src/mocha.cjs 2>&1 | clean >"$here/mocha12.txt"
	exit
fi
$bin/jest 2>&1 | clean >"$here/jest.txt"
$bin/jest --verbose src/pool.test.js 2>&1 | clean >"$here/jest-verbose.txt"
FORCE_COLOR=1 $bin/jest 2>&1 | clean >"$here/jest-colour.txt"
$bin/jest --json 2>/dev/null | clean >"$here/jest.json"
cat >vitest.config.mjs <<'END'
export default { test: { include: ['src/vitest*.mjs'] } };
END
$bin/vitest run 2>&1 | clean >"$here/vitest.txt"
$bin/vitest run --reporter verbose 2>&1 | clean >"$here/vitest-verbose.txt"
$bin/vitest run --reporter json 2>/dev/null | clean >"$here/vitest.json"
$bin/mocha src/mocha.cjs 2>&1 | clean >"$here/mocha.txt"
$bin/mocha --reporter dot src/mocha.cjs 2>&1 | clean >"$here/mocha-dot.txt"
