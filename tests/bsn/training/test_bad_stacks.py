"""Stacks that are none: one clear line each, and nothing is left behind."""

import re

import numpy as np
import pytest
import tifffile

from bsn.cli import main
from bsn.data import ArraySource
from bsn.training import TrainConfig, settle

FRAMES = np.random.default_rng(0).integers(0, 255, (8, 48, 48), dtype=np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("stacks")
    tifffile.imwrite(place / "single.tif", FRAMES[0])
    tifffile.imwrite(place / "one.tif", FRAMES[:1], metadata={"axes": "TYX"})
    tifffile.imwrite(place / "stack.tif", FRAMES, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(place / "plain.tif", FRAMES)
    with tifffile.TiffWriter(place / "ragged.tif") as file:
        for number, frame in enumerate(FRAMES):
            file.write(frame[: 48 - 4 * (number % 2)], contiguous=False)
    np.save(place / "ragged.npy", np.array([FRAMES[0], FRAMES[1, :40]], dtype=object), allow_pickle=True)
    return place


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("single.tif", (), "none of them has a neighbour along a known axis T or Z; give a file of two frames or more"),
        ("one.tif", ("--axes", "TYX"), "for 1 image such as one.tif: none of them has a neighbour"),
        ("plain.tif", (), "none of them has a neighbour along a known axis T or Z; .* such as --axes TYX"),
        ("plain.tif", ("--axes", "CYX"), "none of them has a neighbour along a known axis T or Z"),
        ("stack.tif", ("--context_axis", "z"), "none of them has a neighbour along a known axis Z"),
        ("single.tif", ("--axes", "TYX"), "3 letters do not describe the 2 axes of shape"),
        ("ragged.tif", ("--axes", "TYX"), r"holds 8 images; choose one with --key: 0 \(YX 48 x 48\), 1 \(YX 44 x 48\)"),
        ("ragged.npy", ("--axes", "TYX"), "holds Python objects, not pixels; save a numeric array"),
    ],
)
def test_context_for_what_is_no_stack_is_refused_in_one_line(folder, name, options, said, tmp_path, capsys):
    quick = ["--model", "phase-unet-tiny", "--hole", "none", "--stride", "1", "--noise", "none", "--accelerator", "cpu"]
    run = tmp_path / "run"
    code = main(["train", str(folder / name), "-o", str(run), "--context", "2", "--steps", "1", *quick, *options])
    told = capsys.readouterr().err
    assert code == 2
    assert len(told.strip().splitlines()) == 1
    assert re.search(said, told)
    assert not run.exists()


def test_neighbours_that_are_asked_for_are_not_said_to_be_left_out():
    rng = np.random.default_rng(1)
    unrelated = rng.random((8, 1, 64, 64)).repeat(8, 2)[..., :64, :].astype(np.float32)
    config = TrainConfig(model="phase-unet-tiny", hole="none", stride=1, noise="none", context=1)
    found = settle(ArraySource(unrelated[:, 0], "TYX"), config)
    assert found.config.context == 1
    assert any("1 on each side were asked for" in reason for reason in found.reasons)
    assert not any("denoised alone" in reason for reason in found.reasons)
