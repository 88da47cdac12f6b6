"""What is said on the command line beats the file of --config, in any order."""

import jsonargparse
import pytest

from bsn.cli import main
from bsn.cli.precedence import config_first
from bsn.cli.train import COMMAND

OLD = """images: [old]
output: oldrun
steps: 7
betas: [0.5, 0.6]
validate: {noisy: oldnoisy, clean: oldclean, protocol: rgb8}
"""
SAID = ["new", "-o", "newrun", "--steps", "9", "--betas", "[0.1, 0.2]", "--validate.noisy", "newnoisy"]


def parsed(words):
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    COMMAND.add_arguments(parser, words)
    return parser.parse_args(config_first(words))


@pytest.mark.parametrize("where", [0, 1, 3, 5, 7, 9])
@pytest.mark.parametrize("form", ["two words", "one word"])
def test_explicit_words_win_wherever_the_file_is_named(tmp_path, where, form):
    path = tmp_path / "config.yaml"
    path.write_text(OLD)
    named = ["--config", str(path)] if form == "two words" else [f"--config={path}"]
    options = parsed([*SAID[:where], *named, *SAID[where:]])
    assert (options.images, options.output, options.steps) == (["new"], "newrun", 9)
    assert tuple(options.betas) == (0.1, 0.2)
    assert (options.validate.noisy, options.validate.clean) == ("newnoisy", "oldclean")


def test_what_is_not_said_comes_from_the_file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(OLD)
    options = parsed(["--config", str(path)])
    assert (options.images, options.output, options.steps) == (["old"], "oldrun", 7)


def test_a_missing_file_is_one_line(capsys):
    assert main(["train", "x", "-o", "y", "--config"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
