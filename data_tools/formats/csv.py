"""CSV files with a header: columns are found by their names, several rows may belong to one image.

Default corners: exclusive, that is x2 - x1 is the width. Columns, in any common spelling and order:

- the image: image, filename, file_name, image_id, path, id...
- the box: xmin, ymin, xmax, ymax (or x1.., left.., x_min..), or left, top and width, height, or a centre with both;
- optionally the type: class, label, type, category...; and the image's size: width and height beside two corners,
  or image_width and image_height.

A row without a box says that its image is good, or, where it names a defect type, that it is a defect of unknown area.
The separator may be a comma, a semicolon (then a comma may stand for the decimal point) or a tab.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Dataset, Sample
from data_tools.files.atomic import write_text
from data_tools.formats.columns import Columns, find_columns
from data_tools.formats.folders import is_good
from data_tools.formats.image_index import images_folder, without_boxes
from data_tools.formats.image_places import ImagePlaces, declared_size
from data_tools.formats.names import reason_against
from data_tools.formats.rectangles import Rectangle, boxed_sample, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.formats.tables import csv_files, first_csv, first_fields, table_lines

_SEPARATORS = (",", ";", "\t")
_NO_BOX = ("", "nan", "none", "null", "na", "n/a", "-")
_NO_TYPE = (*_NO_BOX, "0", "background", "negative")


@dataclass
class _Image:
    """What the rows say of one image."""

    source: Path
    lines: list[int] = field(default_factory=list)
    rectangles: list[Rectangle] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    size_hw: tuple[int, int] | None = None
    refused: bool = False


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of first appearance, then images without a row as their folders say.

    Sizes come from the images where they are at hand, else from the size columns, else from `options.size_hw`.

    Raises:
        InputError: a file without the needed columns.
    """
    places = ImagePlaces(images_folder(sources, options), options, findings)
    images: dict[str, _Image] = {}
    for path in csv_files(sources):
        _collect(path, images, findings)
    for name, image in images.items():
        sample = _sample(name, image, places, options, findings)
        if sample is not None:
            yield sample
    yield from places.unannotated(findings)


def write(dataset: Dataset, path: Path) -> None:
    """One row a box, exclusive corners; a row without corners for an image without boxes."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image", "image_width", "image_height", "type", "x1", "y1", "x2", "y2"])
    for sample in dataset.samples:
        height, width = sample.size_hw
        for box, box_type in zip(sample.boxes_xyxy.tolist(), sample.box_types, strict=True):
            writer.writerow([sample.path, width, height, box_type, *(f"{v:.17g}" for v in box)])
        if not len(sample.boxes_xyxy):
            writer.writerow([sample.path, width, height, sample.type, "", "", "", ""])
    write_text(path, table.getvalue())


def _collect(path: Path, images: dict[str, _Image], findings: Findings) -> None:
    """Add the rows of a file to what is known of their images; what is wrong is listed with its line."""
    separator, columns = _header(path)
    if columns is None:
        raise InputError(
            f"{path}, line 1: no header with a column for the image and columns for the box, such as "
            "image,type,x1,y1,x2,y2 or filename,class,xmin,ymin,xmax,ymax"
        )
    lines = table_lines(path, separator)
    next(lines)
    seen: set[tuple[str, ...]] = set()
    for line, fields in lines:
        name = fields[columns.image] if len(fields) > columns.image else ""
        reason = _reason_against(fields, columns, name)
        if reason is None and tuple(fields) in seen and any(columns.box_of(fields)):
            reason = "duplicate row"
        if reason is not None:
            findings.reject(path, line, name[:200], reason)
            if name in images:
                images[name].refused = True
            continue
        seen.add(tuple(fields))
        image = images.setdefault(name, _Image(path))
        image.lines.append(line)
        _add_row(
            image,
            Rectangle(path, line, name, columns.type_of(fields), (0, 0, 0, 0)),
            fields,
            columns,
            separator,
            findings,
        )


def _add_row(
    image: _Image, empty: Rectangle, fields: list[str], columns: Columns, separator: str, findings: Findings
) -> None:
    where = (empty.source, empty.line, empty.image)
    size_hw = _size(columns.size_of(fields))
    if size_hw is not None and image.size_hw not in (None, size_hw):
        findings.reject(*where, f"size {size_hw[1]} x {size_hw[0]}, but {image.size_hw} in an earlier row")
        return
    image.size_hw = size_hw or image.size_hw
    values = columns.box_of(fields)
    if all(value.lower() in _NO_BOX for value in values):
        image.types.append(empty.defect_type)
        return
    found = numbers([value.replace(",", ".") if separator == ";" else value for value in values])
    if isinstance(found, str):
        image.refused = True
        findings.reject(*where, found)
        return
    if not any(found) and (empty.defect_type.lower() in _NO_TYPE or is_good(empty.defect_type)):
        findings.mend(*where, "boxes 0,0,0,0 of good images: taken as no box")
        image.types.append(empty.defect_type)
        return
    corners = columns.corners(found)
    image.rectangles.append(Rectangle(*where, empty.defect_type or "defect", corners))


def _sample(name: str, image: _Image, places: ImagePlaces, options: ReadOptions, findings: Findings) -> Sample | None:
    placed = places.place(name, image.size_hw)
    if isinstance(placed, str):
        for line in image.lines:
            findings.reject(image.source, line, name, placed)
        return None
    if image.rectangles:
        return boxed_sample(*placed, image.rectangles, options.corners or FORMAT.corners, options, findings)
    if image.refused:
        return None
    types = [options.type_map.get(kind.lower(), kind) for kind in image.types]
    defects = [kind for kind in types if kind.lower() not in _NO_TYPE and not is_good(kind)]
    if not defects:
        return without_boxes(*placed, GOOD)
    findings.warnings["rows that name a defect type without a box: taken as unboxed"] += 1
    return without_boxes(*placed, UNBOXED, defects[0])


def _reason_against(fields: Sequence[str], columns: Columns, name: str) -> str | None:
    if not fields:
        return "not a line of UTF-8 text with separated fields"
    if len(fields) != columns.count:
        return f"{len(fields)} fields instead of {columns.count}"
    reason = reason_against(name, "image name")
    kind = columns.type_of(fields)
    return reason or (reason_against(kind, "class") if kind else None)


def _size(values: tuple[str, str] | None) -> tuple[int, int] | None:
    """Height and width from two fields; None where they are empty or no size."""
    found = None if values is None else numbers(values)
    return None if found is None or isinstance(found, str) else declared_size(found[0], found[1])


def _header(path: Path) -> tuple[str, Columns | None]:
    """The separator with which the first line makes sense as a header, and its columns."""
    for separator in _SEPARATORS:
        columns = find_columns(first_fields(path, separator))
        if columns is not None:
            return separator, columns
    return ",", None


def _recognise(source: Path) -> str | None:
    path = first_csv(source)
    columns = None if path is None else _header(path)[1]
    return None if path is None or columns is None else f"{path.name} has the columns {', '.join(columns.names)}"


FORMAT = Format(
    "csv", "CSV with a header, columns found by name", "exclusive", _recognise, images_folder, read, write, ".csv"
)
