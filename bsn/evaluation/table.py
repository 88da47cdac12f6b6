"""Scores of a set of images: per-image CSV, mean table, JSON."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from bsn.data import atomic_output, writing
from bsn.evaluation.protocol import Protocol

__all__ = ["ScoreTable", "environment", "write_tables"]


def environment() -> dict[str, str]:
    """Versions and machine that a number depends on."""
    from importlib.metadata import version

    import torch

    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": version("numpy"),
        "scikit-image": version("scikit-image"),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads{gpu}",
    }


@dataclass
class ScoreTable:
    """Rows of numbers, one per image, under one protocol.

    Parameters
    ----------
    protocol : Protocol
        Protocol of the scores.
    about : dict
        Where the numbers come from: model, options, data. JSON values.
    """

    protocol: Protocol
    about: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, image: str, numbers: Mapping[str, float]) -> None:
        """Add the numbers of one image.

        Parameters
        ----------
        image : str
            Name of the image.
        numbers : mapping of str to float
            Scores by column.
        """
        self.rows.append({"image": image, **numbers})

    @property
    def means(self) -> dict[str, float]:
        """Mean of every number over the images."""
        keys = [key for key in (self.rows[0] if self.rows else {}) if key != "image"]
        return {key: fmean(row[key] for row in self.rows) for key in keys}

    def to_csv(self) -> str:
        """CSV text: a comment line with the protocol, then one row per image and the mean."""
        text = io.StringIO()
        text.write(f"# protocol {self.protocol.name} ({self.protocol.hash}): {self.protocol.description}\n")
        columns = list(self.rows[0]) if self.rows else ["image"]
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rounded(row) for row in self.rows)
        if self.rows:
            writer.writerow(_rounded({"image": "mean", **self.means}))
        return text.getvalue()

    def content(self) -> dict[str, Any]:
        """Protocol, means, rows and environment as values of JSON."""
        return {
            "protocol": {"name": self.protocol.name, "hash": self.protocol.hash, "text": self.protocol.description},
            "about": self.about,
            "images": len(self.rows),
            "means": _rounded(self.means),
            "rows": [_rounded(row) for row in self.rows],
            "environment": environment(),
        }

    def to_json(self) -> str:
        """JSON text of :meth:`content`."""
        return json.dumps(self.content(), indent=1)


def write_tables(tables: Mapping[str, ScoreTable], folder: Path) -> None:
    """Write tables as CSV, and all of them as ``scores.json``.

    Parameters
    ----------
    tables : mapping of str to ScoreTable
        By name of what was scored. A single one becomes ``scores.csv``, of several each gets a file with its number and name.
    folder : Path
        Made if it does not exist.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if len(tables) == 1:
        (table,) = tables.values()
        texts = {"scores.csv": table.to_csv(), "scores.json": table.to_json()}
    else:
        texts = {f"{n:02d}_{Path(name).name}.csv": table.to_csv() for n, (name, table) in enumerate(tables.items())}
        texts["scores.json"] = json.dumps({name: table.content() for name, table in tables.items()}, indent=1)
    for name, text in texts.items():
        with atomic_output(folder / name, overwrite=True) as partial, writing(folder / name):
            partial.write_text(text, encoding="utf-8")


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}
