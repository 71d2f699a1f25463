"""Gray originals, each with a copy in which the defect areas are drawn in red, outlined or filled.

The copy has the original's name with a word such as _marked or -highlight after it, or lies under the original's name
in a folder such as marked/, or has the same name with another suffix, or lies in any other folder whose images show
red where those of the original's folder do not. Default corners: none are written down; the box around each connected
red region is taken, outer edge of the line included. Outlines that touch make one box.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, Sample, empty_boxes
from data_tools.files.images import read_rgb
from data_tools.formats.images.image_index import read_or_reject, usable_images, without_boxes
from data_tools.formats.images.parallel import map_images
from data_tools.formats.masks.masked_images import is_colored, one_folder
from data_tools.formats.registry import AREAS, Findings, Format, ReadOptions
from data_tools.formats.shapes.regions import boxes_of, label
from data_tools.formats.words.folders import status_of, status_of_nearest, type_of

_WORDS = r"(?:marked|marks?|marking|highlight(?:s|ed)?|red|annotat(?:ed|ions?)|overlays?|boxed|outlined?|drawn|areas?)"
_AFTER_NAME = re.compile(rf"^(?P<name>.+?)(?:[ _.-]+{_WORDS})+$", re.I)
_FOLDER = re.compile(rf"(?:^|[ _.-]){_WORDS}(?:$|[ _.-])", re.I)
_LOOKED_AT = 24  # images of a pair of folders that may be opened to see which of them holds the copies
_ALIKE = 40  # gray values by which a copy may differ from its original, as JPEG and a change of contrast make it
_FAINTEST = 20  # levels by which red must lead green and blue; gray JPEG images stay far below
_OF_PEAK = 0.45  # of a region's strongest red: near half-way down is where the edge was before JPEG blurred its color


@dataclass(frozen=True)
class _Pair:
    """An original and its copy; without a copy the folder must say that the image is good."""

    root: Path
    name: str
    copy: Path | None


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the originals' paths.

    Red regions below `options.min_area` pixels are listed, but the largest of an image never is. An image without a
    copy, or with nothing drawn in it, is good in a folder good*, ok...; elsewhere it is listed.

    Raises:
        InputError: not a folder.
    """
    root = one_folder(sources, FORMAT.name)
    for sample, noticed in map_images(partial(_sample, options=options), _pairs(root, findings), "highlights"):
        findings.absorb(noticed)
        if sample is not None:
            yield sample


def _sample(pair: _Pair, options: ReadOptions) -> tuple[Sample | None, Findings]:
    findings = Findings()
    original = read_or_reject(read_rgb, pair.root / pair.name, pair.name, findings)
    copy = None if pair.copy is None or original is None else read_or_reject(read_rgb, pair.copy, pair.name, findings)
    if original is None or (pair.copy is not None and copy is None):
        return None, findings
    size_hw = (original.shape[0], original.shape[1])
    folders = [*reversed(Path(pair.name).parts[:-1])]
    if copy is not None and copy.shape != original.shape:
        findings.reject(
            pair.root / pair.name,
            None,
            pair.name,
            f"its copy is {copy.shape[1]} x {copy.shape[0]} pixels, the image is {size_hw[1]} x {size_hw[0]}",
        )
        return None, findings
    boxes, small = empty_boxes(), 0
    if copy is not None:
        boxes, small = _red_boxes(copy, original, options.min_area, options.merge_distance)
    if small:
        reason = f"{small} red regions below {options.min_area} pixels"
        findings.reject(pair.root / pair.name, None, pair.name, reason)
    if len(boxes):
        defect_type = type_of([f for f in folders if not _is_carrier(f)], options)
        defect_type = "defect" if defect_type == GOOD else defect_type
        labels = np.ones(len(boxes), dtype=np.int64)
        return Sample(1, pair.name, size_hw, boxes, labels, BOXED, "", defect_type), findings
    if status_of_nearest(folders) == GOOD:
        telling = next(folder for folder in folders if status_of(folder) == GOOD)
        return without_boxes(pair.name, size_hw, GOOD, evidence=f"folder {telling!r}"), findings
    missing = "no copy with a red area beside it" if copy is None else "nothing is drawn in red in its copy"
    findings.reject(pair.root / pair.name, None, pair.name, f"{missing}, and no folder good* says that it is good")
    return None, findings


def _red_boxes(
    copy: NDArray[np.uint8], original: NDArray[np.uint8], min_area: int, merge_distance: int
) -> tuple[NDArray[np.float64], int]:
    """(n, 4) boxes around what was drawn in red, and how many regions were left out as too small.

    JPEG keeps color at half the resolution and so smears a red line over its neighbours. Each connected reddish region
    is therefore cut at about half of its own strongest red; what is left of it makes one box even if the line broke.

    Args:
        copy, original: (h, w, 3) uint8 red, green and blue. Red that the original has too does not count.
        min_area, merge_distance: as for `regions`.
    """
    from scipy import ndimage

    drawn = _redness(copy) - np.maximum(_redness(original), 0)
    numbers = label(drawn >= _FAINTEST, merge_distance)
    peaks = np.asarray(ndimage.maximum(drawn, numbers, np.arange(numbers.max() + 1)))
    # what is faint beside the strongest red is ringing of the compression
    numbers[(drawn < _OF_PEAK * peaks[numbers]) | (peaks[numbers] < _OF_PEAK * peaks[1:].max(initial=0))] = 0
    return boxes_of(numbers, min_area)


