"""What the weights in the loss of the blind-spot task bring about."""

import numpy as np
import pytest
import torch

from bsn.data import ArraySource
from bsn.models import ValueScale
from bsn.noise import NoiseLevel, NoiseModel, posterior_nll, split_prediction
from bsn.training import BlindSpotTask, TrainConfig, build_task

SCALE = ValueScale(0.0, 1.0)


def test_learned_noise_takes_what_cannot_be_predicted_and_no_more():
    """Pure noise around a known mean: the likelihood sees only the sum of both variances, and the noise has to get it."""
    torch.manual_seed(0)
    noise = NoiseLevel(NoiseModel(0.0, 0.5**2), SCALE, darkest=0.0, learned=True)
    task = BlindSpotTask(torch.nn.Identity(), None, TrainConfig(stride=1, noise="gaussian"), SCALE, noise=noise)
    deviation = torch.nn.Parameter(torch.tensor(-2.0))
    optimizer = torch.optim.Adam([deviation, *noise.parameters()], 0.02)
    target = torch.randn(1, 1, 32, 32)
    target *= 0.3 / target.std()
    for _ in range(600):
        outputs = torch.cat([torch.zeros_like(target), deviation.expand_as(target)], 1)
        optimizer.zero_grad()
        task.loss(outputs, target, task.modules).mean().backward()
        optimizer.step()
    assert noise.model().variance ** 0.5 == pytest.approx(0.3, rel=0.02)
    assert float(split_prediction(outputs.detach(), 1).variance().mean()) < 0.1 * 0.3**2


def test_the_uncertainty_is_learned_and_leaves_the_other_layers_to_the_mean():
    x = np.mgrid[:96, :96][1] / 96
    rng = np.random.default_rng(0)
    images = [(0.5 + 0.2 * np.sin(6 * x + i) + 0.1 * rng.normal(size=x.shape)).astype(np.float32) for i in range(4)]
    config = TrainConfig(crop=32, batch_size=4, stride=1, noise="gaussian", noise_scope="image", loss="l2")
    torch.manual_seed(0)
    task = build_task(ArraySource(images, "YX"), config, 0)
    network = task.modules["network"]
    crops = task.network_crops(task.batches(0, 0, 1).pixels)
    outputs = network(crops)
    prediction = split_prediction(outputs, 1)
    of_mean = (prediction.mean - crops).square().mean()
    level = task.modules["noise"](prediction, crops)
    of_uncertainty = posterior_nll(prediction, crops, level).mean()
    parameters = dict(network.named_parameters())
    last = [name for name in parameters if name.startswith("output")]
    assert last
    whole, mean, uncertainty = (
        dict(zip(parameters, torch.autograd.grad(loss, parameters.values(), retain_graph=True), strict=True))
        for loss in (task.loss(outputs, crops, task.modules).mean(), of_mean, of_uncertainty)
    )
    inner = [name for name in parameters if name not in last]
    change, size = (
        sum(part[name].square().sum() for name in inner) ** 0.5
        for part in ({name: whole[name] - mean[name] for name in inner}, mean)
    )
    assert change < 0.01 * size
    bias = last[-1]
    assert abs(float(uncertainty[bias][1])) > 0.01, "there is something to learn"
    assert float(whole[bias][1] * uncertainty[bias][1]) > 0
    assert float(mean[bias][1]) == 0


def test_the_noise_level_outruns_the_weights():
    """At the rate of a training, 1e-3, a variance that starts at e times the truth is found in 150 steps and then held."""
    torch.manual_seed(0)
    noise = NoiseLevel(NoiseModel(0.0, np.e * 0.3**2), SCALE, darkest=0.0, learned=True)
    optimizer = torch.optim.Adam(noise.parameters(), 1e-3)
    target = torch.randn(1, 1, 32, 32)
    target *= 0.3 / target.std()
    found = []
    for _ in range(250):
        variance = noise.on_line(torch.zeros_like(target))
        optimizer.zero_grad()
        (0.5 * variance.log() + 0.5 * target.square() / variance).mean().backward()
        optimizer.step()
        found.append(noise.model().variance / 0.3**2)
    assert found[150:] == pytest.approx(np.ones(100), abs=0.04)
