"""What is said on the command line beats the file of --config, in any order."""

import json
from importlib.metadata import entry_points

import jsonargparse
import pytest

from bsn.cli import main
from bsn.cli.precedence import action_first, config_first, option_value
from bsn.cli.switches import switch_words
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
    """What a run of the default recipe stored: "auto" became 1, the gain of the noise is the user's own."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "stride: 1\nstride_test: 1\nloss: poisson-l2\nsteps: 5800\nbetas: [0.9, 0.99]\nclip: 1.0\n"
        "learning_rate: 0.002\nnoise_gain: 0.5\n" + "recipe: default\n" * named
    )
    options = parsed(["noisy", "-o", "run", "--config", str(path), "--recipe", "tbsn", "--ema", "0.25"])
    assert (options.recipe, options.model, options.stride, options.loss) == ("tbsn", "tbsn", 5, "l1")
    assert (options.steps, tuple(options.betas), options.clip, options.ema) == (100_000, (0.9, 0.999), None, 0.25)
    assert (options.learning_rate, options.noise_gain) == (3e-4, 0.5)
    assert options.stride_test is None


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


def parsed_by(name, words):
    """What a command makes of its words."""
    (point,) = entry_points(group="bsn.commands", name=name)
    command = point.load()
    words = action_first(words)
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    command.add_arguments(parser, words)
    spoken = command.action(words) or command
    overruling = spoken.recipes.overruling(words) if spoken.recipes is not None else []
    return parser.parse_args(config_first(switch_words(parser, words), overruling))


# Of each command that takes --config: its words with new values, and the same options with old values in a file.
COMMANDS = {
    "train": (
        "new -o new --steps 9 --key new --nan keep --range 0 9",
        "images: [old]\noutput: old\nsteps: 7\nkey: old\n",
    ),
    "restore train": (
        "--degraded new --clean new -o new --loss.l1 0.9 --validate.degraded new --recipe drt-tiny",
        "degraded: [old]\nclean: [old]\noutput: old\nloss: {l1: 0.1, edge: 0.5}\nvalidate: {degraded: old}\nrecipe: elf-tiny\n",
    ),
    "restore search": (
        "--degraded new --clean new -o new --steps 9 --recipe published",
        "degraded: [old]\nclean: [old]\noutput: old\nsteps: 7\nrecipe: tiny\n",
    ),
    "restore apply": ("new --model new -o new --tile 64", "inputs: [old]\nmodel: old\noutput: old\ntile: 32\n"),
    "restore evaluate": (
        "--models new --degraded new --clean new -o new --protocol y",
        "models: [old]\ndegraded: [old]\nclean: [old]\noutput: old\nprotocol: rgb8\n",
    ),
    "restore pack": ("--degraded new -o new --chunk 64", "degraded: [old]\noutput: old\nchunk: 32\n"),
    "distill": (
        "--teacher new --images new -o new --inference.r3_passes 3 --validate.noisy new --validate.clean new --recipe default",
        "teacher: old\nimages: [old]\noutput: old\ninference: {r3_passes: 5}\n"
        "validate: {noisy: old, clean: old}\nrecipe: camera\n",
    ),
    "distill report": (
        "--teacher new --students new --noisy new -o new --repeats 9",
        "teacher: old\nstudents: [old]\nnoisy: [old]\noutput: old\nrepeats: 7\n",
    ),
    "denoise": (
        "new --model new -o new --key new --tile 64",
        "inputs: [old]\nmodel: old\noutput: old\nkey: old\ntile: 32\n",
    ),
    "evaluate": ("--model new --noisy new --clean new -o new", "model: old\nnoisy: [old]\nclean: [old]\noutput: old\n"),
    "inspect": ("new --key new --plot new", "images: [old]\nkey: old\nplot: old\n"),
    "pack": ("new -o new --key new --chunk 64", "images: [old]\noutput: old\nkey: old\nchunk: 32\n"),
    "export": ("new -o new --calibrate new", "student: old\noutput: old\ncalibrate: [old]\n"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_lets_what_is_said_win_in_any_order(name, tmp_path):
    said, old = COMMANDS[name]
    path = tmp_path / "config.yaml"
    path.write_text(old)
    command, *action = name.split()
    words = [*action, *said.split()]
    expected = parsed_by(command, words)
    for where in range(len(words) + 1):
        # Between an option and its value no other option can stand.
        if where < len(words) and where and words[where - 1].startswith("-"):
            continue
        found = parsed_by(command, [*words[:where], "--config", str(path), *words[where:]])
        for option in (
            "images",
            "inputs",
            "degraded",
            "clean",
            "noisy",
            "models",
            "students",
            "teacher",
            "student",
            "model",
        ):
            assert found.get(option) == expected.get(option), (where, option)
        for option in (
            "output",
            "key",
            "range",
            "nan",
            "steps",
            "tile",
            "chunk",
            "repeats",
            "recipe",
            "protocol",
            "plot",
        ):
            assert found.get(option) == expected.get(option), (where, option)
        for group in ("validate", "inference", "loss"):
            told = [word.removeprefix(f"--{group}.") for word in words if word.startswith(f"--{group}.")]
            assert all(found[group][one] == expected[group][one] for one in told)


def test_what_is_not_said_of_a_group_stays_as_the_file_has_it(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("loss: {l1: 0.1, edge: 0.5}\n")
    words = ["train", "--degraded", "a", "--clean", "b", "-o", "c", "--loss.l1", "0.9", "--config", str(path)]
    loss = parsed_by("restore", words).loss
    assert (loss.l1, loss.edge) == (0.9, 0.5)


def test_a_switch_that_is_said_beats_the_file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("overwrite: true\nensemble: true\n")
    named, said = ["--config", str(path)], ["--no_overwrite", "--no_ensemble"]
    for words in ([*said, *named], [*named, *said]):
        options = parsed_by("denoise", ["a.png", "-o", "b.png", *words])
        assert (options.overwrite, options.ensemble) == (False, False)


@pytest.mark.parametrize("form", [["-o", "run"], ["-orun"], ["-o=run"], ["--output=run"], ["--output", "run"]])
def test_the_folder_of_a_run_is_found_in_every_form(form):
    assert option_value([*form, "--resume"], "--output", "", short="-o") == "run"
