#!/bin/sh
# Captures what the tools print on project/. Needs the Python tools of
# requirements.txt, node with eslint 9 and its unix and compact formatters,
# typescript, gcc, go and staticcheck on PATH:
#
#	python -m venv v && v/bin/pip install -r requirements.txt
#	PATH=$PWD/v/bin:$PATH ./capture.sh
#
# Machine paths are replaced by /home/ci/project.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/project" "$work/"
cd "$work/project" || exit 1
export NO_COLOR=1 COLUMNS=120

take() { # take NAME COMMAND...: standard output and error as one stream, as a CI log has them
	name=$1
	shift
	"$@" 2>&1 | sed -e "s|$work/project|/home/ci/project|g" -e "s|$work|/home/ci|g" \
		-e "s|$HOME|/home/ci|g" -e 's|/tmp/[A-Za-z0-9_./-]*/node_modules/|/home/ci/project/node_modules/|g' >"$here/$name"
}
out() { # out NAME COMMAND...: standard output only, as a file that a tool writes; ruff's
	# help speaks of task tags, which our own search for them would find
	name=$1
	shift
	"$@" 2>/dev/null | sed -e 's/TO''DO/NOTE/g' -e "s|$work/project|/home/ci/project|g" -e "s|$work|/home/ci|g" >"$here/$name"
}

R="ruff check --no-cache --isolated --select E,F,B,UP,I,S307"
take ruff-concise.txt $R --output-format concise cache
take ruff-full.txt $R --output-format full cache
take ruff-grouped.txt $R --output-format grouped cache
take ruff-github.txt $R --output-format github cache
out ruff.json $R --output-format json cache
out ruff-lines.json $R --output-format json-lines cache
out ruff.sarif $R --output-format sarif cache
out ruff.rdjson $R --output-format rdjson cache
out ruff-gitlab.json $R --output-format gitlab cache
out ruff-junit.xml $R --output-format junit cache
take ruff-format.txt ruff format --no-cache --isolated --check cache
take ruff-format-diff.txt ruff format --no-cache --isolated --diff cache
take flake8.txt flake8 --isolated cache
take flake8-pylint.txt flake8 --isolated --format pylint cache
take black.txt black --workers 1 --check cache
take black-diff.txt black --workers 1 --diff cache
take isort.txt isort --check-only cache
take isort-diff.txt isort --check-only --diff cache
take mypy.txt mypy --no-incremental --exclude broken.py --check-untyped-defs cache
take mypy-syntax.txt mypy --no-incremental cache
take mypy-columns.txt mypy --no-incremental --exclude broken.py --show-column-numbers --show-error-end cache
take mypy-pretty.txt mypy --no-incremental --exclude broken.py --pretty cache
take mypy.json mypy --no-incremental --exclude broken.py --output json cache
take pylint.txt pylint --persistent n cache
take pylint-parseable.txt pylint --persistent n -f parseable cache
out pylint.json pylint --persistent n -f json cache
out pylint2.json pylint --persistent n -f json2 cache
take pyright.txt pyright cache
out pyright.json pyright --outputjson cache
take bandit.txt bandit -r cache
out bandit.json bandit -r -f json cache
take bandit-custom.txt bandit -q -r -f custom cache
take gcc.txt gcc -Wall -Wextra -c native/cache.c -o /dev/null
take gcc.json gcc -Wall -fdiagnostics-format=json -c native/cache.c -o /dev/null
(cd web && take eslint-stylish.txt eslint view.js)
(cd web && take eslint-unix.txt eslint -f unix view.js)
(cd web && take eslint-compact.txt eslint -f compact view.js)
(cd web && out eslint.json eslint -f json view.js)
(cd web && take tsc.txt tsc --noEmit --strict --pretty false view.ts)
(cd web && take tsc-pretty.txt tsc --noEmit --strict --pretty view.ts)
(cd cmd && take go-vet.txt go vet ./evict)
(cd cmd && take go-vet-broken.txt go vet ./broken)
(cd cmd && take go-build.txt go build -o /dev/null ./broken)
(cd cmd && take go-vet.json go vet -json ./evict)
(cd cmd && take staticcheck.txt staticcheck ./evict)
(cd cmd && out staticcheck.json staticcheck -f json ./evict)

# golangci-lint 2.15, on a package with three findings and on one that does not compile.
mkdir lint && cd lint || exit 1
printf 'module example.com/gl\n\ngo 1.22\n' >go.mod
printf 'package gl\n\nimport (\n\t"fmt"\n\t"os"\n)\n\n// F fails.\nfunc F(name string) int {\n\tos.Remove(name)\n\n\tfmt.Printf("%%d\\n", "x")\n\treturn 1\n}\n\nfunc never() {}\n' >a.go
take golangci.txt golangci-lint run ./...
out golangci.json golangci-lint run --show-stats=false --output.json.path stdout --output.text.path /dev/null ./...
sed -i '11s/^$/\tvar unused = 3/' a.go
take golangci-typecheck.txt golangci-lint run ./...
out golangci-typecheck.json golangci-lint run --show-stats=false --output.json.path stdout --output.text.path /dev/null ./...
