"""Tables of noise that neighbouring pixels share: cameras, strides, what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.tables.markdown import Table, bold, decibels
from benchmarks.tables.stored import stored, value

_CAMERA_ROWS = {
    "stride 2": "stride 2, as published",
    "stride 2, R3 x 8": "stride 2, eight passes of R3, as published",
    "stride 1": "stride 1",
    "stride 2, Wiener": "stride 2, Wiener filter, which is the default",
    "stride 1, Wiener": "stride 1, Wiener filter",
    "strides 1 and 2, Wiener": "strides 1 and 2, Wiener filter",
    "stride 2, Wiener, same noise": "stride 2, Wiener filter, one noise spectrum for all files",
    "strides 1 and 2, Wiener, same noise": "strides 1 and 2, Wiener filter, one noise spectrum for all files",
    "non-local means, wavelet sigma": "non-local means at the blind wavelet noise level",
    "non-local means, measured sigma": "non-local means at the noise level that `bsn inspect` measures",
}


def camera() -> Table:
    """Photographs of DSLR cameras, trained on the noisy files of one set."""
    names = {"AdamW": "polyu", "Muon": "polyu_muon"}
    columns = [(name, chosen) for name in names.values() for chosen in ("polyu", "cc15")]
    noisy = [decibels(value(name, f"scores/{chosen}/stride 2/means/noisy_psnr")) for name, chosen in columns]
    rows = [["noisy", *noisy]]
    for label, text in _CAMERA_ROWS.items():
        cells = [text, *(decibels(value(name, f"scores/{chosen}/{label}/means/psnr")) for name, chosen in columns)]
        rows.append([bold(cell) for cell in cells] if label == "stride 2, Wiener" else cells)
    header = ["result", *(f"{chosen}, {optimiser}" for optimiser in names for chosen in ("PolyU", "CC15"))]
    return Table(header, rows, list(names.values()))


_DEFAULT_SETS = (
    ("polyu", "PolyU, 15 test images", "camera_polyu"),
    ("cc15", "CC15, trained on PolyU", "camera_cc15"),
    ("cc15", "CC15, trained on these ten files", "camera_cc15_own"),
    ("nam", "Nam, trained on PolyU", "camera_polyu"),
    ("sidd", "SIDD, one pair, trained on five noisy blocks", "camera_sidd"),
)
_DEFAULT_WAYS = ("non-local means, measured", "model in the box", "model, not polished", "model")


def camera_defaults() -> Table:
    """Photographs of cameras by the default commands: mean PSNR, worst gain, number of images worse than their input."""
    rows = []
    for key, title, name in _DEFAULT_SETS:
        found = value(name, f"scores/{key}")
        rows.append([title, decibels(found["noisy"]["mean"]), *_in_brackets(found, _DEFAULT_WAYS)])
    header = [
        "set",
        "noisy",
        "non-local means, measured level",
        "`camera-base` alone",
        "trained, without `camera-base`",
        "trained, as `bsn denoise` gives it",
    ]
    return Table(header, rows, list(dict.fromkeys(name for _, _, name in _DEFAULT_SETS)))


_BOXED_WAYS = ("non-local means, measured", "camera-tiny", "camera-base")


def camera_boxed() -> Table:
    """Photographs of cameras by the models in the box, without any training on them."""
    rows = []
    for key, title in {
        "polyu": "PolyU, 15 test images",
        "cc15": "CC15",
        "nam": "Nam",
        "sidd": "SIDD, one pair",
    }.items():
        found = value("camera_boxed", f"scores/{key}")
        rows.append([title, decibels(found["noisy"]["mean"]), *_in_brackets(found, _BOXED_WAYS)])
    header = ["set", "noisy", "non-local means, measured level", "`camera-tiny`", "`camera-base`"]
    return Table(header, rows, ["camera_boxed"])


def _in_brackets(found: dict[str, Any], ways: Sequence[str]) -> list[str]:
    """Mean, worst gain and number of images worse than their input of each way; the best mean is bold."""
    best = max(ways, key=lambda way: found[way]["mean"])
    cells = [
        f"{decibels(found[way]['mean'])} ({found[way]['worst_gain']:+.2f}, {found[way]['worse_than_input']})"
        for way in ways
    ]
    return [bold(cell) if way == best else cell for way, cell in zip(ways, cells, strict=True)]


_CHOICE_SETS = {
    "polyu": "training part of PolyU, JPEG",
    "lossless": "simulated cameras, no JPEG",
    "jpeg": "simulated cameras, JPEG of quality 70 to 100",
}


def polish_choice() -> Table:
    """What the model in the box brings to a trained network: mean gain over the noisy image, in dB, and the worst."""
    sets = value("polish_choice", "sets")
    rows = []
    for key, title in _CHOICE_SETS.items():
        mean, worst = sets[key]["mean_gain"], sets[key]["worst_gain"]
        gains = [f"{mean[way]:.2f} ({worst[way]:+.2f})" for way in ("never", "always", "chosen", "alone")]
        rows.append([title, str(sets[key]["images"]), *gains])
    header = [
        "images",
        "how many",
        "network alone",
        "second pass for all",
        "as `bsn denoise` gives it",
        "`camera-base` alone",
    ]
    return Table(header, rows, ["polish_choice"])


def tones() -> Table:
    """What the tones of the median change in results of strong noise, on simulated cameras in poor light."""
    result = stored("tones")
    titles = {"non-local means": "non-local means, measured level", "camera-base": "`camera-base` alone"}
    rows = []
    for name, title in titles.items():
        found, scores = result["summary"][name], [row[name] for row in result["images"]]
        gains = [f"{found[key]:+.2f}" for key in ("mean", "least", "most")]
        rows.append([title, decibels(sum(scores) / len(scores)), *gains])
    return Table(["result", "PSNR", "mean gain", "least", "most"], rows, ["tones"])


def strides() -> Table:
    """Correlated noise on photographs: training stride against inference stride, R3 and the Wiener filter."""
    result = stored("strides")
    plain = {key: key for key in result["psnr"]["trained with stride 1"] if "Wiener" not in key}
    rows = []
    for label in plain:
        cells = [decibels(result["psnr"][f"trained with stride {stride}"][label]) for stride in (1, 3, 6)]
        rows.append([label, *cells, decibels(result["psnr"]["trained with stride 3"][f"{label}, Wiener"])])
    header = ["denoised with", "trained with stride 1", "stride 3, as measured", "stride 6", "stride 3, Wiener filter"]
    return Table(header, rows, ["strides"])


def camera_schemes() -> Table:
    """Blind networks, their student and networks on made pairs, at equal time."""
    found = stored("camera_schemes_synthetic")["schemes"]
    rows = [
        [name, decibels(row["psnr"]), f"{row['worst_gain']:.1f}", str(row.get("steps", "-"))]
        for name, row in sorted(found.items(), key=lambda item: -item[1]["psnr"])
    ]
    return Table(["scheme", "PSNR", "worst image against the noisy one", "steps"], rows, ["camera_schemes_synthetic"])


def measured_noise() -> Table:
    """What ``bsn inspect`` measures on noisy images, against the truth from their clean partners."""
    rows = [measured_row(name, row) for name, row in stored("noise_statistics")["sets"].items()]
    header = ["set", "images", "sigma", "blind wavelet", "gain", "lag 1, x", "lag 1, y", "lag 2, x", "advice"]
    return Table(header, rows, ["noise_statistics"])


def measured_covariance() -> Table:
    """Noise level that the covariance measured on one image says, over the truth, and the correlation of neighbours."""
    rows = []
    for name, row in stored("noise_covariance")["sets"].items():
        for label in ("before", "after"):
            found = row[label]
            ratios = [f"{found[part][key]:.2f}" for part in ("ratio_flat", "ratio") for key in ("median", "worst")]
            lags = " / ".join(f"{value[0]:.2f}" for value in (found["lags"], row["true_lags"]))
            rows.append([name, str(row["images"]), label, *ratios, lags])
    header = [
        "set",
        "images",
        "measurement",
        "flat half: median",
        "flat half: worst",
        "whole: median",
        "whole: worst",
        "lag 1, x",
    ]
    return Table(header, rows, ["noise_covariance"])


def measured_row(name: str, row: dict[str, Any]) -> list[str]:
    """Cells of one set: estimate / truth; sigma, wavelet and gain in grey levels of 8 bits."""

    def both(key: str, scale: float = 1.0, digits: int = 2, index: int | None = None) -> str:
        return " / ".join(_number(row.get(side), key, scale, digits, index) for side in ("estimate", "truth"))

    advice = row["advice"]
    verdict = f"stride {advice['stride']}, {advice['noise']}" if advice["suitable"] else "not suitable"
    if advice["noise"] != "none" and advice["scope"] == "image":
        verdict += ", per image"
    lags = (both("lags_x", index=0), both("lags_y", index=0), both("lags_x", index=1))
    wavelet = "-" if row["wavelet_sigma"] is None else f"{255 * row['wavelet_sigma']:.1f}"
    return [name, str(row["images"]), both("sigma", 255, 1), wavelet, both("gain", 255), *lags, verdict]


def _number(found: dict[str, Any] | None, key: str, scale: float, digits: int, index: int | None) -> str:
    if not found or found.get(key) is None:
        return "-"
    number = found[key] if index is None else found[key][index]
    return f"{scale * number:.{digits}f}"
