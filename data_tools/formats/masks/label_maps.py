"""Which value of a mask is which type, as tools write it beside masks.

`labelmap.txt` of VOC-like segmentations, by CVAT: a line a label, `name:red,green,blue:parts:actions`; lines that begin
with # are remarks. Of numbers `_classes.csv` by Roboflow, with a header `Pixel Value, Class`, and `class_names.txt` by
labelme, a line a number from 0, which is background.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.files.regular import reason_against_reading
from data_tools.files.text import read_text
from data_tools.formats.annotation_files import some_files
from data_tools.formats.masks.mask_values import colour_code
from data_tools.formats.words.names import is_background

NAME = "labelmap.txt"
_OF_NUMBERS = re.compile(r"^\s*pixel[ _]?value\s*,\s*class\s*$", re.I)
_NUMBERED = re.compile(r"^\s*(?P<number>\d{1,3})\s*,\s*(?P<name>\S.*?)\s*$")
_LINE = re.compile(r"^(?P<name>.+?):\s*(?P<rgb>\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3})\s*(?::.*)?$")


def read_label_map(root: Path) -> dict[int, str]:
    """Names by the code of their colour; none where the folder has no such file.

    Raises:
        InputError: a file of other lines, or a colour with two names.
    """
    path = root / NAME
    if reason_against_reading(path) is not None:
        return {}
    names: dict[int, str] = {}
    for number, line in enumerate(read_text(path)[0].splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line.strip())
        rgb = [int(value) for value in found["rgb"].split(",")] if found else []
        if found is None or max(rgb) > 255:
            raise InputError(f"{path}, line {number}: not a label as name:red,green,blue")
        code, name = colour_code(rgb[0], rgb[1], rgb[2]), found["name"].strip()
        if names.setdefault(code, name) != name:
            raise InputError(f"{path}, line {number}: {name} has the colour of {names[code]}")
    return names


def names_of_numbers(root: Path) -> tuple[dict[str, str], tuple[Path, ...]]:
    """The types of a mask's numbers by these as text, and the files that give them; nothing where two disagree."""
    names: dict[str, str] = {}
    files = []
    for path in (*some_files(root, ".csv"), *some_files(root, ".txt")):
        for number, name in _numbered_names(path):
            if names.setdefault(number, name) != name:
                return {}, ()
            files.append(path)
    return {number: name for number, name in names.items() if not is_background(name)}, tuple(dict.fromkeys(files))


def _numbered_names(path: Path) -> Iterator[tuple[str, str]]:
    """Numbers with their names, as one file gives them; nothing where it is no such file."""
    called = path.name.lower()
    if called not in ("_classes.csv", "class_names.txt"):
        return
    first, *lines = [line for line in read_text(path)[0].splitlines() if line.strip()] or [""]
    if called == "class_names.txt" and is_background(first):
        yield from ((str(number), line.strip()) for number, line in enumerate(lines, start=1))
    elif called == "_classes.csv" and _OF_NUMBERS.match(first):
        found = [_NUMBERED.match(line) for line in lines]
        yield from ((str(int(one["number"])), one["name"]) for one in found if one is not None)
