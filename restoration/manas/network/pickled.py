"""Published files of MANAS are whole pickled networks. They are read here without running anything in them.

The file is a zip archive of a pickle and of raw numbers. The pickle is read by an unpickler that knows a handful of harmless
functions of its own; every class of the network becomes an inert stand-in that only keeps its attributes, and everything else
is refused.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bsn.models import ModelFileError, read_published

__all__ = ["read_checkpoint", "read_pickled"]

_STAND_INS = ("Models", "Networks", "operations", "torch.nn.modules", "torch.nn.parallel")
_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class _StandIn:
    """Instance of a class that is not imported: attributes, and nothing that runs."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, Mapping):
            self.__dict__.update(state)


class _Refused(pickle.UnpicklingError):
    """Something in a pickle that could run."""


def _stand_in(name: str) -> type[_StandIn]:
    return type(name, (_StandIn,), {})


class _Unpickler(pickle.Unpickler):
    """Reader of one archive.

    Parameters
    ----------
    archive : ZipFile
    root : str
        Folder of everything in it.
    """

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(archive.open(f"{root}data.pkl"), encoding="utf-8")
        self._archive, self._root = archive, root
        self._known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("builtins", "set"): set,
            ("__builtin__", "set"): set,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *given: _tensor(*given[:4]),
            ("torch._utils", "_rebuild_parameter"): lambda data, *rest: data,
        }
        self._stand_ins: dict[tuple[str, str], type[_StandIn]] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Harmless function of our own, or a stand-in.

        Raises
        ------
        UnpicklingError
            For anything else.
        """
        if (module, name) in self._known:
            return self._known[module, name]
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if any(module == known or module.startswith(f"{known}.") for known in _STAND_INS):
            return self._stand_ins.setdefault((module, name), _stand_in(name))
        raise _Refused(f"{module}.{name}")

    def persistent_load(self, identity: Any) -> Tensor:
        """Numbers of a storage, as a flat tensor."""
        _, dtype, key, _, count = identity
        raw = self._archive.read(f"{self._root}data/{key}")
        return torch.frombuffer(bytearray(raw), dtype=dtype, count=int(count)) if count else torch.empty(0, dtype=dtype)


def _tensor(flat: Tensor, offset: int, size: Sequence[int], stride: Sequence[int]) -> Tensor:
    return torch.as_strided(flat, tuple(size), tuple(stride), int(offset)).clone()


def _root(path: Path, archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if name.endswith("data.pkl") and name.count("/") <= 1]
    if len(names) != 1:
        raise ModelFileError(f"{path} is a zip archive, but not one of PyTorch; give a file of torch.save")
    return names[0].removesuffix("data.pkl")


def read_pickled(path: str | Path) -> dict[str, Any]:
    """Weights and chosen candidates of a pickled network; nothing in the file is run.

    Parameters
    ----------
    path : str or Path
        A file of ``torch.save(network)``, PyTorch 1.6 or later.

    Returns
    -------
    dict
        ``state_dict`` under the official keys, and ``chosen_edges`` (per cell, per branch, the number of the candidate on each
        edge) where the network tells it: what :meth:`restoration.models.MANAS.from_official` takes.

    Raises
    ------
    ModelFileError
        If it is no such file, or holds anything but a network: code is named and not run.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            content = _Unpickler(archive, _root(path, archive)).load()
    except _Refused as error:
        raise ModelFileError(
            f"{path} calls {error.args[0]}, which no network needs and which could run anything; it is not loaded. "
            "Save its bare state dict in the program that made it"
        ) from None
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}; give a published checkpoint") from None
    except ModelFileError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise ModelFileError(
            f"{path} cannot be read as a pickled network ({type(error).__name__}: {' '.join(str(error).split())[:100]}); "
            "give a complete file of torch.save"
        ) from None
    if not isinstance(content, _StandIn):
        raise ModelFileError(f"{path} holds a {type(content).__name__}, not a network")
    network = getattr(content, "_modules", {}).get("module", content)
    result: dict[str, Any] = {"state_dict": dict(_tensors(network))}
    chosen = _chosen_edges(network)
    return result | ({"chosen_edges": chosen} if chosen else {})


def _tensors(module: Any, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    for kind in ("_parameters", "_buffers"):
        for name, value in getattr(module, kind, {}).items():
            if isinstance(value, Tensor):
                yield prefix + name, value
    for name, child in getattr(module, "_modules", {}).items():
        if isinstance(child, _StandIn):
            yield from _tensors(child, f"{prefix}{name}.")


def _children(module: Any, name: str) -> list[Any]:
    return list(getattr(getattr(module, "_modules", {}).get(name), "_modules", {}).values())


def _chosen_edges(network: Any) -> list[list[list[int]]] | None:
    """Number of the candidate on each edge; None where an edge does not tell."""
    cells: list[list[list[int]]] = []
    while blocks := _children(network, f"auto{len(cells) + 1}"):
        cells.append([])
        for block in blocks:
            weights = [getattr(edge, "weights", None) for edge in _children(block, "ops")]
            if not all(isinstance(weight, Tensor) for weight in weights):
                return None
            cells[-1].append([_number(weight) for weight in weights if isinstance(weight, Tensor)])
    return cells or None


def _number(weight: Tensor) -> int:
    """A number itself, or the place of the largest of several weights."""
    return int(weight) if weight.numel() == 1 else int(weight.flatten().argmax())


def read_checkpoint(path: str | Path) -> Mapping[str, Any]:
    """Content of a published file, be it a state dict or a pickled network; nothing in it is run.

    Parameters
    ----------
    path : str or Path
        The published file.

    Returns
    -------
    mapping

    Raises
    ------
    ModelFileError
        If the file is missing, damaged or holds anything else.
    """
    readers: tuple[Callable[[str | Path], Mapping[str, Any]], ...] = (read_published, read_pickled)
    if Path(path).suffix == ".safetensors" or not zipfile.is_zipfile(path):
        readers = readers[:1]
    try:
        return readers[0](path)
    except ModelFileError:
        if len(readers) == 1:
            raise
        return readers[1](path)
