"""labelme: one JSON file an image, with shapes. Each shape becomes the box around its points.

Default corners: exclusive; labelme's points are positions between pixels. The two points of a mask are the box of its
pixels. A file without shapes is a good image, unless a flag of the image is set that names a defect, or that leaves it
open whether there is one ("unknown"), or another key says so, such as a description with a fault. Flags such as
"reviewed" say nothing.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import hypot
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.files.dataset_folder import read_json
from data_tools.formats.annotation_files import claims_from_files, head_of, some_files
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.images.image_places import declared_size, folder_under
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.outlines import LINE, WITHOUT_AREA, corners_of
from data_tools.formats.shapes.rectangles import Box, half_open, numbers
from data_tools.formats.words.entry_words import beside_in, word_of
from data_tools.formats.words.remarks import NOT_UNDERSTOOD, is_about_the_work, is_undone, status_of_remark, weightiest

_FEWEST = {
    "rectangle": 2,
    "polygon": 3,
    "circle": 2,
    "mask": 2,
    "linestrip": 2,
    "line": 2,
    "rotation": 3,
    "quadrilateral": 4,
}
_NOTES = {
    "linestrip": LINE,
    "line": LINE,
    "rotation": "a turned rectangle: the box around it is taken",
}
_WHOLE = 1 << 26  # files up to this size are looked at as a whole, since images may be embedded before the shapes
_EMPTY = "labelme file without shapes"
_OF_SHAPE = ("label", "points", "shape_type", "flags", "group_id", "mask", "kie_linking", "difficult", "direction")
_OWN = ("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth", "lineColor", "fillColor")


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the JSON files' paths, then images without one as their folders say.

    Raises:
        InputError: no JSON files.
    """
    root, corners = images_folder(sources, options), options.corners or FORMAT.corners
    to_claim = partial(_claim, root=root, corners=corners, mapped=options.type_map)
    claims = list(claims_from_files(sources, ".json", findings, to_claim))
    for claim in claims:
        if claim.defect_type:
            findings.mend(claim.source, None, claim.image, WITHOUT_AREA.format("a flag"))
    yield from samples_from_claims(claims, sources, options, findings)


def _claim(path: Path, root: Path | None, corners: str, mapped: Mapping[str, str]) -> Claim:
    value = read_json(path)
    if not isinstance(value, dict) or not isinstance(value.get("shapes"), list):
        raise InputError("no list 'shapes', so not a labelme file")
    name = value.get("imagePath") or path.stem
    if not isinstance(name, str):
        raise InputError("imagePath is no text")
    shapes, checked = value["shapes"], value.get("checked") is True  # then its scores have been reviewed
    status, flag = _flag(value.get("flags"), mapped)
    said, word = word_of(value, _OWN) if not shapes and status != UNBOXED else ("", "")
    doubt = f"the flag {flag!r}" if status is None and flag else "" if said in ("", GOOD) else word
    doubt = "" if shapes else doubt
    return Claim(
        path,
        _from_root(name, folder_under(path, root)),
        own_name=path.stem,
        folder=folder_under(path, root),
        declared_hw=declared_size((value.get("imageHeight"), value.get("imageWidth"))),
        shapes=tuple(_shape(shape, f"shape {i}", corners, checked) for i, shape in enumerate(shapes, start=1)),
        defect_type=flag if status == UNBOXED else "",
        good="" if status == UNBOXED or doubt else f"flag {flag!r}" if flag and status else "" if shapes else _EMPTY,
        problem=f"no shapes, and {NOT_UNDERSTOOD}: {doubt}" if doubt else "",
    )


def _flag(flags: Any, mapped: Mapping[str, str]) -> tuple[str | None, str]:
    """The status that the flags say, and which flag: a defect first, then what is not understood, then good.

    Flags name defects, unless they say how far somebody is with the image; "" where none that counts is set.
    """
    names = [str(name) for name, on in flags.items() if on is True] if isinstance(flags, dict) else []
    said = [
        (UNBOXED if name.lower() in mapped else status_of_remark(name, "label"), name)
        for name in names
        if name.lower() in mapped or not is_about_the_work(name) or is_undone(name)
    ]
    return weightiest(said, (None, ""))


def _from_root(name: str, folder: str) -> str:
    """The image's path relative to the root; labelme gives it relative to the JSON file, possibly through "..".

    What leaves the root keeps its "..", which is refused then.
    """
    slashed = name.replace("\\", "/")
    return posixpath.normpath(posixpath.join(folder, slashed)) if ".." in slashed.split("/") else slashed


def _shape(shape: Any, part: str, corners: str, checked: bool) -> Shape:
    if not isinstance(shape, dict) or not isinstance(shape.get("points"), list):
        return Shape("unboxed", problem="no list of points", part=part)
    if not isinstance(shape.get("label"), str):
        return Shape("unboxed", problem="label is no text", part=part)
    kind = shape.get("shape_type") or "polygon"
    box = _outline(shape["points"], kind)
    if isinstance(box, str):
        return Shape(shape["label"], problem=box, part=part)
    box_xyxy, note = half_open(box, corners)
    beside = tuple((key, value) for key, value in _beside(shape) if not (checked and key == "score"))
    return Shape(shape["label"], box_xyxy, note=_NOTES.get(kind, note), part=part, beside=beside)


def _beside(shape: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a shape says beside its points: flags that are set, since each shape has all of them, and other keys."""
    yield from beside_in(shape, _OF_SHAPE)
    flags = shape.get("flags")
    yield from ((str(name), on) for name, on in flags.items() if on is True) if isinstance(flags, dict) else ()


def _outline(points: list[Any], kind: Any) -> Box | str:
    """The box around the points of a shape, or why there is none."""
    if not isinstance(kind, str) or kind not in _FEWEST:
        return f"shape_type {str(kind)[:40]!r} encloses no area that is read here"
    if not all(isinstance(point, list) and len(point) == 2 for point in points):
        return "a point is not a pair of x and y"
    flat = numbers([side for point in points for side in point])
    if isinstance(flat, str):
        return flat
    if len(points) < _FEWEST[kind]:
        return f"{len(points)} points for a {kind}"
    if kind == "circle":
        radius = hypot(flat[2] - flat[0], flat[3] - flat[1])
        return flat[0] - radius, flat[1] - radius, flat[0] + radius, flat[1] + radius
    return corners_of("outline", flat)


def _recognise(source: Path) -> str | None:
    path = next((path for path in some_files(source, ".json") if _looks_like_labelme(path)), None)
    return None if path is None else f"{path.name} holds shapes and an imagePath"


def _looks_like_labelme(path: Path) -> bool:
    content = head_of(path, _WHOLE).replace(b"\0", b"")
    return b'"shapes"' in content and (b'"imagePath"' in content or b'"imageData"' in content)


FORMAT = Format(
    "labelme",
    "labelme JSON, an image a file",
    "exclusive",
    _recognise,
    images_folder,
    read,
    reads=CLAIMED | {"corners"},
)
