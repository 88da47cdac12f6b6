import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.selfsup import (
    l1_loss,
    l2_loss,
    mosaic_downsample,
    mosaic_upsample,
    pixel_shuffle_downsample,
    pixel_shuffle_upsample,
    poisson_l2_loss,
    random_replacement_refinement,
)
from tests.helpers.golden import load_golden


def test_published_downsampling_of_both_kinds():
    golden = load_golden("tbsn/pd_functions.safetensors")
    compared = 0
    for name, truth in golden.tensors.items():
        parts = name.split(".")
        if parts[:2] == ["tbsn", "down"]:
            out = pixel_shuffle_downsample(golden["input"], int(parts[2][1:]))
        elif parts[:2] == ["tbsn", "up_of_down"] or (
            parts[:2] == ["tbsn", "up"] and "output" not in parts and "input" not in parts
        ):
            stride = int(parts[-1][1:])
            out = pixel_shuffle_upsample(pixel_shuffle_downsample(golden["input"], stride), stride)
        elif parts[:2] == ["apbsn", "down"]:
            out = mosaic_downsample(golden["input"], int(parts[2][1:]), margin=int(parts[3][3:]))
        elif parts[:2] == ["apbsn", "up_of_down"]:
            stride, margin = int(parts[2][1:]), int(parts[3][3:])
            out = mosaic_upsample(mosaic_downsample(golden["input"], stride, margin=margin), stride, margin=margin)
        elif parts[:3] == ["apbsn", "up", "output"]:
            stride, margin = int(parts[3][1:]), int(parts[4][3:])
            out = mosaic_upsample(golden[f"apbsn.up.input.f{stride}.pad{margin}"], stride, margin=margin)
        else:
            continue
        assert torch.equal(out, truth), name
        compared += 1
    assert compared >= 8


@given(
    h=st.integers(6, 30),
    w=st.integers(6, 30),
    stride=st.integers(1, 6),
    margin=st.integers(0, 3),
    lattice=st.integers(1, 1),
)
def test_any_size_and_stride_is_inverted(h, w, stride, margin, lattice):
    x = torch.rand(2, 3, h, w)
    down = pixel_shuffle_downsample(x, stride)
    assert down.shape == (2 * stride**2, 3, -(-h // stride), -(-w // stride))
    assert torch.equal(pixel_shuffle_upsample(down, stride, size=(h, w)), x)
    mosaic = mosaic_downsample(x, stride, margin=margin)
    assert torch.equal(mosaic_upsample(mosaic, stride, margin=margin, size=(h, w)), x)


def test_a_mosaic_that_is_none_is_refused():
    with pytest.raises(ValueError, match="10 x 9 is not a mosaic of 2 x 2 tiles with margin 1"):
        mosaic_upsample(torch.zeros(1, 1, 10, 9), 2, margin=1)


def test_r3_is_the_mean_over_mixtures():
    noisy, first = torch.rand(2, 1, 3, 8, 8).unbind()
    draws = torch.rand(4, 1, 3, 8, 8)
    seen = []

    def network(x):
        seen.append(x)
        return 2 * x

    out = random_replacement_refinement(network, noisy, first, passes=4, probability=0.3, uniforms=draws)
    expected = [torch.where(u < 0.3, noisy, first) for u in draws]
    assert all(torch.equal(a, b) for a, b in zip(seen, expected, strict=True))
    assert torch.allclose(out, 2 * torch.stack(expected).mean(0))


def test_r3_draws_from_the_given_generator_only():
    noisy, first = torch.rand(2, 1, 1, 8, 8).unbind()
    state = torch.get_rng_state()
    runs = [
        random_replacement_refinement(lambda x: x, noisy, first, generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_r3_without_replacement_is_a_second_pass():
    noisy, first = torch.rand(2, 1, 1, 8, 8).unbind()
    out = random_replacement_refinement(lambda x: x.square(), noisy, first, passes=1, probability=0)
    assert torch.equal(out, first.square())
    with pytest.raises(ValueError, match="at least 1 pass and a probability"):
        random_replacement_refinement(lambda x: x, noisy, first, passes=0)


def test_losses_per_sample():
    prediction, target = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 3.0]])
    prediction, target = (t.reshape(2, 1, 1, 2) for t in (prediction, target))
    assert l1_loss(prediction, target).tolist() == [1.5, 1.5]
    assert l2_loss(prediction, target).tolist() == [2.5, 4.5]
    assert poisson_l2_loss(prediction, target, floor=1.0).tolist() == pytest.approx([(1 / 2 + 4 / 3) / 2, 4.5])


def test_poisson_loss_has_its_minimum_at_the_mean():
    """Weights from the detached prediction do not bias the estimate: the gradient is zero at the mean, not below."""
    target = torch.distributions.Poisson(4.0).sample((1, 1, 1000, 100)) / 4
    prediction = target.mean().reshape(1, 1, 1, 1).clone().requires_grad_()
    poisson_l2_loss(prediction.expand_as(target), target).sum().backward()
    assert abs(prediction.grad.item()) < 1e-5
