"""MVTec-style folders: `train/good`, `test/<type>`, and masks in `ground_truth/<type>/<name>_mask.png`.

One category's folder, or the folder that holds several. Each 8-connected region of a mask becomes a box. A defect
image without a mask, or with an empty one, is unboxed: its folder says that it is a defect.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.formats.folders import type_of
from data_tools.formats.image_index import size_of, usable_images, without_boxes
from data_tools.formats.masked_images import MaskJob, mvtec_roots, one_folder, samples_from_masks
from data_tools.formats.registry import Findings, Format, ReadOptions

_PARTS = ("train", "validation", "test")


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples with a mask or of good devices in order of their paths, then the unboxed ones.

    Raises:
        InputError: not a folder.
    """
    root = one_folder(sources, FORMAT.name)
    roots, jobs, unboxed = mvtec_roots(root), [], []
    for path in usable_images(root, findings):
        place = next((p for p in roots if path.is_relative_to(p)), None)
        parts = () if place is None else path.relative_to(place).parts
        if place is None or len(parts) < 3 or parts[0] not in _PARTS:
            if place is None or parts[0] != "ground_truth":
                findings.reject(path, None, path.name, "not in train/<type>, test/<type> or ground_truth/<type>")
            continue
        name = path.relative_to(root).as_posix()
        defect_type = type_of(parts[1:2], options)
        mask = _mask_of(place, parts[1], path.stem)
        if mask is None and defect_type != GOOD:
            unboxed.append((path, name, defect_type))
        else:
            jobs.append(MaskJob(root, name, mask, defect_type, UNBOXED))
    yield from samples_from_masks(jobs, options, findings)
    for path, name, defect_type in unboxed:
        findings.warnings["defect images without a mask in ground_truth/: taken as unboxed"] += 1
        size_hw = size_of(path, name, findings)
        if size_hw is not None:
            yield without_boxes(name, size_hw, UNBOXED, defect_type)


def _mask_of(place: Path, folder: str, stem: str) -> Path | None:
    masks = place / "ground_truth" / folder
    return next((m for m in (masks / f"{stem}_mask.png", masks / f"{stem}.png") if m.is_file()), None)


def _recognise(source: Path) -> str | None:
    if not source.is_dir():
        return None
    roots = mvtec_roots(source)
    return f"{roots[0].name} holds test/ beside ground_truth/ or train/good" if roots else None


def _images_root(sources: Sequence[Path], _options: ReadOptions) -> Path:
    return one_folder(sources, FORMAT.name)


FORMAT = Format("mvtec", "train/good, test/<type>, ground_truth/<type> masks", "none", _recognise, _images_root, read)
