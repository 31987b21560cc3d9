#!/usr/bin/env python3
"""VADER beside keepgreen's lexicon, on the same labelled replies.

usage: pip install vaderSentiment==3.3.2 && bench/sentiment.py

Prints macro F1 over satisfied, dissatisfied and neutral for each half. VADER's own thresholds (±0.05) are used. The lexicon's
figures come from its test; nothing prints a text of the held-out half.
"""
import os, re, subprocess
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
rows = [l.rstrip("\n").split("\t", 2) for l in open(os.path.join(root, "internal/trend/testdata/comments.tsv"), encoding="utf-8") if not l.startswith("#")]
vader = SentimentIntensityAnalyzer()

def label(text):
    score = vader.polarity_scores(text)["compound"]
    return "satisfied" if score >= .05 else "dissatisfied" if score <= -.05 else "neutral"

def macro(half):
    pairs = [(want, label(text)) for part, want, text in rows if part == half]
    total = 0
    for cls in ("satisfied", "dissatisfied", "neutral"):
        hit = sum(w == g == cls for w, g in pairs)
        total += 2 * hit / max(sum(w == cls for w, _ in pairs) + sum(g == cls for _, g in pairs), 1)
    return total / 3, len(pairs)

out = subprocess.run(["go", "test", "./internal/trend", "-run", "^TestReplies$", "-v", "-count=1"], cwd=root, capture_output=True, text=True).stdout
for half in ("open", "held-out"):
    f1, n = macro(half)
    ours = re.search(r"macro F1 ([\d.]+) on the %s half" % half, out)
    print("%-9s n %3d   VADER %.3f   keepgreen %s" % (half, n, f1, ours.group(1) if ours else "?"))
