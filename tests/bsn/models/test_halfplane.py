"""Half-plane networks: golden vectors of the published programs, holes, sizes, tiles."""

import json

import pytest
import torch

from bsn.blindness import Condition, NetworkRefusal, Subject, assert_blind, measure_halo, region_check
from bsn.hole import Hole
from bsn.models import ATBSN, TMBSN, HalfPlane, HalfPlaneConfig
from bsn.models.halfplane.bodies import DirectionalUNet
from distill.students import NBSN, NBSNConfig
from tests.helpers.golden import assert_close, golden_path, load_golden
from tests.helpers.networks import randomise

GOLDEN = {
    "atbsn_f4_1x96x96": (ATBSN, (1, 5)),
    "atbsn_f6_3x64x64": (ATBSN, (0, 1, 3, 9)),
    "tmbsn_f6_b1_1x24x24": (TMBSN, (1, 3)),
    "tmbsn_f8_b2_3x33x33": (TMBSN, (0, 1, 2, 5)),
}
DIAGONAL = {"plane": "diagonal", "hole": "pixel"}
SIZE = (9, 12)  # of images whose every pixel is checked: larger than the largest hole, odd and even
FORMS = {
    "unet": {},
    "diagonal unet": DIAGONAL,
    "residual": {"body": "residual", "groups": 1, "blocks": 1},
    "diagonal residual": {"body": "residual", "groups": 1, "blocks": 1, **DIAGONAL},
    "attention": {"attention_heads": 2, "window": 4},
    "diagonal attention": {"attention_heads": 2, "window": 4, **DIAGONAL},
    "pyramid": {"body": "pyramid", "widths": (4, 6, 8)},
    "pyramid of cells": {"body": "pyramid", "widths": (4, 6), "cell": 2},
    "diagonal pyramid of cells": {"body": "pyramid", "widths": (4, 6), "cell": 2, **DIAGONAL},
    "residual of cells": {"body": "residual", "groups": 1, "blocks": 1, "cell": 3},
}


def build(form, **options):
    torch.manual_seed(0)
    return randomise(HalfPlane(HalfPlaneConfig(**{"channels": 1, "width": 4, "levels": 2, **FORMS[form], **options})))


def holes(form):
    """All shapes and sizes for the U-Nets; the smallest and the largest for the other bodies, which move features alike."""
    if "diagonal" in form:
        return ("pixel", "diamond:3", "diamond:7") if "unet" in form else ("pixel", "diamond:7")
    return ("pixel", "square:3", "square:7", "rows:3", "columns:5") if form == "unet" else ("square:7", "rows:3")


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    cls, numbers = GOLDEN[name]
    golden = load_golden(f"halfplane/{name}.safetensors")
    network = cls.from_official({k: v.double() for k, v in golden.weights.items()}, golden.config)
    for number in numbers:
        with torch.no_grad():
            assert_close(network(golden["input"].double(), hole=number), golden[f"output64.hole{number}"], 1e-12)


def test_golden_student():
    golden = load_golden("halfplane/nbsn_atbsn_f6_3x64x32.safetensors")
    network = NBSN.from_official({k: v.double() for k, v in golden.weights.items()}, golden.config)
    with torch.no_grad():
        assert_close(network(golden["input"].double()), golden["output64"], 1e-12)


@pytest.mark.parametrize(
    ("name", "cls", "count"),
    [
        ("ATBSN", ATBSN, 1_268_547),
        ("TMBSN", TMBSN, 1_350_339),
        ("N_BSN (AT-BSN, student c)", NBSN, 1_003_011),
        ("N_BSN (TM-BSN)", NBSN, 1_021_107),
    ],
)
def test_published_sizes_load_under_the_official_keys(name, cls, count):
    shapes = json.loads(golden_path("halfplane/keys_full.json").read_text())["keys"][name]
    network = cls.from_official({key: torch.zeros(shape) for key, shape in shapes.items()}, {})
    assert sum(p.numel() for p in network.parameters()) == count
    with pytest.raises(ValueError, match="unknown key spam"):
        cls.from_official({**{key: torch.zeros(shape) for key, shape in shapes.items()}, "spam": torch.zeros(1)}, {})


@pytest.mark.parametrize("form", FORMS)
def test_every_hole_is_certified_both_ways(form):
    """The sweep over half-planes and the pixel-by-pixel certificate, which knows nothing of branches, agree."""
    network = build(form)
    for text in holes(form):
        hole = Hole.parse(text)
        swept = region_check(Subject(network, 1, Condition("sweep", SIZE)), hole)
        assert swept.complete
        assert swept.method == "half-planes"
        single = region_check(Subject(_Opaque(network, hole), 1, Condition("pixels", SIZE)), hole)
        assert single.complete
        assert single.method == "pixels"


@pytest.mark.parametrize("form", FORMS)
def test_a_larger_hole_than_the_network_has_is_not_certified(form):
    network = build(form)
    shape = "diamond" if "diagonal" in form else "square"
    # Holes of whole cells may hold more than the one asked for.
    small, large = f"{shape}:3", f"{shape}:{3 + 2 * network.config.cell}"
    check = region_check(Subject(_Opaque(network, Hole.parse(small)), 1, Condition("pixels", SIZE)), Hole.parse(large))
    assert not check.blind
    outside = ~Hole.parse(small).mask(4) & Hole.parse(large).mask(4)
    assert all(outside[leak.offset[0] + 4, leak.offset[1] + 4] for leak in check.leaks)


