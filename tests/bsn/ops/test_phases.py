import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.lattice import lattice_pad_indices
from bsn.ops import merge_phases, pad_within_phases, split_phases
from tests.helpers.golden import load_golden


@given(
    n=st.integers(1, 3),
    c=st.integers(1, 4),
    h=st.integers(1, 4),
    w=st.integers(1, 4),
    d=st.integers(1, 5),
    channels_last=st.booleans(),
)
def test_split_is_strided_slicing_and_merge_its_inverse(n, c, h, w, d, channels_last):
    x = torch.rand(n, c, h * d, w * d)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    phases = split_phases(x, d)
    for i in range(n):
        for py in range(d):
            for px in range(d):
                assert torch.equal(phases[(i * d + py) * d + px], x[i, :, py::d, px::d])
    assert torch.equal(merge_phases(phases, d), x)


def test_channels_last_stays_channels_last():
    x = torch.rand(2, 8, 12, 16).to(memory_format=torch.channels_last)
    phases = split_phases(x)
    assert phases.is_contiguous(memory_format=torch.channels_last)
    assert merge_phases(phases).is_contiguous(memory_format=torch.channels_last)


def test_split_equals_the_published_pixel_shuffle():
    golden = load_golden("tbsn/pd_functions.safetensors")
    for stride in (2, 5):
        if f"tbsn.down.f{stride}" in golden.tensors:
            assert torch.equal(split_phases(golden["input"], stride), golden[f"tbsn.down.f{stride}"])


@given(length=st.integers(1, 40), extra=st.integers(0, 60), period=st.integers(1, 7))
def test_padding_stays_in_its_residue_class(length, extra, period):
    if length < period and extra:
        with pytest.raises(ValueError, match="too short"):
            lattice_pad_indices(length, length + extra, period)
        return
    indices = np.array(lattice_pad_indices(length, length + extra, period))
    positions = np.arange(length + extra)
    assert (indices[:length] == positions[:length]).all()
    assert ((indices - positions) % period == 0).all()
    assert ((indices >= 0) & (indices < length)).all()


def test_padding_with_period_two_is_reflection():
    x = torch.rand(1, 2, 7, 10)
    expected = torch.nn.functional.pad(x, (0, 2, 0, 5), mode="reflect")
    assert torch.equal(pad_within_phases(x, 12, 2), expected)


def test_padding_leaves_fitting_images_alone():
    x = torch.rand(1, 1, 8, 8)
    assert pad_within_phases(x, 4) is x


@pytest.mark.parametrize("shape", [(4, 4), (1, 2, 3, 4, 5)])
def test_wrong_rank_is_named(shape):
    with pytest.raises(ValueError, match=r"an image batch \(N, C, H, W\)"):
        split_phases(torch.zeros(shape))


def test_wrong_sizes_are_named():
    with pytest.raises(ValueError, match="7 x 8 pixels do not fit dilation 2; pad to 8 x 8"):
        split_phases(torch.zeros(1, 1, 7, 8))
    with pytest.raises(ValueError, match="6 phase images are not whole images of 4 phases"):
        merge_phases(torch.zeros(6, 1, 2, 2))
