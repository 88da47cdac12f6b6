"""FITS, NIfTI, MGH and DICOM: what the field's own library reads is what comes back, header and all."""

import csv
from pathlib import Path

import numpy as np
import pytest

from bsn.data import DataError, Image, open_image, read_image, write_image
from bsn.data.files.formats import suffix_of

fits = pytest.importorskip("astropy.io.fits", reason="the extra [science] is not installed")
nibabel = pytest.importorskip("nibabel", reason="the extra [science] is not installed")
pydicom = pytest.importorskip("pydicom", reason="the extra [science] is not installed")

COLLECTION = Path(__file__).resolve().parents[4] / "shared" / "data" / "free" / "formats"
needs_collection = pytest.mark.skipif(not COLLECTION.is_dir(), reason="the collection of format files is not here")


def changed(image):
    """The image with its pixels turned round, which every type can hold."""
    return Image(image.pixels[..., ::-1].copy(), image.axes, image.metadata)


@pytest.fixture
def sky(tmp_path):
    """Unsigned 16 bits by BZERO, world coordinates, a mask beside the picture."""
    pixels = np.random.default_rng(0).integers(0, 65536, (12, 17), dtype=np.uint16)
    unit = fits.ImageHDU(pixels, name="SCI")
    unit.header["CRVAL1"], unit.header["CTYPE1"], unit.header["DATAMAX"] = 83.6, "RA---TAN", 1.0
    mask = fits.ImageHDU(np.eye(12, 17, dtype=np.uint8), name="DQ")
    fits.HDUList([fits.PrimaryHDU(), unit, mask]).writeto(tmp_path / "sky.fits", checksum=True)
    return tmp_path / "sky.fits", pixels


