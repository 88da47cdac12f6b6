"""Muon against torch's own, against AdamW, and against the singular value decomposition."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bsn.engine.optimizers import Muon, make_optimizer, orthogonalise
from bsn.models import create


def optimizer_for(module, name="muon", learning_rate=0.01, weight_decay=0.0):
    settings = SimpleNamespace(
        optimizer=name, learning_rate=learning_rate, betas=(0.9, 0.99), weight_decay=weight_decay
    )
    return make_optimizer(settings, [module])


def gradients_for(module, seed):
    generator = torch.Generator().manual_seed(seed)
    for p in module.parameters():
        p.grad = torch.randn(p.shape, generator=generator, dtype=p.dtype)


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (24, 24)])
def test_singular_values_come_near_one_and_singular_vectors_stay(shape):
    torch.manual_seed(0)
    u, values, v = torch.linalg.svd(torch.randn(3, *shape, dtype=torch.float64), full_matrices=False)
    values = torch.logspace(-1, 1, min(shape), dtype=torch.float64)  # few directions much stronger than the others
    matrices = u @ torch.diag(values) @ v
    result = orthogonalise(matrices)
    in_that_basis = u.mT @ result @ v.mT
    new_values = torch.diagonal(in_that_basis, dim1=1, dim2=2)
    assert new_values.min() > 0.67
    assert new_values.max() < 1.21
    torch.testing.assert_close(in_that_basis, torch.diag_embed(new_values), atol=1e-9, rtol=0)
    torch.testing.assert_close(orthogonalise(matrices.float()), result.float(), atol=1e-3, rtol=0)


def test_zeros_stay_zeros():
    assert (orthogonalise(torch.zeros(1, 4, 6)) == 0).all()


def test_linear_layers_move_as_with_torchs_muon():
    ours = nn.Linear(30, 10, bias=False)
    theirs = copy.deepcopy(ours)
    optimizer = Muon([ours.weight], lr=0.01, weight_decay=0.1)
    reference = torch.optim.Muon([theirs.weight], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    start = ours.weight.detach().clone()
    for step in range(4):
        gradients_for(ours, step)
        gradients_for(theirs, step)
        optimizer.step()
        reference.step()
    # torch iterates in bfloat16
    moved = (ours.weight - start).norm()
    assert moved > 0.05
    assert (ours.weight - theirs.weight).norm() < 0.02 * moved


def test_a_kernel_is_the_matrix_of_its_outputs():
    kernel = nn.Conv2d(3, 8, 5, bias=False)
    matrix = nn.Linear(75, 8, bias=False)
    matrix.weight.data.copy_(kernel.weight.reshape(8, 75))
    pair = [Muon([kernel.weight]), Muon([matrix.weight])]
    gradients_for(kernel, 0)
    matrix.weight.grad = kernel.weight.grad.reshape(8, 75)
    for optimizer in pair:
        optimizer.step()
    torch.testing.assert_close(kernel.weight.reshape(8, 75), matrix.weight)


def test_all_that_maps_no_channels_to_channels_moves_as_with_adamw():
    module = nn.Sequential(nn.Conv2d(6, 6, 3, groups=6), nn.Conv2d(6, 1, 1), nn.BatchNorm2d(1))
    reference = copy.deepcopy(module)
    pair = [optimizer_for(module, weight_decay=0.1), optimizer_for(reference, "adamw", weight_decay=0.1)]
    for step in range(5):
        gradients_for(module, step)
        gradients_for(reference, step)
        for optimizer in pair:
            optimizer.step()
    for ours, theirs in zip(module.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_every_kernel_of_a_blind_network_is_a_matrix_and_no_table_is():
    network = create("tbsn-small", channels=3)
    optimizer = optimizer_for(network)
    matrices, others = ({id(p) for p in group["params"]} for group in optimizer.param_groups)
    names = {id(p): name for name, p in network.named_parameters()}
    assert matrices | others == set(names)
    assert not matrices & others
    assert not [names[p] for p in matrices if not names[p].endswith("weight")]
    left = {names[p] for p in others}
    assert any(name.endswith("rel_height") for name in left)
    assert any(name.endswith("temperature") for name in left)
    kernels = {name for name, p in network.named_parameters() if p.ndim == 4 and p.shape[1] > 1}
    assert kernels == {names[p] for p in matrices}


def test_masked_taps_stay_as_they_are():
    network = create("phase-unet-tiny", channels=3)
    before = network.head.weight.detach().clone()
    optimizer = optimizer_for(network)
    network(torch.rand(1, 3, 32, 32)).square().mean().backward()
    unseen = network.head.weight.grad == 0
    optimizer.step()
    moved = network.head.weight != before
    assert unseen.any()
    assert not moved[unseen].any()
    assert moved[~unseen].all()


def test_state_survives_a_checkpoint():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1))
    optimizer = optimizer_for(module)
    gradients_for(module, 0)
    optimizer.step()
    copied = copy.deepcopy(module)
    again = optimizer_for(copied)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, stepper in ((module, optimizer), (copied, again)):
        gradients_for(each, 1)
        stepper.step()
    for ours, theirs in zip(module.parameters(), copied.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_parameter_without_gradient_is_left_alone():
    module = nn.Linear(4, 4)
    before = copy.deepcopy(module.state_dict())
    optimizer_for(module, learning_rate=1.0, weight_decay=0.5).step()
    assert all(torch.equal(before[name], p) for name, p in module.state_dict().items())


def test_an_unknown_optimizer_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="there is no optimizer 'sgd'; use muon, adamw, adam"):
        optimizer_for(nn.Linear(2, 2), "sgd")
