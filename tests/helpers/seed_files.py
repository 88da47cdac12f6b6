"""One small file of every kind that is read, to be mutated."""

import h5py
import numpy as np
import scipy.io
import tifffile
from PIL import Image as Pillow

from tests.helpers.mat73 import write_mat73


def write_seed_files(folder):
    """Write them; give (path, key) of each."""
    rng = np.random.default_rng(3)
    grey, deep = rng.integers(0, 256, (24, 20), np.uint8), rng.integers(0, 65536, (24, 20), np.uint16)
    colour, stack = rng.integers(0, 256, (24, 20, 3), np.uint8), rng.integers(0, 65536, (5, 24, 20), np.uint16)
    values = rng.normal(size=(24, 20))
    _pictures(folder, grey, deep, colour)
    _tiffs(folder, grey, colour, stack, values)
    for name, pixels in {"u2": stack, "i2": stack.view(np.int16), "f8": values, "big": deep.astype(">u2")}.items():
        np.save(folder / f"{name}.npy", pixels)
    np.save(folder / "fortran.npy", np.asfortranarray(stack))
    keys = _containers(folder, grey, stack, values)
    return [(path, keys.get(path.name)) for path in sorted(folder.iterdir())]


def _pictures(folder, grey, deep, colour):
    Pillow.fromarray(grey).save(folder / "grey.png")
    Pillow.fromarray(deep).save(folder / "deep.png", dpi=(300, 300))
    Pillow.fromarray(colour).save(folder / "colour.png")
    Pillow.fromarray(colour).quantize(16).save(folder / "palette.png")
    Pillow.fromarray(np.dstack([colour, np.full((24, 20), 255, np.uint8)])).save(folder / "opaque.png")
    Pillow.fromarray(grey > 90).save(folder / "bits.png")
    Pillow.fromarray(colour).save(folder / "colour.jpg", quality=95)
    Pillow.fromarray(grey).save(folder / "grey.jpeg", progressive=True)


def _tiffs(folder, grey, colour, stack, values):
    tifffile.imwrite(folder / "imagej.tif", stack, imagej=True, metadata={"axes": "ZYX", "spacing": 0.5, "unit": "um"})
    tifffile.imwrite(folder / "one.ome.tif", stack, metadata={"axes": "ZYX", "PhysicalSizeX": 0.1})
    tifffile.imwrite(folder / "strips.tif", stack, photometric="minisblack", compression="zlib", rowsperstrip=6)
    tifffile.imwrite(folder / "tiles.tif", colour, photometric="rgb", tile=(16, 16), compression="zlib", predictor=True)
    tifffile.imwrite(folder / "big.tif", values.astype(np.float32), bigtiff=True, byteorder=">")
    tifffile.imwrite(folder / "signed.tif", values.astype(np.int16), description="Pixel Size = 4.65 nm")
    colours = np.arange(768, dtype=np.uint16).reshape(3, 256)
    tifffile.imwrite(folder / "palette.tif", grey, photometric="palette", colormap=colours)


def _containers(folder, grey, stack, values):
    with h5py.File(folder / "chunks.h5", "w") as file:
        file.create_dataset("image", data=stack, chunks=(1, 12, 20), compression="gzip").attrs["axes"] = "ZYX"
        file["log"] = "text"
    with h5py.File(folder / "nested.h5", "w", libver="latest") as file:
        file["a/raw"], file["a/dark"] = values, grey
    scipy.io.savemat(folder / "plain.mat", {"image": values})
    cells = np.empty((1, 2), object)
    cells[0, :] = [grey, grey + 1]
    scipy.io.savemat(folder / "cells.mat", {"frames": cells, "scan": {"image": grey}}, do_compression=True)
    write_mat73(folder / "new.mat", image=stack, about="text")
    return {"nested.h5": "a/raw", "cells.mat": "frames{2}"}
