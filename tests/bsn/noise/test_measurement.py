"""Measured noise against the noise that was put in, and against the truth of real sets where they are at hand."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bsn.data import DataError, read_image
from bsn.data.arrays.planes import to_planes
from bsn.data.photographs import photograph
from bsn.noise import advise, flattest_parts, measure_noise
from bsn.noise.measurement.flat_blocks import cut_blocks, find_flat, lowest_part_factor

REAL = Path(__file__).resolve().parents[4] / "shared" / "data"


def picture(seed, size=512, channels=1):
    """A smooth scene with edges."""
    rng = np.random.default_rng(seed)
    base = gaussian_filter(rng.normal(size=(size, size)), 30)
    base = (base - base.min()) / np.ptp(base)
    scene = 0.15 + 0.5 * base + 0.2 * (gaussian_filter(rng.normal(size=(size, size)), 12) > 0)
    return np.stack([scene] * channels).astype(np.float32)


def correlated(rng, shape, sigma_pixels):
    noise = gaussian_filter(rng.normal(size=shape), (0, sigma_pixels, sigma_pixels), mode="wrap")
    return noise / noise.std()


@pytest.mark.parametrize(("gain", "read"), [(0.0, 0.02), (0.0, 0.15), (0.01, 0.01), (0.05, 0.03)])
def test_white_noise_is_found(gain, read):
    rng = np.random.default_rng(1)
    images = []
    for seed in range(3):
        clean = picture(seed, channels=2)
        images.append(clean + np.sqrt(gain * clean + read**2) * rng.normal(size=clean.shape))
    found = measure_noise(images)
    truth = np.sqrt(np.mean([gain * picture(s).mean() + read**2 for s in range(3)]))
    assert found.sigma == pytest.approx(truth, rel=0.06)
    assert found.gain == pytest.approx(gain, abs=0.15 * gain + 1e-3)
    assert np.abs([found.lags_x, found.lags_y]).max() < 0.03
    advice = advise(found)
    assert (advice.stride, advice.suitable) == (1, True)
    assert advice.noise == ("poisson-gaussian" if gain else advice.noise)


@pytest.mark.parametrize(
    ("factors", "spread", "scope"), [((1, 1, 1, 1), 1.0, "set"), ((0.5, 1, 2, 4), 2 ** (1.5 / 1.349), "image")]
)
def test_one_noise_model_is_advised_for_one_noise_only(factors, spread, scope):
    """Variances that double from image to image have quartiles a factor of 2 ** 1.5 apart: 2 ** (1.5 / 1.349) is 2.2."""
    rng = np.random.default_rng(3)
    images = [picture(i) + 0.08 * np.sqrt(f) * rng.normal(size=(1, 512, 512)) for i, f in enumerate(factors)]
    found = measure_noise(images)
    assert found.spread == pytest.approx(spread, rel=0.1)
    assert (advise(found).noise, advise(found).scope) == ("gaussian" if found.gain == 0 else "poisson-gaussian", scope)
    alone = measure_noise(images[:1])
    assert (alone.spread, advise(alone).scope) == (None, "image")
    assert "too few images to compare" in " ".join(advise(alone).reasons)


@pytest.mark.parametrize(("width", "within"), [(0.5, 0.06), (0.8, 0.1), (1.2, 0.13)])
def test_correlated_noise_is_found_with_its_correlation(width, within):
    """The flattest blocks have less of the slow part of the noise, the more so the smoother it is."""
    rng = np.random.default_rng(2)
    clean = picture(0)
    noise = 0.05 * correlated(rng, clean.shape, width)
    found = measure_noise([clean + noise])
    power = np.square(noise).mean()
    for lag in range(1, 5):
        assert found.lags_x[lag - 1] == pytest.approx((noise[..., lag:] * noise[..., :-lag]).mean() / power, abs=within)
    assert found.sigma == pytest.approx(0.05, rel=0.1)
    advice = advise(found)
    assert advice.stride >= 2
    assert advice.noise == "none"


def in_8_bits(photograph, noise):
    return np.round(np.clip(photograph + noise, 0, 1) * 255) / 255


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "astronaut.png", "motorcycle_left.png"])
def test_weak_noise_is_told_from_texture(name):
    """Photographs whose flattest tenth holds more texture than noise: which it is shows in the very flattest parts."""
    clean, rng = photograph(name), np.random.default_rng(9)
    white = measure_noise([in_8_bits(clean, 5 / 255 * rng.normal(size=clean.shape))], grey_level=1 / 255)
    assert white.sigma == pytest.approx(5 / 255, rel=0.15)
    assert abs(white.strongest_lag) < 0.06
    assert advise(white).stride == 1
    shared = measure_noise([in_8_bits(clean, 5 / 255 * correlated(rng, clean.shape, 0.7))], grey_level=1 / 255)
    assert shared.strongest_lag > 0.4
    assert advise(shared).stride > 1


@pytest.mark.parametrize("name", ["coffee.png", "motorcycle_left.png"])
def test_texture_hardly_adds_to_white_noise(name):
    """The flattest blocks of these photographs still hold texture, which their finest details do not show."""
    clean = photograph(name)
    noise = 10 / 255 * np.random.default_rng(9).normal(size=clean.shape)
    assert measure_noise([in_8_bits(clean, noise)], grey_level=1 / 255).sigma == pytest.approx(10 / 255, rel=0.03)


def test_the_noise_curve_is_not_continued_beyond_its_points():
    """Where only bright places are flat, a line that rises steeply over them would say that the dark has no noise."""
    rng = np.random.default_rng(4)
    clean = np.broadcast_to(np.linspace(0.8, 0.88, 512), (1, 512, 512)).copy()
    level = np.broadcast_to(np.linspace(0.02, 0.03, 512), clean.shape).copy()
    clean[:, :256] = 0.3 + 0.5 * gaussian_filter(rng.normal(size=(256, 512)), 1.5)
    level[:, :256] = 0.02
    found = measure_noise([in_8_bits(clean, level * rng.normal(size=clean.shape))], grey_level=1 / 255)
    assert found.gain > 0
    assert found.sigma == pytest.approx(float(np.sqrt(np.square(level).mean())), rel=0.1)


def test_the_flattest_parts_of_known_noise():
    rng = np.random.default_rng(10)
    white = rng.normal(size=(1, 512, 512)) * 0.05
    assert flattest_parts([white]).white
    # The mean of two neighbours has correlation 1/2 along x and none along y; choosing the flattest blocks lowers it.
    pairs = (white[..., 1:] + white[..., :-1]) / 2
    found = flattest_parts([pairs])
    assert not found.white
    assert found.strongest_lag == found.correlation.x[0] == pytest.approx(0.5, abs=0.15)
    assert abs(found.correlation.y[0]) < 0.1
    assert not flattest_parts([np.zeros((3, 64, 64))]).white
    assert not flattest_parts([white * 0.1], grey_level=1 / 255).white  # 1.3 grey levels: as much rounding as noise
    assert not flattest_parts([np.zeros((1, 5, 5))]).white


def test_lines_are_not_suitable_and_named():
    rng = np.random.default_rng(3)
    clean = picture(0)
    lines = 0.05 * rng.normal(size=(1, 512, 1)) + 0.02 * rng.normal(size=clean.shape)
    advice = advise(measure_noise([clean + lines]))
    assert not advice.suitable
    assert "along rows" in " ".join(advice.reasons)
    assert "along columns" in " ".join(advise(measure_noise([(clean + lines).swapaxes(1, 2)])).reasons)


def test_a_clean_8_bit_picture_is_not_suitable():
    clean = np.round(picture(0) * 255) / 255
    advice = advise(measure_noise([clean], grey_level=1 / 255))
    assert not advice.suitable
    assert "smaller than a grey level" in " ".join(advice.reasons)


def test_correlation_between_channels():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(2, 512, 512))
    noise = 0.05 * np.stack([first, 0.6 * first + 0.8 * second, second])
    found = np.array(measure_noise([picture(0, channels=3) + noise]).channel_correlation)
    assert found == pytest.approx(np.corrcoef(noise.reshape(3, -1)), abs=0.08)


def test_false_colours_have_no_noise_model():
    rng = np.random.default_rng(11)
    grey = picture(0)[0] + 0.05 * rng.normal(size=(512, 512))
    empty = np.clip(np.stack([grey, np.zeros_like(grey), grey]), 0, 1)
    found = measure_noise([empty], grey_level=1 / 255)
    assert np.array(found.channel_correlation) == pytest.approx(np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]]))
    assert (advise(found).stride, advise(found).noise) == (1, "none")
    assert "empty channels (number 1" in " ".join(advise(found).reasons)
    repeated = advise(measure_noise([np.stack([grey] * 3)]))
    assert (repeated.stride, repeated.noise) == (1, "none")
    assert "the channels share their noise (correlation 1.00)" in " ".join(repeated.reasons)
    other = advise(measure_noise([np.stack([grey, picture(1)[0] + 0.05 * rng.normal(size=(512, 512))])]))
    assert other.noise != "none"


def test_channels_of_which_nothing_is_seen_are_not_called_empty():
    """Eleven channels of white noise and one of texture: no place is free of texture in all of them."""
    rng = np.random.default_rng(12)
    stack = 0.5 + 0.02 * rng.normal(size=(12, 256, 256))
    stack[-1] += 0.2 * np.sin(np.arange(256) * 0.8)
    found = measure_noise([stack])
    assert np.array_equal(found.channel_correlation, np.eye(12))
    assert "empty" not in " ".join(advise(found).reasons)


def test_jpeg_leaves_its_grid(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(5)
    noisy = picture(0)[0] + 0.03 * rng.normal(size=(512, 512))
    pixels = np.clip(noisy * 255, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=30)
    jpeg = np.asarray(Image.open(tmp_path / "a.jpg"), np.float32)[None] / 255
    assert measure_noise([pixels[None] / 255.0], grey_level=1 / 255).blockiness == pytest.approx(1, abs=0.03)
    assert measure_noise([jpeg], grey_level=1 / 255).blockiness > 1.05


def test_a_denoised_picture_takes_texture_off():
    rng = np.random.default_rng(6)
    texture = picture(0) + 0.05 * np.sin(np.arange(512) * 1.3)[None, None]
    noisy = texture + 0.02 * rng.normal(size=texture.shape)
    assert measure_noise([noisy]).sigma > 0.035
    found = measure_noise([noisy], pictures=[texture])
    assert found.sigma == pytest.approx(0.02, rel=0.05)


def test_the_lowest_tenth_of_pure_noise_is_as_low_as_predicted():
    noise = np.random.default_rng(7).normal(size=(2048, 2048))
    (lowest,) = find_flat(cut_blocks(noise, -100, 100))[:1]
    assert lowest.variance.mean() == pytest.approx(lowest_part_factor(1.0), rel=0.01)


def test_images_too_small_are_refused():
    with pytest.raises(DataError, match="fewer than 30 blocks of 16 x 16"):
        measure_noise([np.zeros((1, 64, 64), np.float32)])
    with pytest.raises(DataError, match="nothing to measure"):
        measure_noise([])


@pytest.mark.skipif(not REAL.is_dir(), reason="the collection of real noisy images is not beside the project")
@pytest.mark.parametrize(
    ("name", "ratio", "lag", "stride"),
    [("w2s", (0.9, 1.1), 0.0, (1,)), ("cc15", (0.8, 1.3), 0.65, (4, 5)), ("polyu", (0.7, 1.4), 0.62, (4, 5))],
)
def test_real_noise_against_its_truth(name, ratio, lag, stride):
    with (REAL / "index.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == name][:12]
    images, variances = [], []
    for row in rows:
        image = read_image(REAL / row["noisy"])
        images.append(to_planes(image.pixels, image.axes)[0][0])
        variances.append(10 ** (-float(row["psnr_affine"] or row["psnr"]) / 10))
    found = measure_noise(images, grey_level=1 / 255)
    assert ratio[0] < found.sigma / np.sqrt(np.mean(variances)) < ratio[1]
    assert found.strongest_lag == pytest.approx(lag, abs=0.12)
    assert advise(found).stride in stride
