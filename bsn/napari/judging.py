"""Judge the noise of layers, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bsn.data import ArraySource, DataError, ReadOptions
from bsn.data.arrays.pixel_types import Range, unit_span
from bsn.napari.control import Control
from bsn.napari.gathering import gather
from bsn.napari.layers import LayerImage

__all__ = ["LayerJudgement", "judge_layers"]

_LIMIT = 1 << 28


@dataclass(frozen=True)
class LayerJudgement:
    """What was found.

    Parameters
    ----------
    suitable : bool
        Whether a network can be trained on these layers alone.
    headline : str
        The judgement in one sentence.
    numbers : tuple of (str, str)
        What was measured, and its value.
    reasons : tuple of str
        What follows, in sentences.
    """

    suitable: bool
    headline: str
    numbers: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()


def judge_layers(images: Sequence[LayerImage], control: Control, value_range: Range | None = None) -> LayerJudgement:
    """Measure the noise of layers, and say what training makes of it.

    Parameters
    ----------
    images : sequence of LayerImage
        Images of one kind.
    control : Control
        It may cancel the work.
    value_range : tuple of float, optional
        The pixel values that stand for 0 and 1.

    Returns
    -------
    LayerJudgement

    Raises
    ------
    DataError
        The images do not fit together.
    Cancelled
        The user cancelled.
    """
    from bsn.noise import judge_noise
    from bsn.noise.stacks import judge_stacks
    from bsn.training import TrainConfig, settle

    control.tell("reading")
    gathered = gather(images, _LIMIT)
    source = ArraySource(gathered.arrays, options=ReadOptions(axes=gathered.axes, nan="keep", value_range=value_range))
    control.look()
    control.tell("measuring the noise")
    judgement = judge_noise(source)
    if judgement.statistics is None:
        return LayerJudgement(False, "These images are too small to be measured.", (), tuple(gathered.notes))
    control.look()
    control.tell("comparing neighbouring planes")
    stacks = judge_stacks(source)
    control.look()
    s, span = judgement.statistics, unit_span(source.dtype, value_range)
    numbers = [
        ("planes", _planes(source)),
        ("standard deviation of the noise", f"{s.sigma * span:.4g}"),
        ("its variance grows by", f"{s.gain * span:.4g} per unit of brightness" if s.gain > 0 else "nothing"),
        ("correlation of neighbours in x, y", f"{s.lags_x[0]:+.2f}, {s.lags_y[0]:+.2f}"),
        ("clipped pixels", f"{s.clipped_low + s.clipped_high:.1%}"),
    ]
    for stack in stacks:
        between = stack.readings.between.correlation
        text = "not measured" if between is None else f"{between:+.2f}"
        numbers.append(("correlation between frames" + ("" if len(stacks) == 1 else f", {stack.name}"), text))
    try:
        settled = settle(source, TrainConfig(), judgement=judgement, stacks=stacks)
    except DataError as error:
        return LayerJudgement(False, str(error), tuple(numbers), (*judgement.advice.reasons, *gathered.notes))
    suitable = settled.advice is None or settled.advice.suitable
    headline = (
        "A network can learn from these images alone." if suitable else "A network cannot learn from these images."
    )
    return LayerJudgement(suitable, headline, tuple(numbers), (*settled.reasons, *gathered.notes))


def _planes(source: ArraySource) -> str:
    height, width = source.size(0)
    number = "one plane" if len(source) == 1 else f"{len(source)} planes"
    channels = "" if source.channels == 1 else f" with {source.channels} channels"
    return f"{number} of {height} x {width} pixels{channels}, {source.dtype}"
