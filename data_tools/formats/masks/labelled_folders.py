"""Images whose folders alone say what they show: `OK/` and `NG/`, or types such as `scratch/` beside `good/`.

The nearest folder that says something counts; folders that carry images, name a part of a split or are numbered say
nothing, and neither does one that all images lie in and that has other words, as a set's own: `Surface Defects/`. A
folder is one of a type of defect where it lies in one of defects (`NG/scratch/`), or beside one of good
images where no folder there is one of defects in general. Elsewhere a name proves nothing: devices, lots and cameras
have names too. A defect has no area here, so that its image is unboxed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from data_tools.core.records import GOOD, UNBOXED
from data_tools.core.split_words import part_of
from data_tools.formats.images.image_index import folders_in_common
from data_tools.formats.words.asides import is_about, is_good_among, tells_alone
from data_tools.formats.words.folders import (
    carries,
    is_a_whole_set,
    is_good,
    name_of,
    names_a_fault,
    numbered_alike,
    status_of,
)
from data_tools.formats.words.remarks import says_a_verdict
from data_tools.formats.words.type_words import denies, has_letters, leaves_open, may_be_a_type

_ANY = "defect"

Folders = tuple[str, ...]


@dataclass(frozen=True)
class Label:
    """What the folders of an image say.

    Attributes:
        status: good or unboxed; None where they say neither.
        type: of the defect, "defect" where they tell none.
        by: the folder that says so.
        problem: why they say neither.
        is_silent: whether no folder has a name that may say something.
    """

    status: str | None
    type: str = GOOD
    by: str = ""
    problem: str = ""
    is_silent: bool = False


def labels_of(names: Sequence[str], type_map: Mapping[str, str]) -> dict[str, Label]:
    """What the folders of each image say.

    Args:
        names: of all images, relative to the set's folder, whose own name says nothing.
        type_map: new names for folders, by the old ones in small letters; those in it are of types, or good.
    """
    of = {name: PurePosixPath(name).parts[:-1] for name in names}
    children: dict[Folders, set[str]] = {}
    for parts in of.values():
        for depth, folder in enumerate(parts):
            children.setdefault(_place(parts[:depth]), set()).add(folder)
    common = folders_in_common(of.values())
    told = {parts: _label(parts, children, type_map, common) for parts in set(of.values())}
    return {name: told[parts] for name, parts in of.items()}


def _label(parts: Folders, children: Mapping[Folders, set[str]], type_map: Mapping[str, str], common: int) -> Label:
    below = ""  # the name right below the folder that is looked at, where it says something
    for depth in range(len(parts) - 1, -1, -1):
        folder = parts[depth]
        name = name_of(folder)
        siblings = children[_place(parts[:depth])]
        if name in type_map:
            mapped = type_map[name]
            return Label(GOOD, by=folder) if is_good(mapped) else Label(UNBOXED, mapped, folder)
        if carries(name) or is_a_whole_set(folder) or not has_letters(name):
            continue
        if leaves_open(folder):
            return Label(None, problem=f"folder {folder!r} leaves open whether they are good")
        status = status_of(folder)
        if is_good_among(folder, siblings):
            if re.match(r"0+\s", folder):
                return Label(None, problem=f"folder {folder!r}: no defects, or class 0?")
            if names_a_fault(below):
                return Label(None, problem=f"folder {below!r} in {folder!r}: good, or a type of defect?")
            return Label(GOOD, by=folder)
        if status == GOOD:
            return Label(None, problem=f"folder {folder!r} says more than good, beside one that says just that")
        if status == UNBOXED:
            if denies(below):
                return Label(None, problem=f"folder {below!r} in {folder!r}: a type of defect, or none?")
            kind = below if may_be_a_type(below) else ""
            if depth < common and not tells_alone(folder):
                continue  # the set's own: "Metal Surface Defects"
            return Label(UNBOXED, (kind if says_a_verdict(folder) else name) or _ANY, folder)
        if is_about(folder) or folder in numbered_alike(sorted(siblings)):
            continue
        if may_be_a_type(folder) and _beside_good(siblings):
            return Label(UNBOXED, name, folder)
        below = name
    if below:
        return Label(None, problem=f"folder {below!r} says neither good nor defect")
    return Label(None, problem="no folder says anything", is_silent=True)


def _place(folders: Folders) -> Folders:
    """Where folders are, whatever the part of a split: test/scratch lies beside train/good."""
    return tuple(folder for folder in folders if not part_of(folder))


def _beside_good(siblings: set[str]) -> bool:
    """Whether one of the folders is of good images, and none of defects in general."""
    in_general = (status_of(one) == UNBOXED and says_a_verdict(one) for one in siblings)
    return any(is_good_among(one, siblings) for one in siblings) and not any(in_general)
