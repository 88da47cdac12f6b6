"""Inputs that users of denoisers reported: one row per case, run through the command line."""

from typing import NamedTuple

import pytest

from bsn.cli import main
from tests.cases import outcomes
from tests.cases.outcomes import INPUTS, denoised


class Case(NamedTuple):
    """A call of ``bsn denoise`` and what it must end in.

    ``says`` is what the terminal must show, ``silent`` what it must not; ``checks`` look at the folder of results.
    """

    inputs: str
    options: str = ""
    code: int = 0
    says: tuple = ()
    checks: tuple = ()
    silent: tuple = ()

    @property
    def id(self):
        return " ".join([*self.inputs.split(), *self.options.split()])


CASES = [
    Case("F05_dark_and_raw.h5", code=2, says=("--key", "dark (96 x 96 uint16)", "raw (96 x 96 uint16)")),
    Case(
        "F05_dark_and_raw.h5",
        "--key raw",
        checks=(outcomes.hdf5("F05_dark_and_raw.h5", "raw", ["dark"], ["element_size_um"]),),
    ),
    Case("F05_nested.h5", code=2, says=("--key", "volumes/raw", "annotations/coordinates")),
    Case(
        "F05_nested.h5",
        "--key volumes/raw",
        checks=(outcomes.hdf5("F05_nested.h5", "volumes/raw", ["annotations/coordinates"]),),
    ),
    Case("F05_nested.h5", "--key volumes", code=2, says=("volumes/raw",)),
    Case("F06_two_positions.ome.tif", code=2, says=("--key", "0 'pos0' (YX 96 x 96)", "1 'pos1'")),
    Case("F06_two_positions.ome.tif", "--key 1", checks=(outcomes.series("F06_two_positions.ome.tif", 1),)),
    Case("F06_two_positions.ome.tif", "--key pos1", checks=(outcomes.series("F06_two_positions.ome.tif", 1),)),
    Case("M_cell_array.mat", code=2, says=("--key", "frames{1} (128 x 128 uint8)", "frames{2}")),
    Case("M_cell_array.mat", "--key frames{2}", checks=(outcomes.cell(2),)),
    Case("F07_jpg_and_png", code=2, says=("a.jpg", "a.png", "one name"), checks=(outcomes.exists(),)),
    Case("F07_jpg_and_png", "--overwrite", code=2, says=("a.jpg", "a.png"), checks=(outcomes.exists(),)),
    Case("F07_sub_folders/x/a.png F07_sub_folders/y/a.png", code=2, says=("one name",), checks=(outcomes.exists(),)),
    Case(
        "F07_sub_folders",
        checks=(
            outcomes.exists("x/a.png", "y/a.png"),
            denoised("F07_sub_folders/x/a.png", "x/a.png"),
            denoised("F07_sub_folders/y/a.png", "y/a.png"),
        ),
    ),
    Case("F08_two_channels_last.tif", code=2, says=("--axes",)),
    Case(
        "F08_two_channels_last.tif",
        "--axes YXC",
        says=("2 channels are denoised one by one",),
        checks=(outcomes.two_channels("F08_two_channels_last.tif"),),
    ),
    Case(
        "F10_single.ome.tif",
        checks=(denoised("F10_single.ome.tif"), outcomes.ome("F10_single.ome.tif")),
        silent=("has no",),
    ),
    Case(
        "F10_geotiff.tif",
        checks=(denoised("F10_geotiff.tif"), outcomes.tags("F10_geotiff.tif", 33550, 33922, 282, 283, 296)),
        silent=("has no",),
    ),
    Case(
        "F10_sem_vendor_tags.tif",
        checks=(
            denoised("F10_sem_vendor_tags.tif"),
            outcomes.tags("F10_sem_vendor_tags.tif", 270, 305, 306, 34682, 282, 283, 296),
        ),
        silent=("has no",),
    ),
    Case("F12_ycbcr.tif", code=2, says=("YCbCr", "convert it to RGB or grey"), checks=(outcomes.exists(),)),
    Case(
        "F11_gamma_1_0.png",
        checks=(denoised("F11_gamma_1_0.png"), outcomes.png_chunks("F11_gamma_1_0.png", "gAMA", "tEXt")),
        silent=("has no",),
    ),
    Case(
        "F13_counts_mean_0.7.tif",
        says=("--output_dtype float32",),
        checks=(outcomes.counts("F13_counts_mean_0.7.tif", "uint16", 0.8),),
    ),
    Case(
        "F13_counts_mean_0.7.tif",
        "--output_dtype float32",
        checks=(outcomes.counts("F13_counts_mean_0.7.tif", "float32", 0.5),),
        silent=("integers",),
    ),
    Case("F14_grey16.png", checks=(denoised("F14_grey16.png"),)),
    Case(
        "F15_names",
        checks=(
            outcomes.exists("Größe 細胞.png", "x[red]y.png"),
            denoised("F15_names/Größe 細胞.png"),
            denoised("F15_names/x[red]y.png"),
        ),
    ),
    Case("F15_names/x[red]y.png", checks=(denoised("F15_names/x[red]y.png"),)),
    Case("F17_icc.tif", checks=(denoised("F17_icc.tif"), outcomes.icc("F17_icc.tif"))),
    Case("M_cmyk.jpg", code=2, says=("CMYK",), checks=(outcomes.exists(),)),
    Case("M_int16.tif", checks=(denoised("M_int16.tif"),)),
    Case("M_rgba_opaque.png", checks=(outcomes.alpha("M_rgba_opaque.png"),), silent=("has no",)),
    Case("M_rgba_transparent.png", checks=(outcomes.alpha("M_rgba_transparent.png"),), silent=("has no",)),
    Case("M_nan_patch.npy", code=2, says=("--nan keep",), checks=(outcomes.exists(),)),
    Case("M_nan_patch.npy", "--nan keep", checks=(outcomes.missing("M_nan_patch.npy"),)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_outcome(case, tmp_path, capsys):
    out = tmp_path / "out"
    before = {path: path.read_bytes() for path in INPUTS.rglob("*") if path.is_file()}
    inputs = [str(INPUTS / name) for name in case.inputs.split(" ") if name]
    code = main(["denoise", *inputs, "-o", str(out), *case.options.split()])
    shown = "".join(capsys.readouterr())
    assert code == case.code, shown
    for words in case.says:
        assert words in shown
    assert not any(words in shown for words in case.silent), shown
    for check in case.checks:
        check(out)
    if case.code:
        assert not any(path.is_file() for path in out.rglob("*"))
    assert all(path.read_bytes() == content for path, content in before.items())
