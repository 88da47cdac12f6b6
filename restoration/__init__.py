"""Supervised restoration from pairs: deraining, desnowing, low light, whatever has a degraded and a clean image.

==============  ==========================================================================================
module          idea
==============  ==========================================================================================
``models``      DDSA, DRT, ELF and MANAS on the shared attention operators of :mod:`bsn.ops`; presets; published weights
``manas``       search space, genotypes and search of MANAS
``streaks``     rain streaks without training: direction, mask, the picture without them
``losses``      pixel losses, Charbonnier, edges, SSIM, and how a recipe adds them up
``config``      settings of a run
``recipes``     the published recipes and the small ones, by name
``damage``      rain, snow, haze, noise, JPEG, low light and water that are made on clean images while training
``task``        what one training step does; the loop is :mod:`bsn.engine`
``run``         from folders of pairs to a trained model
``scoring``     folders of pairs to a table of scores
``demo``        synthetic rain on photographs, from the installed package alone
``cli``         ``bsn restore train | apply | streaks | evaluate | search | demo``
==============  ==========================================================================================

A task is folders and settings, not code: only ``streaks`` and ``damage`` know what rain is.
"""