@pytest.mark.parametrize("plane", ["straight", "diagonal"])
def test_the_sweep_catches_broken_branches(plane):
    """Features moved one pixel too little, a pooling that does not move, and a merge that looks around."""
    form = "unet" if plane == "straight" else "diagonal unet"
    hole = Hole.parse("square:5" if plane == "straight" else "diamond:5")

    class MovedTooLittle(HalfPlane):
        def branches(self, x, hole, wanted=(0, 1, 2, 3)):
            return super().branches(x, Hole(hole.shape, hole.size - 2), wanted)

    class MergeLooksAround(HalfPlane):
        def merge(self, branches, added=None):
            merged = super().merge(branches, added)
            return merged + torch.roll(merged, 1, -1)

    for cls in (MovedTooLittle, MergeLooksAround):
        broken = randomise(cls(build(form).config))
        assert region_check(Subject(broken, 1, Condition("broken", SIZE)), hole).leaks
    unmoved = build(form)
    unmoved.body.__class__ = _UnmovedPooling
    assert region_check(Subject(unmoved, 1, Condition("broken", SIZE)), hole).leaks


class _UnmovedPooling(DirectionalUNet):
    """Pools cells of 2 x 2 pixels without moving the features first."""

    def forward(self, x):
        skips, features = [x], self.intro(x)
        for level in range(len(self.decoders)):
            features = torch.nn.functional.max_pool2d(self.encoders[level](features), 2)
            skips.append(features)
        features = self.encoders[-1](features)
        for level in reversed(range(len(self.decoders))):
            features = torch.nn.functional.interpolate(features, scale_factor=2)
            features = self.decoders[level](torch.cat([features, skips[level]], 1))
        return features


class _Opaque(torch.nn.Module):
    """A network with one hole, as a stranger would hand it over."""

    def __init__(self, network, hole):
        super().__init__()
        self.inner, self._shape = network, hole

    def forward(self, x):
        return self.inner(x, self._shape)


def test_the_verifier_states_the_hole_and_refuses_impossible_ones():
    network = build("unet", hole="square:5")
    verdict = assert_blind(network, size=(10, 9))
    assert verdict.hole == "square:5"
    assert "every offset of the hole square:5" in verdict.headline
    assert assert_blind(network, size=(10, 9), hole="rows:3").hole == "rows:3"
    with pytest.raises(NetworkRefusal, match="straight half-planes cannot open the hole diamond:3"):
        assert_blind(network, size=(10, 9), hole="diamond:3")
    with pytest.raises(AssertionError, match="sees its hole square:7"):
        assert_blind(_Opaque(network, Hole.parse("square:5")), channels=1, size=(10, 9), hole="square:7")


@pytest.mark.parametrize("form", FORMS)
def test_tiles_equal_the_whole_and_the_halo_is_enough(form):
    network = build(form, levels=1).double()
    assert 0 < measure_halo(network, 1, multiple=network.size_multiple) <= network.halo
    torch.manual_seed(0)
    x = torch.rand(1, 1, 150, 40, dtype=torch.float64)
    unit, halo = network.size_multiple, network.halo
    top = -(-(halo + 8) // unit) * unit
    start = (top - halo) // unit * unit
    with torch.no_grad():
        whole, tile = network(x), network(x[..., start : top + 20 + halo, :])
    kept = slice(top - start, top - start + 20)
    torch.testing.assert_close(tile[..., kept, :], whole[..., top : top + 20, :], rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_any_size_is_the_padded_size(form):
    network = build(form)
    x = torch.rand(2, 1, 13, 6)
    unit = network.size_multiple
    padded = torch.nn.functional.pad(x, (0, -6 % unit, 0, -13 % unit))
    with torch.no_grad():
        torch.testing.assert_close(network(x), network(padded)[..., :13, :6])


def test_holes_are_read_and_drawn():
    assert Hole.parse("square:3").mask().sum() == 9
    assert Hole.parse("diamond:5").mask().sum() == 13
    assert Hole.parse("rows:3").mask(2).sum() == 15
    assert torch.equal(Hole.parse("columns:3").mask(2), Hole.parse("rows:3").mask(2).T)
    assert Hole.parse("square:9").includes(Hole.parse("diamond:9"))
    assert not Hole.parse("diamond:9").includes(Hole.parse("square:9"))
    for text in ("pixel", "none", "square:9", "diamond:5", "rows:1"):
        assert str(Hole.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("square:4", "size 4 has no middle pixel; use an odd size such as 3 or 5"),
        ("star:3", "shape 'star' does not exist; use one of none, pixel, square"),
        ("square", "'square' cannot be read; write shape and size such as square:9"),
        ("pixel:3", "'pixel' is one pixel wide, not 3; use 'square:3'"),
    ],
)
def test_bad_holes_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Hole.parse(text)


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match="diagonal half-planes cannot open the hole square:9"):
        HalfPlaneConfig(plane="diagonal")
    with pytest.raises(ValueError, match="6 features do not divide into 4 attention heads"):
        HalfPlaneConfig(width=6, attention_heads=4)
    with pytest.raises(ValueError, match="levels 0"):
        HalfPlaneConfig(levels=0)
    with pytest.raises(ValueError, match="form 'spam' is unknown"):
        NBSNConfig(form="spam")
