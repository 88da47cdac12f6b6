"""Published files are pickled networks: they are read without their classes, and nothing in them runs."""

import io
import os
import pickle
import sys
import types
import zipfile

import pytest
import torch

from bsn.models import ModelFileError
from bsn.models.convert import convert
from restoration.manas.genotype import genotype_of_indices
from restoration.manas.network.pickled import read_checkpoint, read_pickled
from restoration.manas.space import Shape
from restoration.models import MANAS
from tests.helpers.official_manas import official_key

SHAPE = Shape((16, 16), (1, 2))
EDGES = [[[2, 8, 1], [0, 7, 3]]]


@pytest.fixture
def foreign(monkeypatch):
    """A module of classes that exists while files are written, and no more when they are read."""
    module = types.ModuleType("Models.network")
    module.Net = type("Net", (torch.nn.Module,), {"__module__": "Models.network"})
    module.Edge = type("Edge", (torch.nn.Module,), {"__module__": "Models.network"})
    for name in ("Models", "Models.network"):
        sys.modules[name] = module
    yield module
    for name in ("Models", "Models.network"):
        sys.modules.pop(name, None)


def nested(state, foreign):
    """Modules of foreign classes that hold a state dict, the way a whole pickled network does."""
    root = foreign.Net()
    for key, value in state.items():
        *path, leaf = key.split(".")
        module = root
        for depth, name in enumerate(path):
            if name not in module._modules:
                is_edge = depth == 3 and path[0].startswith("auto") and path[2] == "ops"
                module.add_module(name, foreign.Edge() if is_edge else foreign.Net())
            module = module._modules[name]
        if value.is_floating_point() and "running" not in leaf:
            module.register_parameter(leaf, torch.nn.Parameter(value))
        else:
            module.register_buffer(leaf, value)
    return root


@pytest.fixture
def network():
    torch.manual_seed(0)
    genotype = genotype_of_indices([0, 1], EDGES, SHAPE)
    return MANAS(genotype, prune=False).eval()


@pytest.fixture
def file(network, foreign, tmp_path):
    root = nested({official_key(k.removeprefix("body.")): v for k, v in network.state_dict().items()}, foreign)
    for branch, numbers in enumerate(EDGES[0]):
        block = root._modules["auto1"]._modules[str(branch)]._modules["ops"]
        for edge, number in enumerate(numbers):
            # "none" and "skip" have no weights, but the edge is there.
            block._modules[str(edge)].weights = torch.tensor(number)
    torch.save(root, tmp_path / "net.pth")
    del sys.modules["Models"], sys.modules["Models.network"]
    return tmp_path / "net.pth"


def test_a_whole_pickled_network(file, network):
    content = read_pickled(file)
    assert content["chosen_edges"] == EDGES
    again = MANAS.from_official(content, {})
    assert again.config.genotype == network.config.genotype
    x = torch.rand(1, 3, 10, 12)
    with torch.no_grad():
        assert torch.equal(again(x), network(x))


def test_conversion(file, network, tmp_path):
    x = torch.rand(1, 3, 10, 12)
    with torch.no_grad():
        assert torch.equal(convert(file, "manas").network(x), network(x))
    state = {official_key(k.removeprefix("body.")): v for k, v in network.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "bare.pth")
    assert "state_dict" in read_checkpoint(tmp_path / "bare.pth")
    with pytest.raises(ValueError, match="weights do not say which attention candidate"):
        convert(tmp_path / "bare.pth", "manas")


def test_torch_itself_refuses_the_file(file):
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file, weights_only=True)


class Evil:
    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def test_code_is_named_and_not_run(tmp_path):
    torch.save(Evil(tmp_path / "ran"), tmp_path / "evil.pth")
    for reader in (read_pickled, read_checkpoint):
        with pytest.raises(ModelFileError, match=r"posix.mkdir.*could run anything"):
            reader(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def pickled(tmp_path, payload):
    path = tmp_path / "made.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("made/data.pkl", payload)
    return path


@pytest.mark.parametrize(
    "name", ["builtins eval", "builtins getattr", "torch load", "torch._utils _rebuild_tensor", "functools partial"]
)
def test_other_functions_are_refused(tmp_path, name):
    module, function = name.split()
    payload = f"c{module}\n{function}\n.".encode()
    with pytest.raises(ModelFileError, match=f"{module}.{function}"):
        read_pickled(pickled(tmp_path, payload))


def test_stand_ins_run_nothing(tmp_path):
    """A name inside a known package is not looked up, whatever it is there."""
    payload = b"ctorch.nn.modules.module\nos.system\n(Vtouch ran\ntR."
    assert read_pickled(pickled(tmp_path, payload)) == {"state_dict": {}}


def test_broken_files(tmp_path, file):
    with pytest.raises(ModelFileError, match="there is no file"):
        read_pickled(tmp_path / "missing.pth")
    raw = file.read_bytes()
    (tmp_path / "short.pth").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ModelFileError):
        read_checkpoint(tmp_path / "short.pth")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("text", "hello")
    with pytest.raises(ModelFileError, match="not one of PyTorch"):
        read_pickled(tmp_path / "other.zip")
    with pytest.raises(ModelFileError, match="holds a list, not a network"):
        read_pickled(pickled(tmp_path, pickle.dumps([1, 2], 2)))
    buffer = io.BytesIO()
    pickle.dump({"a": 1}, buffer, 2)
    with pytest.raises(ModelFileError, match="cannot be read as a pickled network"):
        read_pickled(pickled(tmp_path, buffer.getvalue()[:-3]))
