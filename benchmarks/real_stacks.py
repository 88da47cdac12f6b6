"""Recorded stacks: every frame by itself against one, two, three neighbours on each side, at equal training time.

``python -m benchmarks.real_stacks DATA --minutes 5`` with the folder ``stacks`` of the data, or some of its stacks:
``--stacks brightfield two_photon --contexts 0 2``. Each network is trained on the noisy recording itself, as ``bsn train``
does by default but for the context and the time. What there is to compare with differs (:mod:`benchmarks.stack_scores`):

=============  =============================================================================================================
near-truth     the mean of all frames too far away for the network to see, less its own noise, at pixels that stand still
repeat         a second recording of the same object, less its noise
held back      frames that no training saw: the error of the prediction that does not see the pixel, and its likelihood
=============  =============================================================================================================

What ``bsn inspect`` says of each stack is stored beside the scores. Stacks that it refuses are judged and not trained.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import write_result
from benchmarks.stack_data import STACKS, Stack, read_stack
from benchmarks.stack_scores import (
    beyond_four_sigma,
    held_back_scores,
    near_truth,
    residual_correlation,
    still_pixels,
    true_error,
)
from benchmarks.stacks import reflected_mean
from bsn.data import open_source
from bsn.engine import LoopConfig
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import Model, count_parameters
from bsn.noise.stacks import advise_context, judge_stacks
from bsn.training import TrainConfig, train


def held_back(stack: Stack) -> slice:
    """Frames that the training does not see: a fifth in the middle, or at the end of a short stack."""
    total = len(stack.frames)
    count = max(1, round(total / 5))
    first = (total - count) // 2 if total >= 12 else total - count
    return slice(first, first + count)


def judged(stack: Stack) -> dict[str, Any]:
    """What is measured between the frames, and what follows."""
    found = judge_stacks(open_source(stack.frames, axes=f"{stack.axis}YX"))
    advice = advise_context([entry.readings for entry in found], stack.axis)
    readings = found[0].readings
    return {
        "context": advice.context,
        "hole": advice.hole,
        "reasons": list(advice.reasons),
        "between": readings.between.correlation,
        "linear": readings.between.linear,
        "plateau": readings.between.plateau,
        "sigma": readings.within.sigma * stack.levels,
        "lags_x": readings.within.lags_x,
        "lags_y": readings.within.lags_y,
        "pattern": readings.pattern,
        "equal": readings.equal.largest,
        "worth": readings.worth,
    }


def train_on(stack: Stack, context: int, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train on the stack, without the frames that are held back."""
    frames: list[np.ndarray] = [stack.frames]
    if stack.scored == "held back":
        out = held_back(stack)
        frames = [part for part in (stack.frames[: out.start], stack.frames[out.stop :]) if len(part)]
    config = TrainConfig(
        start=None,
        context=context,
        context_axis="z" if stack.axis == "Z" else "t",
        hole=options.hole,
        crop=options.crop,
        validation_crops=0,
    )
    length = {"steps": options.steps} if options.steps else {"minutes": options.minutes}
    loop = LoopConfig(**length, seed=options.seed, validate_every=0, checkpoint_every=0, accelerator="cpu")
    began, worked = time.perf_counter(), time.process_time()
    result = train(frames, folder, config, loop, axes=f"{stack.axis}YX")
    model = Model.load(folder)
    said = ("hole", "stride", "noise", "context_hole", "crop", "optimizer")
    return {
        "context": context,
        "network": model.provenance.get("model"),
        "parameters": count_parameters(model.network),
        **{name: model.provenance[name] for name in said if name in model.provenance},
        "steps": result.steps,
        "training_seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - worked,
    }


def denoised(stack: Stack, model: Model, **options: Any) -> np.ndarray:
    """The stack in grey levels of the file, nothing rounded."""
    config = InferenceConfig(device="cpu", **options)
    frames = stack.frames.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Denoiser(model, config)(frames, f"{stack.axis}YX", value_range=(0, stack.levels))
    return found.astype(np.float64)


