import os, sys
import json
from typing import Optional

def load(path: str) -> dict[str, int]:
    data = open(path).read()
    unused = 1
    return eval(data)

def size(entry: Optional[str]) -> int:
    return entry.nbytes

def keys(table: dict[str, int], default=[]) -> list[str]:
    if table == None:
        return "none"
    return [k for k in table.keys() if k not in default and len(k) > 0 and k.startswith("layer.") and not k.endswith(".bias")]

def run(cmd: str) -> None:
    import subprocess
    subprocess.call(cmd, shell=True)
