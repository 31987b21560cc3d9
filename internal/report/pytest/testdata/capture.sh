#!/bin/bash
# Regenerates the logs beside this script from the project in ./project.
# It needs two virtual environments, named by NEW and OLD:
#   NEW: pip install pytest pytest-xdist pytest-rerunfailures pytest-timeout \
#        pytest-asyncio pytest-randomly pytest-cov tox
#   OLD: pip install pytest==6.2.5 pytest-xdist==2.5.0
# and, for what wraps pytest or draws for it, SUGAR (pip install pytest
# pytest-sugar pytest-asyncio pytest-timeout nox) and TOX3 (pip install 'tox<4' pytest pytest-asyncio pytest-timeout).
# Paths of this machine become /home/ci/project and /home/ci/venv.
set -u
here=$(cd "$(dirname "$0")" && pwd)
new=${NEW:?path of a virtual environment} old=${OLD:?path of a virtual environment}
export COLUMNS=${COLUMNS:-100} PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=. LC_ALL=C.UTF-8
unset CI BUILD_NUMBER
work=$(mktemp -d)
cp -r "$here/project" "$work/project"
cd "$work/project" || exit 1

capture() { # capture NAME COMMAND…
	local name=$1
	shift
	"$@" 2>&1 | sed -e "/^Looking in links/d" -e "s#$work/project#/home/ci/project#g" -e "s#$new#/home/ci/venv#g" -e "s#$old#/home/ci/venv#g" \
		-e "s#$work#/home/ci#g" -e "s#$(dirname "$(dirname "$(readlink -f "$new/bin/python")")")#/usr#g" >"$here/$name.log"
	echo "$name: ${PIPESTATUS[0]}"
}
py=$new/bin/pytest
capture plain "$py" tests
capture verbose "$py" -v tests
capture very_verbose "$py" -vv tests/test_assertions.py tests/test_errors.py tests/test_params.py tests/test_skips.py tests/test_subtests.py
capture all_outcomes "$py" -rA tests
capture skips_only "$py" -rs tests
capture no_summary "$py" -r N tests
capture ci env CI=true "$py" -rA -v tests
capture quiet "$py" -q tests
capture very_quiet "$py" -qq tests
for style in short line no long; do
	capture "tb_$style" "$py" "--tb=$style" tests
done
capture tb_native "$py" --tb=native --deselect tests/test_errors.py::test_recursion tests
capture showlocals "$py" -l tests/test_errors.py tests/test_assertions.py
capture xdist "$py" -n2 tests
capture xdist_verbose "$py" -n2 -v tests
capture xdist_crash "$py" -n2 crash
capture crash "$py" -v crash
capture crash_plain "$py" crash
capture timeout_signal "$py" slow
capture timeout_thread "$py" --timeout-method=thread slow
capture collection "$py" broken
capture collection_quiet "$py" -q broken
capture collection_continue "$py" --continue-on-collection-errors -rA broken
capture collection_native "$py" --tb=native broken
capture internal_error "$py" internal_error
capture conftest "$py" conftest_broken
capture usage "$py" --no-such-option
capture no_file "$py" tests/nothing_here.py
capture no_test "$py" tests/test_params.py::test_gone
capture none_selected "$py" -k nothing_matches_this tests
capture interrupted "$py" interrupted
capture maxfail "$py" -x tests
capture reruns "$py" --reruns 2 flaky
capture reruns_verbose "$py" --reruns 2 -v -rR flaky
capture doctest "$py" --doctest-modules shop
capture live_log "$py" -o log_cli=true -o log_cli_level=INFO tests/test_output.py tests/test_params.py
capture no_capture "$py" -s tests/test_output.py tests/test_skips.py
capture durations "$py" --durations=0 -vv slow tests/test_fixtures.py
capture randomly "$py" -o addopts= -p randomly -p no:cacheprovider -p no:xdist tests/test_errors.py -p "randomly" -q
capture coverage "$py" --cov=shop tests/test_errors.py
capture colour "$py" --color=yes -v tests
capture classic "$py" -o console_output_style=classic -v tests/test_params.py tests/test_skips.py
capture count "$py" -o console_output_style=count -v tests/test_params.py tests/test_skips.py
capture passing "$py" tests/test_skips.py --deselect tests/test_skips.py::test_xpass_strict
capture old_plain "$old/bin/pytest" --tb=short --ignore tests/test_subtests.py --ignore tests/test_async.py -o addopts= tests
capture old_verbose "$old/bin/pytest" --deselect tests/test_errors.py::test_recursion --ignore tests/test_subtests.py --ignore tests/test_async.py -o addopts= -v tests
capture old_xdist "$old/bin/pytest" -n2 --deselect tests/test_errors.py::test_recursion -o addopts= -v tests/test_params.py tests/test_errors.py tests/test_fixtures.py
capture old_collection "$old/bin/pytest" -o addopts= broken
(cd tests && capture two_sessions bash -c "$py -q test_skips.py; PYTHONPATH=.. $py test_params.py; PYTHONPATH=.. $py -q test_fixtures.py")
capture unittest "$new/bin/python" -m unittest discover -s ut -t .
capture unittest_verbose "$new/bin/python" -m unittest discover -v -s ut -t .
capture unittest_buffer "$new/bin/python" -m unittest -b -v ut.test_ut
capture unittest_crash "$new/bin/python" -X faulthandler -m unittest -v crash.test_segv crash.missing
capture unittest_empty "$new/bin/python" -m unittest discover -s shop -t .
cat >tox.ini <<'INI'
[tox]
skipsdist = true
envlist = good,broken,missing
[testenv]
allowlist_externals = *
setenv = PYTHONPATH=.
[testenv:good]
skip_install = true
commands = PYTEST -q tests/test_params.py
[testenv:broken]
deps = ./no_such_package
commands = true
[testenv:missing]
skip_install = true
commands = no-such-command --version
INI
sed -i "s#PYTEST#$py#" tox.ini
capture tox "$new/bin/tox" run
sugar=${SUGAR:-} tox3=${TOX3:-}
if [ -n "$sugar" ]; then
	new=$sugar
	capture sugar "$sugar/bin/pytest" --force-sugar tests/test_assertions.py tests/test_fixtures.py tests/test_params.py tests/test_skips.py
	cat >noxfile.py <<-'PY'
	import nox


	@nox.session(venv_backend="none")
	def tests(session):
	    session.run("pytest", "-p", "no:sugar", "-q", "tests/test_params.py")


	@nox.session(venv_backend="none")
	def lint(session):
	    session.run("sh", "-c", "echo 3 files would be changed; exit 4", external=True)


	@nox.session(venv_backend="none")
	def docs(session):
	    session.run("true", external=True)
	PY
	capture nox env PATH="$sugar/bin:$PATH" nox
fi
if [ -n "$tox3" ]; then
	new=$tox3
	cat >tox.ini <<-INI
	[tox]
	skipsdist = true
	envlist = good,broken,missing
	[testenv]
	allowlist_externals = *
	setenv = PYTHONPATH=.
	[testenv:good]
	skip_install = true
	commands = $new/bin/pytest -q tests/test_params.py
	[testenv:broken]
	deps = no-such-package-of-anybody==9.9
	commands = true
	[testenv:missing]
	skip_install = true
	commands = no-such-command --version
	INI
	capture tox3 "$tox3/bin/tox"
fi
rm -rf "$work"
