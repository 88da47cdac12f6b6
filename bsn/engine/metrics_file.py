"""metrics.csv: one row per event, columns that may grow, rows of lost work dropped at a resume."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from bsn.data.errors import writing
from bsn.data.files.atomic import atomic_output

__all__ = ["MetricsFile"]


class MetricsFile:
    """Appender to a CSV file with the columns seen so far.

    Parameters
    ----------
    path : Path
        The CSV file.
    resume_step : int
        Rows of an existing file beyond this step are dropped; 0 drops all.
    """

    def __init__(self, path: Path, resume_step: int) -> None:
        self.path = path
        self.columns: list[str] = []
        rows: list[dict[str, Any]] = []
        if resume_step and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.columns = list(reader.fieldnames or [])
                rows = [row for row in reader if (row.get("step") or "").isdigit() and int(row["step"]) <= resume_step]
        self._file: TextIO = self._rewrite(rows)

    def add(self, row: Mapping[str, float]) -> None:
        """Append one row; unknown keys become new columns.

        Parameters
        ----------
        row : mapping of str to float
            Numbers by column.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        with writing(self.path):
            new = [key for key in row if key not in self.columns]
            if new:
                self._file.close()
                with self.path.open(newline="", encoding="utf-8") as file:
                    rows = list(csv.DictReader(file))
                self.columns += new
                self._file = self._rewrite(rows)
            csv.DictWriter(self._file, self.columns, restval="", lineterminator="\n").writerow(row)

    def flush(self) -> None:
        """Hand what was added to the operating system."""
        with writing(self.path):
            self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._file.close()

    def _rewrite(self, rows: list[dict[str, Any]]) -> TextIO:
        with (
            atomic_output(self.path, overwrite=True) as partial,
            writing(self.path),
            partial.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self.columns, restval="", lineterminator="\n")
            if self.columns:
                writer.writeheader()
            writer.writerows(rows)
        return self.path.open("a", newline="", encoding="utf-8")
