"""The supernet, its losses, their gradients and one step of the architecture against the published program."""

import pytest
import torch

from restoration.losses import ssim, total_variation
from restoration.manas.genotype import derive, genotype_of_indices
from restoration.manas.search.losses import (
    external_loss,
    internal_loss,
    mean_entropy,
    search_loss,
)
from restoration.manas.search.supernet import Supernet
from restoration.manas.space import Shape
from restoration.manas.space.candidates import PUBLISHED_ORDER
from restoration.models import MANAS
from tests.helpers.golden import load_golden

PUBLISHED = {"mix_input": "chained", "edge_weights": "raw"}


def golden_supernet(**options):
    golden = load_golden("manas/supernet_small.safetensors")
    content = {"state_dict": golden.weights, "arch_param": golden["arch_param"], "auto_param": golden["auto_param"]}
    return golden, Supernet.from_official(content, golden.config, **{**PUBLISHED, **options})


def assert_within(value, truth, bound):
    error = float((value.detach().double() - truth.double()).abs().max())
    assert error <= bound, f"{error:.3g} is above {bound:.3g}"


@pytest.mark.parametrize("weights", ["raw", "softmax"])
def test_output(weights):
    golden, network = golden_supernet(edge_weights=weights)
    suffix = "" if weights == "raw" else "_softmax"
    scale = 1 + float(golden[f"output64{suffix}"].abs().max())
    with torch.no_grad():
        assert_within(network(golden["input"]), golden[f"output{suffix}"], 2e-5 * scale)
        assert_within(network.double()(golden["input"].double()), golden[f"output64{suffix}"], 1e-9 * scale)


def test_intermediate_values():
    golden, network = golden_supernet()
    network.double()
    seen = {}
    body = network.body
    hooks = {
        "stage1": body.stem,
        "transition1": body.transitions[0],
        "stage2": body.cells[0][-1],
        "auto1.0": body.attention[0][0],
        "auto1.1": body.attention[0][1],
    }
    for name, module in hooks.items():
        module.register_forward_hook(lambda m, given, result, name=name: seen.__setitem__(name, result))
    with torch.no_grad():
        network(golden["input"].double())
    for name, truth in golden.group("mid64.").items():
        place, _, branch = name.rpartition(".")
        value = seen[name] if name in seen else seen[place][int(branch)]
        assert_within(value[:1], truth, 1e-9 * (1 + float(truth.abs().max())))


def test_batch_statistics():
    golden, network = golden_supernet()
    network.double().train()
    with torch.no_grad():
        output = network(golden["input"].double())
    assert_within(output, golden["output64_train"], 1e-9 * (1 + float(golden["output64_train"].abs().max())))
    ours = network.body.cells[0][0].parallel.blocks[0].bn1.running_mean
    assert_within(ours, golden["running_after64.stage2.0.horizontal.branches.0.0.bn1.running_mean"], 1e-9)


@pytest.mark.parametrize("epoch", [0, 5])
def test_losses_gradients_and_the_step_of_the_architecture(epoch):
    golden, network = golden_supernet()
    network.double()
    alpha, beta = network.architecture.alpha, network.architecture.beta
    targets = golden["target"].double().repeat_interleave(3, 0)
    loss = search_loss(network(golden["input"].double()), targets, 3, internal=float(epoch >= 5))
    truth = golden[f"loss64_weight_epoch{epoch}"]
    assert_within(loss, truth, 3e-6 * (1 + float(truth)))
    loss = loss + 0.01 * (mean_entropy(alpha) + mean_entropy(beta))
    assert_within(loss, golden[f"loss64_arch_epoch{epoch}"], 3e-6 * (1 + float(truth)))

    settings = golden.config["adam"]
    optimizer = torch.optim.Adam(
        [alpha, beta], settings["lr"], settings["betas"], weight_decay=settings["weight_decay"]
    )
    loss.backward()
    for name, parameter in (("arch", alpha), ("auto", beta)):
        gradient = golden[f"grad64_{name}_epoch{epoch}"]
        assert_within(parameter.grad, gradient, 3e-6 * float(gradient.abs().max()))
    optimizer.step()
    if epoch == 5:
        assert_within(alpha, golden["arch_after64"], 1e-8)
        assert_within(beta, golden["auto_after64"], 1e-8)


def test_none_gets_no_gradient_from_the_data_with_raw_weights():
    golden, network = golden_supernet()
    network(golden["input"]).square().mean().backward()
    gradient = network.architecture.beta.grad
    assert not gradient[:, 0].any()
    assert gradient[:, 1:].any()


def test_a_search_checkpoint_of_lists():
    golden, network = golden_supernet()
    listed = {"state_dict": golden.weights, "arch_param": [golden["arch_param"]], "auto_param": [golden["auto_param"]]}
    again = Supernet.from_official(listed, golden.config, **PUBLISHED)
    assert torch.equal(again.architecture.beta, network.architecture.beta)
    dead = {"stage3.7.fuse.fuse_layers.0.1.0.weight": torch.zeros(1)}
    Supernet.from_official({**listed, "state_dict": {**golden.weights, **dead}}, golden.config, **PUBLISHED)
    with pytest.raises(ValueError, match="arch_param is"):
        Supernet.from_official({**listed, "arch_param": torch.zeros(3, 2)}, golden.config)


