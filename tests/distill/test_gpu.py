"""On a GPU, distillation takes the steps that it takes on the CPU."""

import pytest
import torch

from distill import DistillConfig, ModelTeacher, distil
from tests.helpers.gpu import NEEDS_GPU, assert_a_gpu_takes_the_steps_of_the_cpu

pytestmark = NEEDS_GPU


@pytest.mark.parametrize("student", ["tiny", "light", "unet"])
def test_training_takes_the_steps_of_the_cpu(tmp_path, noisy_images, teacher_model, student, monkeypatch, caplog):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    teacher, config = ModelTeacher(teacher_model, device="cpu"), DistillConfig(student=student, crop=32, batch_size=2)

    def train(run, loop):
        distil(teacher, noisy_images, run, config, loop, axes="YX")

    assert_a_gpu_takes_the_steps_of_the_cpu(train, tmp_path, caplog)
