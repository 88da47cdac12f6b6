"""Choosing between denoisers, and mixing them, by their estimated risk: without a clean image.

================  ==========================================================================================
``classical``     denoisers that need no training: non-local means, the Wiener filter
``candidates``    what there is to choose from, each with a name; the noisy image is one of them
``weights``       weights of a mixture, from the terms of the risk
``survey``        the terms of the risk of a plane, tile by tile
``mixer``         the stage: a survey of the plane, then the mixture of each tile
``check``         results that are left as they are are compared with the noisy image
``choosing``      which of these a model and its options ask for
================  ==========================================================================================
"""
