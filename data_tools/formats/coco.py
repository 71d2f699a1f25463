"""COCO JSON by any tool. What is safe is mended and listed in mended.csv; what is not is refused and listed.

Default corners: exclusive; boxes are left, top, width, height. Images without annotations are good, unless the file
says otherwise by a "status" and a "type" on its images, as the dataset folders of this project have them.

Mended: ids of annotations (0, absent, twice), a missing or wrong area, categories numbered in any way, the same image
listed under two ids, a polygon without a bbox, and a box of which at least half lies inside the image. Refused: an
image id with two names, unknown ids, crowds, masks without a bbox, boxes without area or mostly outside, duplicates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, STATUSES, UNBOXED, Dataset, Sample
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import read_json, to_coco
from data_tools.formats.annotation_files import annotation_files, folder_of, head_of
from data_tools.formats.coco_boxes import Box, read_box
from data_tools.formats.image_index import images_folder, without_boxes
from data_tools.formats.image_places import ImagePlaces, declared_size
from data_tools.formats.names import reason_against
from data_tools.formats.rectangles import boxed_sample, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions

_WHOLE = 1 << 28
_LISTS = ("images", "annotations", "categories")


@dataclass
class _Image:
    """One entry of `images` with the annotations that belong to it."""

    name: str
    declared_hw: tuple[int, int] | None
    status: str | None
    type: str | None
    annotations: list[Any] = field(default_factory=list)


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in the order of the JSON files and of their images, then images that no file lists.

    Raises:
        InputError: no COCO file, or one without the lists that make it one.
    """
    places = ImagePlaces(images_folder(sources, options), options, findings)
    for path in _coco_files(sources, findings):
        value = read_json(path)
        if not isinstance(value, dict) or not all(isinstance(value.get(key, []), list) for key in _LISTS):
            raise InputError(f"{path}: COCO has lists 'images', 'annotations' and 'categories'")
        if "images" not in value:
            raise InputError(f"{path}: key 'images' is missing; detections without their images cannot be converted")
        images = _images(path, value["images"], findings)
        categories = _categories(path, value.get("categories", []), findings)
        _join(path, value.get("annotations", []), images, findings)
        for image in {image.name: image for image in images.values()}.values():
            sample = _sample(path, image, categories, places, options, findings)
            if sample is not None:
                yield sample
    yield from places.unannotated(findings)


def write(dataset: Dataset, path: Path) -> None:
    """One JSON file, with "status", "group" and "type" on the images and "type" on the annotations."""
    write_json(path, to_coco(dataset, None), indent=None)


def _images(path: Path, entries: list[Any], findings: Findings) -> dict[str, _Image]:
    """The usable images by id; ids that stand for two names are refused altogether."""
    images: dict[str, _Image] = {}
    by_name: dict[str, _Image] = {}
    refused: set[str] = set()
    for i, entry in enumerate(entries):
        where = f"images[{i}]"
        key = _key(entry.get("id")) if isinstance(entry, dict) else None
        name = entry.get("file_name") if isinstance(entry, dict) else None
        if key is None or not isinstance(name, str):
            findings.reject(path, None, str(name or ""), f"{where}: without a usable id and file_name")
            continue
        reason = reason_against(name, "file_name")
        if reason is not None:
            findings.reject(path, None, name, f"{where}: {reason}")
        elif key in images and images[key].name != name:
            refused.add(key)
            findings.reject(path, None, name, f"{where}: id {key} stands for {images[key].name!r} too")
        elif name in by_name:
            findings.mend(path, None, name, "images listed twice: merged")
            images[key] = by_name[name]
        else:
            images[key] = by_name[name] = _new_image(name, entry)
    for key in refused:
        findings.reject(path, None, images[key].name, f"image id {key} stands for several images")
        del images[key]
    return images


def _new_image(name: str, entry: dict[str, Any]) -> _Image:
    sides = numbers((entry.get("height"), entry.get("width")))
    status, kind = entry.get("status"), entry.get("type")
    known_type = kind if isinstance(kind, str) and reason_against(kind, "type") is None else None
    return _Image(
        name,
        None if isinstance(sides, str) else declared_size(sides[0], sides[1]),
        status if status in STATUSES else None,
        known_type,
    )


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


def _join(path: Path, entries: list[Any], images: dict[str, _Image], findings: Findings) -> None:
    """Give each annotation to its image."""
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        key = _key(entry.get("image_id")) if isinstance(entry, dict) else None
        if key is None or key not in images:
            reason = "no image_id" if key is None else f"image_id {key} is unknown or refused"
            findings.reject(path, None, "", f"annotations[{i}]: {reason}")
            continue
        image, number = images[key], _key(entry.get("id"))
        if number is None or number in seen or number == "0":
            findings.mend(path, None, image.name, "annotation ids that are absent, 0 or stand twice: numbered anew")
        seen.add(number or "")
        image.annotations.append((i, entry))


def _sample(
    path: Path, image: _Image, categories: dict[str, str], places: ImagePlaces, options: ReadOptions, findings: Findings
) -> Sample | None:
    placed = places.place(image.name, image.declared_hw, folder_of(path, places))
    if isinstance(placed, str):
        findings.reject(path, None, image.name, placed)
        return None
    rectangles, seen = [], set()
    for i, entry in image.annotations:
        part = f"annotations[{i}]"
        box = read_box(entry, categories.get(_key(entry.get("category_id")) or ""), placed[1])
        if isinstance(box, Box) and box.as_key() in seen:
            box = "duplicate of another annotation"
        if isinstance(box, str):
            findings.reject(path, None, image.name, f"{part}: {box}")
            continue
        seen.add(box.as_key())
        for change in box.changes:
            findings.mend(path, None, image.name, change)
        rectangles.append(box.rectangle(path, image.name, part))
    if image.annotations:
        return boxed_sample(*placed, rectangles, options.corners or FORMAT.corners, options, findings)
    if image.status == BOXED:
        findings.reject(path, None, image.name, "status boxed, but no annotation")
        return None
    defect_type = image.type if image.type not in (None, GOOD) else "unboxed"
    return without_boxes(*placed, UNBOXED if image.status == UNBOXED else GOOD, str(defect_type))


def _key(value: Any) -> str | None:
    """An id as text: whole numbers and texts are ids."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return value if isinstance(value, str) else (str(value) if abs(value) < 1 << 64 else None)


def _coco_files(sources: Sequence[Path], findings: Findings) -> Iterator[Path]:
    """The given files, and the JSON files of folders that look like COCO.

    Raises:
        InputError: a folder without any.
    """
    for source in sources:
        if not source.is_dir():
            yield source
            continue
        found = [path for path in annotation_files([source], ".json", findings) if _looks_like_coco(path)]
        if not found:
            raise InputError(f"{source}: no JSON file with 'images' and 'annotations' here")
        yield from found


def _looks_like_coco(path: Path) -> bool:
    content = head_of(path, _WHOLE)
    return b'"images"' in content and b'"annotations"' in content and b'"imagePath"' not in content


def _recognise(source: Path) -> str | None:
    if not source.is_dir() and source.suffix.lower() != ".json":
        return None
    try:
        path = next(_coco_files([source], Findings()))
    except InputError:
        return None
    return f"{path.name} has images and annotations" if _looks_like_coco(path) else None


FORMAT = Format("coco", "COCO JSON by any tool", "exclusive", _recognise, images_folder, read, write, ".json")
