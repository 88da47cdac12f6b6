"""Choice of accelerator, precision and threads."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import torch

from bsn.engine.config import LoopConfig
from bsn.engine.errors import RunError

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.precision import Precision as PrecisionPlugin
    from lightning_fabric.strategies.ddp import DDPStrategy

__all__ = ["VARIABLES", "best_precision", "is_first_process", "make_fabric"]

# Lightning describes the processes of a run in the environment; cuBLAS is told to repeat itself.
VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "GLOBAL_RANK",
    "LOCAL_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
    "NODE_RANK",
    "WORLD_SIZE",
)
MixedPrecision = Literal["32-true", "bf16-mixed"]

_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")  # what launchers tell the processes that they start
_LONGEST_WAIT = timedelta(days=7)  # of one process for another: a file may take that long


def is_first_process() -> bool:
    """Whether this process speaks for its run: the only one, or the first of several on the first machine."""
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def best_precision(device: str) -> MixedPrecision:
    """Name the mixed precision for a device: "bf16-mixed" if it computes in bfloat16 natively, else "32-true".

    Parameters
    ----------
    device : {"cpu", "cuda", ...}
        Kind of the device.
    """
    if device.startswith("cuda"):
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return "bf16-mixed" if native else "32-true"


def make_fabric(config: LoopConfig) -> Fabric:
    """Lightning Fabric for a run: device, number of processes, precision.

    Parameters
    ----------
    config : LoopConfig
        Settings of the loop.

    Returns
    -------
    Fabric

    Raises
    ------
    RunError
        If a GPU is asked for and there is none, or not as many.
    """
    from lightning_fabric import Fabric

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if config.accelerator == "gpu" and not gpus:
        raise RunError("accelerator 'gpu' was asked for, but PyTorch sees no CUDA device; use 'cpu' or 'auto'")
    use_gpu = gpus > 0 and config.accelerator != "cpu"
    if use_gpu and config.devices > gpus:
        raise RunError(f"{config.devices} devices were asked for, but there are {gpus} GPUs; use --devices {gpus}")
    device = "cuda" if use_gpu else "cpu"
    precision: MixedPrecision | Literal["16-mixed"] = (
        best_precision(device) if config.precision == "auto" else config.precision
    )
    if not use_gpu and config.devices > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // config.devices))
    if config.deterministic and use_gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    # Fabric announces precision and ranks on its own loggers; the run's log says it in one line.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    return Fabric(
        accelerator="gpu" if use_gpu else "cpu",
        devices=config.devices,
        num_nodes=config.num_nodes,
        strategy=_strategy() if config.devices * config.num_nodes > 1 else "auto",
        plugins=_plugin(precision, device),
    )


def _plugin(precision: MixedPrecision | Literal["16-mixed"], device: str) -> PrecisionPlugin:
    """Autocast chooses the precision operation by operation; Fabric would round what a module is given beforehand.

    A noise model computes in float32, a network adds its correction to the pixels as they are, and arguments need not be
    tensors.
    """
    from lightning_fabric.plugins.precision import MixedPrecision as Autocast
    from lightning_fabric.plugins.precision import Precision as PrecisionPlugin

    if precision == "32-true":
        return PrecisionPlugin()

    class AutocastAlone(Autocast):
        def convert_input(self, data: Any) -> Any:
            return data

    return AutocastAlone(precision, device)


def _strategy() -> DDPStrategy:
    from lightning_fabric.strategies.ddp import DDPStrategy

    return DDPStrategy(timeout=_LONGEST_WAIT)
