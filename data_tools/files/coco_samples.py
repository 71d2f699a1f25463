"""The samples of a dataset as a COCO dictionary, and back."""

from typing import Any

import numpy as np

from data_tools.core.checks import is_finite_number, whole_number
from data_tools.core.geometry import xywh_to_xyxy, xyxy_to_xywh
from data_tools.core.printable import first_of
from data_tools.core.records import BOXED, GOOD, UNBOXED, Dataset, Sample, empty_boxes, empty_labels

_FOREIGN = "a COCO file of another tool becomes a dataset folder by python -m data_tools.convert FILE --images DIR"


def to_coco(dataset: Dataset, images_root: str | None) -> dict[str, Any]:
    """The dataset as a COCO dictionary that pycocotools loads unchanged; area is derived, annotation ids from 1."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for sample in dataset.samples:
        height, width = sample.size_hw
        images.append(
            {"id": sample.image_id, "file_name": sample.path, "height": height, "width": width}
            | {"status": sample.status, "group": sample.group, "type": sample.type}
            | ({"evidence": sample.evidence} if sample.evidence else {})
        )
        boxes = xyxy_to_xywh(sample.boxes_xyxy).tolist()
        for box, label, box_type in zip(boxes, sample.labels.tolist(), sample.box_types, strict=True):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": sample.image_id, "category_id": label, "bbox": box}
                | {"area": box[2] * box[3], "iscrowd": 0, "type": box_type}
            )
    categories = [{"id": i, "name": name} for i, name in enumerate(dataset.categories, start=1)]
    info = {"description": "defect areas", "images_root": images_root}
    return {"info": info, "licenses": [], "images": images, "annotations": annotations, "categories": categories}


def from_coco(value: dict[str, Any]) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """Samples and class names of a COCO dictionary as `to_coco` writes it.

    Raises:
        ValueError, KeyError, TypeError: the dictionary breaks a rule; the message names the id.
    """
    categories = sorted(value["categories"], key=lambda category: whole_number(category["id"], "category id"))
    ids = [whole_number(category["id"], "category id") for category in categories]
    if ids != list(range(1, len(ids) + 1)):
        raise ValueError(f"category ids must be 1..{len(ids)}, not {ids}")
    by_image: dict[int, list[dict[str, Any]]] = {}
    seen: set[int] = set()
    for annotation in value["annotations"]:
        number = whole_number(annotation["id"], "annotation id")
        if number < 1 or number in seen:
            raise ValueError(f"annotation id {number} is below 1 or stands twice")
        seen.add(number)
        if annotation.get("iscrowd") not in (None, 0, False):
            raise ValueError(
                f"annotation id {number} is iscrowd, an area with many defects, which is no box; {_FOREIGN}"
            )
        if not _is_box(box := annotation.get("bbox")):
            raise ValueError(f"annotation id {number}: bbox must be four numbers, not {box!r}")
        by_image.setdefault(whole_number(annotation["image_id"], "image_id"), []).append(annotation)
    samples = []
    for image in value["images"]:
        number = whole_number(image["id"], "image id")
        try:
            samples.append(_sample(image, by_image.pop(number, [])))
        except KeyError as error:
            raise ValueError(f"image id {number} or an annotation of it: key {error} is missing") from error
    if by_image:
        raise ValueError(f"annotations for unknown image ids {first_of(sorted(by_image))}")
    return tuple(samples), tuple(str(category["name"]) for category in categories)


def _sample(image: dict[str, Any], annotations: list[dict[str, Any]]) -> Sample:
    status = _text(image, "status", BOXED if annotations else "")
    if not status:
        raise ValueError(
            f"image {image['id']} ({image['file_name']}) has no annotation and no 'status', which says whether it is "
            f"{GOOD} or {UNBOXED}; {_FOREIGN}"
        )
    fallback = GOOD if status == GOOD else "defect"
    image_type = _text(image, "type", fallback)
    return Sample(
        image_id=whole_number(image["id"], "image id"),
        path=str(image["file_name"]),
        size_hw=(whole_number(image["height"], "height"), whole_number(image["width"], "width")),
        boxes_xyxy=xywh_to_xyxy(np.array([a["bbox"] for a in annotations], dtype=np.float64))
        if annotations
        else empty_boxes(),
        labels=np.array([whole_number(a["category_id"], "category_id") for a in annotations], dtype=np.int64)
        if annotations
        else empty_labels(),
        status=status,
        group=_text(image, "group", str(image["id"])),
        type=image_type,
        box_types=tuple(_text(a, "type", image_type) for a in annotations),
        evidence=_text(image, "evidence", ""),
    )


def _text(value: dict[str, Any], key: str, otherwise: str) -> str:
    """A value as text; null and NaN, as tables write what they lack, are as good as no key."""
    given = value.get(key)
    return otherwise if given is None or given != given else str(given)


def _is_box(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 4
    return numbers and all(isinstance(one, float) or is_finite_number(one) for one in value)  # `Sample` refuses NaN
