"""What a search finds: which module at which place, which candidate on which edge. A JSON file that people read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bsn.data import atomic_output, writing
from restoration.manas.space.candidates import candidate
from restoration.manas.space.modules import MODULES
from restoration.manas.space.shape import Shape

__all__ = ["FORMAT", "Genotype", "GenotypeError"]

FORMAT = "manas-genotype-1"


class GenotypeError(ValueError):
    """A genotype that cannot be built or read: what was given, why it cannot work, what would."""


Names = tuple[str, ...]


@dataclass(frozen=True)
class Genotype:
    """A network, up to its weights.

    Parameters
    ----------
    modules : sequence of sequences of str
        Per cell, "parallel" or "fusion" for each of its modules.
    edges : sequence of sequences of sequences of str
        Per cell, per branch, the candidate on each edge of the attention block, see
        :meth:`restoration.manas.space.Shape.edge_names`.
    widths : tuple of int
        Channels of the scales.
    stem_blocks, nodes, stem
        See :class:`restoration.manas.space.Shape`.
    about : dict
        Where it comes from; JSON values. Not part of the comparison.

    Raises
    ------
    GenotypeError
        If lengths or names do not fit together.
    """

    modules: tuple[Names, ...]
    edges: tuple[tuple[Names, ...], ...]
    widths: tuple[int, ...] = Shape.widths
    stem_blocks: int = Shape.modules[0]
    nodes: int = Shape.nodes
    stem: bool = Shape.stem
    about: dict[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "modules", tuple(tuple(cell) for cell in self.modules))
        object.__setattr__(self, "edges", tuple(tuple(tuple(branch) for branch in cell) for cell in self.edges))
        cells = max(len(self.widths) - 1, 0)
        if len(self.modules) != cells or len(self.edges) != cells:
            raise GenotypeError(
                f"the genotype has modules for {len(self.modules)} and attention for {len(self.edges)} cells, but "
                f"{len(self.widths)} widths make {cells} cells; give one entry each per cell"
            )
        try:
            shape = self.shape
        except ValueError as error:
            raise GenotypeError(f"the genotype's shape cannot be built: {error}") from None
        for cell, (modules, branches) in enumerate(zip(self.modules, self.edges, strict=True)):
            _check_cell(shape, cell, modules, branches)

    @property
    def shape(self) -> Shape:
        """What the search did not choose."""
        return Shape(self.widths, (self.stem_blocks, *(len(cell) for cell in self.modules)), self.nodes, self.stem)

    def with_widths(self, widths: Sequence[int]) -> Genotype:
        """The same choices at other widths.

        Parameters
        ----------
        widths : sequence of int
            Channels of the branches, as many as now.

        Returns
        -------
        Genotype
        """
        return dataclasses.replace(self, widths=tuple(widths))

    def to_json(self) -> str:
        """Text of a file: a line per list of names."""
        cells = [
            f'    {{\n      "modules": {json.dumps(modules)},\n      "attention": [\n'
            + ",\n".join(f"        {json.dumps(branch)}" for branch in branches)
            + "\n      ]\n    }"
            for modules, branches in zip(self.modules, self.edges, strict=True)
        ]
        head = {"format": FORMAT, "widths": self.widths, "stem": self.stem, "stem_blocks": self.stem_blocks}
        lines = [f'  "{key}": {json.dumps(value)}' for key, value in {**head, "nodes": self.nodes}.items()]
        lines.append('  "cells": [\n' + ",\n".join(cells) + "\n  ]")
        lines.append('  "about": ' + json.dumps(self.about, indent=2).replace("\n", "\n  "))
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str, source: str = "the text") -> Genotype:
        """Genotype of :meth:`to_json`.

        Parameters
        ----------
        text : str
            A JSON document.
        source : str
            Named in errors.

        Raises
        ------
        GenotypeError
            If it is not JSON, of another program or version, lacks an entry, or does not fit together.
        """
        try:
            content = json.loads(text)
        except json.JSONDecodeError as error:
            raise GenotypeError(f"{source} is not JSON ({error}); give a file of bsn restore search") from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            found = repr(content.get("format")) if isinstance(content, dict) and "format" in content else "none"
            raise GenotypeError(
                f"{source} is not a genotype of this program (format {found} instead of {FORMAT!r}); "
                "give a genotype.json of bsn restore search"
            )
        return cls.from_mapping({key: value for key, value in content.items() if key != "format"}, source)

    @classmethod
    def from_mapping(cls, content: Mapping[str, Any], source: str = "the genotype") -> Genotype:
        """Genotype of the entries of a file, or of the fields of this class.

        Parameters
        ----------
        content : mapping
            Entries by name.
        source : str
            What messages call it.

        Returns
        -------
        Genotype

        Raises
        ------
        GenotypeError
            If an entry is missing, unknown or does not fit.
        """
        values = dict(content)
        try:
            if "cells" in values:
                cells = values.pop("cells")
                values["modules"] = [cell["modules"] for cell in cells]
                values["edges"] = [cell["attention"] for cell in cells]
            unknown = sorted(set(values) - {entry.name for entry in dataclasses.fields(cls)})
            if unknown:
                raise GenotypeError(f"{source} has the unknown entry {unknown[0]!r}; remove it, or update the program")
            _check_types(values, source)
            return cls(**values)
        except KeyError as error:
            raise GenotypeError(
                f"a cell in {source} lacks {error.args[0]!r}; a cell has modules and attention"
            ) from None
        except GenotypeError as error:
            text = str(error)
            raise GenotypeError(text if source in text else f"{source}: {text}") from None
        except (TypeError, AttributeError) as error:
            raise GenotypeError(f"{source} is malformed ({error}); compare with a file of bsn restore search") from None

    @classmethod
    def load(cls, path: str | Path) -> Genotype:
        """Read a file.

        Parameters
        ----------
        path : str or Path
            A JSON file.

        Returns
        -------
        Genotype

        Raises
        ------
        GenotypeError
            If it cannot be read or is not a genotype.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise GenotypeError(f"the genotype {path} cannot be read ({reason}); give a genotype.json") from None
        return cls.from_json(text, str(path))

    def save(self, path: str | Path) -> None:
        """Write a file, atomically.

        Parameters
        ----------
        path : str or Path
            JSON file to write.

        Raises
        ------
        data.DataError
            If it cannot be written.
        """
        with atomic_output(Path(path), overwrite=True) as partial, writing(Path(path)):
            partial.write_text(self.to_json(), encoding="utf-8")


