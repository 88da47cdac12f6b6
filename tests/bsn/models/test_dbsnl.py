import json

import pytest
import torch

from bsn.models import DBSNl, DBSNlConfig
from tests.helpers.golden import assert_close, golden_path, load_golden, procedural_tensor


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", ["dbsnl_c12_m3_gray", "dbsnl_c8_m2"])
def test_golden(name, dtype, bound):
    golden = load_golden(f"tbsn/{name}.safetensors")
    network = DBSNl.from_official({k: v.to(dtype) for k, v in golden.weights.items()}, golden.config)
    with torch.no_grad():
        assert_close(network(golden["input"].to(dtype)), golden["output64"], bound)


def test_full_size_with_procedural_weights():
    golden = load_golden("tbsn/full_dbsnl_procedural_48.safetensors")
    keys = json.loads(golden_path("tbsn/keys_full.json").read_text())
    shapes = next(v["keys"] for k, v in keys.items() if k.lower() == "dbsnl")
    weights = {
        k: procedural_tensor(k, tuple(s), 1.0, 1.0).double() for k, s in shapes.items() if not k.endswith("mask")
    }
    network = DBSNl.from_official(weights, {})
    assert sum(p.numel() for p in network.parameters()) == 3_656_131
    with torch.no_grad():
        out = network(procedural_tensor("__input__", (1, 3, 48, 48), 1.0, 1.0).double())
    assert_close(out, golden["output64"], 1e-12)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-5), (torch.float32, 2e-5)])
def test_gradients(dtype, bound):
    golden = load_golden("tbsn/grad_dbsnl_c8_m2.safetensors")
    network = DBSNl.from_official({k: v.to(dtype) for k, v in golden.weights.items()}, golden.config)
    x = golden["input"].to(dtype).requires_grad_()
    (network(x) - x.detach()).abs().mean().backward()
    assert_close(x.grad, golden["input_grad64"], 1e-12 if dtype is torch.float64 else bound)
    for key, parameter in network.named_parameters():
        value, truth = parameter.grad.clone(), golden[f"grad.{key}"].clone()
        if key.endswith("body.0.weight") and value.shape[-1] in (3, 5) and key.split(".", 1)[1] == "body.0.weight":
            centre = value.shape[-1] // 2
            value[..., centre, centre] = truth[..., centre, centre] = 0  # the published mask is not in the graph
        assert_close(value, truth, bound, key)


def test_wrong_configurations_are_refused():
    with pytest.raises(ValueError, match="width 7 cannot be halved"):
        DBSNlConfig(width=7)
    with pytest.raises(ValueError, match="in_ch 3 and out_ch 1 differ"):
        DBSNl.from_official({}, {"in_ch": 3, "out_ch": 1})
