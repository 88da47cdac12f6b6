"""Directories of TIFF files: what tifffile wrote is read, and what is written anew is read by tifffile."""

import io

import numpy as np
import pytest
import tifffile

from bsn.data import DataError
from bsn.data.files.formats.tiff_directory import LONG, make_entry, read_directories, replace_directory


def stack_with_previews(order="<", *, big=False):
    """Two pages, the first with two pages below it."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder=order, bigtiff=big) as writer:
        for side, below in ((16, 2), (8, 0), (4, 0), (12, 0)):
            told = [(270, 2, 0, f"of side {side}", True), (60000, 5, 2, (1, 4, 3, 2), True)]
            writer.write(np.zeros((side, side), np.uint8), metadata=None, subifds=below or None, extratags=told)
    return file


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_entries_are_those_of_tifffile_before_and_after_a_change(order, big):
    file = stack_with_previews(order, big=big)
    directories = read_directories(file)
    assert [d.whole(256) for d in directories] == [(16,), (8,), (4,), (12,)]
    assert [d.numbers(60000) for d in directories] == [(0.25, 1.5)] * 4
    for number in range(4):
        directory = read_directories(file)[number]
        replace_directory(file, directory, {**directory.entries, 60001: make_entry(LONG, number, directory.form)})
    file.seek(0)
    with tifffile.TiffFile(file) as read:
        assert (read.byteorder, read.is_bigtiff) == (order, big)
        pages = [read.pages[0], *read.pages[0].pages, read.pages[1]]
        assert [page.tags[60001].value for page in pages] == [0, 1, 2, 3]
        assert [page.tags[270].value for page in pages] == [f"of side {side}" for side in (16, 8, 4, 12)]
        assert len(read.pages) == 2


def test_damaged_files_are_read_or_refused_and_nothing_else():
    rng, refused = np.random.default_rng(0), 0
    for big in (False, True):
        whole = stack_with_previews(big=big).getvalue()
        for _ in range(300):
            content = bytearray(whole)
            for place in rng.integers(0, len(whole), 8):
                content[place] = rng.integers(0, 256)
            try:
                read_directories(io.BytesIO(content))
            except DataError:
                refused += 1
    assert 100 < refused < 600


def test_directories_that_lead_round_in_circles_are_refused():
    file = stack_with_previews()
    first, *_, last = read_directories(file)
    file.seek(last.link)
    file.write(first.form.pack("I", first.form.unpack("I", file.getvalue()[4:8])[0]))
    with pytest.raises(DataError, match="lead round in circles"):
        read_directories(file)
