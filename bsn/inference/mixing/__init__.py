"""Choosing between denoisers, and mixing them, by their estimated risk: without a clean image.

================  ==========================================================================================
``classical``     denoisers that need no training: non-local means, the Wiener filter
``candidates``    what there is to choose from, each with a name; the noisy image is one of them
``weights``       weights of a mixture, from the terms of the risk
``mixture``       weights that are settled for a plane, and how they are applied
``survey``        the terms of the risk of a plane, tile by tile
``mixer``         the stage: a survey of the plane, then the mixture of each tile
``explanation``   what was chosen and why
================  ==========================================================================================
"""
