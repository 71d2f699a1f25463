"""What the names of folders say of the images in them."""

import re
from collections.abc import Sequence

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.registry import ReadOptions

GOOD_NAMES = ("good", "free", "ok", "normal", "pass", "no_defect", "defect_free")
_GOOD, _BAD = re.compile(r"good", re.I), re.compile(r"defect|bad|ng$", re.I)
_CARRIERS = ("imgs", "images", "img", "jpegimages")
_PREFIX = "mt_"


def is_good(name: str) -> bool:
    """Whether a type by this name means that there is no defect."""
    return name.strip().lower().replace(" ", "_").replace("-", "_") in GOOD_NAMES


def status_of(folders: Sequence[str]) -> str | None:
    """Good under a folder good*, free, ok...; unboxed under defect* or bad*; None where no folder tells.

    Args:
        folders: the folder nearest to the image first.
    """
    for folder in folders:
        if is_good(folder) or _GOOD.match(folder):
            return GOOD
        if _BAD.match(folder):
            return UNBOXED
    return None


def type_of(folders: Sequence[str], options: ReadOptions) -> str:
    """The defect type, or "good", that the nearest folder names, past folders such as images/; else "defect".

    Args:
        folders: the folder nearest to the image first.
    """
    telling = [folder for folder in folders if folder.lower() not in _CARRIERS]
    name = (telling[0] if telling else "defect").lower().removeprefix(_PREFIX)
    name = options.type_map.get(name, name)
    return GOOD if is_good(name) else name
