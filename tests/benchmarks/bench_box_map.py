"""How long box mAP takes by each engine, in the same run, on the same boxes.

python -m tests.benchmarks.bench_box_map            # 41,498 images and 200,000 predicted boxes

First every engine gets each image as one of its own, as a program would hand them over; the fast engine's goal is an
eighth of pycocotools' time. Then `box_map` as the evaluator calls it, which takes good images together.
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np

from data_tools.core.records import BOXED, GOOD, Prediction, Sample
from data_tools.metrics.box_map import box_map
from data_tools.metrics.coco_engines import HOTCOCO, PYCOCOTOOLS, SIZES, BoxTable, describe_engine, match

SIZE = (267, 275)


def make(n_images: int, n_boxes: int, rng: np.random.Generator) -> tuple[list[Sample], list[Prediction]]:
    """A fifth of the images show a defect, which the first box of the image lies near."""
    samples, predictions = [], []
    for i, count in enumerate(rng.multinomial(n_boxes, np.full(n_images, 1 / n_images)).tolist(), start=1):
        is_defect = rng.random() < 0.2
        true = random_boxes(rng, int(is_defect))
        found = random_boxes(rng, count)
        if is_defect and count:
            found[0] = np.clip(true[0] + rng.normal(0, 3, 4), 0, [SIZE[1], SIZE[0]] * 2)
        scores = np.sort(rng.random(count))[::-1].copy()
        status = BOXED if is_defect else GOOD
        kind = "scratch" if is_defect else GOOD
        samples.append(Sample(i, f"{i}.png", SIZE, true, np.ones(len(true), dtype=int), status, f"g{i}", kind))
        best = float(scores[0]) if count else 0.0
        predictions.append(Prediction(i, f"{i}.png", SIZE, best, found, scores, np.ones(count, dtype=int), None))
    return samples, predictions


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 4) boxes inside the image, of at least 20 pixels a side."""
    sides = rng.uniform(20, 80, (count, 2))
    corners = rng.random((count, 2)) * (np.array(SIZE[::-1]) - sides)
    return np.concatenate([corners, corners + sides], axis=1)


def tables(samples: list[Sample], predictions: list[Prediction]) -> tuple[BoxTable, BoxTable]:
    """The truth and the predicted boxes, each image by itself."""
    ids = np.arange(1, len(samples) + 1)
    true_boxes = np.concatenate([sample.boxes_xyxy for sample in samples])
    labels = np.ones(len(true_boxes), dtype=np.int64)
    truth = BoxTable(np.repeat(ids, [len(s.labels) for s in samples]), labels, true_boxes, np.ones(len(labels)))
    scores = np.concatenate([prediction.box_scores for prediction in predictions])
    found_boxes = np.concatenate([prediction.boxes_xyxy for prediction in predictions])
    counts = [len(prediction.box_scores) for prediction in predictions]
    return truth, BoxTable(np.repeat(ids, counts), np.ones(len(scores), dtype=np.int64), found_boxes, scores)


def timed(what: str, call: Callable[[], object]) -> tuple[float, object]:
    """Processor seconds of a call, printed beside its wall seconds, and its result."""
    wall, busy = time.perf_counter(), time.process_time()
    result = call()
    busy, wall = time.process_time() - busy, time.perf_counter() - wall
    print(f"  {what:<44}{busy:8.2f} s of processor time, {wall:8.2f} s", flush=True)
    return busy, result


def main() -> None:
    """Time both engines and compare what they give."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=41_498)
    parser.add_argument("--boxes", type=int, default=200_000)
    arguments = parser.parse_args()
    samples, predictions = make(arguments.images, arguments.boxes, np.random.default_rng(0))
    truth, found = tables(samples, predictions)
    print(
        f"{arguments.images} images, {len(truth.labels)} true and {len(found.labels)} predicted boxes; "
        f"load average {os.getloadavg()[0]:.1f}"
    )
    engines = (PYCOCOTOOLS, HOTCOCO)
    seconds = {}
    matched = []
    for engine in engines:
        seconds[engine], result = timed(
            f"{describe_engine(engine)}, image by image",
            lambda engine=engine: match(engine, truth, found, len(samples), 1, SIZES),
        )
        matched.append(result)
    apart = max(np.abs(getattr(matched[0], name) - getattr(matched[1], name)).max() for name in ("precision", "recall"))
    print(
        f"  ratio {seconds[PYCOCOTOOLS] / seconds[HOTCOCO]:.1f} (goal 8); largest difference of any entry {apart:.1e}"
    )
    for engine in engines:
        seconds[engine], _ = timed(
            f"box_map by {describe_engine(engine)}",
            lambda engine=engine: box_map(samples, predictions, 1, None, engine),
        )
    print(f"  ratio {seconds[PYCOCOTOOLS] / seconds[HOTCOCO]:.1f}")


if __name__ == "__main__":
    main()
