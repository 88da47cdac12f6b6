"""Weights on the simplex against scipy's general solver and against closed forms."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from bsn.noise import mixture_risk, simplex_weights


def problems(count=12, size=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    factor = torch.randn(count, size, size + 2, generator=generator, dtype=torch.float64)
    return factor @ factor.mT, torch.randn(count, size, generator=generator, dtype=torch.float64)


def test_weights_are_those_of_a_general_solver():
    quadratic, linear = problems()
    found = simplex_weights(quadratic, linear)
    for a, t, weights in zip(quadratic.numpy(), linear.numpy(), found.numpy(), strict=True):
        outside = minimize(
            lambda w, a=a, t=t: w @ a @ w + 2 * w @ t,
            np.full(len(t), 1 / len(t)),
            jac=lambda w, a=a, t=t: 2 * (a @ w + t),
            bounds=[(0, 1)] * len(t),
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(len(w))},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 1000},
        )
        np.testing.assert_allclose(weights, outside.x, atol=1e-4)


def test_weights_lie_on_the_simplex():
    found = simplex_weights(*problems(seed=1))
    assert found.min() >= 0
    torch.testing.assert_close(found.sum(-1), torch.ones(12, dtype=torch.float64))


def test_no_single_image_is_better_than_the_mixture():
    quadratic, linear = problems(seed=2)
    own = torch.zeros(len(linear))
    mixed = mixture_risk(quadratic, linear, own, simplex_weights(quadratic, linear))
    corners = torch.eye(linear.shape[-1], dtype=torch.float64)
    for corner in corners:
        assert (mixed <= mixture_risk(quadratic, linear, own, corner.expand_as(linear)) + 1e-9).all()


def test_independent_errors_are_weighted_by_their_inverse_power():
    power = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    found = simplex_weights(power.diag(), torch.zeros(3))
    torch.testing.assert_close(found, (1 / power) / (1 / power).sum(), atol=1e-5, rtol=0)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="give matrices of shape"):
        simplex_weights(torch.eye(3), torch.zeros(2))
