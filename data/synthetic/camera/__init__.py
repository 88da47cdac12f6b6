"""Cameras from light to file: Bayer mosaic, noise on the sensor, demosaicing, colours, tone curve, finishing, JPEG.

Every step is a function of its own; `Camera` strings them together, and `random_camera` draws one.

References
----------
The idea of inverting a finished picture to the sensor, adding the noise there and developing it again: Brooks et al.,
"Unprocessing images for learned raw denoising", CVPR 2019; Guo et al., "Toward convolutional blind denoising of real
photographs", CVPR 2019.
"""
