"""COCO JSON by any tool. What is safe is mended and listed in mended.csv; what is not is refused and listed.

Default corners: exclusive; boxes are left, top, width, height. An image that a file lists without annotations is good
where every file can be read, each annotation of this one found its image and no other file has one of the image; a
"status" and a "type" on images say otherwise, as the dataset folders of this project have them.

Mended: ids of annotations (0, absent, twice), a missing or wrong area, categories numbered in any way, the same image
listed under two ids, and what `coco_boxes` mends. Refused: an image id with two names, unknown ids, crowds, annotations
that are to be ignored, and a file of predictions: annotations with a score.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, STATUSES, UNBOXED, Dataset, Sample
from data_tools.files.atomic import write_json
from data_tools.files.coco_samples import to_coco
from data_tools.files.dataset_folder import read_json
from data_tools.formats.annotation_files import annotation_files, head_of, some_files
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import PREDICTIONS, Claim, Shape, is_score
from data_tools.formats.coco.coco_boxes import read_shape, written_as_corners
from data_tools.formats.images.image_addresses import path_of
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.images.image_places import declared_size, folder_under
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.formats.words.entry_words import word_of
from data_tools.formats.words.names import reason_against
from data_tools.formats.words.remarks import is_no, weightiest

_WHOLE = 1 << 28
_LISTS = ("images", "annotations", "categories")
_OWN = ("id", "file_name", "width", "height", "license", "status", "type", "group")
_LISTED = "listed in COCO without annotations"
_STATUS_GOOD = "status good in COCO"
_IGNORED = "ignore: an area that is not judged"
_OTHER_KINDS = {
    "segments_info": "a COCO panoptic file, whose areas are the colours of PNG files, which are not read; export COCO "
    "instances, or make a folder of masks",
    "caption": "a COCO captions file, which says nothing of defects",
}
_NOT_COCO = "no lists 'images' and 'annotations', so not a COCO file: not read"
_NOT_SEARCHED = "no annotation, and neg_category_ids does not name all types: nobody looked for the others"
_ORPHANS = "listed without annotations, but some annotations could not be read or met no image: not taken as good"


@dataclass
class _Image:
    """One entry of `images` with the annotations that belong to it.

    `absent` are the ids of the types that somebody looked for and did not find, where a file says so for each image, as
    LVIS does.
    """

    name: str
    declared_hw: tuple[int, int] | None
    status: str | None
    type: str | None
    word: tuple[str | None, str] = ("", "")
    absent: frozenset[str | None] | None = None
    annotations: list[Any] = field(default_factory=list)


@dataclass
class _File:
    """One file with its images, and whether each of its annotations found one."""

    path: Path
    images: list[_Image]
    categories: dict[str, str]
    complete: bool
    refused: list[tuple[str, str]]
    as_corners: bool | None


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in the order of the JSON files and of their images, then images that no file lists.

    Raises:
        InputError: no COCO file, or no file with the lists that make it one.
    """
    root = images_folder(sources, options)
    files, reasons = [], []
    for path in _coco_files(sources, findings):
        try:
            files.append(_file(path, findings))
        except InputError as error:
            reasons.append(str(error))
            findings.lose(path, str(error).removeprefix(f"{path}: "))
    if not files:
        raise InputError("; ".join(reasons[:3]))
    if findings.lost:  # of what cannot be read nobody knows which images it annotates
        files = [replace(file, complete=False) for file in files]
    claims = [claim for file in files for claim in _claims(file, folder_under(file.path, root), findings)]
    yield from samples_from_claims(claims, sources, options, findings)


def write(dataset: Dataset, path: Path, samples: Sequence[Sample] | None = None) -> None:
    """One JSON file, with "status", "group" and "type" on the images and "type" on the annotations.

    Annotations have the ids that they have in the whole dataset, so that files of two splits can be joined.
    """
    value = to_coco(dataset, None)
    if samples is not None:
        wanted = {sample.image_id for sample in samples}
        value["images"] = [image for image in value["images"] if image["id"] in wanted]
        value["annotations"] = [one for one in value["annotations"] if one["image_id"] in wanted]
    write_json(path, value, indent=None)


def _file(path: Path, findings: Findings) -> _File:
    value = read_json(path)
    if not isinstance(value, dict) or not all(isinstance(value.get(key, []), list) for key in _LISTS):
        raise InputError(f"{path}: COCO has lists 'images', 'annotations' and 'categories'")
    if "images" not in value:
        raise InputError(f"{path}: key 'images' is missing; detections without their images cannot be converted")
    images, refused = _images(path, value["images"], findings)
    annotations = value.get("annotations", [])
    _refuse_other_kinds(path, annotations)
    _refuse_predictions(path, annotations)
    complete = _join(path, annotations, images, findings)
    each = list({id(image): image for image in images.values()}.values())
    kinds = Counter(written_as_corners(entry) for entry in annotations if isinstance(entry, dict))
    as_corners = None if kinds[True] and kinds[False] else bool(kinds[True])
    return _File(path, each, _categories(path, value.get("categories", []), findings), complete, refused, as_corners)


