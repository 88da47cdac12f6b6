"""``python -m bsn``: the command ``bsn``."""

import sys

from bsn.cli import main

sys.exit(main())
