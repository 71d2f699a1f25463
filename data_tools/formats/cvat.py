"""CVAT for images 1.1: one XML file with `<image name width height>` and in it box, polygon, mask and so on.

Coordinates are positions between pixels. An image without any shape or tag is good: CVAT wrote its place and nothing
into it. Tags, points and skeletons have no area: they say that an image shows a defect. Tracks belong to videos.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.files.atomic import write_text
from data_tools.files.cvat_xml import annotated_xml
from data_tools.formats.annotation_files import head_of
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import (
    LINE,
    WITHOUT_AREA,
    corners_of,
    shape,
    turned_ellipse,
    turned_note,
    turned_rectangle,
)
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.shapes.run_lengths import box_of_runs, runs_of_counts
from data_tools.formats.tool_files import tool_format
from data_tools.formats.words.entry_words import against_a_defect, why_undecided
from data_tools.formats.words.folders import is_good
from data_tools.formats.xml_tree import Element, read_xml

_ROOT = re.compile(
    rb"\s*(?:<\?xml.*?\?>)?\s*(?:<!--.*?-->\s*)*<annotations[\s>].{0,4000}?<(?:image|meta|track|version)\b", re.S
)
_CORNERS = ("xtl", "ytl", "xbr", "ybr")
_CUBOID = [f"{axis}{corner}{face}" for corner in ("tl", "bl", "tr", "br") for face in (1, 2) for axis in "xy"]
_WITHOUT_AREA = ("tag", "points", "skeleton")
SUFFIXES = (".xml",)
EMPTY = "image without shapes in a CVAT file"


def claims_of(path: Path, findings: Findings) -> Iterator[Claim]:
    """What a file says of its images, in its order.

    Raises:
        InputError: not a CVAT file, or predictions that nobody has reviewed.
    """
    root = read_xml(path)
    if root.tag != "annotations":
        raise InputError(f"line {root.line}: <{root.tag[:40]}> instead of <annotations>, so not a CVAT file")
    meta = root.child("meta")
    if meta is not None and meta.child("predictions") is not None:
        raise InputError("predictions for CVAT, not annotations; import them there, review them and export the task")
    for element in root.children:
        if element.tag == "image":
            yield from _image_claims(path, element, findings)
        elif element.tag == "track":
            findings.reject(path, element.line, "", "a track of a video; export the task as 'CVAT for images 1.1'")
        elif element.tag not in ("version", "meta"):
            findings.reject(path, element.line, "", f"<{element.tag[:40]}> is not known here")


def _image_claims(path: Path, image: Element, findings: Findings) -> Iterator[Claim]:
    name, subset = image.attributes.get("name", ""), image.attributes.get("subset", "")
    if subset not in ("", "default"):
        name = f"{subset}/{name}"
    declared_hw = declared_size((image.attributes.get("height"), image.attributes.get("width")))
    shapes, labels = [], []
    for element in image.children:
        label = element.attributes.get("label", "")
        if element.tag in _WITHOUT_AREA:
            against = against_a_defect((f"{label} {of}", value) for of, value in _attributes(element))
            problem = why_undecided(element.tag, label, against)
            if problem:
                yield Claim(path, name, element.line, declared_hw=declared_hw, problem=problem)
                continue
            labels.append((element.line, label))
            if not is_good(label):
                findings.mend(path, element.line, name, WITHOUT_AREA.format(element.tag))
        else:
            shapes.append(replace(_shape(element, label), beside=tuple(_attributes(element))))
    good = EMPTY if not image.children else ""
    yield Claim(path, name, image.line, declared_hw=declared_hw, shapes=tuple(shapes), good=good)
    for line, label in labels:
        proof, defect_type = (f"tag {label!r}", "") if is_good(label) else ("", label.strip() or "defect")
        yield Claim(path, name, line, declared_hw=declared_hw, defect_type=defect_type, good=proof)


def _attributes(element: Element) -> list[tuple[str, str]]:
    return [(one.attributes.get("name", ""), one.text.strip()) for one in element.children if one.tag == "attribute"]


def _shape(element: Element, label: str) -> Shape:
    reader = _READERS.get(element.tag)
    if reader is None:
        return Shape(label, line=element.line, problem=f"<{element.tag[:40]}> encloses no area that is read here")
    rotation = numbers((element.attributes.get("rotation", "0"),))
    if isinstance(rotation, str):
        return Shape(label, line=element.line, problem=rotation.replace("corner", "rotation"))
    note = turned_note(rotation[0]) or _NOTES.get(element.tag, "")
    return shape(label, reader(element, rotation[0]), element.line, note)


def _box(element: Element, rotation: float) -> Box | str:
    corners = _numbers(element, _CORNERS)
    if isinstance(corners, str):
        return corners
    x1, y1, x2, y2 = corners
    if not rotation % 360:
        return x1, y1, x2, y2
    return turned_rectangle((x1, y1, x2, y2), rotation, ((x1 + x2) / 2, (y1 + y2) / 2))


def _ellipse(element: Element, rotation: float) -> Box | str:
    values = _numbers(element, ("cx", "cy", "rx", "ry"))
    return values if isinstance(values, str) else turned_ellipse(values[:2], values[2:], rotation)  # type: ignore[arg-type]


def _outline(element: Element, _rotation: float) -> Box | str:
    points = [pair.split(",") for pair in element.attributes.get("points", "").split(";")]
    if not all(len(pair) == 2 for pair in points):
        return "points are not pairs of x and y"
    fewest = 3 if element.tag == "polygon" else 2
    if len(points) < fewest:
        return f"{len(points)} points for a {element.tag}"
    flat = numbers([value for pair in points for value in pair])
    return flat if isinstance(flat, str) else corners_of("outline", flat)


def _cuboid(element: Element, _rotation: float) -> Box | str:
    values = _numbers(element, _CUBOID)
    return values if isinstance(values, str) else corners_of("outline", values)


def _mask(element: Element, _rotation: float) -> Box | str:
    """The box around the pixels of a brush mask: runs along the rows of its own frame, background first."""
    frame = _numbers(element, ("left", "top", "width", "height"))
    if isinstance(frame, str):
        return frame
    if any(value != int(value) or not 0 <= value <= 1_000_000 for value in frame) or not frame[2] * frame[3]:
        return "left, top, width and height of a mask are whole pixels"
    left, top, width, height = map(int, frame)
    try:
        starts, lengths = runs_of_counts([int(count) for count in element.attributes.get("rle", "").split(",")])
    except ValueError as error:
        return f"rle of a mask: {str(error)[:80]}"
    box = box_of_runs(starts, lengths, width)
    if isinstance(box, str):
        return box
    if int((starts + lengths).max()) > width * height:
        return f"rle of a mask with more pixels than its {width} x {height} frame"
    return left + box[0], top + box[1], left + box[2], top + box[3]


def _numbers(element: Element, names: Sequence[str]) -> tuple[float, ...] | str:
    missing = next((name for name in names if name not in element.attributes), None)
    if missing is not None:
        return f"<{element.tag}> without {missing}"
    return numbers([element.attributes[name] for name in names])


_READERS: dict[str, Callable[[Element, float], Box | str]] = {
    "box": _box,
    "ellipse": _ellipse,
    "polygon": _outline,
    "polyline": _outline,
    "cuboid": _cuboid,
    "mask": _mask,
}
_NOTES = {"polyline": LINE, "cuboid": "a cuboid: the box around it is taken"}


def looks_like_cvat(path: Path) -> str | None:
    """What of CVAT a file is, or None."""
    is_cvat = _ROOT.match(head_of(path).removeprefix(b"\xef\xbb\xbf"))
    return f"{path.name} holds <annotations> of CVAT" if is_cvat else None


def write(dataset: Dataset, path: Path, samples: Sequence[Sample] | None = None) -> None:
    """One XML file; a defect without a box has a tag."""
    write_text(path, annotated_xml(dataset.samples if samples is None else samples))


FORMAT = replace(
    tool_format("cvat", "CVAT for images 1.1, XML", "CVAT", SUFFIXES, looks_like_cvat, claims_of),
    write=write,
    written_suffix=".xml",
)