def _refuse_other_kinds(path: Path, annotations: list[Any]) -> None:
    """Refuse COCO's files about other things than boxes and outlines, which have the same lists.

    Raises:
        InputError: one of them, by name.
    """
    for i, entry in enumerate(annotations):
        for key, kind in _OTHER_KINDS.items() if isinstance(entry, dict) else ():
            if key in entry and not {"bbox", "segmentation"} & entry.keys():
                raise InputError(f"{path}: annotations[{i}] has {key!r}: {kind}")


def _refuse_predictions(path: Path, annotations: list[Any]) -> None:
    for i, entry in enumerate(annotations):
        for key, value in entry.items() if isinstance(entry, dict) else ():
            if is_score(key, value):
                shown = value[:40] if isinstance(value, str) else f"{value:g}"
                raise InputError(f"{path}: annotations[{i}] has {key} {shown}: {PREDICTIONS}")


def _claims(file: _File, folder: str, findings: Findings) -> Iterator[Claim]:
    """What a file says of each of its images."""
    for name, reason in file.refused:
        yield Claim(file.path, name, folder=folder, problem=reason)
    for image in file.images:
        kept = [(i, entry) for i, entry in image.annotations if not _is_ignored(entry)]
        ignored = [i for i, entry in image.annotations if _is_ignored(entry)]
        for i in ignored if kept else ():
            findings.reject(file.path, None, image.name, f"annotations[{i}]: {_IGNORED}")
        status, good, problem = _said(file, image, bool(kept), findings)
        if ignored and not kept:
            status, good, problem = None, "", f"annotations[{ignored[0]}]: {_IGNORED}"
        kind = image.type if image.type not in (None, GOOD) else "unboxed"
        yield Claim(
            file.path,
            image.name,
            folder=folder,
            declared_hw=image.declared_hw,
            shapes=tuple(_shapes(file, image, kept, findings)),
            defect_type=str(kind) if status == UNBOXED else "",
            good=good,
            problem=problem,
            by_absence=good == _LISTED,
        )


def _said(file: _File, image: _Image, annotated: bool, findings: Findings) -> tuple[str | None, str, str]:
    """The status of an image, the evidence that it is good, and why nothing of it can be used."""
    if image.status == BOXED and not annotated:
        return BOXED, "", "status boxed, but no annotation"
    if image.status is not None:
        return image.status, _STATUS_GOOD if image.status == GOOD and not annotated else "", ""
    status, word = image.word
    if annotated:
        return None, word if status == GOOD else "", ""
    if status is None:
        return None, "", f"no annotation, and {word}"
    if status:
        return status, word if status == GOOD else "", ""
    if image.absent is not None and not file.categories.keys() <= image.absent:
        return None, "", _NOT_SEARCHED
    if not file.complete:
        findings.warnings[_ORPHANS] += 1
    return None, _LISTED if file.complete else "", ""


def _shapes(file: _File, image: _Image, kept: list[Any], findings: Findings) -> Iterator[Shape]:
    for i, entry in kept:
        number = _key(entry.get("category_id")) or ""
        category = file.categories.get(number) if file.categories else number  # without names, types are their numbers
        shape, changes = read_shape(entry, category, image.declared_hw, file.as_corners)
        for change in changes:
            findings.mend(file.path, None, image.name, change)
        yield replace(shape, part=f"annotations[{i}]")


def _images(path: Path, entries: list[Any], findings: Findings) -> tuple[dict[str, _Image], list[tuple[str, str]]]:
    """The usable images by id, and the others' names with the reason; an id of two names is refused altogether."""
    unusable: list[tuple[str, str]] = []
    images: dict[str, _Image] = {}
    by_name: dict[str, _Image] = {}
    refused: set[str] = set()
    for i, entry in enumerate(entries):
        where = f"images[{i}]"
        key = _key(entry.get("id")) if isinstance(entry, dict) else None
        name = _name_of(entry) if isinstance(entry, dict) else None
        if key is None or not isinstance(name, str):
            findings.reject(path, None, str(name or ""), f"{where}: without a usable id and file_name")
            continue
        reason = reason_against(name, "file_name")
        if reason is not None:
            findings.reject(path, None, name, f"{where}: {reason}")
        elif key in images and images[key].name != name:
            refused.add(key)
            unusable.append((name, f"{where}: id {key} stands for {images[key].name!r} too"))
        elif name in by_name and _may_be_same(by_name[name], new := _new_image(name, entry)):
            findings.mend(path, None, name, "images listed twice: merged")
            images[key] = by_name[name]
            if images[key].word == ("", ""):
                images[key].word = new.word
        else:
            images[key] = by_name[name] = _new_image(name, entry)
    for key in refused:
        unusable.append((images[key].name, f"image id {key} stands for several images"))
        del images[key]
    return images, unusable


