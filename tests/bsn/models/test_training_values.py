"""Images on the scale of the training pass without a word; those on another one do not."""

import dataclasses

import numpy as np
import pytest
import torch

from bsn.models import DBSNl, DBSNlConfig, Model, TrainingValues, ValueScale
from bsn.models.training_values import COMPARISON


def photograph(seed=0):
    return (0.45 + 0.15 * np.random.default_rng(seed).normal(size=(96, 96))).clip(0, 1).astype(np.float32)


EIGHT = TrainingValues.of([photograph(i) for i in range(3)], np.uint8)


def verdict(image, dtype, trained=EIGHT):
    return trained.compare(TrainingValues.of([image], dtype))


@pytest.mark.parametrize(
    ("factor", "dtype"), [(0.25, "uint8"), *((f, d) for f in (0.5, 1, 2) for d in ("uint8", "uint16", "float32"))]
)
def test_darker_and_brighter_images_pass(factor, dtype):
    assert verdict((factor * photograph(9)).clip(0, 1), dtype) is None


def test_images_beside_the_light_of_the_training_are_doubtful():
    """Trained on one exposure, a network loses the picture of another one, whatever its contrast."""
    bright = TrainingValues.of([0.5 + 0.5 * photograph(i) for i in range(3)], "uint8")
    for image in (0.3 * photograph(9), 0.05 + 0.4 * photograph(9)):
        assert "another scale" in verdict(image, "uint8", bright).why
    assert verdict(0.35 + 0.5 * photograph(9), "uint8", bright) is None


@pytest.mark.parametrize(
    ("image", "dtype"), [(np.zeros((9, 9)), "uint8"), (np.ones((9, 9)), "uint8"), (0.3 + 0 * photograph(), "float32")]
)
def test_images_without_contrast_pass(image, dtype):
    assert verdict(image, dtype) is None


def test_faint_frames_of_the_same_camera_pass():
    """Of a series that bleaches, the last frame has an eighth of the contrast of all together."""
    frames = [0.001 + 0.01 * photograph(i) / (1 + i) for i in range(8)]
    trained = TrainingValues.of(frames, "uint16")
    assert all(verdict(frame, "uint16", trained) is None for frame in frames)


@pytest.mark.parametrize(
    ("image", "dtype", "refuse", "remedy"),
    [
        (255 * photograph(9), "float32", True, "--range 0 255"),
        (65535 * photograph(9), "float64", True, "--range 0 65535"),
        (photograph(9) / 16, "uint16", False, "--range 0 4095"),
        (photograph(9) / 64, "uint16", False, "--range 0 1023"),
        (photograph(9) / 4, "uint16", False, "--range 0 16383"),
        (photograph(9) / 8, "uint8", False, "train on such images"),
    ],
)
def test_another_scale_is_seen_with_its_remedy(image, dtype, refuse, remedy):
    found = verdict(image, dtype)
    assert found.refuse is refuse
    assert remedy in found.remedy
    assert "another scale" in found.why


def test_a_stretched_copy_of_a_faint_image_is_doubtful_and_not_refused():
    faint = 0.002 + 0.006 * photograph()
    stretched = (faint - faint.min()) / (faint.max() - faint.min())
    found = verdict(stretched, "uint16", TrainingValues.of([faint], "uint16"))
    assert found is not None
    assert not found.refuse


def test_a_model_of_floats_to_255_refuses_integers():
    assert verdict(photograph(9), "uint8", TrainingValues.of([255 * photograph()], "float32")).refuse


def test_missing_pixels_and_outliers_do_not_count():
    image = photograph(9)
    image[:10], image[20, ::7] = np.nan, 1e6
    assert verdict(image, "float32") is None
    assert TrainingValues.of([np.full((4, 4), np.nan)], "float32") is None


def test_the_file_keeps_them_and_old_files_have_none(tmp_path):
    model = Model(DBSNl(DBSNlConfig(channels=1, width=8, modules=1)), training_values=EIGHT)
    model.save(tmp_path / "a.safetensors")
    assert Model.load(tmp_path / "a.safetensors").training_values == EIGHT
    dataclasses.replace(model, training_values=None).save(tmp_path / "b.safetensors")
    assert Model.load(tmp_path / "b.safetensors").training_values is None


def test_a_scale_implies_values_for_files_without_them():
    torch.manual_seed(0)
    assert TrainingValues.implied(ValueScale()) is None
    for implied in (TrainingValues.implied(ValueScale(0.45, 0.15)), TrainingValues.implied(ValueScale.eight_bit())):
        assert verdict(photograph(9), "uint8", implied) is None
        found = verdict(255 * photograph(9), "float32", implied)
        assert found is not None
        assert not found.refuse, "a guess does not forbid"
    assert COMPARISON.refused > COMPARISON.wider
