"""labelme: one JSON file an image, with shapes. Rectangles, polygons and circles become the boxes around them.

Default corners: exclusive; labelme's points are positions between pixels. A file without shapes is a good image.
"""

import posixpath
from collections.abc import Iterator, Sequence
from math import hypot
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Sample
from data_tools.files.dataset_folder import read_json
from data_tools.formats.annotation_files import first_file, folder_of, head_of, samples_from_files
from data_tools.formats.image_index import images_folder, without_boxes
from data_tools.formats.image_places import ImagePlaces, declared_size
from data_tools.formats.names import reason_against
from data_tools.formats.rectangles import Rectangle, boxed_sample, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions

_FEWEST = {"rectangle": 2, "polygon": 3, "circle": 2}
_WHOLE = 1 << 26  # files up to this size are looked at as a whole, since images may be embedded before the shapes


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the JSON files' paths, then images without one as their folders say.

    Raises:
        InputError: no JSON files.
    """
    yield from samples_from_files(sources, ".json", options, findings, _sample)


def _sample(path: Path, places: ImagePlaces, options: ReadOptions, findings: Findings) -> Sample | None:
    value = read_json(path)
    if not isinstance(value, dict) or not isinstance(value.get("shapes"), list):
        raise InputError("no list 'shapes', so not a labelme file")
    name = value.get("imagePath") or path.stem
    reason = reason_against(name, "imagePath") if isinstance(name, str) else "imagePath is no text"
    sides = numbers((value.get("imageHeight"), value.get("imageWidth")))
    declared_hw = None if isinstance(sides, str) else declared_size(sides[0], sides[1])
    placed = reason or places.place(_from_root(name, path, places), declared_hw)
    if isinstance(placed, str):
        raise InputError(placed)
    rectangles = []
    for i, shape in enumerate(value["shapes"], start=1):
        rectangle = _rectangle(path, name, shape, f"shape {i}")
        if isinstance(rectangle, str):
            findings.reject(path, None, name, f"shape {i}: {rectangle}")
        else:
            rectangles.append(rectangle)
    if not value["shapes"]:
        return without_boxes(*placed, GOOD)
    return boxed_sample(*placed, rectangles, options.corners or FORMAT.corners, options, findings)


def _from_root(name: str, path: Path, places: ImagePlaces) -> str:
    """The image's path relative to the root; labelme gives it relative to the JSON file, possibly through "..".

    What leaves the root keeps its "..", which `ImagePlaces` refuses.
    """
    folder = folder_of(path, places)
    slashed = name.replace("\\", "/")
    return posixpath.normpath(posixpath.join(folder, slashed)) if ".." in slashed.split("/") else slashed


def _rectangle(path: Path, image: str, shape: Any, part: str) -> Rectangle | str:
    if not isinstance(shape, dict) or not isinstance(shape.get("points"), list):
        return "no list of points"
    if not isinstance(shape.get("label"), str):
        return "label is no text"
    kind = shape.get("shape_type") or "polygon"
    if not isinstance(kind, str) or kind not in _FEWEST:
        return f"shape_type {str(kind)[:40]!r} encloses no area that is read here"
    if not all(isinstance(point, list) and len(point) == 2 for point in shape["points"]):
        return "a point is not a pair of x and y"
    xs, ys = numbers([p[0] for p in shape["points"]]), numbers([p[1] for p in shape["points"]])
    if isinstance(xs, str) or isinstance(ys, str):
        return xs if isinstance(xs, str) else str(ys)
    if len(xs) < _FEWEST[kind]:
        return f"{len(xs)} points for a {kind}"
    if kind == "circle":
        radius = hypot(xs[1] - xs[0], ys[1] - ys[0])
        xs, ys = (xs[0] - radius, xs[0] + radius), (ys[0] - radius, ys[0] + radius)
    return Rectangle(path, None, image, shape["label"], (min(xs), min(ys), max(xs), max(ys)), part)


def _recognise(source: Path) -> str | None:
    path = first_file(source, ".json")
    head = b"" if path is None else head_of(path, _WHOLE)
    if path is None or b'"shapes"' not in head or not (b'"imagePath"' in head or b'"imageData"' in head):
        return None
    return f"{path.name} holds shapes and an imagePath"


FORMAT = Format("labelme", "labelme JSON, an image a file", "exclusive", _recognise, images_folder, read)
