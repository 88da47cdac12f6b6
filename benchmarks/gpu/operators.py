"""Operators one by one: plain PyTorch, literal form, each of our backends, FlexAttention; device's own time and as launched.

`python -m benchmarks.kernel_choice` makes of these rows the table by which "auto" chooses (:mod:`bsn.ops.measured`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.attention import (
    Case,
    On,
    bias_case,
    ceilings,
    device_seconds,
    forms_of,
    gate_case,
    matrices_case,
    measure,
    norm_case,
    product_case,
    rows_from,
    runner,
    tables_case,
)
from benchmarks.gpu.plan import Part, Setting, Tasks
from bsn.ops.backend import BackendError
from bsn.ops.channel_attention import APPLY_BACKENDS as CHANNEL_PRODUCT
from bsn.ops.channel_attention import BACKENDS as CHANNEL_MATRICES
from bsn.ops.gated_depthwise import BACKENDS as GATED_DEPTHWISE
from bsn.ops.layer_norm import BACKENDS as LAYER_NORM
from bsn.ops.window_attention import BACKENDS as WINDOW_ATTENTION
from bsn.ops.window_attention.reference import bias_rows

REPEATS = 10
SOME = {"bytes_per_second": 1e9, "flop_per_second": 1e9}  # for the small trial
BY_OPERATOR = {
    "layer_norm": LAYER_NORM,
    "window_attention": WINDOW_ATTENTION,
    "channel_matrices": CHANNEL_MATRICES,
    "channel_product": CHANNEL_PRODUCT,
    "gated_depthwise_conv": GATED_DEPTHWISE,
}


def cases(setting: Setting) -> dict[str, Case]:
    """The operators of TBSN, DRT and ELF on an image of 512 x 512 pixels, and on the crops of a training step."""
    on = On(setting.device, torch.bfloat16 if setting.device == "cuda" else torch.float32)
    half, crop, window = (8, 8, 14) if setting.tiny else (256, 64, 512)
    batch = 1 if setting.tiny else 32  # 8 crops in 4 phases
    found = [
        matrices_case(on, 4, 96, 1, half),
        matrices_case(on, batch, 96, 1, crop),
        gate_case(on, 1, 127, half),
        gate_case(on, max(batch // 2, 1), 127, 2 * crop),
        tables_case(on, 4, 2, half),
        tables_case(on, batch, 2, crop),
        norm_case(on, 4, 96, half),
        norm_case(on, batch, 96, crop),
        bias_case(on, 1, window),
        matrices_case(on, 4, 48, 1, half),
        matrices_case(on, 4, 96, 2, half // 2),
        matrices_case(on, 4, 192, 4, half // 4),
        product_case(on, 4, 96, 1, half),
        product_case(on, batch, 96, 1, crop),
        norm_case(on, 4, 48, half),
        norm_case(on, 4, 192, half // 4),
    ]
    return {f"{case.name}, {case.pixels} pixels": case for case in found}


def backends(case: Case, setting: Setting, train: bool) -> dict[str, Callable[[], Any]]:
    """The backends that take the case, by name."""
    found = {}
    for name in BY_OPERATOR[case.operator]:
        run = runner(case.ours, case.inputs(), name, train)
        try:
            run()
        except BackendError:
            continue
        if name != "reference":
            found[name] = run
    return found


def flex_window(x: Tensor, *tables: Tensor, window: int, key_window: int, heads: int, compiled: bool) -> Tensor:
    """Window attention by FlexAttention: patches cut out, position logits looked up while the scores are computed.

    Parameters
    ----------
    x : Tensor, shape (N, 3 heads d, H, W)
        Queries, keys and values.
    *tables : Tensor
        Two tables of relative positions, or one bias table.
    window, key_window, heads : int
    compiled : bool
        Whether FlexAttention is compiled; without that it writes the scores out.

    Returns
    -------
    Tensor, shape (N, heads d, H, W)
    """
    from torch.nn.attention.flex_attention import flex_attention

    n, c, h, w = x.shape
    halo, depth = (key_window - window) // 2, c // 3 // heads
    rows, columns = h // window, w // window
    q, k, v = x.chunk(3, 1)

    def split(patches: Tensor) -> Tensor:  # (N, heads d, positions, windows) -> (N windows, heads, positions, d)
        found = patches.unflatten(1, (heads, depth)).permute(0, 4, 1, 3, 2)
        return found.flatten(0, 1).contiguous()

    def patches(t: Tensor) -> Tensor:
        cut = torch.nn.functional.unfold(t, key_window, padding=halo, stride=window)
        return split(cut.unflatten(1, (c // 3, key_window**2)))

    whole = torch.nn.functional.unfold(q, window, stride=window).unflatten(1, (c // 3, window**2))
    queries, keys, values = split(whole), patches(k), patches(v)
    scale = depth**-0.5
    if len(tables) == 2:
        # Offsets come from the query: logits of every query with every row of both tables, looked up per pair.
        of_rows, of_columns = (scale * queries @ table.to(queries).T for table in tables)
        shift = key_window - 1

        def score(found: Tensor, b: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
            down, right = j // key_window - i // window, j % key_window - i % window
            return found + of_rows[b, head, i, down + shift] + of_columns[b, head, i, right + shift]
    else:
        bias = tables[0][bias_rows(((window, window), (key_window, key_window)), device=x.device)]

        def score(found: Tensor, b: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
            return found + bias[i, j, head].to(found.dtype)

    attend = torch.compile(flex_attention, dynamic=False) if compiled else flex_attention
    out = attend(queries, keys, values, score_mod=score, scale=scale)
    out = out.unflatten(0, (n, rows, columns)).permute(0, 3, 5, 1, 2, 4)  # n, heads, d, rows, columns, positions
    out = out.unflatten(-1, (window, window)).permute(0, 1, 2, 3, 5, 4, 6)
    return out.reshape(n, c // 3, h, w)


def flex(case: Case, setting: Setting) -> Callable[..., Tensor] | None:
    """FlexAttention form of a case; None for other operators."""
    if case.operator != "window_attention":
        return None
    sides = {"window": 7, "key_window": 7} if case.width == 48 else {"window": 4, "key_window": 6}
    return functools.partial(flex_window, heads=2, compiled=setting.device == "cuda", **sides)


def measured(case: Case, setting: Setting, limits: dict[str, float]) -> dict[str, Any]:
    """Rows of the forms of a case, forward and with gradients, on the device alone and as launched."""
    repeats = 1 if setting.tiny else REPEATS
    rows, refused = [], {}
    for train in (False, True):
        forms = {**forms_of(case, train), **backends(case, setting, train)}
        other = flex(case, setting)
        if other is not None:
            run = runner(other, case.inputs(), "reference", train)
            try:
                run()
                forms["flex"] = run
            except Exception as error:  # what it cannot do is a result, too
                refused[f"flex, {'step' if train else 'forward'}"] = f"{type(error).__name__}: {error}"[:300]
        times, memory = device_seconds(forms, repeats, setting.device)
        launched = measure(forms, repeats, setting.device)[0] if setting.device == "cuda" else times
        for row in rows_from(case, train, limits, times, memory):
            row["launched_seconds"] = launched[row["form"]]
            row["launched_ratio"] = launched["reference"] / launched[row["form"]]
            rows.append(row)
    return {"rows": rows, "refused": refused}


def _tasks(setting: Setting) -> Tasks:
    dtype = torch.bfloat16 if setting.device == "cuda" else torch.float32
    limits: dict[str, float] = {}

    def task(case: Case) -> dict[str, Any]:
        if not limits:
            limits.update(SOME if setting.tiny else ceilings(setting.device, dtype))
        return {**measured(case, setting, limits), "ceilings": dict(limits), "bytes_per_value": dtype.itemsize}

    return {name: functools.partial(task, case) for name, case in cases(setting).items()}


PARTS = [Part("operators", 120, _tasks, least=40)]
