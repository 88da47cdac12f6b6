"""All checks together, in all conditions in which leaks hide."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from bsn.blindness.attribution import find_culprit
from bsn.blindness.condition import Condition, NetworkRefusal, Subject
from bsn.blindness.jacobian import Position, hole_gradient, jacobian_maps, summarise
from bsn.blindness.learnability import Learnability, LearnabilityConfig, learnability
from bsn.blindness.own_frame import context_of, own_frame
from bsn.blindness.perturbation import PerturbationCheck, blind_lattices, perturbation_check
from bsn.blindness.region import HalfPlaneBranches, RegionCheck, region_check
from bsn.blindness.stack import StackCheck, frames_worth_checking, network_on_stacks, stack_check
from bsn.blindness.stochastic import estimate_diagonal
from bsn.blindness.structure import judge_structure
from bsn.blindness.verdict import CheckResult, Leak, Verdict
from bsn.hole import Hole

__all__ = ["CHECKS", "VerifyConfig", "verify"]

Check = Literal["structure", "jacobian", "perturbation", "conditions", "stochastic"]
CHECKS: tuple[Check, ...] = ("structure", "jacobian", "perturbation", "conditions", "stochastic")

_SMALL = 64
_SMALLEST_STACK = 14
_ODD = (37, 50)
_LEAK_SAMPLES = 8
_SINGLE_SAMPLES = 256
_QUICKLY_TRAINED = 1_000_000


@dataclass(frozen=True)
class VerifyConfig:
    """Which checks run, and how far they go.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the image that is certified. Gradients and the other conditions use at most 64 x 64 of it.
    checks : tuple of str
        "structure": what the modules declare. "jacobian": exact gradients at corners, border, centre. "perturbation": every
        pixel of the image. "conditions": every pixel again in train mode, at an odd size, under bfloat16 autocast, and with
        weights moved from their values (a leak can hide behind a zero start); and networks with context on whole stacks.
        "stochastic": estimate of the whole diagonal.
    lattice : int, optional
        Side of the blind lattice that the network must have; None finds one.
    hole : Hole, optional
        Region around each pixel that its output must not see; None takes the one that the network states in its attribute
        ``hole``, and else the pixel alone. It takes the place of the lattice.
    value_range : tuple of float
        Range of the random input: the range that the network was made for.
    max_passes : int
        Forward passes of one certification, see :func:`bsn.blindness.perturbation_check`.
    learn : {"never", "leaking", "always"}
        When the network is trained to copy noise. "leaking" leaves out networks of more than a million parameters.
    learn_sizes : tuple of int
        Sides of its crops.
    learning : LearnabilityConfig
        Length and settings of the trainings of the learnability check.
    seed : int
        Seed of everything random.

    Raises
    ------
    ValueError
        For checks that do not exist and sizes without pixels.
    """

    size: tuple[int, int] = (64, 64)
    checks: tuple[Check, ...] = ("structure", "jacobian", "perturbation", "conditions")
    lattice: int | None = None
    value_range: tuple[float, float] = (0.0, 1.0)
    max_passes: int = 1024
    learn: Literal["never", "leaking", "always"] = "never"
    learn_sizes: tuple[int, ...] = (16, 32)
    learning: LearnabilityConfig = field(default_factory=LearnabilityConfig)
    seed: int = 0
    hole: Hole | None = None

    def __post_init__(self) -> None:
        unknown = [check for check in self.checks if check not in CHECKS]
        if unknown or not self.checks:
            raise ValueError(
                f"there is no check {' '.join(unknown) or '(none given)'}; choose from {', '.join(CHECKS)}"
            )
        if min(self.size) < 1 or self.max_passes < 1:
            raise ValueError(f"size {self.size} and {self.max_passes} passes leave nothing to check; use 1 or more")
        if self.hole is not None:
            _check_hole(self.hole, self.size)


def _check_hole(hole: Hole, size: tuple[int, int]) -> None:
    """Refuse a region whose certificate would say nothing."""
    if hole.shape == "none":
        raise ValueError("the hole none has no offset that could be certified; use a region such as pixel or square:3")
    if hole.size > min(size):
        raise ValueError(
            f"the hole {hole} is larger than the image of {size[0]} x {size[1]} pixels on which it is to be certified; use a "
            f"smaller hole, or --size {2 * hole.size}"
        )


def verify(
    network: nn.Module,
    channels: int,
    config: VerifyConfig | None = None,
    *,
    name: str = "",
    say: Callable[[str], None] | None = None,
) -> Verdict:
    """Find out whether a network is blind, where it leaks, and how much that can hurt.

    Parameters
    ----------
    network : nn.Module
        Maps (N, C, H, W) to (N, C', H, W). A copy is examined, the network itself is not changed. A network with context
        (attribute ``context``) takes windows of :func:`bsn.frames.windows`. It is examined between random neighbours, which
        are changed along with the frame if they have its hole, too (attribute ``context_hole``), and on whole stacks.
    channels : int
        C.
    config : VerifyConfig, optional
        Checks, image size and seeds; the defaults if left out.
    name : str
        Name in the verdict; the name of the class if left out.
    say : callable, optional
        Gets a line of progress before each check.

    Returns
    -------
    Verdict

    Raises
    ------
    NetworkRefusal
        If the network fails on an image of this size, is not deterministic, or is not a map from images to images of the
        same size.

    Examples
    --------
    >>> verify(nn.Conv2d(1, 1, 3, padding=1), 1, VerifyConfig(size=(16, 16))).blind
    False
    """
    return _Examination(network, channels, config or VerifyConfig(), say).verdict(name or type(network).__name__)


class _Examination:
    """State of one verification: what was found so far."""

    def __init__(
        self, network: nn.Module, channels: int, config: VerifyConfig, say: Callable[[str], None] | None
    ) -> None:
        self.channels, self.config = channels, config
        self.network = own_frame(network, channels, config.seed, config.value_range)
        self.stacked = network if context_of(network) else None
        self.say = say or (lambda text: None)
        self.results: list[CheckResult] = []
        self.leak: Leak | None = None
        self.lattices: list[int] | None = None
        self.certificate: PerturbationCheck | RegionCheck | None = None
        self.hole = self._hole()
        self.dtype = self._precision()

    def _hole(self) -> Hole | None:
        """The region that is certified, None for the pixel alone of a network that states none."""
        stated = getattr(self.network, "hole", None)
        return self.config.hole or (stated if isinstance(stated, Hole) and stated.shape != "none" else None)

    def _condition(self, what: str, size: tuple[int, int], **options: Any) -> Condition:
        precision = "bf16" if options.get("autocast") else str(options.get("dtype", self.dtype)).removeprefix("torch.")
        base = Condition(f"{precision}, {what}, {size[0]} x {size[1]}", size, False, self.dtype)
        return dataclasses.replace(base, value_range=self.config.value_range, **options)

    def _precision(self) -> torch.dtype:
        """float64, or float32 for networks that cannot do it."""
        self.dtype = torch.float64
        try:
            self._run_once()
        except NetworkRefusal as refusal:
            self.dtype = torch.float32
            try:
                self._run_once()
            except NetworkRefusal:
                raise refusal from None
            self.results.append(CheckResult("precision", "float64", None, f"float32 is used instead: {refusal}", 0.0))
        return self.dtype

    def _run_once(self) -> None:
        subject = Subject(self.network, self.channels, self._condition("eval", self.small), self.config.seed)
        with torch.no_grad():
            subject.run(subject.draw(0))

    @property
    def small(self) -> tuple[int, int]:
        """Size for gradients and further conditions."""
        height, width = self.config.size
        return min(height, _SMALL), min(width, _SMALL)

    def verdict(self, name: str) -> Verdict:
        """Run all checks."""
        checks = self.config.checks
        if "structure" in checks:
            self._structure()
        if "jacobian" in checks:
            self._jacobian()
        if "perturbation" in checks:
            certify = self._certify if self.hole is None else self._certify_region
            certify(self._condition("eval", self.config.size))
        if "conditions" in checks:
            for condition in self._other_conditions():
                (self._vary if self.hole is None else self._vary_region)(condition)
            self._stacks()
        if "stochastic" in checks:
            self._stochastic()
        learned = self._learn()
        measured = [r for r in self.results if r.passed is not None and r.check != "structure"]
        certificate = self.certificate
        total = self.config.size[0] * self.config.size[1]
        blind = bool(measured) and self.leak is None and all(r.passed is not False for r in self.results)
        return Verdict(
            name,
            blind,
            blind and certificate is not None and certificate.complete,
            0 if certificate is None else certificate.pixels,
            total,
            self.config.size,
            self.channels,
            certificate.lattice if isinstance(certificate, PerturbationCheck) else None,
            self.leak,
            tuple(learned),
            tuple(self.results),
            None if self.hole is None else str(self.hole),
        )

    @contextmanager
    def _timed(self, check: str, condition: str) -> Iterator[list[Any]]:
        """Collects [passed, detail] of a check and notes its time."""
        self.say(f"{check} ({condition}) ...")
        start = time.perf_counter()
        note: list[Any] = [None, ""]
        yield note
        passed, detail = note
        seconds = time.perf_counter() - start
        self.results.append(CheckResult(check, condition, passed, str(detail), seconds))

    def _structure(self) -> None:
        with self._timed("structure", "declarations") as note:
            judged = judge_structure(self.network)
            known = judged.blind or (judged.problem is not None and judged.problem.stated)
            note[:] = [judged.blind if known else None, judged.reason]

    def _jacobian(self) -> None:
        condition = self._condition("eval", self.small)
        with self._timed("jacobian", condition.name) as note:
            subject = Subject(self.network, self.channels, condition, self.config.seed)
            if self.hole is not None and isinstance(subject.network, HalfPlaneBranches):
                subject.network.hole = self.hole
            positions = _few_positions(*self.small)
            maps = jacobian_maps(subject, positions, mixtures=1).abs()
            check = summarise(maps, positions, self.config.lattice or 1)
            self.lattices = blind_lattices(maps, positions)
            broken = self.config.lattice is not None and check.lattice > 0
            words = f"largest centre gradient {check.centre:.3g} of {check.largest:.3g} at {len(positions)} pixels"
            if broken:
                words += f"; {check.lattice:.3g} on the lattice of side {self.config.lattice}"
            seen, position = (0.0, None) if self.hole is None else hole_gradient(maps, positions, self.hole)
            if self.hole is not None:
                words += f"; {seen:.3g} in the hole {self.hole}"
            note[:] = [check.blind and not broken and not seen, words]
            if check.worst is not None:
                self._note_leak("jacobian", condition, check.worst, check.centre, check.ratio)
            elif seen and self.leak is None:
                self.leak = Leak("jacobian", condition.name, position, seen, seen / check.largest)

    def _certify(self, condition: Condition) -> None:
        with self._timed("perturbation", condition.name) as note:
            self.certificate = check = self._perturb(condition)
            note[:] = [check.blind and self._lattice_holds(check), self._describe(check)]

    def _vary(self, condition: Condition) -> None:
        with self._timed("perturbation", condition.name) as note:
            try:
                check = self._perturb(condition)
                passed = check.blind and self._lattice_holds(check)
                # A coarse precision can swallow all that a fresh network does with its input.
                note[:] = [passed if check.moved else None, self._describe(check)]
            except NetworkRefusal as refusal:
                note[:] = [None, str(refusal)]

    def _perturb(self, condition: Condition) -> PerturbationCheck:
        """Certify every pixel, or sample a few where a leak is known already."""
        if self.lattices is None:
            self.lattices = self._found_lattices()
        known = self.leak is not None
        if known:
            height, width = condition.size
            condition = dataclasses.replace(condition, size=(min(height, self.small[0]), min(width, self.small[1])))
        subject = Subject(self.network, self.channels, condition, self.config.seed)
        wanted = [self.config.lattice] if self.config.lattice else self.lattices
        lattices = [] if known else wanted
        passes = self.config.max_passes
        alone = isinstance(self.certificate, PerturbationCheck) and self.certificate.lattice is None
        if known or alone:
            passes = min(_LEAK_SAMPLES if known else _SINGLE_SAMPLES, passes)
        check = perturbation_check(subject, lattices, max_passes=passes, seed=self.config.seed)
        if check.leaks:
            worst = check.leaks[0]
            self._note_leak("perturbation", condition, worst.position, worst.change, worst.ratio)
        return check

    def _certify_region(self, condition: Condition) -> None:
        with self._timed("region", condition.name) as note:
            self.certificate = check = self._examine_region(condition)
            note[:] = [check.blind, self._describe_region(check)]

    def _vary_region(self, condition: Condition) -> None:
        with self._timed("region", condition.name) as note:
            try:
                check = self._examine_region(condition)
                note[:] = [check.blind if check.moved else None, self._describe_region(check)]
            except NetworkRefusal as refusal:
                note[:] = [None, str(refusal)]

    def _examine_region(self, condition: Condition) -> RegionCheck:
        assert self.hole is not None
        subject = Subject(self.network, self.channels, condition, self.config.seed)
        first = self.certificate is None
        passes = self.config.max_passes if first else min(_SINGLE_SAMPLES, self.config.max_passes)
        check = region_check(subject, self.hole, max_passes=passes, seed=self.config.seed)
        if check.leaks and self.leak is None:
            worst = check.leaks[0]
            self.leak = Leak("region", condition.name, worst.position, worst.change, float("nan"))
        return check

    def _describe_region(self, check: RegionCheck) -> str:
        if not check.moved:
            return "the output does not depend on the input"
        if check.leaks:
            worst = check.leaks[0]
            where = "" if worst.offset is None else f" through the input at offset {worst.offset}"
            return f"the output at {worst.position} changed{where}: it sees its hole {check.hole}"
        way = "by half-planes" if check.method == "half-planes" else "pixel by pixel"
        return (
            f"{check.pixels} of {check.total} pixels certified for the hole {check.hole}, {way}, {check.passes} passes"
        )

    def _found_lattices(self) -> list[int]:
        subject = Subject(self.network, self.channels, self._condition("eval", self.small), self.config.seed)
        positions = _few_positions(*self.small)
        return blind_lattices(jacobian_maps(subject, positions, mixtures=1), positions)

    def _lattice_holds(self, check: PerturbationCheck) -> bool:
        return self.config.lattice is None or self.leak is not None or check.lattice == self.config.lattice

    def _describe(self, check: PerturbationCheck) -> str:
        if not check.moved:
            return "the output does not depend on the input"
        how = f"lattice {check.lattice}Z x {check.lattice}Z" if check.lattice else "pixel by pixel"
        words = f"{check.pixels} of {check.total} pixels certified, {how}, {check.passes} passes"
        if not self._lattice_holds(check):
            return f"the pixels are blind to themselves, but not to a lattice of side {self.config.lattice}; {words}"
        return f"{check.leaking} of {check.tested} tested pixels see themselves" if check.leaking else words

    def _other_conditions(self) -> list[Condition]:
        # On no grid of windows or strides, whatever the size that was asked for.
        odd = (max(min(_ODD[0], self.small[0] - 3) | 1, 1), max(min(_ODD[1], self.small[1] - 6), 1))
        return [
            self._condition("train mode", self.small, training=True),
            self._condition("eval, odd size", odd),
            self._condition("autocast", self.small, dtype=torch.float32, autocast=torch.bfloat16),
            self._condition("moved weights", self.small, spread=0.2),
        ]

    def _stacks(self) -> None:
        """Stacks that are shorter than a window, and one with all kinds of frames."""
        if self.stacked is None:
            return
        context, hidden = context_of(self.stacked), bool(getattr(self.stacked, "context_hole", False))
        lattice = 0 if self.hole is not None else max(int(getattr(self.stacked, "lattice", 0)), 1)
        height, width = (min(side, max(_SMALLEST_STACK, 2 * lattice)) for side in self.config.size)
        lengths = dict.fromkeys((1, 2, context + 1, 2 * context + 2))
        condition = f"float64, stacks of {', '.join(map(str, lengths))} frames, {height} x {width}"
        with self._timed("stack", condition) as note:
            function = network_on_stacks(self.stacked)
            checks = [
                stack_check(
                    function,
                    (count, self.channels, height, width),
                    lattice=lattice,
                    hole=self.hole,
                    frames=frames_worth_checking(count, context),
                    neighbours=hidden,
                    value_range=self.config.value_range,
                    seed=self.config.seed,
                )
                for count in lengths
            ]
            note[:] = [all(check.blind for check in checks), self._describe_stacks(checks, hidden)]

    def _describe_stacks(self, checks: Sequence[StackCheck], hidden: bool) -> str:
        leak = next((leak for check in checks for leak in check.leaks), None)
        if leak is not None:
            if self.leak is None:
                self.leak = Leak("stack", "stack", leak.position, leak.change, float("nan"))
            return f"frame {leak.frame} of the result changed with its own noise, by {leak.change:.3g}"
        frames, passes = sum(len(check.frames) for check in checks), sum(check.passes for check in checks)
        also = " and to the same places of their neighbours" if hidden else ""
        return f"{frames} frames are blind to themselves{also}, ends included, {passes} passes"

    def _stochastic(self) -> None:
        condition = self._condition("eval", self.small)
        with self._timed("stochastic", condition.name) as note:
            estimate = estimate_diagonal(Subject(self.network, self.channels, condition, self.config.seed))
            words = f"root mean square of the diagonal {estimate.rms:.2g}, below {estimate.rms_bound:.2g}"
            note[:] = [not estimate.leaks, f"{words} with 97.5 % confidence, {estimate.probes} probes"]
            if estimate.leaks and self.leak is None:
                self.leak = Leak("stochastic", condition.name, None, estimate.rms, float("nan"))

    def _learn(self) -> list[Learnability]:
        when, heavy = self.config.learn, sum(p.numel() for p in self.network.parameters()) > _QUICKLY_TRAINED
        if when == "never" or (when == "leaking" and self.leak is None):
            return []
        condition = "float32, train mode, " + ", ".join(f"{size} x {size}" for size in self.config.learn_sizes)
        with self._timed("learnability", condition) as note:
            if heavy and when == "leaking":
                note[:] = [None, "left out, too large to train in passing"]
                return []
            try:
                found = learnability(self.network, self.channels, self.config.learn_sizes, self.config.learning)
            except (RuntimeError, ValueError) as error:  # crops that the network does not take
                note[:] = [None, str(error)]
                return []
            worst = max(found, key=lambda result: result.explained)
            note[:] = [not worst.leaks, f"explains up to {worst.explained:.2%} of fresh noise"]
            return found

    def _note_leak(self, check: str, condition: Condition, position: Position, size: float, ratio: float) -> None:
        """Keep the first leak, and find its module."""
        if self.leak is not None:
            return
        subject = Subject(self.network, self.channels, condition, self.config.seed)
        culprit = find_culprit(subject, position, seed=self.config.seed)
        self.leak = Leak(check, condition.name, position, size, ratio, culprit)


def _few_positions(height: int, width: int) -> Sequence[Position]:
    """Two corners, a border, the centre and its diagonal neighbour (of another phase), without repetition."""
    middle = (height // 2, width // 2)
    wanted = [(0, 0), (height - 1, width - 1), (0, width // 2), middle, (max(middle[0] - 1, 0), max(middle[1] - 1, 0))]
    return list(dict.fromkeys(wanted))
