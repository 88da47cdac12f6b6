"""The model card of weights in the box, and the file that is shipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bsn.models import Model, count_parameters
from tools.bundled.photographs import HELD_OUT
from tools.bundled.recipes import BoxRecipe
from tools.bundled.sources import Picture
from tools.bundled.train import LICENCE, described, inference_of
from tools.bundled.words import WORDS

__all__ = ["model_card", "ship"]


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
        inference=inference_of(recipe.pairs, found.inference.training_crop, recipe.views),
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
        f"{config.crop} x {config.crop} pixels, {_loss(recipe)}, {config.optimizer} at {config.learning_rate:g}, "
        "moving average of the weights "
        f"{recipe.loop.ema:g}, seed {facts.get('seed', 0)}, precision {facts.get('precision', '32-true')}: "
        f"{facts.get('seconds', 0) / 60:.0f} minutes on one shared CPU core."
    )
    options = f" --further --minutes {facts.get('seconds', 0) / 60:.0f}" if recipe.goes_on else ""
    words, count = WORDS[recipe.pairs], len(photographs)
    twice = " Its result is the mean over the image and its transpose: two passes, whose errors differ."
    twice = twice if recipe.views == 2 else ""
    return f"""# {recipe.name}

{words.introduction} {count_parameters(model.network):,} parameters {words.network}{twice}

## Data

Clean photographs and synthetic {words.made}; the clean picture is the target. The photographs, in up to three sizes
(1, 0.7, 0.5), downscaled and cropped:

| file | terms |
|---|---|
{rows}

Six pictures of overlapping discs ("dead leaves") are drawn by rule. `{HELD_OUT.file}` ({HELD_OUT.terms}) was held
out for validation. No image of a benchmark was used.

{words.drawn}

## Terms

{LICENCE}. The weights hold no photograph.

## Steps

{steps} `python -m tools.bundled {recipe.name}{options} --photographs FOLDER -o run` does it again.

## Numbers

On the held-out photograph: {scores or "not measured"} (protocol `rgb8`).

{numbers}

## Limits

{words.limits}- {count} photographs are few; repeated fine textures are smoothed more than a network trained on thousands would.
- Like every denoiser it may remove faint detail and may draw structure into strong {words.made}. Do not measure on its
  results without checking.
"""


def _loss(recipe: BoxRecipe) -> str:
    return "expected likelihood" if recipe.pairs == "white" else f"{recipe.config.loss.upper()} loss"
