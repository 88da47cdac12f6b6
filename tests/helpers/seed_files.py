"""One small file of every kind that is read, to be mutated."""

import struct
import zlib

import h5py
import numpy as np
import scipy.io
import tifffile
from PIL import Image as Pillow
from PIL import ImageCms, PngImagePlugin

from bsn.data import pack
from tests.helpers.mat73 import write_mat73


def write_seed_files(folder):
    """Write them; give (path, key) of each."""
    rng = np.random.default_rng(3)
    grey, deep = rng.integers(0, 256, (24, 20), np.uint8), rng.integers(0, 65536, (24, 20), np.uint16)
    colour, stack = rng.integers(0, 256, (24, 20, 3), np.uint8), rng.integers(0, 65536, (5, 24, 20), np.uint16)
    values = rng.normal(size=(24, 20))
    _pictures(folder, grey, deep, colour)
    _pictures_with_metadata(folder, grey, deep, colour)
    _tiffs(folder, grey, colour, stack, values)
    _tiffs_with_metadata(folder, grey, deep, colour, stack)
    for name, pixels in _arrays(grey, deep, stack, values).items():
        np.save(folder / f"{name}.npy", pixels)
    np.save(folder / "fortran.npy", np.asfortranarray(stack))
    keys = _containers(folder, grey, stack, values)
    return [(path, keys.get(path.name)) for path in sorted(folder.iterdir())]


def _arrays(grey, deep, stack, values):
    return {
        "u2": stack,
        "i2": stack.view(np.int16),
        "i1": grey.view(np.int8),
        "u4": deep.astype(np.uint32),
        "b1": grey > 90,
        "f2": values.astype(np.float16),
        "f8": values,
        "big": deep.astype(">u2"),
        "bigfloat": values.astype(">f4"),
    }


def _pictures(folder, grey, deep, colour):
    Pillow.fromarray(grey).save(folder / "grey.png")
    Pillow.fromarray(deep).save(folder / "deep.png", dpi=(300, 300))
    Pillow.fromarray(colour).save(folder / "colour.png")
    Pillow.fromarray(colour).quantize(16).save(folder / "palette.png")
    Pillow.fromarray(np.dstack([colour, np.full((24, 20), 255, np.uint8)])).save(folder / "opaque.png")
    Pillow.fromarray(grey > 90).save(folder / "bits.png")
    Pillow.fromarray(colour).save(folder / "colour.jpg", quality=95)
    Pillow.fromarray(grey).save(folder / "grey.jpeg", progressive=True)


