"""On a GPU, training takes the steps that it takes on the CPU."""

import pytest
import torch

from restoration.config import RestoreConfig
from restoration.run import PairData, train
from tests.helpers.gpu import NEEDS_GPU, assert_a_gpu_takes_the_steps_of_the_cpu

pytestmark = NEEDS_GPU


@pytest.mark.parametrize("model", ["drt-tiny", "ddsa-tiny", "elf-tiny", "manas-tiny"])
def test_training_takes_the_steps_of_the_cpu(pairs, tmp_path, model, monkeypatch, caplog):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    data = PairData([str(pairs / "rainy")], [str(pairs / "clean")])
    config = RestoreConfig(model, crop=28, batch_size=2, validation_images=0)
    assert_a_gpu_takes_the_steps_of_the_cpu(lambda run, loop: train(data, run, config, loop), tmp_path, caplog)
