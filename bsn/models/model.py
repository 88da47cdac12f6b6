"""A network with everything needed to use it, and its file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bsn.data.errors import writing
from bsn.data.files.atomic import atomic_output
from bsn.engine.side_effects import generators_restored
from bsn.models.interface import ImageNetwork, main_output
from bsn.models.registry import build, network_name
from bsn.models.storage import Bits, restored, shortened
from bsn.models.training_values import TrainingValues
from bsn.noise.model import NoiseModel
from bsn.noise.value_scale import ValueScale

__all__ = ["InferenceDefaults", "Model", "ModelFileError", "stored_config"]

FORMAT = "bsn-model-1"

OutlierTreatment = Literal["keep", "repair", "ignore"]


class ModelFileError(ValueError):
    """A model file cannot be read, or is not one of ours."""


@dataclass(frozen=True)
class InferenceDefaults:
    """How a model wants to be used, decided when it was trained.

    Parameters
    ----------
    stride : int
        Stride of the pixel-shuffle downsampling; 1 for white noise.
    mosaic_margin : int, optional
        None: sub-images stacked on the batch (TBSN). Otherwise one mosaic with this margin (AP-BSN).
    training_crop : int
        Side in pixels of what the network saw in training (sub-images); tiles of networks with global statistics are
        never smaller.
    grey_as_colour : bool
        A network for colour that has also learned grey images, given to it once per channel.
    wiener : bool
        Bring details of the noisy image back (:mod:`bsn.noise.wiener`).
    cut_spots : bool
        A network for photographs, which bright spots in the dark disturb (:mod:`bsn.inference.mending`).
    outliers : {"keep", "repair", "ignore"}
        What becomes of single pixels far from their surroundings, see :class:`bsn.inference.InferenceConfig`. "ignore" for
        models of restoration, whose degradation may be just that.
    hole : str, optional
        Hole of a half-plane network for denoising, smaller than that of its training; None: that of its training.
    polish : bool
        Results for photographs get a second pass by the model in the box for cameras (:mod:`bsn.inference.polishing`).
    context_axis : str
        Axis of stacks along which a network with context takes its neighbours, "T" or "Z"; empty takes T where there is one,
        else Z.
    fixed_pattern : {"keep", "subtract"}
        "subtract" takes off what all frames of a stack share, see :class:`bsn.inference.InferenceConfig`.
    views : {1, 2}
        2: the result is the mean over the image and its transpose, whose errors differ; twice the time.
    tones : bool
        Results of photographs with strong noise get the tones of its median (:mod:`bsn.inference.tones`). Those that get the
        second pass of `polish` do so anyway.
    """

    stride: int = 1
    mosaic_margin: int | None = None
    training_crop: int = 128
    grey_as_colour: bool = False
    wiener: bool = False
    cut_spots: bool = False
    outliers: OutlierTreatment = "keep"
    hole: str | None = None
    polish: bool = False
    context_axis: str = ""
    fixed_pattern: Literal["keep", "subtract"] = "keep"
    views: Literal[1, 2] = 1
    tones: bool = False

    def stored(self) -> dict[str, Any]:
        """Fields as JSON values; rare ones only where they are set, so that older programs read the files of the others."""
        unset = {
            "cut_spots": False,
            "outliers": "keep",
            "hole": None,
            "polish": False,
            "context_axis": "",
            "fixed_pattern": "keep",
            "views": 1,
            "tones": False,
        }
        return {
            name: value for name, value in dataclasses.asdict(self).items() if name not in unset or unset[name] != value
        }


@dataclass
class Model:
    """A network, its value scale, and where it comes from.

    Parameters
    ----------
    network : nn.Module
        A registered network.
    scale : ValueScale
        Map between image values and network values.
    inference : InferenceDefaults
        Inference that the model was trained for.
    provenance : dict
        Preset or published file, training data, steps, scores: whatever a reader of the file should know. JSON values.
    weights_licence : str
        Terms of the weights (the data they were trained on may restrict their use).
    noise : NoiseModel, optional
        Noise by which the noisy pixel is weighted, for networks that predict mean and covariance.
    training_values : TrainingValues, optional
        Values of the training images; None in files that do not tell them.
    """

    network: ImageNetwork
    scale: ValueScale = field(default_factory=ValueScale)
    inference: InferenceDefaults = field(default_factory=InferenceDefaults)
    provenance: dict[str, Any] = field(default_factory=dict)
    weights_licence: str = "not stated"
    noise: NoiseModel | None = None
    training_values: TrainingValues | None = None

    @property
    def channels(self) -> int:
        """Channels of the images it denoises."""
        return self.network.channels

    @property
    def context(self) -> int:
        """Neighbouring frames on each side that the network takes."""
        return int(getattr(self.network, "context", 0))

    @torch.no_grad()
    def predict(self, x: Tensor, available: Tensor | None = None) -> Tensor:
        """One pass of the network in image values.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W), float, range of the images ([0, 1] for integer images)
            Noisy images; for a network with context also windows (N, (2 k + 1) C, H, W) of :func:`bsn.frames.windows`.
        available : Tensor, shape (N, 2 k), optional
            1 for the neighbours of a window that are there, 0 for the others; None: all are.

        Returns
        -------
        Tensor, shape (N, C, H, W)
            Not clipped. Of a network that predicts mean and covariance, the mean: what the surroundings say of each pixel.
            :class:`bsn.inference.Denoiser` combines it with the noisy pixel.
        """
        seen = self.scale.to_network(x)
        outputs = main_output(self.network(seen) if available is None else self.network(seen, available=available))
        return self.scale.to_image(outputs[:, : self.channels])

    def save(self, path: str | Path, *, bits: Bits = 32) -> None:
        """Write a safetensors file with all of this as JSON metadata, atomically.

        Parameters
        ----------
        path : str or Path
            File to write; an existing one is replaced.
        bits : {8, 16, 32}
            Store the weights in float16 for half the size, or most of them in eight bits for a quarter
            (:mod:`bsn.models.storage`); they are computed with in float32 all the same.

        Raises
        ------
        data.DataError
            If the file cannot be written.
        """
        from safetensors.torch import save as serialise

        path = Path(path)
        metadata = {
            "format": FORMAT,
            "network": network_name(self.network),
            "config": json.dumps(stored_config(self.network)),
            "scale": json.dumps(dataclasses.asdict(self.scale)),
            "inference": json.dumps(self.inference.stored()),
            "provenance": json.dumps(self.provenance),
            "weights_licence": self.weights_licence,
            **{
                name: json.dumps(dataclasses.asdict(part))
                for name, part in (("noise", self.noise), ("training_values", self.training_values))
                if part is not None
            },
        }
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}
        with atomic_output(path, overwrite=True) as partial, writing(path):
            partial.write_bytes(serialise(shortened(tensors, bits), metadata))

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a file of :meth:`save`, or the final model of a run folder.

        Parameters
        ----------
        path : str or Path
            A ``.safetensors`` file, or a folder of ``bsn train``.

        Returns
        -------
        Model
            Model on the CPU, in eval mode.

        Raises
        ------
        ModelFileError
            If it is missing, broken, or not one of ours.
        """
        from safetensors import SafetensorError, safe_open

        path = _model_path(Path(path))
        try:
            with safe_open(str(path), "pt") as file:
                metadata = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        except (SafetensorError, OSError) as error:
            raise ModelFileError(f"{path} is not a readable safetensors file ({str(error).splitlines()[0]})") from None
        if metadata.get("format") != FORMAT:
            raise ModelFileError(
                f"{path} is a safetensors file, but not a model of this toolkit; see `bsn convert --help`"
            )
        with generators_restored():  # of weights that the file replaces
            network = build(metadata["network"], json.loads(metadata["config"]))
        _fill(network, restored(tensors), path)
        return cls(
            network.eval(),
            ValueScale(**json.loads(metadata["scale"])),
            InferenceDefaults(**_inference_of(metadata)),
            json.loads(metadata["provenance"]),
            metadata["weights_licence"],
            NoiseModel(**json.loads(metadata["noise"])) if "noise" in metadata else None,
            TrainingValues(**json.loads(metadata["training_values"])) if "training_values" in metadata else None,
        )


