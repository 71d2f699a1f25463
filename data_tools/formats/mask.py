"""Folders `<Type>/Imgs/<name>.jpg` with a mask `<name>.png` beside each image, or in `masks/` or `ground_truth/`.

Each 8-connected region of the mask becomes a box; an empty mask is a good image; the type is the folder's name.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from data_tools.errors import InputError
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.images import find_images, read_gray
from data_tools.records import BOXED, GOOD, Sample, empty_boxes, empty_labels

THRESHOLD = 127
_IMAGE_FOLDERS = ("imgs", "images", "img")
_MASK_FOLDERS = ("masks", "ground_truth")
_GOOD_TYPES = ("good", "free", "ok", "normal")
_PREFIX = "mt_"


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of their paths.

    A mask pixel counts above 127 of 255. Regions below `options.min_area` are listed; where a mask has no larger one,
    its largest is kept, so that a small defect does not turn into a good image.

    Raises:
        InputError: not a folder, or an unreadable image or mask.
    """
    root = _images_root(sources, options)
    pairs = _pairs(root)
    for image_path, mask_path in tqdm(pairs, desc="masks", leave=False, mininterval=1.0):
        name = image_path.relative_to(root).as_posix()
        defect_type = _type(image_path.relative_to(root.parent), options)
        image = read_gray(image_path)
        size_hw = (image.shape[0], image.shape[1])
        if mask_path is None:
            if defect_type != GOOD:
                findings.reject(image_path, None, name, "no mask beside it, in masks/ or in ground_truth/")
                continue
            mask = np.zeros(size_hw, dtype=bool)
        else:
            mask = read_gray(mask_path) > THRESHOLD
        if mask.shape != size_hw:
            findings.reject(image_path, None, name, f"mask is {mask.shape[1]} x {mask.shape[0]} pixels, image is "
                            f"{size_hw[1]} x {size_hw[0]}")  # fmt: skip
            continue
        yield _sample(image_path, name, size_hw, mask, defect_type, options, findings)


def regions(mask: NDArray[np.bool_], min_area: int, merge_distance: int) -> tuple[NDArray[np.float64], int]:
    """(n, 4) boxes around the 8-connected regions of a mask, and how many were left out as too small.

    Args:
        mask: (h, w).
        min_area: regions with fewer pixels are left out, but the largest region of a mask never is.
        merge_distance: regions with at most so many pixels between them make one box.
    """
    from scipy import ndimage

    reach = np.ones((3, 3), dtype=bool)
    joined = ndimage.binary_dilation(mask, np.ones((merge_distance + 1,) * 2)) if merge_distance else mask
    numbers, count = ndimage.label(joined, structure=reach)
    if not count:
        return empty_boxes(), 0
    numbers = np.where(mask, numbers, 0)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    slices = ndimage.find_objects(numbers, max_label=count)
    kept = np.flatnonzero(sizes >= min(min_area, sizes.max()))
    boxes = [(slices[i][1].start, slices[i][0].start, slices[i][1].stop, slices[i][0].stop) for i in kept]
    return np.array(boxes, dtype=np.float64), int(count - len(kept))


def _sample(
    path: Path, name: str, size_hw: tuple[int, int], mask: NDArray[np.bool_], defect_type: str, options: ReadOptions,
    findings: Findings,
) -> Sample:  # fmt: skip
    boxes, small = regions(mask, options.min_area, options.merge_distance)
    if small:
        findings.reject(path, None, name, f"{small} mask regions below {options.min_area} pixels")
    if not len(boxes):
        if defect_type != GOOD:
            findings.warnings["images in a defect type's folder with an empty mask: taken as good"] += 1
        return Sample(1, name, size_hw, empty_boxes(), empty_labels(), GOOD, "")
    if defect_type == GOOD:
        findings.warnings["images in a good folder with a mask: taken as type 'defect'"] += 1
        defect_type = "defect"
    return Sample(1, name, size_hw, boxes, np.ones(len(boxes), dtype=np.int64), BOXED, "", defect_type)


def _pairs(root: Path) -> list[tuple[Path, Path | None]]:
    """Every image with its mask, if there is one."""
    files = [path for path in find_images(root) if path.parent.name.lower() not in _MASK_FOLDERS]
    names = set(files)
    pairs: list[tuple[Path, Path | None]] = []
    for path in files:
        if path.suffix.lower() == ".png" and (_is_mask_of_another(path, names) or path.stem.endswith("_mask")):
            continue
        pairs.append((path, _mask_of(path)))
    return pairs


def _is_mask_of_another(path: Path, names: set[Path]) -> bool:
    return any(path.with_suffix(suffix) in names for suffix in (".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".JPG"))


def _mask_of(path: Path) -> Path | None:
    places = [path.parent] + [folder / name for folder in (path.parent, path.parent.parent) for name in _MASK_FOLDERS]
    for place in places:
        for name in (f"{path.stem}.png", f"{path.stem}_mask.png"):
            if (place / name) != path and (place / name).is_file():
                return place / name
    return None


def _type(relative: Path, options: ReadOptions) -> str:
    folders = [part for part in relative.parts[:-1] if part.lower() not in _IMAGE_FOLDERS]
    name = (folders[-1] if folders else "defect").lower().removeprefix(_PREFIX)
    name = options.type_map.get(name, name)
    return GOOD if name in _GOOD_TYPES else name


def _images_root(sources: Sequence[Path], _options: ReadOptions) -> Path:
    if len(sources) != 1 or not sources[0].is_dir():
        raise InputError(f"{', '.join(map(str, sources))}: masks are read from one folder")
    return sources[0].resolve()


def _recognise(source: Path) -> str | None:
    if not source.is_dir():
        return None
    with_mask = next((pair for pair in _pairs(source) if pair[1] is not None), None)
    return None if with_mask is None else f"{with_mask[0].name} has the mask {with_mask[1].name}"  # type: ignore[union-attr]


FORMAT = Format("mask", "images with a mask of the same name beside them", "none", _recognise, _images_root, read)
