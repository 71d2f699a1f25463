"""The doctor: what a dataset consists of, and what in it would go wrong in training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.auditing.findings import NOTE, UNSAFE, WARNING, Finding
from data_tools.core.anchors import STRIDES, AnchorConfig, best_iou, resolve_anchors
from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, SPLIT_NAMES, STATUSES, Dataset, Sample
from data_tools.files.image_facts import ImageFact

REACH_IOU = 0.5
_UNREACHED_SHARE = 0.05
_DIM = 64  # of 255: what a 12-bit image reaches at most is a quarter of it
_SHOWN = 24
_WHOLE = 0.9  # of an image: a box as large says no more than a label
_LARGE_SHARE, _MANY = 0.25, 5
_BINS = 16
Facts = Mapping[int, ImageFact | InputError]


@dataclass(frozen=True)
class Distribution:
    """Counts of values within edges, and the quartiles: `counts[i]` values lie in edges[i]..edges[i + 1]."""

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    quartiles: tuple[float, float, float]
    smallest: float
    largest: float


@dataclass(frozen=True)
class Checkup:
    """Counts for people to read.

    Attributes:
        n_images, n_boxes, n_groups, largest_group: totals.
        by_status, by_type, by_split: numbers of images; of a split by status.
        sizes, formats: numbers of images by height x width, and by pixel format with bits a channel.
        boxes: distributions of box height, width, aspect (height / width) and area share.
        unreached: share of the boxes that no anchor reaches at IoU 0.5, None without boxes.
        at_border: number of boxes that touch the image's border.
        cut_by_crop: number of boxes that a central crop would cut or lose, None where no crop was asked for.
    """

    n_images: int
    n_boxes: int
    n_groups: int
    largest_group: int
    by_status: dict[str, int]
    by_type: dict[str, int]
    by_split: dict[str, dict[str, int]]
    sizes: dict[str, int]
    formats: dict[str, int]
    boxes: tuple[Distribution, ...]
    unreached: float | None
    at_border: int
    cut_by_crop: int | None


def examine(
    dataset: Dataset, facts: Facts | None, anchors: AnchorConfig, crop_px: int | None = None
) -> tuple[Checkup, list[Finding]]:
    """Count and judge.

    Args:
        dataset: to look at.
        facts: of each image by its id; None where no images are at hand.
        anchors: of the detector to be trained, at native size; ratios to be fitted are fitted as training would, to
            the boxes of the train split, or to all where there are no splits.
        crop_px: side of a central crop to judge, in pixels.
    """
    samples = dataset.samples
    boxes = np.concatenate([np.zeros((0, 4)), *[s.boxes_xyxy for s in samples]])
    owners = np.repeat(np.arange(len(samples)), [len(s.boxes_xyxy) for s in samples])
    limits = np.array([s.size_hw for s in samples], dtype=np.float64).reshape(-1, 2)[owners]
    sides = np.stack([boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]], axis=1)
    learned = {s.image_id for s in (dataset.split("train") if dataset.splits is not None else samples)}
    in_train = np.array([s.image_id in learned for s in samples], dtype=bool)[owners]
    fitted = resolve_anchors(anchors, STRIDES, sides[in_train])
    reached = best_iou(fitted, STRIDES, sides) >= REACH_IOU if len(boxes) else np.zeros(0, dtype=bool)
    border = (boxes[:, :2] <= 0).any(axis=1) | (boxes[:, 2:] >= limits[:, ::-1]).any(axis=1)
    cut = None if crop_px is None else _cut(boxes, limits, crop_px)
    groups = Counter(s.group for s in samples)
    read = {} if facts is None else {i: f for i, f in facts.items() if isinstance(f, ImageFact)}
    checkup = Checkup(
        len(samples),
        len(boxes),
        len(groups),
        max(groups.values(), default=0),
        _statuses(samples),
        dict(Counter(s.type for s in samples).most_common()),
        {} if dataset.splits is None else {name: _statuses(dataset.split(name)) for name in SPLIT_NAMES},
        dict(Counter(f"{s.size_hw[0]} x {s.size_hw[1]}" for s in samples).most_common()),
        dict(Counter(f"{f.encoding.split()[0]} {f.mode} {f.bits} bit" for f in read.values()).most_common()),
        _distributions(sides, limits),
        None if not len(boxes) else float((~reached).mean()),
        int(border.sum()),
        None if cut is None else int(cut.sum()),
    )
    findings = [*_of_images(samples, facts, read), *_of_splits(dataset)]
    unreached = [samples[i].image_id for i in dict.fromkeys(owners[~reached].tolist())]
    findings += _of_boxes(checkup, unreached)
    findings += _of_drawing(samples)
    if cut is not None and cut.any():
        lost = [samples[i].image_id for i in dict.fromkeys(owners[cut].tolist())]
        findings.append(
            _found(
                WARNING,
                f"a central crop of {crop_px} px would cut or lose {int(cut.sum())} of {len(boxes)} boxes",
                "train on whole images",
                lost,
            )
        )
    return checkup, findings


def _of_images(samples: Sequence[Sample], facts: Facts | None, read: Mapping[int, ImageFact]) -> list[Finding]:
    if facts is None:
        return [
            _found(
                NOTE,
                "no images at hand: their readability, bit depth, brightness, encoding, "
                "near-duplicates and labels were not checked",
            )
        ]
    findings = []
    broken = [fact for fact in facts.values() if isinstance(fact, InputError)]
    if broken:
        findings.append(
            _found(
                UNSAFE,
                f"{len(broken)} images are not readable; the first: {broken[0]}",
                "restore these files, or convert again without them",
            )
        )
    other = [s for s in samples if s.image_id in read and read[s.image_id].size_hw != s.size_hw]
    if other:
        one, size = other[0], read[other[0].image_id].size_hw
        findings.append(
            _found(
                UNSAFE,
                f"{len(other)} images are not of the annotated size, so their boxes lie elsewhere; the "
                f"first: {one.path} is {size[0]} x {size[1]} (height x width), annotated as {one.size_hw[0]} x "
                f"{one.size_hw[1]}",
                "convert again with these images",
                [s.image_id for s in other],
            )
        )
    depths = Counter(fact.bits for fact in read.values())
    if len(depths) > 1:
        listed = ", ".join(f"{n} of {bits} bit" for bits, n in depths.most_common())
        findings.append(
            _found(
                WARNING,
                f"bit depths are mixed: {listed}; 16 bit is scaled by its full range, so its images may look darker",
                "save all images with one bit depth",
            )
        )
    deep = [i for i, fact in read.items() if fact.bits > 8]
    # by the set, not each image: one dark image among others is a dark image
    dim = set(deep if all(read[i].mean + 3 * read[i].spread < _DIM for i in deep) else ())
    if dim:
        findings.append(
            _found(
                WARNING,
                f"{len(dim)} images of 16 bits use few of them, so that most of their gray levels are lost",
                "convert again with --gray_range LO,HI, the range that the set uses",
                deep,
            )
        )
    flat = [i for i, fact in read.items() if fact.spread < 1.0 and i not in dim]
    if flat:
        findings.append(
            _found(
                WARNING,
                f"{len(flat)} images show nothing (gray values spread by less than 1)",
                "look at them; exclude failed exposures",
                flat,
            )
        )
    return findings


def _of_splits(dataset: Dataset) -> list[Finding]:
    if dataset.splits is None:
        return [
            _found(
                WARNING,
                "there is no splits.json, so nothing can be trained yet",
                "run python -m data_tools.splits DATASET --group-by auto",
            )
        ]
    findings = []
    boxes_alone = all(s.is_defect for s in dataset.samples) and any(s.status == BOXED for s in dataset.split("train"))
    if boxes_alone:
        findings.append(
            _found(
                WARNING,
                "there are no good images: boxes alone are enough for detect.train, but not for classify.train, and "
                "neither AUC nor overkill can be measured",
                "add good images if there are any",
            )
        )
    for name in SPLIT_NAMES:
        part = dataset.split(name)
        there = {
            "defects": any(s.is_defect for s in part),
            "good images": boxes_alone or not all(s.is_defect for s in part),
        }
        missing = [kind for kind, any_of_it in there.items() if not any_of_it]
        if not part:
            level = NOTE if name == "test" else UNSAFE
            findings.append(_found(level, f"the {name} split is empty", "give it a share with --split"))
        elif missing:
            findings.append(
                _found(
                    UNSAFE,
                    f"the {name} split has no {missing[0]}: nothing can be learned or measured there",
                    "add such images, or split anew with larger shares (--split) or smaller groups (--group-by)",
                )
            )
        elif name != "train" and not any(s.status == BOXED for s in part):
            findings.append(
                _found(
                    WARNING,
                    f"the {name} split has no boxed image: where a defect is cannot be judged there",
                    "annotate areas, or split anew",
                )
            )
    unassigned = len(dataset.samples) - sum(len(dataset.split(name)) for name in SPLIT_NAMES)
    if unassigned:
        findings.append(_found(WARNING, f"{unassigned} images are in no split", "split anew to use them"))
    return findings


def _of_boxes(checkup: Checkup, unreached: Sequence[int]) -> list[Finding]:
    if checkup.unreached is None or checkup.unreached <= _UNREACHED_SHARE:
        return []
    return [
        _found(
            WARNING,
            f"no anchor reaches {checkup.unreached:.1%} of the boxes at IoU {REACH_IOU}: the detector "
            "can hardly learn them",
            "give the detector other --model.anchors.scales and --model.anchors.ratios",
            unreached,
        )
    ]


def _of_drawing(samples: Sequence[Sample]) -> list[Finding]:
    """Boxes that were hardly drawn around defects: around whole images, or the same in many images."""
    boxed = [s for s in samples if len(s.boxes_xyxy)]
    whole, places = list[int](), dict[tuple[float, ...], dict[int, None]]()
    for sample in boxed:
        sides = sample.boxes_xyxy[:, 2:] - sample.boxes_xyxy[:, :2]
        whole += [sample.image_id] * int((sides.prod(axis=1) >= _WHOLE * np.prod(sample.size_hw)).sum())
        for box in sample.boxes_xyxy.round(1).tolist():
            places.setdefault(tuple(box), {})[sample.image_id] = None
    findings = []
    if len(whole) >= _LARGE_SHARE * sum(len(s.boxes_xyxy) for s in boxed) > 0:
        findings.append(
            _found(
                WARNING,
                f"{len(whole)} boxes cover {_WHOLE:.0%} of their images and more: they say that there is a defect, but "
                "not where",
                "draw the defects, or leave these boxes out, so that their images are defects without a box",
                list(dict.fromkeys(whole)),
            )
        )
        return findings
    place, where = max(places.items(), key=lambda one: len(one[1]), default=((), {}))
    if len(where) >= max(_MANY, _LARGE_SHARE * len(boxed)):
        findings.append(
            _found(
                WARNING,
                f"{len(where)} of {len(boxed)} images with boxes have the very same one, "
                f"{', '.join(f'{side:g}' for side in place)}: an area where one looks, or a copy?",
                "look at them; leave the box out where it is around no defect",
                list(where),
            )
        )
    return findings


def _found(level: str, text: str, remedy: str = "", image_ids: Sequence[int] = ()) -> Finding:
    return Finding(level, "doctor", text, remedy, tuple(image_ids[:_SHOWN]))


def _statuses(samples: Sequence[Sample]) -> dict[str, int]:
    return {status: sum(s.status == status for s in samples) for status in STATUSES}


def _cut(boxes: NDArray[np.float64], limits_hw: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Which boxes reach out of the central side x side window; an image smaller than it is not cropped."""
    margins = np.maximum((limits_hw[:, ::-1] - side) / 2, 0)
    inside = (boxes[:, :2] >= margins) & (boxes[:, 2:] <= limits_hw[:, ::-1] - margins)
    return np.asarray(~inside.all(axis=1), dtype=bool)


def _distributions(sides_hw: NDArray[np.float64], limits_hw: NDArray[np.float64]) -> tuple[Distribution, ...]:
    if not len(sides_hw):
        return ()
    aspect = sides_hw[:, 0] / sides_hw[:, 1]
    share = sides_hw.prod(axis=1) / limits_hw.prod(axis=1)
    named = (
        ("height, px", sides_hw[:, 0]),
        ("width, px", sides_hw[:, 1]),
        ("height / width", aspect),
        ("area / image", share),
    )
    return tuple(_distribution(name, values) for name, values in named)


def _distribution(name: str, values: NDArray[np.float64]) -> Distribution:
    """Counts between edges that are equally far apart on a logarithmic scale: boxes spread over decades."""
    low, high = float(values.min()), float(values.max())
    edges = np.geomspace(low, max(high, low * 1.01), _BINS + 1)
    edges[0], edges[-1] = low, max(high, low * 1.01)
    counts, _ = np.histogram(values, edges)
    q1, q2, q3 = (float(q) for q in np.percentile(values, [25, 50, 75]))
    return Distribution(name, tuple(edges.tolist()), tuple(counts.tolist()), (q1, q2, q3), low, high)
