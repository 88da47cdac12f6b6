"""Distillation on real microscopy (W2S), and what it saves.

    python -m benchmarks.distill students --teacher RUN     teacher, unet, light, tiny on the held-out fields
    python -m benchmarks.distill ablation --teacher RUN     our options one by one, equal steps, student tiny
    python -m benchmarks.distill speed                      steps/s from the cache, full-size TBSN against the students
    python -m benchmarks.distill export                     ONNX size, int8 loss, onnxruntime time (after "students")

RUN is a model trained by benchmarks.w2s on the fields that the index marks "train"; students learn from the same noisy frames
and are scored on the fields marked "test" with the protocol "affine". Writes benchmarks/results/distill_<part>.json; runs
go to --work.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.datasets import pairs
from benchmarks.measure import alternate, write_result
from bsn.data import ArraySource, open_source, read_image, to_planes
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.models import InferenceDefaults, Model, ValueScale, create
from distill import DistillConfig, ModelTeacher, TeacherInference, distil, make_cache
from distill.report import Contender, compare
from distill.run import build_task

STEPS = {"tiny": 2000, "light": 1500, "unet": 400}
FULL_PASSES = 9  # the first, of stride 2, and eight of random replacement


def images(data: Path, split: str) -> list[str]:
    return [str(pair.degraded) for pair in pairs(data, "w2s", split)]


def quick(steps: int, **changes) -> LoopConfig:
    settings = {"ema": 0.99, "warmup_steps": 50, "validate_every": 0, "checkpoint_every": 0, **changes}
    return LoopConfig(steps=steps, **settings)


def students(options) -> dict:
    """Students of the teacher's full inference: every view of the self-ensemble."""
    inference = TeacherInference(ensemble=options.ensemble)
    teacher = ModelTeacher(options.teacher, inference, "cpu")
    cache = options.work / "w2s.cache.h5"
    start = time.perf_counter()
    make_cache(teacher, open_source(images(options.data, "train")), cache)
    content: dict = {"cache_seconds": time.perf_counter() - start, "ensemble": options.ensemble, "runs": {}}
    for name, steps in STEPS.items():
        run = options.work / name
        shutil.rmtree(run, ignore_errors=True)
        config = DistillConfig(student=name, crop=64, loss="l2")
        result = distil(teacher, images(options.data, "train"), run, config, quick(steps), cache=cache)
        content["runs"][name] = {"steps": result.steps, "seconds": result.seconds, **result.validation}
        print(name, content["runs"][name], flush=True)
    (full,) = inference.configs("cpu")
    contenders = [Contender(name, Denoiser(options.work / name, device="cpu")) for name in STEPS]
    one = Contender("teacher, one pass", Denoiser(options.teacher, device="cpu"))
    test, protocol = pairs(options.data, "w2s", "test"), get_protocol("affine")
    teacher_full = Contender("teacher, full inference", Denoiser(options.teacher, full))
    comparison = compare(teacher_full, [one, *contenders], test, protocol)
    for row in comparison.rows:
        print(
            f"{row['name']:<24} {row['psnr']:.3f} dB  lost {row['db_lost']:+.3f}  {row['ms_per_megapixel']:.0f} ms/Mpx"
        )
    return {**content, "protocol": comparison.protocol, "test_images": comparison.images, "rows": comparison.rows}


VARIANTS: dict[str, tuple[dict, dict]] = {
    "l2": ({}, {}),
    "l1 (published)": ({"loss": "l1"}, {}),
    "+ multiscale": ({"multiscale": 0.5}, {}),
    "+ gradient": ({"gradient": 0.5}, {}),
    "no augmentation": ({"augment": False}, {}),
    "no EMA": ({}, {"ema": 0.0}),
    "unit scale": ({"value_scale": "unit"}, {}),
}


def ablation(options) -> dict:
    """Equal steps and seed, one change each; the mean over the test frames, and the agreement with the teacher."""
    train, test = images(options.data, "train"), pairs(options.data, "w2s", "test")
    rows = {}
    targets = {
        "one pass": TeacherInference(),
        "eight views": TeacherInference(ensemble=True),
        "strides 1 and 2": TeacherInference(strides=(1, 2)),
    }
    variants = [(f"target: {name}", inference, {}, {}, False) for name, inference in targets.items()]
    variants += [(name, targets["one pass"], config, loop, False) for name, (config, loop) in VARIANTS.items()]
    variants += [("one branch", targets["one pass"], {}, {}, True)]
    for name, inference, config, loop, merged in variants:
        label = "_".join(map(str, inference.strides)) + ("e" if inference.ensemble else "")
        teacher = ModelTeacher(options.teacher, inference, "cpu")
        cache = make_cache(teacher, open_source(train), options.work / f"ablation{label}.cache.h5")
        torch.manual_seed(0)
        task = build_task(cache, DistillConfig(**{"student": "tiny", "crop": 64, "loss": "l2", **config}), 0)
        if merged:
            torch.manual_seed(0)
            task.modules["network"] = create("tiny", channels=cache.image_channels, merged=True)
        rows[name] = train_and_score(task, quick(options.steps, **loop), test)
        print(f"{name:<24} {rows[name]}", flush=True)
    return {"steps": options.steps, "student": "tiny", "rows": rows}


def train_and_score(task, loop: LoopConfig, test) -> dict:
    from bsn.engine import RunFolder, fit
    from bsn.inference.scoring import score_files

    with tempfile.TemporaryDirectory() as folder:
        result = fit(task, loop, RunFolder(Path(folder, "run")))
        table = score_files(test, get_protocol("affine"), Denoiser(Path(folder, "run"), device="cpu"))
    return {"psnr": table.means["psnr"], "ssim": table.means["ssim"], "seconds": result.seconds, **result.validation}


