"""Calls of the library leave the process as it was: generators, threads, flags, environment, loggers, warnings, malloc."""

import contextlib
import logging
import os
import pickle
import random
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import bsn
import bsn.cli.main
from bsn.data import DataError, Image, SyntheticRain, pack, write_image
from bsn.engine import LoopConfig, RunFolder, fit
from bsn.engine.side_effects import generators_restored, process_restored, threads_set
from bsn.inference import Denoiser
from bsn.models import Model, ValueScale, create
from tests.helpers.toy_task import ToyTask

LOOP = LoopConfig(steps=2, validate_every=0, accelerator="cpu", deterministic=True)


def state():
    """All of the process that a call could change, by name."""
    loggers = {name: log for name, log in logging.root.manager.loggerDict.items() if isinstance(log, logging.Logger)}
    said = {
        f"logger {name}": (log.level, log.propagate, tuple(log.handlers), log.disabled)
        for name, log in {"root": logging.root, **loggers}.items()
    }
    return {
        **said,
        "random": random.getstate(),
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002 (the generator of the whole process is meant)
        "numpy errors": np.geterr(),
        "torch": torch.get_rng_state().tolist(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.get_deterministic_debug_mode()),
        "matmul": torch.get_float32_matmul_precision(),
        "cudnn": (
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.allow_tf32,
        ),
        "denormals": bool(torch.tensor([1e-40]) * 1.0 == 0),
        "environment": dict(os.environ),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)},
        "folder": os.getcwd(),
        "path": list(sys.path),
        "streams": (sys.stdout, sys.stderr, sys.excepthook),
    }


def changed(before, after):
    return sorted(key for key, value in before.items() if after[key] != value)


@pytest.fixture
def users_process(monkeypatch):
    """Settings that are the user's, unlike the defaults and unlike what our calls choose for themselves."""
    saved = state()
    flags = (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
    levels = [(log, log.level, log.propagate) for log in map(logging.getLogger, USERS_LEVELS)]

    def settle():
        torch.manual_seed(1234)
        torch.set_num_threads(3)
        random.seed(5)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True
        for name, level in USERS_LEVELS.items():
            logging.getLogger(name).setLevel(level)
            logging.getLogger(name).propagate = True
        monkeypatch.setenv("MASTER_PORT", "4711")
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)

    with generators_restored(), threads_set(2):
        settle()
        yield settle
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = flags
    for log, level, propagate in levels:
        log.setLevel(level)
        log.propagate = propagate
    random.setstate(saved["random"])


