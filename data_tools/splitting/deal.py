"""Whole groups dealt to parts: train, val and test; k folds; later lots left out; a share of the images."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.printable import counted
from data_tools.core.records import BOXED, GOOD, SPLIT_NAMES, Dataset, Sample, Splits

FRACTIONS = (0.7, 0.15, 0.15)

_FEWEST_FOLDS = 3
_FAR = 0.05


def make_splits(
    samples: Sequence[Sample], fractions: tuple[float, float, float] = FRACTIONS, seed: int = 0, group_by: str = "auto"
) -> Splits:
    """Whole groups dealt to train, val and test so that each status and type gets its share, see `deal`.

    Where that leaves a part without good, defect or boxed images of which others have several groups, it gets one: no
    checkpoint can be chosen or judged without.

    Args:
        samples: in any order; their order does not matter.
        fractions: of train, val and test; at least 0, with the sum 1.
        seed: of the order among equal groups.
        group_by: how the groups were made, for the record.

    Raises:
        InputError: fractions that are no shares, or a share of one image or more that whole groups cannot fill.
    """
    shares = np.array(fractions, dtype=np.float64)
    if shares.shape != (3,) or not np.isfinite(shares).all() or (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise InputError(f"split {','.join(map(str, fractions))}: three shares of train, val and test that add up to 1")
    parts = deal(samples, fractions, seed)
    if (shares > 0).all():
        parts = _none_without(parts, samples)
    groups = len({sample.group for sample in samples})
    for name, part, share in zip(SPLIT_NAMES, parts, fractions, strict=True):
        if not part and share * len(samples) >= 1:
            raise InputError(
                f"split {','.join(map(str, fractions))}: {len(samples)} images in {groups} groups, the largest of "
                f"{max(Counter(s.group for s in samples).values())}, leave no group for {name}; group otherwise with "
                "--group-by REGEX or none, or ask for other shares"
            )
    return Splits(seed, group_by, *parts)


def make_folds(samples: Sequence[Sample], folds: int, seed: int = 0, group_by: str = "auto") -> tuple[Splits, ...]:
    """One `Splits` a fold: part i is the test, the part after it the validation, and the others train.

    Raises:
        InputError: fewer than 3 folds, or more than there are groups.
    """
    groups = len({sample.group for sample in samples})
    if not _FEWEST_FOLDS <= folds <= groups:
        raise InputError(
            f"--folds {folds}: at least {_FEWEST_FOLDS} (train, val and test differ), at most the number "
            f"of groups, {groups}"
        )
    parts = deal(samples, (1 / folds,) * folds, seed)
    made = []
    for test in range(folds):
        val = (test + 1) % folds
        train = sorted(i for part in range(folds) if part not in (test, val) for i in parts[part])
        made.append(Splits(seed, group_by, tuple(train), parts[val], parts[test]))
    return tuple(made)


def leave_later_out(
    samples: Sequence[Sample],
    moments: Sequence[str | int],
    share: float,
    val_share: float = FRACTIONS[1],
    seed: int = 0,
    group_by: str = "auto",
) -> Splits:
    """The latest groups are the test; the earlier ones are dealt to train and val.

    Args:
        samples: of the dataset.
        moments: when each image was made; a group is as late as its latest image.
        share: 0..1 of all images; as many of the latest moments as needed to reach it are left out.
        val_share: 0..1 of all images, taken from the earlier groups.
        seed, group_by: as in `make_splits`.

    Raises:
        InputError: no share, or no moment would be left for training.
    """
    if not 0 < share < 1 or not 0 <= val_share < 1 - share:
        raise InputError(
            f"--leave_later_lots_out {share}: a share of the images in 0..1, which leaves some for "
            "training beside validation"
        )
    latest: dict[str, str | int] = {}
    for sample, moment in zip(samples, moments, strict=True):
        latest[sample.group] = max(latest.get(sample.group, moment), moment)
    counts = Counter(latest[sample.group] for sample in samples)
    cut, left_out = None, 0
    for moment in sorted(counts, reverse=True):
        if left_out >= share * len(samples):
            break
        cut, left_out = moment, left_out + counts[moment]
    if cut is None or left_out == len(samples):
        raise InputError(
            f"--leave_later_lots_out {share}: all {len(counts)} lots would be left out; the lots are too "
            "few or too large to be told apart in time"
        )
    later = [s for s in samples if not latest[s.group] < cut]  # type: ignore[operator]
    earlier = [s for s in samples if latest[s.group] < cut]  # type: ignore[operator]
    for_val = min(val_share * len(samples) / len(earlier), 0.5)
    train, val = deal(earlier, (1 - for_val, for_val), seed)
    return Splits(seed, group_by, train, val, tuple(sorted(s.image_id for s in later)))


def deal(samples: Sequence[Sample], shares: Sequence[float], seed: int) -> list[tuple[int, ...]]:
    """Image ids of each part, whole groups each.

    Groups are taken from the largest to the smallest, equal ones in seeded random order, and each goes where it leaves
    the counts nearest to the wanted ones: of all images, of good and defect images, of each status, and of each type.
    So types of which there are too few for every part do not keep defects as a whole from their shares.
    """
    wanted_shares = np.array(shares, dtype=np.float64)
    strata = {key: i for i, key in enumerate(sorted({key for sample in samples for key in _strata(sample)}))}
    members: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.image_id):
        members.setdefault(sample.group, []).append(sample)
    counts = {group: _count(parts, strata) for group, parts in members.items()}
    totals = np.sum(list(counts.values()), axis=0) if counts else np.zeros(len(strata))
    order = np.random.default_rng(seed).permutation(sorted(members))
    parts: list[list[int]] = [[] for _ in shares]
    filled = np.zeros((len(shares), len(strata)))
    for group in sorted(order.tolist(), key=lambda group: -len(members[group])):
        chosen = _cheapest(filled, counts[group], wanted_shares, totals)
        filled[chosen] += counts[group]
        parts[chosen].extend(sample.image_id for sample in members[group])
    return [tuple(sorted(part)) for part in parts]


def parse_shares(text: str, otherwise: str = "") -> tuple[float, float, float]:
    """Shares of train, val and test from "0.7,0.15,0.15".

    Args:
        text: the value of --split.
        otherwise: what else the command takes, for the message.

    Raises:
        InputError: not three numbers.
    """
    try:
        train, val, test = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--split {text}: shares of train,val,test such as 0.7,0.15,0.15{otherwise}") from error
    return train, val, test


def far_from_asked(splits: Splits, samples: Sequence[Sample], fractions: Sequence[float]) -> list[str]:
    """A remark for each part whose share of the images, or of the defects, is far from what was asked.

    Far is more than five points and more than one image.
    """
    remarks = []
    defects = {sample.image_id for sample in samples if sample.is_defect}
    for what, ids in (("images", {sample.image_id for sample in samples}), ("defects", defects)):
        for name, share in zip(SPLIT_NAMES, fractions, strict=True):
            count = len(ids.intersection(splits.ids(name)))
            if ids and abs(count - share * len(ids)) > max(_FAR * len(ids), 1.0):
                remarks.append(
                    f"{name} holds {count} of {len(ids)} {what} ({count / len(ids):.0%}), far from the {share:.0%} "
                    f"asked for: groups are kept whole ({splits.group_by}); --group-by REGEX or none groups otherwise"
                )
    return remarks


def left_empty(splits: Splits, samples: Sequence[Sample], fractions: Sequence[float]) -> list[str]:
    """A remark if parts got no image, of so few that their shares are less than one."""
    empty = [name for name, share in zip(SPLIT_NAMES, fractions, strict=True) if share > 0 and not splits.ids(name)]
    if not empty:
        return []
    return [f"{', '.join(empty)}: no image; {len(samples)} are too few for the shares that were asked for"]


def without_status(parts: Mapping[str, Sequence[int]], samples: Sequence[Sample]) -> list[str]:
    """A remark for each status of the data that a part lacks: nothing can be learned or judged there about it.

    Args:
        parts: image ids by the part's name; an empty part lacks nothing.
        samples: all images.
    """
    statuses = {sample.image_id: sample.status for sample in samples}
    remarks = []
    for status, count in sorted(Counter(statuses.values()).items()):
        lacking = [name for name, ids in parts.items() if ids and all(statuses[i] != status for i in ids)]
        if lacking:
            groups = counted(len({sample.group for sample in samples if sample.status == status}), "group")
            remarks.append(
                f"{', '.join(lacking)}: no {status} image; there are {count} in {groups}, too few for every part"
            )
    return remarks


def describe_splits(dataset: Dataset) -> list[str]:
    """A line for each split: images, defects, groups."""
    lines = []
    for name in SPLIT_NAMES:
        part = dataset.split(name)
        defects, groups = sum(sample.is_defect for sample in part), len({sample.group for sample in part})
        lines.append(f"{name + ':':<7} {len(part)} images, {defects} of them defects, {groups} groups")
    return lines


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


def _none_without(parts: Sequence[Sequence[int]], samples: Sequence[Sample]) -> list[tuple[int, ...]]:
    """The parts with as few whole groups moved as give each one good, defect and boxed images, where groups allow it.

    A group comes from the part with the most of its kind, the smallest first, and leaves no part without a kind.
    """
    part_of = {image_id: place for place, ids in enumerate(parts) for image_id in ids}
    place = {sample.group: part_of[sample.image_id] for sample in samples}
    sizes = Counter(sample.group for sample in samples)
    kinds = [
        {sample.group for sample in samples if sample.status == GOOD},
        {sample.group for sample in samples if sample.is_defect},
        {sample.group for sample in samples if sample.status == BOXED},
    ]
    for kind in kinds:
        for lacking in sorted(set(range(len(parts))) - {place[group] for group in kind}):
            held = [Counter(place[group] for group in one) for one in kinds]
            spare = [
                group
                for group in kind
                if all(here[place[group]] > 1 for one, here in zip(kinds, held, strict=True) if group in one)
            ]
            if spare:
                most = Counter(place[group] for group in kind)
                place[min(spare, key=lambda group: (-most[place[group]], sizes[group], group))] = lacking
    return [tuple(sorted(s.image_id for s in samples if place[s.group] == part)) for part in range(len(parts))]


def _cheapest(filled: np.ndarray, count: np.ndarray, shares: np.ndarray, totals: np.ndarray) -> int:
    """The part in which the group leaves the smallest squared excess, relative to what each stratum wants there.

    A stratum of which the smallest part wants less than one image counts less, because it cannot be dealt evenly.
    """
    wanted = shares[:, None] * totals[None, :]
    dealable = np.minimum(totals * shares[shares > 0].min(), 1.0)
    scale = np.maximum(wanted, 0.5) / np.maximum(dealable, 1e-9)
    # only one part changes, so the sums differ by that part's terms alone
    costs = (((filled + count - wanted) ** 2 - (filled - wanted) ** 2) / scale).sum(axis=1)
    return int(np.argmin(np.where(shares > 0, costs, np.inf)))


def _strata(sample: Sample) -> tuple[tuple[str, ...], ...]:
    """What an image counts for, from all images down to its own type."""
    return (), (str(sample.is_defect),), ("status", sample.status), ("type", sample.status, sample.type)


def _count(samples: Sequence[Sample], strata: dict[tuple[str, ...], int]) -> np.ndarray:
    tally = Counter(key for sample in samples for key in _strata(sample))
    return np.array([tally[key] for key in strata], dtype=np.float64)
