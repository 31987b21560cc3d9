#!/bin/sh
# Captures lines.coverage and arcs.coverage, and what coverage.py itself says of
# them: capture.sh PYTHON, an interpreter with coverage 7.17.3 and pytest 9.2.0.
# Paths are made relative, so that no machine's are in the files.
set -eu
cd "$(dirname "$0")/project"
for kind in lines arcs; do
	config=$(mktemp)
	printf '[run]\nrelative_files = true\nbranch = %s\ndynamic_context = test_function\n' "$([ $kind = arcs ] && echo true || echo false)" >"$config"
	COVERAGE_FILE=../$kind.coverage "$1" -m coverage run --rcfile="$config" -m pytest -q -p no:cacheprovider
	# When it was run is of no interest, and how, names the interpreter.
	"$1" -c "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"DELETE FROM meta WHERE key IN ('when','sys_argv')\"); c.commit(); c.execute('VACUUM')" ../$kind.coverage
	COVERAGE_FILE=../$kind.coverage "$1" -m coverage json --rcfile="$config" --show-contexts --pretty-print -o ../$kind.json
	rm "$config"
done
rm -rf __pycache__
