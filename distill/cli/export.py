"""``bsn export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.command import Command
from bsn.cli.reading import add_read_options, read_options

if TYPE_CHECKING:
    import numpy as np
    from jsonargparse import ArgumentParser, Namespace

    from bsn.models import Model

EXAMPLES = """examples:
  bsn export student -o student.onnx                             any size, image in [0, 1] in and out
  bsn export --model photo -o photo.onnx                         a model in the box
  bsn export student -o student.onnx --pixels uint8              pixels as image libraries give them
  bsn export student -o student.onnx --fp16                      half the size
  bsn export student -o student.onnx --int8 --calibrate noisy/   a quarter of the size
  bsn export --model camera -o camera.dtmodel --format darktable  for darktable's neural restore
  bsn export --model photo-tiny -o page --format web              a page that denoises in the browser
  bsn export student -o student.pt2 --format torch
  bsn export student -o student.safetensors --format safetensors --half
"""

_LARGEST_CALIBRATION_SIDE = 512
_MOST_CALIBRATION_IMAGES = 16


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    from distill.export.formats import FORMATS

    parser.add_argument(
        "student", nargs="?", default=None, help="folder of a run of bsn distill, or a .safetensors model"
    )
    parser.add_argument(
        "--model",
        type=str | None,
        default=None,
        help="instead: a model in the box, see bsn models; of two networks the first",
    )
    parser.add_argument("-o", "--output", required=True, help="the file to write; web: the folder")
    parser.add_argument("--format", default="onnx", choices=list(FORMATS), help="kind of file")
    parser.add_argument(
        "--pixels",
        default="float",
        choices=["float", "uint8"],
        help="what the file takes and gives: (N, C, H, W) in [0, 1], or (N, H, W, C) uint8",
    )
    parser.add_argument("--fp16", action="store_true", help="onnx, web: compute in float16, for half the size")
    parser.add_argument("--int8", action="store_true", help="onnx: also write OUTPUT.int8.onnx, quantised")
    parser.add_argument("--calibrate", nargs="+", default=None, help="noisy images that set the ranges of int8")
    add_read_options(parser)
    parser.add_argument(
        "--runtime",
        type=str | None,
        default=None,
        help="web: where onnxruntime-web lies: the archive of `npm pack` or the installed package; otherwise looked for here",
    )
    parser.add_argument("--half", action="store_true", help="safetensors: store the weights in float16")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def run(options: Namespace) -> int:
    """Export, check, and say what came out.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.data import check_target
    from bsn.models import load

    target = Path(options.output)
    _check(options)
    if options.format == "web":
        return _write_page(target, options)
    for path in _targets(options):
        check_target(path, overwrite=options.overwrite)
    model = load(options.student or options.model)
    calibration = _calibration(options, model) if options.int8 else []
    _write(model, target, options)
    if options.int8:
        _quantise(target, calibration, options.overwrite)
    return 0


def _targets(options: Namespace) -> list[Path]:
    """All files that are written."""
    from distill.export import card_path

    target = Path(options.output)
    written = [target, *([_int8(target)] if options.int8 else [])]
    return [*written, *(card_path(path) for path in written if options.format == "onnx")]


def _int8(target: Path) -> Path:
    return target.with_suffix(".int8.onnx")


def _quantise(target: Path, calibration: list[np.ndarray], overwrite: bool) -> None:
    from distill.export import quantise_onnx, write_card

    small = _int8(target)
    agreement = quantise_onnx(target, small, calibration, overwrite=overwrite)
    write_card(small, overwrite=overwrite)
    print(
        f"{small}: {small.stat().st_size:,} bytes, {agreement:.1f} dB from the float file on {len(calibration)} images"
    )


