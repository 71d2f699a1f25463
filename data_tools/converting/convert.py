"""Annotated sources of any known format -> a dataset folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from data_tools.converting.color_alone import warning_about_color
from data_tools.converting.copies import without_copies
from data_tools.converting.damaged import without_damaged
from data_tools.converting.gray_range import stretched_copies, warning_about_levels
from data_tools.converting.summary import first_rejects, problems, summary
from data_tools.converting.type_names import folder_types, unmet_names
from data_tools.core.checks import require
from data_tools.core.errors import InputError
from data_tools.core.printable import counted
from data_tools.core.records import SPLIT_NAMES, Dataset, Sample
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import require_replaceable, write_dataset
from data_tools.files.images import read_size, resolve_under
from data_tools.files.regular import read_regular
from data_tools.formats.choice import choose_format, require_read
from data_tools.formats.images.name_readings import bare
from data_tools.formats.registry import WITHOUT_BOXES, Findings, ReadOptions, formats
from data_tools.splitting.deal import FRACTIONS, far_from_asked, make_splits, without_status
from data_tools.splitting.given import given_splits
from data_tools.splitting.grouping import group_samples, groups_by_expression

SINGLE = "defect"
_CATEGORIES = ("single", "types")


@dataclass(frozen=True)
class Conversion:
    """How to convert.

    Attributes:
        format: a name of `formats()`, or "auto" to recognise it.
        read: options of the readers.
        categories: "single" class, or "types": one class for each type.
        shares: of train, val and test; "given" keeps the publisher's split; None makes no splits.
        group_by: see `group_samples`.
        seed: of the splits; at least 0.
        copy: copy the images into the dataset folder.
        gray_range: darkest and brightest gray value of images of more than 8 bits, which are then copied, stretched to
            8 bits; None scales 16 bits as they are.
        strict: write nothing if anything is rejected or warned about.
        replace: put the new dataset in place of one that is there.

    Raises:
        InputError: a value that is none of these.
    """

    format: str = "auto"
    read: ReadOptions = field(default_factory=ReadOptions)
    categories: str = "single"
    shares: tuple[float, float, float] | Literal["given"] | None = FRACTIONS
    group_by: str = "auto"
    seed: int = 0
    copy: bool = False
    gray_range: tuple[float, float] | None = None
    strict: bool = False
    replace: bool = False

    def __post_init__(self) -> None:
        require(isinstance(self.read, ReadOptions), "read", "be ReadOptions", self.read)
        require(self.categories in _CATEGORIES, "categories", f"be {' or '.join(_CATEGORIES)}", self.categories)
        if self.format in formats():  # of a format that is recognised, this is known later
            require_read(formats()[self.format], self.read)
        shares = self.shares
        if shares is not None and shares != "given":
            require(not isinstance(shares, str) and len(shares) == 3, "shares", "be three, given or null", shares)
            for share in shares:
                require(isinstance(share, int | float) and 0 <= share <= 1, "shares", "lie in 0..1", share)
            require(abs(sum(map(float, shares)) - 1) <= 1e-6, "shares", "add up to 1", shares)
        groups_by_expression((), self.group_by)  # refused before anything is read
        if self.seed < 0:
            raise InputError(f"--seed {self.seed}: at least 0")
        if self.gray_range is not None and not -1e9 < self.gray_range[0] < self.gray_range[1] < 1e9:
            raise InputError(
                f"--gray_range {self.gray_range[0]:g},{self.gray_range[1]:g}: the darkest, then a brighter value"
            )


def convert(sources: Sequence[Path], out: Path, how: Conversion) -> str:
    """Convert annotation files, or one annotated folder, to the dataset folder `out`; a summary for people.

    Raises:
        InputError: sources that cannot be read, nothing to convert, or a place that must not be written to.
    """
    _check_place(out, sources, how)
    chosen, why = choose_format(sources, how.format, how.read)
    require_read(chosen, how.read)
    findings = Findings()
    samples = list(chosen.read(sources, how.read, findings))
    if not samples:
        raise InputError(f"{sources[0]}: nothing to convert as {chosen.name}; {first_rejects(findings)}")
    types = findings.types | (folder_types(samples) if chosen.corners == WITHOUT_BOXES else set())
    remarks = unmet_names(how.read.type_map, types)
    root = chosen.images_root(sources, how.read)
    if how.copy and root is None:
        raise InputError("--copy: there are no images to copy; give --images DIR")
    if how.gray_range is not None and root is None:
        raise InputError("--gray_range: there are no images to stretch; give --images DIR")
    with atomic_folder(out) as folder:
        if root is not None:
            samples = without_copies(samples, root, findings)
        levels = None if root is None or how.gray_range else warning_about_levels(samples, root)
        color = None if root is None else warning_about_color(samples, root)
        if how.gray_range is not None and root is not None:
            samples = stretched_copies(samples, root, how.gray_range, folder / "images", findings)
            root = folder / "images"
        dataset, notes, warnings = _assemble_readable(samples, sources, root, how, findings)
        warnings = [*remarks, *warnings, *filter(None, (levels, color))]
        if how.strict and (findings.rejects or findings.warnings.total() or warnings):
            total = findings.warnings.total() + len(warnings)
            counts = f"{counted(len(findings.rejects), 'reject')} and {counted(total, 'warning')}"
            raise InputError("\n".join([f"--strict: {counts}, nothing written", *problems(findings, warnings)]))
        if how.copy and how.gray_range is None:
            dataset = replace(dataset, images_root=_copy_images(dataset, folder / "images"))
        write_dataset(folder, dataset, findings.rejects, findings.mended)
        require_replaceable(out, how.replace)  # another process may have been faster
    return summary(out, dataset, findings, chosen, why, (*findings.notes, *notes), warnings)


def _check_place(out: Path, sources: Sequence[Path], how: Conversion) -> None:
    """Refuse sources that are not there, and an `out` that holds one of them or what must not be replaced."""
    for path in (*sources, *([] if how.read.images is None else [how.read.images])):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        if path.resolve().is_relative_to(out.resolve()):
            raise InputError(f"{path} lies in --out {out}, which would be replaced; give another --out")
    require_replaceable(out, how.replace)


def _assemble_readable(
    samples: Sequence[Sample], sources: Sequence[Path], root: Path | None, how: Conversion, findings: Findings
) -> tuple[Dataset, tuple[str, ...], list[str]]:
    """What `_assemble` makes of the samples whose images can be decoded; the others are listed.

    Grouping by looks decodes every image anyhow, so that they are looked for only when it fails.
    """
    if root is not None and how.group_by != "auto":
        samples = without_damaged(samples, root, findings)
    elif root is not None:
        try:
            return _assemble(samples, sources, root, how, findings)
        except InputError:
            whole = without_damaged(samples, root, findings)
            if len(whole) == len(samples):
                raise
            samples = whole
    if not samples:
        raise InputError(f"{root}: no image can be decoded; {first_rejects(findings)}")
    return _assemble(samples, sources, root, how, findings)


def _assemble(
    samples: Sequence[Sample], sources: Sequence[Path], root: Path | None, how: Conversion, findings: Findings
) -> tuple[Dataset, tuple[str, ...], list[str]]:
    """Ids from 1, class ids, groups and splits; notes on the groups, and warnings about the splits."""
    categories: tuple[str, ...] = (SINGLE,)
    if how.categories == "types":
        categories = tuple(sorted({name for sample in samples for name in sample.box_types})) or categories
    class_ids = {name: i for i, name in enumerate(categories, start=1)}
    lots = [_one_of(findings.lots, sample.path) for sample in samples]
    grouping = group_samples([sample.path for sample in samples], root, how.group_by, lots)
    numbered = tuple(
        replace(
            sample,
            image_id=i,
            group=group,
            labels=np.array([class_ids.get(name, 1) for name in sample.box_types], dtype=np.int64),
        )
        for i, (sample, group) in enumerate(zip(samples, grouping.groups, strict=True), start=1)
    )
    splits, warnings = None, list[str]()
    if how.shares == "given":
        told = {sample.image_id: part for sample in numbered if (part := _one_of(findings.parts, sample.path))}
        splits, warnings = given_splits(numbered, sources, how.seed, told)
    elif how.shares is not None:
        splits = make_splits(numbered, how.shares, how.seed, grouping.rule)
        parts = {name: splits.ids(name) for name in SPLIT_NAMES}
        warnings = far_from_asked(splits, numbered, how.shares) + without_status(parts, numbered)
    return Dataset(numbered, categories, root, splits), grouping.remarks, warnings


def _one_of(said: Mapping[str, set[str]], path: str) -> str:
    """What annotations say of an image, where they say one thing; "" else."""
    words = said.get(bare(path), set())
    return next(iter(words)) if len(words) == 1 else ""


def _copy_images(dataset: Dataset, folder: Path) -> Path:
    """Copy the images, each of which must still be as it was looked at.

    Raises:
        InputError: one is gone, damaged or of another size meanwhile.
    """
    assert dataset.images_root is not None
    for sample in dataset.samples:
        source, target = resolve_under(dataset.images_root, sample.path), folder / sample.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read_regular(source))
        try:
            is_same = read_size(target) == sample.size_hw
        except InputError:
            is_same = False
        if not is_same:
            raise InputError(f"{source}: changed while it was converted, so nothing is written; convert again")
    return folder