def stored_config(network: ImageNetwork) -> dict[str, Any]:
    """Configuration of a network as files hold it.

    Parameters
    ----------
    network : ImageNetwork
        A registered network.

    Returns
    -------
    dict of str to Any
        Its fields; context only where there is some, so that older programs read the files of the others.
    """
    fields = dataclasses.asdict(network.config)
    return {name: value for name, value in fields.items() if not name.startswith("context") or value}


def _inference_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Stored inference; restoration models of versions that did not store the treatment of outliers ignore them, too."""
    restores = "training_pairs" in json.loads(metadata["provenance"])
    return {**({"outliers": "ignore"} if restores else {}), **json.loads(metadata["inference"])}


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        dtypes = {t.dtype for t in tensors.values() if t.is_floating_point()}
        if len(dtypes) == 1 and not dtypes & {torch.float16, torch.bfloat16}:  # those are for storage only
            network.to(dtypes.pop())
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        detail = " ".join(str(error).split()[:20])
        raise ModelFileError(f"the weights in {path} do not fit their own configuration: {detail}") from None


def _model_path(path: Path) -> Path:
    if path.is_dir():
        for name in ("final.safetensors", "best.safetensors"):
            if (path / name).is_file():
                return path / name
        hint = (
            "its training has not ended; resume it" if (path / "last.ckpt").exists() else "is it the folder of a run?"
        )
        raise ModelFileError(f"the folder {path} holds no final.safetensors; {hint}")
    if not path.exists():
        raise ModelFileError(f"there is no model {path}; give a .safetensors file or the folder of a run")
    if path.suffix in (".pth", ".pt", ".ckpt", ".pkl"):
        raise ModelFileError(f"{path} is a checkpoint, not a model; convert published weights with `bsn convert`")
    return path
