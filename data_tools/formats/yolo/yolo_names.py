"""Which files name the classes of a YOLO set: classes.txt, obj.names or the `names` of data.yaml.

They lie beside the labels or, where none is there, below the folder in a file that lies above labels or leads to their
images; they must not contradict each other.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import yaml

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES
from data_tools.files.text import read_text
from data_tools.formats.annotation_files import read_lines, some_files
from data_tools.formats.registry import Findings

_NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "data.yaml", "dataset.yaml", "data.yml")
_NAME_SUFFIXES = (".txt", ".names", ".labels", ".yaml", ".yml")
_OF_YAML = (".yaml", ".yml")
_LARGEST_NAMES = 1 << 20
_ELSEWHERE = (
    "{} names classes, but lies neither above the labels nor leads to their images by path, train or val: not taken; "
    "put the set's own names into classes.txt beside the labels"
)


def places(sources: Sequence[Path], root: Path | None) -> list[Path]:
    """Where a description of the classes may lie, the likeliest first."""
    folder = sources[0] if sources[0].is_dir() else sources[0].parent
    return [folder, folder / "labels", folder.resolve().parent, *([] if root is None else [root])]


def descriptions(sources: Sequence[Path], root: Path | None, labels: Sequence[Path], findings: Findings) -> list[Path]:
    """The files that may describe the set: in the likeliest places, else those below that are about its labels.

    A file below is about them if it lies above some of them, or leads to their images; others are warned of.
    """
    found = [path for place in places(sources, root) for path in _name_files_in(place)]
    if found:
        return found
    below = _name_files_below(sources)
    folders = {path.parent.resolve() for path in labels}
    above = {one for folder in folders for one in (folder, *folder.parents)}
    images = {folder for one in folders for folder in (one, _images_beside(one))} | ({root} if root else set())
    taken = [path for path in below if path.parent.resolve() in above or _leads_to(path, sources, images)]
    if below and not taken:
        findings.warnings[_ELSEWHERE.format(below[0])] += 1
    return taken


def _name_files_in(folder: Path) -> list[Path]:
    """The files right in a folder that are called as those with names of classes are, in any case; none without it."""
    try:
        inside = sorted(path for path in folder.iterdir() if path.name.lower() in _NAME_FILES and path.is_file())
    except OSError:
        return []
    return sorted(inside, key=lambda path: _NAME_FILES.index(path.name.lower()))


def _images_beside(labels: Path) -> Path:
    """The folder of the images whose labels lie in a folder: its last part labels/ becomes images/."""
    parts = list(labels.parts)
    last = max((i for i, part in enumerate(parts) if part.lower() == "labels"), default=None)
    return labels if last is None else Path(*parts[:last], "images", *parts[last + 1 :])


def _leads_to(description: Path, sources: Sequence[Path], images: Collection[Path]) -> bool:
    """Whether the path, train, val or test of a YAML file lead to folders of images, or to a list beside these."""
    value = _description(description)
    starts = [description.parent, *(one for source in sources if source.is_dir() for one in (source, source.parent))]
    inside = value.get("path")
    starts = [start / inside for start in starts] if isinstance(inside, str) and inside else starts[:2]
    named = [name for key in SPLIT_NAMES for name in _texts(value.get(key))]
    targets = [(start / name).resolve() for start in starts for name in named]
    targets = [path.parent if path.is_file() else path for path in targets if path.exists()]
    return any(one.resolve().is_relative_to(target) for target in targets for one in images)


def _texts(value: object) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one]


def class_names(found: Sequence[Path], above: Path) -> list[str]:
    """The class names in order of their numbers; none where no file gives them.

    Args:
        found: the files that may give them, the likeliest first.
        above: the folder above the set's, which may hold other sets.

    Raises:
        InputError: a file that cannot be read, or two beside the labels that give one number different names.
    """
    if not found:
        return []
    names = _names_in(found[0])
    for other in (path for path in found[1:] if path.parent != above):
        try:
            others = _names_in(other)
        except InputError:
            continue  # such as a data.yaml without names
        for i, (one, two) in enumerate(zip(names, others, strict=False)):
            if one != two:
                raise InputError(f"{found[0]} calls class {i} {one!r}, but {other} {two!r}: keep the one that is right")
    return names


def _name_files_below(sources: Sequence[Path]) -> list[Path]:
    """The files with names of classes anywhere below the sources, as where one folder holds a set in YOLO's form."""
    found = (
        path
        for source in sources
        if source.is_dir()
        for suffix in _NAME_SUFFIXES
        for path in some_files(source, suffix)
    )
    return [path for path in found if path.name.lower() in _NAME_FILES or _describes_a_set(path)]


def _describes_a_set(path: Path) -> bool:
    """Whether a YAML file of any name says, as data.yaml does, where a set is and what its classes are."""
    value = _description(path)
    return "names" in value and bool({"train", "val"} & value.keys())


def _description(path: Path) -> dict[str, Any]:
    """What a YAML file says; nothing where it is none, or cannot be read."""
    try:
        value = _yaml(path, yaml.BaseLoader) if path.suffix.lower() in _OF_YAML else None
    except InputError:
        return {}
    return value if isinstance(value, dict) else {}


def _names_in(path: Path) -> list[str]:
    if path.suffix.lower() in _OF_YAML:
        return _names_in_yaml(path)
    _refuse_large(path)
    lines = [line.strip() for line in read_lines(path)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def key_points(files: Sequence[Path]) -> int:
    """How many numbers of key points stand behind each box, as `kpt_shape` of one of the files says; 0 without.

    Raises:
        InputError: a kpt_shape that is no number of points and 2 or 3 numbers each.
    """
    for path in (path for path in files if path.suffix.lower() in _OF_YAML):
        value = _yaml(path)
        shape = value.get("kpt_shape") if isinstance(value, dict) else None
        if shape is None:
            continue
        sides = shape if isinstance(shape, list) and all(type(side) is int for side in shape) else []
        if len(sides) != 2 or sides[0] < 1 or sides[1] not in (2, 3):
            raise InputError(f"{path}: key 'kpt_shape' must be [number of key points, 2 or 3]")
        return int(sides[0] * sides[1])
    return 0


def _refuse_large(path: Path) -> None:
    if path.stat().st_size > _LARGEST_NAMES:
        raise InputError(f"{path}: too large for a list of class names")


def _yaml(path: Path, loader: type[yaml.SafeLoader] | type[yaml.BaseLoader] = yaml.SafeLoader) -> Any:
    _refuse_large(path)
    try:
        return loader(read_text(path)[0]).get_single_data()  # neither loader makes objects
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not readable as YAML: {str(error)[:200]}") from error


def _names_in_yaml(path: Path) -> list[str]:
    value = _yaml(path, yaml.BaseLoader)  # all is text: the classes NO and 012 are no false and no 10
    names = value.get("names") if isinstance(value, dict) else None
    if isinstance(names, dict) and sorted(names) == sorted(str(i) for i in range(len(names))):
        by_number = {int(key): name for key, name in names.items()}
        names = [by_number[i] for i in range(len(by_number))]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: key 'names' must list the class names, or give each number 0, 1, 2... its name")
    return names
