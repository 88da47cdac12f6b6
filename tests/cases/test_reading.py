"""Every command that reads images reads them alike: ``--axes``, ``--key``, ``--nan`` and ``--range``, one row per command."""

import csv
import json

import h5py
import numpy as np
import pytest
import yaml

from bsn.cli import main
from bsn.models import Model, ValueScale, create
from tests.helpers.networks import randomise

LOOP = "--steps 2 --warmup_steps 1 --accelerator cpu --validate_every 0 --precision 32-true"
PAIRS = "--degraded {noisy} --clean {clean}"

COMMANDS = {
    "train": f"train {{noisy}} -o {{out}} --model phase-unet-tiny --crop 32 --batch_size 2 {LOOP}",
    "train with truth": f"train {{noisy}} -o {{out}} --model phase-unet-tiny --crop 32 --batch_size 2 {LOOP} "
    "--validate.noisy {noisy} --validate.clean {clean}",
    "denoise": "denoise {noisy} --model {teacher} -o {out}",
    "inspect": "inspect {noisy}",
    "pack": "pack {noisy} -o {out}.h5",
    "evaluate": "evaluate --model {teacher} --noisy {noisy} --clean {clean} -o {out}",
    "evaluate results": "evaluate --result {noisy} --clean {clean} -o {out}",
    "distill": f"distill --teacher {{teacher}} --images {{noisy}} -o {{out}} --student tiny --crop 16 --batch_size 2 {LOOP}",
    "report": "distill report --teacher {teacher} --students {teacher} --noisy {noisy} --clean {clean} --repeats 1 -o {out}",
    "restore train": f"restore train {PAIRS} -o {{out}} --recipe drt-tiny --crop 28 --batch_size 2 {LOOP} "
    "--validation_images 1",
    "restore apply": "restore apply {noisy} --model {model} -o {out}",
    "restore evaluate": f"restore evaluate --models {{model}} {PAIRS} -o {{out}}",
    "restore pack": f"restore pack {PAIRS} -o {{out}}.h5",
    "restore search": f"restore search {PAIRS} -o {{out}} --widths=[16,16] --modules=[1,1] --crop 16 --backgrounds 1 "
    f"--group_size 1 {LOOP}",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A blind teacher and a restoration network for grey images, untrained."""
    folder = tmp_path_factory.mktemp("models")
    teacher = randomise(create("dbsnl", channels=1, width=8, modules=1), spread=2).eval()
    Model(teacher, ValueScale(0.4, 0.1)).save(folder / "teacher.safetensors")
    restoring = create("drt-tiny", channels=1).eval()
    Model(restoring, provenance={"training_pairs": 1}).save(folder / "model.safetensors")
    return {"teacher": folder / "teacher.safetensors", "model": folder / "model.safetensors"}


def scene(count=4, size=(72, 80)):
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[0], : size[1]] / size[0]
    clean = [0.45 + 0.2 * np.sin(5 * rows + k) * np.cos(4 * columns) for k in range(count)]
    return [image + rng.normal(0, 0.08, size) for image in clean], clean


def write(folder, save, values):
    folder.mkdir()
    for index, image in enumerate(values):
        save(folder / str(index), image)


def call(name, tmp_path, models, *more):
    places = {**models, "noisy": tmp_path / "noisy", "clean": tmp_path / "clean", "out": tmp_path / "out"}
    return main([word.format(**places) for word in (*COMMANDS[name].split(), *more)])


@pytest.mark.parametrize("name", COMMANDS)
def test_missing_pixels_are_refused_without_the_option_and_kept_with_it(name, tmp_path, models, capsys):
    noisy, clean = scene()
    for image in (*noisy, clean[1]):
        image[20:30, 40:52] = np.nan
    for folder, values in (("noisy", noisy), ("clean", clean)):
        write(tmp_path / folder, lambda path, image: np.save(f"{path}.npy", image.astype(np.float32)), values)
    code = call(name, tmp_path, models)
    shown = "".join(capsys.readouterr())
    assert "--nan keep" in shown
    if name != "inspect":  # which says so per file
        assert code == 2
        assert not any(path.is_file() for path in tmp_path.glob("out*/**/*"))
    code = call(name, tmp_path, models, "--nan", "keep")
    shown = "".join(capsys.readouterr())
    assert code == 0 or name == "inspect", shown
    check_numbers(name, tmp_path)


def check_numbers(name, tmp_path):
    """No number of a table, a report or a training is NaN, and results are NaN where the inputs are."""
    out = tmp_path / "out"
    if (out / "metrics.csv").exists():
        rows = list(csv.DictReader((out / "metrics.csv").open()))
        assert rows
        assert all(np.isfinite(float(value)) for row in rows for value in row.values() if value)
        assert yaml.safe_load((out / "config.yaml").read_text())["nan"] == "keep"
    for path in [*out.glob("scores.json"), *out.glob("report.json")]:
        assert "NaN" not in path.read_text()
        assert "psnr" in path.read_text()
    if name in ("denoise", "restore apply"):
        for path in out.glob("*.npy"):
            np.testing.assert_array_equal(np.isnan(np.load(path)), np.isnan(np.load(tmp_path / "noisy" / path.name)))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_range_and_a_key_mean_the_same_everywhere(name, tmp_path, models, capsys):
    """12 bits in 16, one of two data sets of each file; the key is not asked of the pictures that hold the truth."""
    noisy, clean = scene()

    def hdf5(path, image):
        with h5py.File(f"{path}.h5", "w") as file:
            file["dark"] = np.zeros(image.shape, np.uint16)
            file["raw"] = np.uint16(np.clip(4095 * image, 0, 4095))

    write(tmp_path / "noisy", hdf5, noisy)
    write(tmp_path / "clean", lambda path, image: np.save(f"{path}.npy", np.uint16(4095 * image)), clean)
    code = call(name, tmp_path, models)
    assert code == 2 or name == "inspect"
    assert "--key" in "".join(capsys.readouterr())
    options = ["--key", "raw", "--axes", "YX", "--range", "0", "4095"]
    code = call(name, tmp_path, models, *options)
    shown = "".join(capsys.readouterr())
    assert code == 0 or name == "inspect", shown
    assert not [line for line in shown.splitlines() if "--range" in line and "next:" not in line]
    out = tmp_path / "out"
    if (out / "config.yaml").exists():
        settings = yaml.safe_load((out / "config.yaml").read_text())
        assert (settings["key"], settings["axes"], settings["range"]) == ("raw", "YX", [0.0, 4095.0])
        values = Model.load(out).training_values if (out / "final.safetensors").exists() else None
        assert values is None or values.mean == pytest.approx(0.45, abs=0.05)
    if name == "evaluate results":
        found = [row["psnr"] for row in json.loads((out / "scores.json").read_text())["rows"]]
        assert found == pytest.approx([-20 * np.log10(0.08)] * 4, abs=0.4)
