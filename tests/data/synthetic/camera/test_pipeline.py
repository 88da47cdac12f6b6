"""The camera as a whole: the noise that its steps predict, and that each setting does what it says."""

import dataclasses

import numpy as np
import pytest

from bsn.data import Camera, DataError, SensorNoise, random_camera
from bsn.data.synthetic.camera.tone import ToneCurve

VIVID = ((1.5, -0.3, -0.2), (-0.2, 1.4, -0.2), (0.0, -0.4, 1.4))


def flat(*colour, side=192):
    return np.broadcast_to(np.array(colour, np.float32)[:, None, None], (3, side, side)).copy()


@pytest.mark.parametrize("demosaicing", ["bilinear", "malvar", "directed", None])
def test_a_flat_picture_comes_back_as_it_was(demosaicing):
    camera = Camera(
        0.0,
        matrix=VIVID,
        exposure=0.6,
        tone=ToneCurve(2.1, 0.03, 0.4),
        demosaicing=demosaicing,
        phase=(1, 0),
        colour_width=5,
    )
    picture = flat(0.6, 0.45, 0.5, side=16)
    noisy, clean = camera.pair(picture, 0)
    np.testing.assert_allclose(clean, picture, atol=2e-5)
    np.testing.assert_allclose(noisy, picture, atol=0.5 / 255 + 1e-4)


def test_the_simple_camera_is_a_special_case():
    picture = np.random.default_rng(0).uniform(0.1, 0.9, (3, 12, 15)).astype(np.float32)
    np.testing.assert_allclose(Camera(0.0).pair(picture, 0)[1], SensorNoise(0.0).clean(picture), atol=5e-5)


def test_light_on_the_sensor_is_worked_out_by_hand():
    # Middle grey is 0.21404 of the light; red is twice as dark, blue one and a half times, and all at half exposure.
    light = 0.21404114 * 0.5
    seen = Camera(0.0, white_balance=(2.0, 1.5), exposure=0.5).sensor(flat(0.5, 0.5, 0.5, side=4))
    np.testing.assert_allclose(seen[:2, :2], [[light / 2, light], [light, light / 1.5]], rtol=1e-4)
    # x = 1.5 r - 0.5 g leads from (0.2, 0.2) to 0.2 and from (0.4, 0.2) to 0.5: the way back is 0.5 -> 0.4.
    mixed = Camera(
        0.0, white_balance=(1.0, 1.0), matrix=((1.5, -0.5, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), demosaicing=None
    )
    tone = ToneCurve()
    picture = np.array([0.5, 0.2, 0.2])[:, None, None] * np.ones((3, 4, 4))
    seen = mixed.sensor(tone(picture).astype(np.float32))
    np.testing.assert_allclose(seen[:, 0, 0], [0.4, 0.2, 0.2], atol=1e-5)


def test_noise_has_the_strength_that_the_steps_predict():
    gain, read, exposure = 1e-4, 2e-3, 0.5
    camera = Camera(gain, read, white_balance=(2.0, 1.0), exposure=exposure, demosaicing=None, matrix=VIVID)
    noisy, clean = camera.pair(flat(0.5, 0.5, 0.5), 0)
    light = 0.21404114
    slope = 1.055 / 2.4 * light ** (1 / 2.4 - 1)
    seen = light * exposure / np.array([2.0, 1.0, 1.0])
    of_sensor = (gain * seen + read**2) * (np.array([2.0, 1.0, 1.0]) / exposure) ** 2
    expected = (np.array(VIVID) ** 2 @ of_sensor) * slope**2
    np.testing.assert_allclose((noisy - clean).var((1, 2)), expected, rtol=0.06)


def test_highlights_saturate_and_shadows_end_at_black():
    white = Camera(5e-3, 0.05, white_balance=(1.0, 1.0), exposure=2.0, demosaicing=None).pair(flat(1, 1, 1), 0)
    assert np.abs(white[1] - Camera(0.0).tone(np.array(0.5))).max() < 1e-5  # the sensor ends at half of white
    assert (white[0] <= white[1] + 0.5 / 255 + 1e-5).all()
    black = Camera(5e-3, 0.05, demosaicing=None).pair(flat(0, 0, 0), 0)
    assert black[0].min() == 0
    assert 0.47 < (black[0] == 0).mean() < 0.53  # half of the Gaussian is cut off


def test_each_finish_changes_the_noise_as_it_should():
    plain = Camera(2e-3, demosaicing="malvar")
    grey = flat(0.5, 0.5, 0.5)

    def noise(**settings):
        noisy, clean = dataclasses.replace(plain, **settings).pair(grey, 3)
        return (noisy - clean)[:, 8:-8, 8:-8]

    def colour(found):
        return (found[0] - found[1]).std()

    base = noise()
    assert noise(blur=0.4).std() < 0.8 * base.std()
    assert noise(sharpening=0.8).std() > 1.2 * base.std()
    assert colour(noise(colour_width=5)) < 0.5 * colour(base)
    assert noise(quality=75).std() < base.std()
    assert noise(scale=0.7).std() < base.std()
    assert colour(noise(quality=95, sampling="4:2:0")) < 0.8 * colour(noise(quality=95))
    assert noise(scale=0.5).shape == (3, 80, 80)


def test_the_same_seed_gives_the_same_photograph():
    picture = np.random.default_rng(0).uniform(0, 1, (3, 24, 31)).astype(np.float32)
    camera = random_camera(np.random.default_rng(4))
    assert np.array_equal(camera.pair(picture, 5)[0], camera.pair(picture, 5)[0])
    assert not np.array_equal(camera.pair(picture, 5)[0], camera.pair(picture, 6)[0])


def test_drawn_cameras_are_of_all_kinds_and_keep_grey_grey():
    rng = np.random.default_rng(0)
    cameras = [random_camera(rng) for _ in range(200)]
    assert {camera.demosaicing for camera in cameras} == {"bilinear", "malvar", "directed", None}
    assert {camera.sampling for camera in cameras} == {"4:4:4", "4:2:2", "4:2:0"}
    assert {camera.phase for camera in cameras} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert 0.5 < np.mean([camera.quality is not None for camera in cameras]) < 0.7
    scales = [camera.scale for camera in cameras]
    assert 0.6 <= min(scales) < 0.7
    assert 1.2 < max(scales) <= 1.3
    for camera in cameras:
        np.testing.assert_allclose(np.sum(camera.matrix, 1), 1)
    grey = flat(0.4, 0.4, 0.4, side=24)
    for camera in cameras[:12]:
        clean = dataclasses.replace(camera, exposure=min(camera.exposure, 1.0)).pair(grey, 0)[1]
        assert np.abs(clean - 0.4).max() < 1e-3


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": -1.0},
        {"white_balance": (0.0, 1.0)},
        {"matrix": ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))},
        {"exposure": 0.0},
        {"colour_width": 2},
        {"blur": -0.1},
        {"scale": 0.0},
        {"quality": 0},
    ],
)
def test_what_no_camera_does_is_refused(settings):
    with pytest.raises(DataError):
        Camera(**{"gain": 0.001, **settings})


def test_other_shapes_are_refused():
    with pytest.raises(DataError, match="three colours"):
        Camera(0.1).pair(np.zeros((8, 8), np.float32), 0)
