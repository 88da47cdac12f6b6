"""Noise of a covariance against the matrix written out, and against what was put in."""

import numpy as np
import pytest
import torch

from bsn.noise import NoiseCovariance, NoiseCurve, draw_noise, measure_covariance

ROWS, COLUMNS, REACH = 6, 7, 1
ALONG = torch.tensor([[0.0, 0.1, 0.0], [0.4, 1.0, 0.4], [0.0, 0.1, 0.0]], dtype=torch.float64)
DOWN = ALONG.T.contiguous()
ANGLE = torch.tensor(0.6, dtype=torch.float64)
COLOURS = torch.stack([torch.stack([ANGLE.cos(), ANGLE.sin()]), torch.stack([-ANGLE.sin(), ANGLE.cos()])])
CHANNELS = COLOURS.T @ torch.tensor([4.0, 1.0], dtype=torch.float64).diag() @ COLOURS
COVARIANCE = NoiseCovariance(CHANNELS, torch.stack([ALONG, DOWN]), COLOURS)


def written_out(level):
    """S entry by entry, on a torus of ROWS x COLUMNS with two channels."""
    size = 2 * ROWS * COLUMNS
    matrix = np.zeros((size, size))
    places = [(c, y, x) for c in range(2) for y in range(ROWS) for x in range(COLUMNS)]
    variances = [4.0, 1.0]
    for i, (c, y, x) in enumerate(places):
        for j, (k, v, u) in enumerate(places):
            dy, dx = (v - y + ROWS // 2) % ROWS - ROWS // 2, (u - x + COLUMNS // 2) % COLUMNS - COLUMNS // 2
            if max(abs(dy), abs(dx)) > REACH:
                continue
            for axis, table in enumerate((ALONG, DOWN)):
                shared = float(COLOURS[axis, c] * COLOURS[axis, k]) * variances[axis]
                matrix[i, j] += shared * float(table[REACH + dy, REACH + dx])
            matrix[i, j] *= float(level[0, c, y, x] * level[0, k, v, u])
    return matrix


def image(seed=0):
    return torch.randn(1, 2, ROWS, COLUMNS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_product_is_that_of_the_matrix_written_out():
    level, x = 1 + 0.3 * image(1).abs(), image()
    expected = (written_out(level) @ x.numpy().ravel()).reshape(x.shape)
    np.testing.assert_allclose(COVARIANCE.multiply(x, level).numpy(), expected, atol=1e-10)


def test_root_times_its_transpose_is_the_matrix_and_the_inverse_undoes_it():
    level, x = 1 + 0.3 * image(1).abs(), image()
    units = torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape[1:])
    root = COVARIANCE.root(units, level).reshape(x.numel(), -1)
    np.testing.assert_allclose((root.T @ root).numpy(), written_out(level), atol=1e-10)
    np.testing.assert_allclose(COVARIANCE.inverse_root(COVARIANCE.root(x, level), level).numpy(), x.numpy(), atol=1e-9)


def test_drawn_noise_has_the_level_and_the_correlation_of_each_colour():
    noise = draw_noise(COVARIANCE, (2, 300, 300), torch.Generator().manual_seed(0), level=torch.tensor(3.0))
    axes = torch.einsum("kc,nchw->nkhw", COLOURS, noise / 3)
    assert axes.square().mean((0, 2, 3)).tolist() == pytest.approx([4, 1], rel=0.03)
    along, down = axes[:, 0] / 2, axes[:, 1]
    assert float((along[..., 1:] * along[..., :-1]).mean()) == pytest.approx(0.4, abs=0.02)
    assert float((along[..., 1:, :] * along[..., :-1, :]).mean()) == pytest.approx(0.1, abs=0.02)
    assert float((down[..., 1:, :] * down[..., :-1, :]).mean()) == pytest.approx(0.4, abs=0.02)


def test_the_level_follows_the_curve_of_each_channel():
    curve = NoiseCurve(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 5.0], [2.0, 2.0]]))
    found = NoiseCovariance(torch.tensor([[4.0, 0.0], [0.0, 2.0]]), torch.ones(1, 1), curve=curve)
    level = found.level(torch.tensor([0.0, 0.75, 2.0]).expand(1, 2, 1, 3))
    torch.testing.assert_close(level[0, 0, 0], torch.tensor([0.5, 1.0, 1.25**0.5]))
    torch.testing.assert_close(level[0, 1, 0], torch.ones(3))


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="without colour axes"):
        NoiseCovariance(CHANNELS, torch.stack([ALONG, DOWN]))
    with pytest.raises(ValueError, match="eigenvectors"):
        NoiseCovariance(CHANNELS, ALONG, torch.eye(2, dtype=torch.float64))


def test_measured_noise_is_the_noise_put_in():
    correlation = torch.outer(torch.tensor([0.3, 1.0, 0.3]), torch.tensor([0.3, 1.0, 0.3])).double()
    known = NoiseCovariance(0.05**2 * (0.8 * torch.eye(3) + 0.2).double(), correlation)
    ramp = torch.linspace(0.2, 0.8, 384, dtype=torch.float64).expand(1, 3, 384, 384)
    noise = draw_noise(known, (1, 384, 384), torch.Generator().manual_seed(0), level=0.5 + ramp)
    found = measure_covariance((ramp + noise)[0].numpy())
    for value in (0.3, 0.5, 0.7):
        at = torch.full((1, 3, 1, 1), value, dtype=torch.float64)
        deviation = (found.level(at) * found.variance().sqrt()[:, None, None]).flatten()
        assert deviation.tolist() == pytest.approx([0.05 * (0.5 + value)] * 3, rel=0.1)
    drawn = draw_noise(found, (1, 256, 256), torch.Generator().manual_seed(1))[0]
    drawn = drawn / drawn.std((1, 2), keepdim=True)
    assert float((drawn[:, :, 1:] * drawn[:, :, :-1]).mean()) == pytest.approx(0.3, abs=0.05)
    assert float((drawn[0] * drawn[1]).mean()) == pytest.approx(0.2, abs=0.06)
