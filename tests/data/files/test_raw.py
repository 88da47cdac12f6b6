"""Raw photographs: what LibRaw reads is what comes back, and what is written is read by LibRaw as it was."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bsn.data import DataError, FolderSource, Image, list_images, open_image, read_image, write_image
from bsn.data.files.formats.mosaic import MOSAIC, PATTERNS, joined, places, planes_of
from bsn.data.files.formats.raw_words import words_of_raw
from tests.helpers.dng import write_dng, write_like_a_camera

rawpy = pytest.importorskip("rawpy", reason="the extra [raw] is not installed")

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "free" / "raw"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the collection of raw files is not here")


def numbers(seed=0, size=(64, 96), low=500, high=4000):
    return np.random.default_rng(seed).integers(low, high, size, dtype=np.uint16)


def developed(path, **more):
    with rawpy.imread(str(path)) as raw:
        return raw.postprocess(**{"use_camera_wb": True, "no_auto_bright": True, "output_bps": 16, **more})


def facts_of(path):
    with rawpy.imread(str(path)) as raw:
        return (
            raw.raw_pattern.tolist(),
            list(raw.black_level_per_channel),
            raw.white_level,
            np.round(raw.camera_whitebalance, 5).tolist(),
            np.round(raw.rgb_xyz_matrix, 4).tolist(),
            raw.sizes,
        )


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_a_mosaic_comes_apart_by_colour_and_together_again(pattern, size):
    mosaic = np.arange(size[0] * size[1]).reshape(size)
    planes = planes_of(mosaic, pattern)
    for plane, (row, column), colour in zip(planes, places(pattern), "RGGB", strict=True):
        assert pattern[2 * row + column] == colour
        assert plane[0, 0] == mosaic[row, column]
    assert places(pattern)[1][0] == places(pattern)[0][0], "the first green is in the row of red"
    assert np.array_equal(joined(planes, pattern)[: size[0], : size[1]], mosaic)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_planes_are_the_colours_with_black_at_0_and_white_at_1(tmp_path, pattern):
    stored = numbers()
    black = (600, 610, 620, 630)
    path = write_dng(tmp_path / "a.dng", stored, pattern=pattern, black=black, white=10600)
    image = read_image(path)
    assert (image.axes, image.pixels.dtype, image.pixels.shape) == ("CYX", np.float32, (4, 32, 48))
    for plane, (row, column) in zip(image.pixels, places(pattern), strict=True):
        dark = black[2 * row + column]
        np.testing.assert_allclose(plane, (stored[row::2, column::2] - float(dark)) / (10600 - dark), atol=1e-6)
    assert image.pixels.min() < 0, "values below black stay"


def test_a_rewritten_dng_is_what_it_was(tmp_path):
    path = write_dng(tmp_path / "a.dng", numbers(size=(65, 97)), noise=(1e-4, 2e-6))
    write_image(tmp_path / "b.dng", read_image(path))
    assert facts_of(tmp_path / "b.dng") == facts_of(path)
    assert np.array_equal(developed(tmp_path / "b.dng"), developed(path))
    with tifffile.TiffFile(path) as before, tifffile.TiffFile(tmp_path / "b.dng") as after:
        old, new = ({tag.code: tag.value for tag in file.pages[0].tags} for file in (before, after))
    assert new.pop(50935) == (1000000, 1000000), "noise was reduced"
    assert {code for code in old if old[code] != new.get(code)} <= {258, 273, 278, 279}
    assert np.array_equal(read_image(tmp_path / "b.dng").pixels, read_image(path).pixels)


def test_only_the_mosaic_changes_in_a_file_of_a_camera(tmp_path):
    pytest.importorskip("imagecodecs")
    stored, preview = numbers(size=(128, 192), low=200, high=3000), np.full((16, 24, 3), 99, np.uint8)
    table = write_like_a_camera(tmp_path / "a.dng", stored, preview)
    image = read_image(tmp_path / "a.dng")
    assert image.metadata[MOSAIC].size == (124, 184), "the margin of the sensor is no picture"
    assert image.metadata[MOSAIC].noise == ((2e-4, 1e-6),) * 4
    write_image(tmp_path / "b.dng", Image(image.pixels + 10 / 15400, image.axes, image.metadata))
    with rawpy.imread(str(tmp_path / "b.dng")) as raw:
        wanted = table[stored].copy()
        wanted[2:-2, 4:-4] += 10
        assert np.array_equal(raw.raw_image, wanted)
    before, after = facts_of(tmp_path / "a.dng"), facts_of(tmp_path / "b.dng")
    assert before == after
    with tifffile.TiffFile(tmp_path / "b.dng") as file:
        first, raw_page = file.pages[0], file.pages[0].pages[0]
        assert np.array_equal(first.asarray(), preview)
        assert first.tags[37500].value == b"a note\0\0"
        assert 51111 not in first.tags, "the checksum of the old numbers is gone"
        assert not {322, 324, 50712} & {tag.code for tag in raw_page.tags}
        assert np.array_equal(raw_page.asarray(), wanted)


def test_white_is_told_where_it_followed_from_the_bits(tmp_path):
    pytest.importorskip("imagecodecs")
    stored = numbers(size=(64, 64), low=700, high=3000)
    write_like_a_camera(tmp_path / "a.dng", stored, np.zeros((8, 8, 3), np.uint8), without=(50717, 50712))
    image = read_image(tmp_path / "a.dng")
    assert image.metadata[MOSAIC].levels.white == 4095
    write_image(tmp_path / "b.dng", image)
    assert facts_of(tmp_path / "b.dng") == facts_of(tmp_path / "a.dng")


def test_tags_of_types_that_nobody_knows_stay(tmp_path):
    path = write_dng(tmp_path / "a.dng", numbers(), more=[(60000, 4, 1, 7, True)])
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<HHI", 60000, 4, 1))
    content[at + 2] = 99
    path.write_bytes(content)
    write_image(tmp_path / "b.dng", read_image(path))
    assert struct.pack("<HHII", 60000, 99, 1, 7) in (tmp_path / "b.dng").read_bytes()[-600:]


def test_damage_that_libraw_only_prints_is_told(tmp_path, capfd):
    path = tmp_path / "a.nef"
    told = [(271, 2, 0, "NIKON CORPORATION", True), (272, 2, 0, "NIKON D750", True)]
    pattern = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, bytes((0, 1, 1, 2)), True)]
    tifffile.imwrite(path, numbers(), photometric="cfa", metadata=None, subfiletype=0, extratags=[*told, *pattern])
    cut(path)
    with pytest.raises(DataError, match=r"is damaged or cut off \(LibRaw: .*\); copy it whole again"):
        read_image(path)
    assert "end of file" not in capfd.readouterr().err


def test_other_raw_files_become_new_dng_files(tmp_path):
    path = tmp_path / "a.nef"  # what LibRaw takes for an uncompressed file of this camera
    camera = [(271, 2, 0, "NIKON CORPORATION", True), (272, 2, 0, "NIKON D750", True), (274, 3, 1, 6, True)]
    pattern = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, bytes((0, 1, 1, 2)), True)]
    told = [*camera, *pattern, (306, 2, 0, "2026:01:02 03:04:05", True)]
    stored = numbers(size=(128, 192), low=700, high=9000)
    tifffile.imwrite(path, stored, photometric="cfa", metadata=None, subfiletype=0, extratags=told)
    write_image(tmp_path / "a.dng", read_image(path))
    before, after = facts_of(path), facts_of(tmp_path / "a.dng")
    assert before[:3] == after[:3]
    assert before[4:] == after[4:]
    # The matrix of LibRaw's table and that of the file differ in their last bits.
    same = {"use_camera_wb": False, "user_wb": [2.0, 1.0, 1.5, 1.0], "output_color": rawpy.ColorSpace.raw}
    linear = {**same, "demosaic_algorithm": rawpy.DemosaicAlgorithm.LINEAR}
    assert np.array_equal(developed(path, **linear), developed(tmp_path / "a.dng", **linear))
    with tifffile.TiffFile(tmp_path / "a.dng") as file:
        tags = file.pages[0].tags
        assert (tags[271].value, tags[272].value) == ("NIKON CORPORATION", "NIKON D750")
        assert (tags[306].value, int(tags[274].value)) == ("2026:01:02 03:04:05", 6)


def test_words_of_a_photograph_come_from_wherever_they_are(tmp_path):
    from PIL import Image as Picture

    exif = Picture.Exif()
    exif[271], exif[272] = "Maker", "Model"
    exif.get_ifd(34665)[33437] = (28, 10)
    data = exif.tobytes()[6:]
    tifffile.imwrite(tmp_path / "a.orf", numbers(), metadata=None, extratags=[(272, 2, 0, "Model", True)])
    content = bytearray((tmp_path / "a.orf").read_bytes())
    content[2:4] = struct.pack("<H", 0x4F52)  # Olympus
    (tmp_path / "a.orf").write_bytes(content)
    box = struct.pack(">I", 8 + len(data)) + b"CMT1" + data
    (tmp_path / "a.cr3").write_bytes(struct.pack(">I", 16) + b"ftypcrx \0\0\0\1" + box)
    (tmp_path / "a.raf").write_bytes(b"FUJIFILMCCD-RAW ")
    segment = b"Exif\0\0" + data
    preview = b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + b"\xff\xd9"
    assert [words_of_raw(tmp_path / name, preview).text(272) for name in ("a.orf", "a.cr3", "a.raf")] == ["Model"] * 3
    assert 33437 in words_of_raw(tmp_path / "a.raf", preview).exif
    assert words_of_raw(tmp_path / "a.raf", b"no jpeg").text(272) == ""


def test_pictures_are_developed_and_planes_stay_planes(tmp_path):
    path = write_dng(tmp_path / "a.dng", numbers(high=15000))
    image = read_image(path)
    for name, bits in (("a.tif", 16), ("a.png", 16), ("a.jpg", 8)):
        write_image(tmp_path / name, image)
        seen = read_image(tmp_path / name)
        if bits == 16:
            assert np.array_equal(seen.pixels, developed(path))
        else:
            assert np.abs(seen.pixels.astype(int) - developed(path, output_bps=8)).mean() < 12
    with pytest.warns(UserWarning, match="has no mosaic"):
        write_image(tmp_path / "a.npy", image)
    assert np.array_equal(np.load(tmp_path / "a.npy"), image.pixels)


def cut(path):
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda p: cut(write_dng(p, numbers())), "is cut off: its mosaic ends beyond the file; copy it whole again"),
        (
            lambda p: write_dng(p, np.zeros((32, 32, 3), np.uint16), photometric=34892),
            r"demosaiced colours \(linear DNG\)",
        ),
        (lambda p: write_dng(p, numbers().astype(np.float32)), "is of floats"),
        (lambda p: write_dng(p, numbers(), pattern="RGBG"), "its sensor has the colours RGBG"),
        (lambda p: write_dng(p, numbers(), photometric="minisblack"), "holds no mosaic"),
        (lambda p: write_dng(p, numbers(), black=(9000,) * 4, white=9000), "white is 9000 and black 9000"),
        (lambda p: p.write_bytes(b""), "is empty"),
        (lambda p: p.write_bytes(b"no raw file at all" * 100), "no raw file that LibRaw can read"),
    ],
)
def test_bad_raw_files_are_refused_in_one_line(tmp_path, make, why):
    make(tmp_path / "a.dng")
    with pytest.raises(DataError, match=why) as refused:
        read_image(tmp_path / "a.dng")
    assert "\n" not in str(refused.value)


def test_lossy_mosaics_are_refused(tmp_path):
    path = write_dng(tmp_path / "a.dng", numbers())
    for code, why in ((34892, "lossy JPEG"), (52546, "JPEG XL"), (9, "VC-5")):
        with tifffile.TiffFile(path, mode="r+") as file:
            file.pages[0].tags[259].overwrite(code)
        with pytest.raises(DataError, match=f"compressed by {why}"):
            read_image(path)


@pytest.mark.parametrize("name", ["b.dng", "b.tif"])
def test_a_raw_file_that_is_needed_and_gone_is_named(tmp_path, name):
    path = write_dng(tmp_path / "a.dng", numbers())
    image = read_image(path)
    path.unlink()
    with pytest.raises(
        DataError, match=r"it needs .*a\.dng, which its mosaic came from and which is gone; put it back"
    ):
        write_image(tmp_path / name, image)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["b.nef", "b.cr2", "b.gpr"])
def test_files_of_cameras_are_not_written(tmp_path, name):
    image = read_image(write_dng(tmp_path / "a.dng", numbers()))
    with pytest.raises(DataError, match=r"only cameras write such files; write b\.dng"):
        write_image(tmp_path / name, image)
    with pytest.raises(DataError, match="which this image is not"):
        write_image(tmp_path / "b.dng", Image(numbers(), "YX"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dng"]


def test_a_missing_package_is_said_in_one_line(tmp_path, monkeypatch):
    path = write_dng(tmp_path / "a.dng", numbers())
    monkeypatch.setitem(__import__("sys").modules, "rawpy", None)
    with pytest.raises(
        DataError, match=r'needs the package rawpy; install it with pip install "blindspot-denoising\[raw\]"'
    ):
        read_image(path)


def test_jpeg_files_beside_raw_files_are_left_out(tmp_path):
    for name in ("IMG_1.DNG", "img_1.jpg", "IMG_2.JPG"):
        (tmp_path / name).touch()
    assert [p.name for p in list_images(tmp_path)] == ["IMG_1.DNG", "IMG_2.JPG"]


def test_files_of_several_levels_are_one_source(tmp_path):
    write_dng(tmp_path / "a.dng", np.full((32, 48), 5000, np.uint16), black=(1000,) * 4, white=9000)
    write_dng(tmp_path / "b.dng", np.full((32, 48), 3000, np.uint16), black=(1000,) * 4, white=5000)
    source = FolderSource(tmp_path)
    assert (source.channels, len(source)) == (4, 2)
    assert [float(source.image(index).mean()) for index in range(2)] == [0.5, 0.5]


def test_bayer_frames_of_fits_files_are_mosaics(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    stored = numbers(size=(33, 40))
    unit = fits.PrimaryHDU(stored)
    unit.header["BAYERPAT"], unit.header["XBAYROFF"], unit.header["OBJECT"] = "RGGB", 1, "M 94"
    unit.writeto(tmp_path / "a.fit")
    image = read_image(tmp_path / "a.fit")
    assert (image.metadata[MOSAIC].pattern, image.pixels.shape, image.pixels.dtype) == ("GRBG", (4, 17, 20), np.uint16)
    assert np.array_equal(image.pixels[0], planes_of(stored, "GRBG")[0])
    write_image(tmp_path / "b.fit", image)
    assert np.array_equal(fits.getdata(tmp_path / "b.fit"), stored)
    assert fits.getheader(tmp_path / "b.fit")["OBJECT"] == "M 94"
    write_image(tmp_path / "b.tif", image)
    assert read_image(tmp_path / "b.tif").pixels.shape == (33, 40, 3)
    write_image(tmp_path / "b.dng", image)
    with rawpy.imread(str(tmp_path / "b.dng")) as raw:
        assert np.array_equal(raw.raw_image, stored)
    # A stack of colours that kept the keyword, and a pattern that nobody knows, stay what they are.
    for name, shape, pattern in (("c.fit", (3, 16, 20), "RGGB"), ("d.fit", (16, 20), "CMYG")):
        unit = fits.PrimaryHDU(np.zeros(shape, np.uint16))
        unit.header["BAYERPAT"] = pattern
        unit.writeto(tmp_path / name)
        assert read_image(tmp_path / name).pixels.shape == shape


@needs_real
@pytest.mark.parametrize("name", ["nikon_d750_rose_768x512.dng", "seestar_s50_ngc7023_20s_crop1024.dng"])
def test_real_files_come_back(tmp_path, name):
    write_image(tmp_path / "b.dng", read_image(REAL / name))
    assert facts_of(tmp_path / "b.dng") == facts_of(REAL / name)
    assert np.array_equal(developed(tmp_path / "b.dng"), developed(REAL / name))


@needs_real
def test_a_gopro_file_is_refused_by_name():
    with pytest.raises(DataError, match=r"VC-5 \(GoPro's GPR\)"), open_image(REAL / "gopro_hero6_GOPR0024.gpr"):
        pass
