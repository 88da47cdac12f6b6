"""The Python that the pages show runs, on small inputs."""

import functools

import numpy as np
import pytest
import torch

import bsn
import restoration.run
from bsn.blindness import assert_blind
from bsn.data import Image, read_image, write_image
from bsn.engine import LoopConfig
from bsn.models import Model
from bsn.training import TrainConfig
from restoration.config import RestoreConfig
from restoration.damage import kinds
from restoration.manas.genotype import shipped_genotype
from tests.docs.pages import PAGES, README, blocks, name
from tests.helpers.golden import load_golden
from tests.helpers.networks import narrow_presets, small

SMALL = (TrainConfig(crop=16, batch_size=2, noise="gaussian"), LoopConfig(steps=2, warmup_steps=1, accelerator="cpu"))


def golden(file):
    stored = load_golden(file)
    return stored.weights, stored.config


def image():
    return np.random.default_rng(0).normal(0.5, 0.1, (48, 40)).astype(np.float32)


def train(names):
    """The folder ``noisy`` of the pages, and a training that takes two steps."""
    (folder := names["folder"] / "noisy").mkdir()
    for index in range(2):
        np.save(folder / f"{index}.npy", image())
    return functools.partial(bsn.training.train, config=SMALL[0], loop=SMALL[1])


def quickstart(names, patch):
    patch.setattr(bsn, "train", train(names))
    return {"image": image()}


def check_quickstart(names):
    assert isinstance(names["clean"], np.ndarray)
    assert names["clean"].shape == (48, 40)
    if "denoiser" in names:
        assert names["denoiser"](image(), "YX").shape == (48, 40)


def adapt(names, patch):
    return {"image": image()}


def check_adapt(names):
    assert names["clean"].shape == (48, 40)


def microscopy(names, patch):
    train(names)(names["folder"] / "noisy", names["folder"] / "run")
    return {"image": image()}


def check_microscopy(names):
    result = names["result"]
    assert result.image.shape == result.deviation.shape == (48, 40)
    assert (result.deviation > 0).all()


def networks(names, patch):
    state_dict, config = golden("tbsn/grad_tbsn_d8.safetensors")
    return {"state_dict": state_dict, "config": config}


def check_networks(names):
    assert names["network"].config.channel_attention == "global"


def deraining(names, patch):
    (names["folder"] / "SEARCH").mkdir()
    (names["folder"] / "SEARCH" / "genotype.json").write_text(shipped_genotype("tiny").to_json())
    drt_weights, drt_config = golden("drt/model_dim16_padded_eval_20x33.safetensors")
    elf_weights, elf_config = golden("elf/model_paper_nf8_32x32.safetensors")
    (names["folder"] / "photos").mkdir()
    write_image(names["folder"] / "photos" / "1.png", Image(np.full((40, 40, 3), 200, np.uint8), "YXC"))
    patch.setattr(kinds, "_damages", dict(kinds._damages))
    restore = RestoreConfig("drt-tiny", crop=28, batch_size=2)
    patch.setattr(restoration.run, "train", functools.partial(restoration.run.train, config=restore, loop=SMALL[1]))
    return {
        "drt_weights": drt_weights,
        "drt_config": drt_config,
        "elf_weights": elf_weights,
        "elf_config": elf_config,
        "image": torch.rand(1, 3, 32, 32),
        "planes": rainy_planes(0),
        "rainy": [rainy_planes(seed) for seed in range(2)],
        "rng": np.random.default_rng(0),
    }


def rainy_planes(seed):
    """A grey wall with upright white streaks."""
    planes = np.random.default_rng(seed).normal(0.4, 0.01, (3, 64, 64)).astype(np.float32)
    for left in range(5, 60, 9):
        planes[:, 10:40, left] = 0.9
    return planes


def check_deraining(names):
    if "degraded" in names:
        assert names["degraded"].shape == (3, 64, 64)
        assert (names["degraded"] > names["dry"][0].planes).any()
    elif "dry" in names:
        assert names["dry"].mask.any()
        assert names["dry"].planes.shape == (3, 64, 64)
    elif "full" in names:
        assert (names["full"].shape, names["half"].shape) == ((1, 3, 32, 32), (1, 3, 16, 16))
    elif "dust" in names:
        assert Model.load("run").provenance["tasks"] == ["rain", "dust"]
    else:
        assert names["network"].config.genotype.widths == (32, 32, 48, 64)


def is_it_blind(names, patch):
    return {"MyNetwork": lambda: small("phase-unet-tiny", channels=1, dilation=2)}


def check_is_it_blind(names):
    names["test_my_network"](assert_blind)


def stacks(names, patch):
    (folder := names["folder"] / "frames").mkdir()
    for index in range(3):
        np.save(folder / f"{index}.npy", image())
    frames = torch.rand(4, 1, 12, 12, dtype=torch.float64)
    return {"stack": frames.float(), "network": small("phase-unet-tiny", channels=1, context=1, dilation=2)}


def check_stacks(names):
    if "join_frames" in names:
        assert read_image(names["folder"] / "stack.tif").axes == "TYX"
    elif "result" in names:
        assert names["result"].shape == names["stack"].shape
    else:
        assert names["check"].blind
        assert [leak.frame for leak in names["repeated"].leaks] == [2]


def large_images(names, patch):
    return {}


def check_large_images(names):
    assert names["clean"].chunks[0] == (2, 2, 2)


GIVEN = {
    "README.md": (quickstart, check_quickstart),
    "docs/quickstart.md": (quickstart, check_quickstart),
    "docs/guides/microscopy.md": (microscopy, check_microscopy),
    "docs/guides/networks.md": (networks, check_networks),
    "docs/guides/stacks.md": (stacks, check_stacks),
    "docs/guides/large_images.md": (large_images, check_large_images),
    "docs/guides/adapt.md": (adapt, check_adapt),
    "docs/guides/deraining.md": (deraining, check_deraining),
    "docs/guides/is_it_blind.md": (is_it_blind, check_is_it_blind),
}
BLOCKS = [
    pytest.param(name(page), code, id=f"{name(page)}-{number}")
    for page in [README, *PAGES]
    for number, code in enumerate(blocks(page.read_text(encoding="utf-8"), "python"))
]


def test_every_page_with_python_is_known():
    assert {block.values[0] for block in BLOCKS} == set(GIVEN)


@pytest.mark.parametrize(("page", "code"), BLOCKS)
def test_python_of_the_pages_runs(page, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    narrow_presets(monkeypatch, "phase-unet-tiny")
    given, check = GIVEN[page]
    names = {"folder": tmp_path}
    names |= given(names, monkeypatch)
    exec(compile(code, page, "exec"), names)
    check(names)
