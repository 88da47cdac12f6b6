"""MRC files against the field's own library."""

import gzip

import numpy as np
import pytest

from bsn.data import DataError, Image, open_image, open_writer, read_image, write_image

mrcfile = pytest.importorskip("mrcfile", reason="the extra [science] is not installed")

TYPES = ["int8", "int16", "uint16", "float16", "float32"]


def pixels_of(dtype, shape=(5, 12, 17)):
    values = np.random.default_rng(0).normal(20, 5, shape)
    return values.astype(dtype)


def save(path, pixels, *, stack=False, order="<", extended=b"", **fields):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(pixels)
        if stack:
            file.set_image_stack()
        file.voxel_size = (1.5, 1.5, 3.0)
        file.header.origin = (1.0, 2.0, 3.0)
        file.header.nxstart = -7
        if extended:
            file.header.exttyp = b"SERI"
            file.set_extended_header(np.frombuffer(extended, "V1"))
        for name, value in fields.items():
            file.header[name] = value
        file.add_label("by the microscope")
    if order == ">":
        swap_bytes(path)
    return path


def swap_bytes(path):
    """The same file as a machine of the other byte order writes it."""
    with mrcfile.open(path) as file:
        header, data = file.header.copy(), file.data.copy()
    swapped = header.astype(header.dtype.newbyteorder(">")).tobytes()
    stamp = header.dtype.fields["machst"][1]
    swapped = swapped[:stamp] + b"\x11\x11\x00\x00" + swapped[stamp + 4 :]
    path.write_bytes(swapped + data.astype(data.dtype.newbyteorder(">")).tobytes())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", TYPES)
def test_pixels_type_header_and_byte_order_come_back(tmp_path, dtype, order):
    path = save(tmp_path / "a.mrc", pixels_of(dtype), order=order, extended=b"tilt" * 5 if order == "<" else b"")
    image = read_image(path)
    assert (image.axes, image.pixels.dtype) == ("ZYX", np.dtype(dtype))
    with mrcfile.open(path) as file:
        assert np.array_equal(image.pixels, file.data)
        before, extended = file.header.copy(), file.extended_header.tobytes()
    changed = image.pixels[..., ::-1].copy()
    write_image(tmp_path / "b.mrc", Image(changed, image.axes, image.metadata))
    assert mrcfile.validate(tmp_path / "b.mrc", print_file=None) or dtype == "float16"
    with mrcfile.open(tmp_path / "b.mrc") as file:
        assert np.array_equal(file.data, changed)
        assert file.data.dtype.byteorder in {"|", order, "=" if order == "<" else order}
        assert file.extended_header.tobytes() == extended
        for name in before.dtype.names:
            if name not in ("label", "nlabl", "dmin", "dmax", "dmean", "rms"):
                assert file.header[name].tobytes() == before[name].tobytes(), name
        labels = file.get_labels()
        assert "by the microscope" in labels[-2]
        assert "Blindspot" in labels[-1]
        values = changed.astype(np.float64)
        expected = (values.min(), values.max(), values.mean(), values.std())
        found = [float(file.header[name]) for name in ("dmin", "dmax", "dmean", "rms")]
        assert np.allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "stack", "fields", "axes"),
    [
        ((12, 17), False, {}, "YX"),
        ((5, 12, 17), True, {}, "IYX"),
        ((5, 12, 17), False, {}, "ZYX"),
        ((2, 5, 12, 17), False, {}, "IZYX"),
        ((5, 12, 17), False, {"mapc": 3, "mapr": 1, "maps": 2}, "YXZ"),
        ((5, 12, 17), False, {"mapc": 0, "mapr": 0, "maps": 0}, "ZYX"),
        ((5, 12, 17), True, {"mapc": 2, "mapr": 1, "maps": 3}, "IXY"),
    ],
)
def test_axes_follow_space_group_and_map(tmp_path, shape, stack, fields, axes):
    path = save(tmp_path / "a.mrc", pixels_of("int16", shape), stack=stack, **fields)
    image = read_image(path)
    assert image.axes == axes
    assert np.array_equal(image.pixels, pixels_of("int16", shape))
    write_image(tmp_path / "b.mrc", image)
    again = read_image(tmp_path / "b.mrc")
    assert again.axes == axes
    assert np.array_equal(again.pixels, image.pixels)


