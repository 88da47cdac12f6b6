"""Phases: the sub-images of pixels that share (row mod d, column mod d), stacked on the batch.

After the centre-masked first convolution of a dilated blind-spot network every operator stays inside one phase, so the
network can run on the phases as if they were separate images (the idea that shapes this toolkit).
"""

from bsn.lattice import lattice_pad_indices, merge_phases, pad_within_phases, split_phases

__all__ = ["lattice_pad_indices", "merge_phases", "pad_within_phases", "split_phases"]
