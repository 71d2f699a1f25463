"""DeepPCB: one text file an image with lines `x1,y1,x2,y2,type`, separated by commas or spaces.

Default corners: exclusive. Images and text files are paired by a list file (`image.jpg label.txt` a line), else by
name; the image may have _test at the end of its name. Types 1 to 6 are open, short, mousebite, spur, copper and
pin-hole; other types keep their text. An empty text file is a good image. Templates (`_temp`), with which the tested
boards are compared, are no inspected images and are left out, unless --templates good takes them as good images.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.images import resolve_under
from data_tools.formats.annotation_files import annotation_files, head_of, numbered_lines, some_files
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_index import ImageIndex, images_folder
from data_tools.formats.images.image_places import ImagePlaces, folder_under
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.rectangles import half_open, numbers

_TYPES = {"1": "open", "2": "short", "3": "mousebite", "4": "spur", "5": "copper", "6": "pin-hole"}
_SEPARATOR = re.compile(r"[,;\s]+")
_LISTED = re.compile(rb"^\s*\S+\.(jpe?g|png|bmp|tiff?)[,\s]+\S+\.txt\s*$", re.I)
_ROW = re.compile(rb"^\s*\d+[,\s]+\d+[,\s]+\d+[,\s]+\d+[,\s]+\w[\w-]*\s*$")
_TESTED, _TEMPLATE = "_test", "_temp"
_EMPTY = "empty text file"


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in the order of the list files or of the text files' paths, then images without annotation.

    Raises:
        InputError: no text files.
    """
    noticed = Findings()
    places = ImagePlaces(images_folder(sources, options), options, noticed)
    index = places.index
    claims = list(_claims(sources, index, options.corners or FORMAT.corners, findings))
    if options.templates == "good" and index is not None:
        claims += [Claim(index.root / path, path, good="template") for path in index.paths if _is_template(path)]
    findings.absorb(noticed)
    yield from samples_from_claims(claims, sources, options, findings, places=places, left_out=_is_template)


def _is_template(path: str) -> str:
    """Why an image without annotation is none of a tested board; "" where it is."""
    stem = PurePosixPath(path).stem
    return "templates (_temp), which are no inspected images: left out" if stem.endswith(_TEMPLATE) else ""


def _claims(sources: Sequence[Path], index: ImageIndex | None, corners: str, findings: Findings) -> Iterator[Claim]:
    """What the text files say: those that lists pair with images where there are lists, else those named like one."""
    files = list(annotation_files(sources, ".txt", findings))
    lists = [path for path in files if _LISTED.match(_first_line(path))]
    for path in lists:
        for line, text in numbered_lines(path):
            yield _listed(path, line, _SEPARATOR.split(text.strip()), index, corners)
    for path in files if not lists else ():
        if _first_line(path) and not _ROW.match(_first_line(path)) and not (index and index.knows(path.stem)):
            findings.reject(path, None, path.stem, "no image of this name, and no lines x1,y1,x2,y2,type")
            continue
        folder = folder_under(path, None if index is None else index.root)
        name = _tested(f"{folder}/{path.stem}" if folder not in ("", ".") else path.stem, index)
        try:
            yield _claim(name, path, corners)
        except InputError as error:
            findings.lose(path, str(error).removeprefix(f"{path}: "))


def _listed(path: Path, line: int, fields: list[str], index: ImageIndex | None, corners: str) -> Claim:
    """The claim of one line of a list."""
    name = _tested(fields[0], index)
    try:
        if len(fields) != 2:
            raise InputError(f"{len(fields)} names instead of an image and a text file")
        return _claim(name, resolve_under(path.parent, fields[1]), corners)
    except (InputError, OSError) as error:
        return Claim(path, name, line, problem=str(error))


def _claim(name: str, labels: Path, corners: str) -> Claim:
    shapes = tuple(_shape(line, text, corners) for line, text in numbered_lines(labels))
    return Claim(labels, name, shapes=shapes, good="" if shapes else _EMPTY)


def _shape(line: int, text: str, corners: str) -> Shape:
    fields = _SEPARATOR.split(text.strip())
    if len(fields) != 5:
        return Shape("unboxed", line=line, problem=f"{len(fields)} fields instead of x1,y1,x2,y2,type")
    coordinates = numbers(fields[:4])
    if isinstance(coordinates, str):
        return Shape(_TYPES.get(fields[4], fields[4]), line=line, problem=coordinates)
    if fields[4].isdecimal() and fields[4] not in _TYPES:
        what = "0 stands for the background" if fields[4] == "0" else f"{fields[4][:9]} is none of 1 to 6"
        return Shape("unboxed", line=line, problem=f"type {what}; x1,y1,x2,y2,type is read, not the class first")
    x1, y1, x2, y2 = coordinates
    box_xyxy, note = half_open((x1, y1, x2, y2), corners)
    return Shape(_TYPES.get(fields[4], fields[4]), box_xyxy, line, note)


def _tested(name: str, index: ImageIndex | None) -> str:
    """The name with _test at its end, where there is such an image."""
    path = PurePosixPath(name.replace("\\", "/"))
    tested = path.with_name(f"{path.stem}{_TESTED}{path.suffix}") if path.name else path
    return tested.as_posix() if index is not None and index.knows(tested.name) else name


def _first_line(path: Path) -> bytes:
    return next((line for line in head_of(path).splitlines() if line.strip()), b"")


def _recognise(source: Path) -> str | None:
    """By a list of images, or by rows of two corners in order and a type, not sizes or what may be a coordinate."""
    rows = []
    for path in some_files(source, ".txt"):
        first = _first_line(path)
        if _LISTED.match(first):
            return f"{path.name} lists images with their text files"
        if _ROW.match(first):
            fields = [re.split(rb"[,;\s]+", line.strip()) for line in head_of(path).splitlines() if _ROW.match(line)]
            rows += [(path, one) for one in fields]
    numbered = [one[4] for _, one in rows if one[4].isdigit()]
    if not rows or any(kind.decode() not in _TYPES for kind in numbered):
        return None
    boxes = [[float(value) for value in one[:4]] for _, one in rows]
    if not any(max(box) > 1 for box in boxes) or any(x2 <= x1 or y2 <= y1 for x1, y1, x2, y2 in boxes):
        return None
    return f"{rows[0][0].name} holds lines x1,y1,x2,y2,type"


FORMAT = Format(
    "deeppcb",
    "text files x1,y1,x2,y2,type",
    "exclusive",
    _recognise,
    images_folder,
    read,
    reads=CLAIMED | {"corners", "templates"},
)
