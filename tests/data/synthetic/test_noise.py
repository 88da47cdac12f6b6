"""Synthetic noise against its theory. The seeds are fixed, so nothing here fails by chance."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats

from bsn.data.synthetic.noise import NOISES, CorrelatedGaussian, Gaussian, Poisson, PoissonGaussian

SIDE = 400
LEVELS = (0.0, 0.1, 0.5, 1.0)


def check_moments(noise, variance, mean=0.0, independent=1.0):
    """Mean and variance within five standard errors; `independent` is the share of independent pixels."""
    count = noise.size * independent
    assert abs(noise.mean() - mean) < 5 * np.sqrt(variance / count)
    kurtosis = max(float(scipy.stats.kurtosis(noise, axis=None)), 0) + 2
    assert abs(noise.var() / variance - 1) < 5 * np.sqrt(kurtosis / count)


def lag(noise, rows, columns):
    """Correlation of pixels that are so far apart."""
    height, width = noise.shape
    a = noise[max(rows, 0) : height + min(rows, 0), max(columns, 0) : width + min(columns, 0)]
    b = noise[max(-rows, 0) : height + min(-rows, 0), max(-columns, 0) : width + min(-columns, 0)]
    return float((a * b).mean() / noise.var())


ALL = [
    Gaussian(0.1),
    Poisson(30.0),
    PoissonGaussian(0.02, 0.05),
    PoissonGaussian(0.0, 0.05),
    PoissonGaussian(0.02),
    CorrelatedGaussian(0.1, 1.5),
]


@pytest.mark.parametrize("noise", ALL, ids=repr)
def test_contract(noise):
    image = np.random.default_rng(0).random((3, 40, 50))
    before = image.copy()
    noisy = noise(image, np.random.default_rng(1))
    assert (noisy.shape, noisy.dtype) == (image.shape, np.float32)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(noisy, noise(image, 1))
    assert (noisy != noise(image, 2)).any()
    np.testing.assert_allclose(noisy - noise.sample_like(image, 1), image, atol=1e-6)
    generator = np.random.default_rng(1)
    assert (noise(image, generator) != noise(image, generator)).any()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_gaussian(sigma, level):
    noisy = Gaussian(sigma)(np.full((SIDE, SIDE), level), 0)
    check_moments(noisy, sigma**2, level)
    assert scipy.stats.kstest((noisy.ravel() - level) / sigma, "norm").pvalue > 1e-4
    assert abs(lag(noisy - noisy.mean(), 0, 1)) < 5 / SIDE


def test_gaussian_in_grey_levels():
    assert Gaussian.from_grey_levels(25).sigma == pytest.approx(25 / 255)
    assert Gaussian.from_grey_levels(655.35, levels=65535).sigma == pytest.approx(0.01)


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize("peak", [2.0, 200.0])
def test_poisson(peak, level):
    noisy = Poisson(peak)(np.full((SIDE, SIDE), level), 0)
    check_moments(noisy, level / peak, level)
    counts = noisy * peak
    np.testing.assert_allclose(counts, np.round(counts), atol=peak * 1e-5)


def test_no_light_no_photons():
    np.testing.assert_array_equal(Poisson(5)(np.zeros((8, 8)), 0), 0)


@pytest.mark.parametrize("level", LEVELS)
def test_poisson_gaussian(level):
    noisy = PoissonGaussian(gain=0.01, read_noise=0.03)(np.full((SIDE, SIDE), level), 0)
    check_moments(noisy, 0.01 * level + 0.03**2, level)


def test_photons_and_peak_are_one_thing():
    image = np.random.default_rng(0).random((20, 20))
    np.testing.assert_array_equal(Poisson(50)(image, 3), PoissonGaussian(gain=1 / 50)(image, 3))


@pytest.mark.parametrize("length", [0.7, 2.0, (0.0, 2.0), (3.0, 1.0)], ids=str)
def test_correlated_gaussian(length):
    model = CorrelatedGaussian(0.2, length)
    noise = model.sample_like(np.zeros((SIDE, SIDE)), 0)
    lengths = length if isinstance(length, tuple) else (length, length)
    area = np.prod([max(1.0, 2 * np.pi**0.5 * n) for n in lengths])
    check_moments(noise, 0.2**2, independent=1 / area)
    for rows, columns in [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (-1, 2)]:
        assert lag(noise, rows, columns) == pytest.approx(
            model.autocorrelation(rows, columns), abs=5 * np.sqrt(area) / SIDE
        )


def test_correlation_length_means_what_it_says():
    for distance in (1, 2, 3):
        expected = np.exp(-((distance / 2.5) ** 2) / 2)
        model = CorrelatedGaussian(0.1, (2.5, 1.0))
        assert model.autocorrelation(distance, 0) == pytest.approx(expected, abs=2e-3)
    assert model.autocorrelation(0, 0) == pytest.approx(1)


def test_a_kernel_of_ones_own():
    """A diagonal kernel: correlated along one diagonal, not along the other."""
    kernel = np.array([[3.0, 0, 0], [0, 2, 0], [0, 0, 1]])
    model = CorrelatedGaussian(0.1, kernel=kernel)
    full = scipy.signal.correlate2d(kernel, kernel) / (kernel**2).sum()
    for rows in range(-3, 4):
        for columns in range(-3, 4):
            inside = max(abs(rows), abs(columns)) < 3
            expected = full[2 + rows, 2 + columns] if inside else 0.0
            assert model.autocorrelation(rows, columns) == pytest.approx(expected)
    noise = model.sample_like(np.zeros((SIDE, SIDE)), 0)
    check_moments(noise, 0.1**2, independent=0.25)
    assert lag(noise, 1, 1) == pytest.approx(model.autocorrelation(1, 1), abs=0.02)
    assert lag(noise, 1, -1) == pytest.approx(0, abs=0.02)


def test_correlated_noise_is_as_strong_at_the_border():
    noise = CorrelatedGaussian(0.1, 3.0).sample_like(np.zeros((600, 24, 24)), 0)
    spread = noise.std(axis=0)
    for edge in (spread[0], spread[-1], spread[:, 0], spread[:, -1]):
        assert edge.mean() == pytest.approx(0.1, rel=0.05)


def test_channels_are_independent():
    noise = CorrelatedGaussian(0.1, 2.0).sample_like(np.zeros((2, SIDE, SIDE)), 0)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 5 * 7 / SIDE


def test_one_pixel():
    for noise in ALL:
        assert noise(np.full((1, 1), 0.5), 0).shape == (1, 1)


def test_registry_by_name():
    assert sorted(NOISES) == ["correlated-gaussian", "gaussian", "poisson", "poisson-gaussian"]
    assert NOISES["gaussian"](0.1) == Gaussian(0.1)


@pytest.mark.parametrize("noise", ALL, ids=repr)
def test_bad_images(noise, refused):
    assert "to_unit" in refused(noise, np.zeros((4, 4), np.uint8), 0)
    assert "NaN" in refused(noise, np.full((4, 4), np.nan), 0)


def test_negative_images_have_no_photons(refused):
    assert "clip it at 0" in refused(Poisson(5), np.full((4, 4), -0.1), 0)
    assert Gaussian(0.1)(np.full((4, 4), -0.1), 0).shape == (4, 4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Gaussian(-0.1), "sigma -0.1"),
        (lambda: Gaussian(float("nan")), "sigma nan"),
        (lambda: Gaussian.from_grey_levels(25, 0), "levels 0"),
        (lambda: Poisson(0), "peak 0"),
        (lambda: Poisson(-1), "peak -1"),
        (lambda: PoissonGaussian(-1), "gain -1"),
        (lambda: PoissonGaussian(0, float("inf")), "read_noise inf"),
        (lambda: CorrelatedGaussian(0.1, -1.0), "not negative"),
        (lambda: CorrelatedGaussian(0.1, kernel=np.zeros((3, 3))), "energy"),
        (lambda: CorrelatedGaussian(0.1, kernel=np.ones(3)), "two axes"),
        (lambda: CorrelatedGaussian(0.1)(np.zeros(5), 0), "two axes"),
    ],
)
def test_bad_parameters(make, words, refused):
    assert words in refused(make)
