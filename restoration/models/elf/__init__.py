"""ELF: a network for the rain and a network for the background, joined by multi-input attention."""

from restoration.models.elf.config import ELFConfig
from restoration.models.elf.network import ELF

__all__ = ["ELF", "ELFConfig"]
