"""Images with their masks and what their folders say of them."""

import re
from collections.abc import Callable
from pathlib import Path

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.folders import numbered_alike, status_of, type_of
from data_tools.formats.mask_places import Pairing, split_objects
from data_tools.formats.masked_images import MaskJob
from data_tools.formats.registry import ReadOptions

_LIST = re.compile(r"^\s*\d+\s+(\S+)\s+0\s+0\s*$", re.M)


def make_jobs(
    pairing: Pairing,
    root: Path,
    options: ReadOptions,
    empty_status: str,
    without_masks: str | None,
    says_good: Callable[[str], bool] | None = None,
) -> list[MaskJob]:
    """A job for each image.

    Args:
        pairing: images with their masks.
        root: of the set.
        options: of the reader.
        empty_status, without_masks: see `MaskJob`; the latter counts where a folder says that an image is a defect.
        says_good: whether a folder of types holds good images, where every folder is a type; None where folders may
            say anything.
    """
    listed = _listed_as_good(root)
    folders = [part for path in pairing.masks for part in path.relative_to(root).parts[:-1]]
    products = numbered_alike(folders)
    jobs = []
    for path, masks in pairing.masks.items():
        nearest = [part for part in reversed(path.relative_to(root).parts[:-1]) if part not in products]
        if says_good is None:
            defect_type, status = type_of(nearest, options), status_of(nearest)
            telling = next((part for part in nearest if status_of([part]) == GOOD), "")
        else:
            defect_type = type_of(nearest, options, says_good)
            status = GOOD if defect_type == GOOD else UNBOXED
            telling = next((part for part in nearest if says_good(part)), "")
        proof = f"folder {telling!r}" if status == GOOD or (defect_type == GOOD and telling) else ""
        proof = proof or ("Labels.txt" if path in listed else "")
        of_types, objects = split_objects(masks, root)
        jobs.append(
            MaskJob(
                root,
                path.relative_to(root).as_posix(),
                of_types,
                defect_type,
                proof,
                empty_status,
                UNBOXED if status == UNBOXED else without_masks,
                objects,
                says_good is not None and status_of(nearest) == UNBOXED,
            )
        )
    return jobs


def _listed_as_good(root: Path) -> set[Path]:
    """Images that a Labels.txt beside the masks, as DAGM has it, says are without defect."""
    good = set()
    for path in root.rglob("Labels.txt"):
        names = _LIST.findall(path.read_text(encoding="utf-8", errors="replace"))
        good |= {path.parent.parent / name for name in names}
    return good
