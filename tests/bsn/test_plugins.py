"""Files of users that have the names of our packages: they hide those packages, and nothing else."""

import pytest

from tests.helpers.fresh import run_fresh

CODE = """
import warnings
import bsn
from bsn.cli.main import _overview
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    from bsn.models import create, presets
    from bsn.models.bundled import load_bundled
    print(*(str(one.message) for one in said), sep="\\n")
    create("phase-unet-tiny", channels=1)
    load_bundled()
    print(*(str(one.message) for one in said), sep="\\n")
print("drt" in presets(), "light" in presets())
print(_overview())
"""


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("raises", "restoration"),
        ("foreign", "distill"),
        ("package", "restoration"),
        ("folder", "distill"),
        ("folder", "restoration"),
    ],
)
def test_one_line_names_the_file_that_hides_a_package(tmp_path, name, form):
    if form == "folder":
        place = tmp_path / name
        place.mkdir()
    elif form == "package":
        (tmp_path / name).mkdir()
        place = tmp_path / name / "__init__.py"
        place.write_text("COMMAND = 1")
    else:
        place = tmp_path / f"{name}.py"
        place.write_text("raise SystemExit(3)" if form == "raises" else "x = 1")
    done = run_fresh(CODE, folder=tmp_path, path=[tmp_path])
    assert done.returncode == 0, done.stderr
    if form == "folder" and str(place) not in done.stdout:
        assert "True True" in done.stdout  # a real package elsewhere on the path comes before a bare folder
        return
    hidden = [line for line in done.stdout.splitlines() if line.startswith(f"{place} hides the package '{name}'")]
    assert len(set(hidden)) == 1, done.stdout
    overview = done.stdout[done.stdout.index("usage:") :]
    assert overview.count(f"{place} hides") == 1  # though the package may bring several commands
    assert ("False True" if name == "restoration" else "True False") in done.stdout
    assert "denoise images with a trained model" in done.stdout
