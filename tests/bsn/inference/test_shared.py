"""Files in parts: the same bits as in the whole, whoever does a part, and nothing left where one fails."""

import dataclasses
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from bsn.cli import main
from bsn.data import DataError, Image, PlaneIndex, ReadOptions, pack, read_image, write_image
from bsn.inference import Denoiser, denoise_bands
from bsn.inference.parts import split_image
from bsn.inference.shared import FileOrder, denoise_part, pack_denoiser, shared_file, unpack_denoiser
from bsn.models import Model
from tests.helpers.networks import randomise, small


def model(context=0):
    return Model(randomise(small("phase-unet-tiny", channels=1, context=context, widths=(4, 8), blocks=(1, 1))))


def noisy(shape, seed=0):
    return np.random.default_rng(seed).poisson(900, shape).astype(np.uint16)


def denoise_in_parts(denoiser, source, target, count, **options):
    with shared_file(denoiser, FileOrder(source, target, **options), count) as shared:
        for part in reversed(shared.parts):
            denoise_part(denoiser, shared, part)
    return shared.parts


@pytest.mark.parametrize(
    ("axes", "shape", "chunks"),
    [
        ("ZYX", (7, 40, 50), (3, 16, 16)),
        ("TZCYX", (2, 3, 2, 40, 50), (1, 2, 1, 16, 50)),
        ("YX", (200, 30), (48, 30)),
        ("YXS", (30, 20, 3), (1, 1, 1)),
    ],
)
@pytest.mark.parametrize("count", [1, 2, 3, 8, 100])
def test_parts_are_the_whole_and_share_no_chunk(axes, shape, chunks, count):
    index = PlaneIndex(axes, shape)
    parts = split_image(index, chunks, [0, 70, 130, 190], count)
    assert 1 <= len(parts) <= max(count, 1)
    owner = np.full((index.count, index.size[0]), -1)
    chunk_owner = {}
    for number, part in enumerate(parts):
        for plane in part.planes:
            assert (owner[plane, slice(*part.rows)] == -1).all()
            owner[plane, slice(*part.rows)] = number
            starts, sizes = index.box(plane, part.rows[0], 0, part.rows[1] - part.rows[0], index.size[1])
            touched = [range(s // c, -(-(s + n) // c)) for s, n, c in zip(starts, sizes, chunks, strict=True)]
            for place in np.ndindex(*(len(t) for t in touched)):
                chunk = tuple(t[i] for t, i in zip(touched, place, strict=True))
                assert chunk_owner.setdefault(chunk, number) == number
    assert (owner >= 0).all()


@pytest.mark.parametrize("suffix", [".zarr", ".h5", ".tif", ".npy"])
@pytest.mark.parametrize("context", [0, 1])
@pytest.mark.filterwarnings("ignore::bsn.inference.DenoisingWarning")
def test_a_file_in_parts_is_the_same_bits(tmp_path, suffix, context):
    denoiser = Denoiser(model(context), device="cpu")
    source = tmp_path / f"in{suffix}"
    write_image(source, Image(noisy((6, 24, 20)), "TYX"))
    denoiser.denoise_file(source, tmp_path / f"whole{suffix}", axes="TYX")
    parts = denoise_in_parts(denoiser, source, tmp_path / f"parts{suffix}", 3, options=ReadOptions(axes="TYX"))
    assert len(parts) == 3
    whole, found = (read_image(tmp_path / f"{name}{suffix}") for name in ("whole", "parts"))
    assert found.axes == whole.axes
    np.testing.assert_array_equal(found.pixels, whole.pixels)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{n}{suffix}" for n in ("in", "whole", "parts"))


def test_rows_of_one_large_plane_are_the_same_bits(tmp_path):
    denoiser = Denoiser(model(), device="cpu", tile=96)
    write_image(tmp_path / "in.tif", Image(noisy((150, 40)), "YX"))
    denoiser.denoise_file(tmp_path / "in.tif", tmp_path / "whole.tif")
    parts = denoise_in_parts(denoiser, tmp_path / "in.tif", tmp_path / "parts.tif", 3)
    assert [part.planes for part in parts] == [(0,)] * 3
    np.testing.assert_array_equal(read_image(tmp_path / "parts.tif").pixels, read_image(tmp_path / "whole.tif").pixels)


@pytest.mark.parametrize("pooled", [None, 16])
def test_rows_of_a_plane_do_not_depend_on_the_others(pooled):
    pipeline = Denoiser(model(), device="cpu").pipeline
    pipeline = dataclasses.replace(
        pipeline, tiling=dataclasses.replace(pipeline.tiling, tile=48 if pooled else 96, pooled=pooled)
    )
    image = torch.rand(1, 1, 150, 70, generator=torch.Generator().manual_seed(0))

    def read(top, left, height, width):
        return image[..., top : top + height, left : left + width]

    whole = torch.cat([band.image for band in denoise_bands(pipeline, read, (150, 70))], 1)
    for wanted in ((0, 150), (0, 1), (20, 100), (37, 38), (149, 150)):
        bands = list(denoise_bands(pipeline, read, (150, 70), wanted=wanted))
        assert bands[0].top == wanted[0]
        torch.testing.assert_close(
            torch.cat([band.image for band in bands], 1), whole[:, slice(*wanted)], rtol=0, atol=0
        )


def test_a_part_that_fails_leaves_nothing(tmp_path):
    denoiser = Denoiser(model(), device="cpu")
    write_image(tmp_path / "in.tif", Image(noisy((3, 24, 20)), "TYX"))

    def fail(target):
        with shared_file(denoiser, FileOrder(tmp_path / "in.tif", target), 2) as shared:
            denoise_part(denoiser, shared, shared.parts[0])
            raise RuntimeError("a worker died")

    for suffix in (".tif", ".h5", ".zarr"):
        with pytest.raises(RuntimeError, match="a worker died"):
            fail(tmp_path / f"out{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_what_cannot_be_divided_is_refused(tmp_path):
    write_image(tmp_path / "in.tif", Image(noisy((24, 20)), "YX"))
    pack(tmp_path / "in.tif", tmp_path / "pack.h5")
    begun = shared_file(Denoiser(model(), device="cpu"), FileOrder(tmp_path / "pack.h5", tmp_path / "out.h5"), 2)
    with pytest.raises(DataError, match="is not divided among processes"):
        begun.__enter__()


def test_a_denoiser_that_has_travelled_gives_the_same_bits():
    denoiser = Denoiser(model(), device="cpu", strength=0.5)
    image = noisy((24, 20))
    other = unpack_denoiser(pickle.loads(pickle.dumps(pack_denoiser(denoiser))))
    np.testing.assert_array_equal(other(image), denoiser(image))


def test_the_janitor_removes_what_a_killed_process_leaves(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from bsn.inference.janitor import janitor\n"
        "with janitor() as cleaner:\n"
        "    for name in ('a.part', 'b.part'):\n"
        "        cleaner.watch(Path(name))\n"
        "    Path('a.part').mkdir(); Path('a.part/x').write_text('x'); Path('b.part').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
    assert "was killed; its unfinished result is removed" in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--devices", "0"], "devices 0 is out of range"),
        (["--num_nodes", "-1"], "num_nodes -1 is out of range"),
        (["--devices", "2", "--device", "cuda:1"], "names one device for several processes"),
        (["--devices", "2", "--scheduler", "tcp://127.0.0.1:9"], "two ways to share work"),
    ],
)
def test_ways_to_share_that_cannot_be(tmp_path, capsys, words, said):
    write_image(tmp_path / "in.tif", Image(noisy((24, 20)), "YX"))
    assert main(["denoise", str(tmp_path / "in.tif"), "-o", str(tmp_path / "new" / "out.tif"), *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]
