import platform
import subprocess
import sys

import pytest

COUNTING = """
import resource
import numpy as np
from data_tools.commands.freed_memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(8 << 20)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
assert keep_freed_memory()
faults()
print(usual, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_arrays_are_used_again_without_new_pages() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTING], capture_output=True, text=True, check=True)
    usual, kept = map(int, done.stdout.split())
    assert usual >= 20 * 32  # pages of 2 MiB, or more of 4 KiB
    assert kept < usual / 10
