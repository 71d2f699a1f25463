"""Pascal VOC: one XML file an image, with `<object><name/><bndbox/></object>` for each box.

Default corners: inclusive and counted from 1, as the VOC kit has them. `--corners exclusive` takes the numbers as
half-open and counted from 0, as some tools write them. An image without objects is good.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Dataset, Sample
from data_tools.formats.annotation_files import first_file, folder_of, head_of, label_path, number, samples_from_files
from data_tools.formats.image_index import images_folder, without_boxes
from data_tools.formats.image_places import ImagePlaces, declared_size
from data_tools.formats.names import reason_against
from data_tools.formats.rectangles import Rectangle, boxed_sample, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.formats.xml_tree import Element, read_xml

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the XML files' paths, then images without one as their folders say.

    Raises:
        InputError: no XML files.
    """
    yield from samples_from_files(sources, ".xml", options, findings, _sample)


def write(dataset: Dataset, folder: Path) -> None:
    """`Annotations/<image path>.xml` with inclusive corners counted from 1; unboxed images are left out.

    Raises:
        InputError: two images whose annotations would be the same file.
    """
    written: dict[Path, str] = {}
    for sample in dataset.samples:
        if sample.status != UNBOXED:
            path = label_path(folder / "Annotations", sample.path, ".xml", written)
            path.write_text(_xml(sample), encoding="utf-8")


def _sample(path: Path, places: ImagePlaces, options: ReadOptions, findings: Findings) -> Sample | None:
    root = read_xml(path)
    if root.tag != "annotation":
        raise InputError(f"line {root.line}: <{root.tag[:40]}> instead of <annotation>")
    name = root.value("filename") or path.stem
    reason = reason_against(name, "file name")
    size = root.child("size")
    sides = "" if size is None else numbers((size.value("height"), size.value("width")))
    declared_hw = None if isinstance(sides, str) else declared_size(sides[0], sides[1])
    placed = reason or places.place(name, declared_hw, folder_of(path, places))
    if isinstance(placed, str):
        raise InputError(placed)
    objects = [child for child in root.children if child.tag == "object"]
    counted_from = 1 if options.corners != "exclusive" else 0
    rectangles = []
    for one in objects:
        rectangle = _rectangle(path, name, one, counted_from)
        if isinstance(rectangle, str):
            findings.reject(path, one.line, name, rectangle)
        else:
            rectangles.append(rectangle)
    if not objects:
        return without_boxes(*placed, GOOD)
    return boxed_sample(*placed, rectangles, options.corners or FORMAT.corners, options, findings)


def _rectangle(path: Path, image: str, one: Element, counted_from: int) -> Rectangle | str:
    box = one.child("bndbox")
    if box is None:
        return "object without a bndbox"
    found = numbers([box.value(corner) for corner in _CORNERS])
    if isinstance(found, str):
        return found
    x1, y1, x2, y2 = (value - counted_from for value in found)
    if -1 <= min(x1, y1) < 0 and counted_from:
        return "corner 0, but VOC counts from 1; if this file counts from 0, give --corners exclusive"
    return Rectangle(path, one.line, image, one.value("name"), (x1, y1, x2, y2))


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
    path = first_file(source, ".xml")
    return f"{path.name} holds an <annotation>" if path and b"<annotation" in head_of(path) else None


FORMAT = Format("voc", "Pascal VOC XML, an image a file", "inclusive", _recognise, images_folder, read, write)
