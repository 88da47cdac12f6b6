"""The training loop."""

from __future__ import annotations

import dataclasses
import functools
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from bsn.engine.averaging import make_average, update_average
from bsn.engine.checkpoint import capture_generators, load_checkpoint, restore_generators, save_checkpoint
from bsn.engine.config import LoopConfig, Precision
from bsn.engine.devices import is_first_process, make_fabric
from bsn.engine.errors import Interrupted, RunError, TrainingDiverged
from bsn.engine.journal import Journal
from bsn.engine.recording import Recorder
from bsn.engine.run_folder import RunFolder
from bsn.engine.run_settings import RunSettings, plain
from bsn.engine.schedule import learning_rate_factor
from bsn.engine.side_effects import process_restored
from bsn.engine.stop import StopRequest
from bsn.engine.task import Loss, Task, Update, Workers
from bsn.engine.watching import Progress, Watch, Watching

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["FitResult", "fit"]

_CALIBRATION_SKIP, _CALIBRATION_STEPS = 3, 20
_RECALIBRATION_SHARE = 0.2  # of the steps that are left
_CALIBRATION_ENDS = 0.5  # of the minutes: from then on the schedule stays as it is


@dataclass(frozen=True)
class FitResult:
    """Outcome of a run: its length in steps and seconds, last and best validation numbers, and whose weights its model has."""

    steps: int
    seconds: float
    validation: Mapping[str, float]
    best: float | None
    best_step: int | None
    kept_step: int


@process_restored()
def fit(
    task: Task,
    config: LoopConfig,
    folder: RunFolder,
    *,
    resume: bool = False,
    settings: RunSettings | None = None,
    watch: Watch | None = None,
) -> FitResult:
    """Train `task` to the end of its run.

    Parameters
    ----------
    task : Task
        What is trained: modules, updates and validation.
    config : LoopConfig
        Settings of the loop: steps, learning rate, precision and the like.
    folder : RunFolder
        Must be new, or with `resume` hold a checkpoint.
    resume : bool
        Go on from ``last.ckpt``. On the same machine and settings the run ends in the same bits as one that was never
        stopped.
    settings : RunSettings, optional
        Settings of everything but the loop; with the loop's they become config.yaml.
    watch : callable, optional
        Gets a :class:`bsn.engine.Progress` after each step, and stops the run by returning True. Of several processes, the
        first one calls it.

    Returns
    -------
    FitResult

    Raises
    ------
    RunError
        If the folder does not fit, a device is missing or a file cannot be written.
    TrainingDiverged
        If a loss is not finite.
    Interrupted
        After SIGINT or SIGTERM, or because `watch` asked for it; a checkpoint of the last finished step was written.
    """
    config = dataclasses.replace(config, steps=config.length)
    fabric = make_fabric(config)
    if fabric.global_rank == 0 and is_first_process():
        folder.check_resumable() if resume else folder.check_new()
    fabric.launch()
    loop = _Loop(task, config, folder, fabric, settings or RunSettings(), watch if fabric.is_global_zero else None)
    try:
        return loop.run(load_checkpoint(folder.checkpoint) if resume else None)
    finally:
        task.close()


def _can_record(config: LoopConfig, fabric: Fabric) -> bool:
    """Several processes talk while they compute, and loss scaling looks at the gradients."""
    alone = fabric.device.type == "cuda" and fabric.world_size == 1
    return config.graphs and alone and fabric._precision.precision != "16-mixed"


