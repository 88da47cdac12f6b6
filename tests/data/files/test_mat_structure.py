"""Damaged MATLAB files of version 5 are refused before scipy, which they can crash, sees them."""

import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from bsn.data import DataError
from bsn.data.files.formats.mat_structure import check_structure
from bsn.data.files.images import read_image

CONTENTS = {
    "raw": np.arange(480, dtype=np.int16).reshape(20, 24),
    "complex": np.ones((2, 3)) * 1j,
    "word": "grün €",
    "nothing": np.zeros((0, 3)),
    "nested": {"a": 1.0, "b": {"c": [1, 2]}},
    "cell": np.array([np.zeros(3), "text"], dtype=object),
    "sparse": scipy.sparse.csc_array(np.eye(5)),
    "logical": np.array([[True, False]]),
}


@pytest.mark.parametrize("compressed", [False, True])
def test_what_scipy_writes_is_accepted(tmp_path, compressed):
    scipy.io.savemat(tmp_path / "x.mat", CONTENTS, do_compression=compressed)
    check_structure(tmp_path / "x.mat")
    assert (read_image(tmp_path / "x.mat", key="raw").pixels == CONTENTS["raw"]).all()


def test_files_of_matlab_that_scipy_reads_are_accepted():
    folder = Path(scipy.io.matlab.__file__).parent / "tests" / "data"
    files = [file for file in sorted(folder.glob("test*_[67]*.mat")) if "hdf5" not in file.name]
    if not files:
        pytest.skip("this scipy was installed without its example files")
    for file in files:
        check_structure(file)


def damaged(path, compressed, value):
    """A file whose flags of the variable say `value`."""
    scipy.io.savemat(path, {"raw": CONTENTS["raw"]}, do_compression=compressed)
    whole = bytearray(path.read_bytes())
    if compressed:
        import zlib

        (length,) = struct.unpack("<I", whole[132:136])
        inner = bytearray(zlib.decompress(bytes(whole[136 : 136 + length])))
        inner[16:20] = struct.pack("<I", value)
        packed = zlib.compress(bytes(inner))
        whole[132:] = struct.pack("<I", len(packed)) + packed
    else:
        whole[144:148] = struct.pack("<I", value)
    path.write_bytes(bytes(whole))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0x80A, "reaches beyond|ends too early|cannot stand"),  # complex, without an imaginary part
        (0x001, "cannot stand|expected"),  # a cell
        (0x005, "cannot stand|reaches|ends"),  # sparse
        (0x0FF, "class 255, which does not exist"),
    ],
)
def test_a_variable_that_is_not_what_it_says_is_refused(tmp_path, compressed, value, told):
    damaged(tmp_path / "x.mat", compressed, value)
    with pytest.raises(ValueError, match=told):
        check_structure(tmp_path / "x.mat")
    with pytest.raises(DataError):
        read_image(tmp_path / "x.mat")


def test_a_file_cut_off_is_refused(tmp_path):
    scipy.io.savemat(tmp_path / "x.mat", CONTENTS)
    whole = (tmp_path / "x.mat").read_bytes()
    (tmp_path / "x.mat").write_bytes(whole[:700])
    with pytest.raises(ValueError, match="end of the file"):
        check_structure(tmp_path / "x.mat")