USERS_LEVELS = {
    "lightning_fabric": logging.DEBUG,
    "lightning.fabric": logging.DEBUG,
    "bsn.run": logging.CRITICAL,
    "bsn": logging.DEBUG,
    "torch.onnx": logging.INFO,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Noisy grey pictures, pairs with rain, and a small blind model."""
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    for name in ("grey", "rainy", "clean"):
        (folder / name).mkdir()
    for index in range(4):
        grey = rng.normal(100, 20, (64, 64)).clip(0, 255).astype(np.uint8)
        write_image(folder / "grey" / f"{index}.png", Image(grey, "YX"))
        clean = np.full((3, 40, 48), 0.2 + 0.15 * index, np.float32)
        for name, image in {"clean": clean, "rainy": SyntheticRain(angle=9)(clean, index)}.items():
            pixels = np.moveaxis((255 * image).astype(np.uint8), 0, -1)
            write_image(folder / name / f"{index}.png", Image(pixels, "YXC"))
    with generators_restored():
        model = Model(create("dbsnl", channels=1, width=8, modules=1).eval(), ValueScale(0.4, 0.1))
    model.save(folder / "model.safetensors")
    return folder


def pairs(files):
    from restoration.run import PairData

    return PairData([str(files / "rainy")], [str(files / "clean")])


def denoise_array(files, out):
    bsn.denoise(np.random.default_rng(0).normal(0.5, 0.1, (64, 64)), device="cpu", threads=1, r3_passes=1)


def deviate(files, out):
    model = Model(create_quietly("phase-unet-tiny", channels=1), ValueScale(0.4, 0.1))
    with contextlib.suppress(ValueError):  # it has no noise model; what is refused leaves nothing behind either
        Denoiser(model, device="cpu", threads=1).with_deviation(np.zeros((64, 64)))


def create_quietly(name, **options):
    with generators_restored():
        return create(name, **options).eval()


def denoise_files(files, out):
    denoiser = Denoiser(files / "model.safetensors", device="cpu", threads=1, ensemble=True, wiener=True)
    report = denoiser.denoise_files(sorted((files / "grey").iterdir()), lambda path: out / path.name)
    assert len(report.done) == 4


def refuse_files(files, out):
    (out / "broken.png").write_bytes(b"nothing")
    denoiser = Denoiser(files / "model.safetensors", device="cpu", threads=1)
    assert denoiser.denoise_files([out / "broken.png"], lambda path: out / "x.png").failed


def load(files, out):
    bsn.load(files / "model.safetensors")


def train(files, out):
    from bsn.training import TrainConfig

    config = TrainConfig(model="phase-unet-tiny", crop=32, batch_size=1)
    bsn.train(str(files / "grey"), out / "run", config, LOOP)


def fail_to_train(files, out):
    with pytest.raises(DataError, match="nothing"):
        bsn.train(str(files / "nothing"), out / "run", loop=LOOP)


def fit_a_task(files, out):
    fit(ToyTaskWithoutSeed(), LOOP, RunFolder(out / "run"))


class ToyTaskWithoutSeed(ToyTask):
    """Made by the test, whose seed is not the library's."""

    def __init__(self):
        with generators_restored():
            super().__init__()


def restore(files, out):
    from restoration.config import RestoreConfig
    from restoration.run import train

    train(pairs(files), out / "run", RestoreConfig("drt-tiny", crop=28, batch_size=1), LOOP)


def search(files, out):
    from restoration.manas.search import SearchConfig, search

    config = SearchConfig(widths=(16, 16), modules=(1, 1), crop=16, backgrounds=1, group_size=1, warmup=0.3)
    search(pairs(files), out / "run", config, LOOP)


def distil(files, out):
    from distill import DistillConfig, distil

    config = DistillConfig(student="tiny", crop=32, batch_size=1)
    distil(files / "model.safetensors", str(files / "grey"), out / "run", config, LOOP)


def export(files, out):
    pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")
    from distill.export import export_onnx, export_program, quantise_onnx

    model = Model(create_quietly("tiny", channels=1), ValueScale(0.3, 0.4))
    export_onnx(model, out / "student.onnx")
    export_program(model, out / "student.pt2")
    quantise_onnx(out / "student.onnx", out / "small.onnx", [np.zeros((1, 1, 32, 32), np.float32)])


def verify(files, out):
    from bsn.blindness import VerifyConfig, verify

    verify(create_quietly("dbsnl", channels=1, width=8, modules=1), 1, VerifyConfig((16, 16)))


def inspect(files, out):
    from bsn.data import open_source
    from bsn.noise import judge_noise

    judge_noise(open_source(str(files / "grey")))


def score(files, out):
    from bsn.evaluation import get_protocol
    from bsn.inference import pair_files
    from bsn.inference.scoring import score_files

    found = pair_files(str(files / "grey"), str(files / "grey"))
    score_files(found, get_protocol("float"), Denoiser(files / "model.safetensors", device="cpu"))


def pack_files(files, out):
    pack(str(files / "grey"), out / "packed.h5")


SLOW = [restore, search, export]
CALLS = [
    denoise_array, deviate, denoise_files, refuse_files, load, train, fail_to_train, fit_a_task, distil, verify, inspect,
    score, pack_files, *(pytest.param(call, marks=pytest.mark.slow) for call in SLOW),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda call: getattr(call, "__name__", None))
def test_a_call_of_the_library_leaves_the_process_as_it_was(call, files, tmp_path, users_process, no_mallopt_later):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call(files, tmp_path / "first")  # so that imports are done, which may bring loggers and filters
    no_mallopt_later()
    users_process()
    before, running = state(), threading.active_count()
    with warnings.catch_warnings(record=True):
        call(files, tmp_path / "second")
    assert changed(before, state()) == []
    assert threading.active_count() <= running


@pytest.fixture
def no_mallopt_later(monkeypatch):
    """Libraries load their own parts when they are first used; from then on nobody may."""

    def refuse(name, *args, **kwargs):
        raise AssertionError("a call of the library reached for the settings of malloc")

    return lambda: monkeypatch.setattr("bsn.engine.allocator.ctypes.CDLL", refuse)


@pytest.mark.parametrize(
    ("options", "kept"),
    [([], 1), (["--keep_memory", "true"], 2), (["--no_keep_memory"], 0), (["--keep_memory", "false"], 0)],
)
def test_a_command_keeps_memory_unless_it_is_forbidden(options, kept, files, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("bsn.engine.allocator.keep_freed_memory", lambda: calls.append("command"))
    monkeypatch.setattr("bsn.inference.runner.keep_freed_memory", lambda: calls.append("asked for"))
    words = ["denoise", str(files / "grey"), "--model", str(files / "model.safetensors"), "-o", str(tmp_path / "out")]
    assert bsn.cli.main([*words, "--device", "cpu", *options]) == 0
    assert len(calls) == kept


def test_a_call_keeps_memory_where_it_is_asked_for(files, monkeypatch):
    calls = []
    monkeypatch.setattr("bsn.inference.runner.keep_freed_memory", lambda: calls.append(1))
    Denoiser(files / "model.safetensors", device="cpu")
    assert calls == []
    Denoiser(files / "model.safetensors", device="cpu", keep_memory=True)
    assert calls == [1]


def test_the_threads_asked_for_compute(files, monkeypatch):
    denoiser, seen = Denoiser(files / "model.safetensors", device="cpu", threads=2), []
    network = denoiser.model.network
    network.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    with threads_set(3):
        denoiser(np.zeros((32, 32)))
        assert torch.get_num_threads() == 3
    assert set(seen) == {2}


def test_what_changes_is_found(users_process, monkeypatch):
    """The comparison itself can fail."""
    before = state()
    torch.rand(1)
    logging.getLogger("bsn.run").propagate = False
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert changed(before, state()) == ["environment", "logger bsn.run", "torch"]


def test_an_error_gives_back_the_process_too(users_process):
    before = state()

    @process_restored()
    def change_and_fail():
        torch.manual_seed(0)
        torch.set_num_threads(2)
        os.environ["MASTER_PORT"], os.environ["LOCAL_RANK"] = "1", "1"
        logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
        raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        change_and_fail()
    assert changed(before, state()) == []


def test_the_initial_seed_is_given_back():
    with generators_restored():
        torch.manual_seed(77)
        with generators_restored():
            torch.manual_seed(0)
        assert torch.initial_seed() == 77


def test_no_file_sets_the_process_in_other_places():
    """What sets the whole process is called in few files, so that the list above stays whole."""
    root = Path(__file__).resolve().parents[1]
    words = {
        "set_num_threads": {"bsn/engine/devices.py", "bsn/engine/side_effects.py", "distill/cache_making.py"},
        "use_deterministic_algorithms": set(),
        "set_float32_matmul_precision": set(),
        "set_default_dtype": set(),
        "mallopt": {"bsn/engine/allocator.py"},
        "os.environ[": {"bsn/engine/side_effects.py"},
        "environ.setdefault": {"bsn/engine/devices.py"},
        "cudnn.": {"bsn/engine/devices.py", "bsn/engine/side_effects.py"},
        "np.random.seed": set(),
        "logging.basicConfig": set(),
    }
    for word, places in words.items():
        found = {
            str(path.relative_to(root))
            for package in ("bsn", "data", "distill", "restoration")
            for path in (root / package).rglob("*.py")
            if not path.is_relative_to(root / "bsn" / "data") and word in path.read_text(encoding="utf-8")
        }
        assert found == places, word
