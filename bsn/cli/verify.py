"""``bsn verify``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bsn.cli.command import Command
from bsn.cli.json_output import add_json_option, print_json

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace
    from torch import nn

    from bsn.blindness import Verdict

EXAMPLES = """examples:
  bsn verify phase-unet-tiny                           a preset, with fresh weights
  bsn verify run/                                      the model of a run, or a .safetensors file
  bsn verify mypackage.nets:build --channels 1 --size 96
  bsn verify halfplane --hole square:5                 a region around each pixel
  bsn verify tbsn-small --set channel_attention=global --report leak.html

exit code: 0 blind, 1 leaks or not proved, 2 nothing could be verified
"""


class _Target(NamedTuple):
    """What is verified: a network, its channels, and the range of values that it works on."""

    name: str
    network: nn.Module
    channels: int
    value_range: tuple[float, float]


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    from bsn.blindness import CHECKS, LearnabilityConfig, VerifyConfig

    defaults = VerifyConfig()
    parser.add_argument(
        "network", help="preset, model file, run folder, or package.module:callable that builds a network"
    )
    parser.add_argument("--channels", type=int | None, default=None, help="of the image; default: the network's own")
    parser.add_argument("--size", type=int, default=64, help="side of the image that is certified, in pixels")
    parser.add_argument("--width", type=int | None, default=None, help="its width, where it is not square")
    parser.add_argument(
        "--checks", nargs="+", default=list(defaults.checks), help=f"choose from {', '.join(CHECKS)}; see bsn.blindness"
    )
    parser.add_argument("--lattice", type=int | None, default=None, help="side of the blind lattice that is demanded")
    parser.add_argument(
        "--hole",
        type=str | None,
        default=None,
        help="region that no output may see: square:9, diamond:5, rows:3, columns:3 or pixel; default: the network's own",
    )
    parser.add_argument(
        "--learn",
        choices=["never", "leaking", "always"],
        default="leaking",
        help="when it is trained to copy pure noise",
    )
    parser.add_argument(
        "--learn_steps", type=int, default=LearnabilityConfig().steps, help="training steps per crop size"
    )
    parser.add_argument("--set", nargs="*", default=[], help="options of a preset, such as channel_attention=global")
    parser.add_argument("--seed", type=int, default=0, help="of weights, inputs and sampled pixels")
    add_json_option(parser, words, "bsn verify")
    parser.add_argument("--report", type=str | None, default=None, help="HTML file with the gradient pictures")


def run(options: Namespace) -> int:
    """Verify, print the verdict, write the report; exit code 0 for a blind network, 1 otherwise.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    import sys

    import torch

    from bsn.blindness import LearnabilityConfig, VerifyConfig, verify
    from bsn.hole import Hole

    torch.manual_seed(options.seed)
    target = _find(options.network, options.channels, options.set)
    config = VerifyConfig(
        (options.size, options.width or options.size),
        tuple(options.checks),
        options.lattice,
        target.value_range,
        learn=options.learn,
        learning=LearnabilityConfig(steps=options.learn_steps, seed=options.seed),
        seed=options.seed,
        hole=None if options.hole is None else Hole.parse(options.hole),
    )
    say = None if options.json or not sys.stderr.isatty() else _progress
    verdict = verify(target.network, target.channels, config, name=target.name, say=say)
    if options.json:
        print_json(json.loads(verdict.to_json()))
    else:
        print(verdict)
    if options.report is not None:
        _write_report(Path(options.report), verdict, target)
    return 0 if verdict.blind else 1


def _progress(text: str) -> None:
    import sys

    print(f"  {text}", file=sys.stderr, flush=True)


def _find(word: str, channels: int | None, overrides: list[str]) -> _Target:
    """Network of a preset, a file, a folder, or a callable."""
    from bsn.blindness import guess_channels
    from bsn.models import create, current_name, presets
    from bsn.models.bundled import find_boxed

    if current_name(word) in presets():
        network = create(word, channels=channels, **_parse(overrides))
        return _Target(word, network, guess_channels(network), (0.0, 1.0))
    if overrides:
        raise ValueError(f"--set changes options of presets; {word!r} is not one of {', '.join(presets())}")
    if ":" in word and not Path(word).exists():
        return _imported(word, channels)
    if not Path(word).exists() and find_boxed(word) is None:
        raise ValueError(
            f"{word!r} is not a preset ({', '.join(presets())}), a model in the box, a file, a folder, or of the form "
            "package.module:callable"
        )
    return _stored(word, channels)


