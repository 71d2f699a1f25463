"""A folder of saliency maps, one .npy, .png or .tiff an image, on any grid."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.heatmaps import is_transposed, peak
from data_tools.core.records import Sample, as_map
from data_tools.files.arrays import Numbers, read_npy
from data_tools.files.images import PIXEL_LIMIT
from data_tools.files.regular import reason_against_reading
from data_tools.interop.foreign import ForeignFile, ForeignPrediction
from data_tools.interop.naming import Naming, Reference

SUFFIXES = (".npy", ".png", ".tif", ".tiff")
_FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
_GRAY = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")
_SHOWN = 3


def read(folder: Path, samples: Sequence[Sample], known: Sequence[Sample], naming: Naming) -> ForeignFile:
    """The maps that are there, named as the image with its folder, as the image alone, or by its id.

    The image's score is the map's maximum as stored, the peak as `heatmaps.peak` finds it. A map that is flat or not
    finite has no peak: it abstains, and is counted by what it is. An infinite value is the highest there is, so its
    image scores above the finite ones.

    Args:
        folder: of the maps; files that are none, or of no image, are counted.
        samples: whose maps are read.
        known: all images that a map may be named after, as `naming` knows them.
        naming: finds them.

    Raises:
        InputError: no map at all, a name that fits several images, two maps of one image, an unreadable map, or one
            that lies on its side.
    """
    paths, strangers = _maps_of(folder, naming)
    wanted = {sample.image_id for sample in samples}
    findings: dict[int, ForeignPrediction] = {}
    faults: dict[str, list[str]] = {}
    squashed: list[str] = []
    infinite: list[int] = []
    for image_id, (path, sample) in paths.items():
        if image_id not in wanted:
            findings[image_id] = ForeignPrediction()
            continue
        values = read_map(path)
        if is_transposed(values.shape, sample.size_hw):
            height, width = sample.size_hw
            raise InputError(
                f"{path}: {values.shape[0]} rows and {values.shape[1]} columns, but {sample.path} is {height} high and "
                f"{width} wide: the map is transposed; save it as rows of the image"
            )
        if _is_squashed(values.shape, sample.size_hw):
            squashed.append(path.name)
        best = peak(values, sample.size_hw)
        if best is None:
            faults.setdefault(_fault(values), []).append(path.name)
        if np.isposinf(values).any():
            infinite.append(image_id)
        finite = values[np.isfinite(values)]
        score = float(finite.max()) if finite.size else None
        findings[image_id] = ForeignPrediction(score, peak_xy=None if best is None else best.xy, heatmap=as_map(values))
    if not findings:
        raise InputError(
            f"{folder}: no map ({', '.join(SUFFIXES)}) has the name or the id of an image, such as {known[0].path}; "
            "boxes of all images come in one file of COCO results (.json)"
        )
    _put_on_top(findings, infinite)
    notes = [*naming.notes, *(f"{len(names)} maps {what}: {_some(names)}" for what, names in faults.items())]
    if infinite:
        notes.append(f"{len(infinite)} images with an infinite value score above all others")
    if strangers:
        notes.append(f"{len(strangers)} files are no map of an image and were left out: {_some(strangers)}")
    if squashed:
        notes.append(
            f"{len(squashed)} maps have other proportions than their image ({_some(squashed)}) and are taken to cover "
            "the whole of it; a crop or a padded border would put them in the wrong place"
        )
    if len({finding.score for finding in findings.values()}) == 1 and len(findings) > 1:
        notes.append("every map has the same maximum, so the images' scores say nothing: give them with --scores")
    return ForeignFile(findings, tuple(notes))


def read_map(path: Path) -> NDArray[np.float64]:
    """(rows, columns) map; a leading or trailing axis of one is dropped, gray values are taken as they are.

    Raises:
        InputError: unreadable, damaged, not a map, in colour, or too large.
    """
    array = read_npy(path) if path.suffix.lower() == ".npy" else _read_image(path)
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array[0] if array.shape[0] == 1 else array[:, :, 0]
    if array.ndim != 2 or not 0 < array.size <= PIXEL_LIMIT:
        raise InputError(f"{path}: a map has two axes and at most {PIXEL_LIMIT} values, not the shape {array.shape}")
    return array.astype(np.float64)


def _maps_of(folder: Path, naming: Naming) -> tuple[dict[int, tuple[Path, Sample]], list[str]]:
    """Path and image of each map by the image's id, and the names of the files that are none."""
    references, paths, strangers = [], [], []
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        name = path.relative_to(folder).as_posix()
        stem = name[: -len(path.suffix)] if path.suffix else name
        reason = reason_against_reading(path)
        if path.suffix.lower() in SUFFIXES and reason is not None and naming.knows(stem):
            raise InputError(f"{path}: {reason}")
        if path.suffix.lower() in SUFFIXES and naming.knows(stem):
            references.append(Reference(str(path), stem))
            paths.append(path)
        else:
            strangers.append(name)
    owners: dict[int, tuple[Path, Sample]] = {}
    for path, sample in zip(paths, naming.find_all(references, exact_names=True), strict=True):
        if sample.image_id in owners:
            raise InputError(f"{path}: a second map of {sample.path}, beside {owners[sample.image_id][0]}")
        owners[sample.image_id] = path, sample
    return owners, strangers


