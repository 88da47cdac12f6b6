"""Tables of noise added to colour photographs: white and Poisson-Gaussian."""

from __future__ import annotations

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import LARGE, RESULTS, SMALL, TINY, stored, value

_SETS = ("kodak24", "mcmaster")
_KNOWN = f"synthetic_gaussian_known_{SMALL}_muon"
_ADAPTED = f"{_KNOWN}_adapt_2000"
_MEAN = f"synthetic_gaussian_mean_{SMALL}_muon_15000"
_LARGE = f"synthetic_gaussian_known_{LARGE}"
_BM3D = "synthetic_gaussian_bm3d"
_BOX_SETS = ("kodak24", "mcmaster", "set12")

# Zhang et al., "Beyond a Gaussian denoiser", IEEE TIP 26 (2017): one network for all levels, not told which, on grey images.
_DNCNN_BLIND = {("set12", "15"): "32.68", ("set12", "25"): "30.36", ("set12", "50"): "27.21"}

# Zhang, Zuo, Zhang, "FFDNet", IEEE TIP 27 (2018): BM3D (in colour CBM3D) and FFDNet, both told the level.
PUBLISHED = {
    ("set12", "15"): ("32.37", "32.75"),
    ("set12", "25"): ("29.97", "30.43"),
    ("set12", "50"): ("26.72", "27.32"),
    ("kodak24", "15"): ("34.28", "34.63"),
    ("kodak24", "25"): ("31.68", "32.13"),
    ("kodak24", "50"): ("28.46", "28.98"),
    ("mcmaster", "15"): ("34.06", "34.66"),
    ("mcmaster", "25"): ("31.66", "32.35"),
    ("mcmaster", "50"): ("28.51", "29.18"),
}


def white_noise() -> Table:
    """Standard deviation 25 of 255, trained on 68 noisy photographs of another set."""
    adamw = {way: f"synthetic_gaussian_{way}_{SMALL}_adamw_16000" for way in ("known", "mean")}
    learned = {name: f"synthetic_gaussian_learned_{name}_4500" for name in ("muon", "adamw")}
    rows = [
        ["noisy", *_scores(_KNOWN, "one pass", "noisy_psnr")],
        [f"`{SMALL}`, surroundings alone, 15,000 steps", *_scores(_MEAN, "one pass")],
        ["surroundings alone, eight views", *_scores(_MEAN, "eight views")],
        ["with the noisy pixel, 13,947 steps, covariance as predicted", *_scores(_KNOWN, "one pass, as predicted")],
        ["calibrated, without the Wiener filter", *_scores(_KNOWN, "one pass")],
        _bold("calibrated and filtered, which is the default", _KNOWN, "one pass, Wiener"),
        _bold("eight views", _KNOWN, "eight views, Wiener"),
        ["surroundings alone, adapted to the set's own noisy photographs", *_scores(f"{_MEAN}_adapt_2000", "one pass")],
        _bold("adapted, the default", _ADAPTED, "one pass, Wiener"),
        _bold("adapted, eight views", _ADAPTED, "eight views, Wiener"),
        [f"`{LARGE}`, 1,953 steps, the default", *_scores(_LARGE, "one pass, Wiener")],
        [f"`{LARGE}`, eight views", *_scores(_LARGE, "eight views, Wiener")],
        [f"`{LARGE}` on a GPU, adapted, the default", *_scores(f"{_LARGE}_adapt_600", "one pass, Wiener")],
        [f"`{LARGE}` on a GPU, adapted, eight views", *_scores(f"{_LARGE}_adapt_600", "eight views, Wiener")],
        [f"`{SMALL}`, AdamW, 16,000 steps, surroundings alone", *_scores(adamw["mean"], "one pass")],
        [f"`{SMALL}`, AdamW, 16,000 steps, the default", *_scores(adamw["known"], "one pass, Wiener")],
        [f"`{TINY}`, noise level learned, 4,500 steps", *_scores(learned["muon"], "one pass, Wiener")],
        [f"`{TINY}`, noise level learned, 4,500 steps, AdamW", *_scores(learned["adamw"], "one pass, Wiener")],
        ["BM3D with the true noise level", *_scores(_BM3D, "BM3D")],
    ]
    sources = [_MEAN, _KNOWN, f"{_MEAN}_adapt_2000", _ADAPTED, _LARGE, f"{_LARGE}_adapt_600"]
    return Table(["method", *_SETS], rows, [*sources, adamw["mean"], adamw["known"], *learned.values(), _BM3D])


