"""Is a network blind? Proofs and measurements for any map from images to images.

==========================  =====================================================================================
``verify``                  all checks, one :class:`Verdict`; ``assert_blind`` is the same as a test
``jacobian_check``          exact gradients in float64 at sampled pixels
``perturbation_check``      finite changes, compared bit by bit: every pixel, one lattice class at a time
``region_check``            finite changes: every pixel and every offset of a hole, by half-planes or pixel by pixel
``stack_check``             finite changes of stacks: every frame, with the code that gives it its neighbours
``estimate_diagonal``       the whole Jacobian diagonal from random probes, with its standard error
``learnability``            trains the network to copy noise: is a leak harmless?
``find_culprit``            the first module that couples a pixel with itself
``receptive_field``         support, effective radius, blind lattice, halo, picture
``judge_structure``         what follows from the declarations of the modules, before anything runs
``channel_leak``            how much noise global channel attention can copy, from measured data
==========================  =====================================================================================
"""

from bsn.blindness.assertion import assert_blind, guess_channels
from bsn.blindness.attribution import Culprit, find_culprit
from bsn.blindness.channel_leak import MEASURED_LEAKS, ChannelLeak, channel_leak
from bsn.blindness.condition import Condition, NetworkRefusal, Subject, move_weights
from bsn.blindness.jacobian import JacobianCheck, jacobian_check, jacobian_maps, sample_positions
from bsn.blindness.learnability import Learnability, LearnabilityConfig, explained_variance, learnability
from bsn.blindness.perturbation import PerturbationCheck, SelfView, blind_lattices, perturbation_check
from bsn.blindness.receptive_field import ReceptiveField, measure_halo, receptive_field
from bsn.blindness.region import RegionCheck, RegionLeak, region_check
from bsn.blindness.stack import StackCheck, StackLeak, frames_worth_checking, network_on_stacks, stack_check
from bsn.blindness.stochastic import DiagonalEstimate, estimate_diagonal
from bsn.blindness.structure import Declaration, StructureJudgement, declarations, judge_structure
from bsn.blindness.verdict import CheckResult, Leak, Verdict
from bsn.blindness.verify import CHECKS, VerifyConfig, verify

__all__ = [
    "CHECKS",
    "MEASURED_LEAKS",
    "ChannelLeak",
    "CheckResult",
    "Condition",
    "Culprit",
    "Declaration",
    "DiagonalEstimate",
    "JacobianCheck",
    "Leak",
    "Learnability",
    "LearnabilityConfig",
    "NetworkRefusal",
    "PerturbationCheck",
    "ReceptiveField",
    "RegionCheck",
    "RegionLeak",
    "SelfView",
    "StackCheck",
    "StackLeak",
    "StructureJudgement",
    "Subject",
    "Verdict",
    "VerifyConfig",
    "assert_blind",
    "blind_lattices",
    "channel_leak",
    "declarations",
    "estimate_diagonal",
    "explained_variance",
    "find_culprit",
    "frames_worth_checking",
    "guess_channels",
    "jacobian_check",
    "jacobian_maps",
    "judge_structure",
    "learnability",
    "measure_halo",
    "move_weights",
    "network_on_stacks",
    "perturbation_check",
    "receptive_field",
    "region_check",
    "sample_positions",
    "stack_check",
    "verify",
]
