"""The card of an exported file holds: tiles by its rule equal the whole, and float16 files stay within their tolerance."""

import hashlib
import json

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from bsn.data import DataError
from bsn.models import Model, ValueScale, load
from distill.export import ExportError, check_exportable, export_onnx, quantise_onnx, read_card, write_card
from distill.export.card import made_for, noise_of
from distill.export.half import halved
from distill.export.onnx import check_onnx
from tests.helpers.networks import randomise, small

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra [export] is not installed")


def student(channels=1, **provenance):
    torch.manual_seed(0)
    return Model(randomise(small("tiny", channels=channels), 0).eval(), ValueScale(0.3, 0.4), provenance=provenance)


def run(path, image):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"image": image})[0]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("card") / "student.onnx"
    export_onnx(student(trained_for="stars"), path)
    return path


def by_tiles(path, image, halo, grid, side):
    """A literal reading of the rule of the card."""
    result = np.full_like(image, np.nan)
    height, width = image.shape[2:]
    margin = -(-halo // grid) * grid
    for top in range(0, height, side):
        for left in range(0, width, side):
            y, x = max(top - margin, 0), max(left - margin, 0)
            tile = run(path, np.ascontiguousarray(image[:, :, y : top + side + margin, x : left + side + margin]))
            rows, columns = min(side, height - top), min(side, width - left)
            result[:, :, top : top + side, left : left + side] = tile[
                :, :, top - y : top - y + rows, left - x : left - x + columns
            ]
    return result


def test_tiles_by_the_rule_of_the_card_equal_the_whole(exported):
    tiles = read_card(exported)["tiles"]
    image = np.random.default_rng(0).random((1, 1, 97, 201), np.float32)
    whole = run(exported, image)
    assert np.abs(by_tiles(exported, image, tiles["halo"], tiles["grid"], 64) - whole).max() < 1e-6
    assert np.abs(by_tiles(exported, image, 0, tiles["grid"], 64) - whole).max() > 1e-3
    assert tiles["tile"] % tiles["grid"] == 0
    assert tiles["tile"] >= 2 * tiles["halo"] + tiles["grid"]


def test_the_card_says_what_goes_in_and_what_it_is_for(exported):
    target = write_card(exported)
    assert target.name == "student.card.json"
    card = json.loads(target.read_text())
    (entry,) = onnxruntime.InferenceSession(str(exported)).get_inputs()
    assert (card["input"]["name"], card["input"]["axes"], card["input"]["dtype"]) == (entry.name, "NCYX", "float32")
    assert (card["input"]["channels"], card["input"]["range"], card["precision"]) == (1, [0, 1], "float32")
    assert card["made_for"] == "stars"
    assert card["sha256"] == hashlib.sha256(exported.read_bytes()).hexdigest()
    assert card["parameters"] == sum(weights.numel() for weights in student().network.parameters())
    with pytest.raises(DataError, match="exists already"):
        write_card(exported)
    bare = onnx.load(exported)
    del bare.metadata_props[:]
    onnx.save(bare, exported.parent / "bare.onnx")
    with pytest.raises(ValueError, match="has no card"):
        read_card(exported.parent / "bare.onnx")


@pytest.mark.parametrize(
    ("provenance", "kind"),
    [
        ({"kind": "camera"}, "shared"),
        ({"hole": "square:5", "stride": 1}, "shared"),
        ({"stride": 5}, "shared"),
        ({"stride": 1, "noise": "poisson-gaussian"}, "independent"),
        ({"teacher": {"provenance": {"stride": 5, "training_images": 3}}}, "shared"),
        ({"made": "by hand"}, "not stated"),
    ],
)
def test_the_noise_is_that_of_the_training(provenance, kind):
    assert noise_of(student(**provenance))["kind"] == kind


def test_purposes():
    assert noise_of(load("photo-tiny"))["kind"] == "independent"
    assert made_for(load("camera")).startswith("files of cameras")
    assert "the 3 images that" in made_for(student(teacher={"provenance": {"training_images": 3}}))
    assert "degraded like the pairs" in made_for(student(training_pairs=4))


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3])
def test_a_float16_file_is_half_as_large_and_within_its_tolerance(tmp_path, channels):
    model = student(channels)
    export_onnx(model, tmp_path / "whole.onnx", check=False)
    assert export_onnx(model, tmp_path / "half.onnx", fp16=True) <= 2e-3
    whole, half = (onnx.load(tmp_path / f"{name}.onnx") for name in ("whole", "half"))
    onnx.checker.check_model(half, full_check=True)
    assert weight_bytes(half) < 0.55 * weight_bytes(whole)
    assert weight_bytes(half) == pytest.approx(
        2 * sum(v.numel() for v in model.network.merged().parameters()), rel=0.02
    )
    image = np.random.default_rng(0).random((1, channels, 41, 50), np.float32)
    expected, found = (run(tmp_path / f"{name}.onnx", image) for name in ("whole", "half"))
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() <= 2e-3
    assert read_card(tmp_path / "half.onnx")["precision"] == "float16"


def weight_bytes(proto):
    return sum(len(weights.raw_data) for weights in proto.graph.initializer)


def test_the_image_keeps_its_own_precision_in_a_float16_graph():
    """A network that takes nothing off gives every sixteen-bit value back; in float16 half of them would be lost."""
    image = (np.arange(0, 65536, 16, dtype=np.float32) / 65535).reshape(1, 1, 64, 64)
    layer = helper.make_node("Conv", ["image", "weights"], ["noise"])
    nodes = [layer, helper.make_node("Sub", ["image", "noise"], ["rest"]), helper.make_node("Neg", ["rest"], ["minus"])]
    nodes += [helper.make_node("Neg", ["minus"], ["denoised"])]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, image.shape)] for name in ("image", "denoised")]
    weights = numpy_helper.from_array(np.zeros((1, 1, 1, 1), np.float32), "weights")
    opset = [helper.make_opsetid("", 18)]
    proto = halved(
        helper.make_model(helper.make_graph(nodes, "x", *ends, [weights]), opset_imports=opset, ir_version=10)
    )
    (kernel,) = proto.graph.initializer
    assert kernel.data_type == TensorProto.FLOAT16
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"image": image})[0], image)


def test_numbers_that_float16_does_not_have_are_found(exported, tmp_path):
    """The file of other weights stands for one whose numbers overflowed."""
    with pytest.raises(ExportError, match="more than 0.002; export it without fp16"):
        check_onnx(exported, Model(student().network, ValueScale(0.3, 0.4e6)), precision="float16")


def test_results_that_are_no_numbers_are_found(exported):
    broken = student()
    torch.nn.init.constant_(next(broken.network.parameters()), np.nan)
    with pytest.raises(ExportError, match="differs from PyTorch by inf"):
        check_onnx(exported, broken)


def test_the_card_of_an_int8_file(exported, tmp_path):
    images = [np.random.default_rng(0).random((1, 1, 32, 32), np.float32)]
    quantise_onnx(exported, tmp_path / "small.onnx", images)
    assert read_card(tmp_path / "small.onnx")["precision"] == "int8"
    assert read_card(tmp_path / "small.onnx")["made_for"] == "stars"


def test_half_plane_networks_are_refused():
    """They are blind, and their pictures come from a filter behind the network."""
    with pytest.raises(ExportError, match="distil it into a student first"):
        check_exportable(Model(small("halfplane")))
