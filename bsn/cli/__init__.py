"""The command ``bsn``: one file per sub-command, no work of its own."""

from bsn.cli.main import main

__all__ = ["main"]
