"""Students: parity with the published one, merging of branches, reach, homogeneity."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bsn.inference import Denoiser
from bsn.lattice import pad_within_phases
from bsn.mirror import mirror
from bsn.models import Model, create
from bsn.models.measure import count_parameters, macs_per_pixel
from bsn.models.published import PublishedConfigError
from distill.students import Light, LightConfig, MergedConv, UNet, UNetConfig
from tests.helpers.golden import assert_close, golden_path, load_golden, procedural_tensor, relative_error
from tests.helpers.networks import randomise, small

STUDENTS = ["unet", "base", "light", "tiny"]


def official(golden, dtype, train=False):
    weights = {key: value.to(dtype) for key, value in golden.weights.items()}
    return UNet.from_official(weights, golden.config).train(train)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", ["square", "eval_pad", "train_mode"])
def test_published_unet(name, dtype, bound):
    golden = load_golden(f"tbsn/unet_d8_{name}.safetensors")
    network = official(golden, dtype, train=name == "train_mode")
    with torch.no_grad():
        assert_close(network(golden["input"].to(dtype)), golden["output64"], bound)


def test_published_padding_is_a_reflection_to_a_square():
    golden = load_golden("tbsn/unet_d8_square.safetensors")
    network = official(golden, torch.float64)
    x = torch.rand(1, 3, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        padded = network(x)
        literal = network.train()(F.pad(x, (0, 0, 0, 32), mode="reflect"))[:, :, :64]
        assert torch.allclose(padded, literal, atol=1e-13)
        assert relative_error(network(x), literal) > 1e-3


def test_published_size():
    golden = load_golden("tbsn/full_unet_procedural_64.safetensors")
    shapes = json.loads(golden_path("tbsn/keys_full.json").read_text())["Unet"]["keys"]
    gains = float(golden.metadata["gain"]), float(golden.metadata["gain_qkv"])
    weights = {key: procedural_tensor(key, tuple(shape), *gains).double() for key, shape in shapes.items()}
    network = UNet.from_official({"module." + key: value for key, value in weights.items()})
    x = procedural_tensor("__input__", (1, 3, 64, 64), *gains).double()
    with torch.no_grad():
        assert_close(network(x), golden["output64"], 1e-12)
    assert count_parameters(network) == 1_083_747
    assert macs_per_pixel(create("unet"), 64) == pytest.approx(266_393, rel=1e-4)


def test_published_unet_refuses_what_it_does_not_know():
    weights = UNet(UNetConfig(width=8)).state_dict()
    with pytest.raises(PublishedConfigError, match="no argument 'depth'"):
        UNet.from_official(weights, {"dim": 8, "depth": 3})
    with pytest.raises(PublishedConfigError, match="in_ch 3 and out_ch 1 differ"):
        UNet.from_official(weights, {"dim": 8, "out_ch": 1})
    with pytest.raises(ValueError, match="has shape"):
        UNet.from_official(weights, {"dim": 16})


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (3, 9), (33, 40), (64, 32)])
def test_reflection_is_that_of_the_pipeline(size):
    x = torch.rand(1, 2, *size)
    height, width = (-(-side // 32) * 32 for side in size)
    assert torch.equal(mirror(x, height, width), pad_within_phases(x, 32, 1))


@pytest.mark.parametrize("channels", [(4, 4), (4, 6)])
def test_merged_convolution_is_the_sum_of_its_branches(channels):
    torch.manual_seed(0)
    conv = randomise(MergedConv(*channels).double())
    x = torch.randn(2, channels[0], 7, 9, dtype=torch.float64)
    branches = F.conv2d(x, conv.conv.weight, conv.conv.bias, padding=1) + F.conv2d(x, conv.point[:, :, None, None])
    if conv.identity is not None:
        branches = branches + conv.identity[:, None, None] * x
    assert torch.allclose(conv(x), branches, atol=1e-12)
    conv.merge()
    assert torch.allclose(conv(x), branches, atol=1e-12)
    assert count_parameters(conv) == channels[0] * channels[1] * 9 + channels[1]


def test_a_merged_student_gives_the_same_images_and_is_smaller():
    torch.manual_seed(0)
    network = randomise(small("light")).double().eval()
    merged = network.merged()
    x = torch.rand(1, 3, 40, 24, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(network(x), merged(x), atol=1e-12)
    assert count_parameters(merged) < count_parameters(network)
    assert merged.config.merged
    assert not network.config.merged


def test_without_biases_brightness_scales():
    torch.manual_seed(0)
    network = randomise(small("tiny", bias=False)).double().eval()
    x = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(network(7 * x), 7 * network(x), atol=1e-10)
    with torch.no_grad():
        biased = randomise(small("tiny")).double().eval()
        assert not torch.allclose(biased(7 * x), 7 * biased(x), atol=1e-3)


@pytest.mark.parametrize("name", ["unet", "light"])
def test_nothing_beyond_the_halo_is_seen(name):
    torch.manual_seed(0)
    network = randomise(small(name, channels=1)).double().eval()
    side = 2 * network.halo + 3 * network.size_multiple
    side -= side % network.size_multiple
    x = torch.rand(1, 1, side, network.size_multiple, dtype=torch.float64, requires_grad=True)
    row = network.halo + network.size_multiple // 2
    network(x)[0, 0, row].sum().backward()
    seen = x.grad[0, 0].abs().amax(1).nonzero()[:, 0]
    assert int(seen.min()) >= row - network.halo
    assert int(seen.max()) <= row + network.halo
    assert int(seen.max() - seen.min()) >= network.halo  # the bound is not a fiction


@pytest.mark.parametrize("name", ["unet", "tiny"])
def test_tiles_equal_the_whole_image(name):
    torch.manual_seed(0)
    model = Model(randomise(small(name, channels=1)))
    least = 2 * -(-model.network.halo // model.network.size_multiple) * model.network.size_multiple
    image = np.random.default_rng(0).random((least + 150, 70)).astype(np.float32)
    whole = Denoiser(model, tile=0, device="cpu")(image)
    tiled = Denoiser(model, tile=least + model.network.size_multiple, device="cpu")(image)
    assert np.abs(whole - tiled).max() < 1e-5


def test_students_see_the_pixel_and_say_so():
    for name in STUDENTS:
        network = small(name, channels=1).double().eval()
        assert network.lattice == 0
        x = torch.rand(1, 1, 16, 16, dtype=torch.float64, requires_grad=True)
        randomise(network)(x)[0, 0, 8, 8].backward()
        assert x.grad[0, 0, 8, 8] != 0


def test_settings_that_make_no_network():
    with pytest.raises(ValueError, match="must name the same levels"):
        LightConfig(widths=(8, 8), blocks=(1,))
    with pytest.raises(ValueError, match="start at 1"):
        Light(LightConfig(widths=(0,), blocks=(1,)))
    with pytest.raises(ValueError, match="use 'multiple' or 'square'"):
        UNetConfig(padding="zero")
