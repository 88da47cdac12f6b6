import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bsn.ops import merge_phases, phase_shuffle, phase_unshuffle, split_phases
from tests.helpers import literal_ops
from tests.helpers.golden import load_golden


@pytest.mark.parametrize("name", ["op_patch_unshuffle", "op_patch_unshuffle_p2s3", "op_patch_shuffle"])
def test_golden(name):
    golden = load_golden(f"tbsn/{name}.safetensors")
    op = phase_shuffle if name == "op_patch_shuffle" else phase_unshuffle
    out = op(golden["input"], golden.config["s"], dilation=golden.config["p"])
    assert torch.equal(out, golden["output"])


@given(
    c=st.integers(1, 3), h=st.integers(1, 3), w=st.integers(1, 3), factor=st.integers(1, 3), dilation=st.integers(1, 3)
)
def test_equals_the_literal_form_and_is_inverted(c, h, w, factor, dilation):
    x = torch.rand(2, c, h * factor * dilation, w * factor * dilation)
    out = phase_unshuffle(x, factor, dilation=dilation)
    assert torch.equal(out, literal_ops.phase_unshuffle(x, factor, dilation))
    assert torch.equal(phase_shuffle(out, factor, dilation=dilation), x)
    assert torch.equal(literal_ops.phase_shuffle(out, factor, dilation), x)


@given(dilation=st.integers(2, 3), factor=st.integers(2, 3))
def test_is_an_ordinary_unshuffle_of_each_phase(dilation, factor):
    x = torch.rand(1, 2, 2 * factor * dilation, 3 * factor * dilation)
    per_phase = merge_phases(phase_unshuffle(split_phases(x, dilation), factor, dilation=1), dilation)
    assert torch.equal(phase_unshuffle(x, factor, dilation=dilation), per_phase)


def test_wrong_sizes_are_named():
    with pytest.raises(ValueError, match="6 x 8 pixels do not fit factor 2 x dilation 2; pad to 8 x 8"):
        phase_unshuffle(torch.zeros(1, 1, 6, 8))
    with pytest.raises(ValueError, match="6 channels are not a multiple of factor"):
        phase_shuffle(torch.zeros(1, 6, 4, 4))