def speed(options) -> dict:
    """Published recipe: steps from the cache against recomputing; whole calls at 512 x 512."""
    torch.manual_seed(0)
    teacher = Model(create("tbsn", channel_attention="global"), ValueScale.eight_bit(), InferenceDefaults(2, None, 128))
    inference = TeacherInference(strides=(2,), second_pass=True)
    rng = np.random.default_rng(0)
    config = DistillConfig(student="unet", crop=128, batch_size=8, loss="l1", value_scale="unit", validation_crops=0)
    x = torch.rand(8, 3, 128, 128)
    asked = ModelTeacher(teacher, inference, "cpu")
    denoise = asked._denoisers[0].pipeline
    start = time.perf_counter()
    for crop in x:  # what the published loop does in every step before the student learns
        denoise(crop[None])
    target_seconds = time.perf_counter() - start
    print(f"teacher's target of one batch {target_seconds:.1f} s", flush=True)
    tiny_teacher = ModelTeacher(
        create("phase-unet-tiny"), TeacherInference(), "cpu"
    )  # fills a cache of the same layout
    with tempfile.TemporaryDirectory() as folder:
        source = ArraySource([rng.integers(0, 256, (3, 256, 256), dtype=np.uint8) for _ in range(4)], "CYX")
        task = build_task(make_cache(tiny_teacher, source, Path(folder, "c.h5")), config, 0)
        optimizer = task.optimizers()["main"]
        times = []
        for step in range(5):
            start = time.perf_counter()
            (update,) = task.updates(step)
            loss, _ = update.parts[0]()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            times.append(time.perf_counter() - start)
        task.close()
    cached = float(np.median(times[1:]))
    print(f"step from the cache {cached:.2f} s: {(target_seconds + cached) / cached:.1f} x", flush=True)
    result = {"target_seconds": target_seconds, "cached_step_seconds": cached}
    result["steps_ratio"] = (target_seconds + cached) / cached
    return {**result, **calls(teacher)}


def calls(teacher: Model) -> dict:
    """Median seconds of whole calls, uint8 in to uint8 out."""
    image = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    runs = {}
    for name in ("unet", "base", "light", "tiny"):
        network = create(name)
        network = network.merged() if hasattr(network, "merged") else network
        denoiser = Denoiser(network, device="cpu")
        runs[name] = lambda denoiser=denoiser: denoiser(image, "YXC")
    seconds = alternate(runs, 15)
    for name, value in seconds.items():
        print(f"{name:<8} {1000 * value:.0f} ms at 512 x 512", flush=True)
    start = time.perf_counter()
    Denoiser(teacher, stride=2, r3_passes=1, device="cpu")(image, "YXC")
    two = time.perf_counter() - start
    full = two * FULL_PASSES / 2
    ratios = {name: full / value for name, value in seconds.items()}
    print(f"full-size TBSN: two passes {two:.1f} s, {FULL_PASSES} passes {full:.0f} s; faster by {ratios}", flush=True)
    return {"call_seconds": seconds, "tbsn_two_passes_seconds": two, "tbsn_full_seconds": full, "faster": ratios}


def export(options) -> dict:
    """ONNX files of the students of "students"."""
    from distill.export import export_onnx, quantise_onnx
    from distill.export.onnx import session

    protocol = get_protocol("affine")
    planes = [to_planes(read_image(path).pixels, "YX")[0] for path in images(options.data, "train")[:6]]
    rows = {}
    for name in STEPS:
        model = Model.load(options.work / name)
        target = options.work / f"{name}.onnx"
        difference = export_onnx(model, target, overwrite=True)
        small = target.with_suffix(".int8.onnx")
        quantise_onnx(target, small, planes, overwrite=True)
        running = {"float": session(target, 2), "int8": session(small, 2)}
        scores: dict[str, list[float]] = {kind: [] for kind in running}
        for pair in pairs(options.data, "w2s", "test"):
            noisy, clean = (to_planes(read_image(path).pixels, "YX")[0] for path in (pair.degraded, pair.clean))
            for kind, file in running.items():
                result = file.run(None, {"image": noisy})[0][0]
                scores[kind].append(protocol.score(result, clean[0]).psnr)
        times = alternate({k: lambda f=f: f.run(None, {"image": planes[0]}) for k, f in running.items()}, 9)
        rows[name] = {
            "onnx_bytes": target.stat().st_size,
            "int8_bytes": small.stat().st_size,
            "largest_difference": difference,
            "psnr": {kind: float(np.mean(values)) for kind, values in scores.items()},
            "seconds_512": times,
        }
        print(name, rows[name], flush=True)
    return {"rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["students", "ablation", "speed", "export"])
    parser.add_argument("--teacher", type=Path, default=Path("runs/w2s_phase-unet-tiny_phase_none_adamw_seed0"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("runs/distill"))
    parser.add_argument("--steps", type=int, default=400, help="of each run of the ablation")
    parser.add_argument("--ensemble", action="store_true", help="the teacher's inference is its self-ensemble")
    options = parser.parse_args()
    torch.set_num_threads(2)
    options.work.mkdir(parents=True, exist_ok=True)
    part = {"students": students, "ablation": ablation, "speed": speed, "export": export}[options.part]
    print(write_result(f"distill_{options.part}", part(options)))


if __name__ == "__main__":
    main()
