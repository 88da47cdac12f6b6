"""MATLAB files of version 7.3, written without the code under test."""

import h5py
import numpy as np


def write_mat73(path, **variables):
    """Write MATLAB 7.3 as MATLAB does: HDF5 behind 512 bytes of header, axes in the opposite order."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            if isinstance(value, str):
                stored = np.array([[ord(c)] for c in value], dtype=np.uint16)
                file.create_dataset(name, data=stored).attrs["MATLAB_class"] = np.bytes_("char")
            else:
                stored = value.astype(np.uint8) if value.dtype == bool else value
                kind = {"bool": "logical", "float64": "double", "float32": "single"}.get(
                    value.dtype.name, value.dtype.name
                )
                file.create_dataset(name, data=np.ascontiguousarray(stored.T)).attrs["MATLAB_class"] = np.bytes_(kind)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, written by a test".ljust(124) + b"\x00\x02IM")
