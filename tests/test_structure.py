"""The architecture, held from the syntax tree: what may import what, and how long functions may be."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mobile_style

ROOT = Path(mobile_style.__file__).parent
PAGE = ROOT.parent / "docs" / "architecture.md"  # its table of folders is the order: each imports from those above it
DOORS = ("__init__", "__main__")  # the library's and the command line's; no module imports them
LONGEST = 60  # lines of a function, its docstring included; of a command, which declares its flags above, without them
MOST_PARAMETERS = 8  # of a public function


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name, such as "training.run"; a folder is its __init__."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def listed() -> dict[str, str]:
    """The table of the page: each folder, "" for the top, and its modules."""
    row = r"^\| `(?:mobile_style|(\w+))/` \|.*\| ([\w, ]+) \|$"
    return dict(re.findall(row, PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def imports(module: str) -> Iterator[str]:
    """The modules of the package that one imports, wherever in its text, by the names of `modules`."""
    own = ROOT.joinpath(*module.split("."))
    folder = module.split(".") if own.is_dir() else module.split(".")[:-1]
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "mobile_style" for alias in node.names), "imports are relative"
        if isinstance(node, ast.ImportFrom) and node.level:
            place = folder[: len(folder) + 1 - node.level] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                inner = ".".join([*place, alias.name])
                yield inner if inner in modules() else ".".join(place)
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] != "mobile_style", "imports are relative"


def folder_of(module: str) -> str:
    """The folder at the top that a module lies in; "" for a module at the top."""
    first = module.split(".")[0]
    return first if first in listed() else ""


def functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    """Every function, and whether others may call it: no part of its name begins with an underscore."""

    def inside(node: ast.AST, public: bool) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                reachable = public and (not child.name.startswith("_") or child.name == "__init__")
                yield child, reachable
                yield from inside(child, False)
            elif isinstance(child, ast.ClassDef):
                yield from inside(child, public and not child.name.startswith("_"))
            else:
                yield from inside(child, public)

    return inside(tree, True)


def test_the_page_lists_every_folder_and_module() -> None:
    found: dict[str, list[str]] = {}
    for module in sorted(set(modules()) - set(DOORS)):
        folder, _, name = module.rpartition(".")
        if not (ROOT / module).is_dir():
            found.setdefault(folder, []).append(name)
    assert {folder: ", ".join(names) for folder, names in found.items()} == listed()


def test_a_folder_imports_only_from_those_above_it() -> None:
    rank = {folder: place for place, folder in enumerate(listed())}
    seen = 0
    for module in modules():
        if module in DOORS:
            continue
        for imported in imports(module):
            assert imported in modules() and imported not in DOORS, f"{module} imports {imported}"
            assert rank[folder_of(imported)] <= rank[folder_of(module)], f"{module} imports {imported}"
            seen += 1
    assert seen > 100


def test_no_modules_import_each_other_in_a_circle() -> None:
    done: set[str] = set()

    def follow(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join([*way, module])
        if module not in done:
            for imported in imports(module):
                follow(imported, (*way, module))
            done.add(module)

    for module in modules():
        if module not in DOORS:
            follow(module, ())
    assert len(done) == len(modules()) - len(DOORS)


def test_no_function_is_long_and_none_takes_many_parameters() -> None:
    found = []
    for module, tree in modules().items():
        for function, public in functions(tree):
            assert function.end_lineno is not None
            command = folder_of(module) == "cli"
            first = function.body[0].lineno if command else function.lineno
            lines, given = function.end_lineno - first + 1, function.args
            parameters = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            count = len([name for name in parameters if name not in ("self", "cls")])
            if lines > LONGEST:
                found.append(f"{module}.{function.name} has {lines} lines")
            if public and count > MOST_PARAMETERS and not command:
                found.append(f"{module}.{function.name} has {count} parameters")
    assert not found, "\n".join(found)
