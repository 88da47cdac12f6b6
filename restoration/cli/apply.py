"""``bsn restore apply``: what ``bsn denoise`` does, for a model of this package."""

from __future__ import annotations

import dataclasses

from bsn.cli.command import Command
from bsn.cli.denoise import COMMAND as DENOISE

EXAMPLES = """examples:
  bsn restore apply rainy/ --model run -o restored/           every image of a folder, same names, same dtype
  bsn restore apply photo.png --model run -o dry.png --ensemble
"""

COMMAND: Command = dataclasses.replace(DENOISE, summary="restore images with a trained model", examples=EXAMPLES)
