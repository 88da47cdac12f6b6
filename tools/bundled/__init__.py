"""How the weights in the box are made: free photographs, synthetic noise of many levels, the student ``tiny``.

``python -m tools.bundled -o RUN`` trains them again, from a checkout, with the installed packages alone.
"""
