"""Mutated files of every format: a result or a `DataError`, nothing else."""

import sys
from contextlib import suppress

import numpy as np
import pytest

from bsn.data import DataError, Image, ReadOptions, open_image, read_image
from bsn.data.files.results import Target, open_results
from tests.helpers.seed_files import write_seed_files

_HEADER = 600


def cut(data, rng):
    return data[: rng.integers(0, len(data))]


def overwrite(data, rng):
    for place in rng.integers(0, min(len(data), _HEADER), rng.integers(1, 12)):
        data[place] = rng.integers(256)
    return data


def overwrite_anywhere(data, rng):
    for place in rng.integers(0, len(data), rng.integers(1, 40)):
        data[place] = rng.integers(256)
    return data


def extremes(data, rng):
    """Lengths and offsets that are absurd: all bits set, or none, in a run of up to eight bytes."""
    start, length = rng.integers(0, min(len(data), _HEADER)), rng.integers(1, 9)
    data[start : start + length] = bytes([rng.choice([0, 1, 127, 128, 255])]) * length
    return data


def remove(data, rng):
    start = rng.integers(0, len(data))
    del data[start : start + rng.integers(1, 200)]
    return data


def repeat(data, rng):
    start, length, place = rng.integers(0, len(data)), rng.integers(1, 200), rng.integers(0, len(data))
    data[place:place] = data[start : start + length]
    return data


MUTATIONS = [cut, overwrite, overwrite_anywhere, extremes, remove, repeat]


def read_both_ways(path, key):
    with suppress(DataError):
        assert isinstance(read_image(path, key=key), Image)
    with suppress(DataError), open_image(path, key=key) as reader:
        for plane in range(min(reader.planes, 3)):
            assert reader.read_plane(plane).shape == (reader.channels, *reader.size)


def copy(path, key, target):
    """Write what can be read into a file of the same kind, with its metadata, as `Denoiser` does."""
    options, how = ReadOptions(key=key), [Target(target)]
    with suppress(DataError), open_results(path, how, options, overwrite=True) as images:
        for reader, (writer,) in images:
            for plane in range(reader.planes):
                writer.write(plane, 0, 0, reader.read_plane(plane))
            assert isinstance(writer.lost, str)


def fuzz(folder, trials, seed):
    (folder / "seeds").mkdir()
    rng = np.random.default_rng(seed)
    for whole, key in write_seed_files(folder / "seeds"):
        image = read_image(whole, key=key)
        assert image.pixels.size
        content = whole.read_bytes()
        path = folder / whole.name
        for trial in range(trials):
            mutant = MUTATIONS[trial % len(MUTATIONS)](bytearray(content), rng)
            path.write_bytes(mutant)
            try:
                read_both_ways(path, key)
                copy(path, key, folder / f"copy_{whole.name}")
            except Exception as error:
                raise AssertionError(f"{whole.name}, seed {seed}, trial {trial}: {error!r}") from error


@pytest.mark.filterwarnings("ignore")
def test_mutated_files(tmp_path):
    fuzz(tmp_path, 12, seed=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_twenty_thousand_mutated_files(tmp_path):
    fuzz(tmp_path, 370, seed=1)


def test_what_is_not_refused_properly_is_found(tmp_path, monkeypatch):
    """The fuzzer itself can fail."""

    def careless(path, key):
        raise KeyError(path)

    monkeypatch.setattr(sys.modules[__name__], "open_image", careless)
    with pytest.raises(AssertionError, match="trial 0: KeyError"):
        fuzz(tmp_path, 1, seed=0)
