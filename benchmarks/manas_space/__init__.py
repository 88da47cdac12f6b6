"""Does the search space of MANAS reward a search? A small tabular study; see ``python -m benchmarks.manas_space --help``."""
