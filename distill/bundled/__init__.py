"""How the weights in the box are made: free photographs, synthetic noise of many levels, the student ``tiny``.

``python -m distill.bundled`` trains them again from the installed packages alone.
"""
