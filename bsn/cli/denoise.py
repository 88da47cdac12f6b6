"""``bsn denoise``."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command, flat_dataclass, take
from bsn.cli.outcome import say, tell_failed
from bsn.cli.reading import add_read_options, read_options
from bsn.cli.sharing import add_sharing_options, cluster_of, processes_of
from bsn.data.errors import name_some

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace
    from lightning_fabric import Fabric

    from bsn.inference import Denoiser, FileReport, InferenceConfig
    from bsn.inference.boxed import BoxChoice

EXAMPLES = """examples:
  bsn denoise photo.png -o clean.png                   with the model in the box that fits its noise
  bsn denoise photo.png -o clean.png --model photo     with a model in the box by name, see bsn models
  bsn denoise noisy/ --model run -o clean/             every image of a folder, same names, same dtype
  bsn denoise scan.tif --model run -o scan_clean.tif   one file, tile by tile if it is large
  bsn denoise stack.tif --axes TYX -o clean.tif --neighbours 3   frames with three neighbours on each side, without training
  bsn denoise clip.mp4 --model run -o clean.mkv        a video: lossless, with its sound
  bsn denoise photo.nef -o clean.dng                   a raw photograph, before demosaicing; -o clean.tif develops it
  bsn denoise noisy/ --model run -o clean/ --ensemble
  bsn denoise photo.png --model run -o out/ --stride 2 --r3_passes 8
  bsn denoise cells.tif -o clean.tif --adapt           an image unlike photographs: the model is adapted to it in seconds
  bsn denoise photo.png -o out/ --strength 0.7              leave some of the noise
  bsn denoise photo.png -o clean.png --preview look.html    before and after, and what was removed
  bsn denoise photos/ --model run -o out/ --same_noise      files of one camera: their noise is measured together
  bsn denoise photo.png --model run -o clean.png --mix check --explain
  bsn denoise volume.ome.zarr --model run -o clean.ome.zarr --devices 4
  bsn denoise volume.ome.zarr --model run -o clean.ome.zarr --scheduler tcp://10.0.0.5:8786
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
        help="folder of a run, a .safetensors model, or the name of one in the box, see bsn models; default: the one in the "
        "box that the noise of each image asks for",
    )
    parser.add_argument(
        "--uncertainty",
        action="store_true",
        help="also write the standard deviation of each result, to NAME_uncertainty.tif or into the FITS file; for models with "
        "a noise model",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print all candidates of each result: what each removes (--guard), its estimated PSNR (--mix), or its error at "
        "held-back pixels (--adapt)",
    )
    parser.add_argument(
        "--preview",
        type=str | None,
        default=None,
        metavar="FILE.html",
        help="also write a page with before and after, what was removed, and the hardest place at full size",
    )
    add_sharing_options(parser)
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
    from bsn.inference import InferenceConfig, result_paths
    from bsn.inference.boxed import choose_for_files

    config = take(InferenceConfig, options)
    _check(options)
    fabric = processes_of(options)
    if fabric is not None:
        config = dataclasses.replace(config, device=str(fabric.device))
    named = None if options.model is None else _ready(options.model, config, options)
    with cluster_of(options) as client:
        paths = result_paths(options.inputs, options.output, deviation=options.uncertainty)
        choices: list[BoxChoice] = []
        if named is not None:
            shares = [(named, list(paths))]
        else:
            choices = choose_for_files(paths, read_options(options))
            shares = [(_ready(None if c.model is None else c.model.name, config, options), c.files) for c in choices]
            for choice, (denoiser, _) in zip(choices, shares, strict=True):
                _say_which(choice, denoiser.model.provenance.get("trained_for", ""), len(paths))
            if config.neighbours == 0:
                _say_of_stacks([path for choice in choices for path in choice.stacks])
        if fabric is not None:
            fabric.launch()
        report = _denoise(shares, paths, options, fabric=fabric, client=client)
    if fabric is None or fabric.global_rank == 0:
        _tell(report, choices, options, len(paths))
    return 2 if report.failed else 0


def _tell(report: FileReport, choices: list[BoxChoice], options: Namespace, count: int) -> None:
    tell_failed(getattr(options, "command_name", "bsn denoise"), report.failed)
    _say_what_was_chosen(report, tables=getattr(options, "explain", False))
    print(f"{len(report.done)} of {count} images {getattr(options, 'done', 'denoised')} to {options.output}")
    if getattr(options, "preview", None) is not None and report.done:
        _write_preview(report, choices, options)
    for choice in choices:
        _warn_of_shared_noise(choice, report)


def _check(options: Namespace) -> None:
    """Refuse what cannot be, before the work begins."""
    from bsn.inference.preview import check_preview

    if getattr(options, "preview", None) is not None:
        check_preview(options.preview, overwrite=options.overwrite)


