#!/usr/bin/env python3
"""Is "keepgreen plan" safe, and what does it spare?

    bench/selection.py mutants [-n N] [--seed S] [--python EXE] REPOSITORY…
    bench/selection.py commits [-n N] [--python EXE] REPOSITORY…

A REPOSITORY is a git repository of a Python project with pytest, as a path; one
that is not there is skipped with a message. Nothing is written into it: it is
cloned, and installed in an environment of its own.

mutants: who ran what is recorded once. Then one definition after the other is
broken, the plan is made, and everything is run: every test that fails now and
did not before has to be in the plan. Each that is not is a miss and is printed.

commits: the last N commits that touch Python, oldest first, each planned against
the one before, whose map is known. The same is checked, and the share of the test
time that the plan spares is printed beside that of pytest-testmon in the same
commits.
"""

import argparse
import ast
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

OUTCOMES = '''
import json, os
rows = {}
def base(nodeid):
    file, sep, rest = nodeid.partition("::")
    at = rest.find("[")
    return file + sep + (rest[:at] if at >= 0 and rest.endswith("]") else rest)
def pytest_runtest_logreport(report):
    row = rows.setdefault(base(report.nodeid), ["passed", 0.0])
    row[1] += report.duration
    if report.failed:
        row[0] = "failed"
def pytest_collectreport(report):
    if report.failed:
        rows[report.nodeid] = ["failed", 0.0]
def pytest_sessionfinish():
    json.dump(rows, open(os.environ["OUTCOMES"], "w"))
'''


