"""Starts the recorder in a Python that a recorded test started, then makes way
for the sitecustomize that would have been imported without it."""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
if os.environ.get("KEEPGREEN_MAP") and os.environ.get("KEEPGREEN_MAP_TEST"):
    try:
        import keepgreen_map

        keepgreen_map.child()
    except Exception:  # never the program's business
        pass

_path = [p for p in sys.path if os.path.abspath(p or ".") != _here]
try:
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    _spec = PathFinder.find_spec("sitecustomize", _path)
    if _spec is not None and _spec.loader is not None:
        _module = module_from_spec(_spec)
        _spec.loader.exec_module(_module)
except ImportError:
    pass