def _denoise(
    shares: Sequence[tuple[Denoiser, list[Path]]],
    paths: Mapping[Path, Path],
    options: Namespace,
    *,
    fabric: Fabric | None,
    client: Any,
) -> FileReport:
    """Denoise the files of each model, with a bar for the files and one for the frames, or parts, of a long stack."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from bsn.inference import FileReport

    report = FileReport()
    quiet = fabric is not None and fabric.global_rank > 0
    columns = (*Progress.get_default_columns(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        bar = progress.add_task("denoising", total=len(paths), rate="")
        frames = progress.add_task("frames of the file", visible=False, rate="")

        def frame_done(done: int, total: int) -> None:
            if done == 1:
                progress.reset(frames, total=total, visible=total > 1)
            speed = progress.tasks[frames].speed
            progress.update(frames, completed=done, rate=f"{speed:.2f} frames/s" if speed and client is None else "")

        for denoiser, files in shares:
            denoiser.frame_done = frame_done
            report.add(_share(denoiser, files, paths, options, fabric, client, lambda _: progress.advance(bar)))
    return report


def _share(
    denoiser: Denoiser,
    files: list[Path],
    paths: Mapping[Path, Path],
    options: Namespace,
    fabric: Fabric | None,
    client: Any,
    progress: Callable[[Path], None],
) -> FileReport:
    """Denoise the files of one model in this process, by several, or on a cluster."""
    how = read_options(options)
    written = {
        "overwrite": options.overwrite,
        "deviation": options.uncertainty,
        "output_dtype": options.output_dtype,
    }
    if fabric is None and client is None:
        return denoiser.denoise_files(files, paths.__getitem__, options=how, progress=progress, **written)
    from bsn.inference.shared import FileOrder

    denoiser.share_noise_of_files(files, how)
    orders = [FileOrder(path, paths[path], how, **written) for path in files]
    if fabric is not None:
        from bsn.inference.ranks import denoise_on_ranks

        return denoise_on_ranks(denoiser, orders, fabric, progress)
    from bsn.inference.cluster import denoise_on_cluster

    return denoise_on_cluster(denoiser, orders, client, progress)


def _ready(model: str | None, config: InferenceConfig, options: Namespace) -> Denoiser:
    from bsn.inference import Denoiser

    denoiser = Denoiser(model, config)
    if options.uncertainty:
        denoiser.check_deviation()
    compared = config.mix != "off" or config.adapt or denoiser.pipeline.guard is not None
    if getattr(options, "explain", False) and not compared:
        raise ValueError("--explain has nothing to list, since nothing is compared with these results; add --mix check")
    if denoiser.polished_by is not None:
        boxed = denoiser.polished_by
        if config.polish:
            say(f"all images get a second pass by {boxed} of the box")
        else:
            say(
                f"results are averaged with those of {boxed} of the box, after a second pass by it for images that show the "
                "grid of JPEG or strong noise; strong noise also gets its tones corrected; --no_polish leaves all of it out"
            )
    return denoiser


def _say_which(choice: BoxChoice, purpose: str, count: int) -> None:
    """The model in the box, how many of the images it is for, and why."""
    assert choice.model is not None  # without one, nothing could be loaded
    share = "" if len(choice.files) == count else f" for {len(choice.files)} of {count} images"
    say(f"model in the box{share}: {choice.model.name}, for {purpose}; {choice.why}")


def _say_of_stacks(stacks: list[Path]) -> None:
    """What would be better for files whose planes follow each other."""
    if not stacks:
        return
    names = name_some([path.name for path in stacks])
    say(
        f"each plane of {names} is denoised by itself; where `bsn inspect` finds the noise of neighbouring planes independent, "
        "--neighbours 3 denoises them together and keeps more of the picture"
    )


def _say_what_was_chosen(report: FileReport, *, tables: bool) -> None:
    """A line for each file whose result was chosen; with tables, all candidates of each of its planes."""
    from bsn.cli.terminal import print_table

    for path, explanations in report.explanations.items():
        if tables:
            for number, found in enumerate(explanations):
                name = path.name if len(explanations) == 1 else f"{path.name}, plane {number}"
                (first, *others), rows = found.table()
                if rows:
                    print_table(name, [(first, "left"), *others], rows)
        said = [found for found in explanations if found.changes]
        if said:
            more = f" (the first of {len(said)} planes)" if len(said) > 1 else ""
            print(f"{path.name}: {said[0].line()}{more}")


def _write_preview(report: FileReport, choices: list[BoxChoice], options: Namespace) -> None:
    from bsn.inference.preview import write_preview

    names = ", ".join(choice.model.name for choice in choices if choice.model is not None) or options.model
    said = f"Denoised with {names}" + ("" if options.strength == 1 else f" at strength {options.strength:g}")
    suspicious = write_preview(options.preview, report.done, read_options(options), said, overwrite=options.overwrite)
    print(f"before and after: {options.preview}")
    if suspicious:
        print(
            f"bsn denoise: note: what was removed from {name_some(suspicious)} looks like picture; see {options.preview}, and "
            "use a lower --strength",
            file=sys.stderr,
        )


def _warn_of_shared_noise(choice: BoxChoice, report: FileReport) -> None:
    if choice.fits or not any(path in report.done for path in choice.files):
        return
    print(
        f"bsn denoise: note: {choice.why}. The model in the box takes noise that neighbours share for picture. Train "
        "on your own images: bsn train noisy/ -o run --recipe camera",
        file=sys.stderr,
    )


_BASIC = (
    "help inputs model output config axes key nan range output_dtype overwrite uncertainty stride "
    "ensemble device outliers strength neighbours adapt preview"
)

COMMAND = Command("denoise images with a trained model", EXAMPLES, add_arguments, run, basic=_BASIC)
