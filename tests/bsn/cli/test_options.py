"""One dialect of options: a short help, all of them after ``--help advanced``, and switches that take no value."""

import re

import jsonargparse
import pytest

from bsn.cli import main
from bsn.cli.switches import switch_words
from tests.helpers.command_line import complaint

COMMANDS = [
    *(
        "convert",
        "demo",
        "denoise",
        "distill",
        "distill report",
        "evaluate",
        "export",
        "inspect",
        "models",
        "pack",
        "train",
    ),
    *("verify", "restore", "restore apply", "restore demo", "restore evaluate", "restore pack", "restore search"),
    "restore train",
]
LONG = {"train", "distill", "restore train", "restore search", "denoise", "restore evaluate", "evaluate"}


def shown(capsys, *words):
    """Text of a help without examples, and the options in it, each once."""
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert stop.value.code == 0
    text = capsys.readouterr().out.partition("examples:")[0]
    text = re.sub(r"\{apply,.*?\}", "action", text, flags=re.S)
    rows = re.findall(r"^  (?! )(\S.*?)(?:  |$)", text, flags=re.M)
    return text, [re.split(r"[ ,]", re.sub(r"^-\w(?: [A-Z]+)?, ", "", row))[0] for row in rows]


def declared(monkeypatch, name):
    """Parser of a command with its options."""
    parsers = []
    monkeypatch.setattr("bsn.cli.helping.help_text", lambda parser, shown=None: parsers.append(parser) or "")
    with pytest.raises(SystemExit):
        main([*name.split(), "--help"])
    return parsers[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_short_help_has_at_most_20_options_and_advanced_has_all(capsys, monkeypatch, name):
    short, few = shown(capsys, *name.split(), "--help")
    _, all_of_them = shown(capsys, *name.split(), "--help", "advanced")
    parser = declared(monkeypatch, name)
    actions = [action for action in parser._actions if action.dest != "action" or name == "restore"]
    long = [[word for word in action.option_strings if word.startswith("--")] for action in actions]
    names = [words[0] if words else action.dest for words, action in zip(long, actions, strict=True)]
    assert sorted(all_of_them) == sorted(names)
    assert [action.dest for action in actions if not (action.help or "").strip()] == []
    assert 2 <= len(few) <= 20
    assert set(few) <= set(all_of_them)
    assert f"{len(names) - len(few)} more options" in short or len(few) == len(names)
    if name in LONG:
        assert len(few) < len(names)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_free_of_markup_and_types(capsys, name):
    text, _ = shown(capsys, *name.split(), "--help", "advanced")
    assert not re.search(r"`|:\w+:|Union\[|Literal\[|\(type:|\bNone\b", text)


def switches():
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_argument("images", nargs="*")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument("--augment", type=bool, default=True)
    parser.add_argument("--wiener", type=bool | None, default=None)
    parser.add_argument("--inference.ensemble", type=bool, default=False)
    return parser


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", (False, True, None, False)),
        ("--overwrite --wiener --inference.ensemble", (True, True, True, True)),
        ("--no_augment --no_wiener --inference.no_ensemble", (False, False, False, False)),
        ("--augment false --wiener True --inference.ensemble=true --overwrite true", (True, False, True, True)),
        ("--overwrite --wiener null --no_overwrite", (False, True, None, False)),
        ("--overwrite a.png --wiener b.png", None),
    ],
)
def test_switches(words, expected):
    parser = switches()
    rewritten = switch_words(parser, words.split())
    if expected is None:
        assert rewritten == ["--overwrite", "a.png", "--wiener=true", "b.png"]
        return
    options = parser.parse_args(rewritten)
    assert (options.overwrite, options.augment, options.wiener, options.inference.ensemble) == expected


def test_a_switch_on_the_command_line_beats_the_file(tmp_path):
    (tmp_path / "c.yaml").write_text("augment: true\noverwrite: true\n")
    parser = switches()
    options = parser.parse_args(
        switch_words(parser, ["--config", str(tmp_path / "c.yaml"), "--no_augment", "--no_overwrite"])
    )
    assert not options.augment
    assert not options.overwrite


def test_words_after_two_dashes_are_names():
    assert switch_words(switches(), ["--", "--augment", "true"]) == ["--", "--augment", "true"]


def test_a_switch_with_another_value_is_one_line(capsys):
    assert "--ensemble" in complaint(capsys, "denoise", "a.png", "-o", "b.png", "--ensemble=maybe")


def test_restore_apply_offers_only_what_applies_to_it(capsys):
    text, names = shown(capsys, "restore", "apply", "--help", "advanced")
    others = {
        "stride",
        "r3_passes",
        "r3_probability",
        "wiener",
        "same_noise",
        "posterior",
        "calibrate",
        "uncertainty",
        "seed",
        "mix",
        "polish",
        "adapt",
        "guard",
    }
    assert not {f"--{name}" for name in others} & set(names)
    assert {"--model", "--output", "--ensemble", "--tile", "--device"} <= set(names)
    assert "noise model" not in text
    assert "--stride" in complaint(capsys, "restore", "apply", "a.png", "--model", "m", "-o", "b", "--stride", "2")
