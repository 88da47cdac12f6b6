"""The whole inference against the published programs."""

import dataclasses

import pytest
import torch

from bsn.inference import InferenceConfig, make_pipeline
from bsn.inference.refinement import Refinement
from bsn.models import TBSN, DBSNl, InferenceDefaults, Model, ValueScale, create
from tests.helpers.golden import assert_close, load_golden


def published(name, kind, scale, inference):
    golden = load_golden(f"tbsn/{name}.safetensors")
    network = kind.from_official({k: v.double() for k, v in golden.weights.items()}, golden.config["network"])
    return golden, Model(network, scale, inference)


def denoised(model, x, **options):
    return make_pipeline(model, InferenceConfig(**options))(x)[0]


def refined(model, x, draws, passes):
    """With the random numbers that the published program drew."""

    class Drawn(Refinement):
        def uniforms(self, *_):
            return iter(draws.double())

    pipeline = make_pipeline(model, InferenceConfig(r3_passes=passes))
    drawn = Drawn(**dataclasses.asdict(pipeline.refinement))
    return dataclasses.replace(pipeline, refinement=drawn)(x)[0]


def test_tbsn():
    golden, model = published("pipeline_tbsn_r3", TBSN, ValueScale.eight_bit(), InferenceDefaults(2, None, 128))
    x = golden["input"].double()
    assert_close(denoised(model, x), golden["output_no_r3"], 1e-5)
    assert_close(denoised(model, x, r3_passes=1, r3_probability=0.0), golden["output_r3_T1_p0"], 1e-5)
    assert_close(refined(model, x, golden["rand"], 3), golden["output64"], 1e-12)


def test_ap_bsn():
    golden, model = published("pipeline_apbsn_r3", DBSNl, ValueScale(), InferenceDefaults(2, 2, 120))
    x = golden["input"].double()
    assert_close(refined(model, x, golden["rand"], 3), golden["output64"], 1e-12)
    assert_close(denoised(model, golden["odd.input"].double()), golden["odd.output_no_r3"], 1e-5)
    assert_close(denoised(model, x, stride=1), golden["pd1.output"], 1e-5)


def test_ensemble_averages_the_eight_published_views():
    geometry = load_golden("tbsn/geometry.safetensors")
    seen = []

    class Recorder(torch.nn.Module):
        lattice, size_multiple, halo, global_statistics, channels = 1, 1, 0, False, 2

        def forward(self, x):
            seen.append(x)
            return x

    x = geometry["input"]
    out = denoised(Model(Recorder()), x, ensemble=True)
    assert torch.allclose(out, x)
    assert len(seen) == 8
    for index, view in enumerate(seen):
        assert torch.equal(view, geometry[f"tbsn.ensemble.{index}"])


def test_a_model_of_two_views_is_averaged_over_the_image_and_its_transpose():
    torch.manual_seed(0)
    network = create("tiny", channels=1)
    x = torch.rand(1, 1, 20, 36)
    with torch.no_grad():
        both = (network(x) + network(x.transpose(-1, -2)).transpose(-1, -2)) / 2
    assert_close(denoised(Model(network, inference=InferenceDefaults(views=2)), x), both, 1e-6)
    eight = [denoised(Model(network, inference=InferenceDefaults(views=views)), x, ensemble=True) for views in (1, 2)]
    assert torch.equal(*eight)


def test_random_replacement_has_a_seed():
    torch.manual_seed(0)
    model = Model(DBSNl.from_official(*_small_weights()), ValueScale())
    x = torch.rand(1, 3, 20, 20)
    runs = [denoised(model, x, r3_passes=2, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def _small_weights():
    golden = load_golden("tbsn/dbsnl_c8_m2.safetensors")
    return golden.weights, golden.config


def test_images_smaller_than_the_lattice_are_refused():
    model = Model(TBSN.from_official(*_grad_weights()), ValueScale(), InferenceDefaults(5))
    with pytest.raises(
        ValueError, match="4 x 40 pixels is smaller than 10 pixels, .* use a smaller stride or a larger image"
    ):
        denoised(model, torch.zeros(1, 3, 4, 40))


def _grad_weights():
    golden = load_golden("tbsn/grad_tbsn_d8.safetensors")
    return golden.weights, golden.config