class _Loop:
    """State of one call of :func:`fit`."""

    def __init__(
        self,
        task: Task,
        config: LoopConfig,
        folder: RunFolder,
        fabric: Fabric,
        settings: RunSettings,
        watch: Watch | None,
    ) -> None:
        self.asked, config = plain(config), config.settled()
        self.watching = Watching(watch)
        self.task, self.config, self.folder, self.fabric = task, config, folder, fabric
        self.given = settings
        self.total = config.length
        self.calibrated = config.minutes is None
        self._calibration: tuple[int, float] = (_CALIBRATION_SKIP, 0.0)  # step and seconds at which it began
        self._calibrate_at = 0 if self.calibrated else _CALIBRATION_SKIP + _CALIBRATION_STEPS
        self.step = 0
        self.seconds = 0.0
        self.best: float | None = None
        self.best_step: int | None = None
        self.validation: dict[str, float] = {}

        torch.manual_seed(config.seed + fabric.global_rank)
        task.start(Workers(fabric.global_rank, fabric.world_size, str(fabric.device)))
        for module in task.modules.values():
            module.to(fabric.device)
        self.raw: dict[str, nn.Module] = dict(task.modules)
        self.average = {name: make_average(self.raw[name]) for name in task.averaged} if config.ema else {}
        for name, module in self.raw.items():
            task.modules[name] = fabric.setup_module(module) if any(True for _ in module.parameters()) else module
        self.optimizers: dict[str, Any] = {name: fabric.setup_optimizers(o) for name, o in task.optimizers().items()}
        self.recorder = Recorder(fabric.backward, self.raw.values()) if _can_record(config, fabric) else None
        self.peaks = {
            name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in self.optimizers.items()
        }

    @property
    def finished_modules(self) -> dict[str, nn.Module]:
        """What is validated and saved: averages where there are some."""
        return {**self.raw, **self.average}

    def run(self, checkpoint: dict[str, Any] | None) -> FitResult:
        if checkpoint is not None:
            self._restore(checkpoint)
        # Checkpoint and config.yaml say the same, also of settings that are younger than the run.
        if checkpoint is None or checkpoint.get("settings") != self.settings().stored():
            self._save_checkpoint()
        self._write_settings()
        total, active = self.total if self.calibrated else None, self.fabric.is_global_zero
        journal = Journal(self.folder, total, active=active, tensorboard=self.config.tensorboard, resume_step=self.step)
        started, before, first = time.monotonic(), self.seconds, self.step
        with journal, StopRequest() as stop:
            if checkpoint is not None:
                journal.say(self._resumed())
            while self.step < self.total:
                numbers, stopped = self._train_step(stop)
                self.step += 1
                self.seconds = before + time.monotonic() - started - self.watching.seconds
                journal.step(self.step, {**numbers, "seconds": round(self.seconds, 3)})
                self._calibrate(journal)
                if self._due(self.config.validate_every or 0) or self.step == self.total:
                    self._validate(journal)
                rate = (self.step - first) / max(self.seconds - before, 1e-9)
                stop.requested |= self.watching.tell(functools.partial(self._progress, numbers, rate))
                # The stop goes first: an interrupted run must not lose a step.
                if stopped or self._due(self.config.checkpoint_every) or self.step == self.total:
                    self._save_checkpoint()
                if stopped and self.step < self.total:
                    raise Interrupted(
                        f"interrupted after step {self.step} of {self.total}; continue with --resume -o {self.folder.path}"
                    )
        return FitResult(self.total, self.seconds, self.validation, self.best, self.best_step, self._write_model())

    def _progress(self, numbers: Mapping[str, float], rate: float) -> Progress:
        def save(path: Path) -> None:
            self.task.save(path, self.finished_modules, self._facts())

        total = self.total if self.calibrated else None
        return Progress(self.step, total, self.seconds, rate, numbers, dict(self.validation), save)

    def _write_model(self) -> int:
        """Write the model of the finished run; the step whose weights it has."""
        kept = self._kept_step()
        if self.fabric.is_global_zero and kept != self.step:
            shutil.copyfile(self.folder.best, self.folder.final)
        elif self.fabric.is_global_zero:
            self.task.save(self.folder.final, self.finished_modules, self._facts())
        return kept

    def _kept_step(self) -> int:
        """Step whose weights the model of the run gets: the last one, or that of the best validation."""
        if self.config.keep == "best" and self.best_step is not None and self.folder.best.is_file():
            return self.best_step
        return self.step

    def _resumed(self) -> str:
        if self.calibrated and self.step >= self.total:
            return f"the run is finished, with all of its {self.total} steps; more --steps go on from here"
        return f"going on after step {self.step}" + (f" of {self.total}" if self.calibrated else "")

    def settings(self) -> RunSettings:
        """All settings: of a run by minutes whose length is known, its steps."""
        settled = dataclasses.replace(
            self.config,
            precision=cast("Precision", self.fabric._precision.precision),
            accelerator="gpu" if self.fabric.device.type == "cuda" else "cpu",
        )
        if self.config.minutes is not None and self.calibrated:
            settled = dataclasses.replace(settled, minutes=None, steps=self.total)
        asked = {**self.asked, **self.given.asked}
        return RunSettings({**self.given.settled, **plain(settled)}, asked, self.given.facts)

    def _write_settings(self) -> None:
        if self.fabric.is_global_zero:
            self.folder.write_text(self.folder.config, self.settings().text())

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    def _train_step(self, stop: StopRequest) -> tuple[dict[str, float], bool]:
        """One step of the task: losses, backward passes, clipping, optimisers, average."""
        factor = learning_rate_factor(self.step, self.total, self.config) if self.calibrated else self._early_factor()
        numbers: dict[str, float] = {}
        stopped = False
        for update in self.task.updates(self.step):
            optimizer = self.optimizers[update.optimizer]
            for group, peak in zip(optimizer.param_groups, self.peaks[update.optimizer], strict=True):
                group["lr"] = peak * (1.0 if update.optimizer in self.task.unscheduled else factor)
            mean, logged = self._gradients(update, optimizer)
            reduced = self.fabric.all_reduce(
                torch.stack([mean, mean.new_tensor(float(stop.requested))]), reduce_op="mean"
            )
            assert isinstance(reduced, Tensor)
            # The one place of a step where the processor waits for the device.
            loss, requested = reduced.tolist()
            stopped = requested > 0
            if not math.isfinite(loss):
                raise TrainingDiverged(self._divergence(loss, update))
            self._clip(optimizer)
            optimizer.step()
            prefix = "" if update.optimizer == "main" else f"{update.optimizer}_"
            terms = {name: float(value) for name, value in logged.items()}
            numbers |= {f"{prefix}loss": loss, **terms, f"{prefix}learning_rate": optimizer.param_groups[0]["lr"]}
        for name, average in self.average.items():
            update_average(average, self.raw[name], self.config.ema, self.step)
        return numbers, stopped

    def _gradients(self, update: Update, optimizer: Any) -> Loss:
        """Mean loss, on the device, and gradients (of no use where it is not finite)."""
        if self.recorder is not None and len(update.parts) == 1:
            recorded = self.recorder.run(
                update.parts[0], [p for group in optimizer.param_groups for p in group["params"]]
            )
            if recorded is not None:
                return recorded
        optimizer.zero_grad(set_to_none=True)
        losses = []
        logged: Mapping[str, torch.Tensor | float] = {}
        for index, part in enumerate(update.parts):
            last = index == len(update.parts) - 1
            with _no_sync(self.fabric, self.task.modules, enabled=not last):
                loss, logged = part()
                self.fabric.backward(loss / len(update.parts))
                losses.append(loss.detach())
        return torch.stack(losses).mean(), logged

    def _clip(self, optimizer: Any) -> None:
        if self.config.clip is not None:
            parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
            nn.utils.clip_grad_norm_(parameters, self.config.clip)

    def _divergence(self, loss: float, update: Update) -> str:
        files = ", ".join(dict.fromkeys(update.batch)) or "unknown"
        good = f"{self.folder.checkpoint}" if self.folder.checkpoint.exists() else "none yet"
        return (
            f"the loss became {loss} at step {self.step + 1}; batch: {files}; last good checkpoint: {good}; "
            "look at these images, or lower the learning rate"
        )

    def _early_factor(self) -> float:
        return learning_rate_factor(self.step, 10**9, self.config)

    def _calibrate(self, journal: Journal) -> None:
        """Turn a budget of minutes into a number of steps; the first steps may be slower than the others."""
        if self.step == _CALIBRATION_SKIP:
            self._calibration = self.step, self.seconds
        if self.step != self._calibrate_at or self.config.minutes is None:
            return
        first_step, first_seconds = self._calibration
        pace = (self.seconds - first_seconds) / (self.step - first_step)
        budget = 60 * self.config.minutes
        left = max(1, int((0.97 * budget - self.seconds) / pace))
        again = math.ceil(_RECALIBRATION_SHARE * left) if self.seconds < _CALIBRATION_ENDS * budget else 0
        # One process decides: the others' clocks differ.
        left, again = self.fabric.broadcast(torch.tensor([left, again], device=self.fabric.device)).tolist()
        self.total = self.step + left
        self._calibration, self._calibrate_at = (self.step, self.seconds), self.step + again
        journal.set_total(self.total)
        if not self.calibrated:
            journal.say(f"{self.config.minutes:g} minutes at {1 / pace:.2f} steps/s are {self.total} steps")
            remark = self.task.remark(self.total)
            if remark is not None:
                journal.say(remark)
        self.calibrated = True
        self._write_settings()

    def _validate(self, journal: Journal) -> None:
        modules = self.finished_modules
        modes = {module: module.training for module in modules.values()}
        for module in modes:
            module.eval()
        with torch.no_grad(), self.fabric.autocast():
            if self.fabric.is_global_zero:
                self.validation = self.task.validate(self.step, modules, self.folder.samples)
        for module, training in modes.items():
            module.train(training)
        self.fabric.barrier()
        journal.validation(self.step, self.validation)
        key = self.task.monitor.removeprefix("+")
        value = self.validation.get(key)
        if value is None:
            return
        sign = -1 if self.task.monitor.startswith("+") else 1
        if self.best is None or sign * value < sign * self.best:
            self.best, self.best_step = value, self.step
            self.task.save(self.folder.best, modules, self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "steps": self.step,
            "of_steps": self.total,
            "seconds": round(self.seconds, 1),
            "seed": self.config.seed,
            "devices": self.fabric.world_size,
            "precision": self.fabric._precision.precision,
            "validation": self.validation,
        }

    def _save_checkpoint(self) -> None:
        if self.fabric.is_global_zero:
            content = {
                "step": self.step,
                "total": self.total,
                "calibrated": self.calibrated,
                "seconds": self.seconds,
                "best": self.best,
                "best_step": self.best_step,
                "validation": self.validation,
                "modules": {name: module.state_dict() for name, module in self.raw.items()},
                "average": {name: module.state_dict() for name, module in self.average.items()},
                "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
                "generators": capture_generators(),
                "task": self.task.state_dict(),
                "settings": self.settings().stored(),
            }
            save_checkpoint(self.folder.checkpoint, content)
        self.fabric.barrier()

    def _restore(self, content: dict[str, Any]) -> None:
        try:
            for name, module in self.raw.items():
                module.load_state_dict(content["modules"][name])
            for name, module in self.average.items():
                module.load_state_dict(content["average"][name])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(content["optimizers"][name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise RunError(
                f"{self.folder.checkpoint} belongs to a run of another model, noise model or optimiser; resume with the "
                f"settings it was begun with: --config {self.folder.config}"
            ) from error
        self.step, self.calibrated = content["step"], content["calibrated"] or self.config.minutes is None
        # A run may become longer; a length in minutes was turned into steps.
        self.total = max(content["total"], self.config.length) if self.config.minutes is None else content["total"]
        self.seconds, self.validation = content["seconds"], content["validation"]
        self.best, self.best_step = content["best"], content["best_step"]
        restore_generators(content["generators"])
        self.task.load_state_dict(content["task"])


def _no_sync(fabric: Fabric, modules: Mapping[str, nn.Module], *, enabled: bool) -> Any:
    import contextlib

    from lightning_fabric.wrappers import _FabricModule

    stack = contextlib.ExitStack()
    if enabled:
        for module in modules.values():
            if isinstance(module, _FabricModule):
                stack.enter_context(fabric.no_backward_sync(module))
    return stack
