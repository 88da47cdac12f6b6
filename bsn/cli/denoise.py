"""``bsn denoise``."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.command import Command, flat_dataclass, take
from bsn.cli.reading import add_read_options, read_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.data import ReadOptions
    from bsn.inference import FileReport

EXAMPLES = """examples:
  bsn denoise photo.png -o clean.png                   with the model in the box: photographs, white noise
  bsn denoise noisy/ --model run -o clean/             every image of a folder, same names, same dtype
  bsn denoise scan.tif --model run -o scan_clean.tif   one file, tile by tile if it is large
  bsn denoise noisy/ --model run -o clean/ --ensemble
  bsn denoise photo.png --model run -o out/ --stride 2 --r3_passes 8
  bsn denoise photos/ --model run -o out/ --same_noise      files of one camera: their noise is measured together
  bsn denoise photo.png --model run -o clean.png --mix check --explain
"""


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    parser.add_argument("inputs", nargs="+", help="noisy images: files, folders or patterns")
    parser.add_argument(
        "--model",
        type=str | None,
        default=None,
        help="folder of a run, or a .safetensors model; default: the one in the box, for photographs with white noise",
    )
    parser.add_argument(
        "--uncertainty",
        action="store_true",
        help="also write the standard deviation of each result, to NAME_uncertainty.tif; for models with a noise model",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print all candidates of each result with their estimated PSNR and weight, see --mix",
    )
    add_result_options(parser)


def add_result_options(parser: ArgumentParser, *, skip: Collection[str] = ()) -> None:
    """Declare how images are read, computed and written.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    skip : collection of str
        Fields of :class:`bsn.inference.InferenceConfig` that are not offered and keep their defaults.
    """
    from bsn.inference import InferenceConfig

    parser.add_argument("-o", "--output", required=True, help="folder for the results, or a file name for one input")
    add_read_options(parser)
    parser.add_argument(
        "--output_dtype",
        choices=["uint8", "uint16", "float32", "float64"],
        default=None,
        help="pixel type of the results, in units of the images; float32 for counts of few photons; default: as given",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    flat_dataclass(parser, InferenceConfig, skip=set(skip))


def run(options: Namespace) -> int:
    """Denoise, and list what failed at the end.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from rich.console import Console
    from rich.progress import Progress

    from bsn.inference import Denoiser, InferenceConfig, result_paths
    from bsn.models.bundled import BUNDLED

    config = take(InferenceConfig, options)
    if getattr(options, "explain", False) and config.mix == "off":
        raise ValueError("--explain has nothing to list, since --mix off compares no candidates; add --mix check")
    denoiser = Denoiser(options.model, config)
    if options.uncertainty:
        denoiser.check_deviation()
    paths = result_paths(options.inputs, options.output, deviation=options.uncertainty)
    sources, how = list(paths), read_options(options)
    if options.model is None:
        print(f"model in the box: {BUNDLED}, for {denoiser.model.provenance['trained_for']}")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("denoising", total=len(sources))
        report = denoiser.denoise_files(
            sources,
            paths.__getitem__,
            options=how,
            overwrite=options.overwrite,
            deviation=options.uncertainty,
            output_dtype=options.output_dtype,
            progress=lambda _: progress.advance(bar),
        )
    for path, message in report.failed.items():
        named = "" if path.name in message else f"{path.name}: "
        print(f"bsn denoise: {named}{' '.join(message.split())}", file=sys.stderr)
    _say_what_was_chosen(report, tables=getattr(options, "explain", False))
    print(f"{len(report.done)} of {len(sources)} images denoised to {options.output}")
    if options.model is None:
        _warn_of_correlated_noise(list(report.done), how)
    return 2 if report.failed else 0


def _say_what_was_chosen(report: FileReport, *, tables: bool) -> None:
    """A line for each file whose result was chosen; with tables, all candidates of each of its planes."""
    from bsn.cli.terminal import print_table

    for path, explanations in report.explanations.items():
        if tables:
            for number, found in enumerate(explanations):
                name = path.name if len(explanations) == 1 else f"{path.name}, plane {number}"
                rows = [(c.name, found.psnr(c.risk), f"{c.weight:.3f}") for c in found.choices]
                print_table(
                    name,
                    [("candidate", "left"), "estimated PSNR", "weight"],
                    [*rows, ("result", found.psnr(found.risk), "")],
                )
        said = [found for found in explanations if found.changes]
        if said:
            more = f" (the first of {len(said)} planes)" if len(said) > 1 else ""
            print(f"{path.name}: {said[0].line()}{more}")


def _warn_of_correlated_noise(done: list[Path], how: ReadOptions) -> None:
    from bsn.data.errors import name_some
    from bsn.data.files.formats.packed import is_packed
    from bsn.noise.report import correlated_files

    found = correlated_files([path for path in done if how.key is not None or not is_packed(path)], how)
    jpegs = [path for path in done if path.suffix.lower() in (".jpg", ".jpeg") and path not in found]
    said = []
    if found:
        names, worst = name_some([path.name for path in found]), max(found.values())
        said.append(f"the noise of {names} is correlated between neighbours (up to {worst:.2f})")
    if jpegs:
        said.append(f"{name_some([p.name for p in jpegs])}: JPEG correlates noise")
    if said:
        print(
            f"bsn denoise: note: {'; '.join(said)}. The model in the box takes noise that neighbours share for picture. Train "
            "on your own images: bsn train noisy/ -o run --recipe camera",
            file=sys.stderr,
        )


_BASIC = (
    "help inputs model output config axes key nan range output_dtype overwrite uncertainty explain mix stride wiener "
    "same_noise ensemble device outliers"
)

COMMAND = Command("denoise images with a trained model", EXAMPLES, add_arguments, run, basic=_BASIC)
