#!/usr/bin/env python3
"""What `keepgreen run` costs beside the tools that it starts.

    bench/run.py [DIR] [PAIRS]      default: examples/kv-hygiene, 9 pairs

DIR is a repository that `keepgreen run` can run (make run sets the example up).
For each tool that keepgreen finds there, keepgreen with that tool alone and the
very command that it started are run in turn, and the medians are compared. The
goal is less than 5 % or 300 ms.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
folder = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "examples/kv-hygiene"))
pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 9


def timed(command):
    start = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        subprocess.run(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, check=False)
    return time.perf_counter() - start


def main():
    with tempfile.TemporaryDirectory() as bin:
        keepgreen = os.path.join(bin, "keepgreen")
        subprocess.run(["go", "build", "-trimpath", "-o", keepgreen, "."], cwd=here, check=True)
        run = [keepgreen, "run", folder, "--quiet", "--ai", "off", "--format", "json"]
        answer = subprocess.run(run, stdout=subprocess.PIPE, check=False)
        jobs = [j for j in json.loads(answer.stdout)["jobs"] if j.get("command")]
        print(f"{'tool':8} {'alone':>8} {'run':>8} {'more':>8} {'ratio':>6}   medians of {pairs} pairs, seconds")
        for job in jobs:
            ours, theirs = [], []
            for _ in range(pairs):
                ours.append(timed(run + ["--tools", job["tool"]]))
                theirs.append(timed(job["command"]))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(f"{job['tool']:8} {b:8.3f} {a:8.3f} {a - b:8.3f} {a / b:6.2f}")


main()
