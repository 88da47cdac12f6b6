"""Eight-bit weights and activations for ONNX files."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data import atomic_output, writing
from distill.export.onnx import _require, session

__all__ = ["quantise_onnx"]


class _Images:
    """Calibration images as onnxruntime asks for them."""

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self._left = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._left, None)
        return None if image is None else {"image": image}


def quantise_onnx(
    source: str | Path, target: str | Path, calibration: Sequence[np.ndarray], *, overwrite: bool = False
) -> float:
    """Quantise the convolutions of an exported file to int8; the residual stays in float.

    Parameters
    ----------
    source, target : str or Path
        ONNX files; `source` is one of :func:`export_onnx`.
    calibration : sequence of ndarray
        Noisy images as the file takes them; they decide the ranges of the activations.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    float
        PSNR of the int8 images against the float ones, mean over the calibration images, in dB (peak 1, or 255 for uint8).

    Raises
    ------
    ExportError
        If a package is missing.
    DataError
        If the file cannot be written.
    """
    _require("onnx", "onnxruntime")
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    target = Path(target)
    with (
        _errors_only(),
        tempfile.TemporaryDirectory() as folder,
        atomic_output(target, overwrite=overwrite) as temporary,
        writing(target),
    ):
        prepared = str(Path(folder, "prepared.onnx"))
        quant_pre_process(str(source), prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            str(temporary),
            _Images(calibration),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "ConvTranspose"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        _tell(source, temporary)
        return _agreement(session(source), session(temporary), calibration)


def _tell(source: str | Path, quantised: Path) -> None:
    """Give the quantised file the metadata of its source, with the precision in its card changed."""
    import onnx

    about = {entry.key: entry.value for entry in onnx.load(str(source), load_external_data=False).metadata_props}
    if "card" in about:
        about["card"] = json.dumps({**json.loads(about["card"]), "precision": "int8"})
    proto = onnx.load(str(quantised))
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, about)
    quantised.write_bytes(proto.SerializeToString())


@contextlib.contextmanager
def _errors_only() -> Iterator[None]:
    """Keep onnxruntime's advice, which it logs to the root logger, off the terminal; the level is restored."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def _agreement(one: Any, other: Any, images: Sequence[np.ndarray]) -> float:
    values = []
    for image in images:
        a, b = (running.run(None, {"image": image})[0].astype(np.float64) for running in (one, other))
        peak = 255.0 if image.dtype == np.uint8 else 1.0
        values.append(10 * np.log10(peak**2 / max(float(((a - b) ** 2).mean()), 1e-20)))
    return float(np.mean(values))
