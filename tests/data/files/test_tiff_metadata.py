"""What a TIFF file says besides its pixels comes back, seen with tifffile."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from bsn.data import Image, open_image, open_writer, read_image, write_image
from bsn.data.errors import DataWarning

CASES = Path(__file__).parents[2] / "cases" / "inputs"


def at_once(source, target, **options):
    write_image(target, read_image(source, **options))


def in_pieces(source, target, **options):
    """Copy in regions that come in no order of the file."""
    with (
        open_image(source, **options) as image,
        open_writer(target, image.shape, image.axes, image.dtype, image.metadata) as out,
    ):
        height, width = image.size
        for plane in reversed(range(image.planes)):
            for top in range(0, height, 24):
                for left in reversed(range(0, width, 40)):
                    box = (min(24, height - top), min(40, width - left))
                    out.write(plane, top, left, image.read(plane, top, left, *box))


@pytest.fixture(params=[at_once, in_pieces])
def copy(request):
    return request.param


def check_same(before, after, number=0):
    """Pixels, compared by tifffile."""
    np.testing.assert_array_equal(before.series[number].asarray(), after.series[0].asarray())
    assert before.series[number].dtype == after.series[0].dtype


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_tags_come_back_bit_by_bit(order, big, copy, tmp_path, draw):
    sem = b"[Scan]\r\nPixelWidth=4.65e-9\r\n"
    doubles = (10.0, 20.0, 0.0)
    tags = [
        (306, 2, 20, "2024:05:01 10:11:12", True),
        (315, 2, 4, "Ann", True),
        (33432, 2, 10, "CC BY 4.0", True),
        (271, 2, 5, "Acme", True),
        (34682, 2, len(sem) + 1, sem, True),
        (34118, 2, 30, "\r\nAP_PIXEL_SIZE\r\nPixel = 2 nm", True),
        (33550, 12, 3, doubles, True),
        (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 4600000.0, 0.0), True),
        (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
        (42113, 2, 3, "-1", True),
        (65001, 5, 1, (7, 3), True),
        (65000, 7, 5, b"\1\0\2\0\3", True),
        (65002, 10, 1, (-7, 3), True),
        (700, 1, 9, b"<x:xmp/>\n", True),
    ]
    tifffile.imwrite(
        tmp_path / "a.tif",
        draw((60, 70), "uint16"),
        byteorder=order,
        bigtiff=big,
        description=b"4.65 \xc2\xb5m",
        software="SEM 1.0",
        resolution=((2000000, 7), (3, 1000)),
        resolutionunit="CENTIMETER",
        iccprofile=b"p" * 300,
        metadata=None,
        extratags=tags,
    )
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        check_same(before, after)
        assert (after.byteorder, after.is_bigtiff) == (order, big)
        found = {tag.code: (tag.dtype, tag.count, tag.value) for tag in after.pages[0].tags}
        wanted = {tag.code: (tag.dtype, tag.count, tag.value) for tag in before.pages[0].tags}
        places = {273, 279, 278}
        assert {k: v for k, v in found.items() if k not in places} == {
            k: v for k, v in wanted.items() if k not in places
        }
        assert len(after.pages[0].tags) == len(found)


@pytest.mark.parametrize("name", ["F10_geotiff.tif", "F10_sem_vendor_tags.tif", "F17_icc.tif"])
def test_files_of_users(name, copy, tmp_path):
    copy(CASES / name, tmp_path / name)
    with tifffile.TiffFile(CASES / name) as before, tifffile.TiffFile(tmp_path / name) as after:
        check_same(before, after)
        for code in (282, 283, 296, 305, 306, 33550, 33922, 34675, 34682):
            if code in before.pages[0].tags:
                assert after.pages[0].tags[code].value == before.pages[0].tags[code].value, code


@pytest.mark.parametrize(
    ("compression", "predictor", "tile", "shape", "dtype", "order"),
    [
        ("zlib", True, None, (50, 70), "float32", "<"),
        ("zlib", True, (16, 32), (50, 70), "float32", ">"),
        ("zlib", True, (16, 32), (50, 70, 3), "uint8", "<"),
        ("zlib", True, None, (3, 50, 70), "uint16", ">"),
        ("lzw", True, (16, 32), (3, 50, 70), "uint16", "<"),
        ("lzw", False, None, (50, 70, 3), "uint8", "<"),
        ("lzw", False, None, (3, 50, 70), "uint16", ">"),
        ("zstd", True, None, (3, 50, 70), "int16", "<"),
        ("packbits", False, (32, 16), (50, 70, 3), "uint8", "<"),
        ("packbits", False, None, (50, 70), "uint16", ">"),
        ("lzma", False, (16, 32), (3, 50, 70), "float64", "<"),
        ("zlib", False, None, (2, 50, 70), "int64", "<"),
        (None, False, (16, 32), (3, 50, 70), "uint16", "<"),
        (None, False, (16, 32), (50, 70, 3), "uint8", ">"),
        (None, False, None, (3, 50, 70), "float32", ">"),
        (None, False, None, (50, 70, 3), "uint16", ">"),
    ],
)
def test_compression_and_tiles(compression, predictor, tile, shape, dtype, order, copy, tmp_path, draw):
    options = {"photometric": "rgb" if shape[-1] == 3 else "minisblack", "tile": tile, "byteorder": order}
    tifffile.imwrite(tmp_path / "a.tif", draw(shape, dtype), compression=compression, predictor=predictor, **options)
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        check_same(before, after)
        old, new = before.pages[0], after.pages[0]
        assert (new.compression, new.predictor) == (old.compression, old.predictor)
        assert (new.is_tiled, new.tile) == (old.is_tiled, old.tile)
        assert after.byteorder == order


def test_lossy_compression_becomes_deflate(copy, tmp_path):
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None] * 3, (64, 48))
    tifffile.imwrite(tmp_path / "a.tif", ramp, compression="jpeg")
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        check_same(before, after)
        assert after.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


@pytest.mark.parametrize("compression", [None, "zlib", "packbits"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("shape", [(50, 70), (3, 50, 70)])
def test_single_bits(compression, photometric, shape, copy, tmp_path, draw):
    pixels = draw(shape) > 100
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=photometric, compression=compression)
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].dtype == np.bool_
        assert tif.pages[0].bitspersample == 1
        assert tif.pages[0].photometric.name.lower() == photometric
        np.testing.assert_array_equal(tif.asarray(), pixels)


@pytest.mark.parametrize("unit", [b"\xb5m", b"\\u00B5m", b"\xc3\x85"])
def test_letters_beyond_ascii_of_imagej(unit, copy, tmp_path, draw):
    """Other programs write them as they are, ImageJ itself as codes."""
    description = b"ImageJ=1.53t\nunit=" + unit + b"\nmin=0.0\nmax=99.0\n"
    tifffile.imwrite(tmp_path / "a.tif", draw((60, 70), "uint16"), description=description, metadata=None)
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        check_same(before, after)
        old, new = (tif.imagej_metadata["unit"] for tif in (before, after))
        assert new.encode("ascii").decode("unicode_escape") == old.replace("\\u00B5", "\xb5")
        assert after.imagej_metadata["max"] == 99.0


def test_imagej(copy, tmp_path, draw):
    lut = np.arange(256, dtype=np.uint8)
    settings = {
        "spacing": 0.5,
        "unit": "um",
        "finterval": 1.5,
        "fps": 0.66,
        "mode": "composite",
        "Info": "objective 60x",
        "Labels": [f"plane {i}" for i in range(24)],
        "Ranges": (0.0, 100.0, 5.0, 900.0),
        "LUTs": [np.stack([lut, lut * 0, lut * 0]), np.stack([lut * 0, lut, lut * 0])],
    }
    pixels = draw((3, 4, 2, 50, 70), "uint16")
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, imagej=True, resolution=(9.5, 9.25), metadata={"axes": "TZCYX", **settings}
    )
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.series[0].axes == "TZCYX"
        np.testing.assert_array_equal(tif.asarray(), pixels)
        for key, value in settings.items():
            np.testing.assert_array_equal(tif.imagej_metadata[key], value)


def test_beyond_4_gb_imagej_keeps_its_spacing(copy, tmp_path, draw, monkeypatch, recwarn):
    monkeypatch.setattr("bsn.data.files.formats.tiff_layout._CLASSIC_LIMIT", 10000)
    pixels = draw((4, 50, 70), "uint16")
    settings = {"axes": "ZYX", "spacing": 0.3, "unit": "um", "finterval": 2.5}
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, resolution=(9.5, 9.25), metadata=settings)
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.is_bigtiff
        assert tif.series[0].axes == "ZYX"
        assert {k: tif.imagej_metadata[k] for k in ("spacing", "unit", "finterval")} == {
            "spacing": 0.3,
            "unit": "um",
            "finterval": 2.5,
        }
        np.testing.assert_array_equal(tif.asarray(), pixels)
    assert not recwarn.list


def test_words_of_later_pages_are_said_to_be_lost(tmp_path, draw):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for second in range(3):
            date = f"2024:05:01 10:11:0{second}"
            tif.write(draw((50, 70)), description=f"t = {second}", datetime=date, metadata=None)
    with pytest.warns(DataWarning, match="no words of each page"):
        write_image(tmp_path / "b.tif", read_image(tmp_path / "a.tif"))
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].description == "t = 0"
        assert tif.pages[0].datetime.second == 0


def test_palette_of_imagej(copy, tmp_path, draw):
    colours = draw((3, 256), "uint16")
    tifffile.imwrite(tmp_path / "a.tif", draw((50, 70)), imagej=True, colormap=colours)
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        check_same(before, after)
        np.testing.assert_array_equal(after.pages[0].colormap, colours)


def test_words_of_tifffile(copy, tmp_path, draw):
    tifffile.imwrite(
        tmp_path / "a.tif", draw((4, 50, 70)), metadata={"axes": "QYX", "exposure": 0.5}, description="cells"
    )
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert tif.pages[0].description == "cells"
        assert tif.shaped_metadata[0]["exposure"] == 0.5
        assert tif.series[0].axes == "QYX"


def test_no_tag_holds_an_offset_of_the_old_file(copy, tmp_path, draw):
    tags = [(65010, 4, 1, 4711, True), (512, 4, 1, 99, True), (513, 4, 1, 4242, True)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(draw((50, 70)), metadata=None, extratags=tags, subifds=1)
        tif.write(draw((25, 35)), metadata=None, subfiletype=1)
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        found = {tag.code for tag in tif.pages[0].tags}
        assert 65010 in found
        assert not found & {330, 512, 513}


def series_of_ome(path, draw):
    """Two positions of unlike sizes with all that a microscope says; the second one is asked for."""
    first, second = draw((2, 40, 50), "uint16"), draw((3, 2, 4, 50, 70), "uint16")
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(first, photometric="minisblack", metadata={"axes": "CYX", "Name": "overview"})
        metadata = {
            "axes": "TCZYX",
            "Name": "cell 7",
            "AcquisitionDate": "2024-05-01T10:11:12",
            "SignificantBits": 12,
            "PhysicalSizeX": 0.108,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.109,
            "PhysicalSizeYUnit": "µm",
            "PhysicalSizeZ": 0.3,
            "PhysicalSizeZUnit": "µm",
            "TimeIncrement": 1.5,
            "Channel": {"Name": ["DAPI", "GFP"], "EmissionWavelength": [460, 520]},
            "Plane": {"ExposureTime": [0.25] * 24},
        }
        tif.write(second, photometric="minisblack", metadata=metadata)
    return second


def test_ome_xml_of_the_chosen_series(copy, tmp_path, draw):
    pixels = series_of_ome(tmp_path / "a.ome.tif", draw)
    copy(tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", key="1")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as before, tifffile.TiffFile(tmp_path / "b.ome.tif") as after:
        assert after.is_ome
        (series,) = after.series
        assert (series.kind, series.name) == ("ome", "cell 7")
        found = series.asarray().transpose([series.axes.index(a) for a in "TCZYX"])
        np.testing.assert_array_equal(found, pixels)
        old, new = (tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"] for tif in (before, after))
        changed = {"DimensionOrder": "XYCZT", "BigEndian": None, "TiffData": {"IFD": 0, "PlaneCount": 24}}
        assert {**new["Pixels"], **changed} == {**old[1]["Pixels"], **changed}
        assert {k: v for k, v in new.items() if k != "Pixels"} == {k: v for k, v in old[1].items() if k != "Pixels"}
        assert new["Pixels"]["DimensionOrder"] == "XYCZT"
        assert "UUID" not in after.ome_metadata
        assert [channel["Name"] for channel in new["Pixels"]["Channel"]] == ["DAPI", "GFP"]


def test_ome_xml_of_the_files_of_users(copy, tmp_path):
    copy(CASES / "F10_single.ome.tif", tmp_path / "a.ome.tif")
    copy(CASES / "F06_two_positions.ome.tif", tmp_path / "b.ome.tif", key="pos1")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as after, tifffile.TiffFile(CASES / "F10_single.ome.tif") as before:
        check_same(before, after)
        pixels = tifffile.xml2dict(after.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeXUnit"]) == (0.108, "µm")
        assert (pixels["PhysicalSizeY"], pixels["PhysicalSizeYUnit"]) == (0.108, "µm")
    with (
        tifffile.TiffFile(tmp_path / "b.ome.tif") as after,
        tifffile.TiffFile(CASES / "F06_two_positions.ome.tif") as before,
    ):
        check_same(before, after, 1)
        assert [series.name for series in after.series] == ["pos1"]


@pytest.mark.parametrize(
    ("dtype", "kind"), [("float32", "float"), ("float64", "double"), ("int16", "int16"), ("bool", "bit")]
)
def test_ome_xml_names_the_type_of_the_result(dtype, kind, tmp_path, draw):
    pixels = series_of_ome(tmp_path / "a.ome.tif", draw)
    image = read_image(tmp_path / "a.ome.tif", key="1")
    other = pixels > 100 if dtype == "bool" else pixels.astype(dtype)
    write_image(tmp_path / "b.tif", Image(other, "TCZYX", image.metadata))
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        said = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]
        assert said["Type"] == kind
        assert "SignificantBits" not in said
        assert tif.series[0].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(
            tif.series[0].asarray().transpose([tif.series[0].axes.index(a) for a in "TCZYX"]), other
        )


def test_ome_xml_that_has_no_name_for_the_type_is_said_to_be_lost(tmp_path, draw):
    series_of_ome(tmp_path / "a.ome.tif", draw)
    image = read_image(tmp_path / "a.ome.tif", key="0")
    with pytest.warns(DataWarning, match="no OME-XML"):
        write_image(tmp_path / "b.tif", Image(image.pixels.astype("float16"), image.axes, image.metadata))
    with tifffile.TiffFile(tmp_path / "b.tif") as tif:
        assert not tif.is_ome
        assert tif.series[0].axes == "CYX"


def test_rgb_of_ome(copy, tmp_path, draw):
    pixels = draw((4, 50, 70, 3))
    metadata = {"axes": "ZYXS", "PhysicalSizeX": 2.0}
    tifffile.imwrite(tmp_path / "a.ome.tif", pixels, photometric="rgb", metadata=metadata)
    copy(tmp_path / "a.ome.tif", tmp_path / "b.ome.tif")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as tif:
        assert (tif.series[0].kind, tif.series[0].axes) == ("ome", "ZYXS")
        np.testing.assert_array_equal(tif.asarray(), pixels)
        said = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (said["SizeC"], said["Channel"]["SamplesPerPixel"], said["TiffData"]["PlaneCount"]) == (3, 3, 4)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_zero_in_formats_that_cannot_say_so(dtype, copy, tmp_path, draw):
    pixels = draw((50, 70), dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    for name in ("b.png", "b.npy", "b.h5"):
        copy(tmp_path / "a.tif", tmp_path / name)
    black = np.iinfo(dtype).max - pixels
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "b.png")), black)
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), black)
    np.testing.assert_array_equal(h5py.File(tmp_path / "b.h5")["image"][()], black)


def test_white_is_zero_without_a_known_black_is_refused(copy, tmp_path, draw, refused):
    tifffile.imwrite(tmp_path / "a.tif", draw((50, 70), "float32"), photometric="miniswhite")
    assert "write .tif" in refused(copy, tmp_path / "a.tif", tmp_path / "b.npy")
    assert not (tmp_path / "b.npy").exists()


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_few_bits_are_refused(bits, tmp_path, draw, refused):
    tifffile.imwrite(tmp_path / "a.tif", draw((50, 70)) % 2**bits, bitspersample=bits)
    for read in (read_image, open_image):
        assert f"{bits} bits" in refused(read, tmp_path / "a.tif")


def test_twelve_bits_keep_their_values(copy, tmp_path, draw):
    pixels = draw((50, 70), "uint16") % 4096
    tifffile.imwrite(tmp_path / "a.tif", pixels, bitspersample=12)
    copy(tmp_path / "a.tif", tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), pixels)


def test_what_a_png_cannot_hold_is_said(tmp_path):
    with pytest.warns(DataWarning, match="a PNG, has no OME-XML"):
        write_image(tmp_path / "a.png", read_image(CASES / "F10_single.ome.tif"))
    with pytest.warns(DataWarning, match="no GeoTIFF tags"):
        write_image(tmp_path / "b.png", read_image(CASES / "F10_geotiff.tif"))
    with pytest.warns(DataWarning, match="no tags of the vendor"):
        write_image(tmp_path / "c.png", read_image(CASES / "F10_sem_vendor_tags.tif"))


def save_with_camera(path, pixels):
    exif = Pillow.Exif()
    exif.update({0x010F: "Maker", 0x0110: "Gr____e", 0x0132: "2026:11:28 06:55:00", 0x013B: "Ann", 0x8298: "CC BY"})
    exif.get_ifd(0x8769)[0x829A] = 0.01
    Pillow.fromarray(pixels).save(path, exif=exif, comment=b"grains")
    path.write_bytes(path.read_bytes().replace(b"Gr____e", "Größe".encode()))  # Pillow writes ASCII alone


def test_words_of_a_camera_go_from_jpeg_to_tiff(tmp_path, draw):
    save_with_camera(tmp_path / "a.jpg", draw((60, 70)))
    with pytest.warns(DataWarning, match=r"has no EXIF data but maker, model, date, author and copyright$"):
        write_image(tmp_path / "b.tif", read_image(tmp_path / "a.jpg"))
    with Pillow.open(tmp_path / "b.tif") as result:
        found = {code: result.tag_v2.get(code) for code in (271, 306, 315, 33432, 270)}
    assert found == {271: "Maker", 306: "2026:11:28 06:55:00", 315: "Ann", 33432: "CC BY", 270: "grains"}
    assert "Größe".encode() in (tmp_path / "b.tif").read_bytes()


def test_damaged_words_of_a_camera_do_not_stop_a_picture(tmp_path, draw):
    image = Image(draw((60, 70)), "YX", {"exif": b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x0f\x01"})
    with pytest.warns(DataWarning, match="EXIF"):
        write_image(tmp_path / "b.tif", image)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), image.pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("photometric", "bands", "extra"),
    [("rgb", 4, [0]), ("rgb", 6, [0, 0, 0]), ("rgb", 5, [0, 2]), ("minisblack", 6, [0] * 5)],
)
def test_bands_stay_within_their_page(photometric, bands, extra, compression, planar, tmp_path):
    """Programs for maps read one page; colours stay colours beside other bands."""
    pixels = np.random.default_rng(0).integers(0, 60000, (20, 24, bands), np.uint16)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    options = {"photometric": photometric, "planarconfig": planar, "extrasamples": extra, "compression": compression}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options, extratags=[(33550, "d", 3, (10.0, 10.0, 0.0), True)])
    image = read_image(tmp_path / "a.tif")
    write_image(tmp_path / "b.tif", image)
    about = image.pixels.shape, image.axes, image.pixels.dtype
    with open_image(tmp_path / "a.tif") as reader, open_writer(tmp_path / "c.tif", *about, reader.metadata) as out:
        out.write(0, 0, 0, reader.read_plane(0))
    for name in ("b", "c"):
        with tifffile.TiffFile(tmp_path / f"{name}.tif") as tif:
            (page,) = tif.pages
            assert page.photometric.name.lower() == photometric
            assert [int(kind) for kind in page.extrasamples] == extra
            assert page.tags[33550].value == (10.0, 10.0, 0.0)
            np.testing.assert_array_equal(page.asarray(), pixels)


def test_other_images_of_a_file_are_said_to_be_lost(tmp_path, recwarn):
    pixels = np.random.default_rng(0).integers(0, 60000, (20, 24), np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels, metadata=None)
        file.write(pixels[:9, :13].copy(), metadata=None)
        file.write(pixels[:5, :6].astype(np.uint8), subfiletype=1, metadata=None)
    write_image(tmp_path / "b.tif", read_image(tmp_path / "a.tif", key="1"))
    assert "no other image of the file, no thumbnail" in str(recwarn.pop(DataWarning).message)
