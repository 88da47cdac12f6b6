"""Sphinx: one reference page for each public package, found by walking the installed code.

A package is public if its ``__init__`` lists names in ``__all__``; what is listed is documented, each object once. Nobody has
to remember a new room: it appears by itself.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOTS = ("bsn", "distill", "restoration")
_LONGEST = 120
_HIDDEN = ("cli",)  # commands have their own page


def public_packages() -> dict[str, list[str]]:
    """Names of the packages that have a page, and of what each lists."""
    found = {}
    for root in ROOTS:
        module = importlib.import_module(root)
        names = [root, *(m.name for m in pkgutil.walk_packages(module.__path__, f"{root}.") if m.ispkg)]
        for name in names:
            listed = list(getattr(importlib.import_module(name), "__all__", []))
            if listed and not set(name.split(".")) & set(_HIDDEN):
                found[name] = listed
    return found


def owner(value: Any, listing: list[str]) -> str:
    """Package that documents an object: the outermost that lists it and holds the module that defines it."""
    defined = getattr(value, "__module__", "") or ""
    holding = [name for name in listing if f"{defined}.".startswith(f"{name}.")]
    return min(holding or listing, key=lambda name: (name.count("."), name))


def entries() -> dict[str, dict[str, str]]:
    """For each package its names, and for each name the package that documents it."""
    packages = public_packages()
    values = {
        name: [(key, getattr(importlib.import_module(name), key)) for key in keys] for name, keys in packages.items()
    }
    listing: dict[int, list[str]] = {}
    for name, pairs in values.items():
        for _, value in pairs:
            listing.setdefault(id(value), []).append(name)
    return {name: {key: owner(value, listing[id(value)]) for key, value in pairs} for name, pairs in values.items()}


def directive(value: Any) -> str | None:
    """Autodoc directive of a class or function; None for constants, whose docstring would be that of ``dict``."""
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if inspect.isroutine(value) else None


def constant(name: str, value: Any) -> str:
    """List entry of a constant: the keys of a mapping, the value of anything else that is short."""
    if isinstance(value, Mapping):
        return f"- `{name}`: mapping with the keys " + ", ".join(f"`{key}`" for key in value)
    text = str(value).replace("typing.", "")
    return f"- `{name}`: `{text if len(text) < _LONGEST else type(value).__name__}`"


def page(name: str, names: dict[str, str]) -> str:
    """MyST source of the page of a package."""
    module = importlib.import_module(name)
    lines = [
        f"# {name}",
        "",
        "```{eval-rst}",
        f".. automodule:: {name}",
        "   :no-index:",
        "",
        f".. currentmodule:: {name}",
        "",
    ]
    for key, home in names.items():
        if home == name:
            kind = directive(getattr(module, key))
            members = ["   :members:"] if kind == "autoclass" else []
            lines += [f".. {kind}:: {key}", *members, ""] if kind else []
    lines.append("```")
    constants = [key for key, home in names.items() if home == name and not directive(getattr(module, key))]
    if constants:
        lines += ["", "## Constants", "", *(constant(key, getattr(module, key)) for key in constants)]
    elsewhere = [f"`{key}` ([{home}]({home}.md))" for key, home in names.items() if home != name]
    if elsewhere:
        lines += ["", "This package also gives " + ", ".join(elsewhere) + "."]
    return "\n".join(lines) + "\n"


def write_pages(app: Sphinx) -> None:
    """Write the pages that changed, remove those of packages that are gone or have nothing of their own."""
    folder = Path(app.srcdir, "reference", "packages")
    folder.mkdir(parents=True, exist_ok=True)
    found = entries()
    pages = {f"{name}.md": page(name, names) for name, names in found.items() if name in names.values()}
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for file, text in pages.items():
        target = folder / file
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before the sources are read."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
