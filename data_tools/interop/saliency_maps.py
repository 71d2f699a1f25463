"""A folder of saliency maps, one .npy or .png an image, on any grid."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.heatmaps import peak
from data_tools.core.records import Sample
from data_tools.files.images import PIXEL_LIMIT, resolve_under
from data_tools.interop.foreign import ForeignFile, ForeignPrediction

SUFFIXES = (".npy", ".png")


def read(folder: Path, samples: Sequence[Sample]) -> ForeignFile:
    """The maps that are there, named as the image with its folder, as the image alone, or by its id.

    The image's score is the map's maximum as stored, the peak as `heatmaps.peak` finds it. A map that is
    flat or not finite has no peak: it abstains, and is counted.

    Raises:
        InputError: no map at all, a name that fits several images, or an unreadable map.
    """
    findings: dict[int, ForeignPrediction] = {}
    used: dict[Path, Sample] = {}
    flat = 0
    for sample in samples:
        path = _find(folder, sample)
        if path is None:
            continue
        if path in used:
            raise InputError(f"{path}: fits both {used[path].path} and {sample.path}; keep the images' folders")
        used[path] = sample
        heatmap = read_map(path)
        best = peak(heatmap, sample.size_hw)
        flat += best is None
        highest = float(heatmap.max())
        score = highest if np.isfinite(highest) else None
        findings[sample.image_id] = ForeignPrediction(score, peak_xy=None if best is None else best.xy, heatmap=heatmap)
    if not findings:
        raise InputError(f"{folder}: no map (.npy, .png) has the name or the id of an image, such as {samples[0].path}")
    notes = []
    if flat:
        notes.append(f"{flat} maps are flat or not finite, so they have no peak")
    if len({finding.score for finding in findings.values()}) == 1 and len(findings) > 1:
        notes.append("every map has the same maximum, so the images' scores say nothing: give them with --scores")
    return ForeignFile(findings, tuple(notes))


def read_map(path: Path) -> NDArray[np.float32]:
    """(rows, columns) map; a leading or trailing axis of one is dropped, PNG gray values are taken as they are.

    Raises:
        InputError: unreadable, not a map, or too large.
    """
    try:
        if path.suffix == ".npy":
            array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
                raise InputError(f"{path}: not an array of real numbers")
        else:
            array = _read_png(path)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InputError(f"{path}: not readable as a map: {error}") from error
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array[0] if array.shape[0] == 1 else array[:, :, 0]
    if array.ndim != 2 or not 0 < array.size <= PIXEL_LIMIT:
        raise InputError(f"{path}: a map has two axes and at most {PIXEL_LIMIT} values, not the shape {array.shape}")
    return np.array(array, dtype=np.float32)


def _read_png(path: Path) -> NDArray[np.generic]:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise InputError(f"{path}: {image.width} x {image.height} pixels exceed the limit of {PIXEL_LIMIT}")
            if image.mode not in ("1", "L", "I", "I;16", "I;16B"):
                raise InputError(f"{path}: a map must be gray, but the image's mode is {image.mode}")
            return np.array(image)
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: too large: {error}") from error


def _find(folder: Path, sample: Sample) -> Path | None:
    path = PurePosixPath(sample.path)
    for stem in (path.with_suffix("").as_posix(), path.stem, str(sample.image_id)):
        for suffix in SUFFIXES:
            map_path = resolve_under(folder, stem + suffix)
            if map_path.is_file():
                return map_path
    return None
