"""CI runs the notebooks in their fast mode."""

import os

os.environ.setdefault("BSN_NOTEBOOK_FAST", "1")
