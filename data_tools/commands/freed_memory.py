"""What a command's process does with memory that it frees."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT, _LARGEST = 1 << 29, 1 << 28  # bytes


def keep_freed_memory() -> bool:
    """Have glibc keep up to 512 MiB that is freed, in pieces up to 256 MiB, and say whether it does so.

    By default it gives each tensor of some 30 MiB back to the system, which clears the pages of the next one anew: a
    fifth of the time of a training step or a prediction. Other C libraries are left as they are. See mallopt(3).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # none in this C library, or no such handle on this system
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT) and mallopt(_MMAP_THRESHOLD, _LARGEST))
