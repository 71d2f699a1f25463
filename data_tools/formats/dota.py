"""DOTA labels: a text file an image, a line a quadrilateral: `x1 y1 x2 y2 x3 y3 x4 y4 type difficult`, in pixels.

`imagesource:` and `gsd:` may stand above. Points are positions between pixels; of a turned box the upright one around
it is taken. A file without a line says that its image is good.
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
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.formats.shapes.outlines import corners_of
from data_tools.formats.shapes.rectangles import numbers
from data_tools.formats.tool_files import recogniser

SUFFIXES = (".txt",)
_ROW = re.compile(r"^\s*(?:[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\s+){8}[^\W\d]\S*(?:\s+\d)?\s*$")
_ABOVE = re.compile(r"^\s*(?:imagesource|gsd)\s*:", re.I)
_SIDES = 8
_EMPTY = "empty label file"
_TURNED = "no upright rectangle: the box around its points is taken"


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the text files' paths, then images without one as their folders say.

    Raises:
        InputError: no text files.
    """
    to_claim = partial(_claim, root=images_folder(sources, options))
    claims = claims_from_files(sources, SUFFIXES[0], findings, to_claim)
    yield from samples_from_claims(claims, sources, options, findings)


def _claim(path: Path, root: Path | None) -> Claim:
    lines = [(line, text) for line, text in numbered_lines(path) if not _ABOVE.match(text)]
    folder = folder_under(path, root)
    if lines and not any(_ROW.match(text) for _, text in lines):
        return Claim(path, path.stem, folder=folder, problem="no line of 8 numbers and a type, so not a label file")
    shapes = tuple(_shape(line, text) for line, text in lines)
    return Claim(path, path.stem, folder=folder, shapes=shapes, good="" if lines else _EMPTY)


def _shape(line: int, text: str) -> Shape:
    fields = text.split()
    if not _SIDES < len(fields) <= _SIDES + 2:
        return Shape("unboxed", line=line, problem=f"{len(fields)} fields instead of 8 numbers, a type and a flag")
    kind, sides = fields[_SIDES], numbers(fields[:_SIDES])
    if isinstance(sides, str):
        return Shape(kind, line=line, problem=sides)
    is_upright = len(set(sides[::2])) == len(set(sides[1::2])) == 2
    beside = tuple(("difficult", flag) for flag in fields[_SIDES + 1 :] if flag != "0")
    box_xyxy = corners_of("outline", sides)
    return Shape(kind, box_xyxy, line, "" if is_upright else _TURNED, beside=beside)


def _looks_like(path: Path) -> str | None:
    text = head_of(path).decode("utf-8", "replace").removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip() and not _ABOVE.match(line)), "")
    return f"{path.name} holds lines of 8 numbers and a type" if _ROW.match(first) else None


FORMAT = Format(
    "dota",
    "DOTA text files, quadrilaterals in pixels",
    "exclusive",
    recogniser(SUFFIXES, _looks_like),
    images_folder,
    read,
)
