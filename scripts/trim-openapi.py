#!/usr/bin/env python3
"""Takes the operations that we use out of GitHub's published OpenAPI description.

usage: trim-openapi.py api.github.com.json OPERATIONS OUT.json.gz

The description comes in the package @octokit/openapi (MIT):

    npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
    scripts/trim-openapi.py package/generated/api.github.com.json \\
        internal/github/githubtest/testdata/operations.txt \\
        internal/github/githubtest/testdata/openapi.json.gz

What a request may hold is kept as it is published. Of the answers the types are
kept but not which properties are required: the fake answers with what we read.
Prose and examples go. The output is the same for the same input.
"""
import gzip
import json
import sys

PROSE = {"description", "summary", "examples", "example", "externalDocs", "x-github", "tags", "title",
         "x-octokit", "x-github-breaking-changes", "deprecated", "x-multi-segment"}
NAMED = {"properties", "paths", "schemas", "parameters", "responses", "headers", "content", "patternProperties"}


def bare(node, named=False):
    """The node without prose. The keys of a map of names are no prose."""
    if isinstance(node, dict):
        return {k: bare(v, k in NAMED and not named) for k, v in node.items() if named or k not in PROSE}
    if isinstance(node, list):
        return [bare(v) for v in node]
    return node


def lax(node, named=False):
    """A schema that checks types and names, but asks for nothing: so one of several may be any of them."""
    if isinstance(node, dict):
        return {"anyOf" if k == "oneOf" and not named else k: lax(v, k == "properties" and not named) for k, v in node.items()
                if named or k not in ("required", "additionalProperties", "enum", "format", "minItems", "maxItems", "pattern", "discriminator")}
    if isinstance(node, list):
        return [lax(v) for v in node]
    return node


def refs(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def renamed(node, prefix):
    """References to schemas lead to their lax namesakes."""
    if isinstance(node, dict):
        return {k: v.replace("#/components/schemas/", "#/components/schemas/" + prefix)
                if k == "$ref" and isinstance(v, str) else renamed(v, prefix) for k, v in node.items()}
    if isinstance(node, list):
        return [renamed(v, prefix) for v in node]
    return node


def answer(full, response):
    """A response as its JSON schema, every reference in it followed up to the schemas."""
    while "$ref" in response:
        response = full["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    content = response.get("content", {}).get("application/json")
    out = {"description": ""}
    if content and "schema" in content:
        out["content"] = {"application/json": {"schema": renamed(lax(bare(content["schema"])), "answer-")}}
    return out


def operation(full, path, method):
    op = full["paths"][path][method]
    out = {k: bare(v) for k, v in op.items() if k in ("operationId", "parameters", "requestBody")}
    out["parameters"] = bare(full["paths"][path].get("parameters", [])) + out.get("parameters", [])
    out["responses"] = {code: answer(full, r) for code, r in op["responses"].items() if code[0] in "23"}
    return out


def mended(out):
    """Where the description contradicts GitHub's documentation, the documentation is right."""
    # "created" takes the search syntax for dates, as its own prose says: ">=2026-01-02T03:04:05Z".
    out["components"]["parameters"]["created"]["schema"].pop("format")
    return out


def component(full, ref):
    kind, name = ref.removeprefix("#/components/").split("/")
    if kind == "schemas" and name.startswith("answer-"):
        return kind, name, renamed(lax(bare(full["components"][kind][name.removeprefix("answer-")])), "answer-")
    return kind, name, bare(full["components"][kind][name])


def main(source, operations, target):
    with open(source, encoding="utf-8") as f:
        full = json.load(f)
    out = {"openapi": full["openapi"], "info": {"title": full["info"]["title"], "version": full["info"]["version"]},
           "paths": {}, "components": {}}
    with open(operations, encoding="utf-8") as f:
        lines = [line.split() for line in f if line.strip() and not line.startswith("#")]
    for method, path in lines:
        out["paths"].setdefault(path, {})[method.lower()] = operation(full, path, method.lower())
    waiting, done = set(refs(out)), set()
    while waiting:
        ref = waiting.pop()
        done.add(ref)
        kind, name, node = component(full, ref)
        out["components"].setdefault(kind, {})[name] = node
        waiting |= set(refs(node)) - done
    text = json.dumps(mended(out), separators=(",", ":"), sort_keys=True).encode()
    with open(target, "wb") as f:
        f.write(gzip.compress(text, 9, mtime=0))
    print(f"{len(lines)} operations, {len(text)} bytes, {len(open(target, 'rb').read())} packed")


if __name__ == "__main__":
    main(*sys.argv[1:4])
