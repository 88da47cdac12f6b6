"""The noise of one mosaic: gain and read noise as they were made, and a transformation that makes them 1 and goes back."""

import numpy as np
import pytest

from bsn.noise import measure_noise
from bsn.noise.sensor import MosaicNoise, Stabiliser, measure_sensor

GAIN, READ = 0.002, 0.004


def ramp(size=(512, 512)):
    """A mosaic RGGB whose colours rise at different rates."""
    picture = np.linspace(0.02, 0.6, size[1])[None] * np.ones((size[0], 1))
    picture[::2, ::2] *= 0.5
    picture[1::2, 1::2] *= 0.7
    return picture


def noisy(clean, seed=0, gain=GAIN, read=READ):
    generator = np.random.default_rng(seed)
    return generator.poisson(clean / gain) * gain + generator.normal(0, read, clean.shape)


def test_gain_and_read_noise_are_found_on_one_mosaic():
    found = measure_sensor(noisy(ramp()), (0, 1), black_known=True)
    assert found.gain == pytest.approx((GAIN,) * 4, rel=0.05)
    for value in (0.03, 0.1, 0.5):
        assert found.variance(np.full(4, value)) == pytest.approx([GAIN * value + READ**2] * 4, rel=0.15)


def test_colours_that_were_multiplied_after_the_amplifier_are_told():
    mosaic = noisy(ramp())
    mosaic[::2, ::2] *= 2.0
    found = measure_sensor(mosaic, (0, 1), black_known=True)
    assert found.gain == pytest.approx((2 * GAIN, GAIN, GAIN, GAIN), rel=0.1)


def test_each_plane_is_measured_by_itself_where_black_is_unknown():
    flat = np.random.default_rng(0).normal(0.015, 0.001, (256, 256))
    flat[1::2, 1::2] = np.random.default_rng(1).normal(0.03, 0.003, (128, 128))
    found = measure_sensor(flat, (0, 1), black_known=False)
    assert found.gain[:3] == (0.0,) * 3
    assert np.sqrt(found.variance(np.array([0.015] * 3 + [0.03]))) == pytest.approx([0.001] * 3 + [0.003], rel=0.05)


def test_texture_of_the_half_size_planes_is_no_noise():
    rows, columns = np.indices((512, 512))
    clean = 0.3 + 0.1 * np.sin(columns * 0.7) + 0.1 * np.sin(rows * 0.6)
    mosaic, wanted = noisy(clean, gain=0.0005), 0.0005 * 0.3 + READ**2
    in_plane = measure_noise([np.stack([mosaic[::2, ::2]])])
    assert in_plane.gain * 0.3 + in_plane.constant > 5 * wanted
    found = measure_sensor(mosaic, (0, 1), black_known=True)
    assert found.variance(np.full(4, 0.3)) == pytest.approx([wanted] * 4, rel=0.3)


def test_small_and_noiseless_mosaics_have_an_answer():
    assert measure_sensor(np.full((64, 64), 0.5), (0, 1), black_known=True).constant == (0.0,) * 4
    small = measure_sensor(np.random.default_rng(0).normal(0.5, 0.01, (24, 24)), (0, 1), black_known=True)
    assert small.constant[1] ** 0.5 == pytest.approx(0.01, rel=0.3)


@pytest.mark.parametrize(("gain", "read"), [(0.002, 0.004), (0.02, 0.01), (0.0, 0.05), (0.01, 0.0)])
def test_stabilised_noise_is_1_and_the_way_back_is_unbiased(gain, read):
    levels = np.array([0.05, 0.1, 0.3, 0.9])
    clean = np.repeat(levels[:, None], 200_000, 1)[:, None]
    seen = noisy(clean, gain=gain, read=read) if gain else clean + np.random.default_rng(0).normal(0, read, clean.shape)
    stabiliser = Stabiliser(MosaicNoise((gain,) * 4, (read**2,) * 4), 1.0)
    values = stabiliser.forward(seen)
    assert values.std(2).ravel() == pytest.approx([1] * 4, abs=0.07)
    back = stabiliser.inverse(values.mean(2, keepdims=True)).ravel()
    assert back == pytest.approx(levels, rel=0.01)


def test_an_offset_does_not_change_the_transformation():
    noise = MosaicNoise((0.002,) * 4, (1e-5,) * 4)
    lifted = MosaicNoise((0.002,) * 4, (1e-5 - 0.002 * 0.1,) * 4)
    planes = np.random.default_rng(0).uniform(0.05, 0.5, (4, 3, 5))
    np.testing.assert_allclose(
        Stabiliser(lifted, 1.0).inverse(Stabiliser(lifted, 1.0).forward(planes + 0.1)) - 0.1,
        Stabiliser(noise, 1.0).inverse(Stabiliser(noise, 1.0).forward(planes)),
        atol=1e-6,
    )
