"""YOLO: one text file an image with lines `class centre_x centre_y width height`, in shares of the image's size.

Default corners: exclusive; shares have no pixels that a corner could include. Labels lie in labels/ where the images
lie in images/, or beside the images. Lines with more numbers are outlines (class x y x y ...), which get the box around
them; where data.yaml has a `kpt_shape` they are a box with key points, which are left out. One share more than a box or
an outline has is a model's confidence. Names of the classes come from classes.txt, obj.names or the `names` of
data.yaml, beside the labels or, where none is there, below the folder in a file that lies above labels or leads to
their images; they must not contradict each other. An image with an empty label file is good. So is one without a label
file, as YOLO has it, where a whole folder is read, every label file in it meets its image, and other images beside this
one have label files; of a set with lists train.txt, val.txt or test.txt, where it is on one.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from data_tools.core.records import SPLIT_NAMES, UNBOXED, Dataset, Sample
from data_tools.formats.annotation_files import (
    annotation_files,
    claims_from_files,
    head_of,
    label_path,
    numbered_lines,
    read_lines,
    some_files,
)
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.images.name_readings import bare, folded
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.formats.shapes.outlines import corners_of
from data_tools.formats.shapes.rectangles import numbers
from data_tools.formats.yolo.yolo_lines import key_points_by_lines, refuse_corners
from data_tools.formats.yolo.yolo_names import class_names, descriptions, key_points, places

_NO_LABELS = re.compile(
    r"^(classes|obj|labels|predefined_classes|train|val|valid|test|readme.*|notes|requirements)$", re.I
)
_SHARE = r"(?:-?[01]?(?:\.\d*)?(?:[eE][-+]?\d+)?|\d\.\d+[eE]-\d+)"
_CLASS = r"\d+(?:\.0*(?:[eE]\+00)?)?"
_SEEN = r"2(?:\.0*)?"  # of a key point
_LINE = re.compile(rf"^\s*{_CLASS}(?:\s+{_SHARE}){{4}}(?:\s+(?:{_SHARE}|{_SEEN}))*\s*$")
_WHOLE = re.compile(r"\.0*(?:e\+00)?$", re.I)  # behind a class in a table of floats: 2.0, 2.000e+00
_NUMBERS = re.compile(r"^\s*\S+(\s+[-+.\deE]+){4,}\s*$")
_FARTHEST = 0.5  # beyond the image, in shares of it: what lies farther out is no share
_POSE = "a box with key points, as kpt_shape or the lines say: the key points are left out"
_ONE_PART = "not both train and val are here: export a dataset with splits, with --split all, or name the other folder"
_UNLISTED = (
    "images without a label file that are on none of the lists train.txt, val.txt, test.txt: no background, left out"
)
_OTHER = "{} holds annotations of another kind, which are not read here"
_ANNOTATES = re.compile(
    rb"<(?:object|bndbox|polygon)\b"
    rb'|"(?:shapes|objects|regions|annotations|bbox\w*|points|polygon|segmentation)"\s*:\s*[\[{]\s*[^\]}\s]',
    re.I,
)
_APART = "a label file in no folder labels/, where others lie: not read; give its folder to have it read"
_EMPTY, _BACKGROUND = "empty label file", "no label file, as YOLO has it"


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of the label files' paths, then images without labels.

    Raises:
        InputError: no label files, or unreadable class names.
    """
    root = images_folder(sources, options)
    files = _label_files(sources, findings)
    described = descriptions(sources, root, files, findings)
    names = class_names(described, places(sources, root)[2])
    if names:
        findings.notes.append(f"names of the classes from {described[0]}")
    points = key_points(described) or key_points_by_lines(files, findings)
    bases = [base.resolve() for base in (root, *sources) if base is not None and base.is_dir()]
    claims = [*claims_from_files(files, ".txt", findings, lambda path: _claim(path, bases, names, points))]
    refuse_corners(claims)
    listed = _listed(sources)

    def left_out(path: str) -> str:
        return "" if listed is None or folded(bare(path.rpartition("/")[2])) in listed else _UNLISTED

    others = _others(sources)
    yield from samples_from_claims(
        claims, sources, options, findings, background=_BACKGROUND, left_out=left_out, others=others
    )


