"""Megapixels per second of networks over batch sizes, and of whole files: read, denoised, written, with a timeline."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image

from benchmarks.attention import synchronise
from benchmarks.gpu.plan import Part, Setting, Tasks
from benchmarks.gpu.profile import own_times
from benchmarks.measure import alternate
from bsn.inference import Denoiser, InferenceConfig, file_line
from bsn.inference.runner import Runner
from bsn.models import create

NETWORKS = ("tiny", "light", "tbsn")
BATCHES = (1, 4, 16, 64)
SIDE = 512
FILES, FILE_SIDE = 24, 1024


def _network(name: str, setting: Setting) -> torch.nn.Module:
    import distill.students  # noqa: F401  # registers the presets

    return create("phase-unet-tiny" if setting.tiny and name == "tbsn" else name).to(setting.device).eval()


def over_batches(name: str, setting: Setting) -> list[dict[str, Any]]:
    """Megapixels per second of the network alone, in bfloat16 on a GPU, for each batch size."""
    side, batches, repeats = (32, (1, 2), 1) if setting.tiny else (SIDE, BATCHES, 5)
    runner = Runner(_network(name, setting), torch.device(setting.device), InferenceConfig(precision="auto"))
    rows = []
    for batch in batches:
        x = torch.rand(batch, 3, side, side, device=setting.device)

        def run(x: torch.Tensor = x) -> None:
            with torch.no_grad():
                runner(x)
            synchronise(setting.device)

        run()
        (seconds,) = alternate({"run": run}, repeats).values()
        rows.append({"batch": batch, "seconds": seconds, "megapixels_per_second": batch * side**2 / seconds / 1e6})
    return rows


class Timeline:
    """Stages of files with begin and end in seconds: "decode", "network", "encode", as their threads see them."""

    def __init__(self, device: str) -> None:
        self.device, self.spans, self._origin = device, [], time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record what happens in the block."""
        start = time.perf_counter() - self._origin
        yield
        self.spans.append([name, start, time.perf_counter() - self._origin])

    @contextmanager
    def watch(self, network: torch.nn.Module) -> Iterator[None]:
        """Record the files that are denoised in the block."""
        decode, results, forward = file_line._decoded, file_line.open_results, network.forward

        def decoding(*arguments: Any) -> Any:
            with self.stage("decode"):
                return decode(*arguments)

        @contextmanager
        def encoding(*arguments: Any, **options: Any) -> Iterator[Any]:
            with ExitStack() as stack:
                yield stack.enter_context(results(*arguments, **options))
                with self.stage("encode"):
                    stack.close()

        def computing(*arguments: Any, **options: Any) -> Any:
            with self.stage("network"):
                found = forward(*arguments, **options)
                synchronise(self.device)
                return found

        with (
            mock.patch.object(file_line, "_decoded", decoding),
            mock.patch.object(file_line, "open_results", encoding),
            mock.patch.object(network, "forward", computing),
        ):
            yield

    def overlapped(self) -> float:
        """Share of the decoding and encoding during which the network was computing another file."""
        busy = [(start, end) for name, start, end in self.spans if name == "network"]
        files = [(start, end) for name, start, end in self.spans if name != "network"]
        shared = sum(max(0.0, min(b, d) - max(a, c)) for a, b in files for c, d in busy)
        return shared / max(sum(end - start for start, end in files), 1e-9)


def whole_files(name: str, setting: Setting) -> dict[str, Any]:
    """Megapixels per second of a folder of PNGs, the share of the time in which the device computes, and a timeline."""
    count, side = (2, 32) if setting.tiny else (FILES, FILE_SIDE)
    config = InferenceConfig(device=setting.device, precision="auto", engine="eager")
    denoiser = Denoiser(_network(name, setting), config)
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(count)]
        for path in paths:
            Image.fromarray(random.integers(0, 256, (side, side, 3), np.uint8)).save(path)

        def run() -> None:
            denoiser.denoise_files(paths, lambda path: path.with_name(f"out_{path.name}"), overwrite=True)
            synchronise(setting.device)

        run()
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        busy = sum(own for _, own in own_times(run, setting.device)) if setting.device == "cuda" else None
        timeline = Timeline(setting.device)
        with timeline.watch(denoiser.model.network):
            run()
    return {
        "files": count,
        "side": side,
        "seconds": seconds,
        "megapixels_per_second": count * side**2 / seconds / 1e6,
        "device_busy": None if busy is None else busy / seconds,
        "overlapped": timeline.overlapped(),
        "timeline": timeline.spans[:48],
    }


def _tasks(setting: Setting) -> Tasks:
    tasks: dict[str, Any] = {}
    for name in NETWORKS:
        tasks[f"{name}, network"] = lambda name=name: over_batches(name, setting)
        tasks[f"{name}, files"] = lambda name=name: whole_files(name, setting)
    return tasks


PARTS = [Part("throughput", 120, _tasks, least=40)]
