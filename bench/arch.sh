#!/bin/bash
# Runs keepgreen arch beside its peers on the same folder and prints times,
# ratios, the cost of a file as their number grows, what the history costs and,
# package by package, the imports that differ from grimp's and why.
#
#   bench/arch.sh FOLDER PACKAGE…    folder on Python's path that holds the packages
#
#   TOOLS   a virtual environment with the peers
#           (python -m venv DIR; DIR/bin/pip install grimp import-linter pydeps ruff radon lizard)
#   KEEPGREEN   the program; without it one is built
#   CURVE   numbers of files of the curve (100 1000 10000 100000); empty: none
#
# Ratios are of processor seconds, user and system, of a process and its children:
# they stand on a loaded machine too. A peer that is absent is skipped and says so.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
: "${TOOLS:?a virtual environment with the peers}"
: "${CURVE=100 1000 10000 100000}"
folder=$(cd "$1" && pwd)
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
keepgreen=${KEEPGREEN:-$work/keepgreen}
[ -n "${KEEPGREEN-}" ] || (cd "$here" && go build -trimpath -o "$keepgreen" .)

# timed NAME COMMAND… says what the command took, and keeps its seconds in $took.
timed() {
	name=$1
	shift
	took=
	if ! command -v "$1" >/dev/null; then
		echo "  $name: skipped, there is no $1"
		return 0
	fi
	local TIMEFORMAT='%R %U %S'
	{ time "$@" >/dev/null 2>"$work/said" || true; } 2>"$work/time" # some say no by their exit status
	took=$(awk '{ print $2 + $3 }' "$work/time")
	awk -v n="$name" '{ printf "  %-46s %7.2f s wall %7.2f s processor\n", n, $1, $2 + $3 }' "$work/time"
}

ratio() { [ -z "$2" ] || awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN { printf "  %s ÷ keepgreen: %.1f\n", n, a / b }'; }

echo "== the whole folder, $(find "$folder" -name '*.py' | wc -l) files: graph, cycles, metrics, complexity"
timed "keepgreen arch, nothing kept" "$keepgreen" arch --ai off --dir "$folder" --churn-since none --no-cache
ours=$took
for peer in "ruff analyze graph --preview" "radon cc -j" "lizard -l python"; do
	# shellcheck disable=SC2086
	timed "$peer" "$TOOLS/bin/"$peer "$folder"
	ratio "${peer%% *}" "$took" "$ours"
done

echo "== the same job on one package: graph, contracts, cycles, complexity; churn is git's for both"
for package in "$@"; do
	echo " $package"
	# Every sibling below the package is kept apart from the next by a layer: as many contracts as there are children.
	cp -r "$folder/$package" "$work/$package"
	(cd "$work" && find "$package" -maxdepth 1 -mindepth 1 \( -name '*.py' ! -name '__*' -o -type d -exec test -e '{}/__init__.py' ';' \) -print | sed 's#/#.#g; s#\.py$##' | sort >children)
	{
		printf '[importlinter]\nroot_package = %s\n[importlinter:contract:1]\nname = independence\ntype = independence\nmodules =\n' "$package"
		sed 's/^/  /' "$work/children"
		printf '[importlinter:contract:2]\nname = layers\ntype = layers\nlayers =\n'
		sed 's/^/  /' "$work/children"
	} >"$work/.importlinter"
	mkdir -p "$work/one" && rm -rf "${work:?}/one/"* && mv "$work/$package" "$work/one/" && cp "$work/.importlinter" "$work/one/"
	timed "keepgreen arch" "$keepgreen" arch --ai off --dir "$work/one" --churn-since none --no-cache
	ours=$took
	cd "$work/one"
	timed "grimp, the graph alone" "$TOOLS/bin/python" -c "import sys; sys.path.insert(0, '.'); import grimp; grimp.build_graph('$package', cache_dir=None)"
	grimp=$took
	timed "import-linter, the contracts" env PYTHONPATH=. "$TOOLS/bin/lint-imports" --no-cache
	linter=$took
	timed "grimp, nominating cycle breakers" "$TOOLS/bin/python" -c "import sys; sys.path.insert(0, '.'); import grimp; grimp.build_graph('$package', cache_dir=None).nominate_cycle_breakers('$package')"
	cycles=$took
	timed "radon cc -j" "$TOOLS/bin/radon" cc -j "$package"
	radon=$took
	timed "pydeps --show-deps" "$TOOLS/bin/pydeps" "$package" --show-deps --no-output --max-bacon 0
	ratio "pydeps" "$took" "$ours"
	cd - >/dev/null
	ratio "grimp's graph alone" "$grimp" "$ours"
	ratio "import-linter + cycle breakers + radon" "$(echo "$linter $cycles $radon" | awk '{ print $1 + $2 + $3 }')" "$ours"
done

if [ -n "$CURVE" ]; then
	echo "== what a file costs as their number grows (copies of $folder)"
	find "$folder" -name '*.py' -size -256k | sort >"$work/list"
	for n in $CURVE; do
		rm -rf "$work/curve" && mkdir "$work/curve"
		"$TOOLS/bin/python" - "$work/list" "$work/curve" "$folder" "$n" <<-'PY'
			import os, shutil, sys
			files, to, top, n = open(sys.argv[1]).read().split("\n")[:-1], sys.argv[2], sys.argv[3], int(sys.argv[4])
			for i in range(n):
			    name = os.path.join(to, f"copy{i // len(files)}", os.path.relpath(files[i % len(files)], top))
			    os.makedirs(os.path.dirname(name), exist_ok=True)
			    shutil.copyfile(files[i % len(files)], name)
		PY
		timed "keepgreen arch, $n files" "$keepgreen" arch --ai off --dir "$work/curve" --churn-since none --no-cache
		size=$(find "$work/curve" -name '*.py' -printf '%s\n' | awk '{ s += $1 } END { print s / 1048576 }')
		awk -v n="$n" -v t="$took" -v m="$size" 'BEGIN { printf "  %d files: %.3f ms of processor a file, %.1f ms a MiB\n", n, 1000 * t / n, 1000 * t / m }'
	done
	rm -rf "$work/curve"
fi

echo "== a history of 30,000 commits"
"$TOOLS/bin/python" "$here/bench/history.py" "$work/history"
timed "keepgreen arch, the first time" "$keepgreen" arch --ai off --dir "$work/history" --churn-since 10y
timed "keepgreen arch, again" "$keepgreen" arch --ai off --dir "$work/history" --churn-since 10y
git -C "$work/history" -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m one
timed "keepgreen arch, one commit later" "$keepgreen" arch --ai off --dir "$work/history" --churn-since 10y

echo "== imports, beside grimp"
"$TOOLS/bin/python" "$here/bench/arch_edges.py" "$keepgreen" "$folder" "$@"
