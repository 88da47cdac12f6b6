import pytest
import torch
import torch.nn.functional as F
from einops import rearrange
from hypothesis import given, settings
from hypothesis import strategies as st

from bsn.ops import dilated_window_attention, legal_overlaps, window_attention
from bsn.ops.backend import BackendError
from bsn.ops.dilated_window_attention import check_dilated_window
from tests.helpers import literal_ops
from tests.helpers.golden import assert_close, load_golden
from tests.helpers.gradients import assert_same_gradients

LEGAL = [(w, w + 2 * halo, d) for d in (1, 2, 3) for w in range(d, 9, d) for halo in range(0, w // 2 + 1, d)]


def operands(n, heads, d, h, w, key_window):
    generator = torch.Generator().manual_seed(n * h + w)
    q, k, v = (torch.randn(n, heads * d, h, w, generator=generator) for _ in range(3))
    tables = (torch.randn(2 * key_window - 1, d, generator=generator) for _ in range(2))
    return [q, k, v, *tables]


@settings(max_examples=60)
@given(
    geometry=st.sampled_from(LEGAL),
    heads=st.integers(1, 3),
    d=st.integers(1, 4),
    rows=st.integers(1, 2),
    columns=st.integers(1, 3),
)
def test_every_legal_window_equals_the_literal_masked_form(geometry, heads, d, rows, columns):
    window, key_window, dilation = geometry
    options = {"window": window, "key_window": key_window, "heads": heads, "dilation": dilation}
    assert_same_gradients(
        lambda *t: dilated_window_attention(*t, **options),
        lambda *t: literal_ops.window_attention(*t, **options),
        operands(1, heads, d, rows * window, columns * window, key_window),
        bound=1e-10,
    )


@given(window=st.integers(1, 4), halo=st.integers(0, 3), heads=st.integers(1, 2))
def test_plain_windows_equal_the_literal_form(window, halo, heads):
    options = {"window": window, "key_window": window + 2 * halo, "heads": heads}
    assert_same_gradients(
        lambda *t: window_attention(*t, **options),
        lambda *t: literal_ops.window_attention(*t, **options),
        operands(2, heads, 3, 2 * window, 3 * window, window + 2 * halo),
        bound=1e-10,
    )


@pytest.mark.parametrize("name", ["op_rel_pos_a", "op_rel_pos_b"])
def test_position_logits_of_the_literal_form_are_the_published_ones(name):
    golden = load_golden(f"tbsn/{name}.safetensors")
    config = golden.config
    out = literal_ops.position_logits(
        golden["input"].double(),
        golden["weight.rel_height"].double(),
        golden["weight.rel_width"].double(),
        config["block_size"],
        config["rel_size"],
    )
    assert_close(out, golden["output64"], 1e-12)


@pytest.mark.parametrize("name", ["op_attn_mask_a", "op_attn_mask_b"])
def test_mask_of_the_literal_form_is_the_published_one(name):
    golden = load_golden(f"tbsn/{name}.safetensors")
    config = golden.config
    mask = literal_ops.window_mask(config["window_size"], config["overlap_window_size"])
    assert torch.equal(mask[None], golden["attention_mask"])


def test_zero_keys_outside_the_image_take_part():
    """One bright query, equal logits: the corner window averages its 9 keys inside with 7 zeros outside."""
    q, k, v = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    tables = torch.zeros(2, 7, 1)
    out = window_attention(q, k, v, *tables, window=2, key_window=4, heads=1)
    assert torch.allclose(out, torch.full((1, 1, 2, 2), 4 / 16))


@pytest.mark.parametrize(
    ("window", "key_window", "message"),
    [
        (8, 10, "window 8 with overlap 0.25 gives a halo of 1, .* use an overlap of 0 or 0.5"),
        (4, 6, "window 4 with overlap 0.5 gives a halo of 1, .* use an overlap of 0 or 1"),
        (8, 14, "window 8 with overlap 0.75 gives a halo of 3, .* use an overlap of 0.5 or 1"),
        (7, 11, "window 7 is not a multiple of the dilation 2, .* use 6 or 8"),
        (1, 5, "use 2 or 4"),
    ],
)
def test_windows_that_would_mix_phases_are_refused_with_the_nearest_legal_ones(window, key_window, message):
    with pytest.raises(ValueError, match=message):
        check_dilated_window(window, key_window)


@given(window=st.integers(1, 24), dilation=st.integers(1, 4))
def test_legal_overlaps_are_legal(window, dilation):
    overlaps = legal_overlaps(window, dilation)
    assert bool(overlaps) == (window % dilation == 0)
    for overlap in overlaps:
        check_dilated_window(window, window + int(window * overlap), dilation)


def test_wrong_shapes_are_named():
    q = torch.zeros(1, 8, 8, 8)
    table = torch.zeros(11, 4)
    options = {"window": 4, "key_window": 6, "heads": 2}
    with pytest.raises(ValueError, match="must be equal"):
        window_attention(q, q, q[:, :4], table, table, **options)
    with pytest.raises(ValueError, match=r"rel_width has shape \(7, 4\), but \(11, 4\) is needed"):
        window_attention(q, q, q, table, table[:7], **options)
    with pytest.raises(ValueError, match="8 channels cannot be split into 3 heads"):
        window_attention(q, q, q, table, table, window=4, key_window=6, heads=3)
    with pytest.raises(ValueError, match="6 x 8 pixels do not fit window 4"):
        window_attention(q[:, :, :6], q[:, :, :6], q[:, :, :6], table, table, **options)
    with pytest.raises(ValueError, match="cannot be centred"):
        window_attention(q, q, q, table, table, window=4, key_window=7, heads=2)


@settings(max_examples=40)
@given(
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    halo=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    heads=st.integers(1, 3),
    masked=st.booleans(),
)
def test_bias_table_equals_the_literal_form(window, halo, heads, masked):
    key_window = tuple(w + 2 * e for w, e in zip(window, halo, strict=True))
    rows = (window[0] + key_window[0] - 1) * (window[1] + key_window[1] - 1)
    inputs = [*torch.randn(3, 2, heads * 3, 2 * window[0], 3 * window[1]), torch.randn(rows, heads)]
    if masked:
        inputs.append(torch.randn(6, window[0] * window[1], key_window[0] * key_window[1]))
    options = {"window": window, "key_window": key_window, "heads": heads}
    assert_same_gradients(
        lambda q, k, v, table, mask=None: window_attention(q, k, v, bias_table=table, mask=mask, **options),
        lambda q, k, v, table, mask=None: literal_ops.biased_window_attention(q, k, v, table, mask=mask, **options),
        inputs,
        bound=1e-10,
    )


@given(window=st.integers(1, 4), heads=st.integers(1, 3), d=st.integers(1, 4), channels_last=st.booleans())
def test_the_form_for_a_cpu_equals_the_literal_one(window, heads, d, channels_last):
    q, k, v, _, _ = operands(2, heads, d, 2 * window, 3 * window, window)
    table = torch.randn((2 * window - 1) ** 2, heads, generator=torch.Generator().manual_seed(0))
    q, k, v, table = (t.double() for t in (q, k, v, table))
    sides = (window, window)
    expected = literal_ops.biased_window_attention(q, k, v, table, window=sides, key_window=sides, heads=heads)
    if channels_last:  # one tensor of all three, as a projection leaves them
        q, k, v = torch.cat([q, k, v], 1).contiguous(memory_format=torch.channels_last).chunk(3, 1)
    out = window_attention(q, k, v, window=window, heads=heads, bias_table=table, backend="cpu")
    assert_close(out, expected, 1e-12)


def test_the_form_for_a_cpu_leaves_gradients_masks_and_rounded_types_to_the_reference():
    q, table, mask = torch.zeros(1, 4, 4, 4), torch.zeros(49, 1), torch.zeros(1, 16, 16)
    options = {"window": 4, "heads": 1, "bias_table": table, "backend": "cpu"}
    for wrong in ({"q": q.clone().requires_grad_()}, {"mask": mask}, {"q": q.bfloat16()}):
        given_q = wrong.pop("q", q)
        with pytest.raises(BackendError):
            window_attention(given_q, given_q, given_q, **options, **wrong)


@pytest.mark.parametrize(("name", "grid"), [("dim24_heads2", (1, 1)), ("rect_window", (1, 1)), ("mask", (1, 3))])
def test_bias_table_of_drt(name, grid):
    """Published tables hold query minus key offsets: reversing the rows flips both axes."""
    golden = load_golden(f"drt/window_attention_{name}.safetensors")
    weights = {key: value.double() for key, value in golden.weights.items()}
    window, heads = tuple(golden.config["window"]), golden.config["num_heads"]

    def image(tokens):
        y, x = grid
        return rearrange(tokens, "(n y x) (a b) c -> n c (y a) (x b)", y=y, x=x, a=window[0], b=window[1])

    qkv = F.linear(golden["input"].double(), weights["qkv.weight"], weights["qkv.bias"])
    mask = golden["input.1"].double() if "input.1" in golden.tensors else None
    table = weights["relative_position_bias_table"].flip(0)
    out = window_attention(*image(qkv).chunk(3, 1), window=window, heads=heads, bias_table=table, mask=mask)
    tokens = rearrange(out, "n c (y a) (x b) -> (n y x) (a b) c", a=window[0], b=window[1])
    assert_close(F.linear(tokens, weights["proj.weight"], weights["proj.bias"]), golden["output64"], 1e-12)


def test_windows_on_the_batch_give_the_same_numbers():
    q, k, v = torch.randn(3, 2, 96, 14, 21, dtype=torch.float64)
    table = torch.randn(169, 2, dtype=torch.float64)
    whole = window_attention(q, k, v, window=7, heads=2, bias_table=table)
    stacked = [rearrange(t, "n c (y a) (x b) -> (n y x) c a b", a=7, b=7) for t in (q, k, v)]
    parts = window_attention(*stacked, window=7, heads=2, bias_table=table)
    assert_close(rearrange(parts, "(n y x) c a b -> n c (y a) (x b)", y=2, x=3), whole, 1e-13)


def test_position_tables_are_one_kind_or_the_other():
    q = torch.zeros(1, 4, 4, 4)
    tables = torch.zeros(2, 7, 4)
    with pytest.raises(ValueError, match="give either rel_height and rel_width, or bias_table"):
        window_attention(q, q, q, window=4, heads=1)
    with pytest.raises(ValueError, match="give either"):
        window_attention(q, q, q, *tables, window=4, heads=1, bias_table=torch.zeros(49, 1))
    with pytest.raises(ValueError, match=r"bias_table has shape \(48, 1\), but \(49, 1\) is needed"):
        window_attention(q, q, q, window=4, heads=1, bias_table=torch.zeros(48, 1))
    with pytest.raises(ValueError, match=r"mask has shape \(2, 16, 16\), but \(1, 16, 16\) is needed"):
        window_attention(q, q, q, *tables, window=4, heads=1, mask=torch.zeros(2, 16, 16))


def test_a_mask_is_added_to_the_logits_of_two_tables():
    inputs = operands(2, 2, 3, 4, 8, 6)
    mask = torch.randn(2, 16, 36, dtype=torch.float64)
    # The literal form has its windows on the batch, image by image.
    literal_mask = mask.repeat(2, 1, 1)[:, None]
    options = {"window": 4, "key_window": 6, "heads": 2}
    assert_same_gradients(
        lambda *t: window_attention(*t, **options, mask=mask),
        lambda *t: literal_ops.window_attention(*t, **options, mask=literal_mask),
        inputs,
        bound=1e-10,
    )
