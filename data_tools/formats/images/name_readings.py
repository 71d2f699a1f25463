"""How the name in an annotation may differ from its image's: readings of names, the exact one first.

Each reading is tried only where those before it find no image, and what it finds is listed as mended.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from data_tools.files.image_walk import IMAGE_SUFFIXES

_UPLOAD = re.compile(r"^(?:[0-9a-f]{8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(?=.)", re.I)
_DATE = re.compile(r"^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-")
_EXPORT = re.compile(r"^(?P<stem>.+)[_.-](?P<suffix>jpe?g|png|bmp|tiff?|webp|gif)\.rf\.[0-9a-z]{8,64}$", re.I)
_NUMBER = re.compile(r"^\d{1,18}(?:\.0)?$")


@dataclass(frozen=True)
class Reading:
    """One way to compare names.

    Attributes:
        of_image, of_name: what of a path is compared; "" is compared with nothing.
        same: whether names that differ, in more than case and Unicode form, can mean one image by this reading.
        note: what is listed; "" where the name is what one expects.
    """

    of_image: Callable[[str], str]
    of_name: Callable[[str], str]
    same: bool
    note: str


def folded(path: str) -> str:
    """A path without regard to case, Unicode form, percent signs for letters, and blanks around its parts."""
    if path.isascii() and "%" not in path and " " not in path:
        return path.lower()
    text = unicodedata.normalize("NFC", unquote(path)).casefold()
    text = unicodedata.normalize("NFC", text)
    return "/".join(part.strip() for part in text.split("/"))


def bare(path: str) -> str:
    """A path without the suffix of an image at its end."""
    return path[: -len(suffix)] if (suffix := PurePosixPath(path).suffix).lower() in IMAGE_SUFFIXES else path


def _on_stem(path: str, change: Callable[[str], str]) -> str:
    folder, slash, name = path.rpartition("/")
    stem = bare(name)
    changed = change(stem)
    return f"{folder}{slash}{changed}{name[len(stem) :]}" if changed and changed != stem else ""


def _without_upload(path: str) -> str:
    """Without the hash that Label Studio puts before the name of an upload; "" where there is none."""
    return _on_stem(folded(path), lambda stem: "" if _DATE.match(stem) else _UPLOAD.sub("", stem))


def _without_export(path: str) -> str:
    """Without the suffix and hash that Roboflow puts behind the name of an image; "" where there is none."""
    return _on_stem(folded(path), lambda stem: export["stem"] if (export := _EXPORT.match(stem)) else "")


def _number(path: str) -> str:
    stem = bare(path.rpartition("/")[2])
    return str(int(stem.removesuffix(".0"))) if _NUMBER.match(stem) and stem.isascii() else ""


READINGS = (
    Reading(str, str, True, ""),
    Reading(folded, folded, True, "name that differs from its image's in case, Unicode form or %-signs: matched"),
    Reading(folded, _without_upload, False, "name with a hash before it, as Label Studio has it: matched without it"),
    Reading(_without_upload, folded, False, "image with a hash before its name, as Label Studio has it: matched"),
    Reading(folded, _without_export, False, "name with a hash behind it, as Roboflow has it: matched without it"),
    Reading(_number, _number, True, "number without its leading zeros as a name: matched with the image's number"),
)
OTHER_SUFFIX = "name with another suffix than its image's: matched without it"
