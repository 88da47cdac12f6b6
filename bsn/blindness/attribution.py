"""Which module is the first to couple a pixel with itself?

The network runs twice, the second time with one pixel changed. Hooks compare, for every module in the order of execution, the
features at the place of that pixel. The culprit is the first module whose output there changes although its input there does
not: up to it the features of the pixel know nothing of it. Where the input of a module has changed although nothing before had,
the mixing happened in the code between modules, and the module whose forward was running is named.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bsn.blindness.condition import Subject
from bsn.blindness.jacobian import Position
from bsn.blindness.pixel_places import places

__all__ = ["Culprit", "find_culprit"]

Reason = Literal["couples", "forward code", "never masked", "unknown"]


@dataclass(frozen=True)
class Culprit:
    """The module that lets a pixel see itself.

    Parameters
    ----------
    module : str
        Name as in ``network.named_modules()``; empty for the network itself.
    kind : str
        Its class.
    reason : {"couples", "forward code", "never masked", "unknown"}
        The module mixes; its own forward mixes between the modules it calls (functional operators, skip connections); no
        module ever hid the pixel, and this is the first that passed it on; the layout of the features was not recognised.
    position : (int, int)
        The pixel that was changed.
    """

    module: str
    kind: str
    reason: Reason
    position: Position

    def __str__(self) -> str:
        name = f"{self.module} ({self.kind})" if self.module else f"the network itself ({self.kind})"
        if self.reason == "couples":
            return f"{name} is the first to mix pixel {self.position} into its own features"
        if self.reason == "forward code":
            return (
                f"the forward of {name} mixes pixel {self.position} into its own features, outside the modules it calls"
            )
        if self.reason == "never masked":
            return f"no module hides a pixel from itself; {name} is the first to pass it on"
        return "the features of the pixel could not be followed through the layout of this network"


@dataclass(frozen=True)
class _Event:
    """A module was entered or left with features at the pixel's place."""

    name: str
    call: int
    parent: int
    entered: bool
    known: bool  # the very tensor was seen before, so nothing happened on its way here
    spots: tuple[Tensor, ...]
    total: float  # tells features that depend on the image from constants


class _Recorder:
    """Features at the place of one pixel, for all modules in the order of execution."""

    def __init__(self, network: nn.Module, position: Position, size: tuple[int, int]) -> None:
        self.names = {module: name for name, module in network.named_modules()}
        self.position, self.image = position, size
        self.calls = 0
        self.stack = [0]
        self.events: list[_Event] = []
        self._seen: weakref.WeakValueDictionary[int, Tensor] = weakref.WeakValueDictionary()

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Hooks in place."""
        handles = []
        for module in self.names:
            handles.append(module.register_forward_pre_hook(self._enter))
            handles.append(module.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self.calls += 1
        self.stack.append(self.calls)
        for tensor in (a for a in args if isinstance(a, Tensor)):
            self._note(module, True, tensor)

    def _leave(self, module: nn.Module, args: tuple[Any, ...], out: Any) -> None:
        if isinstance(out, Tensor):
            self._note(module, False, out)
        self.stack.pop()

    def _note(self, module: nn.Module, entered: bool, tensor: Tensor) -> None:
        if tensor.ndim == 4 and tensor.shape[0] == 1 and all(a > b for a, b in zip(tensor.shape[2:], self.image)):  # noqa: B905
            self.image = (int(tensor.shape[2]), int(tensor.shape[3]))  # padded inside the network
        known = self._seen.get(id(tensor)) is tensor
        self._seen[id(tensor)] = tensor
        # Copies: later modules may write into the features.
        spots = tuple(p.take(tensor).detach().clone() for p in places(tuple(tensor.shape), self.position, self.image))
        if spots:
            total = float(tensor.detach().double().abs().sum())
            self.events.append(_Event(self.names[module], self.stack[-1], self.stack[-2], entered, known, spots, total))


def find_culprit(subject: Subject, position: Position, *, seed: int = 0) -> Culprit:
    """Name the first module that couples a pixel with itself.

    Parameters
    ----------
    subject : Subject
        A network that leaks at `position` in this condition.
    position : (int, int)
        The pixel.
    seed : int
        Seed of the input.

    Returns
    -------
    Culprit
    """
    x = subject.draw(seed)
    changed = x.clone()
    low, high = subject.condition.value_range
    changed[..., position[0], position[1]] += 0.7 * (high - low)
    clean, other = (_record(subject, image, position) for image in (x, changed))
    modules = dict(subject.network.named_modules())
    differs = [_differs(a, b) for a, b in zip(clean, other, strict=True)]
    varies = [d or a.total != b.total for d, a, b in zip(differs, clean, other, strict=True)]
    live = [(event, d) for event, d, v in zip(clean, differs, varies, strict=True) if v]
    name, reason = _Judge([event for event, _ in live], [d for _, d in live], modules).verdict()
    return Culprit(name, type(modules[name]).__name__, reason, position)


def _record(subject: Subject, x: Tensor, position: Position) -> list[_Event]:
    recorder = _Recorder(subject.network, position, subject.condition.size)
    with torch.no_grad(), recorder.attached():
        subject.run(x)
    return recorder.events


def _differs(clean: _Event, other: _Event) -> bool:
    """True if the features changed. Of several possible places one that did not change is taken for the pixel's own."""
    return all(not torch.equal(a, b) for a, b in zip(clean.spots, other.spots, strict=True))


class _Judge:
    """Finds the culprit in the events of all modules."""

    def __init__(self, events: list[_Event], changed: list[bool], modules: dict[str, nn.Module]) -> None:
        self.events, self.changed, self.modules = events, changed, modules
        self.parents = {event.parent for event in events}
        self.names = {event.call: event.name for event in events}
        self.came: dict[int, bool] = {}
        self.child_left: dict[int, bool] = {}
        self.hidden = False

    def verdict(self) -> tuple[str, Reason]:
        """Name of the culprit and what it does."""
        for event, changed in zip(self.events, self.changed, strict=True):
            found = self._entered(event, changed) if event.entered else self._left(event, changed)
            if found is not None:
                return found
        first = None if self.hidden else self._first_to_pass()
        return ("", "unknown") if first is None else (first, "never masked")

    def _entered(self, event: _Event, changed: bool) -> tuple[str, Reason] | None:
        self.came[event.call] = self.came.get(event.call, False) or changed
        if self.hidden and changed and not event.known and event.parent:
            return self.names.get(event.parent, ""), "forward code"
        self.hidden = self.hidden or not changed  # by functional code
        return None

    def _left(self, event: _Event, changed: bool) -> tuple[str, Reason] | None:
        leaf = event.call not in self.parents
        came = self.came.get(event.call, True)
        if self.hidden and changed:
            if not leaf and self.child_left.get(event.call) is False:
                return event.name, "forward code"
            if not came:
                return event.name, "couples"
        self.child_left[event.parent] = changed
        self.hidden = self.hidden or (leaf and came and not changed)
        return None

    def _first_to_pass(self) -> str | None:
        """First module with a reach of more than the pixel; where there is none, the first of all."""
        passing = [e.name for e, c in zip(self.events, self.changed, strict=True) if c and not e.entered]
        leaves = [name for name in passing if not any(True for _ in self.modules[name].children())] or passing
        spatial = [name for name in leaves if max(_kernel(self.modules[name])) > 1]
        return next(iter(spatial or leaves), None)


def _kernel(module: nn.Module) -> tuple[int, ...]:
    weight = getattr(module, "weight", None)
    return tuple(weight.shape[2:]) if isinstance(weight, Tensor) and weight.ndim > 2 else (1,)
