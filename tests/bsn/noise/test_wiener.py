"""The empirical Wiener filter against SciPy, block by block, and on noise of known spectrum."""

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import torch

from bsn.data import DataError
from bsn.data.synthetic.correlated_noise import CorrelatedGaussian
from bsn.inference import Denoiser
from bsn.models import Model
from bsn.noise import NoiseSpectrum, measure_spectrum, wiener_filter, wiener_filter_independent
from bsn.noise.spectrum import BLOCK, colour_axes
from bsn.noise.wiener import STEP, _filter_strip
from tests.helpers.golden import assert_close


def literal(noisy, signal, power):
    """One channel, block by block."""
    height, width = noisy.shape
    frame = ((BLOCK, BLOCK + -height % STEP), (BLOCK, BLOCK + -width % STEP))
    y, s = (np.pad(image, frame, mode="reflect") for image in (noisy, signal))
    total, weight = np.zeros_like(y), np.zeros_like(y)
    for i in range(0, y.shape[0] - BLOCK + 1, STEP):
        for j in range(0, y.shape[1] - BLOCK + 1, STEP):
            place = (slice(i, i + BLOCK), slice(j, j + BLOCK))
            a, b = (scipy.fft.dctn(image[place], norm="ortho") for image in (y, s))
            gains = b**2 / (b**2 + power)
            gains[0, 0] = 1
            share = 1 / (gains**2 * power).sum()
            total[place] += share * scipy.fft.idctn(gains * a, norm="ortho")
            weight[place] += share
    return (total / weight)[BLOCK : BLOCK + height, BLOCK : BLOCK + width]


@pytest.mark.parametrize(("size", "passes"), [((32, 48), 1), ((37, 50), 1), ((32, 41), 2)])
def test_equals_the_literal_form(size, passes, monkeypatch):
    monkeypatch.setattr("bsn.noise.wiener._ELEMENTS", 1)  # a strip per row of blocks
    rng = np.random.default_rng(0)
    noisy, signal = rng.normal(size=(2, 3, *size))
    power = rng.uniform(0.1, 2, (3, BLOCK, BLOCK))
    colours = colour_axes(3)
    spectrum = NoiseSpectrum(torch.from_numpy(colours), torch.from_numpy(power))
    found = wiener_filter(torch.from_numpy(noisy)[None], torch.from_numpy(signal)[None], spectrum, passes=passes)[0]
    y, expected = (np.tensordot(colours, image, 1) for image in (noisy, signal))
    for _ in range(passes):
        expected = np.stack([literal(*channel) for channel in zip(y, expected, power, strict=True)])
    assert_close(found, torch.from_numpy(np.tensordot(colours.T, expected, 1)), 1e-5)


def test_the_measured_spectrum_is_that_of_the_noise():
    noise = CorrelatedGaussian(0.05, length=(0.7, 1.2))(np.full((3, 256, 256), 0.5, np.float32), rng=0)
    spectrum = measure_spectrum([noise])
    blocks = np.tensordot(colour_axes(3), noise - 0.5, 1)[:, :256, :256].reshape(3, 16, 16, 16, 16).swapaxes(2, 3)
    true = np.square(scipy.fft.dctn(blocks, axes=(3, 4), norm="ortho")).mean((1, 2))
    strong = true > 0.2 * 0.05**2  # weak coefficients are held above a floor on purpose
    ratio = spectrum.power.numpy()[strong] / true[strong]
    assert 0.85 < np.median(ratio) < 1.15
    assert np.quantile(np.abs(np.log(ratio)), 0.9) < 0.5


def test_a_single_image_is_drawn_to_what_is_typical():
    one, other = (
        CorrelatedGaussian(s, length=0.8)(np.full((3, 256, 256), 0.5, np.float32), rng=0) for s in (0.04, 0.09)
    )
    own, typical = measure_spectrum([one]), measure_spectrum([other])
    mixed = own.drawn_to(typical).power
    assert_close(mixed.log(), (own.power.log() + typical.power.log()) / 2, 1e-5)


