"""Prints the exported surface of the bridge, sorted, from the generated Python: what a reviewer of the API looks at.

    python3 bindings/api.py bindings/python/sotay/generated/sotay_ffi.py > bindings/ffi/api.txt
"""

import ast
import sys


def signature(function):
    """Parameters and result of a function, without `self`."""
    arguments = function.args
    plain = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = list(zip(plain, defaults)) + list(zip(arguments.kwonlyargs, arguments.kw_defaults))
    shown = []
    for argument, default in pairs:
        if argument.arg in ("self", "cls"):
            continue
        text = argument.arg
        if argument.annotation is not None:
            text += ": " + ast.unparse(argument.annotation)
        if default is not None:
            text += " = " + ("default" if ast.unparse(default) == "_DEFAULT" else ast.unparse(default))
        shown.append(text)
    result = "" if function.returns is None else " -> " + ast.unparse(function.returns)
    return "(" + ", ".join(shown) + ")" + result


def describe(node):
    """Lines of one class: its kind and its members."""
    bases = [ast.unparse(base) for base in node.bases]
    functions = [item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inner = [item for item in node.body if isinstance(item, ast.ClassDef)]
    if "enum.Enum" in bases:
        values = [item.targets[0].id for item in node.body if isinstance(item, ast.Assign)]
        return "enum", ["| " + value for value in values]
    if inner:
        lines = []
        for variant in inner:
            made = [item for item in variant.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
            lines.append("| " + variant.name + (signature(made[0]) if made else ""))
        return ("error" if "_UniffiTemp" + node.name in str([b for v in inner for b in map(ast.unparse, v.bases)]) else "choice"), lines
    made = [item for item in functions if item.name == "__init__"]
    if made and made[0].args.kwonlyargs:
        return "record", ["  " + part for part in signature(made[0])[1:-1].split(", ")]
    methods = []
    for function in functions:
        if function.name.startswith("_"):
            continue
        kind = "async " if isinstance(function, ast.AsyncFunctionDef) else ""
        static = any(ast.unparse(one) == "classmethod" for one in function.decorator_list)
        methods.append(f"  {'new ' if static else ''}{kind}{function.name}{signature(function)}")
    return "object" if any(base.endswith("Protocol") for base in bases) else "trait", methods


def main(path):
    tree = ast.parse(open(path, encoding="utf-8").read())
    exported = next(
        {ast.literal_eval(item) for item in node.value.elts}
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    blocks = {}
    for node in tree.body:
        name = getattr(node, "name", "")
        if name not in exported or name.endswith("Protocol") or name in ("InternalError",):
            continue
        if isinstance(node, ast.ClassDef):
            kind, lines = describe(node)
            if lines:
                blocks[name] = "\n".join([f"{kind} {name}"] + lines)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            blocks[name] = f"function {name}{signature(node)}"
    print("# Exported surface of sotay-ffi. Written by bindings/generate.sh; review every difference.")
    for name in sorted(blocks):
        print("\n" + blocks[name])


main(sys.argv[1])
