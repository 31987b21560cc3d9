"""Writes what Python's own ast, and radon, say about every .py file below the
given folders as JSON lines, for internal/source's TestAgainstPython.

    python bench/ast_truth.py /usr/lib/python3 … > truth.jsonl
    KEEPGREEN_AST_TRUTH=truth.jsonl go test -v -run AgainstPython ./internal/source/

A file that ast does not take is left out. radon's numbers are there if radon is
installed and for the functions that it lists.
"""

import ast
import json
import os
import sys
import warnings

try:
    from radon.visitors import ComplexityVisitor
except ImportError:
    ComplexityVisitor = None

if ComplexityVisitor:
    # radon does not know except*, whose handlers are handlers like any other.
    ComplexityVisitor.get_name = staticmethod(lambda node: type(node).__name__.replace("TryStar", "Try"))

LOADERS = {"import_module", "__import__", "importorskip"}
warnings.simplefilter("ignore")
sys.setrecursionlimit(20000)


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield [node.lineno, 0, name.name, "", name.asname or ""]
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield [node.lineno, node.level, node.module or "", name.name, name.asname or ""]


def dynamic(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        value = getattr(node.args[0], "value", None)
        if name in LOADERS and isinstance(node.args[0], ast.Constant) and isinstance(value, str):
            if all(part.isidentifier() for part in value.lstrip(".").split(".")):
                yield value


def definitions(node, prefix=""):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = prefix + child.name
            yield [name, child.lineno, child.end_lineno]
            inner = "." if isinstance(child, ast.ClassDef) else ".<locals>."
            yield from definitions(child, name + inner)
        else:
            yield from definitions(child, prefix)


def complexities(tree):
    def functions(found):
        for f in found:
            yield [f.lineno, f.name, f.complexity]
            yield from functions(f.closures)

    def classes(found):
        for c in found:
            yield from functions(c.methods)
            yield from classes(c.inner_classes)

    visitor = ComplexityVisitor.from_ast(tree)
    yield from functions(visitor.functions)
    yield from classes(visitor.classes)


def main(roots):
    for root in roots:
        for folder, _, files in os.walk(root):
            for name in sorted(files):
                if name.endswith(".py"):
                    write(os.path.join(folder, name))


def write(path):
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
        fact = {"path": path, "imports": list(imports(tree)), "dynamic": list(dynamic(tree)), "defs": list(definitions(tree))}
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
        return
    if ComplexityVisitor:
        try:
            fact["complexity"] = list(complexities(tree))
        except RecursionError:
            pass
    print(json.dumps(fact))


if __name__ == "__main__":
    main(sys.argv[1:])
