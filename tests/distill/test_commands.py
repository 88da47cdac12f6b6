"""``bsn distill``, ``bsn distill report``, ``bsn export``: the main road, and one line for everything that is wrong."""

import json

import numpy as np
import pytest
import torch

import bsn
from bsn.data import Image, read_image, write_image
from bsn.models import Model, create
from tests.helpers.command_line import complaint, run
from tests.helpers.networks import small

FAST = ["--steps", "2", "--crop", "16", "--batch_size", "2", "--warmup_steps", "1", "--precision", "32-true"]
FAST += ["--accelerator", "cpu", "--student", "tiny"]


@pytest.fixture
def student_file(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "student.safetensors"
    Model(small("tiny", channels=1).merged().eval()).save(path)
    return path


def test_distil_then_report_then_export(tmp_path, capsys, noisy_folder, teacher_file):
    words = ["distill", "--teacher", teacher_file, "--images", noisy_folder, "-o", tmp_path / "student", *FAST]
    code, out, err = run(capsys, *words)
    assert code == 0, err
    assert "student/final.safetensors" in out
    assert "sees the pixel" not in err
    assert (tmp_path / "student.cache.h5").is_file()

    words = ["report", "--teacher", teacher_file, "--students", tmp_path / "student", "--noisy", noisy_folder]
    code, _, err = run(capsys, "distill", *words, "--clean", noisy_folder, "--repeats", "1", "-o", tmp_path / "report")
    assert code == 0, err
    found = json.loads((tmp_path / "report" / "report.json").read_text())
    teacher, student = found["rows"]
    assert found["images"] == 5
    assert student["db_lost"] == pytest.approx(teacher["psnr"] - student["psnr"])
    assert student["parameters"] == sum(v.numel() for v in create("tiny", channels=1, merged=True).parameters())
    assert 4 * student["parameters"] < student["file_bytes"] < 4.2 * student["parameters"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("data:image/png;base64") == 4
    assert "rgb8" in page

    code, out, err = run(
        capsys, "export", tmp_path / "student", "-o", tmp_path / "s.safetensors", "--format", "safetensors", "--half"
    )
    assert code == 0, err
    assert run(capsys, "denoise", noisy_folder, "--model", tmp_path / "s.safetensors", "-o", tmp_path / "clean")[0] == 0
    assert len(list((tmp_path / "clean").iterdir())) == 5


def test_a_report_without_clean_images_looks_at_the_residual(
    tmp_path, capsys, noisy_folder, teacher_file, student_file
):
    words = ["--teacher", teacher_file, "--students", student_file, "--noisy", noisy_folder, "--repeats", "1"]
    assert run(capsys, "distill", "report", *words, "-o", tmp_path / "report")[0] == 0
    rows = json.loads((tmp_path / "report" / "report.json").read_text())["rows"]
    assert "psnr" not in rows[0]
    assert rows[0]["db_to_teacher"] == float("inf")
    left = []
    for path in sorted(noisy_folder.iterdir()):
        noisy = read_image(path).pixels.astype(np.float32) / 255
        left.append(np.std(noisy - bsn.denoise(noisy, Model.load(student_file))))
    assert min(left) > 0.01
    assert rows[1]["residual_std"] == pytest.approx(np.mean(left), rel=1e-3)


def test_a_teacher_that_sees_the_pixel_is_noted(tmp_path, capsys, noisy_folder, student_file):
    words = ["distill", "--teacher", student_file, "--images", noisy_folder, "-o", tmp_path / "s", *FAST]
    code, _, err = run(capsys, *words)
    assert code == 0
    assert "note: this teacher sees the pixel it predicts" in err


def test_bad_input_of_distill(tmp_path, capsys, noisy_folder, teacher_file):
    def words(**changes):
        given = {"--teacher": teacher_file, "--images": noisy_folder, "-o": tmp_path / "s", **changes}
        return ["distill", *(word for pair in given.items() for word in pair), *FAST]

    assert "there is no model" in complaint(capsys, *words(**{"--teacher": tmp_path / "none"}))
    assert "did you mean tiny" in complaint(capsys, *words(), "--student", "tinny")
    colour = tmp_path / "colour"
    colour.mkdir()
    write_image(colour / "a.png", Image(np.zeros((32, 32, 3), np.uint8), "YXC"))
    assert "the teacher denoises images of 1" in complaint(capsys, *words(**{"--images": colour}))
    assert "this teacher gives none" in complaint(capsys, *words(), "--uncertainty")
    cache = tmp_path / "s.cache.h5"
    assert cache.is_file()
    assert "made with other options" in complaint(capsys, *words(), "--inference.ensemble")
    cache.write_bytes(cache.read_bytes()[:5000])
    assert "delete it and make it again" in complaint(capsys, *words())
    assert "no recipe 'fast'" in complaint(capsys, *words(), "--recipe", "fast")
    (tmp_path / "s").mkdir(exist_ok=True)
    (tmp_path / "s" / "notes.txt").write_text("mine")
    assert "is not empty" in complaint(capsys, *words())


def test_bad_input_of_report_and_export(tmp_path, capsys, noisy_folder, teacher_file, student_file):
    words = ["distill", "report", "--teacher", teacher_file, "--students", student_file, "--noisy", noisy_folder]
    words += ["-o", tmp_path / "r"]
    assert "give one stride" in complaint(capsys, *words, "--inference.strides", "[1, 2]")
    assert "no protocol 'best'" in complaint(capsys, *words, "--protocol", "best")

    export = ["export", student_file, "-o", tmp_path / "s.onnx"]
    assert "distil it into a student first" in complaint(capsys, "export", teacher_file, "-o", tmp_path / "t.onnx")
    assert "give --calibrate" in complaint(capsys, *export, "--int8")
    assert "int8 is for onnx" in complaint(capsys, *export, "--int8", "--calibrate", noisy_folder, "--format", "torch")
    assert "--half is for safetensors" in complaint(capsys, *export, "--half")
    assert "--fp16 is for onnx and web, not for torch" in complaint(capsys, *export, "--fp16", "--format", "torch")
    assert "give one of them" in complaint(capsys, *export, "--fp16", "--int8", "--calibrate", noisy_folder)
    (tmp_path / "s.card.json").write_text("mine")
    assert "s.card.json: exists already" in complaint(capsys, *export)
    assert not (tmp_path / "s.onnx").exists()
    (tmp_path / "s.onnx").write_text("mine")
    assert "exists already" in complaint(capsys, *export)
    colour = tmp_path / "a.png"
    write_image(colour, Image(np.zeros((32, 32, 3), np.uint8), "YXC"))
    line = complaint(capsys, *export, "--overwrite", "--int8", "--calibrate", colour)
    assert "a.png with 3 channels: this model denoises images of 1" in line
    assert (tmp_path / "s.onnx").read_text() == "mine"