LOSSES = {
    "multi_epoch0": lambda o, t: external_loss(o, t, 3, similarity=False),
    "multi_epoch5": lambda o, t: external_loss(o, t, 3, similarity=False) + internal_loss(o, 3),
    "multi_ssim_epoch4": lambda o, t: search_loss(o, t, 3, internal=0),
    "multi_ssim_epoch5": lambda o, t: search_loss(o, t, 3, internal=1),
    "multi_ssim_improved_epoch5": lambda o, t: external_loss(o, t, 3) + internal_loss(o, 3, similarity=True),
    "one2one_ssim_epoch5": lambda o, t: external_loss(o, t, 3),
    "tv_first_triple": lambda o, t: total_variation(o[:3]),
    "ssim_first": lambda o, t: ssim(o[:1], t[:1]),
    "ssim_all": ssim,
    "mse_first": lambda o, t: torch.nn.functional.mse_loss(o[:1], t[:1]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_images(name):
    golden = load_golden("manas/losses.safetensors")
    targets = golden["target"].double().repeat_interleave(3, 0)
    truth = golden[f"output64.{name}"]
    assert_within(LOSSES[name](golden["input"].double(), targets), truth, 3e-6 * (1 + float(truth)))


def test_losses_of_the_architecture():
    golden = load_golden("manas/losses.safetensors")
    alpha, beta = golden["arch_param"].double(), golden["auto_param"].double()
    zeros = torch.zeros_like(alpha), torch.zeros_like(beta)
    values = {
        "arch_reg": mean_entropy(alpha),
        "auto_reg": mean_entropy(beta),
        "arch_reg_zero_alpha": mean_entropy(zeros[0]),
        "auto_reg_zero_alpha": mean_entropy(zeros[1]),
    }
    for name, value in values.items():
        assert_within(value, golden[f"output64.{name}"], 1e-9)


def test_entropy_of_a_decided_row_is_zero_and_has_a_gradient():
    logits = torch.tensor([[400.0, -400.0]], dtype=torch.float64, requires_grad=True)
    entropy = mean_entropy(logits)
    entropy.backward()
    assert abs(entropy.item()) < 1e-10
    assert torch.isfinite(logits.grad).all()


def test_equal_results_agree():
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    assert float(internal_loss(x.repeat_interleave(3, 0), 3)) < 1e-30
    assert float(internal_loss(torch.rand(6, 3, 8, 8), 3)) > 0.1


def test_derivation():
    golden = load_golden("manas/derived_small.safetensors")
    config = golden.config
    shape = Shape(config["list_channels"], config["list_module"])
    arguments = golden["arch_param"], golden["auto_param"], shape
    shared = [[edges] * (cell + 2) for cell, edges in enumerate(config["auto_official_by_stage"])]
    assert derive(*arguments, mode="shared") == genotype_of_indices(config["arch"], shared, shape)
    per_branch = derive(*arguments)
    assert per_branch == genotype_of_indices(config["arch"], config["auto_per_branch"], shape)
    assert any("none" in branch for cell in per_branch.edges for branch in cell)
    without = derive(*arguments, exclude_none=True)
    assert not any("none" in branch for cell in without.edges for branch in cell)
    with pytest.raises(ValueError, match="do not fit the shape"):
        derive(golden["arch_param"], golden["auto_param"][:9], shape)


def test_ties_take_the_first():
    shape = Shape((16, 16), (1, 1))
    genotype = derive(torch.zeros(1, 2), torch.zeros(6, 9), shape)
    assert genotype.modules == (("parallel",),)
    assert {name for branch in genotype.edges[0] for name in branch} == {"none"}


def test_decided_logits_are_the_derived_network():
    """With large logits the mixture is its largest part: supernet and derived network give the same image."""
    torch.manual_seed(0)
    shape = Shape((16, 16, 16), (1, 2, 1))
    supernet = Supernet(shape).double().eval()
    with torch.no_grad():
        for parameter in supernet.architecture.parameters():
            parameter.copy_(1e6 * torch.randn_like(parameter))
    genotype = derive(supernet.architecture.alpha, supernet.architecture.beta, shape)
    network = MANAS(genotype).double().eval()
    state = supernet.state_dict()
    for key in network.state_dict():
        found = [k for k in state if k.replace(".parallel.", ".").replace(".fusion.blocks", ".blocks") == key]
        found += [k for k in state if k.startswith("body.cells") and k.replace(".fusion.", ".") == key]
        network.state_dict()[key].copy_(state[found[0]])
    x = torch.rand(1, 3, 13, 20, dtype=torch.float64)
    with torch.no_grad():
        assert_within(network(x), supernet(x), 1e-12)


def test_names_of_columns():
    assert len(PUBLISHED_ORDER) == load_golden("manas/losses.safetensors")["auto_param"].shape[1]
