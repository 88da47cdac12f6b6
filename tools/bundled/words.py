"""What the model cards say of each kind of weights in the box."""

from __future__ import annotations

from dataclasses import dataclass

from tools.bundled.corruption import CameraNoise, KnownNoise
from tools.bundled.rain import RandomRain
from tools.bundled.sources import COLOUR_NOISE, GREY_OF_SHARED, PHOTO_NOISE

__all__ = ["WORDS", "Words"]

_WHITE, _COLOUR = PHOTO_NOISE, COLOUR_NOISE
_CAMERAS = CameraNoise()
_KNOWN = KnownNoise()
_RAIN = RandomRain()


@dataclass(frozen=True)
class Words:
    """What the card of a kind says.

    Parameters
    ----------
    introduction : str
        What it is for.
    network : str
        What is behind the number of its parameters.
    made : str
        What is added to the photographs.
    drawn : str
        How it is drawn.
    limits : str
        Items of the list of limits that other kinds do not share.
    """

    introduction: str
    network: str
    made: str
    drawn: str
    limits: str


_STUDENT = """(float16 in the
file, float32 in use) that sees the noisy image once. It has no biases, so a picture twice as bright gives a result twice as
bright, and it need not be told how strong the noise is."""
_PRIOR = """(float16 in the
file, float32 in use): weights that `bsn train --start auto` begins with, instead of random ones, where network, channels and
noise fit. Grey images begin with the network that sees grey as this one sees three equal colours. The value scale of a run is
that of its own images. It is no model to denoise photographs with; the others in the box are better at that."""
_CAMERA = (
    "a camera drawn at random (`bsn.data.random_camera`) photographs "
    f"{1 - _CAMERAS.white:.0%} of the pieces: photons and "
    "read-out on a Bayer mosaic, white balance, one of three kinds of demosaicing, colour matrix, tone curve, smoothing of "
    "colours, blur, sharpening, resizing, JPEG of quality 70 to 100."
)
_STRANGE = """- It has learned photographs. A training on images that look different has to unlearn some of that; the numbers
  tell how a run from it ends beside one from random weights.
"""
_OWN_IMAGES = """- It has learned photographs. Fluorescence, astronomy and X-rays look different; a model trained on your
  own noisy images keeps more of them.
"""
WORDS = {
    "photo": Words(
        "Photographs, colour or grey, with white noise of any strength. A student of",
        _STUDENT,
        "noise",
        f"Noise, drawn anew: Gaussian ({1 - _WHITE.photons:.0%}, of a standard deviation between 0 and {_WHITE.largest:g} of "
        f"255) or Poisson-Gaussian noise (up to {_WHITE.largest_photons:g} at mid-grey); {_WHITE.grey:.0%} of the crops grey, "
        f"with the same noise in all channels; {_WHITE.clipped:.0%} clipped to [0, 1] as files are; random order of the "
        f"colours and random brightness. {_WHITE.clothed:.0%} of the crops have stripes, checks, weaves or dots drawn on "
        "them, with periods of 2.5 to 16 pixels.",
        "- Noise that is correlated between neighbours (JPEGs of cameras and phones, interpolated images) is taken for picture "
        f"and stays.\n{_OWN_IMAGES}",
    ),
    "colour": Words(
        "",
        "",
        "noise",
        f"The second network learned photographs in colour alone, with noise of a standard deviation between 0 and "
        f"{_COLOUR.largest:g} of 255, {_COLOUR.photons:.0%} of it Poisson-Gaussian. Their colours change places in "
        f"{_COLOUR.mixed:.0%} and are stronger or weaker in {_COLOUR.vivid:.0%}; {_COLOUR.clothed:.0%} have patterns.",
        "",
    ),
    "camera": Words(
        "Files of cameras, colour or grey, whose noise neighbours share. A student of",
        _STUDENT,
        "noise",
        f"Noise, drawn anew: {_CAMERA} {_CAMERAS.strong:.0%} of the photographs are taken in poor light. The target is the "
        "same photograph without noise. The others have white noise. "
        f"{_CAMERAS.grey:.0%} are grey.",
        "- The cameras of the training are simulated. Noise that no step of the simulation makes, such as lines and what a "
        f"camera's own denoiser leaves, may stay.\n{_OWN_IMAGES}",
    ),
    "white": Words(
        "The start of trainings on images whose noise is independent from pixel to pixel. A blind network of",
        _PRIOR,
        "noise",
        f"Noise, drawn anew: Gaussian ({1 - _KNOWN.photons:.0%}) or Poisson-Gaussian noise of a standard deviation between 0 "
        f"and {_KNOWN.largest:g} of 255 at mid-grey; {_KNOWN.grey:.0%} of the crops grey; {_KNOWN.bent:.0%} with bent tones, "
        "and all dimmed at random, as microscopes show things. Each crop is put on the value scale of a set that it might be "
        "part of. The network does not see the pixel that it predicts. The loss is the likelihood that `bsn train` maximises, "
        "with the known truth in place of one draw of the noise: its expectation over the noise of that pixel.",
        _STRANGE,
    ),
    "shared": Words(
        "The start of trainings on images whose neighbouring pixels share their noise. A blind network of",
        _PRIOR,
        "noise",
        f"Noise, drawn anew: {_CAMERA} The others have white noise. {GREY_OF_SHARED:.0%} are grey. Each crop is put on the "
        "value scale of a set that it might be part of. The network sees nothing of a square of 3 to 13 pixels around the one "
        "that it predicts; the side is drawn at each step. The loss compares with the photograph without noise, where "
        "`bsn train` has the noisy one: the median of the clean value instead of that of the noisy one, which differ little.",
        _STRANGE,
    ),
    "rain": Words(
        "Photographs, colour or grey, in light or heavy rain. `bsn restore apply` uses it where no model is named. A NAFNet of",
        """(float16 in the
file, float32 in use) that sees the rainy image once. Its channel attention averages over windows, so that a large photograph
is restored like a small one.""",
        "rain",
        f"Rain, drawn anew: {_RAIN.clear:.0%} of the crops have none and are to come back as they are. Of the others, "
        f"{_RAIN.sparse:.0%} have single streaks in up to three layers (`bsn.data.SyntheticRain`), the rest up to three layers "
        f"that are dense enough to hide the picture, {_RAIN.crossed:.0%} of these in crossing directions. The light of the "
        f"streaks is added and clipped, or, in {_RAIN.screened:.0%}, fills what the picture leaves; {_RAIN.shaded:.0%} have "
        f"dark streaks, too. {_RAIN.hazy:.0%} have "
        f"haze, which stays in the target; some are darker; {_RAIN.grey:.0%} are grey; {_RAIN.compressed:.0%} are JPEGs.",
        "- The rain of the training is made by rule. Real rain that looks different, such as large drops near the lens, "
        "splashes on the ground and the mist of far rain, stays, wholly or in part. Bright thin upright lines, such as "
        "wires and reeds, may be taken for rain.\n"
        "- Snow, drops on a window pane, haze and noise are not its task. Train on pairs for these: `bsn restore train`.\n",
    ),
}
