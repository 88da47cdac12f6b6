"""Entry point of the command ``bsn``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from bsn.cli.command import Command
from bsn.cli.memory import keep_memory
from bsn.cli.precedence import action_first, config_first
from bsn.cli.refusal import refusal_text
from bsn.cli.terminal import speaking

__all__ = ["main"]

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``bsn``.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after the program's name.

    Returns
    -------
    int
        0 if all went well, 2 after a message in one line, other codes as the commands document them.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        from importlib.metadata import version

        print(version("blindspot-denoising"))
        return 0
    names = _command_names()
    if words[0] not in names:
        return _complain("bsn", f"there is no command {words[0]!r}; choose one of {', '.join(names)}")
    return _run(words[0], action_first(words[1:]))


def _run(name: str, words: list[str]) -> int:
    with speaking(f"bsn {name}"):
        return _run_quietly(name, words)


def _run_quietly(name: str, words: list[str]) -> int:
    from jsonargparse import ArgumentError, ArgumentParser

    from bsn.cli.helping import asked_help, help_format, help_text
    from bsn.cli.switches import switch_words

    who = f"bsn {name}"
    try:
        command = _load(name)
        parser = ArgumentParser(
            prog=who,
            description=command.summary,
            epilog=command.examples,
            exit_on_error=False,
            formatter_class=help_format(),
        )
        parser.add_argument("--config", action="config", help="YAML file with options, as --print_config writes it")
        command.add_arguments(parser, words)
        who = parser.prog  # with the action of a command that has several
        asked, spoken = asked_help(words), command.action(words) or command
        if asked is not None:
            basic = spoken.basic.split()
            print(help_text(parser, basic if asked == "short" and basic else None), end="")
            raise SystemExit(0)
        overruling = spoken.recipes.overruling(words) if spoken.recipes is not None else []
        options = parser.parse_args(config_first(switch_words(parser, words), overruling))
        keep_memory(options)
        return command.run(options)
    except ArgumentError as error:
        return _complain(who, f"{refusal_text(str(error))}; see {who} --help")
    except KeyboardInterrupt:
        return _complain(who, "interrupted")
    except (ValueError, RuntimeError, OSError) as error:
        if os.environ.get("BSN_DEBUG"):
            raise
        return _complain(who, _one_line(error))


def _one_line(error: Exception) -> str:
    from bsn.data.errors import one_line  # numpy stays out of a command that has no error

    return one_line(error)


def _complain(who: str, text: str) -> int:
    print(f"{who}: {text}", file=sys.stderr)
    return USAGE_ERROR


def _command_names() -> list[str]:
    from importlib.metadata import entry_points

    return sorted({point.name for point in entry_points(group="bsn.commands")})


def _load(name: str) -> Command:
    from importlib.metadata import entry_points

    from bsn.plugins import load

    (point, *_) = entry_points(group="bsn.commands", name=name)
    command = load(point)
    if not isinstance(command, Command):
        raise ValueError(f"{point.value} is not a command of bsn; install the package that brings {name!r} again")
    return command


def _overview() -> str:
    names = _command_names()
    width = max(map(len, names), default=0)
    missing: dict[str, None] = {}  # reasons in order, each once: a package may bring several commands
    lines = [f"  {name:<{width}}  {_summary(name, missing)}" for name in names]
    return "\n".join(
        [
            "Blindspot: denoise images when no clean image exists.",
            "",
            "usage: bsn COMMAND [OPTIONS]       bsn COMMAND --help",
            "",
            "commands:",
            *lines,
            *missing,
            "",
            "Two commands clean a folder of noisy images:",
            "  bsn train noisy/ -o run",
            "  bsn denoise noisy/ --model run -o clean/",
            "",
            "BSN_DEBUG=1 shows the full trace of an error; BSN_BACKEND=reference switches the kernels off.",
        ]
    )


def _summary(name: str, missing: dict[str, None]) -> str:
    """Line about a command; where it cannot be loaded, the reason goes into `missing`."""
    try:
        return _load(name).summary
    except ValueError as error:
        missing[_one_line(error)] = None
        return "(not there, for the reason below)"
