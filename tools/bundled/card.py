"""The model card of weights in the box, and the file that is shipped."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bsn.models import Light, LightPair, Model, count_parameters, first_network, image_network
from tools.bundled.photographs import HELD_OUT
from tools.bundled.recipes import BoxRecipe, Part, further, recipe_named
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
    found, target = Model.load(run), Path(folder) / f"{recipe.model}.safetensors"
    model = dataclasses.replace(
        found,
        provenance={**found.provenance, **described(recipe, photographs)},
        inference=inference_of(recipe.pairs, found.inference.training_crop, recipe.views),
        weights_licence=LICENCE,
    )
    shipped = Model.load(target) if target.is_file() else None
    if shipped is not None and (recipe.part == "colour" or isinstance(shipped.network, LightPair)):
        model = _paired(model, recipe, shipped)
    if recipe.part == "colour":
        recipe = _alone(recipe, "every")
    model.save(target, bits=recipe.bits)
    target.with_suffix(".md").write_text(model_card(model, recipe, photographs, numbers), encoding="utf-8")
    return target


def _paired(trained: Model, recipe: BoxRecipe, shipped: Model) -> Model:
    """The model in the box with one of its two networks replaced, or with a second one."""
    new, other, part = trained.network, shipped.network, recipe.part
    every = new if part == "every" else first_network(other)
    colour = new if part == "colour" or not isinstance(other, LightPair) else other.colour
    assert isinstance(every, Light)
    assert isinstance(colour, Light)
    if part == "every":
        base, second = trained, shipped.provenance.get("colour")
    else:
        base, second = shipped, {name: trained.provenance[name] for name in _RUN if name in trained.provenance}
    network = image_network(LightPair.of(every, colour, recipe.strongest / 255))
    return dataclasses.replace(base, network=network, provenance={**base.provenance, "colour": second})


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
    facts = model.provenance
    scores = ", ".join(f"{name} {value:.4g}" for name, value in facts.get("validation", {}).items())
    rows = "\n".join(f"| {photograph.file} | {photograph.terms} |" for photograph in photographs)
    pair = isinstance(model.network, LightPair)
    steps = _steps(recipe, facts)
    if pair:
        steps += f"\n\nThe second network: {_steps(_alone(recipe, 'colour'), facts['colour'])}"
    words, count = WORDS[recipe.pairs], len(photographs)
    network = words.network if recipe.bits == 16 else words.network.replace("float16", "eight bits")
    network += _TWO if pair else ""
    twice = " Its result is the mean over the image and its transpose: two passes, whose errors differ."
    twice = twice if recipe.views == 2 else ""
    return f"""# {recipe.name}

{words.introduction} {count_parameters(model.network):,} parameters {network}{twice}

## Data

Clean photographs and synthetic {words.made}; the clean picture is the target. The photographs, in up to three sizes
(1, 0.7, 0.5), downscaled and cropped:

| file | terms |
|---|---|
{rows}

Six pictures of overlapping discs ("dead leaves") are drawn by rule. `{HELD_OUT.file}` ({HELD_OUT.terms}) was held
out for validation. No image of a benchmark was used.

{words.drawn}{" " + WORDS["colour"].drawn if pair else ""}

## Terms

{LICENCE}. The weights hold no photograph.

## Steps

{steps}

## Numbers

On the held-out photograph: {scores or "not measured"} (protocol `rgb8`).

{numbers}

## Limits

{words.limits}- {count} photographs are few; repeated fine textures are smoothed more than a network trained on thousands would.
- Like every denoiser it may remove faint detail and may draw structure into strong {words.made}. Do not measure on its
  results without checking.
"""


_TWO = """ These are two networks:
one for all images, and one for photographs in colour, which `bsn denoise` takes for them. An exported file holds the first."""
_RUN = ("steps", "seconds", "seed", "precision", "validation")  # what is told of the training of the second network


def _alone(recipe: BoxRecipe, part: Part) -> BoxRecipe:
    """The recipe of one network of a pair, going on as the given one does."""
    found = recipe_named(f"{recipe.model}-colour" if part == "colour" else recipe.model)
    return further(found) if recipe.goes_on else found


def _steps(recipe: BoxRecipe, facts: Mapping[str, Any]) -> str:
    """How a network was trained."""
    config, minutes = recipe.config, f"{facts.get('seconds', 0) / 60:.0f}"
    options = f" --further --minutes {minutes}" if recipe.goes_on else ""
    return (
        f"Begun as {recipe.began}. {facts.get('steps', 0):,} steps of {config.batch_size} crops of "
        f"{config.crop} x {config.crop} pixels, {_loss(recipe)}, {config.optimizer} at {config.learning_rate:g}, "
        f"moving average of the weights {recipe.loop.ema:g}, seed {facts.get('seed', 0)}, precision "
        f"{facts.get('precision', '32-true')}: {minutes} minutes on one shared CPU core. "
        f"`python -m tools.bundled {recipe.name}{options} --photographs FOLDER -o run` does it again."
    )


def _loss(recipe: BoxRecipe) -> str:
    return "expected likelihood" if recipe.pairs == "white" else f"{recipe.config.loss.upper()} loss"
