"""Annotated sources of any known format -> a dataset folder."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from data_tools.converting.damaged import without_damaged
from data_tools.converting.summary import first_problems, first_rejects, summary
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import ANNOTATIONS, MENDED, REJECTS, SPLITS, write_dataset
from data_tools.files.images import resolve_under
from data_tools.formats.registry import Findings, ReadOptions, choose_format
from data_tools.splitting.deal import FRACTIONS, make_splits
from data_tools.splitting.grouping import group_samples

SINGLE = "defect"


_OWN_FILES = {ANNOTATIONS, SPLITS, REJECTS, MENDED, "images"}


@dataclass(frozen=True)
class Conversion:
    """How to convert.

    Attributes:
        format: a name of `formats()`, or "auto" to recognise it.
        read: options of the readers.
        categories: "single" class, or "types": one class for each type.
        shares: of train, val and test; None makes no splits.
        group_by: see `group_samples`.
        seed: of the splits; at least 0.
        copy: copy the images into the dataset folder.
        strict: write nothing if anything is rejected or warned of.
    """

    format: str = "auto"
    read: ReadOptions = field(default_factory=ReadOptions)
    categories: str = "single"
    shares: tuple[float, float, float] | None = FRACTIONS
    group_by: str = "auto"
    seed: int = 0
    copy: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError(f"--seed {self.seed}: at least 0")


def convert(sources: Sequence[Path], out: Path, how: Conversion) -> str:
    """Convert annotation files, or one annotated folder, to the dataset folder `out`; a summary for people.

    Raises:
        InputError: sources that cannot be read, nothing to convert, or a place that must not be written to.
    """
    _check_place(out, sources, how.read.images)
    wanted = "csv" if how.read.columns and how.format == "auto" else how.format
    chosen, why = choose_format(sources, wanted)
    findings = Findings()
    samples = list(chosen.read(sources, how.read, findings))
    if not samples:
        raise InputError(f"{sources[0]}: nothing to convert as {chosen.name}; {first_rejects(findings)}")
    root = chosen.images_root(sources, how.read)
    if how.copy and root is None:
        raise InputError("--copy: there are no images to copy; give --images DIR")
    dataset = _assemble_readable(samples, root, how, findings)
    if how.strict and (findings.rejects or findings.warnings):
        counts = f"{len(findings.rejects)} rejects and {sum(findings.warnings.values())} warnings"
        raise InputError(f"--strict: {counts}, nothing written; {first_problems(findings)}")
    with atomic_folder(out) as folder:
        if how.copy:
            dataset = replace(dataset, images_root=_copy_images(dataset, folder / "images"))
        write_dataset(folder, dataset, findings.rejects, findings.mended)
    return summary(out, dataset, findings, chosen, why)


def _check_place(out: Path, sources: Sequence[Path], images: Path | None) -> None:
    """Refuse to replace anything but a dataset folder that no source lies in."""
    for path in (*sources, *([] if images is None else [images])):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        if path.resolve().is_relative_to(out.resolve()):
            raise InputError(f"{path} lies in --out {out}, which would be replaced; give another --out")
    if out.exists():
        foreign = sorted(p.name for p in out.iterdir() if p.name not in _OWN_FILES) if out.is_dir() else [out.name]
        if foreign:
            raise InputError(f"{out}: holds {foreign[0]!r}, which belongs to no dataset folder; give another --out")


def _assemble_readable(samples: Sequence[Sample], root: Path | None, how: Conversion, findings: Findings) -> Dataset:
    """What `_assemble` makes of the samples whose images can be decoded; the others are listed.

    Grouping by looks decodes every image anyhow, so that they are looked for only when it fails.
    """
    if root is not None and how.group_by != "auto":
        samples = without_damaged(samples, root, findings)
    elif root is not None:
        try:
            return _assemble(samples, root, how)
        except InputError:
            whole = without_damaged(samples, root, findings)
            if len(whole) == len(samples):
                raise
            samples = whole
    if not samples:
        raise InputError(f"{root}: no image can be decoded; {first_rejects(findings)}")
    return _assemble(samples, root, how)


def _assemble(samples: Sequence[Sample], root: Path | None, how: Conversion) -> Dataset:
    """Ids from 1, class ids, groups and splits."""
    categories: tuple[str, ...] = (SINGLE,)
    if how.categories == "types":
        categories = tuple(sorted({name for sample in samples for name in sample.box_types})) or categories
    class_ids = {name: i for i, name in enumerate(categories, start=1)}
    groups, rule = group_samples([sample.path for sample in samples], root, how.group_by)
    numbered = tuple(
        replace(
            sample,
            image_id=i,
            group=group,
            labels=np.array([class_ids.get(name, 1) for name in sample.box_types], dtype=np.int64),
        )
        for i, (sample, group) in enumerate(zip(samples, groups, strict=True), start=1)
    )
    splits = None if how.shares is None else make_splits(numbered, how.shares, how.seed, rule)
    return Dataset(numbered, categories, root, splits)


def _copy_images(dataset: Dataset, folder: Path) -> Path:
    assert dataset.images_root is not None
    for sample in dataset.samples:
        target = folder / sample.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(resolve_under(dataset.images_root, sample.path), target)
    return folder
