"""Made-up truth and predictions that leave no figure of the report undefined, for the tests of judging."""

import json

import numpy as np

from data_tools.core.heatmaps import boxes_to_map, peak
from data_tools.core.records import (
    BOXED,
    GOOD,
    UNBOXED,
    Dataset,
    Prediction,
    PredictionHeader,
    PredictionSet,
    Sample,
    Splits,
)
from data_tools.judging.evaluate import evaluate
from data_tools.judging.judged import Entry

SIZE = (60, 80)
RESAMPLES = 100


def boxes_near(rng: np.random.Generator, count: int) -> np.ndarray:
    corners = rng.uniform(0, 40, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(5, 20, (count, 2))], axis=1)


TYPES = ("scratch", "chip")


def make_dataset(
    seed: int = 0,
    statuses: tuple[str, ...] = (GOOD, BOXED, UNBOXED),
    count: int = 90,
    categories: tuple[str, ...] = ("defect",),
) -> Dataset:
    rng = np.random.default_rng(seed)
    samples = []
    for i in range(1, count + 1):
        status = statuses[int(rng.integers(0, len(statuses)))]
        boxes = boxes_near(rng, int(rng.integers(1, 3))) if status == BOXED else np.zeros((0, 4))
        kind = GOOD if status == GOOD else str(rng.choice(TYPES))
        labels = np.ones(len(boxes), dtype=int)
        samples.append(Sample(i, f"{i}.png", SIZE, boxes, labels, status, f"lot{i % 12}", kind))
    third = count // 3
    ids = tuple(range(1, count + 1))
    return Dataset(
        tuple(samples), categories, None, Splits(0, "", ids[:third], ids[third : 2 * third], ids[2 * third :])
    )


def with_boxes(sample: Sample, rng: np.random.Generator) -> Prediction:
    boxes = np.clip(np.concatenate([sample.boxes_xyxy + rng.normal(0, 1), boxes_near(rng, 2)]), 0, 60)
    scores = np.sort(rng.random(len(boxes)))[::-1]
    middle = (boxes[0, :2] + boxes[0, 2:]) / 2
    labels = np.ones(len(boxes), dtype=int)
    at = (float(middle[0]), float(middle[1]))
    return Prediction(sample.image_id, sample.path, SIZE, float(scores[0]), boxes, scores, labels, at)


def with_map(sample: Sample, rng: np.random.Generator) -> Prediction:
    """Abstains on every third image."""
    return silent(sample, rng) if sample.image_id % 3 == 0 else map_alone(sample, rng)


def silent(sample: Sample, rng: np.random.Generator) -> Prediction:
    return Prediction(sample.image_id, sample.path, SIZE, 0.0, np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=int))


def map_alone(sample: Sample, rng: np.random.Generator) -> Prediction:
    boxes = sample.boxes_xyxy if sample.status == BOXED else boxes_near(rng, 1)
    heatmap = boxes_to_map(boxes, np.ones(len(boxes)), SIZE, (6, 8))
    highest = peak(heatmap, SIZE)
    return Prediction(
        sample.image_id,
        sample.path,
        SIZE,
        float(rng.random()),
        np.zeros((0, 4)),
        np.zeros(0),
        np.zeros(0, dtype=int),
        None if highest is None else highest.xy,
        heatmap,
    )


def entry(
    dataset: Dataset, make, label: str, seed: int = 0, validation: bool = True, approach: str | None = None
) -> Entry:
    rng = np.random.default_rng(seed)
    sets = [
        PredictionSet(PredictionHeader(label, split=split), tuple(make(sample, rng) for sample in dataset.split(split)))
        for split in ("test", "val")
    ]
    return Entry(label, sets[0], sets[1] if validation else None, None, approach)


def judge_all(dataset: Dataset, *entries: Entry) -> dict:
    report = evaluate(dataset, "test", entries, resamples=RESAMPLES).to_json()
    json.dumps(report, allow_nan=False)
    return report
