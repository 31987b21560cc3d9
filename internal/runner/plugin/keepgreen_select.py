"""Leaves out the tests that "keepgreen plan" has cleared.

$KEEPGREEN_SKIP names a JSON file: {"tests": [IDs without parameters], "files":
[files all of whose tests are among them], "root": DIR, "last": false}. Only
what is named is left out, so a test that nobody knew runs. With "last" nothing
is left out, and what is named comes last.
"""

import json
import os

import pytest

_skip = {"tests": [], "files": [], "root": ".", "last": False}
if os.environ.get("KEEPGREEN_SKIP"):
    with open(os.environ["KEEPGREEN_SKIP"], encoding="utf-8") as _file:
        _skip.update(json.load(_file))
_root = os.path.realpath(_skip["root"])
_tests, _files = set(_skip["tests"]), set(_skip["files"])
_left = [0]


def _inside(path):
    return os.path.relpath(os.path.realpath(str(path)), _root).replace(os.sep, "/")


def _name(item):
    path = getattr(item, "path", None) or getattr(item, "fspath", "")
    file, (_, _, rest) = _inside(path), item.nodeid.partition("::")
    at = rest.find("[")
    if at >= 0 and rest.endswith("]"):
        rest = rest[:at]
    return file + "::" + rest if rest else file


class _Ignore(object):
    """Files are left out before they are loaded."""

    if int(pytest.__version__.split(".")[0]) >= 7:

        def pytest_ignore_collect(self, collection_path):
            return _ignored(collection_path)

    else:

        def pytest_ignore_collect(self, path):
            return _ignored(path)


def _ignored(path):
    if not _skip["last"] and _files and str(path).endswith(".py") and _inside(path) in _files:
        _left[0] += 1
        return True
    return None


def pytest_configure(config):
    config.pluginmanager.register(_Ignore(), "keepgreen_ignore")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    first, rest = [], []
    for item in items:
        (rest if _name(item) in _tests else first).append(item)
    if _skip["last"]:
        items[:] = first + rest
        return
    if rest:
        _left[0] += len(rest)
        config.hook.pytest_deselected(items=rest)
        items[:] = first


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    if int(exitstatus) == 5 and _left[0]:  # nothing was left to run, and that is well
        session.exitstatus = 0
