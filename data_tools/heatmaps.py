"""Heat maps on their native grid: normalising, the peak, and the way between maps and boxes.

Cell (r, c) of an R x C map over an image of height H and width W covers an equal share of it, so its centre lies at
x = (c + 0.5) W / C, y = (r + 0.5) H / R: half-pixel alignment, align_corners=False in torch's terms.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.records import empty_boxes

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Peak:
    """Where a map is highest: x and y in image pixels, and the area in square pixels of the plateau around it."""

    xy: tuple[float, float]
    area_px: float


def normalise(heatmap: Map) -> Map | None:
    """The positive part scaled to a maximum of 1; None where a map is flat, nowhere positive or not finite."""
    values = np.asarray(heatmap, dtype=np.float32)
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all() or values.max() == values.min():
        return None
    positive = np.maximum(values, 0.0)
    highest = float(positive.max())
    return (positive / highest).astype(np.float32) if highest > 0 else None


def peak(heatmap: Map, size_hw: tuple[int, int], tolerance: float = 1e-6) -> Peak | None:
    """Centroid of the connected plateau that holds the first maximum; None (an abstention) for a map without one.

    Args:
        heatmap: (rows, columns) on its native grid.
        size_hw: height and width of the image in pixels.
        tolerance: cells within this share of the maximum belong to the plateau; neighbours touch at sides or corners.
    """
    values = normalise(heatmap)
    if values is None:
        return None
    from scipy import ndimage

    plateaus, _ = ndimage.label(values >= 1.0 - tolerance, structure=np.ones((3, 3)))
    first = plateaus.ravel()[int(values.argmax())]
    rows, columns = np.nonzero(plateaus == first)
    cell_h, cell_w = size_hw[0] / values.shape[0], size_hw[1] / values.shape[1]
    centre = (float((columns.mean() + 0.5) * cell_w), float((rows.mean() + 0.5) * cell_h))
    return Peak(centre, float(len(rows) * cell_h * cell_w))


def upsample(heatmap: Map, size_hw: tuple[int, int]) -> Map:
    """Bilinear, half-pixel aligned: (rows, columns) -> (height, width) float32."""
    values = np.asarray(heatmap, dtype=np.float64)
    down, across = (_interpolation(_places(a, b), b) for a, b in zip(size_hw, values.shape, strict=True))
    resized: Map = (down @ values @ across.T).astype(np.float32)
    return resized


def cells_seen(grid_hw: tuple[int, int], seen_hw: tuple[int, int], padded_hw: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of a map that show the image and not the padding at its right and bottom, at least one each.

    Args:
        grid_hw: rows and columns of the map over the padded input.
        seen_hw: height and width of the image in the input, before padding.
        padded_hw: height and width of the whole input.
    """
    rows, columns = (max(round(g * s / p), 1) for g, s, p in zip(grid_hw, seen_hw, padded_hw, strict=True))
    return rows, columns


def place_in_image(heatmap: Map, window_xyxy: tuple[int, int, int, int], size_hw: tuple[int, int]) -> Map:
    """A map of a window of an image as a map of the whole image, with cells of about the same size.

    Bilinear inside the window, 0 outside it. A window that is the whole image leaves the map as it is.

    Args:
        heatmap: (rows, columns) over the window.
        window_xyxy: x1, y1, x2, y2 in image pixels.
        size_hw: height and width of the image in pixels.
    """
    x1, y1, x2, y2 = window_xyxy
    if (x1, y1, x2, y2) == (0, 0, size_hw[1], size_hw[0]):
        return heatmap
    values = np.asarray(heatmap, dtype=np.float64)
    sides = []
    for (low, high), pixels, cells in zip(((y1, y2), (x1, x2)), size_hw, values.shape, strict=True):
        count = max(round(pixels * cells / (high - low)), 1)
        centres = (np.arange(count) + 0.5) * pixels / count
        inside = (centres >= low) & (centres < high)
        sides.append(inside[:, None] * _interpolation((centres - low) * cells / (high - low) - 0.5, cells))
    placed: Map = (sides[0] @ values @ sides[1].T).astype(np.float32)
    return placed


def map_to_boxes(
    heatmap: Map, size_hw: tuple[int, int], fraction: float, min_area: float = 1.0, image_score: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes around the 8-connected regions where the upsampled map reaches `fraction` of its maximum.

    Args:
        heatmap: (rows, columns) on its native grid.
        size_hw: height and width of the image in pixels.
        fraction: 0..1 of the maximum; to be chosen on validation.
        min_area: regions with fewer pixels are left out.
        image_score: score of the image.

    Returns:
        (n, 4) boxes and (n,) scores, the image's score times the region's maximum, best first. Empty for a flat map.
    """
    values = normalise(heatmap)
    full = None if values is None else normalise(upsample(values, size_hw))
    if full is None:
        return empty_boxes(), np.zeros(0)
    from scipy import ndimage

    regions, count = ndimage.label(full >= fraction, structure=np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)[1:]
    highest = np.asarray(ndimage.maximum(full, regions, numbers), dtype=np.float64)
    slices = ndimage.find_objects(regions)
    kept = [i for i in np.argsort(-highest, kind="stable") if sizes[i] >= min_area]
    rows = [(slices[i][1].start, slices[i][0].start, slices[i][1].stop, slices[i][0].stop) for i in kept]
    return np.array(rows, dtype=np.float64).reshape(-1, 4), image_score * highest[kept]


def boxes_to_map(
    boxes_xyxy: NDArray[np.float64], scores: NDArray[np.float64], size_hw: tuple[int, int], grid_hw: tuple[int, int]
) -> Map:
    """Noisy-or of one Gaussian a box, sigma a quarter of its side, height its score in 0..1: (rows, columns)."""
    y = (np.arange(grid_hw[0]) + 0.5) * size_hw[0] / grid_hw[0]
    x = (np.arange(grid_hw[1]) + 0.5) * size_hw[1] / grid_hw[1]
    missed = np.ones(grid_hw)
    for (x1, y1, x2, y2), score in zip(boxes_xyxy, scores, strict=True):
        across = np.exp(-0.5 * ((x - (x1 + x2) / 2) / max((x2 - x1) / 4, 1e-9)) ** 2)
        down = np.exp(-0.5 * ((y - (y1 + y2) / 2) / max((y2 - y1) / 4, 1e-9)) ** 2)
        missed *= 1.0 - score * np.outer(down, across)
    return (1.0 - missed).astype(np.float32)


def _places(target: int, source: int) -> NDArray[np.float64]:
    """Where the `target` cells of one axis lie among its `source` cells, in index coordinates."""
    return (np.arange(target) + 0.5) * source / target - 0.5


def _interpolation(places: NDArray[np.float64], source: int) -> NDArray[np.float64]:
    """(places, source) matrix of linear interpolation along one axis, clamped at both ends."""
    place = np.clip(places, 0, source - 1)
    low = np.minimum(np.floor(place).astype(np.int64), max(source - 2, 0))
    share = place - low
    matrix = np.zeros((len(place), source))
    rows = np.arange(len(place))
    matrix[rows, low] += 1.0 - share
    matrix[rows, np.minimum(low + 1, source - 1)] += share
    return matrix
