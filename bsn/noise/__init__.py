"""What is known about noise: measured on noisy images, modelled, used by Bayes' rule and by a filter.

Each class has one job:

====================  ==================================================================================
``NoiseStatistics``   what is measured on a set of noisy images: level, curve, correlation, faults
``NoiseCorrelation``  correlation of the noise in all directions, measured with its errors
``Judgement``         the statistics of a set and the ``Advice`` that follows from them
``NoiseModel``        two numbers that a trained model stores: gain, and variance at zero
``NoiseLevel``        the noise while a network trains: known, learned, or fitted to each crop
``NoiseCurve``        variance over intensity of one image, fitted to what a network leaves of it
``NoiseSpectrum``     power of the noise by frequency, for the Wiener filter
``NoiseCovariance``   covariance of correlated noise, from which noise is drawn and a ``Risk`` estimated
``Prediction``        mean and covariance that a network predicts for each pixel
``ValueScale``        the range of values in which a network works
====================  ==================================================================================

Modules, in the order in which they build on each other:

=======================  ======================================================================================================
``value_scale``          the map between image values and network values
``model``                the noise that a trained model stores: Gaussian or Poisson-Gaussian
``recorruption``         pairs with independent noise of one noisy image; ``matched_noise`` puts measured noise on clean images
``robust``               mean, spread and range of images in which a few values are far from all others
``outliers``             hot pixels and the like: found and repaired; ``local_noise`` is what they are measured by
``squares``              least and largest values of squares of pixels, and channels side by side
``counts``               whether an image counts few photons
``measurement``          level, curve and correlation of the noise, measured on the noisy images alone
``correlation_map``      correlation of the noise in all directions
``hole_advice``          the hole that it asks for
``noise_covariance``     strength, correlation and colours of camera noise as one matrix
``measured_covariance``  measures it on noisy images
``sure``                 error of a denoised image without a clean one
``unexplained``          share of what was removed from an image that its noise cannot explain
``posterior``            prediction and noisy pixel combined by Bayes' rule; ``pixel_matrices`` is its linear algebra
``calibration``          predicted covariances corrected by the residuals around each pixel
``curve``                noise variance over intensity, fitted to what a network leaves of an image
``level``                the noise level of a training
``spectrum``             power of the noise, frequency by frequency
``wiener``               the noisy image mixed back into a denoised one, frequency by frequency
``advice``               from measured noise to settings
``judgement``            statistics and advice for a set of images, from one sample of it
``stacks``               what neighbouring frames share, and whether a network may look at them
``report``               the noise of files, for ``bsn inspect``; ``drawing`` makes its picture
=======================  ======================================================================================================
"""

from bsn.noise.advice import Advice, NoiseName, NoiseScope, advise
from bsn.noise.calibration import calibrate
from bsn.noise.correlation_map import NoiseCorrelation, measure_correlation_map
from bsn.noise.counts import PhotonCounts, find_counts
from bsn.noise.curve import NoiseCurve, fit_noise, propagated_share
from bsn.noise.hole_advice import HoleAdvice, advise_use, choose_hole, predictable_share
from bsn.noise.judgement import Judgement, judge_noise
from bsn.noise.level import NoiseLevel
from bsn.noise.matched_noise import MatchedNoise
from bsn.noise.measured_covariance import measure_covariance
from bsn.noise.measurement import (
    NoiseStatistics,
    flattest_parts,
    measure_noise,
)
from bsn.noise.model import NoiseModel
from bsn.noise.noise_covariance import NoiseCovariance, draw_noise
from bsn.noise.outliers import find_outliers, repair_outliers
from bsn.noise.posterior import (
    Prediction,
    affine_noise_variance,
    expected_nll,
    outputs_for_posterior,
    posterior,
    posterior_nll,
    split_prediction,
)
from bsn.noise.recorruption import local_intensity, recorrupt
from bsn.noise.risk_terms import RiskTerms, risk_terms
from bsn.noise.robust import robust_moments, used_range, value_limits
from bsn.noise.simplex import mixture_risk, simplex_weights
from bsn.noise.spectrum import NoiseSpectrum, covariance_spectrum, measure_spectrum
from bsn.noise.subbands import Subbands
from bsn.noise.sure import Risk, estimate_risk
from bsn.noise.unexplained import unexplained_share
from bsn.noise.value_scale import ValueScale
from bsn.noise.wiener import wiener_filter, wiener_filter_independent

__all__ = [
    "Advice",
    "HoleAdvice",
    "Judgement",
    "MatchedNoise",
    "NoiseCorrelation",
    "NoiseCovariance",
    "NoiseCurve",
    "NoiseLevel",
    "NoiseModel",
    "NoiseName",
    "NoiseScope",
    "NoiseSpectrum",
    "NoiseStatistics",
    "PhotonCounts",
    "Prediction",
    "Risk",
    "RiskTerms",
    "Subbands",
    "ValueScale",
    "advise",
    "advise_use",
    "affine_noise_variance",
    "calibrate",
    "choose_hole",
    "covariance_spectrum",
    "draw_noise",
    "estimate_risk",
    "expected_nll",
    "find_counts",
    "find_outliers",
    "fit_noise",
    "flattest_parts",
    "judge_noise",
    "local_intensity",
    "measure_correlation_map",
    "measure_covariance",
    "measure_noise",
    "measure_spectrum",
    "mixture_risk",
    "outputs_for_posterior",
    "posterior",
    "posterior_nll",
    "predictable_share",
    "propagated_share",
    "recorrupt",
    "repair_outliers",
    "risk_terms",
    "robust_moments",
    "simplex_weights",
    "split_prediction",
    "unexplained_share",
    "used_range",
    "value_limits",
    "wiener_filter",
    "wiener_filter_independent",
]