def _put_on_top(findings: dict[int, ForeignPrediction], infinite: Sequence[int]) -> None:
    """Let the images with an infinite value score above all others; in place."""
    scores = [one.score for one in findings.values() if one.score is not None]
    highest = max(scores, default=0.0)
    for image_id in infinite:
        findings[image_id] = replace(findings[image_id], score=highest + max(1.0, abs(highest)))


def _fault(values: NDArray[np.float64]) -> str:
    """Why a map has no peak."""
    if np.isinf(values).any():
        return "hold an infinite value, so they have no peak"
    return "hold NaN, so they have no peak" if np.isnan(values).any() else "are flat, so they have no peak"


def _is_squashed(grid_hw: tuple[int, ...], size_hw: tuple[int, int]) -> bool:
    """Whether a map's proportions are far from its image's, as where a square input was cut out or padded."""
    ratio = grid_hw[0] / grid_hw[1] * size_hw[1] / size_hw[0]
    return min(grid_hw) > 1 and not 0.8 <= ratio <= 1.25


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _read_image(path: Path) -> Numbers:
    from PIL import Image

    try:
        with Image.open(path, formats=(_FORMATS[path.suffix.lower()],)) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise InputError(f"{path}: {image.width} x {image.height} pixels exceed the limit of {PIXEL_LIMIT}")
            if getattr(image, "n_frames", 1) > 1:
                raise InputError(f"{path}: holds {image.n_frames} images, but a map is one")  # type: ignore[attr-defined]
            if image.mode in ("RGB", "RGBA", "LA"):
                return _gray(np.array(image), path)
            if image.mode not in _GRAY:
                raise InputError(f"{path}: a map must be gray, but the image's mode is {image.mode}")
            return np.array(image)
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, RuntimeError, MemoryError) as error:
        raise InputError(f"{path}: not readable as a map, damaged? {error}") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: too large: {error}") from error


def _gray(pixels: NDArray[np.uint8], path: Path) -> Numbers:
    """The one channel of an image that is stored as colour but is gray; its opaque cover is dropped."""
    colours = pixels[..., :1] if pixels.shape[2] == 2 else pixels[..., :3]
    if pixels.shape[2] in (2, 4) and (pixels[..., -1] != 255).any():
        raise InputError(f"{path}: a map must be gray, but the image is partly transparent")
    if (colours != colours[..., :1]).any():
        raise InputError(f"{path}: a map must be gray; colours of a picture cannot be read back as values")
    return colours[..., 0]
