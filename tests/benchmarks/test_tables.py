"""Tables of the documentation against numbers that were published before the tables were made by code."""

import re

import pytest

from benchmarks.tables import AWAITED, TABLES
from benchmarks.tables.markdown import Table
from benchmarks.tables.stored import RESULTS, command, machine, stored, value
from tests.docs.pages import PAGES

COUNTED = {"blind_networks", "restoration_networks", "student_networks"}  # made of the networks, not of results

# Rows of the README of commit 2bf5f58, which was typed by hand.
PUBLISHED = {
    "w2s": ["29.7 dB", "36.17 dB | 36.32 dB", "**36.40 dB** | **36.46 dB**"],
    "white_noise": ["| 28.89 dB | 29.23 dB |", "**31.17 dB** | **30.89 dB**", "| 31.27 dB | 31.29 dB |"],
    "poisson_gaussian": ["| 27.81 dB | 28.37 dB |", "| 30.54 dB | 30.76 dB |"],
    "bundled": ["| mcmaster | 25 | 26.44 | 28.29 | **29.16** | 28.27 | 27.31 |"],
    "box": ["| set12 | 25 | 20.35 |", "| 30.36 |"],
    "camera_defaults": ["**37.64 dB (+0.28, 0)**", "**37.80 dB (+2.21, 0)**", "**42.08 dB (+2.39, 0)**"],
    "camera": ["| 34.51 dB | 33.05 dB |", "| 37.29 dB | 37.02 dB |"],
    "strides": ["| stride 2, R3 x 8, p = 0.4 | 23.16 dB | 24.92 dB | 24.50 dB | 28.05 dB |"],
    "measured_noise": ["| sidd | 1 | 35.1 / 38.3 | 18.9 | 0.00 / -2.24 | 0.42 / 0.39 | 0.42 / 0.39 | 0.03 / 0.01 |"],
    "certified": ["16,384 of 16,384: 38 passes, 174 s"],
    "leaks": ["| leak of 1e-12 | leak | leak | leak | leak | ok | leak | 2.2e-10 |"],
    "learned": ["| global | 64 | 48.444% [48.219%, 48.670%] | 42% |"],
    "leak_in_training": ["34.35 dB | 0.21 dB", "34.35 dB | 0.23 dB"],
    "students": ["0.06 dB", "1.12 dB"],
    "student_speed": ["4,340 x", "1,664 x"],
    "export": ["| 1.6 MB | 90 ms | 0.5 MB | 53 ms | 0.24 dB |"],
    "rain": ["33.16 dB | 0.950 | 3,017 steps, 5 min"],
    "restoration_speed": ["**2.6 x**", "1,835 → 1,051 MB"],
    "search": ["| 147,882 | 35,919 | 31.45 dB | 0.928 |"],
    "tbsn_cpu": ["**4.1 s (2.7 x)**", "**8.4 s (3.2 x)**"],
    "tbsn_cuda": ["| 26 ms | 8.8 x |"],
    "operators_cuda": ["1.04 → 0.36 ms | 2.9 x | 298 → 19 MB"],
    # The description of the clips, measured by other programs.
    "stacks_clips": [
        "| BM4D, the stack | 31.83 |",
        "| mean of 5 | 24.15 |",
        "| mean of 3 | 22.36 |",
        "| mean of 5 | 25.34 |",
    ],
    "stacks_recorded": ["| brightfield | mean of 3 | 46.87 dB |"],
    "stacks_judged": ["| bulk_water | 8 frames | +0.44 |"],
    "large_images": ["| 8,000 x 8,000 | 2.37 GB | 1.58 GB | 175 s |"],
}


@pytest.mark.parametrize("name", sorted(set(TABLES) - COUNTED))
def test_a_table_has_rows_commands_and_machines(name):
    table = TABLES[name]()
    assert table.rows
    assert table.sources
    for source in table.sources:
        assert command(source)
        assert "PyTorch" in machine(source)
    assert len(table.markdown().splitlines()) == 2 + len(table.rows)


@pytest.mark.parametrize("name", PUBLISHED)
def test_numbers_are_those_that_were_published(name):
    text = TABLES[name]().markdown()
    for row in PUBLISHED[name]:
        assert row in text


def test_every_result_file_is_in_a_table():
    used = {source for name in set(TABLES) - COUNTED for source in TABLES[name]().sources}
    shown_otherwise = {"picture", "attention_cpu"}  # the picture's caption; a comparison that no page draws on yet
    assert {path.stem for path in RESULTS.glob("*.json")} - used == shown_otherwise


def test_pages_show_tables_that_exist_and_all_of_them():
    shown = {
        name for page in PAGES for name in re.findall(r"\{results-table\} (\w+)", page.read_text(encoding="utf-8"))
    }
    assert shown == {*TABLES, *AWAITED}


def test_numbers_in_the_text_exist():
    found = 0
    for page in PAGES:
        for name, path in re.findall(r"\{result\}`([^:`]+):([^:`]+):", page.read_text(encoding="utf-8")):
            assert isinstance(value(name, path), float)
            found += 1
    assert found > 8


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="2 cells under a header of 1"):
        Table(["a"], [["1", "2"]], [])


def test_a_command_shows_no_folder_of_the_machine_that_ran_it():
    assert stored("polyu")["command"].count("--data") == 1
    assert command("polyu") == "python -m benchmarks.polyu --steps 1500 --reuse --threads 1"
