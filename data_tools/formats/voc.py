"""Pascal VOC: one XML file an image, with `<object><name/><bndbox/></object>` for each box.

Default corners: inclusive and counted from 1, as the VOC kit has them. `--corners exclusive` takes the numbers as
half-open and counted from 0, as some tools write them. An image without objects is good, unless another element says
otherwise.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from math import degrees
from pathlib import Path
from xml.sax.saxutils import escape

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Dataset, Sample
from data_tools.formats.annotation_files import claims_from_files, head_of, label_path, number, some_files
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.images.image_places import declared_size, folder_under
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.outlines import corners_of, turned_note, turned_rectangle
from data_tools.formats.shapes.rectangles import half_open, numbers
from data_tools.formats.shapes.upright import not_upright
from data_tools.formats.words.entry_words import word_of
from data_tools.formats.words.remarks import NOT_UNDERSTOOD
from data_tools.formats.xml_tree import Element, read_xml

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_TURNED = ("cx", "cy", "w", "h", "angle")
_BOXES = ("bndbox", "robndbox", "polygon")
_OWN = ("folder", "filename", "path", "source", "size", "owner", "segmented")
_ROOT = re.compile(rb"<annotation[\s>/]")
_FROM_0 = "corners 0, but VOC counts from 1: taken as 1; if these files count from 0, give --corners exclusive"
_EMPTY = "VOC file without objects"


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the XML files' paths, then images without one as their folders say.

    Raises:
        InputError: no XML files.
    """
    to_claim = partial(_claim, root=images_folder(sources, options), corners=options.corners or FORMAT.corners)
    claims = claims_from_files(sources, ".xml", findings, to_claim)
    yield from samples_from_claims(claims, sources, options, findings, keep_repeats=True)


def write(dataset: Dataset, folder: Path, samples: Sequence[Sample] | None = None) -> None:
    """`Annotations/<image path>.xml` with inclusive corners counted from 1; unboxed images are left out.

    Raises:
        InputError: two images whose annotations would be the same file.
    """
    written: dict[Path, str] = {}
    for sample in dataset.samples if samples is None else samples:
        if sample.status != UNBOXED:
            path = label_path(folder / "Annotations", sample.path, ".xml", written)
            path.write_text(_xml(sample), encoding="utf-8")


def _claim(path: Path, root: Path | None, corners: str) -> Claim:
    top = read_xml(path)
    if top.tag != "annotation":
        raise InputError(f"line {top.line}: <{top.tag[:40]}> instead of <annotation>")
    size = top.child("size")
    objects = list(_objects(top))
    said, word = word_of({one.tag: one.text.strip() for one in top.children}, _OWN)
    doubt = "" if said in ("", GOOD) or objects else f"no objects, and {NOT_UNDERSTOOD}: {word}"
    return Claim(
        path,
        top.value("filename") or path.stem,
        own_name=path.stem,
        folder=folder_under(path, root),
        declared_hw=None if size is None else declared_size((size.value("height"), size.value("width"))),
        shapes=tuple(_shape(one, corners) for one in objects),
        good=word if objects and said == GOOD else "" if objects or doubt else _EMPTY,
        problem=doubt,
    )


def _objects(element: Element) -> Iterator[Element]:
    """The elements that hold a box or are called object, however deep: a wrapper does not make an image good."""
    for child in element.children:
        if child.tag.lower() in ("object", *_BOXES) or any(one.tag.lower() in _BOXES for one in child.children):
            yield child
        else:
            yield from _objects(child)


def _shape(one: Element, corners: str) -> Shape:
    name, box = one.value("name"), one.child("bndbox")
    boxes = sum(child.tag == "bndbox" for child in one.children)
    if boxes > 1:
        return Shape(name, line=one.line, problem=f"object with {boxes} times bndbox: which one is meant is not known")
    if box is None:
        return _turned(one, name)
    turned = not_upright((of.tag, of.text.strip()) for of in (*one.children, *box.children))
    if turned:
        return Shape(name, line=one.line, problem=turned)
    coordinates = numbers([box.value(corner) for corner in _CORNERS])
    if isinstance(coordinates, str):
        return Shape(name, line=one.line, problem=coordinates)
    counted_from = 1 if corners == "inclusive" else 0
    x1, y1, x2, y2 = (value - counted_from for value in coordinates)
    box_xyxy, note = half_open((x1, y1, x2, y2), corners)
    if counted_from and min(box_xyxy) == -1:
        x1, y1, x2, y2 = box_xyxy
        box_xyxy, note = (max(x1, 0.0), max(y1, 0.0), x2, y2), _FROM_0
    beside = tuple((of, text) for of, text in _beside(one) if of != "name")
    return Shape(name, box_xyxy, one.line, note, beside=beside)


def _beside(one: Element) -> Iterator[tuple[str, str]]:
    """What an object says beside its box: by its elements however deep, by pairs of name and value, by attributes."""
    yield from one.attributes.items()
    for child in one.children:
        if child.tag in _BOXES or child.tag == "part":
            continue
        if child.child("name") is not None and child.child("value") is not None:
            yield child.value("name"), child.value("value")
        elif child.children:
            yield from _beside(child)
        else:
            yield from child.attributes.items()
            yield child.tag, child.text


def _turned(one: Element, name: str) -> Shape:
    """A rectangle with a centre, two sides and an angle in radians, as roLabelImg has it."""
    box = one.child("robndbox")
    if box is None:
        return Shape(name, line=one.line, problem="object without a bndbox")
    rectangle = numbers([box.value(value) for value in _TURNED])
    if isinstance(rectangle, str):
        return Shape(name, line=one.line, problem=rectangle)
    x, y, *_, angle = rectangle
    upright = corners_of("centre", rectangle[:4])
    box_xyxy = turned_rectangle(upright, degrees(angle), (x, y))
    return Shape(name, box_xyxy, one.line, turned_note(round(degrees(angle), 3)))


def _xml(sample: Sample) -> str:
    height, width = sample.size_hw
    lines = [
        "<annotation>",
        f"  <filename>{escape(sample.path)}</filename>",
        f"  <size><width>{width}</width><height>{height}</height><depth>1</depth></size>",
    ]
    for box, box_type in zip(sample.boxes_xyxy.tolist(), sample.box_types, strict=True):
        corners = zip(_CORNERS, (box[0] + 1, box[1] + 1, box[2], box[3]), strict=True)
        inside = "".join(f"<{tag}>{number(value)}</{tag}>" for tag, value in corners)
        lines.append(f"  <object><name>{escape(box_type)}</name><bndbox>{inside}</bndbox></object>")
    return "\n".join([*lines, "</annotation>", ""])


def _recognise(source: Path) -> str | None:
    path = next((path for path in some_files(source, ".xml") if _looks_like_voc(path)), None)
    return None if path is None else f"{path.name} holds an <annotation>"


def _looks_like_voc(path: Path) -> bool:
    """Whether an XML file, of one byte a letter or of two, has an <annotation>; <annotations> are another format's."""
    return bool(_ROOT.search(head_of(path).replace(b"\0", b"")))


FORMAT = Format(
    "voc",
    "Pascal VOC XML, an image a file",
    "inclusive",
    _recognise,
    images_folder,
    read,
    write,
    reads=CLAIMED | {"corners"},
)