def test_fits_keeps_header_type_and_other_units(sky, tmp_path):
    path, pixels = sky
    with pytest.raises(DataError, match=r"holds 2 images; choose one with --key: SCI .*DQ"):
        read_image(path)
    image = read_image(path, key="SCI")
    assert (image.axes, image.pixels.dtype) == ("YX", np.uint16)
    assert np.array_equal(image.pixels, pixels)
    assert np.array_equal(read_image(path, key="1").pixels, pixels)
    write_image(tmp_path / "out.fits", changed(image))
    with fits.open(tmp_path / "out.fits", checksum=True) as units:
        assert np.array_equal(units["SCI"].data, pixels[:, ::-1])
        assert units["SCI"].header["BITPIX"] == 16
        assert units["SCI"].header["CRVAL1"] == 83.6
        assert units["SCI"].header["DATAMAX"] == pixels.max()
        assert "Blindspot" in str(units["SCI"].header["HISTORY"])
        assert np.array_equal(units["DQ"].data, np.eye(12, 17))
        assert "CHECKSUM" in units["SCI"].header
    assert np.array_equal(read_image(path, key="SCI").pixels, pixels), "the input is as it was"


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_scaled_integers_stay_integers_and_blanks_stay_blank(tmp_path, suffix):
    values = np.random.default_rng(0).normal(5, 1, (9, 10)).astype(np.float32)
    unit = fits.PrimaryHDU(values.copy())
    unit.scale("int16", bscale=0.001, bzero=3.0)
    unit.writeto(tmp_path / "a.fits")
    image = read_image(tmp_path / "a.fits")
    assert np.abs(image.pixels - values).max() < 0.0006
    write_image(tmp_path / f"b{suffix}", changed(image))
    with fits.open(tmp_path / f"b{suffix}") as units:
        assert (units[0].header["BITPIX"], units[0].header["BSCALE"], units[0].header["BZERO"]) == (16, 0.001, 3.0)
        assert np.abs(units[0].data[:, ::-1] - values).max() < 0.0011
    if suffix == ".fits.gz":
        assert (tmp_path / "b.fits.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_axes_of_fits_are_told_by_the_header_or_by_us(tmp_path):
    cube = np.zeros((2, 3, 8, 9), np.float32)
    write_image(tmp_path / "own.fits", Image(np.moveaxis(cube, 1, -1), "TYXC"))
    assert read_image(tmp_path / "own.fits").axes == "TCYX"
    header = fits.Header({"CTYPE3": "FREQ", "CTYPE4": "STOKES"})
    fits.PrimaryHDU(np.zeros((1, 5, 8, 9), np.float32), header).writeto(tmp_path / "radio.fits")
    assert read_image(tmp_path / "radio.fits").axes == "SCYX"
    fits.PrimaryHDU(np.zeros((3, 8, 9), np.float32)).writeto(tmp_path / "colours.fits")
    assert read_image(tmp_path / "colours.fits").axes == "CYX"
    with pytest.raises(DataError, match="FITS has no such pixels"):
        write_image(tmp_path / "half.fits", Image(np.zeros((8, 9), np.float16), "YX"))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgz"])
def test_volumes_keep_place_type_and_scaling(tmp_path, name):
    assert suffix_of(Path(name)) == name[1:]
    pixels = np.random.default_rng(0).integers(0, 1000, (5, 6, 7, 2)).astype(np.int16)
    affine = np.diag([0.5, 0.5, 3.0, 1.0])
    kind = nibabel.MGHImage if name.endswith("mgz") else nibabel.Nifti1Image
    volume = kind(pixels, affine)
    if kind is nibabel.Nifti1Image:
        volume.header.set_xyzt_units("mm", "sec")
        volume.header["descrip"] = b"a head"
    nibabel.save(volume, tmp_path / name)
    image = read_image(tmp_path / name)
    assert (image.axes, image.pixels.dtype) == ("TZYX", np.int16)
    assert np.array_equal(image.pixels.transpose(), pixels)
    write_image(tmp_path / f"out_{name}", changed(image))
    found = nibabel.load(tmp_path / f"out_{name}")
    assert np.array_equal(np.asarray(found.dataobj), pixels[::-1])
    assert np.array_equal(found.affine, volume.affine)
    assert found.get_data_dtype().newbyteorder("=") == np.int16
    if kind is nibabel.Nifti1Image:
        assert found.header["descrip"] == b"a head"
        assert found.header.get_xyzt_units() == ("mm", "sec")


def test_a_scaled_volume_is_stored_as_it_was(tmp_path):
    volume = nibabel.Nifti1Image(np.random.default_rng(0).integers(0, 1000, (5, 6, 7)).astype(np.int16), np.eye(4))
    volume.header.set_slope_inter(0.25, 10)
    nibabel.save(volume, tmp_path / "a.nii")
    image = read_image(tmp_path / "a.nii")
    assert np.array_equal(image.pixels, np.asarray(nibabel.load(tmp_path / "a.nii").dataobj).transpose())
    write_image(tmp_path / "b.nii", image)
    found = nibabel.load(tmp_path / "b.nii")
    assert np.array_equal(found.dataobj.get_unscaled(), nibabel.load(tmp_path / "a.nii").dataobj.get_unscaled())
    assert (found.dataobj.slope, found.dataobj.inter) == (0.25, 10)


def test_a_picture_becomes_a_volume(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (6, 7), dtype=np.uint8)
    write_image(tmp_path / "a.nii.gz", Image(pixels, "YX"))
    assert np.array_equal(np.asarray(nibabel.load(tmp_path / "a.nii.gz").dataobj), pixels.T)
    with pytest.raises(DataError, match="the axes XYZTC"):
        write_image(tmp_path / "b.nii", Image(pixels[None], "QYX"))


@pytest.mark.parametrize(("first", "second"), [("a.fits.gz", "b.nii.gz"), ("a.nii.gz", "b.fits.gz")])
def test_a_packed_file_of_another_format_is_not_taken_for_the_header(tmp_path, first, second):
    pixels = np.random.default_rng(0).normal(0, 1, (12, 17)).astype(np.float32)
    write_image(tmp_path / first, Image(pixels, "YX"))
    write_image(tmp_path / second, read_image(tmp_path / first))
    assert np.array_equal(read_image(tmp_path / second).pixels.squeeze(), pixels)


@pytest.fixture
def slice_of_ct(tmp_path):
    """A slice in 12 of 16 bits, as a scanner writes it."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = pydicom.uid.CTImageStorage
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.SeriesInstanceUID, dataset.Modality = pydicom.uid.generate_uid(), "CT"
    dataset.ImageType, dataset.PatientName = ["ORIGINAL", "PRIMARY", "AXIAL"], "Doe^Jane"
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    pixels = np.random.default_rng(0).integers(0, 4096, (9, 11), dtype=np.uint16)
    dataset.set_pixel_data(pixels, "MONOCHROME2", 12)
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    return tmp_path / "a.dcm", pixels, dataset


def test_dicom_is_marked_as_derived_and_has_identifiers_of_its_own(slice_of_ct, tmp_path):
    path, pixels, dataset = slice_of_ct
    image = read_image(path)
    assert (image.axes, image.pixels.dtype) == ("YX", np.uint16)
    assert np.array_equal(image.pixels, pixels)
    beyond = changed(image)
    beyond.pixels[0, 0] = 5000
    write_image(tmp_path / "b.dcm", beyond)
    found = pydicom.dcmread(tmp_path / "b.dcm")
    assert found.pixel_array[0, 0] == 4095, "what 12 bits hold"
    assert np.array_equal(found.pixel_array[1:], pixels[1:, ::-1])
    assert list(found.ImageType) == ["DERIVED", "PRIMARY", "AXIAL"]
    assert (found.PatientName, found.RescaleIntercept) == ("Doe^Jane", -1024)
    assert found.SOPInstanceUID == found.file_meta.MediaStorageSOPInstanceUID != dataset.SOPInstanceUID
    assert found.SourceImageSequence[0].ReferencedSOPInstanceUID == dataset.SOPInstanceUID
    write_image(tmp_path / "c.dcm", image)
    again = pydicom.dcmread(tmp_path / "c.dcm")
    assert again.SeriesInstanceUID == found.SeriesInstanceUID != dataset.SeriesInstanceUID
    with pytest.raises(DataError, match="belongs to a patient"):
        write_image(tmp_path / "d.dcm", Image(pixels, "YX"))
    assert not (tmp_path / "d.dcm").exists()


@pytest.mark.parametrize(
    ("name", "package"), [("a.fits", "astropy"), ("a.nii", "nibabel"), ("a.dcm", "pydicom"), ("a.mrc", "mrcfile")]
)
def test_a_missing_package_is_named_with_its_command(tmp_path, monkeypatch, name, package):
    (tmp_path / name).write_bytes(b"something")

    def missing(module):
        raise ImportError(module)

    monkeypatch.setattr("bsn.data.files.formats.extras.importlib.import_module", missing)
    with pytest.raises(DataError, match=rf'needs the package {package}.*pip install "blindspot-denoising\[science\]"'):
        read_image(tmp_path / name)


REFUSED = {
    "astropy-random_groups.fits": "random groups",
    "astropy-table.fits": "holds no image",
    "astropy-compressed_float_bzero.fits": "holds no image",
    "pydicom-test-SR.dcm": "no pixels",
    "pydicom-MR_truncated.dcm": "cannot be read|ends before",
    "pydicom-examples_palette.dcm": "palette",
    "pydicom-liver_1frame.dcm": "segments",
    "pydicom-JPEG-lossy.dcm": "needs another package",
    "pydicom-MR_small_jpeg_ls_lossless.dcm": "needs another package",
}


def collected(*folders):
    if not COLLECTION.is_dir():
        return []
    rows = list(csv.DictReader((COLLECTION / "formats.csv").open(newline="")))
    known = (".fits", ".fits.gz", ".nii", ".nii.gz", ".mgz", ".dcm")
    return [
        row["file"] for row in rows if row["file"].split("/")[0] in folders and suffix_of(Path(row["file"])) in known
    ]


def first_key(path):
    """Key of the first of several images of a FITS file; None for a file with one."""
    if ".fits" not in path.name:
        return None
    with fits.open(path) as units:
        images = [(number, unit) for number, unit in enumerate(units) if unit.is_image and len(unit.shape) > 1]
        return str(images[0][0]) if len(images) > 1 else None


@needs_collection
@pytest.mark.parametrize("file", collected("fits", "medical"))
def test_collected_files_are_read_as_by_their_own_library_or_refused(file, tmp_path):
    path = COLLECTION / file
    why = REFUSED.get(path.name)
    if why:
        with pytest.raises(DataError, match=why):
            read_image(path)
        return
    key = first_key(path)
    image = read_image(path, key=key)
    if path.suffix == ".dcm":
        expected = pydicom.dcmread(path).pixel_array
    elif ".fits" in path.name:
        with fits.open(path) as units:
            chosen = (
                next(u for u in units if u.is_image and u.shape and len(u.shape) > 1)
                if key is None
                else units[int(key) if key.isdigit() else key]
            )
            expected = chosen.data.copy()
    else:
        expected = np.asarray(nibabel.load(path).dataobj).transpose()
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.pixels.dtype == expected.dtype.newbyteorder("=")
    with open_image(path, key=key) as reader:
        assert reader.shape == image.pixels.shape
    target = tmp_path / path.name
    write_image(target, image)
    again = read_image(target, key=key)
    assert (again.axes, again.pixels.dtype) == (image.axes, image.pixels.dtype)
    np.testing.assert_allclose(again.pixels, image.pixels, rtol=1e-6)