def _listed(sources: Sequence[Path]) -> set[str] | None:
    """The names, without suffix, of the images on the lists train.txt, val.txt and test.txt; None without lists."""
    lists = [source / f"{name}.txt" for source in sources for name in SPLIT_NAMES]
    lists = [path for path in lists if path.is_file() and not _looks_like_labels(path)]
    lines = (line.strip().replace("\\", "/") for path in lists for line in read_lines(path))
    return {folded(bare(line.rpartition("/")[2])) for line in lines} if lists else None


def _others(sources: Sequence[Path]) -> dict[str, str]:
    """Which images have annotations in XML or JSON, by the names of the files, as other tools write one an image."""
    folders = (source for source in sources if source.is_dir())
    paths = (path for folder in folders for suffix in (".xml", ".json") for path in some_files(folder, suffix))
    return {
        folded(path.stem): _OTHER.format(path.name)
        for path in paths
        if _ANNOTATES.search(head_of(path).replace(b"\0", b""))
    }


def write(dataset: Dataset, folder: Path, samples: Sequence[Sample] | None = None) -> None:
    """`labels/<image path>.txt`, classes.txt and data.yaml; unboxed images are left out.

    Classes are numbered over the whole dataset. data.yaml names the parts of the dataset's split that are written, by
    lists train.txt, val.txt and test.txt where there are several, and no other part: a training that validates on its
    own images would not be told from one that does not. Where images are left out, there are lists too, since a whole
    folder would make them background.

    Raises:
        InputError: two images whose labels would be the same file.
    """
    names = sorted({name for sample in dataset.samples for name in sample.box_types})
    written: dict[Path, str] = {}
    said = [s for s in (dataset.samples if samples is None else samples) if s.status != UNBOXED]
    for sample in said:
        path = label_path(folder / "labels", sample.path, ".txt", written)
        path.write_text("".join(_lines(sample, names)), encoding="utf-8")
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    parts = _parts(dataset, said)
    lists = len(parts) > 1 or len(said) < len(dataset.samples if samples is None else samples)
    for name, paths in parts.items() if lists else ():
        (folder / f"{name}.txt").write_text("".join(f"./images/{path}\n" for path in paths), encoding="utf-8")
    places = {name: f"{name}.txt" if lists else "images" for name in parts}
    description = {"path": ".", **places, "names": dict(enumerate(names))}
    text = yaml.safe_dump(description, allow_unicode=True, sort_keys=False)
    if not {"train", "val"} <= parts.keys():
        text = f"# {_ONE_PART}\n{text}"
    (folder / "data.yaml").write_text(text, encoding="utf-8")


def _parts(dataset: Dataset, written: Sequence[Sample]) -> dict[str, list[str]]:
    """The paths of what is written by the parts of the dataset's split; all are "train" where it has none."""
    if dataset.splits is None:
        return {"train": [sample.path for sample in written]}
    ids = {name: set(dataset.splits.ids(name)) for name in SPLIT_NAMES}
    parts = {name: [sample.path for sample in written if sample.image_id in ids[name]] for name in SPLIT_NAMES}
    return {name: paths for name, paths in parts.items() if paths}


def _claim(path: Path, bases: Sequence[Path], names: Sequence[str], points: int) -> Claim:
    name = _image_name(path, bases)
    lines = numbered_lines(path)
    if lines and not any(_NUMBERS.match(line) for _, line in lines):
        return Claim(path, name, problem="no line of a class and numbers, so not a label file")
    shapes = tuple(_shape(i, line, names, points) for i, line in lines)
    return Claim(path, name, shapes=shapes, good="" if lines else _EMPTY)


