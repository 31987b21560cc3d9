"""Compares the imports of `keepgreen arch --format json` with grimp's, package by
package, and names what differs.

    python bench/arch_edges.py KEEPGREEN FOLDER PACKAGE…     (grimp installed; FOLDER on sys.path)
"""

import json
import subprocess
import sys
import time

import grimp


def main(keepgreen, folder, *packages):
    sys.path.insert(0, folder)
    for package in packages:
        start = time.perf_counter()
        graph = grimp.build_graph(package, include_external_packages=False, cache_dir=None)
        theirs_s = time.perf_counter() - start
        theirs = {(m, to) for m in graph.modules for to in graph.find_modules_directly_imported_by(m)}
        start = time.perf_counter()
        out = subprocess.run([keepgreen, "arch", "--churn-since", "none", "--format", "json", "--dir", f"{folder}/{package}"], capture_output=True, check=True)
        ours_s = time.perf_counter() - start
        found = json.loads(out.stdout)
        own = {m["name"] for m in found["modules"] if "file" in m}
        ours = {(i["from"], i["to"]) for i in found["imports"] if i["to"] in own and not i.get("dynamic")}
        print(f"{package}: {len(theirs)} imports in grimp's graph, {len(ours)} in ours; {theirs_s:.2f} s and {ours_s:.2f} s, ratio {theirs_s / ours_s:.0f}")
        for name, edges in ("only grimp", theirs - ours), ("only keepgreen", ours - theirs):
            for edge in sorted(edges)[:10]:
                print(f"  {name}: {edge[0]} -> {edge[1]}")
            if len(edges) > 10:
                print(f"  {name}: and {len(edges) - 10} more")


if __name__ == "__main__":
    main(*sys.argv[1:])
