"""Local Gaussian means against scipy."""

import numpy as np
import scipy.ndimage
import torch

from bsn.noise.gaussian_mean import gaussian_mean


def test_it_is_scipys_filter_of_what_is_inside_the_image():
    x = np.random.default_rng(0).random((2, 3, 30, 41))

    def filtered(image):
        return scipy.ndimage.gaussian_filter(image, (0, 0, 2.5, 2.5), mode="constant", radius=(0, 0, 7, 7))

    found = gaussian_mean(torch.from_numpy(x), width=2.5, reach=7)
    np.testing.assert_allclose(found, filtered(x) / filtered(np.ones_like(x)), rtol=1e-10)
