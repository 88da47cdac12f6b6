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

# Files whose tests share what takes long to make, or take long each: first, so that one worker of pytest-xdist makes it, and no
# worker is left alone with them at the end.
FIRST = ("test_installation.py", "test_notebooks.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))
