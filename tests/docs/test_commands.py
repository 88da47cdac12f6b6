"""Every command that the pages show is one that the parsers take."""

import re
import shlex

import pytest
from jsonargparse import ArgumentError, ArgumentParser

from bsn.cli.main import _command_names, _load
from bsn.cli.precedence import config_first
from bsn.cli.switches import is_switch, switch_names, switch_words
from bsn.engine import RunError
from restoration.cli import ACTIONS
from tests.docs.pages import PAGES, README, blocks, name

OTHERS = ("pip ", "python ")


def commands(path):
    """Words of every call of bsn in the bash blocks of a page, without comments."""
    for block in blocks(path.read_text(encoding="utf-8"), "bash"):
        for line in block.splitlines():
            for call in line.split("&&"):
                words = shlex.split(call, comments=True)
                if words and words[0].split("/")[-1] == "bsn":
                    yield words[1:]


CALLS = [
    pytest.param(words, id=f"{name(page)}: {' '.join(words)}") for page in [README, *PAGES] for words in commands(page)
]


def parser_of(words):
    """The parser of a command, as ``bsn`` builds it for these words."""
    assert words[0] in _command_names(), words[0]
    command = _load(words[0])
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    command.add_arguments(parser, words[1:])
    return parser


def parse(words):
    """Parse the words of a command, and run nothing."""
    parser = parser_of(words)
    return parser.parse_args(config_first(switch_words(parser, words[1:])))


def test_there_are_commands():
    assert len(CALLS) > 40


@pytest.mark.parametrize("words", CALLS)
def test_a_command_of_the_pages_is_understood(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "--resume" in words:  # asks the folder of its run, which is not here, for the settings
        with pytest.raises(RunError, match="holds no checkpoint"):
            parse(words)
    else:
        parse(words)


def test_a_wrong_option_is_found():
    with pytest.raises(ArgumentError):
        parse(["train", "noisy/", "-o", "run", "--strid", "2"])


NESTED = [
    ["distill", "report"],
    *(["restore", name] for name in ACTIONS),
]
PROSE = [pytest.param(page, id=name(page)) for page in [README, *PAGES] if "`--" in page.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def known_options():
    """All options of all commands, listed in their help or not."""
    parsers = [parser_of(words) for words in [*([command] for command in _command_names()), *NESTED]]
    return {
        option
        for parser in parsers
        for action in parser._actions
        for option in (*action.option_strings, *(switch_names(action) if is_switch(action) else ()))
    }


@pytest.mark.parametrize("page", PROSE)
def test_an_option_in_the_prose_exists(page, known_options):
    quoted = re.findall(r"`([^`\n]*)`", page.read_text(encoding="utf-8"))
    named = {option for text in quoted if not text.startswith(OTHERS) for option in re.findall(r"--[a-z][\w.]*", text)}
    groups = {option.rpartition(".")[0] + "." for option in known_options}  # `--inference.*`
    assert named - known_options - groups == set()