def _check_types(values: Mapping[str, Any], source: str) -> None:
    """Refuse what Python would take for a sequence or a number although a file meant something else."""
    numbers = [*(values.get("widths") or ()), values.get("stem_blocks", 1), values.get("nodes", 1)]
    if any(not isinstance(number, int) or isinstance(number, bool) for number in numbers):
        raise GenotypeError(f"{source}: widths, stem_blocks and nodes are whole numbers")
    if not isinstance(values.get("stem", True), bool) or not isinstance(values.get("about", {}), dict):
        raise GenotypeError(f"{source}: stem must be true or false, and about a mapping")
    lists = [*values.get("modules", ()), *(branch for cell in values.get("edges", ()) for branch in cell)]
    if any(not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names) for names in lists):
        raise GenotypeError(f"{source}: modules and branches must be lists of names")


def _check_cell(shape: Shape, cell: int, modules: Names, branches: tuple[Names, ...]) -> None:
    for name in modules:
        if name not in MODULES:
            raise GenotypeError(f"cell {cell + 1} has a module {name!r}; modules are {' and '.join(MODULES)}")
    if len(branches) != shape.branches(cell):
        raise GenotypeError(
            f"cell {cell + 1} has attention for {len(branches)} branches; it has {shape.branches(cell)} branches"
        )
    for branch, names in enumerate(branches):
        if len(names) != shape.edges:
            raise GenotypeError(
                f"cell {cell + 1}, branch {branch + 1} has {len(names)} edges; {shape.nodes} nodes make {shape.edges}: "
                + ", ".join(shape.edge_names())
            )
        for name in names:
            try:
                candidate(name)
            except ValueError as error:
                raise GenotypeError(f"cell {cell + 1}, branch {branch + 1}: {error}") from None
