"""KITTI labels, as NVIDIA TAO takes them: a text file an image, a line a box that begins with its type.

`type truncated occluded alpha x1 y1 x2 y2` and seven numbers of three dimensions, which are not read. A sixteenth is a
model's score. Default corners: exclusive. An empty file says that its image is good; `DontCare` is not judged.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from data_tools.core.records import Sample
from data_tools.formats.annotation_files import claims_from_files, head_of, numbered_lines
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.images.image_places import folder_under
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.rectangles import half_open, numbers
from data_tools.formats.tool_files import recogniser

SUFFIXES = (".txt",)
_ROW = re.compile(r"^\s*[^\W\d][^\s,;]*(?:\s+[-+]?[\d.]+(?:[eE][-+]?\d+)?){14,15}\s*$")
_FIELDS = 15
_EMPTY = "empty label file"


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the text files' paths, then images without one as their folders say.

    Raises:
        InputError: no text files.
    """
    root = images_folder(sources, options)
    to_claim = partial(_claim, root=root, corners=options.corners or FORMAT.corners)
    claims = claims_from_files(sources, SUFFIXES[0], findings, to_claim)
    yield from samples_from_claims(claims, sources, options, findings)


def _claim(path: Path, root: Path | None, corners: str) -> Claim:
    lines = numbered_lines(path)
    folder = folder_under(path, root)
    if lines and not any(_ROW.match(text) for _, text in lines):
        return Claim(path, path.stem, folder=folder, problem="no line of a type and 14 numbers, so not a label file")
    shapes = tuple(_shape(line, text, corners) for line, text in lines)
    return Claim(path, path.stem, folder=folder, shapes=shapes, good="" if lines else _EMPTY)


def _shape(line: int, text: str, corners: str) -> Shape:
    fields = text.split()
    if not _FIELDS <= len(fields) <= _FIELDS + 1:
        return Shape("unboxed", line=line, problem=f"{len(fields)} fields instead of a type and 14 numbers")
    coordinates = numbers(fields[4:8])
    if isinstance(coordinates, str):
        return Shape(fields[0], line=line, problem=coordinates)
    x1, y1, x2, y2 = coordinates
    box_xyxy, note = half_open((x1, y1, x2, y2), corners)
    beside = (("score", fields[_FIELDS]),) if len(fields) > _FIELDS else ()
    return Shape(fields[0], box_xyxy, line, note, beside=beside)


def _looks_like(path: Path) -> str | None:
    text = head_of(path).decode("utf-8", "replace").removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    return f"{path.name} holds lines of a type and 14 numbers" if _ROW.match(first) else None


FORMAT = Format(
    "kitti",
    "KITTI text files, as NVIDIA TAO takes them",
    "exclusive",
    recogniser(SUFFIXES, _looks_like),
    images_folder,
    read,
    reads=CLAIMED | {"corners"},
)
