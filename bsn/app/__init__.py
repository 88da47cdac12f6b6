"""The local page ``bsn app``: images dropped into a browser are inspected, denoised, and trained on, on this computer alone.

============  ===============================================================================================================
``settings``  what the command line chose: folders, limits
``names``     file names that are safe on every system
``places``    paths inside the chosen folders, and nowhere else
``sizes``     how large a file is when it is decoded, from its header alone
``lane``      a worker process and its queue; ``worker`` is the program that runs in it
``tasks``     what workers do: look, inspect, denoise, train
``desk``      what the page shows: images, jobs, models; ``items`` and ``jobs`` are its parts
``guard``     who may ask: host, origin and key
``server``    the routes; ``serving`` opens the port
``page/``     HTML, styles and scripts, without anything from another host
============  ===============================================================================================================

The server imports neither torch nor any decoder, so that the page is there within a second or two: everything that opens an
image runs in worker processes, which speak lines of JSON.

The page is our own on aiohttp, and not one of a library of widgets: Gradio loads fonts from another host and sends telemetry
unless it is told not to, NiceGUI needs inline scripts, which a strict Content-Security-Policy forbids (both looked at in 2026).
"""
