"""How long judging takes at the size of a whole contest, and how it compares with its peers in the same run.

python -m tests.benchmarks.bench_evaluate            # 41,498 images, 10 boxes each, 9 x 9 maps, 4,000 resamples
python -m tests.benchmarks.bench_evaluate --images 5000
python -m tests.benchmarks.bench_evaluate --box_map_engine pycocotools

Two made-up approaches are written to disk, read, and judged by everything that `detect.evaluate` does. The limits for
the full size on two cores are 60 s and 2 GB. The child process that judges is measured alone: making up the data does
not count. Seconds are shown by the clock and by the processor (user and system), which tell a busy machine.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.predictions import write_predictions
from data_tools.judging.map_boxes import with_boxes
from data_tools.metrics.bootstrap import Clusters, average_precision_of, distributions
from data_tools.metrics.coco_engines import AUTO, ENGINES

SIZE = (267, 275)
BOXES = 10
LIMIT_S, LIMIT_MB = 60.0, 2048.0


def make_truth(count: int, rng: np.random.Generator) -> Dataset:
    """A fifth of the images show a defect; test holds `count` images, validation and training a tenth of that each."""
    samples = []
    for number in range(1, count + count // 5 + 1):
        status = rng.choice([GOOD, BOXED, UNBOXED], p=[0.80, 0.19, 0.01])
        boxes = make_boxes(rng, 1 + int(rng.random() < 0.1)) if status == BOXED else np.zeros((0, 4))
        kind = GOOD if status == GOOD else str(rng.choice(["chipping", "scratch", "foreign_material"]))
        samples.append(
            Sample(
                number,
                f"{number}.png",
                SIZE,
                boxes,
                np.ones(len(boxes), dtype=int),
                str(status),
                f"lot{number // 20}",
                kind,
            )
        )
    ids = [sample.image_id for sample in samples]
    tenth = count // 10
    splits = Splits(0, "made up", tuple(ids[:tenth]), tuple(ids[tenth : 2 * tenth]), tuple(ids[2 * tenth :]))
    return Dataset(tuple(samples), ("defect",), None, splits)


def make_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 4) boxes inside the image."""
    sides = rng.uniform(10, 80, (count, 2))
    corners = rng.random((count, 2)) * (np.array(SIZE[::-1]) - sides)
    return np.concatenate([corners, corners + sides], axis=1)


def boxes_of(sample: Sample, rng: np.random.Generator) -> Prediction:
    """Ten boxes; on a defect the best ones lie near it."""
    boxes = make_boxes(rng, BOXES)
    scores = np.sort(rng.random(BOXES) * 0.6)[::-1].copy()
    if sample.status == BOXED and rng.random() < 0.9:
        near = sample.boxes_xyxy[0] + rng.normal(0, 4, 4)
        boxes[0] = np.clip(near, 0, [SIZE[1], SIZE[0]] * 2)
        boxes[0, 2:] = np.maximum(boxes[0, 2:], boxes[0, :2])
        scores[0] = 0.6 + 0.4 * rng.random()
    middle = (boxes[0, :2] + boxes[0, 2:]) / 2
    return Prediction(
        sample.image_id,
        sample.path,
        SIZE,
        float(scores[0]),
        boxes,
        scores,
        np.ones(BOXES, dtype=int),
        (float(middle[0]), float(middle[1])),
    )


def map_of(sample: Sample, rng: np.random.Generator) -> Prediction:
    """A blob near the defect on a 9 x 9 grid, over noise, and the boxes around it, as the baseline writes them."""
    centre = sample.boxes_xyxy[0] + rng.normal(0, 12) if sample.status == BOXED else make_boxes(rng, 1)[0]
    heatmap = boxes_to_map(centre[None], np.ones(1), SIZE, (9, 9)) + 0.3 * rng.random((9, 9), dtype=np.float32)
    found = peak(heatmap, SIZE)
    score = float(1 / (1 + np.exp(-rng.normal(1.5 if sample.is_defect else -1.5))))
    bare = Prediction(
        sample.image_id,
        sample.path,
        SIZE,
        score,
        np.zeros((0, 4)),
        np.zeros(0),
        np.zeros(0, dtype=int),
        None if found is None else found.xy,
        heatmap,
    )
    return with_boxes(bare, 0.5)


