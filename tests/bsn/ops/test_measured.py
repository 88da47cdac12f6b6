"""The choice between kernels and plain operators follows what was measured."""

import pytest
import torch

from benchmarks import kernel_choice
from bsn.ops import measured
from bsn.ops.backend import Implementation, choose
from bsn.ops.channel_attention import APPLY_BACKENDS
from bsn.ops.channel_attention import BACKENDS as CHANNEL_ATTENTION
from bsn.ops.dilated_window_attention import BACKENDS as DILATED_WINDOW_ATTENTION
from bsn.ops.gated_depthwise import BACKENDS as GATED_DEPTHWISE
from bsn.ops.layer_norm import ADD_BACKENDS
from bsn.ops.layer_norm import BACKENDS as LAYER_NORM
from bsn.ops.measured import _verdicts, class_of, slower_kernel, slower_where_measured
from bsn.ops.window_attention import BACKENDS as WINDOW_ATTENTION

GEOMETRY = (4, 4), (6, 6)


def row(ratio, width=96, pixels=2**18, bytes=2, train=False, operator="op"):
    return {
        "operator": operator,
        "backend": "triton",
        "width": width,
        "pixels": pixels,
        "bytes": bytes,
        "train": train,
        "ratio": ratio,
    }


@pytest.fixture
def table(monkeypatch):
    def put(*rows):
        monkeypatch.setattr(measured, "_VERDICTS", _verdicts(rows))

    return put


def slower(width=96, side=512, train=False, dtype=torch.bfloat16, images=1):
    x = torch.empty(images, 4, side, side, dtype=dtype, device="meta")
    return slower_kernel("op", "triton", width, x, train=train)


def test_a_slower_kernel_is_passed_over_where_it_was_measured(table):
    table(row(0.9), row(1.1, train=True), row(3.0, width=16), row(2.0, pixels=2**12), row(1.2, bytes=4))
    assert slower()
    assert not slower(train=True)
    assert not slower(width=16)
    assert not slower(side=64)
    assert not slower(dtype=torch.float32)


def test_an_unmeasured_shape_counts_as_the_nearest_one(table):
    table(row(0.9, width=100), row(1.1, width=16))
    assert slower(width=200)
    assert slower(width=70)
    assert not slower(width=8)
    assert slower(dtype=torch.float32)
    assert slower(train=True)


def test_of_several_measurements_the_worst_counts(table):
    table(row(1.4, width=96), row(0.99, width=127))
    assert slower()
    table(row(1.4, width=96), row(1.0, width=127))
    assert not slower()
    table(row(1.4, width=40), row(0.9, width=200), row(5.0, width=1000))  # both are one class away
    assert slower(width=100)


def test_a_kernel_that_was_never_measured_is_taken(table):
    table()
    assert not slower()


def test_of_two_kernels_the_faster_one_is_taken(table):
    cases = ((1.5, 1.2, ["triton"]), (1.2, 1.5, ["products"]), (0.9, 0.8, []), (0.9, 1.1, ["products"]))
    for of_triton, of_products, taken in cases:
        table(row(of_triton), {**row(of_products), "backend": "products"})
        x = torch.empty(1, 4, 512, 512, dtype=torch.bfloat16, device="meta")
        assert [name for name in ("triton", "products") if not slower_kernel("op", name, 96, x, train=False)] == taken


def test_products_are_not_taken_before_they_were_measured(table):
    table(row(0.9))
    x = torch.empty(1, 4, 512, 512, dtype=torch.bfloat16, device="meta")
    assert slower_kernel("op", "products", 96, x, train=False)


def test_auto_passes_over_the_slower_kernel_and_a_name_does_not(table):
    implementations = {
        "triton": Implementation(lambda x: "kernel", slower=slower_where_measured("op", lambda x: x.shape[1])),
        "reference": Implementation(lambda x: "plain"),
    }
    x = torch.empty(1, 96, 512, 512, device="meta")
    for ratio, expected in ((0.99, "plain"), (1.01, "kernel")):
        table(row(ratio))
        assert choose("op", implementations, None, x)(x) == expected
        assert choose("op", implementations, "triton", x)(x) == "kernel"


def test_gradients_count_where_they_are_wanted(table):
    table(row(0.9), row(1.1, train=True))
    ask = slower_where_measured("op", lambda x, weight: x.shape[1])
    x, weight = torch.empty(1, 96, 512, 512, device="meta"), torch.empty(3, device="meta", requires_grad=True)
    assert not ask(x, weight)
    assert ask(x, weight.detach())
    with torch.no_grad():
        assert ask(x, weight)