def _redness(pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
    signed = pixels.astype(np.int16)
    difference: NDArray[np.int16] = signed[..., 0] - np.maximum(signed[..., 1], signed[..., 2])
    return difference


def _is_carrier(folder: str) -> bool:
    """Whether a folder's name tells how its images are used, not what they show."""
    return bool(_FOLDER.search(folder)) or folder.lower() in ("original", "originals", "gray", "grey", "raw")


def _pairs(root: Path, findings: Findings) -> list[_Pair]:
    """Every original with its copy, if there is one, in order of the originals."""
    files = list(usable_images(root, findings))
    copies: dict[Path, Path] = {}
    by_key: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        by_key[_key(path)].append(path)
    for path in files:
        if _named_as_copy(path, root):
            others = [p for p in by_key[_key(path)] if p != path and not _named_as_copy(p, root)]
            original = _nearest(path, others)
            if original is None or original in copies:
                findings.reject(
                    path,
                    None,
                    path.relative_to(root).as_posix(),
                    "copy without an original, or one of several; they must have the same name",
                )
            else:
                copies[original] = path
    marked = [path for path in files if _named_as_copy(path, root)]
    rest = sorted(set(files) - set(marked) - set(copies))
    copies |= _unnamed_copies(rest)
    left = set(files) - set(marked) - set(copies.values())
    return [_Pair(root, path.relative_to(root).as_posix(), copies.get(path)) for path in files if path in left]


def _unnamed_copies(files: Sequence[Path]) -> dict[Path, Path]:
    """Copies among images of the same name that no word marks: of two kinds of places, the one that shows red.

    A kind of place is a folder with a suffix, such as (gray/, .bmp).
    """
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        by_stem[path.stem].append(path)
    by_places: dict[tuple[tuple[Path, str], ...], list[list[Path]]] = defaultdict(list)
    for pair in by_stem.values():
        if len(pair) == 2:
            by_places[tuple((path.parent, path.suffix) for path in pair)].append(pair)
    copies: dict[Path, Path] = {}
    for pairs in by_places.values():
        red = [sum(is_colored(pair[i]) for pair in pairs[:_LOOKED_AT]) for i in (0, 1)]
        if (red[0] > 0) != (red[1] > 0):
            copy = 0 if red[0] else 1
            copies |= {pair[1 - copy]: pair[copy] for pair in pairs}
    return copies


def _key(path: Path) -> str:
    """The name that an original and its copy share."""
    match = _AFTER_NAME.match(path.stem)
    return match["name"] if match else path.stem


def _named_as_copy(path: Path, root: Path) -> bool:
    folders = path.relative_to(root).parts[:-1]
    return bool(_AFTER_NAME.match(path.stem)) or any(_FOLDER.search(folder) for folder in folders)


def _nearest(path: Path, others: Sequence[Path]) -> Path | None:
    """The one that shares most of the path; None where there is none, or several are equally near."""
    shared = [sum(a == b for a, b in zip(path.parts, other.parts, strict=False)) for other in others]
    nearest = [other for other, count in zip(others, shared, strict=True) if count == max(shared)]
    return nearest[0] if len(nearest) == 1 else None


def _recognise(source: Path) -> str | None:
    if not source.is_dir():
        return None
    pairs = [pair for pair in _pairs(source.resolve(), Findings()) if pair.copy is not None]
    for pair in pairs[:_LOOKED_AT]:
        assert pair.copy is not None
        original = pair.root / pair.name
        if is_colored(pair.copy) and not is_colored(original) and _is_drawn_on(pair.copy, original):
            return f"{pair.copy.name} is a copy of {Path(pair.name).name} with color drawn in"
    return None


def _is_drawn_on(copy: Path, original: Path) -> bool:
    """Whether a copy shows its original in most places, bright ones too, as no photo in colours shows its mask."""
    try:
        drawn, plain = (read_rgb(path).astype(np.int16) for path in (copy, original))
    except InputError:
        return False
    gray = np.ptp(drawn, axis=-1) <= _ALIKE
    if drawn.shape != plain.shape or not np.ptp(plain) or gray.mean() < 0.5:
        return False
    apart = np.abs(drawn - plain).max(axis=-1)
    unusual = gray & (np.abs(plain - np.median(plain)).max(axis=-1) > _ALIKE)  # of a mask on black, its areas
    return all(not part.any() or np.median(apart[part]) <= _ALIKE for part in (gray, unusual))


FORMAT = Format(
    "highlight",
    "gray images with a copy in which the defect area is drawn in red",
    "none",
    _recognise,
    lambda sources, _options: one_folder(sources, "highlight"),
    read,
    reads=AREAS | {"type_map"},
)
