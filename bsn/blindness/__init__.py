"""Is a network blind? Exact gradients at sampled pixels."""

from bsn.blindness.jacobian import JacobianCheck, jacobian_check, sample_positions

__all__ = ["JacobianCheck", "jacobian_check", "sample_positions"]
