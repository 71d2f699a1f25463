"""labelmap.txt of VOC-like segmentations, as CVAT writes it: which colour of a mask is which type.

A line a label, `name:red,green,blue:parts:actions`; lines that begin with # are remarks.
"""

import re
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.files.regular import reason_against_reading
from data_tools.files.text import read_text
from data_tools.formats.masks.mask_values import colour_code

NAME = "labelmap.txt"
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
