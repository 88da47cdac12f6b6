"""Protocols: everything that decides a PSNR or SSIM, under a name.

Numbers of different protocols must not be compared: SSIM windows differ between TBSN and AP-BSN, rounding moves PSNR, and
separately stretched microscopy pairs mean nothing without a fit. scikit-image computes the number of record.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bsn.evaluation.present import ssim_of_present

__all__ = ["PROTOCOLS", "Protocol", "Score", "fit_affine", "get_protocol", "listed_protocols", "luma"]

Planes = NDArray[np.floating]

_BT601 = np.array([65.481, 128.553, 24.966])


@dataclass(frozen=True)
class Score:
    """PSNR in dB and SSIM of one image."""

    psnr: float
    ssim: float


@dataclass(frozen=True)
class Protocol:
    """How a result is compared with the truth.

    Parameters
    ----------
    name, description : str
        Name to look it up by, and what it measures.
    rounding : {"none", "8-bit", "clip"}
        "8-bit": both images become floor(255 x + 0.5) / 255, clipped to [0, 1]. "clip": clipped only; SSIM is then taken on
        images rounded to whole grey levels, as the published DRT does.
    affine : bool
        Map the truth to the result by the gain and offset of least squares first, for pairs whose brightness was
        stretched separately.
    ssim_window : {"uniform", "gaussian"}
        7 x 7 uniform, or Gaussian of sigma 1.5 cut at 11 x 11.
    border : int
        Pixels cropped on every side.
    data_range : float
        Peak of PSNR and SSIM in units of the images ([0, 1]).
    luma : {"none", "float", "8-bit"}
        Compare the luma of ITU-R BT.601 (16 to 235 of 255) instead of the channels: as it is, or rounded to whole grey levels
        (MATLAB's ``rgb2ycbcr`` on 8-bit images). Grey images are compared as they are.
    sample_covariance : bool
        SSIM with N - 1 in its covariances (scikit-image) or N (Wang et al., MATLAB).
    mean_of_truth : bool
        Multiply the result so that its mean luma (BT.601) is that of the truth first, and clip it: the "GT mean" of papers on
        low light, which takes a number from the truth and tells colours and detail apart from brightness.

    Notes
    -----
    PSNR is taken over all channels together, SSIM averaged over channels, with scikit-image's sample covariance. Scores
    of a set are means over its images.

    Examples
    --------
    >>> truth = np.zeros((1, 16, 16), np.float32)
    >>> round(get_protocol("rgb8").score(truth + 0.1, truth).psnr, 2)
    19.83
    """

    name: str
    description: str
    rounding: Literal["none", "8-bit", "clip"] = "8-bit"
    affine: bool = False
    ssim_window: Literal["uniform", "gaussian"] = "uniform"
    border: int = 0
    data_range: float = 1.0
    luma: Literal["none", "float", "8-bit"] = "none"
    sample_covariance: bool = True
    mean_of_truth: bool = False

    @property
    def hash(self) -> str:
        """Eight hexadecimal digits over all fields that decide a number."""
        fields = {k: v for k, v in dataclasses.asdict(self).items() if k != "description"}
        # Fields added later count only where they are used, so that older protocols keep their hash.
        for name, unused in (("luma", "none"), ("sample_covariance", True), ("mean_of_truth", False)):
            if fields[name] == unused:
                del fields[name]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]

    def score(self, result: Planes, truth: Planes) -> Score:
        """Compare one image.

        Parameters
        ----------
        result, truth : ndarray, shape (C, H, W), float, range [0, 1]
            The denoised image and the clean one. Pixels that are NaN or infinite in one of them are missing.

        Returns
        -------
        Score
            Over the pixels that both images have, see :func:`bsn.evaluation.present.ssim_of_present`; NaN where there are none.

        Raises
        ------
        ValueError
            If the shapes differ, or the image is smaller than the SSIM window.
        """
        from skimage.metrics import peak_signal_noise_ratio, structural_similarity

        if result.shape != truth.shape or result.ndim != 3:
            raise ValueError(
                f"result {result.shape} and truth {truth.shape} cannot be compared; both must be (C, H, W)"
            )
        window = 11 if self.ssim_window == "gaussian" else 7
        if min(result.shape[1:]) - 2 * self.border < window:
            raise ValueError(
                f"an image of {result.shape[1]} x {result.shape[2]} is smaller than the SSIM window {window}"
            )
        if self.mean_of_truth:
            result = with_mean_of(result, truth)
        x, y = self._prepare(result), self._prepare(truth)
        present = np.isfinite(x) & np.isfinite(y)
        if not present.all():
            return self._score_present(x, y, present)
        if self.affine:
            y = fit_affine(y, x)
        options = {"gaussian_weights": True, "sigma": 1.5} if self.ssim_window == "gaussian" else {}
        with np.errstate(divide="ignore"):  # equal images have an infinite PSNR
            psnr = peak_signal_noise_ratio(y, x, data_range=self.data_range)
        if self.rounding == "clip":
            x, y = np.floor(255 * x + 0.5) / 255, np.floor(255 * y + 0.5) / 255
        ssim = structural_similarity(
            y, x, data_range=self.data_range, channel_axis=0, use_sample_covariance=self.sample_covariance, **options
        )
        return Score(float(psnr), float(ssim))

    def _score_present(self, x: NDArray[np.float64], y: NDArray[np.float64], present: NDArray[np.bool_]) -> Score:
        """Compare prepared images over the pixels that both have."""
        from skimage.metrics import peak_signal_noise_ratio

        if not present.any():
            return Score(float("nan"), float("nan"))
        x, y = np.where(present, x, 0.0), np.where(present, y, 0.0)
        if self.affine:
            y[present] = fit_affine(y[present], x[present])
        with np.errstate(divide="ignore"):  # equal images have an infinite PSNR
            psnr = peak_signal_noise_ratio(y[present], x[present], data_range=self.data_range)
        if self.rounding == "clip":
            x, y = np.floor(255 * x + 0.5) / 255, np.floor(255 * y + 0.5) / 255
        ssim = ssim_of_present(
            y,
            x,
            present,
            gaussian=self.ssim_window == "gaussian",
            data_range=self.data_range,
            sample_covariance=self.sample_covariance,
        )
        return Score(float(psnr), ssim)

    def _prepare(self, given: Planes) -> NDArray[np.float64]:
        image = np.where(np.isfinite(given), given, np.nan).astype(np.float64)
        if self.border:
            image = image[:, self.border : -self.border, self.border : -self.border]
        if self.rounding == "8-bit":
            image = np.clip(np.floor(255 * image + 0.5) / 255, 0, 1)
        elif self.rounding == "clip":
            image = np.clip(image, 0, 1)
        return image if self.luma == "none" or len(image) != 3 else luma(image, rounded=self.luma == "8-bit")


def luma(image: NDArray[np.float64], *, rounded: bool = False) -> NDArray[np.float64]:
    """Luma of ITU-R BT.601 in studio range.

    Parameters
    ----------
    image : ndarray, shape (3, H, W), RGB, range [0, 1]
        Colour image.
    rounded : bool
        Whether to round to whole grey levels of 255.

    Returns
    -------
    ndarray, shape (1, H, W)
        16 / 255 for black to 235 / 255 for white.
    """
    y = (np.tensordot(_BT601, image, 1) + 16)[None]
    return (np.floor(y + 0.5) if rounded else y) / 255


def with_mean_of(result: Planes, truth: Planes) -> Planes:
    """Scale a result to the mean luma of the truth.

    Parameters
    ----------
    result, truth : ndarray, shape (C, H, W), range [0, 1]
        Missing pixels of either do not count.

    Returns
    -------
    ndarray, shape (C, H, W), clipped to [0, 1]
        Missing pixels are NaN. Only clipped where one of the means is 0.
    """
    weights = np.array([0.299, 0.587, 0.114]) if len(result) == 3 else np.full(len(result), 1 / len(result))
    result, truth = (np.clip(np.where(np.isfinite(image), image, np.nan), 0, 1) for image in (result, truth))
    grey, true = (np.tensordot(weights, image, 1) for image in (result, truth))
    present = np.isfinite(grey) & np.isfinite(true)
    total = float(grey[present].sum())
    factor = float(true[present].sum()) / total if total > 0 else 1.0
    return np.clip(result * (factor or 1.0), 0, 1)


def fit_affine(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """``gain * source + offset`` with the gain and offset of least squares to `target`.

    Parameters
    ----------
    source, target : ndarray of equal shape
        The image to map, and the image to match.
    """
    centred = source - source.mean()
    variance = float((centred * centred).mean())
    gain = float((centred * (target - target.mean())).mean()) / variance if variance > 0 else 0.0
    return gain * centred + target.mean()


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("rgb8", "plain 8-bit RGB or grey: PSNR over all channels, SSIM with a 7 x 7 uniform window"),
        Protocol(
            "tbsn", "SIDD validation of the published TBSN: 8-bit rounding, Gaussian SSIM", ssim_window="gaussian"
        ),
        Protocol("ap-bsn", "AP-BSN: 8-bit rounding, PSNR of range 255, SSIM with a 7 x 7 uniform window"),
        Protocol(
            "affine",
            "microscopy pairs stretched separately: the truth is fitted to the result by gain and offset, no rounding",
            rounding="none",
            affine=True,
        ),
        Protocol(
            "y",
            "deraining papers (MATLAB): 8-bit images, BT.601 luma rounded, SSIM with an 11 x 11 Gaussian, valid region",
            ssim_window="gaussian",
            luma="8-bit",
            sample_covariance=False,
        ),
        Protocol(
            "y-float",
            "deraining papers (BasicSR): 8-bit images, BT.601 luma not rounded, SSIM with an 11 x 11 Gaussian, valid region",
            ssim_window="gaussian",
            luma="float",
            sample_covariance=False,
        ),
        Protocol(
            "drt",
            "published DRT: RGB, clipped, PSNR without rounding, SSIM on whole grey levels with an 11 x 11 Gaussian",
            rounding="clip",
            ssim_window="gaussian",
            sample_covariance=False,
        ),
        Protocol(
            "lowlight",
            "low light and underwater papers: 8-bit RGB, SSIM of each channel with an 11 x 11 Gaussian, valid region",
            ssim_window="gaussian",
            sample_covariance=False,
        ),
        Protocol(
            "lowlight-mean",
            "as lowlight, each result first scaled to the mean brightness of its truth (GT mean): a number of its own",
            ssim_window="gaussian",
            sample_covariance=False,
            mean_of_truth=True,
        ),
        Protocol("float", "no rounding, range 1, SSIM with a 7 x 7 uniform window", rounding="none"),
    )
}


def get_protocol(name: str) -> Protocol:
    """Protocol of a name.

    Parameters
    ----------
    name : str
        Name of a registered protocol.

    Returns
    -------
    Protocol

    Raises
    ------
    ValueError
        For other names; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise ValueError(f"there is no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def listed_protocols() -> str:
    """Names and descriptions of all protocols in one line of help."""
    return "; ".join(f"{name}: {protocol.description}" for name, protocol in PROTOCOLS.items())
