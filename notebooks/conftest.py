"""CI runs the notebooks in their fast mode."""

import os

os.environ.setdefault("BSN_NOTEBOOK_FAST", "1")
# Two kernels at a time under pytest-xdist: more threads than cores take three times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