def _check(options: Namespace) -> None:
    if (options.student is None) == (options.model is None):
        given = "neither" if options.student is None else "both"
        raise ValueError(f"{given} of a student and --model given, and one model is exported; give one of them")
    if options.format != "onnx" and options.int8:
        raise ValueError(f"int8 is for onnx, not for {options.format}; leave --int8 out")
    if options.int8 and not options.calibrate:
        raise ValueError("int8 needs a few noisy images to set its ranges; give --calibrate FOLDER")
    if options.fp16 and options.format not in ("onnx", "web"):
        raise ValueError(f"--fp16 is for onnx and web, not for {options.format}; leave it out")
    if options.fp16 and options.int8:
        raise ValueError("--fp16 and --int8 store the weights in two ways; give one of them")
    if options.format in ("darktable", "web") and options.pixels != "float":
        raise ValueError(f"{options.format} takes float pixels, not uint8; leave --pixels out")
    if options.runtime is not None and options.format != "web":
        raise ValueError(f"--runtime is for web, not for {options.format}; leave it out")
    if options.half and options.format != "safetensors":
        raise ValueError(f"--half is for safetensors, not for {options.format}; leave it out")


def _write(model: Model, target: Path, options: Namespace) -> None:
    from distill.export import export_darktable, export_onnx, export_program, write_card
    from distill.export.formats import check_exportable

    checked = ""
    if options.format == "onnx":
        worst = export_onnx(model, target, pixels=options.pixels, overwrite=options.overwrite, fp16=options.fp16)
        write_card(target, overwrite=options.overwrite)
        checked = f", onnxruntime and PyTorch agree to {worst:.1g}"
    elif options.format == "darktable":
        worst = export_darktable(model, target, overwrite=options.overwrite)
        checked = f", onnxruntime and PyTorch agree to {worst:.1g}"
    elif options.format == "torch":
        export_program(model, target, pixels=options.pixels, overwrite=options.overwrite)
    else:
        check_exportable(model)
        model.save(target, bits=16 if options.half else 32)
    print(f"{target}: {target.stat().st_size:,} bytes{checked}; weights: {model.weights_licence}")


def _write_page(target: Path, options: Namespace) -> int:
    from bsn.models import load
    from distill.export import check_page_target, export_page

    check_page_target(target, overwrite=options.overwrite)
    given = options.student or options.model
    model = load(given)
    name = Path(given).resolve().stem if options.student else given
    worst = export_page(
        model, target, name=name, runtime=options.runtime, fp16=options.fp16, overwrite=options.overwrite
    )
    size = sum(path.stat().st_size for path in target.iterdir())
    print(
        f"{target}: a page of {size:,} bytes, onnxruntime and PyTorch agree to {worst:.1g}; weights: {model.weights_licence}"
    )
    print(f"see it with `python -m http.server --bind 127.0.0.1 --directory {target}` at http://localhost:8000")
    return 0


def _calibration(options: Namespace, model: Model) -> list[np.ndarray]:
    """Noisy images as the exported file takes them: centres of at most 512 pixels of the first 16, without missing pixels."""
    import numpy as np

    from bsn.data import DataError, fill_missing, list_images, read_planes

    images = []
    for path in list_images(options.calibrate)[:_MOST_CALIBRATION_IMAGES]:
        plane, _ = fill_missing(read_planes(path, read_options(options))[0])
        if len(plane) != model.channels:
            raise DataError(
                f"{path.name} with {len(plane)} channel{'s' * (len(plane) != 1)}",
                f"this model denoises images of {model.channels}",
                "calibrate with images like those it is for",
            )
        top, left = (max(0, (side - _LARGEST_CALIBRATION_SIDE) // 2) for side in plane.shape[1:])
        cut = plane[:, top : top + _LARGEST_CALIBRATION_SIDE, left : left + _LARGEST_CALIBRATION_SIDE]
        if options.pixels == "uint8":
            cut = np.moveaxis((np.clip(cut, 0, 1) * 255 + 0.5).astype(np.uint8), 0, -1)
        images.append(np.ascontiguousarray(cut[None]))
    return images


COMMAND = Command("write a student as ONNX, torch or safetensors file, or as a web page", EXAMPLES, add_arguments, run)
