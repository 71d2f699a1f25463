"""Names from outside: what may stand as an image's name or as a defect type."""

import re
from pathlib import PurePosixPath

LONGEST = 1_000
UNJUDGED = ("ignore", "ignored", "__ignore__", "dontcare", "don't care", "dont_care")
BACKGROUNDS = ("background", "_background_", "__background__", "bg")
_LOOKED_AT = ("roi", "region of interest", "region_of_interest", "inspection area", "inspection_area")
_NO_AREAS = ("_background_", "__background__", *UNJUDGED, *_LOOKED_AT)  # whereas a void may be a defect
_UNPRINTABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")


def reason_against(name: str, what: str) -> str | None:
    """Why `name` cannot be the `what` ("image id", "class") of something, or None.

    A name must be one printable line that UTF-8 can hold.
    """
    if not name.strip():
        return f"empty {what}"
    if len(name) > LONGEST:
        return f"{what} is too long"
    if _UNPRINTABLE.search(name):
        return f"unprintable {what}"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return f"{what} is not Unicode text"
    return None


def is_unjudged(name: str) -> bool:
    """Whether areas of a type by this name are no defects: background, what nobody judged, where one has to look."""
    return name.strip().lower() in _NO_AREAS


def is_background(name: str) -> bool:
    """Whether a type by this name is what lies around the things that are annotated, which has no boxes."""
    return name.strip().lower() in BACKGROUNDS


def climbs(name: str) -> bool:
    """Whether a file name is absolute, of a drive, or climbs with "..", on whatever system it was written."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or (len(name) > 1 and name[1] == ":")
