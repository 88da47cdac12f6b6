"""Settings that hold for all tests."""

import os

import torch
from hypothesis import HealthCheck, settings

# One set of examples for everybody: a red test must be red again at the next run, and on a loaded machine.
settings.register_profile(
    "blindspot", deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("blindspot")

# The networks of the tests are small; more threads only wait for each other, above all under pytest-xdist.
torch.set_num_threads(1)

# Triton chooses its interpreter when it is imported, which other libraries do too, so the variable has to stand before any
# test module is collected. It changes nothing for other tests: "auto" never takes the interpreter.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
