"""COCO's matching of boxes, by pycocotools, the reference, or by hotcoco, a fast engine that gives the same numbers.

hotcoco (MIT, written in Rust) is an optional extra: `pip install '.[fast]'`. Because a drop-in engine
can be wrong silently, one version alone is used, the one that the tests hold to pycocotools exactly.
"""

import contextlib
import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.geometry import areas, xyxy_to_xywh

log = logging.getLogger(__name__)

AUTO, PYCOCOTOOLS, HOTCOCO = "auto", "pycocotools", "hotcoco"
ENGINES = (AUTO, PYCOCOTOOLS, HOTCOCO)
HOTCOCO_VERSION = "1.3.0"
SIZES: dict[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""COCO's own area ranges in square pixels, both ends of which belong to them."""


@dataclass(frozen=True, eq=False)
class BoxTable:
    """Boxes of all images, one a row.

    Attributes:
        image_ids: (n,) from 1.
        labels: (n,) class ids, from 1.
        boxes_xyxy: (n, 4) pixels.
        scores: (n,) of predicted boxes; of no meaning for true ones.
    """

    image_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Matched:
    """What an engine finds; -1 where there is no true box of that class and size.

    Attributes:
        precision: (IoUs .5 to .95, recalls 0 to 1 by .01, classes, sizes, at most 1, 10 and 100 boxes an image).
        recall: (IoUs, classes, sizes, at most 1, 10 and 100 boxes an image).
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


Ranges = dict[str, tuple[float, float]]


def choose_engine(name: str) -> str:
    """The engine that a name of `ENGINES` stands for here; "auto" is hotcoco where the tested version is installed.

    Raises:
        InputError: hotcoco is asked for by name, and missing or of another version.
    """
    if name not in ENGINES:
        raise InputError(f"box mAP engine {name!r}: give one of {', '.join(ENGINES)}")
    if name == PYCOCOTOOLS:
        return PYCOCOTOOLS
    installed = _installed(HOTCOCO)
    if installed == HOTCOCO_VERSION:
        return HOTCOCO
    state = "is not installed" if installed is None else f"is {installed} here"
    if name == HOTCOCO:
        raise InputError(
            f"box mAP engine hotcoco {state}, and only version {HOTCOCO_VERSION} is tested against pycocotools; "
            f"install it with: pip install hotcoco=={HOTCOCO_VERSION}, or take --box_map_engine pycocotools"
        )
    if installed is not None:
        log.info("hotcoco %s; only %s is tested against pycocotools, which is used instead", state, HOTCOCO_VERSION)
    return PYCOCOTOOLS


def describe_engine(engine: str) -> str:
    """Name and version of a chosen engine, for a report."""
    return f"{engine} {_installed(engine)}"


def match(
    engine: str, truth: BoxTable, predicted: BoxTable, n_images: int, num_classes: int, ranges: Ranges
) -> Matched:
    """Match boxes as COCO does.

    Args:
        engine: as `choose_engine` gives it.
        truth: at least one box.
        predicted: boxes; those of a class beyond num_classes are left out.
        n_images: image ids are 1..n_images.
        num_classes: class ids are 1..num_classes.
        ranges: areas in square pixels by name, the first over all sizes.
    """
    known = predicted.labels <= num_classes
    if not known.all():
        predicted = BoxTable(
            predicted.image_ids[known], predicted.labels[known], predicted.boxes_xyxy[known], predicted.scores[known]
        )
    return _MATCH[engine](truth, predicted, n_images, num_classes, ranges)


def _by_pycocotools(truth: BoxTable, predicted: BoxTable, n_images: int, num_classes: int, ranges: Ranges) -> Matched:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        datasets = []
        for table in (truth, predicted):
            dataset = COCO()
            dataset.dataset = {"annotations": _annotations(table), **_frame(n_images, num_classes)}
            dataset.createIndex()
            datasets.append(dataset)
        evaluation = COCOeval(*datasets, "bbox")
        evaluation.params.areaRng = [list(ends) for ends in ranges.values()]
        evaluation.params.areaRngLbl = list(ranges)
        evaluation.evaluate()
        evaluation.accumulate()
    return Matched(evaluation.eval["precision"], evaluation.eval["recall"])


def _by_hotcoco(truth: BoxTable, predicted: BoxTable, n_images: int, num_classes: int, ranges: Ranges) -> Matched:
    import hotcoco

    frame = _frame(n_images, num_classes)
    true = hotcoco.COCO.from_arrays(
        frame["images"], frame["categories"], truth.image_ids, truth.labels, xyxy_to_xywh(truth.boxes_xyxy)
    )
    columns = (predicted.image_ids, *xyxy_to_xywh(predicted.boxes_xyxy).T, predicted.scores, predicted.labels)
    results = true.load_res(np.stack(columns, axis=1).astype(np.float64))
    evaluation = hotcoco.COCOeval(true, results, "bbox")
    evaluation.params.area_rng = [list(ends) for ends in ranges.values()]
    evaluation.params.area_rng_lbl = list(ranges)
    evaluation.evaluate()
    evaluation.accumulate()
    tables: Any = evaluation.eval
    return Matched(np.asarray(tables["precision"], np.float64), np.asarray(tables["recall"], np.float64))


_MATCH: dict[str, Callable[[BoxTable, BoxTable, int, int, Ranges], Matched]] = {
    PYCOCOTOOLS: _by_pycocotools,
    HOTCOCO: _by_hotcoco,
}


def _frame(n_images: int, num_classes: int) -> dict[str, list[dict[str, Any]]]:
    categories = [{"id": i, "name": str(i)} for i in range(1, num_classes + 1)]
    return {"images": [{"id": i + 1} for i in range(n_images)], "categories": categories}


def _annotations(table: BoxTable) -> list[dict[str, Any]]:
    """COCO annotations with ids from 1: an id of 0 would count as unmatched."""
    columns = (
        table.image_ids.tolist(),
        table.labels.tolist(),
        xyxy_to_xywh(table.boxes_xyxy).tolist(),
        areas(table.boxes_xyxy).tolist(),
        table.scores.tolist(),
    )
    return [
        {"id": i, "image_id": image_id, "category_id": label, "bbox": box, "area": area, "iscrowd": 0, "score": score}
        for i, (image_id, label, box, area, score) in enumerate(zip(*columns, strict=True), start=1)
    ]


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
