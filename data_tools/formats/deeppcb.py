"""DeepPCB: one text file an image with lines `x1,y1,x2,y2,type`, separated by commas or spaces.

Default corners: exclusive. Images and text files are paired by a list file (`image.jpg label.txt` a line), else by
name; the image may have _test at the end of its name. Types 1 to 6 are open, short, mousebite, spur, copper and
pin-hole; other types keep their text. An empty text file is a good image. Templates (`_temp`), with which the tested
boards are compared, are no inspected images and are left out.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Sample
from data_tools.files.images import resolve_under
from data_tools.formats.annotation_files import annotation_files, first_file, folder_of, head_of, read_lines
from data_tools.formats.image_index import images_folder, without_boxes
from data_tools.formats.image_places import ImagePlaces
from data_tools.formats.rectangles import Rectangle, boxed_sample, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions

_TYPES = {"1": "open", "2": "short", "3": "mousebite", "4": "spur", "5": "copper", "6": "pin-hole"}
_SEPARATOR = re.compile(r"[,;\s]+")
_LISTED = re.compile(rb"^\s*\S+\.(jpe?g|png|bmp|tiff?)[,\s]+\S+\.txt\s*$", re.I)
_ROW = re.compile(rb"^\s*\d+[,\s]+\d+[,\s]+\d+[,\s]+\d+[,\s]+\w[\w-]*\s*$")
_TESTED, _TEMPLATE = "_test", "_temp"


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in the order of the list files or of the text files' paths, then images without annotation.

    Raises:
        InputError: no text files.
    """
    places = ImagePlaces(images_folder(sources, options), options, findings)
    for source, line, name, labels in _pairs(sources, places, findings):
        placed = places.place(_tested(name, places))
        if isinstance(placed, str):
            findings.reject(source, line, name, placed)
            continue
        sample = _sample(labels, name, placed, options, findings)
        if sample is not None:
            yield sample
    if places.index is not None:
        templates = [name for name in places.index.unclaimed if PurePosixPath(name).stem.endswith(_TEMPLATE)]
        for name in templates:
            places.index.unclaimed.pop(name)
            findings.warnings["templates (_temp), which are no inspected images: left out"] += 1
    yield from places.unannotated(findings)


def _sample(
    labels: Path, name: str, placed: tuple[str, tuple[int, int]], options: ReadOptions, findings: Findings
) -> Sample | None:
    lines = [(i, line) for i, line in enumerate(read_lines(labels), start=1) if line.strip()]
    rectangles = []
    for i, line in lines:
        rectangle = _rectangle(labels, i, name, line)
        if isinstance(rectangle, str):
            findings.reject(labels, i, name, rectangle)
        else:
            rectangles.append(rectangle)
    if not lines:
        return without_boxes(*placed, GOOD)
    return boxed_sample(*placed, rectangles, options.corners or FORMAT.corners, options, findings)


def _rectangle(labels: Path, line: int, image: str, text: str) -> Rectangle | str:
    fields = _SEPARATOR.split(text.strip())
    if len(fields) != 5:
        return f"{len(fields)} fields instead of x1,y1,x2,y2,type"
    found = numbers(fields[:4])
    if isinstance(found, str):
        return found
    if fields[4] == "0":
        return "type 0 stands for the background"
    x1, y1, x2, y2 = found
    return Rectangle(labels, line, image, _TYPES.get(fields[4], fields[4]), (x1, y1, x2, y2))


def _pairs(
    sources: Sequence[Path], places: ImagePlaces, findings: Findings
) -> Iterator[tuple[Path, int | None, str, Path]]:
    """Where a pair is named, the image's name, and its text file: from lists where there are any, else by name."""
    files = list(annotation_files(sources, ".txt", findings))
    lists = [path for path in files if _LISTED.match(_first_line(path))]
    for path in lists:
        for line, text in enumerate(read_lines(path), start=1):
            fields = _SEPARATOR.split(text.strip())
            if not text.strip():
                continue
            try:
                if len(fields) != 2:
                    raise InputError(f"{len(fields)} names instead of an image and a text file")
                labels = resolve_under(path.parent, fields[1])
                if not labels.is_file():
                    raise InputError(f"{fields[1]}: no such file")
            except (InputError, OSError) as error:
                findings.reject(path, line, fields[0], str(error))
                continue
            yield path, line, fields[0], labels
    if not lists:
        for path in files:
            if not _first_line(path) or _ROW.match(_first_line(path)) or _has_image(path, places):
                folder = folder_of(path, places)
                yield path, None, f"{folder}/{path.stem}" if folder not in ("", ".") else path.stem, path
            else:
                findings.reject(path, None, path.stem, "no image of this name, and no lines x1,y1,x2,y2,type")


def _has_image(path: Path, places: ImagePlaces) -> bool:
    return places.index is not None and places.index.knows(path.stem)


def _tested(name: str, places: ImagePlaces) -> str:
    """The name with _test at its end, where there is such an image."""
    path = PurePosixPath(name.replace("\\", "/"))
    tested = path.with_name(f"{path.stem}{_TESTED}{path.suffix}") if path.name else path
    return tested.as_posix() if places.index is not None and places.index.knows(tested.name) else name


def _first_line(path: Path) -> bytes:
    return next((line for line in head_of(path).splitlines() if line.strip()), b"")


def _recognise(source: Path) -> str | None:
    path = first_file(source, ".txt")
    if path is None:
        return None
    for path in annotation_files([source], ".txt", Findings()):
        first = _first_line(path)
        if _LISTED.match(first):
            return f"{path.name} lists images with their text files"
        if _ROW.match(first) and any(float(value) > 1 for value in re.split(rb"[,\s]+", first.strip())[:4]):
            return f"{path.name} holds lines x1,y1,x2,y2,type"
        if first and source.is_file():
            return None
    return None


FORMAT = Format("deeppcb", "text files x1,y1,x2,y2,type", "exclusive", _recognise, images_folder, read)
