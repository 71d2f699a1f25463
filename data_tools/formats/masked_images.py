"""What the formats with a mask beside each image share: masks -> samples, on all processors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, Sample
from data_tools.files.images import read_gray, read_rgb, read_size
from data_tools.formats.image_index import read_or_reject, without_boxes
from data_tools.formats.parallel import map_images
from data_tools.formats.regions import regions
from data_tools.formats.registry import Findings, ReadOptions

THRESHOLD = 127


@dataclass(frozen=True)
class MaskJob:
    """One image with its mask.

    Attributes:
        root, name: the image and the folder that its name is relative to.
        mask: None where there is none: then only a good image is converted.
        defect_type: as its folder says, possibly "good".
        empty_status: what an image of a defect type with an empty mask is: good or unboxed.
    """

    root: Path
    name: str
    mask: Path | None
    defect_type: str
    empty_status: str


def samples_from_masks(jobs: Sequence[MaskJob], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in the order of the jobs; unreadable images and masks are listed."""
    for sample, noticed in map_images(partial(_sample, options=options), jobs, "masks"):
        findings.absorb(noticed)
        if sample is not None:
            yield sample


def one_folder(sources: Sequence[Path], name: str) -> Path:
    """The one source folder of the format `name`, resolved.

    Raises:
        InputError: several sources, or not a folder.
    """
    if len(sources) != 1 or not sources[0].is_dir():
        raise InputError(f"{', '.join(map(str, sources))}: the format {name} is read from one folder")
    return sources[0].resolve()


def mvtec_roots(folder: Path) -> list[Path]:
    """The folder, or the folders in it, that have ground_truth/ beside test/ (or train/good)."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    return [
        place
        for place in (folder, *inside)
        if (place / "test").is_dir() and ((place / "ground_truth").is_dir() or (place / "train" / "good").is_dir())
    ]


def is_colored(path: Path) -> bool:
    """Whether an image has pixels whose channels differ clearly; False where it cannot be read."""
    try:
        return bool(np.ptp(read_rgb(path).astype(np.int16), axis=-1).max() > 60)
    except InputError:
        return False


def is_readable(path: Path) -> bool:
    """Whether an image can be opened and is whole."""
    try:
        read_size(path)
    except InputError:
        return False
    return True


def _sample(job: MaskJob, options: ReadOptions) -> tuple[Sample | None, Findings]:
    findings = Findings()
    path = job.root / job.name
    image, mask = read_or_reject(read_gray, path, job.name, findings), None
    if job.mask is not None and image is not None:
        mask = read_or_reject(read_gray, job.mask, job.name, findings)
    if image is None or (job.mask is not None and mask is None):
        return None, findings
    size_hw = (image.shape[0], image.shape[1])
    if mask is None and job.defect_type == GOOD:
        return without_boxes(job.name, size_hw, GOOD), findings
    if mask is None:
        findings.reject(path, None, job.name, "no mask beside it, in masks/ or in ground_truth/")
        return None, findings
    if mask.shape != size_hw:
        findings.reject(
            path,
            None,
            job.name,
            f"mask is {mask.shape[1]} x {mask.shape[0]} pixels, image is {size_hw[1]} x {size_hw[0]}",
        )
        return None, findings
    threshold = THRESHOLD
    if mask.max() == 1:
        threshold = 0
        findings.mend(path, None, job.name, "masks of 0 and 1: 1 is taken as the defect")
    return _from_mask(job, size_hw, mask > threshold, options, findings), findings


def _from_mask(
    job: MaskJob, size_hw: tuple[int, int], mask: NDArray[np.bool_], options: ReadOptions, findings: Findings
) -> Sample:
    boxes, small = regions(mask, options.min_area, options.merge_distance)
    if small:
        reason = f"{small} mask regions below {options.min_area} pixels"
        findings.reject(job.root / job.name, None, job.name, reason)
    defect_type = job.defect_type
    if not len(boxes):
        if defect_type == GOOD:
            return without_boxes(job.name, size_hw, GOOD)
        findings.warnings[f"images in a defect type's folder with an empty mask: taken as {job.empty_status}"] += 1
        return without_boxes(job.name, size_hw, job.empty_status, defect_type)
    if defect_type == GOOD:
        findings.warnings["images in a good folder with a mask: taken as type 'defect'"] += 1
        defect_type = "defect"
    return Sample(1, job.name, size_hw, boxes, np.ones(len(boxes), dtype=np.int64), BOXED, "", defect_type)
