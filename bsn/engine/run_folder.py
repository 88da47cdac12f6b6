"""Layout of a run on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bsn.data.errors import writing
from bsn.data.files.atomic import atomic_output
from bsn.engine.devices import is_first_process
from bsn.engine.errors import RunError

__all__ = ["RunFolder"]


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run.

    Parameters
    ----------
    path : Path
        Holds ``config.yaml``, ``last.ckpt`` (everything needed to resume), ``best.safetensors`` and
        ``final.safetensors`` (finished models), ``metrics.csv``, ``train.log`` and ``samples/``.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The settings the run was started with."""
        return self.path / "config.yaml"

    @property
    def checkpoint(self) -> Path:
        """State of the last checkpointed step."""
        return self.path / "last.ckpt"

    @property
    def best(self) -> Path:
        """Model with the best validation."""
        return self.path / "best.safetensors"

    @property
    def final(self) -> Path:
        """Model of the last step."""
        return self.path / "final.safetensors"

    @property
    def metrics(self) -> Path:
        """One row per logged step."""
        return self.path / "metrics.csv"

    @property
    def log(self) -> Path:
        """What the run said."""
        return self.path / "train.log"

    @property
    def samples(self) -> Path:
        """Pictures of validations."""
        return self.path / "samples"

    def check_free(self) -> None:
        """Refuse a folder that holds a run or anything else, without making it: for a look before any work.

        Of several processes the first one looks: the others start when it has made the folder.

        Raises
        ------
        RunError
        """
        if not is_first_process():
            return
        if self.checkpoint.exists() or self.final.exists():
            raise RunError(
                f"{self.path} already holds a run; continue it with --resume or choose another output folder"
            )
        if self.path.is_dir() and any(self.path.iterdir()):
            raise RunError(f"the output folder {self.path} is not empty; choose a new or an empty one")

    def check_new(self) -> None:
        """Refuse to start a run where one lies already, or where nothing can be written; make the folder.

        Raises
        ------
        RunError
        """
        self.check_free()
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise RunError(f"{self.path} is a file, not a folder; choose another output folder") from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RunError(f"the output folder {self.path} cannot be made ({reason}); choose another") from None
        if not os.access(self.path, os.W_OK):
            raise RunError(f"the output folder {self.path} is not writable; choose another")

    def check_resumable(self) -> None:
        """Refuse to resume where there is nothing to resume.

        Raises
        ------
        RunError
        """
        if not self.checkpoint.is_file():
            raise RunError(f"{self.path} holds no checkpoint to resume from; start the run without --resume")

    def write_text(self, path: Path, text: str) -> None:
        """Write a small file atomically.

        Parameters
        ----------
        path : Path
            File to write; an existing one is replaced.
        text : str
            The whole content of the file.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        with atomic_output(path, overwrite=True) as partial, writing(path):
            partial.write_text(text, encoding="utf-8")
