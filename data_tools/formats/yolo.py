"""YOLO: one text file an image with lines `class centre_x centre_y width height`, in shares of the image's size.

Default corners: exclusive; shares have no pixels that a corner could include. Labels lie in labels/ where the images
lie in images/, or beside the images. Lines with more numbers are outlines (class x y x y ...), which get the box around
them. Names of the classes come from classes.txt, obj.names or the `names` of data.yaml. An image with an empty label
file, or without one, is good, as YOLO has it.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Dataset, Sample
from data_tools.formats.annotation_files import annotation_files, first_file, head_of, label_path, read_lines
from data_tools.formats.image_index import images_folder, without_boxes
from data_tools.formats.image_places import ImagePlaces
from data_tools.formats.rectangles import Rectangle, boxed_sample, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions

_NO_LABELS = re.compile(
    r"^(classes|obj|labels|predefined_classes|train|val|valid|test|readme.*|notes|requirements)$", re.I
)
_LINE = re.compile(rb"^\s*\d+(\s+[01]?(\.\d*)?([eE]-?\d+)?){4,}\s*$")
_NAME_FILES = ("classes.txt", "obj.names", "data.yaml", "dataset.yaml", "data.yml")
_LARGEST_NAMES = 1 << 20
_SLACK = 1e-3  # how far beyond the image a share may be by rounding; the box is clipped and counted


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the label files' paths, then images without labels as good.

    Raises:
        InputError: no label files, or unreadable class names.
    """
    root = images_folder(sources, options)
    places = ImagePlaces(root, options, findings)
    names = _class_names(sources, root)
    for path in _label_files(sources, findings):
        name = _image_name(path, root, sources)
        placed = places.place(name)
        if isinstance(placed, str):
            findings.reject(path, None, name, placed)
            continue
        lines = [(i, line) for i, line in enumerate(read_lines(path), start=1) if line.strip()]
        rectangles = []
        for i, line in lines:
            rectangle = _rectangle(path, i, name, line, placed[1], names)
            if isinstance(rectangle, str):
                findings.reject(path, i, name, rectangle)
            else:
                rectangles.append(rectangle)
        sample = boxed_sample(*placed, rectangles, options.corners or FORMAT.corners, options, findings)
        if sample is not None:
            yield sample
        elif not lines:
            yield without_boxes(*placed, GOOD)
    yield from places.unannotated(findings, GOOD)


def write(dataset: Dataset, folder: Path) -> None:
    """`labels/<image path>.txt`, classes.txt and data.yaml; unboxed images are left out.

    Raises:
        InputError: two images whose labels would be the same file.
    """
    names = sorted({name for sample in dataset.samples for name in sample.box_types})
    written: dict[Path, str] = {}
    for sample in dataset.samples:
        if sample.status != UNBOXED:
            path = label_path(folder / "labels", sample.path, ".txt", written)
            path.write_text("".join(_lines(sample, names)), encoding="utf-8")
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    description = {"path": ".", "train": "images", "val": "images", "names": dict(enumerate(names))}
    text = yaml.safe_dump(description, allow_unicode=True, sort_keys=False)
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def _rectangle(
    path: Path, line: int, image: str, text: str, size_hw: tuple[int, int], names: Sequence[str]
) -> Rectangle | str:
    fields = text.split()
    if len(fields) != 5 and (len(fields) < 7 or len(fields) % 2 == 0):
        return f"{len(fields)} fields instead of 5, or of 7 and more for an outline"
    if not fields[0].isdecimal() or len(fields[0]) > 9:
        return f"class {fields[0][:40]!r} is no number from 0"
    if names and int(fields[0]) >= len(names):
        return f"class {fields[0]}, but there are {len(names)} class names"
    found = numbers(fields[1:])
    if isinstance(found, str):
        return found
    if min(found) < -_SLACK or max(found) > 1 + _SLACK:
        return "a number outside 0..1: YOLO gives shares of the image's size"
    defect_type = names[int(fields[0])] if names else f"class_{int(fields[0])}"
    height, width = size_hw
    if len(found) == 4:
        x, y, w, h = found
        shares = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    else:
        shares = (min(found[::2]), min(found[1::2]), max(found[::2]), max(found[1::2]))
    corners = (shares[0] * width, shares[1] * height, shares[2] * width, shares[3] * height)
    return Rectangle(path, line, image, defect_type, corners)


def _lines(sample: Sample, names: Sequence[str]) -> Iterator[str]:
    height, width = sample.size_hw
    for (x1, y1, x2, y2), name in zip(sample.boxes_xyxy.tolist(), sample.box_types, strict=True):
        shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        yield f"{names.index(name)} {' '.join(f'{share:.12g}' for share in shares)}\n"


def _label_files(sources: Sequence[Path], findings: Findings) -> Iterator[Path]:
    """Text files below a folder labels/, where there is one; else all that are not lists, names or notes."""
    files = [path for path in annotation_files(sources, ".txt", findings) if not _NO_LABELS.match(path.stem)]
    below = [path for path in files if "labels" in (part.lower() for part in path.parts[:-1])]
    yield from below or files


def _image_name(path: Path, root: Path | None, sources: Sequence[Path]) -> str:
    """The image of a label file without its suffix: the last folder labels/ becomes images/."""
    base = next(
        (b for b in (root, *sources) if b is not None and path.resolve().is_relative_to(b.resolve())), path.parent
    )
    parts = list(path.resolve().relative_to(base.resolve()).with_suffix("").parts) or [path.stem]
    folders = [i for i, part in enumerate(parts[:-1]) if part.lower() == "labels"]
    if folders:
        parts[folders[-1]] = "images"
    return "/".join(parts)


def _class_names(sources: Sequence[Path], root: Path | None) -> list[str]:
    """The class names in order of their numbers; none where no file gives them."""
    folder = sources[0] if sources[0].is_dir() else sources[0].parent
    places = [folder, folder / "labels", folder.resolve().parent, *([] if root is None else [root])]
    path = next((p / name for p in places for name in _NAME_FILES if (p / name).is_file()), None)
    if path is None:
        return []
    if path.stat().st_size > _LARGEST_NAMES:
        raise InputError(f"{path}: too large for a list of class names")
    if path.suffix in (".txt", ".names"):
        lines = [line.strip() for line in read_lines(path)]
        while lines and not lines[-1]:
            lines.pop()
        return lines
    return _names_in_yaml(path)


def _names_in_yaml(path: Path) -> list[str]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not readable as YAML: {str(error)[:200]}") from error
    names = value.get("names") if isinstance(value, dict) else None
    if isinstance(names, dict) and sorted(map(str, names)) == sorted(str(i) for i in range(len(names))):
        by_number = {int(key): name for key, name in names.items()}
        names = [by_number[i] for i in range(len(by_number))]
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise InputError(f"{path}: key 'names' must list the class names, or give each number 0, 1, 2... its name")
    return [str(name) for name in names]


def _recognise(source: Path) -> str | None:
    if not source.is_dir() and source.suffix.lower() != ".txt":
        return None
    for path in _some_labels(source):
        first = next((line for line in head_of(path).splitlines() if line.strip()), b"")
        if first:
            return f"{path.name} holds lines of a class and shares of the image" if _LINE.match(first) else None
    return None


def _some_labels(source: Path) -> Iterator[Path]:
    """Label files of which the first with a line decides."""
    if first_file(source, ".txt") is not None:
        yield from _label_files([source], Findings())


FORMAT = Format("yolo", "YOLO text files, shares of the image", "exclusive", _recognise, images_folder, read, write)