def _may_be_same(one: _Image, other: _Image) -> bool:
    """Whether two entries of one name agree; those of other sizes are left to what the image itself has."""
    return one.declared_hw == other.declared_hw or None in (one.declared_hw, other.declared_hw)


def _name_of(entry: Mapping[str, Any]) -> Any:
    """The name of an image: its own, else the path in its address, as LVIS has it."""
    address = entry.get("coco_url")
    return path_of(address) if "file_name" not in entry and isinstance(address, str) else entry.get("file_name")


def _new_image(name: str, entry: dict[str, Any]) -> _Image:
    status, kind = entry.get("status"), entry.get("type")
    known_type = kind if isinstance(kind, str) and reason_against(kind, "type") is None else None
    return _Image(
        name,
        declared_size((entry.get("height"), entry.get("width"))),
        status if status in STATUSES else None,
        known_type,
        _word_of(entry),
        frozenset(map(_key, entry["neg_category_ids"])) if isinstance(entry.get("neg_category_ids"), list) else None,
    )


def _word_of(entry: Mapping[str, Any]) -> tuple[str | None, str]:
    """The status that the keys of an image say, and which key; None and a key for what is not understood.

    ("", "") where they say nothing.
    """
    said = [word_of(entry, _OWN)]
    status = entry.get("status")
    if isinstance(status, str) and status.strip():
        said.append(word_of({"status": status}))
    return weightiest((one for one in said if one != ("", "")), ("", ""))


def _is_ignored(entry: Mapping[str, Any]) -> bool:
    """Whether an annotation is one that its file wants to be left out."""
    said = str(entry.get("ignore", "")).strip().removesuffix(".0")
    return bool(said) and not is_no(said)


def _categories(path: Path, entries: list[Any], findings: Findings) -> dict[str, str]:
    """Names by id; an id with two names is refused."""
    names: dict[str, str] = {}
    twice: set[str] = set()
    for i, entry in enumerate(entries):
        key = _key(entry.get("id")) if isinstance(entry, dict) else None
        name = entry.get("name") if isinstance(entry, dict) else None
        if key is None or not isinstance(name, str):
            findings.reject(path, None, "", f"categories[{i}]: without a usable id and name")
        elif names.setdefault(key, name) != name:
            twice.add(key)
            findings.reject(path, None, "", f"categories[{i}]: id {key} stands for {names[key]!r} and {name!r}")
    return {key: name for key, name in names.items() if key not in twice}


def _join(path: Path, entries: list[Any], images: dict[str, _Image], findings: Findings) -> bool:
    """Give each annotation to its image; whether each has one."""
    complete = True
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        key = _key(entry.get("image_id")) if isinstance(entry, dict) else None
        if key is None or key not in images:
            reason = "no image_id" if key is None else f"image_id {key} is unknown or refused"
            findings.reject(path, None, "", f"annotations[{i}]: {reason}")
            complete = False
            continue
        image, number = images[key], _key(entry.get("id"))
        if number is None or number in seen or number == "0":
            findings.mend(path, None, image.name, "annotation ids that are absent, 0 or stand twice: numbered anew")
        seen.add(number or "")
        image.annotations.append((i, entry))
    return complete


def _key(value: Any) -> str | None:
    """An id as text: whole numbers and texts are ids."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)  # "0001" and 1 are the same
    return value if isinstance(value, str) else (str(value) if abs(value) < 1 << 64 else None)


def _coco_files(sources: Sequence[Path], findings: Findings) -> Iterator[Path]:
    """The given files, and the JSON files of folders that look like COCO.

    Raises:
        InputError: a folder without any.
    """
    for source in sources:
        looking = list(annotation_files([source], ".json", findings))
        coco = looking if not source.is_dir() else [path for path in looking if _looks_like_coco(path)]
        if not coco:
            raise InputError(f"{source}: no JSON file with 'images' and 'annotations' here")
        for path in looking if len(coco) < len(looking) else ():
            if path not in coco:
                findings.reject(path, None, "", _NOT_COCO)
        yield from coco


def _looks_like_coco(path: Path) -> bool:
    content = head_of(path, _WHOLE).replace(b"\0", b"")
    return b'"images"' in content and b'"annotations"' in content and b'"imagePath"' not in content


def _recognise(source: Path) -> str | None:
    path = next((path for path in some_files(source, ".json") if _looks_like_coco(path)), None)
    return None if path is None else f"{path.name} has images and annotations"


FORMAT = Format("coco", "COCO JSON by any tool", "exclusive", _recognise, images_folder, read, write, ".json")
