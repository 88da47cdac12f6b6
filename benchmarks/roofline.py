"""Bytes and operations of each attention kernel, computed from shapes: what a card has to do at least.

    python -m benchmarks.roofline [--size 512] [--bytes 2]

Counts what a kernel reads from and writes to memory (each tensor once per kernel that needs it, overlapping windows once)
and its multiply-adds (2 FLOP each). ``plain`` counts the same for the operators that the reference strings together. No
time is predicted: `benchmarks.attention` divides these numbers by measured times, on a card's measured ceilings.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from benchmarks.measure import write_result


@dataclass(frozen=True)
class Work:
    """Bytes and FLOP of one call: by the kernels, and bytes by plain operators."""

    read_write: float
    flop: float
    plain: float

    @property
    def intensity(self) -> float:
        """FLOP per byte."""
        return self.flop / self.read_write


@dataclass(frozen=True)
class Shape:
    """N images of C channels and H x W pixels, elements of `size` bytes."""

    n: int
    c: int
    h: int
    w: int
    size: int = 2

    @property
    def image(self) -> float:
        """Bytes of one such tensor."""
        return float(self.n * self.c * self.h * self.w * self.size)

    @property
    def pixels(self) -> int:
        """Of all images."""
        return self.n * self.h * self.w


def layer_norm(s: Shape) -> dict[str, Work]:
    """Plain: statistics in float32 (cast, mean, centre, square and sum, scale twice, cast back)."""
    wide = s.image * 4 / s.size
    values = s.pixels * s.c
    return {
        "forward": Work(2 * s.image, 8 * values, 2 * s.image + 9 * wide),
        "backward": Work(3 * s.image, 16 * values, 3 * s.image + 22 * wide),
        "sum and norm forward": Work(4 * s.image, 9 * values, 5 * s.image + 9 * wide),
        "sum and norm backward": Work(4 * s.image, 17 * values, 6 * s.image + 22 * wide),
    }


def window_attention(s: Shape, heads: int, window: int, key_window: int, tables: bool) -> dict[str, Work]:
    """Plain: patches of keys and values written out, logits (content, position, sum, softmax in float32, weights)."""
    queries, keys, d = window**2, key_window**2, s.c // heads
    windows = s.pixels / queries * heads
    pairs = windows * queries * keys
    statistics = s.pixels * heads * 4
    position = 2 * queries * 2 * (2 * key_window - 1) * d if tables else 0
    seen = (2 * -(-(key_window - window) // (2 * window)) + 1) ** 2  # windows that may see a tile of keys
    unfolded = s.image * keys / queries
    tile = seen * windows * (4 * 2 * queries * queries * d + position)
    return {
        "forward": Work(
            4 * s.image + statistics,
            4 * pairs * d + windows * position,
            2 * (s.image + 2 * unfolded) + 2 * s.image + pairs * (s.size * (6 if tables else 2) + 8),
        ),
        "backward": Work(
            12 * s.image + 5 * statistics,
            6 * pairs * d + windows * 3 * position + tile,
            5 * (s.image + 2 * unfolded) + 4 * s.image + pairs * (s.size * (8 if tables else 4) + 12),
        ),
    }


def channel_attention(s: Shape, heads: int) -> dict[str, Work]:
    """Plain: the Gram product and both norms each read their images, the norms through squares in float32."""
    group, wide = s.c // heads, s.image * 4 / s.size
    product = 2 * s.pixels * s.c * group
    return {
        "Gram forward": Work(2 * s.image, product + 4 * s.pixels * s.c, 4 * s.image + 6 * wide),
        "Gram backward": Work(6 * s.image, 2 * product + 4 * s.pixels * s.c, 8 * s.image + 8 * wide),
        "apply forward": Work(2 * s.image, product, 2 * s.image),
        "apply backward": Work(4 * s.image, 2 * product, 4 * s.image),
    }


def gated_depthwise(s: Shape) -> dict[str, Work]:
    """`s` is the result, of the hidden width; the input has twice its channels.

    Plain forward: depth-wise 3x3 (reads 2, writes 2), activation (1, 1), product (2, 1). Plain backward: product (4, 2),
    activation (2, 1), both halves put together (2, 2), the convolution's gradients of input (2, 2) and of weight (4, 0).
    The kernels' backward: gate (reads the input's 2 and 1, writes 2), input (2, 2); they keep the input, plain operators
    also both halves and the activation.
    """
    values = s.pixels * s.c
    convolutions = 2 * 2 * 9 * values
    return {
        "forward": Work(3 * s.image, convolutions + 10 * values, 9 * s.image),
        "backward": Work(9 * s.image, 3 * convolutions + 25 * values, 21 * s.image),
    }


def block_of_channel_attention() -> dict[str, float]:
    """Images of C channels moved by one block, projection to projection: what fusing the depth-wise 3x3 would save.

    1x1 to 3 C: reads 1, writes 3. Depth-wise: reads 3, writes 3. Gram: reads 2. Apply and projection: reads 1, writes 1.
    """
    apart = 4.0 + 6.0 + 2.0 + 2.0
    return {"apart": apart, "depth-wise alone in a kernel of ours": apart, "depth-wise inside the Gram": apart - 4.0}


def gated_feed_forward() -> dict[str, float]:
    """Images of the hidden width h moved between the projections of a gated feed-forward network, see `gated_depthwise`."""
    works = gated_depthwise(Shape(1, 1, 1, 1, 1))
    return {
        "forward: depth-wise, activation, product": works["forward"].plain,
        "forward: one kernel": works["forward"].read_write,
        "backward: operators": works["backward"].plain,
        "backward: two kernels": works["backward"].read_write,
    }


def networks(size: int, element: int) -> dict[str, dict[str, Work]]:
    """The operators at the shapes of the full-size networks for one image of size x size."""
    half = size // 2
    fine, wide = Shape(4, 48, half, half, element), Shape(4, 96, half, half, element)
    inner = Shape(4, 32, half, half, element)
    drt = Shape(1, 96, -(-size // 7) * 7, -(-size // 7) * 7, element)
    return {
        "layer norm, TBSN 48 channels": layer_norm(fine),
        "layer norm, TBSN 96 channels": layer_norm(wide),
        "window attention, TBSN 4/6, 2 heads of 16": window_attention(inner, 2, 4, 6, True),
        "window attention, DRT 7/7, 2 heads of 48": window_attention(drt, 2, 7, 7, False),
        "channel attention, TBSN 96 channels, 1 group of 96": channel_attention(wide, 1),
        "channel attention, DDSA 48 channels, 4 groups of 12": channel_attention(Shape(1, 48, size, size, element), 4),
        "gated depth-wise, ELF 2 x 127 channels": gated_depthwise(Shape(1, 127, half, half, element)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--bytes", type=int, default=2)
    options = parser.parse_args()
    rows = {}
    print(f"{options.size} x {options.size} pixels, {options.bytes} bytes a value")
    for operator, works in networks(options.size, options.bytes).items():
        print(operator)
        for step, work in works.items():
            ratio = work.plain / work.read_write
            print(
                f"  {step:<22} {work.read_write / 1e6:8.1f} MB  {work.flop / 1e9:7.2f} GFLOP  "
                f"{work.intensity:6.1f} FLOP/B  plain {work.plain / 1e6:8.1f} MB ({ratio:.1f} x)"
            )
            rows[f"{operator}: {step}"] = {"bytes": work.read_write, "flop": work.flop, "plain_bytes": work.plain}
    blocks = {
        "block of channel attention, images of C channels moved": block_of_channel_attention(),
        "gated feed-forward network, images of the hidden width moved": gated_feed_forward(),
    }
    for title, forms in blocks.items():
        print(title)
        for form, images in forms.items():
            print(f"  {form:<44} {images:4.0f}")
    print(
        write_result(
            "roofline", {"size": options.size, "bytes_per_value": options.bytes, "work": rows, "blocks": blocks}
        )
    )


if __name__ == "__main__":
    main()