def test_boxes_are_read_without_the_rest_and_written_in_any_order(tmp_path):
    path = save(tmp_path / "a.mrc", pixels_of("int16"), extended=b"x" * 100)
    with open_image(path) as reader:
        assert np.array_equal(reader.read(3, 2, 4, 5, 6)[0], pixels_of("int16")[3, 2:7, 4:10])
        with open_writer(tmp_path / "b.mrc", reader.shape, reader.axes, "float32", reader.metadata) as out:
            for plane in (4, 1, 0, 3, 2):
                for top in (6, 0):
                    out.write(plane, top, 0, reader.read(plane, top, 0, 6, 17).astype(np.float32) / 2)
    with mrcfile.open(tmp_path / "b.mrc") as file:
        assert np.array_equal(file.data, pixels_of("int16").astype(np.float32) / 2)
        assert int(file.header.mode) == 2
        assert float(file.header.dmax) == pixels_of("int16").max() / 2
        assert np.allclose(file.voxel_size.tolist(), (1.5, 1.5, 3.0))


def test_packed_files(tmp_path):
    save(tmp_path / "a.mrc", pixels_of("int16"))
    (tmp_path / "a.mrc.gz").write_bytes(gzip.compress((tmp_path / "a.mrc").read_bytes()))
    image = read_image(tmp_path / "a.mrc.gz")
    assert np.array_equal(image.pixels, pixels_of("int16"))
    write_image(tmp_path / "b.map.gz", image)
    write_image(tmp_path / "c.map.gz", image)
    assert (tmp_path / "b.map.gz").read_bytes() == (tmp_path / "c.map.gz").read_bytes()
    with mrcfile.open(tmp_path / "b.map.gz") as file:
        assert np.array_equal(file.data, pixels_of("int16"))
        assert np.allclose(file.voxel_size.tolist(), (1.5, 1.5, 3.0))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mrc", "a.mrc.gz", "b.map.gz", "c.map.gz"]


def test_bytes_of_imod_are_unsigned(tmp_path):
    """IMOD's manual: a stamp at byte 152, and bit 0 of the flags behind it says that bytes are signed."""
    path = save(tmp_path / "a.st", np.arange(-128, 76, dtype=np.int8).reshape(1, 12, 17), stack=True)
    content = bytearray(path.read_bytes())
    content[152:160] = np.array([1146047817, 0], "<i4").tobytes()
    path.write_bytes(content)
    image = read_image(path)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.min() == 0
    assert image.pixels.max() == 255
    write_image(tmp_path / "b.st", image)
    assert np.array_equal(read_image(tmp_path / "b.st").pixels, image.pixels)
    content[156] = 1
    path.write_bytes(content)
    assert read_image(path).pixels.dtype == np.int8
    with pytest.raises(DataError, match="MRC has int8, int16, uint16, float16 and float32; write float32"):
        write_image(tmp_path / "c.mrc", Image(np.zeros((8, 9), np.uint8), "YX"))


@pytest.mark.parametrize(
    ("axes", "shape", "stored", "group"),
    [
        ("YX", (8, 9), (8, 9), 0),
        ("XY", (9, 8), (8, 9), 0),
        ("TYX", (4, 8, 9), (4, 8, 9), 0),
        ("YXZ", (8, 9, 3), (3, 8, 9), 1),
        ("TZYX", (2, 3, 8, 9), (2, 3, 8, 9), 401),
        ("CYX", (1, 8, 9), (1, 8, 9), 0),
    ],
)
def test_images_of_other_formats_become_files_that_are_valid(tmp_path, axes, shape, stored, group):
    pixels = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    sizes = {"resolution": (2.0, 2.0), "resolution_unit": "none", "imagej": {"unit": "um", "spacing": 0.75}}
    write_image(tmp_path / "a.mrc", Image(pixels, axes, sizes))
    assert mrcfile.validate(tmp_path / "a.mrc", print_file=None)
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert (int(file.header.ispg), file.data.reshape(stored).shape) == (group, stored)
        order = [
            axes.index(letter) for letter in ("T" * ("T" in axes) + "C" * ("C" in axes) + "Z" * ("Z" in axes) + "YX")
        ]
        assert np.array_equal(file.data.reshape(stored), pixels.transpose(order))
        assert np.allclose(file.voxel_size.x, 5000)
        if "Z" in axes:
            assert np.allclose(file.voxel_size.z, 7500)