def blind_prediction(stack: Stack, model: Model) -> np.ndarray:
    """What the network says of each pixel without seeing it, nor what its training did not see."""
    hole = str(model.provenance.get("hole", "auto"))
    stride = int(model.provenance["stride"])
    return denoised(
        stack,
        model,
        posterior=False,
        wiener=False,
        polish=False,
        keep_mean=False,
        outliers="repair",
        stride=stride,
        hole=hole,
    )


def scored(stack: Stack, found: np.ndarray) -> dict[str, float]:
    """Scores of a result in grey levels, by what there is to compare with."""
    frames = stack.level_frames
    place = held_back(stack) if stack.scored == "held back" else slice(None)
    scores = residual_correlation((frames - found)[place])
    if stack.scored == "near-truth":
        truth, noise = near_truth(frames, stack.gap)
        still = still_pixels(frames)
        error = true_error(found, truth, noise, still)
        scores |= {"error": error, "beyond_4_sigma": beyond_four_sigma(frames - found, frames)}
    if stack.scored == "repeat":
        assert stack.repeat is not None
        inside = (frames != 0) & (stack.repeat != 0)
        noise = float((frames - stack.repeat)[inside].var()) / 2
        scores["error"] = float(((found - stack.repeat)[inside] ** 2).mean()) - noise
    if "error" in scores:
        scores["psnr"] = 10 * float(np.log10(stack.peak**2 / max(scores["error"], 1e-12)))
    return scores


def averages(stack: Stack) -> list[dict[str, Any]]:
    """The noisy frames, and means and medians over time or depth, which know nothing of motion."""
    frames = stack.level_frames
    rows = [{"method": "noisy", **scored(stack, frames)}] if stack.scored != "held back" else []
    for width in (3, 5) if stack.scored != "held back" else ():
        if len(frames) > width // 2:
            rows.append({"method": f"mean of {width}", **scored(stack, reflected_mean(frames, width))})
    return rows


def run(stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    """All rows of a stack; the result file is written after each."""
    content: dict[str, Any] = {
        "stack": stack.name,
        "frames": list(stack.frames.shape),
        "axis": stack.axis,
        "scored": stack.scored,
        "peak": stack.peak,
        **({"steps": options.steps} if options.steps else {"minutes": options.minutes}),
        "threads": options.threads,
        "judged": judged(stack),
        "rows": averages(stack) if stack.scored != "refused" else [],
    }
    write_result(f"stacks_real_{stack.name}", content)
    for context in options.contexts if stack.scored != "refused" else ():
        with tempfile.TemporaryDirectory() as folder:
            row = train_on(stack, context, options, Path(folder) / "run")
            model = Model.load(Path(folder) / "run")
        began = time.perf_counter()
        found = denoised(stack, model)
        row["denoising_seconds"] = time.perf_counter() - began
        row |= scored(stack, found)
        if stack.scored == "held back":
            place = held_back(stack)
            row |= held_back_scores(stack.level_frames[place], blind_prediction(stack, model)[place])
        content["rows"].append({"method": f"context {context}", **row})
        print(stack.name, content["rows"][-1], flush=True)
        write_result(f"stacks_real_{stack.name}", content)
    return content


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--stacks", nargs="+", default=list(STACKS), choices=list(STACKS))
    parser.add_argument("--contexts", nargs="*", type=int, default=[0, 1, 2, 3], help="none: averages alone")
    parser.add_argument("--minutes", type=float, default=5.0, help="training time of each network")
    parser.add_argument(
        "--steps", type=int, help="in place of the minutes, where other work on the machine takes turns"
    )
    parser.add_argument("--hole", default="auto", help="none: strides in place of the slower half-plane networks")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    torch.set_num_threads(options.threads)
    for name in options.stacks:
        run(read_stack(name, options.data), options)


if __name__ == "__main__":
    main()
