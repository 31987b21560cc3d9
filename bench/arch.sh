#!/bin/sh
# Runs keepgreen arch beside its peers on the same folder and prints times,
# ratios and, package by package, the imports that differ from grimp's by name.
#
#   bench/arch.sh FOLDER PACKAGE…    folder on Python's path that holds the packages
#
#   TOOLS   a virtual environment with grimp, import-linter, pydeps, ruff and radon
#           (python -m venv DIR; DIR/bin/pip install grimp import-linter pydeps ruff radon)
#
# A peer that is absent is skipped and says so.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
: "${TOOLS:?a virtual environment with the peers}"
folder=$1
shift
keepgreen=$(mktemp -d)/keepgreen
(cd "$here" && go build -trimpath -o "$keepgreen" .)
now() { date +%s.%N; }

# timed NAME COMMAND… prints how long the command took and keeps it in $took.
timed() {
	name=$1
	shift
	if ! command -v "$1" >/dev/null; then
		echo "$name: skipped, there is no $1"
		took=
		return
	fi
	start=$(now)
	"$@" >/dev/null 2>&1 || true # some say no by their exit status
	took=$(echo "$(now) $start" | awk '{ printf "%.2f", $1 - $2 }')
	echo "$name: $took s"
}

echo "== the whole folder, $(find "$folder" -name '*.py' | wc -l) files"
timed "keepgreen arch, everything" "$keepgreen" arch --dir "$folder" --churn-since none
ours=$took
timed "ruff analyze graph, the graph alone" "$TOOLS/bin/ruff" analyze graph --preview "$folder"
[ -n "$took" ] && awk -v a="$took" -v b="$ours" 'BEGIN { printf "ruff ÷ keepgreen: %.2f\n", a / b }'
timed "radon cc" "$TOOLS/bin/radon" cc -j "$folder"
[ -n "$took" ] && awk -v a="$took" -v b="$ours" 'BEGIN { printf "radon ÷ keepgreen: %.1f\n", a / b }'

for package in "$@"; do
	echo "== $package"
	timed "keepgreen arch" "$keepgreen" arch --dir "$folder/$package" --churn-since none
	ours=$took
	(cd "$folder" && timed "pydeps --show-deps" "$TOOLS/bin/pydeps" "$package" --show-deps --no-output --max-bacon 0 && awk -v a="$took" -v b="$ours" 'BEGIN { printf "pydeps ÷ keepgreen: %.0f\n", a / b }')
	config=$(mktemp)
	printf '[importlinter]\nroot_package = %s\n[importlinter:contract:1]\nname = siblings\ntype = acyclic_siblings\nancestors = %s\n' "$package" "$package" >"$config"
	(cd "$folder" && timed "import-linter" env PYTHONPATH=. "$TOOLS/bin/lint-imports" --no-cache --config "$config" && awk -v a="$took" -v b="$ours" 'BEGIN { printf "import-linter ÷ keepgreen: %.0f\n", a / b }')
done
echo "== imports, beside grimp"
"$TOOLS/bin/python" "$here/bench/arch_edges.py" "$keepgreen" "$folder" "$@"
