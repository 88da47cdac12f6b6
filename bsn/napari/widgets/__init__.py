"""What is seen in napari: one file for each widget. Everything here needs napari and Qt, and nothing else does."""