def _shape(line: int, text: str, names: Sequence[str], points: int) -> Shape:
    fields, note = text.split(), ""
    if points and len(fields) == 5 + points:
        fields, note = fields[:5], _POSE
    elif points and len(fields) != 5:
        return _refused(line, f"{len(fields)} fields instead of 5, or of {5 + points} with the key points of kpt_shape")
    confidence = fields.pop() if not points and _ends_in_a_share(fields) else ""
    if len(fields) != 5 and (len(fields) < 7 or len(fields) % 2 == 0):
        return _refused(line, f"{len(fields)} fields instead of 5, or of 7 and more for an outline")
    fields[0] = _WHOLE.sub("", fields[0])
    if not fields[0].isdecimal() or len(fields[0]) > 9:
        return _refused(line, f"class {fields[0][:40]!r} is no number from 0")
    if names and int(fields[0]) >= len(names):
        return _refused(line, f"class {fields[0]}, but there are {len(names)} class names")
    shares = numbers(fields[1:])
    if isinstance(shares, str):
        return _refused(line, shares)
    if min(shares) < -_FARTHEST or max(shares) > 1 + _FARTHEST:
        return _refused(line, "a number outside 0..1: YOLO gives shares of the image's size")
    defect_type = names[int(fields[0])] if names else f"class_{int(fields[0])}"
    beside = (("confidence", confidence),) if confidence else ()
    box = corners_of("centre" if len(shares) == 4 else "outline", shares)
    return Shape(defect_type, box, line, note, shares=True, beside=beside)


def _ends_in_a_share(fields: Sequence[str]) -> bool:
    """Whether a line has one number more than a box or an outline, as what a model says has its confidence."""
    share = numbers(fields[-1:])
    return len(fields) >= 6 and len(fields) % 2 == 0 and not isinstance(share, str) and 0 < share[0] < 1


def _refused(line: int, reason: str) -> Shape:
    return Shape("unboxed", line=line, problem=reason)


def _lines(sample: Sample, names: Sequence[str]) -> Iterator[str]:
    height, width = sample.size_hw
    for (x1, y1, x2, y2), name in zip(sample.boxes_xyxy.tolist(), sample.box_types, strict=True):
        shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        yield f"{names.index(name)} {' '.join(f'{share:.12g}' for share in shares)}\n"


def _label_files(sources: Sequence[Path], findings: Findings) -> list[Path]:
    """Text files below a folder labels/, where there is one; else all that are not lists, names or notes."""
    named = set(sources)
    files = [
        path
        for path in annotation_files(sources, ".txt", findings)
        if path in named or not _NO_LABELS.match(path.stem) or _looks_like_labels(path)
    ]
    below = [path for path in files if path in named or "labels" in (part.lower() for part in path.parts[:-1])]
    for path in sorted({*files} - {*below}) if below else ():
        if _looks_like_labels(path):
            findings.reject(path, None, path.stem, _APART)
    return below or files


def _image_name(path: Path, bases: Sequence[Path]) -> str:
    """The image of a label file without its suffix: the last folder labels/ becomes images/."""
    whole = path.parent.resolve() / path.name
    base = next((base for base in bases if whole.is_relative_to(base)), whole.parent)
    parts = list(whole.relative_to(base).with_suffix("").parts)
    folders = [i for i, part in enumerate(parts[:-1]) if part.lower() == "labels"]
    if folders:
        parts[folders[-1]] = "images"
    return "/".join(parts)


def _looks_like_labels(path: Path) -> bool:
    """Whether the first line of a text file is one of labels."""
    text = head_of(path).replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").decode("latin-1").lstrip("ÿþ")
    return bool(_LINE.match(next((line for line in text.splitlines() if line.strip()), "")))


def _recognise(source: Path) -> str | None:
    path = next((path for path in some_files(source, ".txt") if _looks_like_labels(path)), None)
    return None if path is None else f"{path.name} holds lines of a class and shares of the image"


FORMAT = Format("yolo", "YOLO text files, shares of the image", "exclusive", _recognise, images_folder, read, write)
