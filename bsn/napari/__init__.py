"""The plugin for napari: judge the noise of layers, denoise them, train on them, and verify what was trained.

===============  =========================================================================================
``layers``       a layer as an image of ours: axes, pixels, planes, and the state of the layer of a result
``levels``       arrays of a layer that is stored at several resolutions, or computed when it is shown
``drivers``      what keeps Triton from ending the process of a viewer that draws on the processor
``control``      work in a thread that can be paused and cancelled
``denoising``    denoise the pixels of a layer
``gathering``    several layers as arrays in memory
``judging``      judge the noise of layers
``training``     train on layers, with a preview
``certificate``  verify a model
``known``        the models to choose from
``samples``      noisy pictures to try it on
``widgets``      what is seen in napari; the only part that needs Qt
===============  =========================================================================================

napari finds it by its manifest, ``napari.yaml``. Nothing here is imported by the other packages.
"""
