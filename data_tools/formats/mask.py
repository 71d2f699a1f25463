"""Folders `<Type>/Imgs/<name>.jpg` with a mask `<name>.png` beside each image, or in `masks/` or `ground_truth/`.

Each 8-connected region of the mask becomes a box; an empty mask is a good image; the type is the folder's name.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.records import GOOD, Sample
from data_tools.formats.folders import type_of
from data_tools.formats.image_index import usable_images
from data_tools.formats.masked_images import (
    MaskJob,
    is_colored,
    is_readable,
    mvtec_roots,
    one_folder,
    samples_from_masks,
)
from data_tools.formats.registry import Findings, Format, ReadOptions

_MASK_FOLDERS = ("masks", "mask", "ground_truth")
_LOOKED_AT = 24  # masks that are opened to see whether they are some


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of their paths.

    A mask pixel counts above 127 of 255. Regions below `options.min_area` are listed; where a mask has no larger one,
    its largest is kept, so that a small defect does not turn into a good image.

    Raises:
        InputError: not a folder.
    """
    root = one_folder(sources, FORMAT.name)
    jobs = [
        MaskJob(root, path.relative_to(root).as_posix(), mask, _type(path.relative_to(root.parent), options), GOOD)
        for path, mask in _pairs(root, findings)
    ]
    yield from samples_from_masks(jobs, options, findings)


def _pairs(root: Path, findings: Findings) -> list[tuple[Path, Path | None]]:
    """Every image with its mask, if there is one."""
    files = [path for path in usable_images(root, findings) if path.parent.name.lower() not in _MASK_FOLDERS]
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
    return type_of([*reversed(relative.parts[:-1])], options)


def _images_root(sources: Sequence[Path], _options: ReadOptions) -> Path:
    return one_folder(sources, FORMAT.name)


def _recognise(source: Path) -> str | None:
    if not source.is_dir() or mvtec_roots(source):
        return None
    pairs = [(image, mask) for image, mask in _pairs(source, Findings()) if mask is not None][:_LOOKED_AT]
    for image, mask in pairs:
        if not is_colored(mask) and is_readable(mask):
            return f"{image.name} has the mask {mask.name}"
    return None


FORMAT = Format("mask", "images with a mask of the same name beside them", "none", _recognise, _images_root, read)
