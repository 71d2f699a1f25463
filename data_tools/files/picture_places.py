"""Folders that pictures are drawn into, beside whatever lies there: a picture replaces one of its kind alone.

Each figure holds a mark, by which it is known again; a file without it is somebody else's and is never replaced.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.files.image_walk import is_foreign
from data_tools.files.places import holds, require_writable
from data_tools.files.regular import real_path, reason_against_reading

PICTURE_MARK = "figure drawn by defect-localization"
_DRAWN = re.compile(r"\d{6,}_.*|contact_sheet")
"""Stems of what is drawn: `<image id>_<name>`, and the sheet."""
_LOOKED_AT = 1 << 16  # bytes at either end: PNG and SVG begin with the mark, PDF ends with it


def require_pictures_folder(folder: Path, flag: str, ending: str, read: Iterable[Path], whose: str) -> None:
    """Refuse a folder in which pictures could not be written, would be taken for further images, or replace files.

    Args:
        folder: may be absent; it is not made here.
        flag: that named it, for the message.
        ending: of the pictures' names, such as ".png".
        read: the files and folders that the command reads.
        whose: what the command does with them, such as "whose images are predicted".

    Raises:
        InputError: see above.
    """
    require_writable(folder, f"{flag} {folder}")
    place = real_path(folder)
    for path in read:
        if path.is_dir():
            is_among = _is_walked(place, real_path(path))
        else:  # beside a file that may be one of a pattern's, or of a folder that is given next time
            is_among, path = holds(folder, path), path.parent
        if is_among:
            raise InputError(f"{flag} {folder}: lies in {path}, {whose}; give another folder")
    if not folder.is_dir():
        return
    for entry in os.scandir(folder):
        stem, suffix = os.path.splitext(entry.name)
        if suffix == ending and _DRAWN.fullmatch(stem):
            require_picture_place(folder / entry.name, flag)


def require_picture_place(path: Path, flag: str) -> None:
    """Refuse to draw a picture in the place of a file that is none.

    Raises:
        InputError: see above.
    """
    if os.path.lexists(path) and not _is_marked(path):
        raise InputError(
            f"{flag}: {path} lies where a picture may go, and was not drawn by this version; move it, or give another "
            "folder"
        )


def _is_walked(place: Path, folder: Path) -> bool:
    """Whether the images of `folder` would include those in `place`: folders of tools, such as runs, are left out."""
    return place.is_relative_to(folder) and not any(map(is_foreign, place.relative_to(folder).parts))


def _is_marked(path: Path) -> bool:
    if reason_against_reading(path) is not None:
        return False
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
        file.seek(max(file.seek(0, os.SEEK_END) - _LOOKED_AT, 0))
        end = file.read()
    return any(PICTURE_MARK.encode() in part for part in (start, end))
