"""Which public functions and classes do not say in a numpydoc section what their arguments are.

    python -m tests.helpers.docstrings [--list]

prints a count per package, and with ``--list`` every function.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bsn", "data", "distill", "restoration")
_IMPLIED = ("self", "cls")
_NO_TEXT_OF_THEIR_OWN = ("overload", "setter", "override")
_ENTRY = re.compile(r"^(?P<names>\*{0,2}\w+(?:, *\*{0,2}\w+)*)(?: *:.*)?$")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Gap:
    """A function, or a class, whose arguments are not documented.

    Parameters
    ----------
    place : str
        ``path:line name``.
    package : str
        Package and room, such as ``bsn.ops``.
    missing : tuple of str
        Arguments that no entry names; all of them if there is no section.
    section : bool
        True if there is a Parameters section.
    bare : tuple of str
        Arguments with an entry of name and type alone, which leaves open what they mean.
    """

    place: str
    package: str
    missing: tuple[str, ...]
    section: bool
    bare: tuple[str, ...] = ()


def arguments(function: Function) -> list[str]:
    """Names of the arguments that a caller gives."""
    found = function.args
    names = [a.arg for a in (*found.posonlyargs, *found.args, *found.kwonlyargs)]
    names += [a.arg for a in (found.vararg, found.kwarg) if a]
    return [name for name in names if name not in _IMPLIED and not name.startswith("_")]


def entries(docstring: str) -> dict[str, bool] | None:
    """Arguments that the Parameters section names, and whether text stands below each; None where there is no such section."""
    lines = docstring.expandtabs().splitlines()
    underlined = [i for i, line in enumerate(lines[1:], 1) if set(line.strip()) == {"-"}]
    starts = [i + 1 for i in underlined if lines[i - 1].strip() in ("Parameters", "Other Parameters")]
    if not starts:
        return None
    found: dict[str, bool] = {}
    for start in starts:
        end = next((i - 1 for i in underlined if i > start), len(lines))
        section = [*lines[start:end], ""]
        for line, below in zip(section, section[1:], strict=False):
            entry = _ENTRY.match(line)
            if entry:
                told = below.startswith(" ")
                found |= {name.strip(" *"): told for name in entry["names"].split(",")}
    return found


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Public functions of a module and public methods of its public classes, without overloads."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            inner = [(f"{node.name}.{child.name}", child) for child in node.body if isinstance(child, Function)]
        else:
            inner = [(node.name, node)] if isinstance(node, Function) else []
        for name, function in inner:
            decorators = " ".join(ast.unparse(decorator) for decorator in function.decorator_list)
            hidden = function.name.startswith("_") or any(word in decorators for word in _NO_TEXT_OF_THEIR_OWN)
            if not hidden:
                yield name, function


def gaps_of(source: str, path: str, package: str) -> list[Gap]:
    """Gaps of one file."""
    found, tree = [], ast.parse(source)
    for name, function in public_functions(tree):
        named = entries(ast.get_docstring(function) or "")
        missing = tuple(argument for argument in arguments(function) if argument not in (named or ()))
        bare = tuple(argument for argument, told in (named or {}).items() if not told)
        if missing or bare:
            found.append(Gap(f"{path}:{function.lineno} {name}", package, missing, named is not None, bare))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            bare = tuple(name for name, told in (entries(ast.get_docstring(node) or "") or {}).items() if not told)
            if bare:
                found.append(Gap(f"{path}:{node.lineno} {node.name}", package, (), True, bare))
    return found


def gaps(root: Path = ROOT) -> list[Gap]:
    """Gaps of all packages."""
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).parts
            if path.is_symlink() or any((root / Path(*parts[:i])).is_symlink() for i in range(1, len(parts))):
                continue  # the link bsn/data
            if any(part.startswith("_") and part != "__init__.py" for part in parts) or path.name == "triton.py":
                continue
            room = ".".join(part.removesuffix(".py") for part in parts[:2] if part != "__init__.py")
            found += gaps_of(path.read_text(encoding="utf-8"), str(path.relative_to(root)), room)
    return found


def main() -> None:
    """Print the counts, and the list if it is asked for."""
    found = gaps()
    without = [gap for gap in found if not gap.section]
    print(f"{len(without)} public functions with arguments have no Parameters section")
    print(f"{sum(gap.section and bool(gap.missing) for gap in found)} have one that leaves arguments out")
    places = sum(bool(gap.bare) for gap in found)
    print(f"{sum(len(gap.bare) for gap in found)} entries of {places} functions and classes are bare")
    print("gaps and bare entries by room:")
    rooms = {gap.package for gap in found}
    missing, bare = (
        Counter(gap.package for gap in found if gap.missing),
        Counter(gap.package for gap in found if gap.bare),
    )
    for room in sorted(rooms):
        print(f"{missing[room]:5} {bare[room]:5}  {room}")
    if "--list" in sys.argv:
        for gap in found:
            lacks = [f"lacks {', '.join(gap.missing)}"] if gap.missing else []
            lacks += [f"bare {', '.join(gap.bare)}"] if gap.bare else []
            print(f"{gap.place}: {'; '.join(lacks)}")


if __name__ == "__main__":
    main()
