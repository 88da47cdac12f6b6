"""Losses against the published ones."""

import pytest
import torch

from restoration.losses import LossWeights, charbonnier, edge_loss, ssim, total_loss
from tests.helpers.golden import load_golden

ELF = LossWeights(charbonnier=0.3, edge=0.2, ssim=0.15, half=0.8)


def test_terms_of_elf():
    golden = load_golden("elf/losses.safetensors")
    full, half, target = (golden[key].double() for key in ("input", "input.1", "target"))
    total, terms = total_loss((full, half), target, ELF)
    names = {"charbonnier": "char_full", "charbonnier_half": "char_half", "edge": "edge_full", "edge_half": "edge_half"}
    for ours, theirs in {**names, "ssim": "ssim"}.items():
        # The published constants and windows are float32 numbers.
        assert terms[ours] == pytest.approx(float(golden[f"output64.{theirs}"]), rel=1e-6)
    # Published: minus 0.15 SSIM; ours plus 0.15 (1 - SSIM).
    assert float(total) - 0.15 == pytest.approx(float(golden["output64.total"]), rel=1e-6)


def test_equal_images():
    x = torch.rand(2, 3, 16, 16)
    assert float(charbonnier(x, x)) == pytest.approx(1e-3, rel=1e-4)
    assert float(edge_loss(x, x)) == pytest.approx(1e-3, rel=1e-4)
    assert float(ssim(x, x)) == pytest.approx(1.0, rel=1e-5)


def test_single_outputs_have_no_half_terms():
    x, y = torch.rand(2, 1, 3, 16, 16)
    _, terms = total_loss(x, y, LossWeights(l1=1.0, l2=2.0))
    assert set(terms) == {"l1", "l2"}
    total, _ = total_loss(x, y, LossWeights(l1=1.0, l2=2.0))
    assert float(total) == pytest.approx(float((x - y).abs().mean() + 2 * (x - y).square().mean()), rel=1e-5)


def test_the_weight_of_the_half_size():
    x, y = torch.rand(2, 1, 3, 16, 16)
    half = torch.nn.functional.avg_pool2d(y, 2) + 0.5
    total, terms = total_loss((x, half), y, LossWeights(l1=1.0, half=0.25))
    assert float(terms["l1_half"]) == pytest.approx(0.5, rel=1e-5)
    assert float(total) == pytest.approx(float(terms["l1"]) + 0.25 * 0.5, rel=1e-5)


def test_gradients():
    x, y = torch.rand(2, 1, 1, 12, 12, dtype=torch.float64)
    x.requires_grad_()
    for loss in (charbonnier, edge_loss, ssim):
        assert torch.autograd.gradcheck(lambda t, loss=loss: loss(t, y), x)


@pytest.mark.parametrize(("options", "message"), [({}, "all factors"), ({"l1": -1.0}, "loss.l1 -1.0 is negative")])
def test_wrong_factors(options, message):
    with pytest.raises(ValueError, match=message):
        LossWeights(**options)
