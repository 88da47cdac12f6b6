"""Which stages a model and its options ask for, and how far they reach together."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import torch

from bsn.hole import Hole
from bsn.inference.colour_network import ColourNetwork
from bsn.inference.config import InferenceConfig
from bsn.inference.explanation import BOXED, RESULT
from bsn.inference.guard import Guard, guards
from bsn.inference.measuring import Measurement
from bsn.inference.mixing.candidates import Candidate, network_candidate
from bsn.inference.mixing.check import Check
from bsn.inference.mixing.choosing import (
    believed_noise,
    image_of,
    mixes,
    mixes_strong_noise,
    needs_check,
    network_candidates,
    smaller_hole,
)
from bsn.inference.mixing.mixer import REACH, Mixing
from bsn.inference.pipeline import Pipeline
from bsn.inference.polish_choice import PolishChoice
from bsn.inference.polishing import POLISH, Polish, mixed_in_model, polishing_model
from bsn.inference.refinement import Refinement, SecondPass
from bsn.inference.runner import Runner
from bsn.inference.stages import Downsampling, Filter, Frame, Posterior
from bsn.inference.tiling import Tiling
from bsn.models import HalfPlane, LightPair, Model, image_network
from bsn.models.bundled import BoxedModel, find_boxed
from bsn.noise.calibration import CALIBRATION
from bsn.noise.spectrum import BLOCK
from bsn.noise.wiener import REACH_INDEPENDENT, STEP

__all__ = ["check_deviation", "make_pipeline", "strides_of"]

_TRANSPOSE = 3  # of the transforms of bsn.data.arrays.geometry
_FULL_SECOND_PASS = 0.5  # by how much the strength is above 1 where the second result alone counts


def make_pipeline(model: Model, config: InferenceConfig) -> Pipeline:
    """Choose the stages.

    Parameters
    ----------
    model : Model
        Model on the device that computes.
    config : InferenceConfig
        What the caller asks for; the model's defaults fill the rest.

    Raises
    ------
    ValueError
        For options that exclude each other, or that this model has no use for.
    """
    _check(model, config)
    strong = None
    if mixes_strong_noise(model, config):
        strong = make_pipeline(model, dataclasses.replace(config, mix="image", guard=False))
    model = _at_hole(model, config)
    margin = model.inference.mosaic_margin
    downsamplings = tuple(Downsampling(stride, margin) for stride in strides_of(model, config))
    frame = _frame(model, downsamplings)
    raised = max(config.strength, 1.0)
    posterior = Posterior(model.channels, model.noise, model.scale, config.posterior, config.calibrate, raised)
    filters = _filters(model, config)
    device = next((p.device for p in model.network.parameters()), torch.device("cpu"))
    network = Runner(model.network, device, config)
    refinement = Refinement(config.r3_passes, config.r3_probability, config.seed, margin or 0)
    measures = filters and model.noise is None
    weighs = model.noise is not None and config.posterior
    again = Refinement(1, 0.0, config.seed, margin or 0)
    second = SecondPass(again, (raised - 1) / _FULL_SECOND_PASS) if raised > 1 and not weighs else None
    polishes = polishing_model(model, config)
    boxed = _loaded(mixed_in_model(model, config) if mixes(config) else polishes, device)
    polish = None if boxed is None else Polish(Runner(boxed.network, device, config), boxed.scale)
    pipeline = Pipeline(
        frame=frame,
        views=_views(model, config),
        downsamplings=downsamplings,
        network=network,
        posterior=posterior,
        refinement=refinement if config.r3_passes else None,
        filter=Filter(posterior) if filters else None,
        polish=None if mixes(config) else polish,
        measurement=Measurement(
            frame=frame,
            downsampling=downsamplings[0],
            network=network,
            spectrum=("yes" if config.wiener else "if possible") if measures else "no",
            curve=model.noise is not None and model.noise.per_image and config.posterior,
        ),
        tiling=_with_boxed(_tiling(model, config, frame, filters=filters), boxed),
        second=second,
    )
    chosen = None if pipeline.polish is None or config.polish else PolishChoice(pipeline.polish, pipeline.tiling.grid)
    noise_judge = chosen
    if model.inference.tones and config.polish is None and not config.by_hand:
        noise_judge = PolishChoice(Polish(network, model.scale), pipeline.tiling.grid)
    colour = None
    if isinstance(model.network, LightPair):
        other = Runner(model.network.colour, device, config)
        strongest = model.network.config.strongest * model.scale.scale
        colour = ColourNetwork(other, Polish(network, model.scale), strongest, pipeline.tiling.grid)
    return dataclasses.replace(
        pipeline,
        colour=colour,
        polish_choice=chosen,
        strong_noise=None if noise_judge is None else noise_judge.sees_strong_noise,
        mixing=_mixing(pipeline, model, config, device, polish),
        guard=_guard(pipeline, model, config, device),
        strong=strong,
        tiling=pipeline.tiling if strong is None else _of_both(pipeline.tiling, _with_boxed(strong.tiling, boxed)),
    )


def _of_both(one: Tiling, other: Tiling) -> Tiling:
    """Tiles whose halo and grid suit both."""
    return dataclasses.replace(one, grid=math.lcm(one.grid, other.grid), halo=max(one.halo, other.halo))


def _loaded(found: BoxedModel | None, device: torch.device) -> Model | None:
    if found is None:
        return None
    boxed = found.load()
    return dataclasses.replace(boxed, network=boxed.network.to(device).eval())


def _with_boxed(tiling: Tiling, boxed: Model | None) -> Tiling:
    """Tiles that hold what a second network sees beside what the first one does."""
    if boxed is None:
        return tiling
    network = boxed.network
    return dataclasses.replace(
        tiling, grid=math.lcm(tiling.grid, network.size_multiple), halo=tiling.halo + network.halo
    )


def _mixing(
    pipeline: Pipeline, model: Model, config: InferenceConfig, device: torch.device, boxed: Polish | None
) -> Mixing | Check | None:
    stride = min(strides_of(model, config))
    if mixes(config):
        plain = dataclasses.replace(pipeline, filter=None)
        network, smaller = model.network, None
        hole = _smaller(model, config)
        if hole is not None and isinstance(network, HalfPlane):
            runner = Runner(image_network(network.at_hole(hole)), device, config)
            smaller = image_of(dataclasses.replace(plain, network=runner).estimate)
        filtered = image_of(pipeline.estimate) if pipeline.filter is not None else None
        networks = network_candidates(model, image_of(plain.estimate), filtered, smaller, stride, hole)
        if boxed is not None:
            networks += (Candidate(BOXED, lambda run: boxed(run.noisy)),)
        assert config.mix in ("auto", "image", "regions")
        return Mixing(networks, config.mix, pipeline.tiling, config.seed)
    if needs_check(model, config):
        result = network_candidate(RESULT, image_of(pipeline.estimate), None, stride, blind=False)
        noise = None if model.noise is None else functools.partial(believed_noise, pipeline.posterior)
        return Check(result, noise, pipeline.tiling.grid, config.seed)
    return None


def _guard(pipeline: Pipeline, model: Model, config: InferenceConfig, device: torch.device) -> Guard | None:
    """The judge of results by what they remove; the model in the box for cameras is always there to judge."""
    boxed = _loaded(find_boxed(POLISH) if guards(model, config) else None, device)
    if boxed is None:
        return None
    judge = Polish(Runner(boxed.network, device, config), boxed.scale)
    return Guard(judge, pipeline.polish is not None, pipeline.tiling.grid)


def _at_hole(model: Model, config: InferenceConfig) -> Model:
    """The model with the hole that is asked for, or that was found for it.

    A mixture takes the hole of the training, whose error is known without a truth, and the smaller one beside it.
    """
    network = model.network
    if not isinstance(network, HalfPlane):
        if config.hole != "auto":
            raise ValueError(
                f"this model is a {type(network).__name__} and has no hole that could be changed to {config.hole}; leave the "
                "hole out"
            )
        return model
    if config.hole == "auto" and (model.inference.hole is None or mixes(config)):
        return model
    hole = Hole.parse(str(model.inference.hole) if config.hole == "auto" else config.hole)
    return dataclasses.replace(model, network=image_network(network.at_hole(hole)))


def _views(model: Model, config: InferenceConfig) -> Sequence[int]:
    """Flips and turns that are averaged; a quarter turn would lay lines of noise across the hole that hides them."""
    wanted = range(8) if config.ensemble else (0, _TRANSPOSE) if model.inference.views == 2 else (0,)
    network = model.network
    along_lines = isinstance(network, HalfPlane) and network.hole.shape in ("rows", "columns")
    return [view for view in wanted if view % 2 == 0 or not along_lines]


def _smaller(model: Model, config: InferenceConfig) -> Hole | None:
    """The hole that a mixture takes beside that of a half-plane network; None where there is none."""
    if not isinstance(model.network, HalfPlane):
        return None
    own = model.network.hole
    advised = own if model.inference.hole is None or config.hole != "auto" else Hole.parse(model.inference.hole)
    return advised if advised != own and own.includes(advised) else smaller_hole(own)


def strides_of(model: Model, config: InferenceConfig) -> tuple[int, ...]:
    """Strides of the pixel-shuffle downsampling: those asked for, otherwise what the model was trained for.

    Parameters
    ----------
    model : Model
        Its own defaults apply where `config` leaves the stride open.
    config : InferenceConfig
        The stride asked for, if any.

    Returns
    -------
    tuple of int
        One stride or more.
    """
    wanted = config.stride or model.inference.stride
    return (wanted,) if isinstance(wanted, int) else tuple(wanted)


def _check(model: Model, config: InferenceConfig) -> None:
    again = config.strength > 1 and (model.noise is None or not config.posterior)
    if model.context and (config.r3_passes or config.mix != "off" or again):
        option = "r3_passes" if config.r3_passes else f"mix {config.mix!r}"
        option = "the second pass of a strength above 1" if again else option
        raise ValueError(
            f"{option} works on single images, and this model takes {model.context} neighbouring frames on each side; leave it "
            "out"
        )
    outputs = getattr(getattr(model.network, "config", None), "outputs", None)
    if model.noise is None and outputs is not None and outputs < model.channels:
        raise ValueError(
            f"this network turns {model.channels} channels into {outputs}, which is no denoised image of its input; call the "
            "network itself"
        )
    if model.noise is not None and config.r3_passes:
        raise ValueError(
            "r3_passes mix noisy pixels into a second pass; this model already weighs them by its noise model, use 0"
        )
    if model.noise is not None and config.wiener and not config.posterior:
        raise ValueError(
            "posterior=False leaves the noisy pixel out, wiener=True brings it back; leave one of them out"
        )

    if config.strength > 1 and config.mix != "off":
        raise ValueError(
            f"strength {config.strength:g} removes more than the measured noise, by which mix={config.mix!r} judges results; "
            "use a strength of at most 1, or mix='off'"
        )


def _filters(model: Model, config: InferenceConfig) -> bool:
    wanted = model.inference.wiener if config.wiener is None else config.wiener
    return wanted and (model.noise is None or config.posterior)


def _frame(model: Model, downsamplings: tuple[Downsampling, ...]) -> Frame:
    stride = math.lcm(*(d.stride for d in downsamplings))
    network = model.network
    if isinstance(network, HalfPlane):
        padding = "grid"
    elif network.lattice == 0:
        padding = "none"
    else:
        padding = "phases" if model.inference.mosaic_margin is None else "zeros"
    return Frame(
        scale=model.scale,
        channels=model.channels,
        unit=stride * network.size_multiple,
        period=stride * max(network.lattice, 1),
        padding=padding,
        stride=stride,
        hole=network.hole if isinstance(network, HalfPlane) else None,
    )


def _tiling(model: Model, config: InferenceConfig, frame: Frame, *, filters: bool) -> Tiling:
    widest = max(strides_of(model, config))
    reach = model.network.halo
    if model.noise is not None and config.calibrate:
        reach += CALIBRATION.reach
    # The last sub-pixel of a stride adds its own offset; a refinement pass works at full resolution.
    halo = widest * (reach + 1) - 1 if widest > 1 else reach
    halo += reach if config.r3_passes else 0
    halo += reach if config.strength > 1 else 0
    mixed = mixes(config)
    if mixed:
        halo += REACH + (2 * BLOCK if filters else 0)
    elif filters:
        halo += 2 * BLOCK if model.noise is None else REACH_INDEPENDENT
    return Tiling(
        grid=math.lcm(frame.unit, STEP) if filters or mixed else frame.unit,
        halo=halo,
        tile=config.tile,
        overlap=config.overlap,
        pooled=widest * model.inference.training_crop if model.network.global_statistics else None,
    )


def check_deviation(model: Model, config: InferenceConfig) -> None:
    """Refuse where there is no posterior to take the standard deviation from.

    Parameters
    ----------
    model : Model
        The model.
    config : InferenceConfig
        What the caller asks for.

    Raises
    ------
    ValueError
    """
    if not config.posterior:
        raise ValueError("the uncertainty is that of the posterior; leave posterior=False out")
    if config.strength != 1:
        raise ValueError(
            f"the uncertainty is that of the result, not of one at strength {config.strength:g}; leave one of them out"
        )
    if config.neighbours:
        raise ValueError("the uncertainty is that of a frame by itself; leave neighbours out")
    if model.noise is None:
        raise ValueError(
            "this model predicts no uncertainty; train one with a noise model (`bsn train --noise poisson-gaussian`)"
        )
