"""The model card of weights in the box, and the file that is shipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bsn.models import Model, count_parameters
from tools.bundled.corruption import BlindNoise, CameraNoise
from tools.bundled.photographs import HELD_OUT
from tools.bundled.recipes import BoxRecipe
from tools.bundled.sources import Picture
from tools.bundled.train import LICENCE, described

__all__ = ["model_card", "ship"]

_INTRODUCTIONS = {
    "photo": "Photographs, colour or grey, with white noise of any strength.",
    "camera": "Files of cameras, colour or grey, whose noise neighbours share.",
}
_WHITE = BlindNoise()
_CAMERAS = CameraNoise()
_NOISES = {
    "photo": (
        f"Gaussian ({1 - _WHITE.photons:.0%}) or Poisson-Gaussian noise of a standard deviation between 0 and "
        f"{_WHITE.largest:g} of 255; {_WHITE.grey:.0%} of the crops grey, with the same noise in all channels; "
        f"{_WHITE.clipped:.0%} clipped to [0, 1] as files are; random order of the colours and random brightness."
    ),
    "camera": (
        f"a camera drawn at random (`bsn.data.random_camera`) photographs {1 - _CAMERAS.white:.0%} of the pieces: photons and "
        "read-out on a Bayer mosaic, white balance, one of three kinds of demosaicing, colour matrix, tone curve, smoothing of "
        f"colours, blur, sharpening, resizing, JPEG of quality 70 to 100. The target is the same photograph without noise. "
        f"The others have white noise. {_CAMERAS.grey:.0%} are grey."
    ),
}
_LIMITS = {
    "photo": (
        "- Noise that is correlated between neighbours (JPEGs of cameras and phones, interpolated images) is taken for picture "
        "and stays.\n"
    ),
    "camera": (
        "- The cameras of the training are simulated. Noise that no step of the simulation makes, such as lines and what a "
        "camera's own denoiser leaves, may stay.\n"
    ),
}


def ship(
    run: str | Path, recipe: BoxRecipe, photographs: Sequence[Picture], folder: str | Path, numbers: str = ""
) -> Path:
    """Write the weights of a run and their card as they lie in the box.

    Parameters
    ----------
    run : str or Path
        Folder of the run, or a model file.
    recipe : BoxRecipe
        What was trained, and how.
    photographs : sequence of Picture
        On what.
    folder : str or Path
        Where NAME.safetensors and NAME.md are written; existing ones are replaced.
    numbers : str
        Markdown for the section on numbers, beside those of the validation.

    Returns
    -------
    Path
        The file of the weights.
    """
    found = Model.load(run)
    model = dataclasses.replace(
        found,
        provenance={**found.provenance, **described(recipe, photographs)},
        inference=dataclasses.replace(found.inference, cut_spots=True),
        weights_licence=LICENCE,
    )
    target = Path(folder) / f"{recipe.name}.safetensors"
    model.save(target, half=True)
    target.with_suffix(".md").write_text(model_card(model, recipe, photographs, numbers), encoding="utf-8")
    return target


def model_card(model: Model, recipe: BoxRecipe, photographs: Sequence[Picture], numbers: str = "") -> str:
    """Describe a model in the box.

    Parameters
    ----------
    model : Model
        With the provenance of its training.
    recipe : BoxRecipe
        What was trained, and how.
    photographs : sequence of Picture
        On what.
    numbers : str
        Markdown for the section on numbers.

    Returns
    -------
    str
        Markdown.
    """
    config, facts = recipe.config, model.provenance
    scores = ", ".join(f"{name} {value:.4g}" for name, value in facts.get("validation", {}).items())
    rows = "\n".join(f"| {photograph.file} | {photograph.terms} |" for photograph in photographs)
    steps = (
        f"Begun as {recipe.began}. {facts.get('steps', 0):,} steps of {config.batch_size} crops of "
        f"{config.crop} x {config.crop} pixels, {config.loss.upper()} loss, {config.optimizer} at {config.learning_rate:g}, "
        "moving average of the weights "
        f"{recipe.loop.ema:g}, seed {facts.get('seed', 0)}, precision {facts.get('precision', '32-true')}: "
        f"{facts.get('seconds', 0) / 60:.0f} minutes on one shared CPU core."
    )
    return f"""# {recipe.name}

{_INTRODUCTIONS[recipe.kind]} A student of {count_parameters(model.network):,} parameters (float16 in the
file, float32 in use) that sees the noisy image once. It has no biases, so a picture twice as bright gives a result twice as
bright, and it need not be told how strong the noise is.

## Data

Clean photographs and synthetic noise; the clean picture is the target. The photographs, in up to three sizes (1, 0.7, 0.5),
downscaled and cropped:

| file | terms |
|---|---|
{rows}

Six pictures of overlapping discs ("dead leaves") are drawn by rule. `{HELD_OUT.file}` ({HELD_OUT.terms}) was held
out for validation. No image of a benchmark was used.

Noise, drawn anew: {_NOISES[recipe.kind]}

## Terms

{LICENCE}. The weights hold no photograph.

## Steps

{steps} `python -m tools.bundled {recipe.name} --photographs FOLDER -o run` does it again.

## Numbers

On the held-out photograph: {scores or "not measured"} (protocol `rgb8`).

{numbers}

## Limits

{_LIMITS[recipe.kind]}- It has learned photographs. Fluorescence, astronomy and X-rays look different; a model trained on your
  own noisy images keeps more of them.
- {len(photographs)} photographs are few; repeated fine textures are smoothed more than a network trained on thousands would.
- Like every denoiser it may remove faint detail and may draw structure into strong noise. Do not measure on its results
  without checking.
"""
