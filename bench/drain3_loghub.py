"""Groups the labelled logs of LOGHUB_DIR with Drain3 as it comes out of the box
and prints the same table as TestGroupingOfLabelledLogs, with lines per second of computing.

    python -m venv .venv && .venv/bin/pip install drain3==0.9.11
    LOGHUB_DIR=... .venv/bin/python bench/drain3_loghub.py
"""
import csv
import logging
import os
import time
from collections import Counter
from pathlib import Path

from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

logging.disable(logging.CRITICAL)


def pairs(n):
    return n * (n - 1) / 2


def agree(truth, got):
    both, by_truth, by_got = Counter(zip(truth, got)), Counter(truth), Counter(got)
    exact = [(c, n) for c, n in both.items() if n == by_truth[c[0]] == by_got[c[1]]]
    tp = sum(pairs(n) for n in both.values())
    total = sum(map(pairs, by_truth.values())) + sum(map(pairs, by_got.values()))
    return (
        sum(n for _, n in exact) / len(truth),
        2 * len(exact) / (len(by_truth) + len(by_got)),
        2 * tp / total if total else 0,
    )


def main():
    rows, lines, seconds = [], 0, 0.0
    for path in sorted(Path(os.environ["LOGHUB_DIR"]).glob("*/*_2k.log_structured.csv")):
        with open(path, newline="", encoding="utf-8") as f:
            table = list(csv.DictReader(f))
        miner = TemplateMiner(config=TemplateMinerConfig())
        start = time.process_time()
        got = [miner.add_log_message(row["Content"])["cluster_id"] for row in table]
        seconds += time.process_time() - start
        lines += len(table)
        row = agree([r["EventId"] for r in table], got)
        rows.append(row)
        print(f"{path.parent.name:<12} GA {row[0]:.3f}  FGA {row[1]:.3f}  pair F1 {row[2]:.3f}")
    mean = [sum(r[i] for r in rows) / len(rows) for i in range(3)]
    print(f"{'Drain3, all':<12} GA {mean[0]:.3f}  FGA {mean[1]:.3f}  pair F1 {mean[2]:.3f}  {lines / seconds:,.0f} lines/s")


if __name__ == "__main__":
    main()
