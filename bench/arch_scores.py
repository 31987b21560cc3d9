"""Prints the health scores of well-known projects, as their wheels hold them, as
the table of docs/arch.md. The limits of the score were chosen on CHOSEN; HELD_OUT
was put together afterwards, before any of it had been scored.

    python bench/arch_scores.py KEEPGREEN FOLDER     (FOLDER: where pip puts the wheels)
"""

import json
import os
import statistics
import subprocess
import sys

CHOSEN = (
    "wagtail celery setuptools kombu jedi flask tornado pylint twisted pytest:_pytest sphinx requests jinja2 httpx babel pydantic django "
    "attrs:attr scrapy black pip mypy scikit-learn:sklearn werkzeug matplotlib fastapi click sqlalchemy aiohttp nltk rich sympy xarray pandas networkx"
).split()
HELD_OUT = (
    "starlette urllib3 pygments docutils dask scipy seaborn statsmodels bokeh poetry mkdocs tox virtualenv coverage hypothesis flake8 isort "
    "sqlfluff paramiko trio redis pymongo marshmallow luigi"
).split()


def score(keepgreen, folder, project):
    name, _, package = project.partition(":")
    path = os.path.join(folder, package or name)
    out = subprocess.run([keepgreen, "arch", "--no-cache", "--churn-since", "none", "--format", "json", "--dir", path], capture_output=True, check=True)
    doc = json.loads(out.stdout)
    own = [m for m in doc["modules"] if "file" in m]
    tied = sum(m["circular"] for m in own)
    cuts = sum(len(t["cuts"]) for t in doc["tangles"] if t["at_load"])
    reach = next(p["value"] for p in doc["score_parts"] if p["name"] == "reach")
    version = next((d.split("-")[1].removesuffix(".dist") for d in sorted(os.listdir(folder)) if d.endswith(".dist-info") and d.lower().split("-")[0].replace("_", "-") == name), "")
    return doc["health_score"], f"{name} {version}".strip(), len(own), tied, cuts, reach


def install(folder, projects):
    missing = [name for name, _, package in (p.partition(":") for p in projects) if not os.path.isdir(os.path.join(folder, package or name))]
    if missing:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile", "--disable-pip-version-check", "--target", folder, *missing], check=True)


def table(rows):
    print("| project | score | modules | in a cycle at load | imports to cut | a change may break |\n| --- | --: | --: | --: | --: | --: |")
    for value, name, modules, tied, cuts, reach in sorted(rows, key=lambda r: (-r[0], r[1])):
        print(f"| {name} | {value:.1f} | {modules} | {tied} | {cuts} | {100 * reach:.0f} % |")


def quartiles(rows):
    low, middle, high = statistics.quantiles([r[0] for r in rows], n=4, method="inclusive")
    return f"{len(rows)} projects, quartiles {low:.1f}, {middle:.1f} and {high:.1f}, {high - low:.1f} apart"


def main(keepgreen, folder):
    os.makedirs(folder, exist_ok=True)
    install(folder, CHOSEN + HELD_OUT)
    for title, projects in ("chosen on", CHOSEN), ("held out", HELD_OUT):
        rows = [score(keepgreen, folder, p) for p in projects]
        print(f"\n{title}: {quartiles(rows)}\n")
        table(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