def write_all(folder: Path, count: int) -> None:
    """A dataset and the predictions of both approaches for validation and test."""
    rng = np.random.default_rng(0)
    dataset = make_truth(count, rng)
    write_dataset(folder / "data", dataset)
    for name, make in (("boxes", boxes_of), ("maps", map_of)):
        for split in ("val", "test"):
            found = tuple(make(sample, rng) for sample in dataset.split(split))
            write_predictions(
                folder / name / f"{split}.jsonl", PredictionSet(PredictionHeader(name, split=split), found)
            )


def judge(folder: Path, engine: str, by_metric: bool) -> None:
    """What is measured: read everything, judge it by every metric, write the report and the table; one line a stage."""
    from data_tools.files.atomic import write_json
    from data_tools.files.dataset_folder import read_dataset
    from data_tools.files.predictions import read_predictions
    from data_tools.judging.evaluate import evaluate
    from data_tools.judging.judged import Entry
    from data_tools.judging.registry import metrics
    from data_tools.report.table import side_by_side

    began = last = time.perf_counter()
    last_busy = time.process_time()

    def stage(name: str) -> None:
        nonlocal last, last_busy
        now, busy = time.perf_counter(), time.process_time()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"  {name:<28}{now - last:8.1f} s   processor {busy - last_busy:7.1f} s   peak so far {memory:5.0f} MB",
            flush=True,
        )
        last, last_busy = now, busy

    dataset = read_dataset(folder / "data")
    entries = [
        Entry(name, *(read_predictions(folder / name / f"{split}.jsonl") for split in ("test", "val")))
        for name in ("boxes", "maps")
    ]
    stage("read")
    if by_metric:
        for metric in metrics():
            evaluate(dataset, "test", entries, (metric,), box_map_engine=engine)
            stage(f"{metric} alone")
    report = evaluate(dataset, "test", entries, box_map_engine=engine).to_json()
    stage("judge by every metric")
    write_json(folder / "report.json", report)
    side_by_side(report)
    stage("write")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  total {last - began:.1f} s, processor {time.process_time():.1f} s (limit {LIMIT_S:.0f} s); "
        f"peak {memory:.0f} MB (limit {LIMIT_MB:.0f}); box AP by {report['engines']['box_map']}; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def compare_with_peers(count: int) -> None:
    """Our bootstrap against the loop that one would write with scikit-learn, on the same draws' number."""
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(0)
    positive = rng.random(count) < 0.2
    scores = rng.normal(positive.astype(float))
    clusters = Clusters.of([str(i // 20) for i in range(count)])
    began = time.perf_counter()
    ours = distributions(clusters, [average_precision_of(scores, positive, clusters)], 0, 200)[:, 0]
    between = time.perf_counter()
    loop = []
    for _ in range(200):
        picked = rng.integers(0, clusters.total, clusters.total)
        weights = np.bincount(picked, minlength=clusters.total)[clusters.codes]
        loop.append(average_precision_score(positive, scores, sample_weight=weights))
    ended = time.perf_counter()
    print(
        f"  average precision, 200 resamples of {count} images: ours {between - began:.2f} s, scikit-learn in a loop "
        f"{ended - between:.2f} s, ratio {(ended - between) / (between - began):.1f}; standard deviations "
        f"{ours.std():.5f} and {np.std(loop):.5f}"
    )


def main() -> None:
    """Make the data, judge it in a process of its own, then compare with peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=41498)
    parser.add_argument("--by-metric", action="store_true", help="also judge by each metric alone")
    parser.add_argument("--box_map_engine", choices=ENGINES, default=AUTO)
    parser.add_argument("--folder", type=Path, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        judge(arguments.folder, arguments.box_map_engine, arguments.by_metric)
        return
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        write_all(Path(folder), arguments.images)
        took = time.perf_counter() - began
        print(f"{arguments.images} images, {BOXES} boxes each, 9 x 9 maps (made up in {took:.0f} s)")
        command = [sys.executable, "-m", "tests.benchmarks.bench_evaluate", "--folder", folder]
        command += ["--box_map_engine", arguments.box_map_engine]
        subprocess.run(command + ["--by-metric"] * arguments.by_metric, check=True)
    compare_with_peers(arguments.images)


if __name__ == "__main__":
    main()