def test_files_with_the_same_noise(tmp_path):
    images = [CorrelatedGaussian(s, length=0.8)(np.full((96, 112), 0.5, np.float32), rng=0) for s in (0.04, 0.09)]
    for index, image in enumerate(images):
        np.save(tmp_path / f"{index}.npy", image)
    (tmp_path / "2.npy").write_bytes(b"nonsense")
    model = Model(Half())
    files = [tmp_path / f"{index}.npy" for index in range(3)]
    denoiser = Denoiser(model, wiener=True, same_noise=True)
    report = denoiser.denoise_files(files, lambda path: path.with_name(f"out_{path.name}"))
    assert list(report.failed) == files[2:]
    by_hand = Denoiser(model, wiener=True)
    by_hand.share_noise([image[None] for image in images])
    np.testing.assert_allclose(np.load(tmp_path / "out_0.npy"), by_hand(images[0]), atol=1e-6)
    assert np.abs(by_hand(images[0]) - Denoiser(model, wiener=True)(images[0])).max() > 1e-4


def test_it_brings_back_what_a_denoiser_has_lost():
    """Fine texture that a blur weakens; the blur is the denoiser."""
    y, x = np.mgrid[:192, :192]
    clean = (0.5 + 0.1 * np.sin(1.9 * x) * (x > 96) + 0.2 * np.sin(y / 30)).astype(np.float32)[None]
    noisy = CorrelatedGaussian(0.05, length=1.5)(clean, rng=0)
    blurred = scipy.ndimage.gaussian_filter(noisy, (0, 0.9, 0.9))
    mixed = wiener_filter(*(torch.from_numpy(a)[None] for a in (noisy, blurred)), measure_spectrum([noisy]))[0].numpy()
    errors = [float(np.square(a - clean).mean()) for a in (noisy, blurred, mixed)]
    assert errors[2] < 0.8 * min(errors[:2])


def test_independent_noise_is_mixed_by_what_both_images_promise():
    """Uncertain of nothing the denoised image stays; of everything it is the filter alone, in units of the noise."""
    torch.manual_seed(0)
    clean = 0.5 + 0.3 * torch.sin(torch.arange(96) / 7) * torch.ones(1, 3, 96, 96)
    noisy, denoised = clean + 0.2 * torch.randn(1, 3, 96, 96), clean + 0.05 * torch.randn(1, 3, 96, 96)
    level = torch.full_like(clean, 0.04)
    assert_close(wiener_filter_independent(noisy, denoised, level, 0 * level), denoised, 1e-6)
    spectrum = NoiseSpectrum(torch.from_numpy(colour_axes(3)).float(), torch.full((3, BLOCK, BLOCK), 0.04))
    filtered = wiener_filter(noisy, denoised, spectrum, passes=1)
    assert_close(wiener_filter_independent(noisy, denoised, level, 1e6 * level), filtered, 1e-4)


def test_the_promised_error_of_the_filter_is_kept_where_the_spectrum_is_right():
    """A picture of random coefficients that the filter is told: the mean of s^2 n / (s^2 + n) is its error."""
    torch.manual_seed(0)
    signal = torch.randn(1, 1, 16 * BLOCK, 16 * BLOCK)
    noisy = signal + 0.5 * torch.randn_like(signal)
    filtered, promised, weight = _filter_strip(noisy, signal, torch.full((1, 1, 1, BLOCK, BLOCK), 0.25))
    inside = (..., slice(BLOCK, -BLOCK), slice(BLOCK, -BLOCK))
    error = (filtered / weight - signal)[inside].square().mean()
    # Sixteen blocks share a pixel and their errors are alike, but not the same.
    assert 0.5 < float(error / (promised / weight)[inside].mean()) <= 1


class Half(torch.nn.Module):
    """A local network: mean of three rows."""

    lattice, size_multiple, halo, channels, global_statistics = 0, 1, 1, 1, False

    def forward(self, x):
        return torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, (0, 0, 1, 1), mode="replicate"), (3, 1), 1)


def test_tiles_equal_the_whole_image():
    image = CorrelatedGaussian(0.05)(np.full((150, 170), 0.5, np.float32), rng=1)
    whole = Denoiser(Model(Half()), wiener=True, tile=0)(image)
    tiles = Denoiser(Model(Half()), wiener=True, tile=80)(image)
    np.testing.assert_allclose(tiles, whole, atol=1e-5)
    assert np.abs(whole - Denoiser(Model(Half()))(image)).max() > 1e-3


def test_bad_input():
    spectrum = NoiseSpectrum(torch.eye(3), torch.ones(3, BLOCK, BLOCK))
    with pytest.raises(ValueError, match="a spectrum of 3 channels for 1"):
        wiener_filter(torch.zeros(1, 1, 20, 20), torch.zeros(1, 1, 20, 20), spectrum)
    with pytest.raises(DataError, match="give larger or more images"):
        Denoiser(Model(Half()), wiener=True)(np.zeros((40, 40), np.float32))
