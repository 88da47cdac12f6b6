"""The literal networks that speed is measured against give the same numbers as ours."""

import copy

import torch

from restoration.models import DDSA, DRT, ELF, ELFConfig
from tests.helpers.golden import assert_close, load_golden
from tests.helpers.literal_restoration import LiteralDDSA, LiteralDRT, literal_elf


def test_ddsa():
    golden = load_golden("ddsa/model_dim8_32x40.safetensors")
    c = golden.config
    literal = LiteralDDSA(c["dim"], c["num_blocks"], c["num_refinement_blocks"], c["heads"]).double()
    literal.load_state_dict(golden.weights)
    literal.eval()
    assert_close(literal(golden["input"].double()), golden["output64"], 1e-12)
    assert_close(DDSA.from_official(literal.state_dict(), c)(golden["input"].double()), golden["output64"], 1e-12)


def test_drt():
    golden = load_golden("drt/model_dim16_28x28.safetensors")
    c = golden.config
    literal = LiteralDRT(c["dim"], c["recursive_depth"], c["residual_depth"], c["num_heads"]).double()
    missing = literal.load_state_dict(golden.weights, strict=False)
    assert not missing.missing_keys
    assert_close(literal(golden["input"].double()), golden["output64"], 1e-6)  # its constants are float32
    assert_close(DRT.from_official(literal.state_dict(), c)(golden["input"].double()), golden["output64"], 1e-12)


def test_elf():
    torch.manual_seed(0)
    network = ELF(ELFConfig(width=8, branch_blocks=1)).double()
    x = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    exchanged = literal_elf(copy.deepcopy(network))
    assert sum(type(m).__name__.startswith("Literal") for m in exchanged.modules()) == 22
    for ours, literal in zip(network(x), exchanged(x), strict=True):
        assert_close(ours, literal, 1e-12)
