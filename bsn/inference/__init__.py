"""Denoising with a trained model: the stages, tiles, arrays and files.

===============  =======================================================================================================
``once``         one array, one call
``denoiser``     a model ready for many arrays and files
``targets``      where the results of a list of inputs go
``fitness``      whether an image is one for a model
``mending``      first and last stage: what is missing or stands out is put aside and given back
``stages``       the stages between: downsampling, network, posterior, refinement, filter
``pipeline``     their order; ``plan`` chooses them for a model and its options
``measuring``    what has to be known of the noise of a plane beforehand
``bands``        a plane tile by tile; ``tiling`` cuts it
``runner``       how the network is run
``mixing``       the choice between denoisers, and their mixture, by estimated error; ``mixture`` holds what was settled
``explanation``  what was chosen for an image, and why
``scoring``      scores of folders
===============  =======================================================================================================
"""

from bsn.inference.bands import denoise_bands
from bsn.inference.config import InferenceConfig
from bsn.inference.contenders import Contender, by_model, by_model_unrounded, from_files, unchanged
from bsn.inference.denoiser import Denoiser
from bsn.inference.fitness import DenoisingWarning
from bsn.inference.lazy import denoise_lazy
from bsn.inference.measuring import Filled, HasMissing
from bsn.inference.once import denoise, denoise_with_deviation
from bsn.inference.pipeline import Pipeline
from bsn.inference.plan import make_pipeline
from bsn.inference.results import Denoised, FileReport
from bsn.inference.scoring import Scene, pair_files, scenes, score_contenders, score_files
from bsn.inference.targets import result_paths, uncertainty_path
from bsn.inference.tiling import Tiling

__all__ = [
    "Contender",
    "Denoised",
    "Denoiser",
    "DenoisingWarning",
    "FileReport",
    "Filled",
    "HasMissing",
    "InferenceConfig",
    "Pipeline",
    "Scene",
    "Tiling",
    "by_model",
    "by_model_unrounded",
    "denoise",
    "denoise_bands",
    "denoise_lazy",
    "denoise_with_deviation",
    "from_files",
    "make_pipeline",
    "pair_files",
    "result_paths",
    "scenes",
    "score_contenders",
    "score_files",
    "uncertainty_path",
    "unchanged",
]
