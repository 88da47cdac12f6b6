"""A larger network that begins as a smaller one gives its images, and all of it learns."""

import pytest
import torch

from bsn.models import Light, LightConfig
from tools.bundled.growing import grown

SMALL = LightConfig(widths=(4, 6), blocks=(2, 3), bias=False)


@pytest.mark.parametrize(
    ("widths", "blocks"),
    [((8, 8), (2, 3)), ((4, 6), (4, 5)), ((6, 8, 10), (3, 3, 2))],
    ids=["wider", "deeper", "one more level"],
)
def test_the_grown_network_gives_the_images_of_the_small_one(widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    small = Light(SMALL)
    large = grown(small, LightConfig(widths=widths, blocks=blocks, bias=False))
    image = torch.rand(1, 3, 24, 32)
    assert large.config.widths == widths
    torch.testing.assert_close(large(image), small(image), rtol=0, atol=1e-6)


def test_every_weight_of_a_grown_network_learns_within_a_few_steps() -> None:
    torch.manual_seed(0)
    large = grown(Light(SMALL), LightConfig(widths=(6, 8, 10), blocks=(3, 3, 2), bias=False))
    before = {name: weight.detach().clone() for name, weight in large.named_parameters()}
    optimizer = torch.optim.SGD(large.parameters(), 0.1)
    for _ in range(4):
        optimizer.zero_grad()
        (large(torch.rand(1, 3, 24, 32)) - torch.rand(1, 3, 24, 32)).square().mean().backward()
        optimizer.step()
    still = [name for name, weight in large.named_parameters() if torch.equal(weight, before[name])]
    assert not still


def test_a_network_without_room_for_the_small_one_is_refused() -> None:
    with pytest.raises(ValueError, match="have no room"):
        grown(Light(SMALL), LightConfig(widths=(4, 6), blocks=(2, 2), bias=False))
    with pytest.raises(ValueError, match="cannot begin as"):
        grown(Light(SMALL), LightConfig(channels=1, widths=(4, 6), blocks=(2, 3), bias=False))
