"""Reads a body from standard input and holds it to a model of Datadog's own client: every key known, every type right."""
import importlib
import json
import sys
from datadog_api_client import Configuration
from datadog_api_client.model_utils import validate_and_convert_types

module, name = sys.argv[1].split(".")
model = getattr(importlib.import_module("datadog_api_client.v2.model." + module), name)
body = json.load(sys.stdin)
got = validate_and_convert_types(body, (model,), ["body"], True, True, Configuration())
assert isinstance(got, model), type(got)

def check(node, path):
    if getattr(node, "_unparsed", False):
        sys.exit("%s: not understood" % path)
    for name, value in getattr(node, "_data_store", {}).items():
        if hasattr(node, "attribute_map") and name not in node.openapi_types and not getattr(node, "_composed_instances", None):
            sys.exit("%s.%s: unknown" % (path, name))
        for i, one in enumerate(value if isinstance(value, list) else [value]):
            check(one, "%s.%s" % (path, name))

check(got, name)
