"""Keep the memory that tensors on the CPU give back, for the next ones.

glibc takes every array above some megabytes fresh from the operating system and gives it back when it is freed; the next
one is again unmapped pages, which the kernel clears one by one while the first operator waits. A network that allocates the
same few sizes layer after layer spends a fifth of its time there. Two settings of malloc (3) end it: arrays up to
1 GiB come from the heap, and the heap's free top is kept.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # malloc.h
KEPT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Let malloc keep what is freed, up to 1 GiB in one piece, until the process ends.

    Concerns the whole process. Does nothing where the user has set malloc's variables (``MALLOC_TRIM_THRESHOLD_``,
    ``GLIBC_TUNABLES``, ...), or where the C library is not glibc; another allocator that is loaded instead (jemalloc,
    tcmalloc) does not notice.

    Returns
    -------
    bool
        Whether it was set.
    """
    chosen = "malloc" in os.environ.get("GLIBC_TUNABLES", "") or any(n.startswith("MALLOC_") for n in os.environ)
    if chosen or not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 (musl has a mallopt of no effect)
        # Older versions refuse a threshold above 32 MiB: there, no array is mapped at all.
        from_heap = library.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES) or library.mallopt(M_MMAP_MAX, 0)
        return bool(from_heap and library.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))
    return False