def poisson_gaussian() -> Table:
    """Gain 0.02, read noise 0.02, trained on 68 noisy photographs of another set."""
    names = {way: f"synthetic_poisson-gaussian_{way}_adamw_5000" for way in ("mean", "known", "learned")}
    rows = [
        ["noisy", *_scores(names["mean"], "one pass", "noisy_psnr")],
        [f"`{TINY}`, surroundings alone", *_scores(names["mean"], "one pass")],
        ["gain and read noise known, without the Wiener filter", *_scores(names["known"], "one pass")],
        ["gain and read noise known", *_scores(names["known"], "one pass, Wiener")],
        _bold("gain and read noise learned", names["learned"], "one pass, Wiener"),
        _bold("gain and read noise learned, eight views", names["learned"], "eight views, Wiener"),
    ]
    return Table(["method", *_SETS], rows, list(names.values()))


def bundled() -> Table:
    """The model in the box against classical methods that are told the true noise level."""
    rows = []
    for name in ("kodak24", "mcmaster", "set12"):
        for sigma in ("15", "25", "50"):
            found = value(f"bundled_{name}", f"table/{sigma}")
            methods = ("wavelet", "nlm 0.6", "model", "bm3d", "model (bm3d's images)")
            cells = [f"{found[method]['psnr']:.2f}" for method in methods]
            rows.append([name, sigma, *cells[:2], bold(cells[2]), *cells[3:]])
    header = ["set", "sigma", "wavelet", "non-local means", "model", "BM3D (3 images)", "model (the same 3)"]
    return Table(header, rows, [f"bundled_{name}" for name in ("kodak24", "mcmaster", "set12")])


def box() -> Table:
    """All models in the box on whole images, beside classical methods and published figures."""
    found = {name: value(f"box_{name}", "table") for name in _BOX_SETS if (RESULTS / f"box_{name}.json").is_file()}
    methods = list(dict.fromkeys(method for table in found.values() for rows in table.values() for method in rows))
    rows = []
    for name, table in found.items():
        for noise, scores in table.items():
            best = max(scores, key=lambda method: scores[method]["psnr"])
            cells = [_cell(scores.get(method), best=method == best) for method in methods]
            published = [*PUBLISHED.get((name, noise), ("-", "-")), _DNCNN_BLIND.get((name, noise), "-")]
            rows.append([name, noise, *cells, *published])
    header = ["set", "noise", *methods, *(f"{name}, as published" for name in ("BM3D", "FFDNet", "DnCNN-B"))]
    return Table(header, rows, [f"box_{name}" for name in found])


def second_networks() -> Table:
    """First and second network of the models in the box for white noise."""
    result = stored("second_networks")
    rows = []
    for name, row in result["table"].items():
        cells = [f"{found['first']:.2f} → {found['second']:.2f}" for found in row.values()]
        rows.append([name, *cells])
    sigmas = next(iter(result["table"].values()))
    return Table(["model, colours", *sigmas], rows, ["second_networks"])


def _cell(score: dict[str, float] | None, *, best: bool) -> str:
    if score is None:
        return "-"
    return bold(f"{score['psnr']:.2f}") if best else f"{score['psnr']:.2f}"


def _scores(name: str, label: str, key: str = "psnr") -> list[str]:
    return [decibels(value(name, f"scores/{chosen}/{label}/{key}")) for chosen in _SETS]


def _bold(text: str, name: str, label: str) -> list[str]:
    return [bold(cell) for cell in (text, *_scores(name, label))]
