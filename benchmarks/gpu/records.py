"""Results of the parts: one file each, with the runs of every card and commit, written after every task."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import write_result

__all__ = ["Records", "commit_of"]

ROOT = Path(__file__).resolve().parents[2]
MEASURED = ("bsn", "data", "distill", "restoration", "benchmarks")  # packages whose code a result depends on


def commit_of(root: Path = ROOT) -> str:
    """Short commit of a checkout, with "-dirty" where files were changed; where there is no Git, a digest of the code."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=10", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        done = None
    if done is not None and done.returncode == 0:
        return done.stdout.strip()
    digest = hashlib.sha1()
    for package in MEASURED:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return f"code-{digest.hexdigest()[:10]}"


class Records:
    """Results in a folder, in which earlier ones are looked up, too.

    Parameters
    ----------
    folder : Path
        Gets the files.
    card, commit : str
        Mark of the runs that are written.
    earlier : Path, optional
        Folder with results of earlier runs, which are taken over when a part is run again.
    """

    def __init__(self, folder: Path, card: str, commit: str, earlier: Path | None = None) -> None:
        self.folder, self.card, self.commit, self.earlier = folder, card, commit, earlier

    def runs(self, name: str) -> list[dict[str, Any]]:
        """All runs of a part, the oldest first."""
        for folder in (self.folder, self.earlier):
            if folder is not None and (path := folder / f"{name}.json").is_file():
                return list(json.loads(path.read_text(encoding="utf-8"))["runs"])
        return []

    def present(self, name: str) -> dict[str, Any]:
        """Run of a part on this card and commit; a new one if there is none."""
        for run in self.runs(name):
            if self._is_ours(run):
                return run
        about = {"card": self.card, "commit": self.commit, "began": time.strftime("%Y-%m-%d %H:%M")}
        return {**about, "complete": False, "seconds": 0.0, "results": {}, "errors": {}}

    def complete(self, name: str) -> bool:
        """Whether every task of a part has ended well on this card and commit."""
        return bool(self.present(name)["complete"])

    def write(self, name: str, run: dict[str, Any]) -> Path:
        """Put a run into the file of its part, in place of the one of the same card and commit.

        Parameters
        ----------
        name : str
            Name of the part.
        run : dict
            What :meth:`present` gave, with new results.

        Returns
        -------
        Path
        """
        others = [other for other in self.runs(name) if not self._is_ours(other)]
        content = {"command": f"python -m benchmarks.gpu --only {name}", "part": name, "runs": [*others, run]}
        return write_result(name, content, self.folder)

    def _is_ours(self, run: dict[str, Any]) -> bool:
        return (run["card"], run["commit"]) == (self.card, self.commit)
