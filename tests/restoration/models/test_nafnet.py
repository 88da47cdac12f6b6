"""NAFNet against the equations of its paper, written down literally, and the published sizes."""

import math

import pytest
import torch
import torch.nn.functional as F

from bsn.inference import Denoiser
from restoration.models import NAFNet, NAFNetConfig
from restoration.models.nafnet import blocks
from restoration.models.nafnet.official import our_key
from restoration.models.nafnet.pooling import local_mean
from tests.helpers.golden import assert_close
from tests.helpers.networks import randomise

SMALL = {"img_channel": 3, "width": 4, "middle_blk_num": 1, "enc_blk_nums": [1, 2], "dec_blk_nums": [2, 1]}


def literal_norm(x, weights, name):
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    normal = (x - mean) / (variance + 1e-6).sqrt()
    return normal * weights[f"{name}.weight"].view(1, -1, 1, 1) + weights[f"{name}.bias"].view(1, -1, 1, 1)


def conv(x, weights, name, **options):
    return F.conv2d(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"), **options)


def gate(x):
    half = x.shape[1] // 2
    return x[:, :half] * x[:, half:]


def literal_block(x, weights, prefix):
    def w(name):
        return f"{prefix}.{name}"

    y = conv(literal_norm(x, weights, w("norm1")), weights, w("conv1"))
    y = gate(conv(y, weights, w("conv2"), padding=1, groups=y.shape[1]))
    y = y * conv(y.mean((2, 3), keepdim=True), weights, w("sca.1"))
    x = x + conv(y, weights, w("conv3")) * weights[w("beta")]
    y = gate(conv(literal_norm(x, weights, w("norm2")), weights, w("conv4")))
    return x + conv(y, weights, w("conv5")) * weights[w("gamma")]


def literal_network(image, weights, config):
    """The published order of computation, with the published names."""
    x, skips = conv(image, weights, "intro", padding=1), []
    for level, count in enumerate(config["enc_blk_nums"]):
        for block in range(count):
            x = literal_block(x, weights, f"encoders.{level}.{block}")
        skips.append(x)
        x = conv(x, weights, f"downs.{level}", stride=2)
    for block in range(config["middle_blk_num"]):
        x = literal_block(x, weights, f"middle_blks.{block}")
    for level, count in enumerate(config["dec_blk_nums"]):
        x = F.pixel_shuffle(conv(x, weights, f"ups.{level}.0"), 2) + skips[-1 - level]
        for block in range(count):
            x = literal_block(x, weights, f"decoders.{level}.{block}")
    return image + conv(x, weights, "ending", padding=1)


class OfficialWeights(dict):
    """Random tensors under the published names and shapes."""

    def __init__(self, config):
        super().__init__()
        self.generator = torch.Generator().manual_seed(3)
        c, channels = config["width"], config["img_channel"]
        self.layer("intro", c, channels, 3, 3)
        for level, count in enumerate(config["enc_blk_nums"]):
            self.stage(f"encoders.{level}", count, c)
            self.layer(f"downs.{level}", 2 * c, c, 2, 2)
            c *= 2
        self.stage("middle_blks", config["middle_blk_num"], c)
        for level, count in enumerate(config["dec_blk_nums"]):
            self.layer(f"ups.{level}.0", 2 * c, c, 1, 1, bias=False)
            c //= 2
            self.stage(f"decoders.{level}", count, c)
        self.layer("ending", channels, c, 3, 3)

    def random(self, *shape):
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def layer(self, name, *shape, bias=True):
        self[f"{name}.weight"] = self.random(*shape) / max(1, math.prod(shape[1:])) ** 0.5
        if bias:
            self[f"{name}.bias"] = 0.1 * self.random(shape[0])

    def stage(self, name, count, c):
        for number in range(count):
            for key, shape in {
                "conv1": (2 * c, c, 1, 1),
                "conv2": (2 * c, 1, 3, 3),
                "conv3": (c, c, 1, 1),
                "sca.1": (c, c, 1, 1),
                "conv4": (2 * c, c, 1, 1),
                "conv5": (c, c, 1, 1),
                "norm1": (c,),
                "norm2": (c,),
            }.items():
                self.layer(f"{name}.{number}.{key}", *shape)
            for key in ("beta", "gamma"):
                self[f"{name}.{number}.{key}"] = self.random(1, c, 1, 1)


@pytest.mark.parametrize("config", [SMALL, None], ids=["config given", "config from the weights"])
def test_published_weights_compute_the_equations_of_the_paper(config):
    weights = OfficialWeights(SMALL)
    image = torch.rand(2, 3, 24, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    network = NAFNet.from_official({"params": weights}, config)
    assert_close(network(image), literal_network(image, weights, SMALL), 1e-12)


@pytest.mark.parametrize(("width", "millions"), [(32, 17.1), (64, 67.9)])
def test_sizes_are_those_of_the_paper(width, millions):
    """The networks for GoPro, whose sizes the paper gives: 28 of the 36 blocks on the lowest level of the encoder."""
    with torch.device("meta"):
        network = NAFNet(NAFNetConfig(width=width, encoder=(1, 1, 1, 28), middle=1, decoder=(1, 1, 1, 1)))
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == millions


def test_foreign_weights_are_refused():
    with pytest.raises(ValueError, match=r"no tensor intro\.weight"):
        NAFNet.from_official({"conv.weight": torch.zeros(1)})
    with pytest.raises(KeyError):
        our_key("encoders.0.0.conv6.weight")
    short = OfficialWeights(SMALL)
    del short["encoders.0.0.conv1.bias"]
    with pytest.raises(ValueError, match=r"encoder\.0\.0\.expand\.bias"):
        NAFNet.from_official(short)


def small_network(**options):
    torch.manual_seed(0)
    config = NAFNetConfig(width=4, encoder=(1, 1), middle=1, decoder=(1, 1), **options)
    return randomise(NAFNet(config)).eval()


def test_strips_equal_the_whole_image(monkeypatch):
    network, image = small_network().double(), torch.rand(1, 3, 53, 37, dtype=torch.float64)
    whole = network(image)
    monkeypatch.setattr(blocks, "STRIP_PIXELS", 100)
    with torch.no_grad():
        assert_close(network(image), whole, 1e-12)


@pytest.mark.parametrize(("window", "size"), [(5, (9, 12)), (4, (7, 4)), (30, (8, 6))])
def test_local_means_are_those_of_windows_moved_inside(window, size):
    x = torch.rand(1, 2, *size, dtype=torch.float64)
    found = local_mean(x, window)
    spans = [min(window, side) for side in size]
    for row in range(size[0]):
        for column in range(size[1]):
            top, left = (
                min(max(place - (window - 1) // 2, 0), side - span)
                for place, side, span in zip((row, column), size, spans, strict=True)
            )
            expected = x[..., top : top + spans[0], left : left + spans[1]].mean((-2, -1))
            assert_close(found[..., row, column], expected, 1e-12)


def test_local_pooling_equals_global_pooling_where_the_window_holds_the_image():
    network, local = small_network(), small_network(pooling="local", window=64)
    local.load_state_dict(network.state_dict())
    image = torch.rand(1, 3, 40, 64)
    assert_close(local(image), network(image), 1e-5)


def test_a_pixel_outside_the_window_does_not_reach_the_mean():
    x = torch.rand(1, 1, 8, 32)
    other = x.clone()
    other[..., 31] += 1
    near, far = local_mean(x, 8), local_mean(other, 8)
    assert torch.equal(near[..., :20], far[..., :20])
    assert not torch.allclose(near[..., 28:], far[..., 28:])


def test_the_whole_image_is_exact_in_the_denoiser_too(monkeypatch):
    """Without tiles the memory is bounded by strips, and the statistics are those of the whole image."""
    network, image = small_network(), torch.rand(3, 96, 80).numpy()
    whole = Denoiser(network, device="cpu", tile=0)(image, "CYX")
    monkeypatch.setattr(blocks, "STRIP_PIXELS", 512)
    assert abs(Denoiser(network, device="cpu", tile=0)(image, "CYX") - whole).max() < 1e-5
