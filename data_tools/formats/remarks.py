"""What a remark on a whole image says: a choice, a tag, an attribute of a file. Most remarks say nothing of defects."""

import re

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.folders import is_good, status_of

_ABOUT_DEFECTS = frozenset(
    ("category", "choice", "choices", "class", "classes", "defect", "fault", "image", "kind", "label", "type")
)

NOT_UNDERSTOOD = "a remark on the whole image that is not understood"


def status_of_remark(value: str, name: str = "") -> str | None:
    """Good, or unboxed for a defect somewhere in the image; None where that is not certain.

    Args:
        value: what was chosen or written, such as "ok" or "scratch".
        name: of the control or attribute; one called class, type, defect... has defects for values.
    """
    if is_good(value):
        return GOOD
    told = status_of([value])
    if told is None and _ABOUT_DEFECTS & set(re.split(r"[^a-z]+", name.lower())):
        return UNBOXED
    return told
