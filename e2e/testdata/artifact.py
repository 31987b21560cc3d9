"""Stands in for actions/upload-artifact and actions/download-artifact: a folder
an artifact, with the rules that matter: names are taken once, the least common
folder is the root, hidden files stay behind."""

import fnmatch
import glob
import os
import re
import shutil
import sys

store = os.environ["STANDIN_ARTIFACTS"]
asked = {name: os.environ.get("IN_" + name, "") for name in ("NAME", "PATH", "PATTERN", "IF_NO_FILES_FOUND")}


def searched(pattern):
    """Where the search for a pattern begins: above its first wildcard."""
    parts = pattern.rstrip("/").split("/")
    fixed = [part for i, part in enumerate(parts) if not any(c in "".join(parts[: i + 1]) for c in "*?[")]
    return "/".join(fixed) or "."


def upload():
    paths = [p for p in asked["PATH"].split("\n") if p]
    files = []
    for pattern in paths:
        for found in glob.glob(pattern, recursive=True):
            if os.path.isdir(found):
                files += [os.path.join(d, f) for d, _, names in os.walk(found) for f in names if not f.startswith(".")]
            else:
                files.append(found)
    if not files:
        sys.exit(f"no files for {asked['NAME']}" if asked["IF_NO_FILES_FOUND"] == "error" else 0)
    root = os.path.commonpath([os.path.abspath(searched(p)) for p in paths])
    if not os.path.isdir(root):
        root = os.path.dirname(root)
    into = os.path.join(store, asked["NAME"])
    os.mkdir(into)  # fails where there is one of that name, as the service does
    for file in files:
        to = os.path.join(into, os.path.relpath(file, root))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(file, to)


def download():
    into = asked["PATH"] or "."
    os.makedirs(into, exist_ok=True)
    if asked["NAME"]:
        shutil.copytree(os.path.join(store, asked["NAME"]), into, dirs_exist_ok=True)
        return
    pattern = asked["PATTERN"] or "*"
    choice = re.fullmatch(r"(.*)@\((.*)\)", pattern)  # the service knows minimatch; of that, this much is used
    patterns = [choice[1] + each for each in choice[2].split("|")] if choice else [pattern]
    names = [n for n in sorted(os.listdir(store)) if any(fnmatch.fnmatch(n, each) for each in patterns)]
    for name in names:
        # download-artifact v8 makes no folder for a single artifact, whoever found it.
        shutil.copytree(os.path.join(store, name), into if len(names) == 1 else os.path.join(into, name), dirs_exist_ok=True)


upload() if sys.argv[1] == "upload" else download()
