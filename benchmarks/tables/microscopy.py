"""Tables of microscopy: W2S, trained on noisy frames alone."""

from __future__ import annotations

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import TINY, stored, value

_POSTERIOR = f"w2s_{TINY}_phase_auto_muon_seed0"
_SURROUNDINGS = f"w2s_{TINY}_phase_none_6300_seed0"
_CLASSICAL = "w2s_classical"


def w2s() -> Table:
    """Held-out fields of W2S: classical methods and blind-spot networks."""
    rows = [["noisy", decibels(value(_POSTERIOR, "scores/one pass/means/noisy_psnr")), "", ""]]
    for method in stored(_CLASSICAL)["methods"]:
        rows.append([method["name"], f"{method['psnr']:.1f} dB", "", method["settings"]])
    rows += [
        _both(f"`{TINY}`, surroundings alone", _SURROUNDINGS),
        [
            bold(cell) if cell else ""
            for cell in _both("with the noisy pixel (`bsn train` without options)", _POSTERIOR)
        ],
        _both("with the noisy pixel, without the Wiener filter", _POSTERIOR, ", without the Wiener filter"),
    ]
    sources = [_CLASSICAL, _SURROUNDINGS, _POSTERIOR]
    for way, label in (("none", "surroundings alone"), ("auto", "with the noisy pixel")):
        for seed in (0, 1):
            name = f"w2s_{TINY}_phase_{way}_adamw_seed{seed}"
            rows.append(_both(f"AdamW, seed {seed}: {label}", name))
            sources.append(name)
    return Table(["method", "one pass", "eight views", "settings"], rows, sources)


def w2s_noise_scope() -> Table:
    """One noise model for all frames, which were stretched one by one, against one for each frame."""
    together, apart = f"w2s_{TINY}_phase_poisson-gaussian_adamw_seed0", f"w2s_{TINY}_phase_auto_adamw_seed0"
    rows = [
        _both("fitted to each frame (what `bsn train` chooses here)", apart),
        _both("one for the whole set (`--noise_scope set`)", together),
        _both("one for the whole set, prediction from the surroundings alone", together, ", without the noisy pixel"),
    ]
    return Table(["noise model", "one pass", "eight views", "training"], rows, [apart, together])


def w2s_training_fields() -> Table:
    """What posterior and Wiener filter bring on the 18 fields that the network was trained on."""
    name = f"w2s_{TINY}_phase_auto_adamw_seed0_on_train"
    rows = [
        _both("surroundings alone", name, ", without the noisy pixel"),
        _both("with the noisy pixel", name, ", without the Wiener filter"),
        _both("with the noisy pixel and the Wiener filter", name),
    ]
    return Table(["result", "one pass", "eight views", "training"], rows, [name])


def w2s_length() -> Table:
    """A shorter training with another seed."""
    name = f"w2s_{TINY}_phase_auto_adamw_5350_seed1"
    return Table(
        ["training", "one pass", "eight views", "settings"],
        [_both("AdamW, seed 1, with the noisy pixel", name)],
        [name],
    )


def counts() -> Table:
    """Counts of few photons: PSNR and mean by mean count."""
    scores = stored("counts")["scores"]
    methods = {
        "noisy": "noisy",
        "Gaussian filter": "Gaussian filter",
        "non-local means": "non-local means on the Anscombe transform",
        "model in the box, mean not kept": "model in the box, `--no_keep_mean`",
        "model in the box": "model in the box",
        "model in the box, in integers": "model in the box, in integers",
    }
    rows = [
        [label, *(f"{by[name]['psnr']:.1f} dB, {by[name]['mean']:.3g}" for by in scores.values())]
        for name, label in methods.items()
    ]
    return Table(["method", *(f"mean {mean}" for mean in scores)], rows, ["counts"])


def _both(label: str, name: str, suffix: str = "") -> list[str]:
    scores = (value(name, f"scores/{views}{suffix}/means/psnr") for views in ("one pass", "eight views"))
    return [label, *map(decibels, scores), f"{stored(name)['steps']:,} steps"]
