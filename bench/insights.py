#!/usr/bin/env python3
"""How long all key figures and insights of a large history take, and how much memory.

usage: bench/insights.py [RUNS] [KEEPGREEN]

Makes a history of RUNS (100,000) attempts with results of tests, findings, fixes and voices, as an export, imports
it, and runs "keepgreen insights" on it. The generator has no clock and a fixed seed: equal numbers give equal histories.
"""
import hashlib, json, os, random, resource, subprocess, sys, tempfile, time
from datetime import datetime, timedelta, timezone

def generate(path, runs, now, days=120):
    rnd = random.Random(7)
    iso = lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ")
    with open(path, "w") as out:
        put = lambda o: out.write(json.dumps(o, separators=(",", ":")) + "\n")
        put({"format": "keepgreen-history-lines", "version": 1})
        start = now - timedelta(days=days)
        n, run = 0, 0
        while n < runs:
            at = start + (now - start) * (n / runs)
            day = (at - start).days
            main = run % 4 == 0
            build = 600 * rnd.lognormvariate(0, .15) * (1.0 if day < days - 30 else 1 + .5 * (day - days + 30) / 30)
            red = rnd.random() < .12
            row = {"kind": "pipeline", "repo": "acme/shop", "run": str(10_000_000 + run), "attempt": 1, "workflow": "CI",
                   "ref_class": "main" if main else "pull_request", "branch": "main" if main else "feature-%d" % (run % 97),
                   "commit": hashlib.sha1(str(run).encode()).hexdigest(), "url": "https://github.com/acme/shop/actions/runs/%d" % (10_000_000 + run),
                   "status": "failure" if red else "success", "created": iso(at), "started": iso(at), "build_s": round(build, 1),
                   "queue_s": round(rnd.expovariate(1 / 40), 1), "machine_s": round(3 * build, 1), "flaky": 1 if rnd.random() < .03 else 0,
                   "selection_saved_s": 0 if main else round(rnd.uniform(0, 500), 1), "model_cost_usd": round(rnd.uniform(0, .02), 4),
                   "selection_audited": 20 if main else 0, "selection_missed": 1 if main and rnd.random() < .01 else 0}
            if main:
                row["coverage_pct"] = round(91 + rnd.gauss(0, .2), 2)
            put(row)
            results = [{"test": "tests/test_%d.py::test_%d" % (i, (run + i) % 40), "outcome": "passed", "attempt": 1, "duration_s": .1} for i in range(8)]
            if row["flaky"]:
                results.insert(0, {**results[0], "outcome": "failed"})
                results[1]["attempt"] = 2
            elif red:
                results[3]["outcome"] = "failed"
            put({"kind": "record", "run": {"repo": row["repo"], "run": row["run"], "attempt": 1, "event": "push" if main else "pull_request", "main": main,
                 "commit": row["commit"], "tree": row["commit"], "started": iso(at), "duration_ns": int(build * 1e9)}, "results": results})
            n += 1
            if red and rnd.random() < .4 and n < runs:
                put({**row, "attempt": 2, "status": "success", "started": iso(at + timedelta(minutes=20)), "build_s": round(build / 2, 1)})
                n += 1
            run += 1
        for i in range(60):
            at = now - timedelta(days=80 - i)
            fix = {"kind": "fix", "repo": "acme/shop", "id": str(i), "proposed": iso(at), "confidence": round(rnd.uniform(.9, 1), 3)}
            if i % 4:
                fix.update(merged=iso(at + timedelta(hours=9)), unchanged=bool(i % 5))
            put(fix)
        for i in range(80):
            kind, values = rnd.choice([("reaction", ["+1", "heart", "-1"]), ("survey", ["3", "4", "5"]), ("reply", ["satisfied", "dissatisfied"])])
            put({"kind": "feedback", "repo": "acme/shop", "id": "c%d" % i, "said": kind, "value": rnd.choice(values), "n": 1, "at": iso(now - timedelta(days=i % 29))})

def measure(label, args, cwd):
    before = time.time()
    pid = subprocess.Popen(args, cwd=cwd, stdout=subprocess.DEVNULL)
    _, status, use = os.wait4(pid.pid, 0)
    if status:
        sys.exit("%s: exit status %d" % (label, os.waitstatus_to_exitcode(status)))
    print("%-34s %6.2f s wall %6.2f s CPU %5.0f MiB" % (label, time.time() - before, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024), flush=True)

def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    keepgreen = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "./keepgreen")
    now = datetime.now(timezone.utc).replace(microsecond=0)
    with tempfile.TemporaryDirectory() as cwd:
        generate(os.path.join(cwd, "past.jsonl"), runs, now)
        measure("import of %s attempts" % format(runs, ","), [keepgreen, "history", "import", "past.jsonl", "--quiet"], cwd)
        for label, more in [("insights, 30 days", []), ("insights, every day", ["--days", "120"]), ("insights, with the HTML page", ["--html", "insights.html"])]:
            measure(label, [keepgreen, "insights", *more], cwd)
        measure("export of everything", [keepgreen, "history", "export", "out.jsonl"], cwd)

if __name__ == "__main__":
    main()
