"""Lists of images that say which part of a split each is in: train.txt, ImageSets/Main/val.txt.

A line is a name, with as much of its path as there is, or a name and a label. A name may hold blanks, so the whole line
is tried first, then less and less of it; never less than a name with an image's suffix, and in a list whose lines of
several words are mostly names as a whole, nothing less than the line. So a name that no image has is told, and is not
the label of another image. `trainval.txt` is of training where neither has a list of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.core.split_words import WORDS
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.files.text import read_text

_LISTS = ("", "ImageSets/Main", "ImageSets/Segmentation", "ImageSets", "splits", "split")
_SUFFIX = "|".join(re.escape(suffix) for suffix in IMAGE_SUFFIXES)
_NAME_END = re.compile(rf"(?:{_SUFFIX})(?=\s|$)", re.I)
_IN_NAME = re.compile(r"[()\[\]{}]")  # stand in names, as in "part (2)", and not in labels
_TESTED = "_test"  # DeepPCB lists 7.jpg and means 7_test.jpg beside its template 7_temp.jpg
_SHOWN = 5
_DEEPEST = 3  # folders that a set's own may lie in


def parts_of_lists(samples: Sequence[Sample], sources: Sequence[Path]) -> tuple[dict[int, str], list[str]]:
    """The part of each listed image by its id, and remarks on lines that name none; nothing without lists.

    Raises:
        InputError: a list that cannot be read, or an image in two parts.
    """
    by_name: dict[str, list[int]] = {}
    for sample in samples:
        path = PurePosixPath(sample.path)
        own = path.with_stem(path.stem.removesuffix(_TESTED) or path.stem)
        for one in {path, own}:
            for name in {one.as_posix(), one.name, one.with_suffix("").as_posix(), one.stem}:
                by_name.setdefault(name, []).append(sample.image_id)
    parts: dict[int, str] = {}
    unmet: list[str] = []
    for part, listing in _lists(sources):
        for number, line, image_id in _read(listing, by_name):
            where = f"{listing}, line {number}"
            if image_id is None:
                unmet.append(f"{where}: {line!r}")
            elif parts.setdefault(image_id, part) != part:
                raise InputError(f"{where}: {line!r} is in {parts[image_id]} too")
    if not unmet:
        return parts, []
    shown = "; ".join(unmet[:_SHOWN]) + ("; ..." if len(unmet) > _SHOWN else "")
    return parts, [f"{len(unmet)} lines of the lists name no image that was converted, or several: {shown}"]


def _read(listing: Path, by_name: Mapping[str, list[int]]) -> Iterator[tuple[int, str, int | None]]:
    """Number and text of each line that is not blank, and the id of its image; None where it names none, or several."""
    lines = [(i, line.strip()) for i, line in enumerate(read_text(listing)[0].splitlines(), start=1) if line.strip()]
    whole = {line: _listed(line, by_name) for _, line in lines}
    less = {line: _named_by_less(line, by_name) for _, line in lines if whole[line] is None}
    of_several_words = sum(image_id is not None and bool(re.search(r"\s", line)) for line, image_id in whole.items())
    with_labels = of_several_words < sum(image_id is not None for image_id in less.values())
    for number, line in lines:
        yield number, line, whole[line] if whole[line] is not None or not with_labels else less[line]


def _named_by_less(line: str, by_name: Mapping[str, list[int]]) -> int | None:
    """The image that a line names before a label."""
    name_end = _NAME_END.search(line)
    for blank in reversed(list(re.finditer(r"\s+", line))):
        name, label = line[: blank.start()], line[blank.end() :]
        if (name_end is not None and blank.start() < name_end.end()) or _IN_NAME.search(label):
            return None
        image_id = _listed(name, by_name)
        if image_id is not None:
            return image_id
    return None


def _listed(name: str, by_name: Mapping[str, list[int]]) -> int | None:
    """The image that a text names, by as much of the path as tells it apart."""
    pieces = PurePosixPath(name.replace("\\", "/")).parts
    for start in range(len(pieces)):
        ids = by_name.get("/".join(pieces[start:]), [])
        if len(ids) == 1:
            return ids[0]
        if _NAME_END.search(pieces[start]):  # the text is two names, of which this folder holds the end of the first
            return None
    return None


def _lists(sources: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """The lists of the first folder that has some; else those below the sources, as in PCBData/ or VOC2007/."""
    folders = sorted({source if source.is_dir() else source.parent for source in sources})
    for folder in folders:
        there = _lists_in(folder)
        if there:
            yield from there
            return
    for folder in folders:
        for below in _folders_below(folder):
            yield from _lists_in(below)


def _lists_in(folder: Path) -> list[tuple[str, Path]]:
    for place in _LISTS:
        candidates = [(part, folder / place / f"{word}.txt") for part, words in WORDS.items() for word in words]
        there = [(part, path) for part, path in candidates if path.is_file()]
        both = folder / place / "trainval.txt"
        if both.is_file() and not {"train", "val"} & {part for part, _ in there}:
            there.append(("train", both))
        if there:
            return there
    return []


def _folders_below(folder: Path) -> Iterator[Path]:
    """The folders of the first levels below one, but for those of lists themselves, hidden ones and links."""
    places = {part for place in _LISTS for part in PurePosixPath(place).parts}
    level = [folder]
    for _ in range(_DEEPEST):
        inside = (path for one in level for path in sorted(one.iterdir()) if path.is_dir() and not path.is_symlink())
        level = [path for path in inside if path.name not in places and not path.name.startswith(".")]
        yield from level
