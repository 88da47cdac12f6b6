"""Measured noise in words for people who never measured any."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bsn.data import DataError, suffix_of
from bsn.data.files.formats.raw import SUFFIXES as RAW_SUFFIXES
from bsn.inference.boxed import BoxChoice
from bsn.noise import NoiseStatistics
from bsn.noise.report import InspectedFile
from bsn.training import Settled

__all__ = ["WORDS", "Words", "WordsSettings", "judgement_in_words", "kind_in_words"]


@dataclass(frozen=True)
class WordsSettings:
    """Where one word ends and the next begins; set by hand.

    Parameters
    ----------
    faint, moderate, strong : float
        Largest noise, as a share of the range that an image uses, that is called so.
    independent : float
        Largest correlation of neighbours that is called independent.
    clipped : float
        Share of pixels at an end of the range that is worth a sentence.
    rising : float
        Growth of the noise from the darkest to the brightest parts that is worth a sentence.
    """

    faint: float = 0.01
    moderate: float = 0.04
    strong: float = 0.12
    independent: float = 0.15
    clipped: float = 0.02
    rising: float = 1.3


WORDS = WordsSettings()


@dataclass(frozen=True)
class Words:
    """What a reader is told.

    Parameters
    ----------
    headline : str
        The judgement in a few words.
    sentences : tuple of str
        What it follows from, and what to do.
    advice : {"denoise", "train", "none"}
        What is likely to help best.
    """

    headline: str
    sentences: tuple[str, ...]
    advice: Literal["denoise", "train", "none"]


def judgement_in_words(
    entry: InspectedFile,
    together: NoiseStatistics | None,
    settled: Settled | DataError | None,
    choice: BoxChoice,
    units: float,
) -> Words:
    """Put a measurement into words.

    Parameters
    ----------
    entry : InspectedFile
        The image.
    together : NoiseStatistics, optional
        What training would judge it by.
    settled : Settled, DataError or None
        What training makes of it, see :func:`bsn.training.settle_inspected`.
    choice : BoxChoice
        Model in the box for it.
    units : float
        Values of the file per image value.

    Returns
    -------
    Words
    """
    found = entry.statistics
    if found is None:
        return Words(
            "Too small to be measured",
            ("The image is too small to measure its noise; you can still denoise it with a model in the box.",),
            "denoise",
        )
    shared = abs(found.strongest_lag) > WORDS.independent
    sentences = [_strength_sentence(entry, found, units), _neighbours_sentence(found)]
    if choice.shared and not shared:
        sentences.append(f"Still it is taken for noise that neighbours share, since {choice.why}.")
    sentences += _remarks(found)
    suitable = isinstance(settled, Settled) and settled.advice is not None and settled.advice.suitable
    if not suitable:
        sentences.append(
            "Training on this image alone is unlikely to help: read the reasons below. A model in the box may still remove "
            "some noise."
        )
        advice: Literal["denoise", "train", "none"] = "none"
    elif choice.fits and not (shared and not choice.shared):
        name = "a model in the box" if choice.model is None else f"the model {choice.model.name} in the box"
        sentences.append(
            f"What to do: “Denoise now” uses {name}, which was made for such noise. Training on these images can gain more "
            "where they look unlike photographs."
        )
        advice = "denoise"
    else:
        sentences.append("What to do: train on these images, since no model in the box was made for such noise.")
        advice = "train"
    word = _strength_word(entry, found, units)
    kind = "shared by neighbouring pixels" if shared else "independent from pixel to pixel"
    return Words(f"{word} noise, {kind}", tuple(sentences), advice)


_BITS = {"uint8": "8-bit", "uint16": "16-bit"}


def kind_in_words(entry: InspectedFile, planes: int) -> str:
    """Say what kind of image a file has.

    Parameters
    ----------
    entry : InspectedFile
        The image.
    planes : int
        Number of its planes.

    Returns
    -------
    str
        Such as "16-bit grey, 512 × 256 pixels, 20 planes".
    """
    if suffix_of(Path(entry.name)) in RAW_SUFFIXES:  # read as planes of half the size
        return f"raw photograph, {2 * entry.size[1]} × {2 * entry.size[0]} pixels"
    colour = {1: "grey", 3: "colour"}.get(entry.channels, f"of {entry.channels} channels")
    said = f"{_BITS.get(entry.dtype, entry.dtype)} {colour}, {entry.size[1]} × {entry.size[0]} pixels"
    return f"{said}, {planes} planes" if planes > 1 else said


def _share(entry: InspectedFile, found: NoiseStatistics, units: float) -> float:
    """Noise relative to the range that the image uses."""
    return found.sigma * units / max(entry.largest - entry.smallest, 1e-12)


def _strength_word(entry: InspectedFile, found: NoiseStatistics, units: float) -> str:
    share = _share(entry, found, units)
    steps = dataclasses.astuple(WORDS)[:3]
    return next(
        (word for word, end in zip(("Faint", "Moderate", "Strong"), steps, strict=True) if share <= end), "Very strong"
    )


def _strength_sentence(entry: InspectedFile, found: NoiseStatistics, units: float) -> str:
    sigma = found.sigma * units
    return (
        f"The noise has a standard deviation of {sigma:.3g} where the image has values from {entry.smallest:.4g} to "
        f"{entry.largest:.4g}: {_share(entry, found, units):.1%} of this range."
    )


def _neighbours_sentence(found: NoiseStatistics) -> str:
    lag = found.strongest_lag
    if abs(lag) <= WORDS.independent:
        return f"It is independent from pixel to pixel (correlation of neighbours {lag:+.2f}), the simplest case."
    return (
        f"Neighbouring pixels share it (correlation {lag:+.2f}), as after JPEG compression, demosaicing, or enlarging: the "
        "noise looks like grains larger than a pixel."
    )


def _remarks(found: NoiseStatistics) -> list[str]:
    said = []
    ends = [p.variance for p in sorted(found.curve, key=lambda p: p.intensity)]
    dark, bright = (max(ends[0], 1e-12), ends[-1]) if ends else (1.0, 1.0)
    if found.gain > 0 and bright > WORDS.rising**2 * dark:
        said.append("Bright parts are noisier than dark ones, as counted light is.")
    clipped = found.clipped_low + found.clipped_high
    if clipped > WORDS.clipped:
        said.append(f"{clipped:.0%} of the pixels are cut off at an end of the range, where no noise can be seen.")
    if found.outliers:
        said.append(
            f"{found.outliers} pixel{'s stand' if found.outliers > 1 else ' stands'} out alone (hot pixels or dust); these are "
            "kept as they are."
        )
    return said
