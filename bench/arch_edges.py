"""Compares the imports of `keepgreen arch --format json` with grimp's, package by
package, and says of every difference why it is there. What it cannot say is
printed by name, and the exit status is 1.

    python bench/arch_edges.py KEEPGREEN FOLDER PACKAGE…     (grimp installed; FOLDER on sys.path)

grimp 3.20 builds no module of a folder within a package that has no __init__.py
(adaptors/modulefinder.py, "orphans"), and keeps imports of a module by itself.
"""

import collections
import json
import os
import subprocess
import sys

import grimp


def orphan(module, file, package, folder):
    """The topmost folder above a module's file that has no __init__.py, within its package."""
    parts = file.split("/")[:-1]
    for n in range(1, len(parts) + 1):
        below = os.path.join(package, *parts[:n])
        if not os.path.exists(os.path.join(folder, below, "__init__.py")):
            return below
    return None


def main(keepgreen, folder, *packages):
    sys.path.insert(0, folder)
    unexplained = 0
    print("| package | grimp | keepgreen | both | why the others differ |\n| --- | --: | --: | --: | --- |")
    for package in packages:
        try:
            graph = grimp.build_graph(package, include_external_packages=False, cache_dir=None)
        except Exception as error:
            print(f"| {package} | – | – | – | grimp does not take it: {type(error).__name__} |")
            continue
        theirs = {(m, to) for m in graph.modules for to in graph.find_modules_directly_imported_by(m)}
        out = subprocess.run([keepgreen, "arch", "--no-cache", "--churn-since", "none", "--format", "json", "--dir", f"{folder}/{package}"], capture_output=True, check=True)
        found = json.loads(out.stdout)
        file = {m["name"]: m["file"] for m in found["modules"] if "file" in m}
        ours = {(i["from"], i["to"]) for i in found["imports"] if i["to"] in file and not i.get("dynamic")}
        why, left = collections.Counter(), []
        for edge in ours - theirs:
            missing = [m for m in edge if m not in graph.modules]
            folders = {orphan(m, file[m], package, folder) for m in missing} - {None}
            if missing and folders:
                why[f"`{sorted(folders)[0]}` has no `__init__.py`"] += 1
            else:
                left.append(("only keepgreen", edge))
        for edge in theirs - ours:
            if edge[0] == edge[1]:
                why[f"`{edge[0]}` imports itself"] += 1
            else:
                left.append(("only grimp", edge))
        reasons = "; ".join(f"{n} × {reason}" if n > 1 else reason for reason, n in sorted(why.items()))
        print(f"| {package} | {len(theirs)} | {len(ours)} | {len(theirs & ours)} | {reasons} |")
        for side, edge in sorted(left):
            print(f"UNEXPLAINED {side}: {edge[0]} -> {edge[1]}")
        unexplained += len(left)
    print(f"\n{unexplained} differences that are not explained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
