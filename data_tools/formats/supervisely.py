"""Supervisely: ann/<image>.json beside img/<image>, with the size of the image, its objects and tags.

Default corners: inclusive. Points are whole pixels, and those of the outline belong to the object; where a file has
fractions, its points are positions between pixels, as newer versions store them. A file without objects and tags says
that its image is good.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.core.split_words import part_of
from data_tools.files.dataset_folder import read_json
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.outlines import LINE, WITHOUT_AREA, corners_of, shape
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.supervisely_bitmap import bitmap_box
from data_tools.formats.tool_files import claims_of_files, images_root, json_with, recogniser
from data_tools.formats.words.entry_words import word_of
from data_tools.formats.words.folders import is_good
from data_tools.formats.words.remarks import NOT_UNDERSTOOD, status_of_remark

SUFFIXES = (".json",)
EMPTY = "Supervisely file without objects"
NO_ANNOTATION = ("meta.json", "key_id_map.json", "obj_class_to_machine_color.json", "project.json")
_FEWEST = {"rectangle": 2, "polygon": 3, "line": 2}
_POINTS = ("point", "graph")


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples of what the files claim.

    Raises:
        InputError: no file of Supervisely.
    """
    root = images_root(sources, options)

    def to_claims(path: Path) -> Iterator[Claim]:
        return claims_of(path, findings, options.corners or FORMAT.corners, _folder_of_images(path, root))

    claims = claims_of_files(sources, SUFFIXES, to_claims, findings, one_image=True, ignored=NO_ANNOTATION)
    return samples_from_claims(claims, sources, options, findings, root=images_root)


def claims_of(path: Path, findings: Findings, corners: str = "inclusive", folder: str = "") -> Iterator[Claim]:
    """What a file says of its image.

    Args:
        path: of the file.
        findings: gets what is read with a change.
        corners: "inclusive" where the pixels of the outline belong to the object, or "exclusive".
        folder: of the image, relative to all images.

    Raises:
        InputError: not an annotation file of Supervisely.
    """
    value = read_json(path)
    if not _is_annotation(value):
        raise InputError("no 'objects' and 'size', so not an annotation file of Supervisely")
    name = path.name.removesuffix(path.suffix)
    size_hw = declared_size((value["size"].get("height"), value["size"].get("width")))
    widen = 1.0 if corners == "inclusive" and not _has_fractions(value["objects"]) else 0.0
    shapes, labels = [], []
    for i, entry in enumerate(value["objects"], start=1):
        label = entry.get("classTitle") if isinstance(entry, dict) else None
        label = label if isinstance(label, str) else ""
        if isinstance(entry, dict) and _kind(entry) in _POINTS:
            labels.append(label or "defect")
            findings.mend(path, None, name, WITHOUT_AREA.format("a point"))
        else:
            of_object = entry.get("tags") if isinstance(entry, dict) else None
            named = map(_tag, of_object if isinstance(of_object, list) else [])
            beside = [(tag, answer or "yes") for tag, answer in named]
            if isinstance(entry, dict) and isinstance(entry.get("description"), str):
                beside.append(("description", entry["description"]))
            shapes.append(replace(_shape(entry, label, f"object {i}", size_hw, widen), beside=tuple(beside)))
    tags = [(tag, answer) for tag, answer in map(_tag, value.get("tags") or []) if not part_of(tag)]
    empty = not value["objects"] and not tags
    said, word = word_of({"description": value.get("description")}) if empty else ("", "")
    doubt = "" if said in ("", GOOD) else f"{NOT_UNDERSTOOD}: {word}"
    good = EMPTY if empty and not doubt else ""
    yield Claim(path, name, None, name, folder, size_hw, tuple(shapes), good=good, problem=doubt)
    for label in labels:
        if not is_good(label):
            yield Claim(path, name, None, name, folder, size_hw, defect_type=label)
    for tag, answer in tags:  # any remark may be one
        status = status_of_remark(answer, tag) if answer else status_of_remark(tag)
        if status == GOOD:
            yield Claim(path, name, None, name, folder, size_hw, good=f"tag {tag!r}")
        elif status == UNBOXED:
            findings.mend(path, None, name, WITHOUT_AREA.format("a tag"))
            yield Claim(path, name, None, name, folder, size_hw, defect_type=tag)
        elif not value["objects"]:
            yield Claim(path, name, None, name, folder, size_hw, problem=f"{NOT_UNDERSTOOD}: the tag {tag!r}")


