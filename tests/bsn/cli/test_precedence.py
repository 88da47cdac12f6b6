"""What is said on the command line beats the file of --config, in any order."""

import json

import jsonargparse
import pytest

from bsn.cli import main
from bsn.cli.precedence import config_first
from bsn.cli.train import COMMAND
from distill.cli.distill import COMMAND as DISTILL
from restoration.cli.train import COMMAND as RESTORE_TRAIN

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
    return parser.parse_args(config_first(words, COMMAND.recipes.overruling(words)))


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


@pytest.mark.parametrize("named", [True, False])
def test_a_recipe_on_the_command_line_beats_that_of_the_file(tmp_path, named):
    """What a run of the default recipe stored: "auto" became 1, the learning rate is the user's own."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "stride: 1\nloss: poisson-l2\nsteps: 5800\nbetas: [0.9, 0.99]\nclip: 1.0\nlearning_rate: 0.5\n"
        + "recipe: default\n" * named
    )
    options = parsed(["noisy", "-o", "run", "--config", str(path), "--recipe", "tbsn", "--ema", "0.25"])
    assert (options.recipe, options.model, options.stride, options.loss) == ("tbsn", "tbsn", 5, "l1")
    assert (options.steps, tuple(options.betas), options.clip, options.ema) == (100_000, (0.9, 0.999), None, 0.25)
    assert options.learning_rate == 0.5


def test_a_recipe_of_the_file_sets_the_defaults(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("recipe: tbsn\nsteps: 7\n")
    options = parsed(["noisy", "-o", "run", "--config", str(path), "--batch_size", "3"])
    assert (options.recipe, options.model, options.stride) == ("tbsn", "tbsn", 5)
    assert (options.steps, options.batch_size, options.learning_rate) == (7, 3, 3e-4)


def test_nested_settings_follow_the_recipe(tmp_path):
    for command, name, first, second in [
        (DISTILL, "inference", ["--recipe", "default"], ["--recipe", "camera"]),
        (RESTORE_TRAIN, "loss", ["--recipe", "elf-tiny"], ["--recipe", "drt-rain100"]),
    ]:
        assert command.recipes is not None
        old, new = (command.recipes.chosen(words) for words in (first, second))
        path = tmp_path / "config.yaml"
        path.write_text(
            json.dumps({name: {key.partition(".")[2]: old[key] for key in old if key.startswith(f"{name}.")}})
        )
        (_, text) = command.recipes.overruling([*second, "--config", str(path)])
        expected = {key.partition(".")[2]: new[key] for key in new if key.startswith(f"{name}.")}
        assert json.loads(text)[name] == json.loads(json.dumps(expected))
        assert any(old[key] != new[key] for key in old if key.startswith(f"{name}."))


def test_an_unknown_recipe_of_a_file_is_one_line(capsys, tmp_path):
    (tmp_path / "config.yaml").write_text("recipe: nonsense\n")
    assert main(["train", "x", "-o", str(tmp_path / "y"), "--config", str(tmp_path / "config.yaml")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "nonsense" in line
