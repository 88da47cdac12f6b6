"""The GPU script: what runs next, how a run is stopped and resumed, and that every part runs on a processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.command import parse, words
from benchmarks.gpu.operators import flex_window
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.plan import START, Part, Setting, choose
from benchmarks.gpu.profile import kind_of, table_of
from benchmarks.gpu.records import Records, commit_of
from benchmarks.gpu.worker import run_part
from bsn.ops import window_attention

ROOT = Path(__file__).resolve().parents[2]


# All but the trainings that differ in a seed or a variant only.
TRIED = [one.name for one in PARTS if one.group != "training"] + [
    "training_w2s_off_0",
    "training_polyu_published-recipe_0",
]


def part(name, seconds, least=None, group=None, tasks=None):
    return Part(name, seconds, lambda setting: tasks or {}, least, group)


THREE = [part("small", 40), part("long", 300, least=200, group="training"), part("later", 60)]


def order(parts, minutes, only=(), passed=()):
    """Names in the order in which they run if each takes all of its time."""
    left, passed, names = 60.0 * minutes, set(passed), []
    while choice := choose(parts, passed, only, left):
        names.append(choice.part.name)
        passed.add(choice.part.name)
        left -= choice.seconds
    return names


def test_parts_run_in_their_order_and_none_twice():
    assert order(THREE, 60) == ["small", "long", "later"]
    assert order(THREE, 60, passed=["small"]) == ["long", "later"]
    assert order(THREE, 60, only=["training"]) == ["long"]
    assert order(THREE, 60, only=["later", "small"]) == ["small", "later"]


def test_time_that_is_too_short_for_a_long_part_goes_to_a_later_one():
    assert order(THREE, 3) == ["small", "later"]
    assert order(THREE, 0.3) == []


def test_a_part_gets_its_limit_or_the_rest():
    assert choose(THREE, [], ["long"], 1000).seconds == START + 300
    assert choose(THREE, [], ["long"], 250).seconds == 250
    assert choose(THREE, [], ["long"], 200) is None


def test_the_parts_are_those_of_the_plan_in_nine_minutes():
    names = [one.name for one in PARTS]
    assert len(set(names)) == len(names)
    groups = list(dict.fromkeys(one.group or one.name for one in PARTS))
    first = ["tests", "networks", "operators", "profile", "compiled", "training", "restoration", "search", "throughput"]
    assert groups == [*first, "memcheck"]
    # What was quick before it was killed leaves room; at their limits the first four and one training fit.
    assert order(PARTS, 9)[:4] == ["tests", "networks", "operators", "profile"]
    # The next calls go on with what is left.
    rest = order(PARTS, 9, passed=names[:5])
    assert rest[0].startswith("training_")


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path, "a card", "abc")


def test_a_part_goes_on_where_it_stopped(records):
    done = []

    def task(name, fails=False):
        def run():
            done.append(name)
            if fails:
                raise ValueError("no room")
            return {"seconds": 1.0}

        return run

    broken = part("some", 9, tasks={"a": task("a"), "b": task("b", fails=True), "c": task("c")})
    assert not run_part(broken, Setting(), records)
    stored = json.loads((records.folder / "some.json").read_text())["runs"]
    assert [run["results"].keys() for run in stored] == [{"a", "c"}]
    assert stored[0]["errors"] == {"b": "ValueError: no room"}
    assert not records.complete("some")
    mended = part("some", 9, tasks={"a": task("a"), "b": task("b"), "c": task("c")})
    assert run_part(mended, Setting(), records)
    assert done == ["a", "b", "c", "b"]
    assert records.complete("some")
    assert records.present("some")["errors"] == {}


def test_runs_of_other_cards_and_commits_are_kept(records, tmp_path):
    one = part("some", 9, tasks={"a": lambda: 1})
    run_part(one, Setting(), records)
    again = Records(tmp_path / "new", "a card", "def", earlier=tmp_path)
    assert not again.complete("some")
    run_part(one, Setting(), again)
    other = Records(tmp_path / "new", "another card", "def")
    assert not other.complete("some")
    run_part(one, Setting(), other)
    marks = [(run["card"], run["commit"]) for run in other.runs("some")]
    assert marks == [("a card", "abc"), ("a card", "def"), ("another card", "def")]
    assert len(records.runs("some")) == 1


def test_a_worker_gets_the_options_of_its_run(tmp_path):
    options = parse(["--device", "cpu", "--tiny", "--runs", str(tmp_path), "--commit", "abc"])
    assert options.results == tmp_path / "results"
    again = parse(words(options, "networks"))
    assert again.only == ["networks"]
    for name in ("device", "tiny", "data", "runs", "results", "commit", "card"):
        assert getattr(again, name) == getattr(options, name)


def test_a_commit_is_named_without_git_too(tmp_path):
    (tmp_path / "bsn").mkdir()
    (tmp_path / "bsn" / "a.py").write_text("1\n")
    first = commit_of(tmp_path)
    (tmp_path / "bsn" / "a.py").write_text("2\n")
    assert first.startswith("code-")
    assert commit_of(tmp_path) != first


def test_kinds_of_work():
    names = {
        "sm90_xmma_fprop_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc": "convolutions",
        "aten::mkldnn_convolution": "convolutions",
        "nvjet_tst_128x256_64x4_1x2_h_bz_coopA_NNT": "matrix products",
        "window_attention_bwd_dq_kernel": "window attention",
        "gram_kernel": "channel attention",
        "layer_norm_bwd_kernel": "norms",
        "void at::native::vectorized_elementwise_kernel<4, at::native::GeluCUDAKernel>": "activations",
        "Memcpy DtoD (Device -> Device)": "copies",
        "aten::_softmax": "softmax",
        "aten::bmm": "matrix products",
    }
    assert {name: kind_of(name) for name in names} == names
    assert table_of([("gram_kernel", 1.0), ("aten::bmm", 3.0), ("mix_kernel", 1.0)]) == {
        "matrix products": 3.0,
        "channel attention": 2.0,
    }


@pytest.mark.slow
def test_a_part_that_takes_too_long_is_killed_with_its_children(tmp_path):
    script = (
        "import benchmarks.gpu.__main__ as main, benchmarks.gpu.plan as plan, subprocess, sys\n"
        "main.words = lambda options, name: ['-c']\n"
        "real = subprocess.Popen\n"
        "main.subprocess.Popen = lambda command, **o: real(['sh', '-c', 'sleep 60 & echo $!; wait'], **o)\n"
        "print(main.run(plan.Choice(plan.Part('x', 1, dict), 1.0), None), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=50)
    child, how = done.stdout.splitlines()
    assert how == "stopped at its limit"
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] in "ZX"  # dead, whether or not somebody has taken note


@pytest.mark.slow
def test_every_kind_of_part_runs_on_a_processor(collection, tmp_path):
    command = [
        sys.executable,
        "-m",
        "benchmarks.gpu",
        "--device",
        "cpu",
        "--tiny",
        "--minutes",
        "30",
        "--commit",
        "abc",
    ]
    command += ["--data", str(collection), "--runs", str(tmp_path / "runs"), "--only", *TRIED]
    # Not in Triton's interpreter, in which the other tests run: it is too slow for whole operators.
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    results = tmp_path / "runs" / "results"
    assert {path.stem for path in results.glob("*.json")} == {one.name for one in PARTS if one.answers_to(TRIED)}
    for path in results.glob("*.json"):
        (run,) = json.loads(path.read_text())["runs"]
        assert run["complete"], (path.stem, run["errors"])
        assert (run["card"], run["commit"], run["tiny"]) == ("processor", "abc", True)


@pytest.mark.slow
@pytest.mark.parametrize("window", [(7, 7), (4, 6)], ids=["bias", "tables"])
def test_flex_attention_computes_the_same(window):
    generator, (queries, keys) = torch.Generator().manual_seed(0), window
    x = torch.randn(2, 24, 2 * queries, 3 * queries, generator=generator)
    if queries == keys:
        tables = {"bias_table": torch.randn((2 * queries - 1) ** 2, 2, generator=generator)}
    else:
        tables = {name: torch.randn(2 * keys - 1, 4, generator=generator) for name in ("rel_height", "rel_width")}
    truth = window_attention(*x.chunk(3, 1), **tables, window=queries, key_window=keys, heads=2)
    found = flex_window(x, *tables.values(), window=queries, key_window=keys, heads=2, compiled=False)
    torch.testing.assert_close(found, truth, rtol=1e-4, atol=1e-5)