def image(*shape):
    return torch.empty(*shape, dtype=torch.bfloat16, device="meta")


CALLS = {
    "layer_norm": (LAYER_NORM, "layer_norm", 96, (image(4, 96, 256, 256), image(96), None, 1e-5)),
    "add_layer_norm": (
        ADD_BACKENDS, "layer_norm", 96, (image(4, 96, 256, 256), image(4, 96, 256, 256), image(96), None, 1e-5)
    ),
    "window_attention": (
        WINDOW_ATTENTION, "window_attention", 16,
        (*(image(4, 32, 256, 256) for _ in range(3)), image(11, 16), image(11, 16), GEOMETRY, 2, None, None),
    ),
    "dilated_window_attention": (
        DILATED_WINDOW_ATTENTION, "window_attention", 16,
        (*(image(1, 32, 512, 512) for _ in range(3)), image(11, 16), image(11, 16), 8, 12, 2, 2),
    ),
    "channel_attention": (
        CHANNEL_ATTENTION, "channel_matrices", 24, (image(4, 96, 256, 256), image(4, 96, 256, 256), image(4), 4, 1, None, None)
    ),
    "channel_attention, product": (APPLY_BACKENDS, "channel_product", 24, (image(4, 4, 24, 24), image(4, 96, 256, 256), 1)),
    "gated_depthwise_conv": (
        GATED_DEPTHWISE, "gated_depthwise_conv", 48, (image(4, 96, 256, 256), image(96, 1, 3, 3), None, None)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_every_operator_asks_for_its_own_class(name, table):
    implementations, operator, width, arguments = CALLS[name]
    ask = implementations["triton"].slower
    # Neighbouring classes of width say the opposite, so only the right width gives the right answer.
    for ratio in (0.9, 1.1):
        others = [
            row(2 - ratio, width=w, operator=operator)
            for w in (8, 16, 32, 64, 128)
            if class_of(w, 1) != class_of(width, 1)
        ]
        table(row(ratio, width=width, operator=operator), *others)
        assert ask(*arguments) == (ratio < 1)


def test_kernels_that_lost_are_not_taken_at_the_shapes_where_they_lost():
    lost = {name for name, (table, _, _, arguments) in CALLS.items() if table["triton"].slower(*arguments)}
    assert lost == {"channel_attention", "channel_attention, product", "gated_depthwise_conv"}


def test_the_table_is_that_of_the_stored_benchmarks():
    assert kernel_choice.TABLE.read_text(encoding="utf-8") == kernel_choice.text(kernel_choice.rows())


def test_a_run_on_a_card_takes_the_place_of_older_measurements(tmp_path):
    import json
    import shutil

    shutil.copy(kernel_choice.RESULTS / "attention_cuda.json", tmp_path)
    found = {row["operator"]: row["ratio"] for row in kernel_choice.rows(tmp_path) if not row["train"]}
    assert found["gated_depthwise_conv"] == pytest.approx(0.198249 / 0.241586, abs=1e-3)
    form = {"chosen_as": "gated_depthwise_conv", "width": 127, "pixels": 65536, "train": False}
    rows = [
        {**form, "form": "reference", "ratio": 1.0, "launched_ratio": 1.0},
        {**form, "form": "triton", "ratio": 1.5, "launched_ratio": 1.25},
    ]
    run = {"device": "cuda", "tiny": False, "card": "H200", "results": {"gate": {"rows": rows, "bytes_per_value": 2}}}
    (tmp_path / "gpu").mkdir()
    (tmp_path / "gpu" / "operators.json").write_text(json.dumps({"runs": [run, {**run, "tiny": True, "results": {}}]}))
    (new,) = (row for row in kernel_choice.rows(tmp_path) if row["operator"] == "gated_depthwise_conv")
    assert (new["ratio"], new["backend"], new["card"]) == (1.25, "triton", "H200")
    assert any(row["operator"] == "layer_norm" for row in kernel_choice.rows(tmp_path))


def test_a_compiler_follows_the_choice_in_one_graph(table):
    table(row(0.9, width=96, pixels=2**12), row(1.1, width=96, pixels=2**16))
    ask = slower_where_measured("op", lambda x: x.shape[1])

    def double_where_slower(x):
        return 2 * x if ask(x) else x

    torch._dynamo.reset()
    compiled = torch.compile(double_where_slower, fullgraph=True, backend="eager", dynamic=True)
    for side, factor in ((8, 2), (200, 1)):
        x = torch.ones(1, 96, side, side)
        assert torch.equal(compiled(x), factor * x)
