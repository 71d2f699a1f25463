"""A dataset folder split anew, in place or into new folders that share its images."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Splits
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
from data_tools.splitting.deal import (
    FRACTIONS,
    describe_splits,
    far_from_asked,
    leave_later_out,
    left_empty,
    make_folds,
    make_splits,
    without_status,
)
from data_tools.splitting.given import GIVEN
from data_tools.splitting.grouping import LOTS_IN_ORDER, LOTS_TOLD, group_samples, groups_by_expression
from data_tools.splitting.names import lots_of

log = logging.getLogger(__name__)

_UNORDERED = ("none", "auto: ")
_NO_SPLITS = "as given"
_UNKNOWN = (_NO_SPLITS, GIVEN)  # what is recorded where the groups' own rule is not


@dataclass(frozen=True)
class SplitRequest:
    """How to split a dataset folder anew.

    Attributes:
        shares: of train, val and test; None takes the usual ones.
        folds: so many cross-validation folds instead.
        later_share: 0..1; test on the latest lots, which make up this share of the images, instead.
        order: regular expression on file names whose first group is the lot's date or number; None goes by code.
        group_by: "keep" the dataset's groups, or make them anew as `group_samples` does.
        seed: of the order among equal groups; at least 0.
        replace: may put the new split in place of another one.
    """

    shares: tuple[float, float, float] | None = None
    folds: int | None = None
    later_share: float | None = None
    order: str | None = None
    group_by: str = "keep"
    seed: int = 0
    replace: bool = False

    def __post_init__(self) -> None:
        if self.folds is not None and self.later_share is not None:
            raise InputError("give --folds or --leave_later_lots_out, not both")
        if self.seed < 0:
            raise InputError(f"--seed {self.seed}: at least 0")
        if self.order is not None and self.later_share is None:
            raise InputError("--order says which lots are later; give --leave_later_lots_out SHARE with it")
        if self.folds is not None and self.shares is not None:
            raise InputError("give --folds or --split, not both: every fold is one part of N")
        if self.later_share is not None and self.shares is not None and self.shares[2] != self.later_share:
            raise InputError(
                f"--split asks for a test of {self.shares[2]:g}, but --leave_later_lots_out of {self.later_share:g} of "
                "the images; give the same share, or leave --split out"
            )


def resplit(source: Path, out: Path | None, request: SplitRequest) -> str:
    """Split a dataset folder, in place or into `out`, a new folder that shares its images; a summary for people.

    Raises:
        InputError: a request that the data cannot meet, or a place that must not be written to.
    """
    if request.replace and out is not None:
        raise InputError("--replace puts another split into DATASET itself; give it without --out FOLDER")
    if request.folds is not None and out is None:
        raise InputError("--folds needs --out FOLDER for its dataset folders")
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out}: exists already; give a new folder")
    dataset = _regrouped(read_dataset(source), request.group_by)
    if request.folds is not None and out is not None:
        return _write_folds(source, out, dataset, request.folds, request.seed)
    dataset = replace(dataset, splits=_one_split(dataset, request))
    outcome = "saved" if out is not None or _save_in_place(source, dataset, request.replace) else "kept as it is"
    if out is not None:
        with atomic_folder(out) as folder:
            _write_sharing_images(folder, source, dataset)
    where = source if out is None else out
    return "\n".join([f"{where / SPLITS}: {outcome}, data hash {data_hash(dataset)[:12]}", *describe_splits(dataset)])


def _one_split(dataset: Dataset, request: SplitRequest) -> Splits:
    rule = _rule(dataset)
    shares = FRACTIONS if request.shares is None else request.shares
    if request.later_share is None:
        splits = make_splits(dataset.samples, shares, request.seed, rule)
        parts = {name: splits.ids(name) for name in SPLIT_NAMES}
        remarks = left_empty(splits, dataset.samples, shares) + far_from_asked(splits, dataset.samples, shares)
        remarks += without_status(parts, dataset.samples)
        for remark in remarks:
            log.warning("warning: %s", remark)
        return splits
    moments = _moments(dataset, rule, request.order)
    return leave_later_out(dataset.samples, moments, request.later_share, shares[1], request.seed, rule)


def _moments(dataset: Dataset, rule: str, order: str | None) -> list[str] | list[int]:
    paths = [sample.path for sample in dataset.samples]
    if order is not None:
        moments = groups_by_expression(paths, order, "--order")
    else:
        moments = [sample.group for sample in dataset.samples]
        if rule in _UNKNOWN and moments != lots_of(paths):
            raise InputError(
                "nothing says how the dataset's groups were made, so not whether they follow each other in time; give "
                "--order REGEX whose first group is a date or number in the file names, or --group-by REGEX"
            )
        if rule.startswith(_UNORDERED) and rule != LOTS_IN_ORDER:
            raise InputError(
                f"groups by {rule!r} do not follow each other in time; give --order REGEX whose first "
                "group is a date or number in the file names"
            )
    return [int(one) for one in moments] if all(one.isascii() and one.isdigit() for one in moments) else moments


def _regrouped(dataset: Dataset, group_by: str) -> Dataset:
    if group_by == "keep":
        return dataset
    lots = [sample.group for sample in dataset.samples] if LOTS_TOLD in _rule(dataset) else ()
    grouping = group_samples([sample.path for sample in dataset.samples], dataset.images_root, group_by, lots)
    for remark in grouping.remarks:
        log.warning("warning: %s", remark)
    samples = tuple(replace(s, group=group) for s, group in zip(dataset.samples, grouping.groups, strict=True))
    return replace(dataset, samples=samples, splits=Splits(0, grouping.rule, (), (), ()))


def _rule(dataset: Dataset) -> str:
    return _NO_SPLITS if dataset.splits is None else dataset.splits.group_by


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


def _write_folds(source: Path, out: Path, dataset: Dataset, count: int, seed: int) -> str:
    folds = make_folds(dataset.samples, count, seed, _rule(dataset))
    tests = {f"fold_{number}": splits.test for number, splits in enumerate(folds, start=1)}
    for remark in without_status(tests, dataset.samples):
        log.warning("warning: %s", remark)
    lines = []
    with atomic_folder(out) as folder:
        for number, splits in enumerate(folds, start=1):
            fold = replace(dataset, splits=splits)
            _write_sharing_images(folder / f"fold_{number}", source, fold)
            sizes = ", ".join(f"{len(fold.split(name))} {name}" for name in SPLIT_NAMES)
            defects = sum(sample.is_defect for sample in fold.split("test"))
            digest = data_hash(fold)[:12]
            lines.append(f"{out / f'fold_{number}'}: {sizes} ({defects} defects in test), data hash {digest}")
    return "\n".join(lines)


def _write_sharing_images(folder: Path, source: Path, dataset: Dataset) -> None:
    write_dataset(folder, dataset, read_rejects(source))
    copy_history(source, folder)