def test_sizes_of_voxels_reach_tiff(tmp_path):
    path = save(tmp_path / "a.mrc", pixels_of("uint16"))
    image = read_image(path)
    write_image(tmp_path / "a.tif", image)
    metadata = read_image(tmp_path / "a.tif").metadata
    assert np.allclose(metadata["resolution"], 1 / 1.5e-4, rtol=1e-6)
    assert metadata["imagej"]["spacing"] == pytest.approx(3e-4)


@pytest.mark.parametrize(
    ("metadata", "lost"),
    [
        ({"resolution": (2.0, 2.0), "resolution_unit": "centimeter"}, None),
        ({"resolution": (2.0, 2.0), "resolution_unit": "none", "imagej": {"unit": "um"}}, None),
        ({"resolution": (300.0, 300.0), "resolution_unit": "inch"}, "has no resolution"),
        ({"resolution": (2.0, 2.0), "resolution_unit": "none", "imagej": {"spacing": 2.0}}, "has no resolution"),
        ({"imagej": {"unit": "um", "Labels": ["a"]}}, "has no labels and colours of ImageJ"),
    ],
)
def test_sizes_that_have_no_place_are_told_and_no_others(tmp_path, recwarn, metadata, lost):
    write_image(tmp_path / "a.mrc", Image(np.zeros((8, 9), np.float32), "YX", metadata))
    assert [str(warning.message).split("MRC file, ")[-1] for warning in recwarn] == ([lost] if lost else [])
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert (float(file.voxel_size.x) > 0) == (metadata.get("resolution") is not None and lost is None)


@pytest.mark.parametrize("axes", ["YXC", "TIYX"])
def test_what_mrc_cannot_hold_is_refused(tmp_path, axes):
    shape = {"YXC": (8, 9, 3), "TIYX": (2, 2, 8, 9)}[axes]
    with pytest.raises(DataError, match="without channels; write TIFF or OME-Zarr"):
        write_image(tmp_path / "a.mrc", Image(np.zeros(shape, np.float32), axes))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("complex", "complex numbers"),
        ("packed", "pixels of 4 bits, two in a byte; unpack them first"),
        ("short", "the file ends before its pixels do"),
        ("text", "a.mrc"),
        ("empty", "a.mrc"),
        ("key", "this format holds one image without a name"),
    ],
)
def test_files_that_cannot_be_read_are_refused_in_a_line(tmp_path, name, message):
    path = save(tmp_path / "a.mrc", pixels_of("complex64" if name == "complex" else "int16"))
    content = bytearray(path.read_bytes())
    if name == "packed":
        content[12:16] = np.int32(101).tobytes()
    path.write_bytes({"short": content[:-3], "text": b"not an image\n" * 200, "empty": b""}.get(name, content))
    for open_it in (read_image, open_image):
        with pytest.raises(DataError, match=message) as refusal:
            open_it(path, key="x" if name == "key" else None)
        assert "\n" not in str(refusal.value)


def test_missing_values_do_not_spoil_the_statistics(tmp_path):
    pixels = np.array([[1, np.nan, 3], [np.inf, 5, 7]], np.float32)
    write_image(tmp_path / "a.mrc", Image(pixels, "YX"))
    with mrcfile.open(tmp_path / "a.mrc") as file:
        header = file.header
        assert (float(header.dmin), float(header.dmax), float(header.dmean)) == (1, 7, 4)
        assert np.array_equal(file.data, pixels, equal_nan=True)


def test_damaged_headers_are_read_or_refused_and_nothing_else(tmp_path):
    whole = save(tmp_path / "a.mrc", pixels_of("int16"), extended=b"x" * 16).read_bytes()
    rng, path, refused = np.random.default_rng(0), tmp_path / "b.mrc", []
    for _ in range(200):
        content = bytearray(whole)
        for place in rng.integers(0, 256, rng.integers(1, 5)):
            content[place] = rng.integers(0, 256)
        path.write_bytes(content[: rng.integers(0, len(content) + 1)] if rng.random() < 0.2 else content)
        try:
            with open_image(path) as reader:
                reader.read(0, 0, 0, *reader.size)
        except DataError as error:
            refused.append(str(error))
    assert 50 < len(refused) < 200
    assert not any("\n" in message for message in refused)
