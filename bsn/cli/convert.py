"""``bsn convert``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn convert bsn_iter_00100000.pth --model tbsn -o tbsn.safetensors
  bsn convert APBSN_SIDD.pth --model dbsnl -o ap-bsn.safetensors
  bsn convert CheckPoints/Rain100L/best_model.pt --model drt -o drt-rain100l.safetensors
  bsn convert mine.pth --model tbsn --official_config '{"dim": 32}' -o mine.safetensors
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
    from bsn.models.convert import converters

    parser.add_argument("checkpoint", help="published weights: .pth, .pt, .ckpt or .safetensors")
    parser.add_argument("--model", required=True, help=f"whose weights they are: {', '.join(converters())}")
    parser.add_argument("-o", "--output", required=True, help="the .safetensors file to write")
    parser.add_argument(
        "--official_config",
        type=str | None,
        default=None,
        help="official constructor arguments as JSON, or a file with them; default: the published ones",
    )
    parser.add_argument(
        "--channel_attention",
        type=str | None,
        default=None,
        help="tbsn: global (as published, the default) or phase (strictly blind)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")


def run(options: Namespace) -> int:
    """Convert, and say what came out.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.data.files.atomic import check_target
    from bsn.models.convert import convert
    from bsn.models.measure import count_parameters

    target = Path(options.output)
    check_target(target, overwrite=options.overwrite)
    extra: dict[str, Any] = {}
    if options.channel_attention is not None:
        if options.model != "tbsn" or options.channel_attention not in ("global", "phase"):
            raise ValueError("--channel_attention is 'global' or 'phase', and for tbsn only")
        extra["channel_attention"] = options.channel_attention
    model = convert(options.checkpoint, options.model, _official(options.official_config), **extra)
    model.save(target)
    print(
        f"{target}: {options.model}, {count_parameters(model.network):,} parameters; weights: {model.weights_licence}"
    )
    return 0


def _official(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    if not text.lstrip().startswith("{"):
        text = Path(text).read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'the official configuration is not JSON ({error}); write it like {{"dim": 48}}') from None
    return dict(content)


COMMAND = Command("turn published weights into a model file", EXAMPLES, add_arguments, run)
