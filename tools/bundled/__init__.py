"""How the weights in the box are made: free photographs, synthetic noise of many levels and of cameras, synthetic rain.

``python -m tools.bundled NAME -o RUN`` trains them again, from a checkout; ``--ship RUN`` puts a run into the box.
"""
