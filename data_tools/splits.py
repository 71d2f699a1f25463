"""Seeded, stratified splits that never divide a group: train, val and test; k folds; later lots left out.

python -m data_tools.splits DATASET --split 0.7,0.15,0.15 --group-by auto --replace   # group and split anew, in place
python -m data_tools.splits DATASET --folds 5 --out datasets/folds                    # datasets/folds/fold_1 ... fold_5
python -m data_tools.splits DATASET --leave_later_lots_out 0.2 --out datasets/later   # the last lots are the test

Every result is a dataset folder that training and evaluation take as it is; a new folder shares the images of DATASET.
A dataset's splits are made once and then used by every run, so another split in its place needs --replace. In fold i of
n, part i is the test and part i + 1 (after n comes 1) is the validation, so that each image is tested exactly once.

The order of the lots in time is the lexical order of their codes, such as WEE939001B0A, in which year and week come
first. --order REGEX takes it from the file names instead: the pattern's first group (or whole match), compared as a
number where every image has one. Lots of the same moment stay together.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Sample, Splits
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import (
    SPLITS,
    copy_history,
    data_hash,
    read_dataset,
    read_rejects,
    write_dataset,
    write_splits,
)
from data_tools.splitting.grouping import group_samples, groups_by_expression

FRACTIONS = (0.7, 0.15, 0.15)
_UNORDERED = ("none", "auto: capture number")
_FEWEST_FOLDS = 3


def make_splits(
    samples: Sequence[Sample], fractions: tuple[float, float, float] = FRACTIONS, seed: int = 0, group_by: str = "auto"
) -> Splits:
    """Whole groups dealt to train, val and test so that each status and type gets its share, see `deal`.

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
    train, val, test = deal(samples, fractions, seed)
    return Splits(seed, group_by, train, val, test)


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
    the counts of all (status, type) strata nearest to the wanted ones.
    """
    wanted_shares = np.array(shares, dtype=np.float64)
    strata = {key: i for i, key in enumerate(sorted({(sample.status, sample.type) for sample in samples}))}
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


def parse_shares(text: str) -> tuple[float, float, float] | None:
    """Shares of train, val and test from "0.7,0.15,0.15"; None from "none"."""
    if text == "none":
        return None
    try:
        train, val, test = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--split {text}: shares of train,val,test such as 0.7,0.15,0.15, or none") from error
    return train, val, test


def describe_splits(dataset: Dataset) -> list[str]:
    """A line for each split: images, defects, groups."""
    lines = []
    for name in SPLIT_NAMES:
        part = dataset.split(name)
        defects, groups = sum(sample.is_defect for sample in part), len({sample.group for sample in part})
        lines.append(f"{name + ':':<7} {len(part)} images, {defects} of them defects, {groups} groups")
    return lines


def build_parser() -> Parser:
    """The command line of `python -m data_tools.splits`."""
    parser = Parser(prog="data_tools.splits", description="Split a dataset folder without dividing a group.")
    parser.add_argument("dataset", type=str, help="dataset folder")
    parser.add_argument("--split", type=str, default=",".join(map(str, FRACTIONS)), help="shares of train,val,test")
    parser.add_argument(
        "--folds",
        type=int | None,
        default=None,
        help="cross-validation: so many dataset folders fold_1, fold_2, ... in --out",
    )
    parser.add_argument(
        "--leave_later_lots_out",
        type=float | None,
        default=None,
        help="test on the last lots, which make up this share (0..1) of the images",
    )
    parser.add_argument(
        "--order",
        type=str | None,
        default=None,
        help="regular expression on file names whose first "
        "group is the lot's date or number; by default lots follow each other by code",
    )
    parser.add_argument(
        "--group-by",
        type=str,
        default="keep",
        help="keep the dataset's groups, or make them anew: auto, none, or a regular expression on file names",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order among equal groups")
    parser.add_argument("--out", type=str | None, default=None, help="new folder to write; by default DATASET itself")
    parser.add_argument("--replace", action="store_true", help="put the new split in place of another one")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _split, argv)


def _split(arguments: Namespace) -> int:
    source, out = Path(arguments.dataset), None if arguments.out is None else Path(arguments.out)
    if arguments.folds is not None and arguments.leave_later_lots_out is not None:
        raise InputError("give --folds or --leave_later_lots_out, not both")
    if arguments.folds is not None and out is None:
        raise InputError("--folds needs --out FOLDER for its dataset folders")
    if arguments.seed < 0:
        raise InputError(f"--seed {arguments.seed}: at least 0")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out}: exists already; give a new folder")
    dataset = _regrouped(read_dataset(source), arguments.group_by)
    if arguments.folds is not None:
        assert out is not None
        return _write_folds(source, out, dataset, arguments)
    dataset = replace(dataset, splits=_one_split(dataset, arguments))
    outcome = "saved" if out is not None or _save_in_place(source, dataset, arguments.replace) else "kept as it is"
    if out is not None:
        with atomic_folder(out) as folder:
            _write_sharing_images(folder, source, dataset)
    where = source if out is None else out
    print("\n".join([f"{where / SPLITS}: {outcome}, data hash {data_hash(where)[:12]}", *describe_splits(dataset)]))
    return 0


def _one_split(dataset: Dataset, arguments: Namespace) -> Splits:
    rule = _rule(dataset)
    shares = parse_shares(arguments.split)
    if shares is None:
        raise InputError("--split none: give the shares of train,val,test")
    if arguments.leave_later_lots_out is None:
        return make_splits(dataset.samples, shares, arguments.seed, rule)
    moments = _moments(dataset, rule, arguments.order)
    share = arguments.leave_later_lots_out
    return leave_later_out(dataset.samples, moments, share, shares[1], arguments.seed, rule)


def _moments(dataset: Dataset, rule: str, order: str | None) -> list[str] | list[int]:
    if order is None:
        if rule.startswith(_UNORDERED):
            raise InputError(
                f"groups by {rule!r} do not follow each other in time; give --order REGEX whose first "
                "group is a date or number in the file names"
            )
        return [sample.group for sample in dataset.samples]
    found = groups_by_expression([sample.path for sample in dataset.samples], order, "--order")
    return [int(one) for one in found] if all(one.isascii() and one.isdigit() for one in found) else found


def _regrouped(dataset: Dataset, group_by: str) -> Dataset:
    if group_by == "keep":
        return dataset
    groups, rule = group_samples([sample.path for sample in dataset.samples], dataset.images_root, group_by)
    samples = tuple(replace(s, group=group) for s, group in zip(dataset.samples, groups, strict=True))
    return replace(dataset, samples=samples, splits=Splits(0, rule, (), (), ()))


def _rule(dataset: Dataset) -> str:
    return "as given" if dataset.splits is None else dataset.splits.group_by


def _save_in_place(folder: Path, dataset: Dataset, may_replace: bool) -> bool:
    """Save groups and splits unless they are already there; whether anything was written."""
    before = read_dataset(folder)
    same_groups = [s.group for s in before.samples] == [s.group for s in dataset.samples]
    if same_groups and before.splits == dataset.splits:
        return False
    if before.splits is not None and not may_replace:
        raise InputError(
            f"{folder / SPLITS}: holds another split, on which runs may depend; add --replace, or give --out FOLDER"
        )
    assert dataset.splits is not None
    if same_groups:
        write_splits(folder, dataset.splits)
    else:
        write_dataset(folder, dataset, read_rejects(folder))
    return True


def _write_folds(source: Path, out: Path, dataset: Dataset, arguments: Namespace) -> int:
    folds = make_folds(dataset.samples, arguments.folds, arguments.seed, _rule(dataset))
    lines = []
    with atomic_folder(out) as folder:
        for number, splits in enumerate(folds, start=1):
            fold = replace(dataset, splits=splits)
            _write_sharing_images(folder / f"fold_{number}", source, fold)
            sizes = ", ".join(f"{len(fold.split(name))} {name}" for name in SPLIT_NAMES)
            defects = sum(sample.is_defect for sample in fold.split("test"))
            digest = data_hash(folder / f"fold_{number}")[:12]
            lines.append(f"{out / f'fold_{number}'}: {sizes} ({defects} defects in test), data hash {digest}")
    print("\n".join(lines))
    return 0


def _write_sharing_images(folder: Path, source: Path, dataset: Dataset) -> None:
    write_dataset(folder, dataset, read_rejects(source))
    copy_history(source, folder)


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
    scale = np.maximum(wanted, 0.5)
    # only one part changes, so the sums differ by that part's terms alone
    costs = (((filled + count - wanted) ** 2 - (filled - wanted) ** 2) / scale).sum(axis=1)
    return int(np.argmin(np.where(shares > 0, costs, np.inf)))


def _count(samples: Sequence[Sample], strata: dict[tuple[str, str], int]) -> np.ndarray:
    tally = Counter((sample.status, sample.type) for sample in samples)
    return np.array([tally[key] for key in strata], dtype=np.float64)


if __name__ == "__main__":
    raise SystemExit(main())
