"""The sign-flip permutation test by group: two approaches are swapped within whole groups (Good 2005, chapter 3).

If neither is better, each group's answers could as well have come with the names exchanged. The p-value is the share of
these exchanges whose difference is at least as large as the one seen. Images of one group stay together, so it holds
however much they resemble each other.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
from numpy.typing import NDArray

EXACT_GROUPS = 14
RANDOM_FLIPS = 20_000
_CELLS = 2_000_000
_THREADS = 2  # numpy and scipy let go of the interpreter; more would only compete for memory

Floats = NDArray[np.float64]
Flips = Callable[[Floats], Floats]
"""(c, groups) of 1, or -1 where a group's answers are swapped -> (c,) differences of the figure, NaN if undefined."""


def linear(of_groups: Floats) -> Flips:
    """A difference that is the sum of what each group adds to it, which changes its sign where the group is swapped."""
    return lambda signs: signs @ of_groups


def sign_flip(flips: Flips, groups: int, seed: int) -> float | None:
    """Two-sided p-value: over all 2^groups ways up to 14 groups, else over 20,000 drawn ones, the one seen added.

    None with fewer than two groups, or where the difference is undefined.

    >>> sign_flip(linear(np.array([1.0, 2.0, 3.0, -1.0])), 4, seed=0)
    0.375
    """
    if groups < 2:
        return None
    seen = float(flips(np.ones((1, groups)))[0])
    if not np.isfinite(seen):
        return None
    least = abs(seen) - 1e-9 * max(abs(seen), 1e-3)
    extreme = total = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        chunks = _signs(groups, seed)
        # a few at a time: the pool would take all chunks into memory before the first is done
        while few := list(islice(chunks, _THREADS)):
            for differences in pool.map(flips, few):
                # an undefined difference speaks neither way; counted as extreme it can only make the claim weaker
                extreme += int((~(np.abs(differences) < least)).sum())
                total += len(differences)
    return extreme / total if groups <= EXACT_GROUPS else (extreme + 1) / (total + 1)


def smallest_p_value(groups: int) -> float:
    """Below which no p-value of so many groups can be: 2 / 2^groups, or one of the ways drawn."""
    return 2 / 2**groups if groups <= EXACT_GROUPS else 1 / (RANDOM_FLIPS + 1)


def _signs(groups: int, seed: int) -> Iterator[Floats]:
    """Chunks (c, groups) of signs."""
    if groups <= EXACT_GROUPS:
        ways = np.arange(2**groups)[:, None] >> np.arange(groups)
        yield np.asarray(1.0 - 2.0 * (ways & 1), dtype=np.float64)
        return
    rng = np.random.default_rng(seed)
    step = max(_CELLS // groups, 1)
    for start in range(0, RANDOM_FLIPS, step):
        shape = (min(step, RANDOM_FLIPS - start), -(-groups // 8))
        bits = np.unpackbits(rng.integers(0, 256, size=shape, dtype=np.uint8), axis=1)[:, :groups]
        yield np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
