"""The settings of a run: what was asked for, what came of it, and whether a resumed run asks for the same."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_origin, get_type_hints

from bsn.engine.checkpoint import load_checkpoint
from bsn.engine.config import LoopConfig
from bsn.engine.errors import RunError
from bsn.engine.run_folder import RunFolder

__all__ = ["RunSettings", "named_images", "plain"]

C = TypeVar("C")

_FREE = ("accelerator", "checkpoint_every", "graphs", "tensorboard", "validate_every")
"""Settings of the loop that may change at a resume: the weights of the run do not depend on them."""


@dataclass(frozen=True)
class RunSettings:
    """Settings by name, as plain values of YAML.

    Parameters
    ----------
    settled : mapping
        What runs: whole, without "auto".
    asked : mapping
        What the caller asked for, before it was settled.
    facts : mapping
        What else tells the run from others: ``images``, a digest of the images. Checkpoints keep it, ``config.yaml`` does not.
    """

    settled: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """YAML of the settled settings, which ``--config`` reads."""
        import yaml

        return yaml.safe_dump(dict(self.settled), sort_keys=False, allow_unicode=True)

    def stored(self) -> str:
        """JSON for a checkpoint."""
        return json.dumps([dict(self.settled), dict(self.asked), dict(self.facts)])

    @classmethod
    def of_run(cls, folder: RunFolder) -> RunSettings:
        """Settings of a run that can be resumed.

        Parameters
        ----------
        folder : RunFolder
            Folder of the run.

        Returns
        -------
        RunSettings
            Empty for runs of versions that did not store them.

        Raises
        ------
        RunError
            If there is nothing to resume.
        """
        folder.check_resumable()
        text = load_checkpoint(folder.checkpoint).get("settings")
        return cls() if text is None else cls(*json.loads(text))

    def restore(self, kind: type[C], given: C | None, *, at: str | None = None, free: Collection[str] = ()) -> C:
        """Settings that a resumed run takes, of one dataclass.

        Parameters
        ----------
        kind : dataclass type
            Dataclass to build from the stored settings.
        given : dataclass, optional
            What the caller asks for now; None takes what is stored.
        at : str, optional
            Name below which the fields are stored; None for fields of their own names.
        free : collection of str
            Fields that may change.

        Returns
        -------
        dataclass

        Raises
        ------
        RunError
            If settings differ from those of the run; the message names them.
        """
        settled, asked = (part if at is None else part.get(at, {}) for part in (self.settled, self.asked))
        names = list(get_type_hints(kind))
        if not any(name in settled for name in names):
            return given or kind()
        # Settings that came after the run have their defaults: what it did.
        settled = {**_defaults(kind), **settled}
        own = {name: settled[name] for name in names}
        if given is not None:
            now = plain(given)
            for name in free:
                own[name] = now[name]
            self._refuse_others({name: now[name] for name in names if name not in free}, settled, asked, at)
        return _build(kind, own)

    @staticmethod
    def _refuse_others(
        now: Mapping[str, Any], settled: Mapping[str, Any], asked: Mapping[str, Any], at: str | None
    ) -> None:
        other = [name for name, value in now.items() if value not in (settled[name], asked.get(name, settled[name]))]
        if other:
            prefix = "" if at is None else f"{at}."
            told = ", ".join(f"{prefix}{name} {now[name]} (the run has {settled[name]})" for name in other)
            raise RunError(f"a resumed run keeps its settings, and these differ: {told}; leave them out, or start anew")

    def restore_loop(self, given: LoopConfig | None) -> LoopConfig:
        """Settings of the loop that a resumed run takes; it may become longer.

        Parameters
        ----------
        given : LoopConfig, optional
            What the caller asks for now; None takes what is stored.

        Returns
        -------
        LoopConfig

        Raises
        ------
        RunError
            If settings differ on which the weights depend, or the run would become shorter.
        """
        if given is None or "steps" not in self.settled:
            return self.restore(LoopConfig, given)
        # The steps at which the best weights are looked for decide which ones a run keeps.
        chosen = {"validate_every"} if self.settled.get("keep") == "best" else set()
        loop = self.restore(LoopConfig, given, free={*_FREE, "steps"} - chosen)
        steps = self.settled["steps"]
        if given.steps is None:
            given = dataclasses.replace(given, steps=steps)
        if given.steps == self.asked.get("steps") and given.minutes is not None:
            return dataclasses.replace(loop, steps=steps)
        if given.steps < steps and given.steps != self.asked.get("steps"):
            raise RunError(
                f"steps {given.steps}: the run has a length of {steps} steps and cannot become shorter; leave --steps out, or "
                "give more"
            )
        return dataclasses.replace(loop, steps=max(steps, given.steps))

    def again(
        self,
        settled: Mapping[str, Any],
        asked: Mapping[str, Any],
        loop: LoopConfig,
        facts: Mapping[str, Any] | None = None,
    ) -> RunSettings:
        """Settings to go on with: what was asked for at first stays known, beside a new number of steps.

        Parameters
        ----------
        settled, asked : mapping
            Settings of a run that begins: as they were settled, and as the user asked for them.
        loop : LoopConfig
            Settings of the loop that goes on.
        facts : mapping, optional
            See :class:`RunSettings`.
        """
        return RunSettings(settled, {**asked, **self.asked, "steps": loop.steps} if self.asked else asked, facts or {})

    def restore_images(self, given: Any, name: str = "images", *, moved: bool = False) -> Any:
        """Images of a resumed run: those given, which are to be those of the run, or else its own.

        Parameters
        ----------
        given : path, sequence of paths, array or sequence of arrays, or None
            What the caller gives now; None takes the images of the run.
        name : str
            Name of the setting.
        moved : bool
            Whether other names are accepted for now, because :meth:`check_images` looks at the content later.

        Raises
        ------
        RunError
            If other files are given, or none where the run was trained on images in memory.
        """
        own = self.settled.get(name)
        missing = given is None or (isinstance(given, (list, tuple)) and not given)
        if missing and not own:
            raise RunError(f"the run was trained on {name} in memory; give them again")
        if missing:
            return own
        named = named_images(given)
        if own and named and named != own and not (moved and "images" in self.facts):
            self._refuse_images(own, named, name)
        return given

    def check_images(self, digest: str, given: Any) -> None:
        """Refuse images that are not those that a resumed run began with; they may lie elsewhere.

        Parameters
        ----------
        digest : str
            Of the images as they are now, see :func:`bsn.data.source_digest`.
        given : path, sequence of paths, array or sequence of arrays
            Where they come from.

        Raises
        ------
        RunError
        """
        if self.facts.get("images") in (None, digest):
            return
        own, named = self.settled.get("images"), named_images(given)
        if own and named and named != own:
            self._refuse_images(own, named, "images")
        raise RunError(
            "a resumed run keeps its images, and these have changed since it began; bring back what they were, or start anew"
        )

    @staticmethod
    def _refuse_images(own: list[str], named: list[str], name: str) -> NoReturn:
        raise RunError(
            f"a resumed run keeps its {name} ({', '.join(own[:3])}), and {', '.join(named[:3])} are others; leave them "
            "out, or start anew"
        )


def named_images(images: Any) -> list[str]:
    """Absolute names of files, folders and patterns; empty for images in memory.

    Parameters
    ----------
    images : path, sequence of paths, array or sequence of arrays, or None
        Images as the caller gives them.
    """
    listed = list(images) if isinstance(images, (list, tuple)) else [images]
    return [os.path.abspath(path) for path in listed if isinstance(path, (str, Path))]


def plain(value: Any) -> Any:
    """Turn dataclasses into dictionaries and tuples into lists, at every depth.

    Parameters
    ----------
    value : Any
        Dataclass, mapping, sequence, path, number or text.

    Returns
    -------
    Any
        The same content of types that YAML and JSON have; paths become texts.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return os.fspath(value) if isinstance(value, Path) else value


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """Default values of the fields of a dataclass that have one."""
    found: dict[str, Any] = {}
    for entry in dataclasses.fields(kind):
        if entry.default is not dataclasses.MISSING:
            found[entry.name] = plain(entry.default)
        elif entry.default_factory is not dataclasses.MISSING:
            found[entry.name] = plain(entry.default_factory())
    return found


def _build(kind: type[C], values: Mapping[str, Any]) -> C:
    """A dataclass of plain values."""
    hints = get_type_hints(kind)
    return kind(**{name: _as_hinted(hints[name], value) for name, value in values.items()})


def _as_hinted(hint: Any, value: Any) -> Any:
    if isinstance(value, list) and get_origin(hint) is tuple:
        return tuple(value)
    if isinstance(value, dict) and dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value)
    return value