def _pictures_with_metadata(folder, grey, deep, colour):
    """Opacity, transparent colours, gamma, primaries, profiles, text, EXIF."""
    opacity = np.linspace(0, 255, grey.size).reshape(grey.shape).astype(np.uint8)
    Pillow.fromarray(np.dstack([colour, opacity])).save(folder / "transparent.png")
    Pillow.fromarray(np.dstack([grey, opacity])).save(folder / "grey_alpha.png")
    _write_png(folder / "deep_alpha.png", np.dstack([deep, deep, deep, deep[::-1]]))
    Pillow.fromarray(grey).save(folder / "trns.png", transparency=7)
    Pillow.fromarray(colour).quantize(16).save(folder / "palette_trns.png", transparency=bytes(range(0, 160, 10)))
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "grains")
    info.add_text("Comment", "long " * 50, zip=True)
    info.add_itxt("Author", "Grün", "de", "Verfasser", zip=True)
    for kind, body in {
        b"gAMA": (45455).to_bytes(4, "big"),
        b"cHRM": b"".join(n.to_bytes(4, "big") for n in (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        b"sBIT": b"\x08\x08\x08",
        b"tIME": b"\x07\xea\x0b\x1c\x06\x37\x00",
    }.items():
        info.add(kind, body)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Pillow.Exif()
    exif.update({0x010F: "Maker", 0x0132: "2026:11:28 06:55:00", 0x011A: 72.0})
    Pillow.fromarray(colour).save(folder / "chunks.png", pnginfo=info, exif=exif, icc_profile=profile, dpi=(300, 300))
    about = {"exif": exif, "icc_profile": profile, "comment": b"grains", "dpi": (72, 72)}
    Pillow.fromarray(colour).save(folder / "about.jpg", quality=95, subsampling=0, **about)


def _write_png(path, pixels):
    """Write 16 bits of RGBA, which Pillow cannot."""
    rows = pixels.astype(">u2").reshape(len(pixels), -1).view(np.uint8)
    filtered = np.hstack([np.zeros((len(rows), 1), np.uint8), rows]).tobytes()
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def _tiffs_with_metadata(folder, grey, deep, colour, stack):
    """GeoTIFF, several series, hyperstacks, opacity, planes of colours, other pixel types, tags of vendors and of pages."""
    geo = [
        (33550, "d", 3, (10.0, 10.0, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 5e5, 4.5e6, 0.0), True),
        (34735, "H", 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
        (42113, "s", 0, "-9999", True),
    ]
    tifffile.imwrite(folder / "geo.tif", deep, extratags=geo, tile=(16, 16))
    with tifffile.TiffWriter(folder / "series.ome.tif") as file:
        for number in range(2):
            file.write(stack[number], metadata={"axes": "YX", "Name": f"pos{number}"})
    with tifffile.TiffWriter(folder / "pyramid.ome.tif") as file:
        file.write(deep, subifds=1, metadata={"axes": "YX"})
        file.write(deep[::2, ::2], subfiletype=1)
    hyperstack = np.stack([stack, stack])[:, :, None]
    about = {"axes": "TZCYX", "Labels": [str(n) for n in range(10)], "Ranges": (0.0, 9.0), "Info": "grains"}
    tifffile.imwrite(folder / "hyperstack.tif", hyperstack, imagej=True, metadata=about, resolution=(10, 10))
    with tifffile.TiffWriter(folder / "pages.tif") as file:
        for number, page in enumerate(stack):
            tags = [(306, "s", 0, f"2026:11:28 06:55:0{number}", True), (65000, "I", 1, number, True)]
            file.write(page, extratags=tags, metadata=None)
    rgba = np.dstack([colour, grey])
    tifffile.imwrite(folder / "alpha.tif", rgba, photometric="rgb", extrasamples=["unassalpha"], compression="lzw")
    tifffile.imwrite(folder / "planar.tif", np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(folder / "bits.tif", grey > 90, photometric="miniswhite")
    for kind in ("i1", ">i2", "u4", "f2", ">f4", "f8"):
        tifffile.imwrite(folder / f"pixels_{kind.strip('>')}.tif", deep.astype(kind), byteorder=">")
    Pillow.fromarray(colour).save(folder / "jpeg.tif", compression="jpeg", quality=95)
    exif = Pillow.Exif()
    exif.update({0x010F: "Maker", 0x0132: "2026:11:28 06:55:00"})
    Pillow.fromarray(colour).save(folder / "exif.tif", exif=exif, dpi=(300, 300), description="grains")


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
    scipy.io.savemat(folder / "several.mat", {"dark": grey, "raw": values.astype(np.int16), "mask": grey > 90})
    with h5py.File(folder / "several.h5", "w") as file:
        for name, pixels in {"dark": grey, "raw": stack.astype(">i2"), "half": values.astype(np.float16)}.items():
            file.create_dataset(name, data=pixels, shuffle=True, compression="lzf", fletcher32=True)
            file[name].attrs.update({"element_size_um": [0.5, 0.1, 0.1], "about": "grains"})
    pack([folder / "grey.png", folder / "bits.png"], folder / "packed.h5")
    return {
        "series.ome.tif": "0",
        "nested.h5": "a/raw",
        "cells.mat": "frames{2}",
        "several.mat": "raw",
        "several.h5": "raw",
        "packed.h5": "images/000000",
    }
