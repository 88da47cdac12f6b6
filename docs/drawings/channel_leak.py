"""How much fresh noise channel attention learns to copy: global and per phase."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.tables.stored import stored


def draw() -> Figure:
    """Bars from the stored measurement."""
    rows = stored("blindness")["learnability"]
    figure = Figure(figsize=(6.4, 3.6))
    axes = figure.subplots()
    for offset, scope, colour in ((-0.2, "global", "#ee6677"), (0.2, "phase", "#4477aa")):
        chosen = [row for row in rows if row["scope"] == scope]
        heights = [100 * row["explained"] for row in chosen]
        bars = axes.bar([index + offset for index in range(len(chosen))], heights, 0.4, color=colour, label=scope)
        axes.bar_label(bars, [f"{max(height, 0):.0f} %" for height in heights])
    axes.set_xticks(range(len(chosen)), [str(row["positions"]) for row in chosen])
    axes.set(xlabel="pixels that the Gram matrix sums over", ylabel="noise copied, %", ylim=(0, 90))
    axes.legend(frameon=False, title="one Gram matrix for")
    return figure