def sh(*command, cwd=None, env=None, timeout=600, check=True):
    done = subprocess.run(command, cwd=cwd, env=env, timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if check and done.returncode:
        raise RuntimeError("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stdout[-1500:]))
    return done.stdout


class Project:
    def __init__(self, source, python, scratch, keepgreen):
        self.name = os.path.basename(os.path.dirname(source)) if os.path.basename(source) in ("repo", ".git") else os.path.basename(source)
        self.dir = os.path.join(scratch, re.sub(r"\W+", "-", self.name))
        self.keepgreen = keepgreen
        self.tools = scratch
        if not os.path.isdir(self.dir):
            sh("git", "clone", "-q", source, self.dir)
        self.git("config", "user.email", "bench@example.com")
        self.git("config", "user.name", "bench")
        self.venv = self.dir + "-env"
        self.python = os.path.join(self.venv, "bin", "python")
        if not os.path.exists(self.python):
            sh(python, "-m", "venv", self.venv)
            sh(self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "pytest", "pytest-testmon", "-e", self.dir, *self.extras(), timeout=900)
        with open(os.path.join(scratch, "bench_outcomes.py"), "w") as out:
            out.write(OUTCOMES)
        with open(os.path.join(self.dir, ".git", "info", "exclude"), "a") as out:
            out.write("\n.keepgreen/\n__pycache__/\n*.egg-info/\n.pytest_cache/\n.hypothesis/\n.testmondata*\n")
        self.plugin = sh(keepgreen, "pytest-plugin", "--dir", self.dir, "--into", os.path.join(scratch, "plugin")).strip()

    def extras(self):
        """What the tests import besides: named in the project's own groups of requirements."""
        wanted = {"hypothesis", "pytest-mock", "simplejson", "freezegun", "cloudpickle", "typeguard", "tornado", "trio", "ephemeral-port-reserve", "watchdog", "cryptography", "pytest-timeout", "pytest-xprocess", "cffi", "greenlet", "blinker", "dateutil", "python-dateutil", "pytz", "tzdata", "pytest-asyncio", "setuptools"}
        text = ""
        for name in ["pyproject.toml", "setup.cfg", "setup.py", "tox.ini"] + glob.glob(os.path.join(self.dir, "requirements", "*.txt")) + glob.glob(os.path.join(self.dir, "requirements*.txt")):
            path = os.path.join(self.dir, name)
            if os.path.exists(path):
                text += open(path, errors="replace").read()
        return sorted(w for w in wanted if re.search(r"\b%s\b" % re.escape(w), text, re.I)) or ["setuptools"]

    def git(self, *args):
        return sh("git", *args, cwd=self.dir)

    def env(self, **more):
        env = dict(os.environ, PYTHONPATH=self.tools, PYTHONDONTWRITEBYTECODE="1", VIRTUAL_ENV=self.venv, PYTHONHASHSEED="0", **more)
        env["PATH"] = os.path.join(self.venv, "bin") + os.pathsep + env["PATH"]
        return env

    def pytest(self, *args, record=None, timeout=600):
        """Runs the tests: outcome and seconds by test, and the CPU seconds of all."""
        out = os.path.join(self.tools, "outcomes.json")
        if os.path.exists(out):
            os.remove(out)
        env = self.env(OUTCOMES=out)
        command = [self.python, "-m", "pytest", "-q", "-p", "bench_outcomes", "-p", "no:randomly"]
        if "--testmon" not in args:  # which needs pytest's cache
            command += ["-p", "no:testmon", "-p", "no:cacheprovider"]
        if record:
            env.update(KEEPGREEN_MAP=record, KEEPGREEN_MAP_ROOT=self.dir, PYTHONPATH=self.plugin + os.pathsep + env["PYTHONPATH"])
            command += ["-p", "keepgreen_map"]
        before = os.times()
        try:
            text = sh(*command, *args, cwd=self.dir, env=env, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return None, 0
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        if not os.path.exists(out):
            return {"": ["failed", 0.0]} if "rror" in text else {}, cpu
        return json.load(open(out)), cpu

    def record(self):
        folder = tempfile.mkdtemp(dir=self.tools)
        rows, cpu = self.pytest(record=folder)
        text = sh(self.keepgreen, "plan", "record", "--dir", self.dir, folder, env=self.env())
        shutil.rmtree(folder)
        return rows, cpu, text.strip()

    def plan(self, base):
        text = subprocess.run([self.keepgreen, "plan", "--dir", self.dir, "--base", base, "--format", "json", "--quiet"], env=self.env(), stdout=subprocess.PIPE, check=True).stdout
        return json.loads(text)


def definitions(path):
    try:
        tree = ast.parse(open(path, encoding="utf-8").read())
    except (SyntaxError, UnicodeDecodeError):
        return []
    return [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def mutate(path, node, how):
    """Breaks one function: it raises, returns nothing, or gets another constant or comparison."""
    lines = open(path, encoding="utf-8").read().split("\n")
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and isinstance(body[0].value.value, str) and len(body) > 1:
        body = body[1:]
    first = body[0]
    at = min([first.lineno] + [d.lineno for d in getattr(first, "decorator_list", [])]) - 1
    if first.lineno == node.lineno:
        return False
    if how == "other":
        for inner in ast.walk(ast.Module(body=body, type_ignores=[])):
            if isinstance(inner, ast.Compare) and len(inner.ops) == 1 and inner.lineno == inner.end_lineno and lines[inner.lineno - 1].isascii():
                line = lines[inner.lineno - 1]
                lines[inner.lineno - 1] = line[:inner.col_offset] + "(not (" + line[inner.col_offset:inner.end_col_offset] + "))" + line[inner.end_col_offset:]
                open(path, "w", encoding="utf-8").write("\n".join(lines))
                return True
        return False
    indent = lines[first.lineno - 1][: first.col_offset] if at == first.lineno - 1 else re.match(r"\s*", lines[at]).group()
    lines.insert(at, indent + ("raise RuntimeError('mutant')" if how == "raise" else "return None"))
    open(path, "w", encoding="utf-8").write("\n".join(lines))
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return True


def missed(failed, plan):
    """The failed tests that a plan leaves out; a file that could not be collected is all its tests."""
    selected = {t["id"] for t in plan["tests"]}
    left = {t["id"] for t in plan["skipped_tests"]}
    out = []
    for test in failed:
        if "::" not in test or test not in selected | left and test.split("::")[0].endswith(".py") and "::" not in test:
            out += [t for t in left if t.split("::")[0] == test]
        elif test not in selected and (test in left or not any(t == test.split("::")[0] for t in selected)):
            out.append(test)
    return sorted(set(out))


def mutants(project, n, seed):
    rows, _, text = project.record()
    again, _ = project.pytest()
    flaky = {t for t in rows if rows[t][0] != again.get(t, ["", 0])[0]} | {t for t in again if again[t][0] == "failed"}
    total = sum(r[1] for r in again.values())
    tracked = [f for f in project.git("ls-files", "*.py").split() if not f.startswith(("docs/", "examples/", "benchmark"))]
    pool = [(f, d.lineno) for f in tracked for d in definitions(os.path.join(project.dir, f)) if not d.name.startswith("test")]
    rng = random.Random(seed)
    rng.shuffle(pool)
    print("%s: %s; %d tests in %.1f s, %d functions" % (project.name, text, len(rows), total, len(pool)), flush=True)
    done = killed = misses = 0
    spared, selected, planned = [], [], []
    for file, line in pool:
        if done >= n:
            break
        path = os.path.join(project.dir, file)
        node = next(d for d in definitions(path) if d.lineno == line)
        if not mutate(path, node, rng.choice(["raise", "return", "other", "other"])):
            project.git("checkout", "-q", "--", file)
            continue
        done += 1
        start = time.perf_counter()
        plan = project.plan("HEAD")
        planned.append(time.perf_counter() - start)
        after, _ = project.pytest(timeout=max(60, 10 * total))
        project.git("checkout", "-q", "--", file)
        if after is None:
            continue
        failed = [t for t in after if after[t][0] == "failed" and t not in flaky]
        killed += bool(failed)
        for test in missed(failed, plan):
            misses += 1
            print("  MISS %s:%d %s: %s" % (file, line, node.name, test), flush=True)
        left = {t["id"] for t in plan["skipped_tests"]}
        spared.append(sum(again[t][1] for t in again if t in left) / max(total, 1e-9))
        selected.append(plan["selected"] / max(plan["total"], 1))
    mean = lambda xs: 100 * sum(xs) / max(len(xs), 1)
    print("%s: %d mutants, %d killed, %d misses; mean %.1f %% of tests selected, %.1f %% of the time spared; a plan %.2f s" % (
        project.name, done, killed, misses, mean(selected), mean(spared), sum(planned) / max(len(planned), 1)), flush=True)
    return done, killed, misses


def commits(project, n):
    hashes = [h for h in project.git("log", "--first-parent", "--format=%H", "-n", str(6 * n), "--", "*.py").split()][: n + 1][::-1]
    ours, theirs, misses, seen, chosen = [], [], 0, 0, []
    for f in glob.glob(os.path.join(project.dir, ".testmondata*")):
        os.remove(f)
    project.git("checkout", "-q", "--force", hashes[0])
    before, _, text = project.record()
    project.pytest("--testmon")
    print("%s: %s" % (project.name, text), flush=True)
    for parent, commit in zip(hashes, hashes[1:]):
        project.git("checkout", "-q", "--force", commit)
        plan = project.plan(parent)
        mon, _ = project.pytest("--testmon")
        after, _, _ = project.record()
        if not after:
            continue
        failed = [t for t in after if after[t][0] == "failed" and before.get(t, ["failed"])[0] != "failed"]
        gone = missed(failed, plan)
        for test in gone:
            print("  MISS %.9s %s" % (commit, test), flush=True)
        misses += len(gone)
        total = sum(r[1] for r in after.values()) or 1e-9
        left = {t["id"] for t in plan["skipped_tests"]}
        ours.append(sum(r[1] for t, r in after.items() if t in left) / total)
        theirs.append(sum(r[1] for t, r in after.items() if t not in (mon or {})) / total)
        seen += 1
        chosen.append(plan["mode"] == "selective")
        print("  %.9s keepgreen spares %5.1f %%, testmon %5.1f %%  %s: %s" % (commit, 100 * ours[-1], 100 * theirs[-1], plan["mode"], plan["reason"][:70]), flush=True)
        before = after
    mean = lambda xs: 100 * sum(xs) / max(len(xs), 1)
    some = lambda xs: [x for x, c in zip(xs, chosen) if c]
    print("%s: of %d commits without a critical path: keepgreen %.1f %%, testmon %.1f %%" % (project.name, sum(chosen), mean(some(ours)), mean(some(theirs))))
    print("%s: %d commits, %d misses; mean spared: keepgreen %.1f %%, testmon %.1f %%" % (project.name, seen, misses, mean(ours), mean(theirs)), flush=True)
    return seen, len(ours), misses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["mutants", "commits"])
    parser.add_argument("-n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--keepgreen", default="")
    parser.add_argument("--scratch", default="")
    parser.add_argument("repositories", nargs="+")
    args = parser.parse_args()
    scratch = args.scratch or tempfile.mkdtemp(prefix="keepgreen-bench-")
    os.makedirs(scratch, exist_ok=True)
    keepgreen = args.keepgreen or os.path.join(scratch, "keepgreen")
    if not args.keepgreen:
        sh("go", "build", "-trimpath", "-o", keepgreen, ".", cwd=HERE)
    sums = [0, 0, 0]
    for source in args.repositories:
        if not os.path.isdir(source):
            print("%s: not here, skipped" % source)
            continue
        try:
            project = Project(os.path.abspath(source), args.python, scratch, keepgreen)
            result = mutants(project, args.n, args.seed) if args.what == "mutants" else commits(project, args.n)
        except (RuntimeError, subprocess.SubprocessError) as problem:
            print("%s: skipped: %s" % (source, problem))
            continue
        sums = [a + b for a, b in zip(sums, result)]
    print("all: %d %s, %d misses" % (sums[0], args.what, sums[2]))


main()