def looks_like_supervisely(path: Path) -> str | None:
    """What of Supervisely a file is, or None."""
    value = json_with(path, {"objects", "size"})
    return f"{path.name} has the objects and the size of an image" if _is_annotation(value) else None


def _is_annotation(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("objects"), list):
        return False
    size, tags = value.get("size"), value.get("tags")
    if not (tags is None or isinstance(tags, list)):
        return False
    described = any(isinstance(one, dict) and "classTitle" in one for one in value["objects"])
    described = described or not (value["objects"] or _names_an_image(value))
    return isinstance(size, dict) and {"height", "width"} <= size.keys() and described


def _names_an_image(value: Mapping[str, Any]) -> bool:
    """Whether a file names its image, as those of other tools do; here its own name says it."""
    texts = (one for key, one in value.items() if key != "description" and isinstance(one, str))
    return any(text.lower().endswith(IMAGE_SUFFIXES) for text in texts)


def _shape(entry: Any, label: str, part: str, size_hw: tuple[int, int] | None, widen: float) -> Shape:
    if not isinstance(entry, dict):
        return Shape(label or "defect", problem="no object", part=part)
    kind = _kind(entry)
    if kind == "bitmap":
        return shape(label, bitmap_box(entry.get("bitmap"), size_hw), part=part)
    if kind not in _FEWEST:
        return Shape(label or "defect", problem=f"geometry {kind[:40]!r} encloses no area that is read here", part=part)
    box = _outline(entry.get("points"), _FEWEST[kind], widen)
    note = LINE if kind == "line" else ""
    return shape(label, box, None, note, part)


def _outline(points: Any, fewest: int, widen: float) -> Box | str:
    exterior = points.get("exterior") if isinstance(points, Mapping) else None
    if not isinstance(exterior, list) or not all(isinstance(one, list) and len(one) == 2 for one in exterior):
        return "points are not pairs of x and y"
    if len(exterior) < fewest:
        return f"{len(exterior)} points, but {fewest} are the fewest"
    flat = numbers([value for point in exterior for value in point])
    if isinstance(flat, str):
        return flat
    x1, y1, x2, y2 = corners_of("outline", flat)
    return x1, y1, x2 + widen, y2 + widen


def _kind(entry: Mapping[str, Any]) -> str:
    """The geometry of an object; older files do not name it but have either a bitmap or points."""
    kind = entry.get("geometryType")
    if isinstance(kind, str):
        return kind
    return "bitmap" if entry.get("bitmap") else "polygon"


def _has_fractions(objects: list[Any]) -> bool:
    values = [entry.get("points") for entry in objects if isinstance(entry, dict)]
    outlines = [value.get("exterior") for value in values if isinstance(value, Mapping)]
    points = [point for outline in outlines if isinstance(outline, list) for point in outline]
    coordinates = [value for point in points if isinstance(point, list) for value in point]
    return any(isinstance(value, float) and not value.is_integer() for value in coordinates)


def _tag(tag: Any) -> tuple[str, str]:
    """The name of a tag of the image, and its value; "" where it has none."""
    name, value = (tag.get("name"), tag.get("value")) if isinstance(tag, dict) else (tag, None)
    return name.strip() if isinstance(name, str) else "", str(value).strip() if isinstance(value, str | int) else ""


def _folder_of_images(path: Path, root: Path | None) -> str:
    """img/ beside the folder of an annotation file, relative to all images; "" where it is not among them."""
    folder = path.resolve().parent.parent / "img"
    inside = root is not None and folder.is_dir() and folder.is_relative_to(root.resolve())
    return folder.relative_to(root.resolve()).as_posix() if root is not None and inside else ""


FORMAT = Format(
    "supervisely",
    "Supervisely, ann/ beside img/",
    "inclusive",
    recogniser(SUFFIXES, looks_like_supervisely),
    images_root,
    read,
    reads=CLAIMED | {"corners"},
)
