"""What the formats with masks share: images with their masks -> samples, on all processors.

The masks are looked at twice: to find out what the values of the whole set mean (`mask_reading`), and to read them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Sample
from data_tools.files.images import read_rgb
from data_tools.formats.evidence import UNLABELLED
from data_tools.formats.images.image_index import read_or_reject, size_of, without_boxes
from data_tools.formats.images.parallel import map_images
from data_tools.formats.masks.mask_reading import (
    MOST_TYPES,
    MaskReading,
    choose_reading,
    code_name,
    reading_by_names,
    with_values_said,
)
from data_tools.formats.masks.mask_values import MaskStats, read_codes, stats_of
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.shapes.regions import boxes_of, label
from data_tools.formats.words.folders import names_a_fault

_EMPTY_SHARE = 4


@dataclass(frozen=True)
class MaskJob:
    """One image with its masks.

    Attributes:
        root, name: the image and the folder that its name is relative to.
        masks: several are joined; without any, the image is as its folder says.
        defect_type: as its folder says: a type, "good", or "defect" where the folder says no more.
        proof: what says that an image without a mask is good; "" where nothing does.
        empty_status: what an image of a defect type with empty masks is: good or unboxed.
        without_masks: what an image without a mask or proof is: unboxed, or None: then it is listed.
        objects: masks that tell apart the defects that `masks` give the types of.
        is_defect: whether its folder says that it is a defect, of whatever type.
        mask_types: the type of each mask by its own folder, "" where that is none; empty where none is.
        lacking: a type that masks have, but none of these; "" without: then empty masks do not say that it is good.
    """

    root: Path
    name: str
    masks: tuple[Path, ...]
    defect_type: str
    proof: str
    empty_status: str
    without_masks: str | None = None
    objects: tuple[Path, ...] = ()
    is_defect: bool = False
    mask_types: tuple[str, ...] = ()
    lacking: str = ""


def samples_from_masks(
    jobs: Sequence[MaskJob],
    options: ReadOptions,
    findings: Findings,
    names: dict[int, str] | None = None,
    of_types: bool = False,
) -> Iterator[Sample]:
    """Samples in the order of the jobs; unreadable images and masks, and masks that are none, are listed.

    Args:
        jobs: the images.
        options, findings: of the reader.
        names: of the masks' colours, where the set gives them.
        of_types: whether folders are types whatever the masks' values say.

    Raises:
        InputError: masks whose values nothing explains, or of which it cannot be told what is background.
    """
    paths = [mask for job in jobs for mask in job.masks]
    if names:
        reading: MaskReading | None = with_values_said(reading_by_names(names), options.type_map)
    else:
        of_mask = dict(zip(paths, map_images(_stats, paths, "mask values"), strict=True))
        stats = [one for one in of_mask.values() if one is not None]
        reading = with_values_said(choose_reading(stats, options.type_map), options.type_map) if stats else None
        if reading is not None and not of_types:
            none = _no_types(jobs, of_mask, reading) - {GOOD, *options.type_map.values()}
            jobs = [replace(one, defect_type="defect") if one.defect_type in none else one for one in jobs]
    if reading is not None:
        findings.types.update(map(reading.name_of, (*reading.plain, *reading.void)))
        findings.notes.append(reading.describe())
    for sample, noticed in map_images(partial(_sample, options=options, reading=reading), jobs, "masks"):
        findings.absorb(noticed)
        if sample is not None:
            yield sample


def _no_types(jobs: Sequence[MaskJob], stats: Mapping[Path, MaskStats | None], reading: MaskReading) -> set[str]:
    """Names of folders that are no types but products, or the set's: by the masks of their images.

    Where a folder has several types by its masks' values, no folder is one. A folder of which a quarter of the masks
    and more are empty holds good images too, and is none unless its name is of a fault.
    """
    codes: dict[str, list[set[int]]] = {}
    for job in jobs:
        own = [set(one.counts) for mask in job.masks if (one := stats[mask]) is not None]
        if own:
            codes.setdefault(job.defect_type, []).append(set[int]().union(*own))
    if reading.kind == "one type a value" and max(reading.values) <= MOST_TYPES:
        found = (len(set[int]().union(*of) & {*reading.values}) for kind, of in codes.items() if kind != "defect")
        if max(found, default=0) > 1:
            return {*codes}
    empty = {kind: sum(one <= {reading.background} for one in of) for kind, of in codes.items()}
    return {kind for kind, of in codes.items() if empty[kind] * _EMPTY_SHARE >= len(of) and not names_a_fault(kind)}


def one_folder(sources: Sequence[Path], name: str) -> Path:
    """The one source folder of the format `name`, resolved.

    Raises:
        InputError: several sources, or not a folder.
    """
    if len(sources) != 1 or not sources[0].is_dir():
        raise InputError(f"{', '.join(map(str, sources))}: the format {name} is read from one folder")
    return sources[0].resolve()


def is_colored(path: Path) -> bool:
    """Whether an image has pixels whose channels differ clearly; False where it cannot be read."""
    try:
        return bool(np.ptp(read_rgb(path).astype(np.int16), axis=-1).max() > 60)
    except InputError:
        return False


def looks_like_a_mask(path: Path) -> bool:
    """Whether an image can be opened and holds few values, or black and white with soft edges."""
    stats = _stats(path)
    if stats is None:
        return False
    try:
        choose_reading([stats])
    except InputError:
        return len(stats.counts) == 1
    return True


def _stats(path: Path) -> MaskStats | None:
    try:
        return stats_of(*read_codes(path))
    except InputError:
        return None  # listed when it is read


def _sample(job: MaskJob, options: ReadOptions, reading: MaskReading | None) -> tuple[Sample | None, Findings]:
    findings = Findings()
    path = job.root / job.name
    if not job.masks:
        return _without_masks(job, options, findings), findings
    image = read_or_reject(read_rgb, path, job.name, findings)
    if image is None:
        return None, findings
    size_hw = (image.shape[0], image.shape[1])
    parts: list[tuple[NDArray[np.float64], list[str]]] = []
    for i, mask in enumerate(job.masks):
        try:
            numbers = _numbers(mask, size_hw, reading)
            objects = _objects(job, size_hw)
        except InputError as error:
            findings.reject(mask, None, job.name, str(error).removeprefix(f"{mask}: "))
            return None, findings
        own = job.mask_types[i] if job.mask_types else ""
        of_mask = replace(job, defect_type=own) if own not in ("", GOOD) else job
        parts.append(_boxes(numbers, objects, reading, options, of_mask, findings))
    boxes = np.concatenate([of for of, _ in parts])
    types = [name for _, names in parts for name in names]
    if job.lacking and not len(boxes):
        reason = f"empty masks, but none of {job.lacking!r}: nothing says that it has no such defect"
        findings.reject(path, None, job.name, reason)
        return None, findings
    return _from_boxes(job, size_hw, boxes, types, findings), findings


def _without_masks(job: MaskJob, options: ReadOptions, findings: Findings) -> Sample | None:
    path = job.root / job.name
    status, proof = (GOOD, job.proof) if job.proof else (job.without_masks, "")
    if status is None and options.unlabelled == GOOD:
        status, proof = GOOD, UNLABELLED
    if status is None:
        reason = "no mask beside it, in masks/ or in ground_truth/, and no folder says that it is good"
        findings.reject(path, None, job.name, reason)
        return None
    size_hw = size_of(path, job.name, findings)
    if size_hw is None:
        return None
    if status == UNBOXED:
        findings.warnings["defect images without a mask: taken as unboxed"] += 1
    return without_boxes(job.name, size_hw, status, job.defect_type, proof)


def _objects(job: MaskJob, size_hw: tuple[int, int]) -> NDArray[np.int64] | None:
    """(h, w) codes that tell the defects of an image apart, 0 where they do not; None where there are none."""
    if not job.objects:
        return None
    codes, _ = read_codes(job.objects[0])
    if codes.shape != size_hw:
        raise InputError(f"{job.objects[0]} is {codes.shape[1]} x {codes.shape[0]} pixels, not as large as its image")
    return codes


def _regions(mask: NDArray[np.bool_], objects: NDArray[np.int64] | None, merge_distance: int) -> NDArray[np.int32]:
    """(h, w) numbers of the defects of one type: by their object, else by what is connected."""
    if objects is None:
        return label(mask, merge_distance)
    regions = np.zeros(mask.shape, dtype=np.int32)
    known, others = mask & (objects != 0), mask & (objects == 0)
    regions[known] = np.unique(objects[known], return_inverse=True)[1] + 1
    regions[others] = label(others, merge_distance)[others] + regions.max()
    return regions


def _numbers(mask: Path, size_hw: tuple[int, int], reading: MaskReading | None) -> NDArray[np.int64]:
    codes, _ = read_codes(mask, as_colours=reading is not None and bool(reading.names))
    if codes.shape != size_hw:
        raise InputError(f"mask is {codes.shape[1]} x {codes.shape[0]} pixels, image is {size_hw[1]} x {size_hw[0]}")
    if reading is None:
        raise InputError("no mask of the set can be read")
    return reading.numbers(codes)


def _boxes(
    numbers: NDArray[np.int64],
    objects: NDArray[np.int64] | None,
    reading: MaskReading | None,
    options: ReadOptions,
    job: MaskJob,
    findings: Findings,
) -> tuple[NDArray[np.float64], list[str]]:
    """Boxes of a mask and their types: one a connected region of a number, or one a number where each is a defect."""
    boxes: list[NDArray[np.float64]] = [np.zeros((0, 4))]
    types: list[str] = []
    small = 0
    kind = "" if reading is None else reading.kind
    for number in np.unique(numbers[numbers > 0]).tolist():
        mask = numbers == number
        regions = mask.astype(np.int32)
        if kind != "one defect a value":
            regions = _regions(mask, objects, options.merge_distance)
        region_boxes, few = boxes_of(regions, options.min_area)
        boxes.append(region_boxes)
        small += few
        named = job.defect_type
        if kind == "one type a value" and job.defect_type in (GOOD, "defect"):
            name = code_name(number - 1) if reading is None else reading.name_of(number - 1)
            named = options.renamed(name, findings)
        types += ["defect" if named == GOOD else named] * len(region_boxes)
    if small:
        reason = f"{small} mask regions below {options.min_area} pixels"
        findings.reject(job.root / job.name, None, job.name, reason)
    return np.concatenate(boxes), types


def _from_boxes(
    job: MaskJob, size_hw: tuple[int, int], boxes: NDArray[np.float64], types: list[str], findings: Findings
) -> Sample:
    if not len(boxes):
        if job.defect_type == GOOD or (job.defect_type == "defect" and not job.is_defect):
            return without_boxes(job.name, size_hw, GOOD, evidence="empty mask")
        findings.warnings[f"images in a defect type's folder with an empty mask: taken as {job.empty_status}"] += 1
        return without_boxes(job.name, size_hw, job.empty_status, job.defect_type, "empty mask")
    if job.defect_type == GOOD:
        findings.warnings["images that are called good, with a mask that is not empty: taken as type 'defect'"] += 1
    kind = Counter(types).most_common(1)[0][0]
    labels = np.ones(len(boxes), dtype=np.int64)
    return Sample(1, job.name, size_hw, boxes, labels, BOXED, "", kind, box_types=tuple(types))
