"""MANAS: search a multi-scale attentive network by gradients, derive it, train it.

============  =============================================================================================
module        idea
============  =============================================================================================
``space``     candidates, modules, attention blocks: what a network can be made of
``genotype``  what a search finds: a JSON file, a drawing, the way from a search's numbers to it
``network``   the network of a genotype, and published checkpoints of it
``search``    the supernet, the losses, the costs, the bi-level task, random genotypes to compare with
============  =============================================================================================

The network is also :class:`restoration.models.MANAS`; it is trained as every other (:mod:`restoration.run`).
"""
