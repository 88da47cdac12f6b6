"""The declaration of operators; it stands a floor below, where the blindness checks read it."""

from bsn.coupling import Coupling

__all__ = ["Coupling"]
