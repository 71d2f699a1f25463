"""What a dataset would be with fewer boxes drawn: the same images and labels, boxes on some training images alone."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, UNBOXED, Dataset, Sample, empty_boxes, empty_labels

ALL = "all"


def parse_counts(text: str, available: int) -> tuple[list[int], list[int]]:
    """Numbers of images from "5,10,all": those to use, ascending, and those left out because fewer are available.

    Args:
        text: positive numbers and "all", in any order, separated by commas.
        available: what "all" stands for.

    Raises:
        InputError: something else in the text, or nothing that can be used.
    """
    wanted: set[int] = set()
    for word in (part.strip() for part in text.split(",")):
        if word == ALL:
            wanted.add(available)
        elif word.isdecimal() and int(word) > 0:
            wanted.add(int(word))
        else:
            raise InputError(f"--label_cost {text!r}: {word!r} is neither a positive number nor {ALL!r}")
    used = sorted(count for count in wanted if 0 < count <= available)
    if not used:
        raise InputError(f"--label_cost {text!r}: the train split has only {available} images with boxes")
    return used, sorted(wanted - set(used) - {available})


def drawing_order(training: Sequence[Sample], seed: int) -> list[int]:
    """Ids of the boxed images in a seeded order whose every beginning is spread over as many groups as it can be.

    The first n ids are those whose boxes would be drawn with a budget of n, so that a larger budget holds every smaller
    one. Groups take turns, in an order that is drawn anew for each turn.
    """
    rng = np.random.default_rng(seed)
    by_group: defaultdict[str, list[int]] = defaultdict(list)
    for sample in sorted(training, key=lambda sample: sample.image_id):
        if sample.status == BOXED:
            by_group[sample.group].append(sample.image_id)
    waiting = {group: [ids[i] for i in rng.permutation(len(ids))] for group, ids in sorted(by_group.items())}
    order: list[int] = []
    while waiting:
        groups = list(waiting)
        order += [waiting[groups[i]].pop() for i in rng.permutation(len(groups))]
        waiting = {group: ids for group, ids in waiting.items() if ids}
    return order


def with_budget(dataset: Dataset, order: Sequence[int], count: int) -> Dataset:
    """The dataset with boxes on the first `count` training images of the order; the others are known defects without.

    Validation and test images keep their boxes.
    """
    without = set(order[count:])
    samples = tuple(_without_boxes(sample) if sample.image_id in without else sample for sample in dataset.samples)
    return replace(dataset, samples=samples)


def _without_boxes(sample: Sample) -> Sample:
    return replace(sample, boxes_xyxy=empty_boxes(), labels=empty_labels(), status=UNBOXED, box_types=())
