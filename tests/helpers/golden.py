"""Golden vectors: numbers of the published programs, read from ``tests/golden`` or from ``../shared/golden``."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

HERE = Path(__file__).resolve().parents[1] / "golden"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "golden"


def golden_path(relative: str) -> Path:
    """Path of a golden file; skips the test, saying why, where the file is on neither place."""
    for folder in (HERE, SHARED):
        if (folder / relative).is_file():
            return folder / relative
    pytest.skip(f"golden file {relative} is neither in tests/golden nor in ../shared/golden")


@dataclass(frozen=True)
class Golden:
    """Tensors and metadata of one golden file."""

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, str]

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    @property
    def config(self) -> dict:
        return json.loads(self.metadata.get("config", "{}"))

    def group(self, prefix: str) -> dict[str, torch.Tensor]:
        """Entries ``prefix + key`` under their bare key."""
        return {k[len(prefix) :]: v for k, v in self.tensors.items() if k.startswith(prefix)}

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return self.group("weight.")


def load_golden(relative: str) -> Golden:
    with safe_open(golden_path(relative), "pt") as file:
        return Golden({k: file.get_tensor(k) for k in file.keys()}, dict(file.metadata() or {}))  # noqa: SIM118


def relative_error(value: torch.Tensor, truth: torch.Tensor) -> float:
    """Largest absolute difference divided by the largest absolute value of the truth."""
    if value.shape != truth.shape:
        raise AssertionError(f"shape {tuple(value.shape)} instead of {tuple(truth.shape)}")
    difference = (value.detach().double() - truth.double()).abs().max()
    return float(difference / truth.double().abs().max().clamp_min(1e-300))


def assert_close(value: torch.Tensor, truth: torch.Tensor, bound: float, name: str = "output") -> None:
    error = relative_error(value, truth)
    assert error <= bound, f"{name}: relative error {error:.3g} is above {bound:.3g}"


def procedural_tensor(key: str, shape: tuple[int, ...], gain: float, gain_qkv: float) -> torch.Tensor:
    """Procedural weight of the golden README: a hash of the key's CRC and the element's index."""
    count = int(np.prod(shape))
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + zlib.crc32(key.encode())) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    x = (x * 0x7FEB352D) & 0xFFFFFFFF
    x ^= x >> np.uint64(15)
    x = (x * 0x846CA68B) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    u = (x + 0.5) / 2.0**32
    if key == "__input__":
        value = 255 * u
    elif key.endswith("temperature"):
        value = 0.5 + 1.5 * u
    elif "rel_pos_emb" in key:
        value = u - 0.5
    elif key.endswith("bias"):
        value = 0.1 * (2 * u - 1)
    elif len(shape) == 4:
        scale = gain_qkv if key.endswith("spatial_attn.qkv.weight") else gain
        value = (2 * u - 1) * np.sqrt(3 / (shape[1] * shape[2] * shape[3])) * scale
    else:
        value = 0.5 + u
    return torch.from_numpy(value.reshape(shape).astype(np.float32))
