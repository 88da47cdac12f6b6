"""Scripts that print the tables of the README and the notes; run them from the repository's root with ``python -m``."""
