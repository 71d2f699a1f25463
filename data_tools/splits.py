"""Seeded, stratified splits that never divide a group."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from data_tools.errors import InputError
from data_tools.records import SPLIT_NAMES, Sample, Splits

FRACTIONS = (0.7, 0.15, 0.15)


def make_splits(
    samples: Sequence[Sample], fractions: tuple[float, float, float] = FRACTIONS, seed: int = 0, group_by: str = "auto"
) -> Splits:
    """Whole groups dealt to train, val and test so that each status and type gets its share.

    Groups are taken from the largest to the smallest, equal ones in seeded random order, and each goes where it leaves
    the counts of all (status, type) strata nearest to the wanted ones.

    Args:
        samples: in any order; their order does not matter.
        fractions: of train, val and test; at least 0, with the sum 1.
        seed: of the order among equal groups.
        group_by: how the groups were made, for the record.

    Raises:
        InputError: fractions that are no shares.
    """
    shares = np.array(fractions, dtype=np.float64)
    if shares.shape != (3,) or not np.isfinite(shares).all() or (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise InputError(f"split {','.join(map(str, fractions))}: three shares of train, val and test that add up to 1")
    strata = {key: i for i, key in enumerate(sorted({(sample.status, sample.type) for sample in samples}))}
    members: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.image_id):
        members.setdefault(sample.group, []).append(sample)
    counts = {group: _count(parts, strata) for group, parts in members.items()}
    totals = np.sum(list(counts.values()), axis=0) if counts else np.zeros(len(strata))
    order = np.random.default_rng(seed).permutation(sorted(members))
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    filled = np.zeros((3, len(strata)))
    for group in sorted(order.tolist(), key=lambda group: -len(members[group])):
        chosen = _cheapest(filled, counts[group], shares, totals)
        filled[chosen] += counts[group]
        parts[chosen].extend(sample.image_id for sample in members[group])
    ids = {name: tuple(sorted(part)) for name, part in zip(SPLIT_NAMES, parts, strict=True)}
    return Splits(seed, group_by, **ids)


def take_share(samples: Sequence[Sample], share: float, seed: int = 0) -> tuple[Sample, ...]:
    """A stratified part of the samples, whole groups, in the order given; all of them for a share of 1.

    Raises:
        InputError: the share is not above 0 and at most 1, or leaves good or defect images out.
    """
    if not 0 < share <= 1:
        raise InputError(f"fit.train_share {share}: must be above 0 and at most 1")
    if share == 1:
        return tuple(samples)
    kept = set(make_splits(samples, (share, 1 - share, 0.0), seed).train)
    part = tuple(sample for sample in samples if sample.image_id in kept)
    if {sample.is_defect for sample in part} != {sample.is_defect for sample in samples}:
        raise InputError(f"fit.train_share {share}: too few groups, one of good and defect images is left out")
    return part


def _cheapest(filled: np.ndarray, count: np.ndarray, shares: np.ndarray, totals: np.ndarray) -> int:
    """The part in which the group leaves the smallest squared excess, relative to what each stratum wants there."""
    wanted = shares[:, None] * totals[None, :]
    costs = []
    for part in range(3):
        if shares[part] == 0:
            costs.append(np.inf)
            continue
        after = filled.copy()
        after[part] += count
        distance = (after - wanted) ** 2 / np.maximum(wanted, 0.5)
        costs.append(float(distance.sum()))
    return int(np.argmin(costs))


def _count(samples: Sequence[Sample], strata: dict[tuple[str, str], int]) -> np.ndarray:
    tally = Counter((sample.status, sample.type) for sample in samples)
    return np.array([tally[key] for key in strata], dtype=np.float64)
