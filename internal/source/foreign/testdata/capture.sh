#!/bin/sh
# Makes the captures of this folder again: the projects js/ and py/ as each tool
# sees them, in /repo so that the paths in them are the same every time. Wants npx
# (dependency-cruiser 17.4.3, madge 8.0.0, @sourcegraph/scip-python 0.6.6,
# typescript 5.9.3) and pydeps 3.0.9.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir /repo
cp -r "$here/js" "$here/py" /repo
cd /repo/js
npx -y -p dependency-cruiser -p typescript depcruise --no-config --ts-config tsconfig.json --ts-pre-compilation-deps --output-type json src >"$here/cruiser.json"
npx -y -p madge -p typescript madge --ts-config tsconfig.json --extensions ts,js,cjs --json src >"$here/madge.json"
cd /repo/py
PYTHONPATH=. pydeps shop --show-deps --no-output --max-bacon 0 >"$here/pydeps.json"
git init -q .
git add -A
npx -y @sourcegraph/scip-python index . --project-name shop --project-version 1 >/dev/null
cp index.scip "$here/python.scip"
rm -rf /repo
