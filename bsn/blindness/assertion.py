"""``assert_blind``: the verifier as a test."""

from __future__ import annotations

from torch import nn

from bsn.blindness.verdict import Verdict
from bsn.blindness.verify import Check, VerifyConfig, verify
from bsn.hole import Hole

__all__ = ["assert_blind"]


def assert_blind(
    model: nn.Module,
    *,
    size: int | tuple[int, int] = 32,
    lattice: int | None = None,
    channels: int | None = None,
    checks: tuple[Check, ...] = ("jacobian", "perturbation", "conditions"),
    value_range: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
    hole: Hole | str | None = None,
) -> Verdict:
    """Fail unless a network is exactly blind at every pixel, in every condition.

    With the package installed, pytest offers it as a fixture of this name too.

    Parameters
    ----------
    model : nn.Module
        Maps (N, C, H, W) to (N, C', H, W).
    size : int or tuple of int
        Side, or (H, W), of the image that is certified.
    lattice : int, optional
        Side of a lattice that no output may see; None asks for the pixel alone.
    channels : int, optional
        C; default: ``model.channels``, else the input channels of the first convolution.
    checks : tuple of str
        See :class:`bsn.blindness.VerifyConfig`.
    value_range : tuple of float
        Range of the random input.
    seed : int
        Seed of the input and of the changes.
    hole : Hole or str, optional
        Region that no output may see, such as "square:9"; None takes the one that the model states, else the pixel alone.

    Returns
    -------
    Verdict

    Raises
    ------
    AssertionError
        With pixel, size of the leak, the module that lets it through, and the checks that ran. Also if fewer than all
        pixels could be certified.
    NetworkRefusal
        If the model cannot be examined at all.

    Examples
    --------
    >>> assert_blind(nn.Conv2d(1, 1, 3, padding=1), size=8)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    AssertionError: Conv2d LEAKS at its own forward (Conv2d), ratio ...
    """
    __tracebackhide__ = True
    height, width = (size, size) if isinstance(size, int) else size
    config = VerifyConfig(
        (height, width), checks, lattice, value_range, seed=seed, hole=None if hole is None else Hole.parse(hole)
    )
    verdict = verify(model, guess_channels(model) if channels is None else channels, config)
    if not (verdict.blind and (verdict.exact or "perturbation" not in checks)):
        raise AssertionError(str(verdict))
    return verdict


def guess_channels(model: nn.Module) -> int:
    """Channels of the images a network takes: its attribute ``channels``, else those of its first convolution.

    Parameters
    ----------
    model : nn.Module
        Network that states its channels or has a convolution.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there is neither.
    """
    stated = getattr(model, "channels", None)
    if isinstance(stated, int):
        return stated
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            return module.in_channels
    raise ValueError(f"{type(model).__name__} does not say how many channels its images have; give the channels")