def _stored(path: str, channels: int | None) -> _Target:
    import torch

    from bsn.models import load

    model = load(path)
    if channels not in (None, model.channels):
        raise ValueError(f"{path} is a model for {model.channels} channels, not {channels}")
    low, high = (float(model.scale.to_network(torch.tensor(value))) for value in (0.0, 1.0))
    return _Target(path, model.network, model.channels, (low, high))


def _imported(word: str, channels: int | None) -> _Target:
    import importlib
    import os
    import sys

    from torch import nn

    from bsn.blindness import guess_channels

    module, _, attribute = word.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # code of others may raise anything
        raise ValueError(f"{word} cannot be imported ({type(error).__name__}: {error})") from error
    finally:
        sys.path.pop(0)
    network = found if isinstance(found, nn.Module) else _call(found, word, channels)
    if not isinstance(network, nn.Module):
        raise ValueError(
            f"{word} gives a {type(network).__name__}; give a torch.nn.Module or a callable that builds one"
        )
    return _Target(word, network, channels or guess_channels(network), (0.0, 1.0))


def _call(build: Callable[..., Any], word: str, channels: int | None) -> Any:
    """Network that a callable builds; it is told the channels if it has a parameter of that name."""
    import inspect

    try:
        takes = "channels" in inspect.signature(build).parameters
        return build(channels=channels) if takes and channels is not None else build()
    except Exception as error:  # code of others may raise anything
        raise ValueError(f"{word} cannot be called ({type(error).__name__}: {error})") from error


def _parse(overrides: list[str]) -> dict[str, Any]:
    import yaml

    pairs = [entry.partition("=") for entry in overrides]
    wrong = next((name for name, sign, _ in pairs if not sign), None)
    if wrong is not None:
        raise ValueError(f"--set {wrong} has no value; write {wrong}=VALUE")
    values = {name: yaml.safe_load(text) for name, _, text in pairs}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _write_report(path: Path, verdict: Verdict, target: _Target) -> None:
    from bsn.data.files.atomic import atomic_output
    from bsn.evaluation import HtmlReport

    report = HtmlReport(verdict.headline)
    rows = [
        [c.check, c.condition, {True: "ok", False: "LEAK", None: "not run"}[c.passed], c.detail] for c in verdict.checks
    ]
    report.table(["check", "condition", "result", "detail"], rows)
    if verdict.leak is not None and verdict.leak.culprit is not None:
        report.paragraph(str(verdict.leak.culprit))
    report.heading("What output pixels see")
    report.paragraph(
        "Gradient of one output pixel with respect to the image, on a logarithmic scale of six decades. Blue: exactly zero. "
        "Green: the pixel itself, not seen. Red: the pixel itself, seen."
    )
    report.pictures(_pictures(verdict, target))
    with atomic_output(path, overwrite=True) as partial:
        partial.write_text(report.render(), encoding="utf-8")


def _pictures(verdict: Verdict, target: _Target) -> list[tuple[Any, str]]:
    """Receptive fields of the centre, a corner, and the pixel that leaks most, enlarged."""
    import numpy as np

    from bsn.blindness import Condition, receptive_field

    height, width = (min(side, 64) for side in verdict.size)
    condition = Condition("report", (height, width), False, value_range=target.value_range)
    positions = {"centre": (height // 2, width // 2), "corner": (0, 0)}
    leak = verdict.leak.position if verdict.leak is not None else None
    if leak is not None and leak[0] < height and leak[1] < width:
        positions["leak"] = leak
    items = []
    for what, position in positions.items():
        shape = (target.channels, height, width)
        field = receptive_field(target.network, shape, position, condition=condition, draws=1)
        picture = np.kron(field.picture().numpy(), np.ones((1, 6, 6)))
        seen = "sees itself" if field.blind_lattice is None else f"blind lattice {field.blind_lattice}"
        radius = field.effective_radius()
        items.append((picture, f"{what} {position}: {seen}, reach {field.halo}, 95 % within {radius:.1f} pixels"))
    return items


COMMAND = Command("prove that a network is blind, or show where it leaks", EXAMPLES, add_arguments, run)
