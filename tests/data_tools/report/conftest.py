"""A small data set with two approaches whose outcomes can be told by hand, the page made of it, and a browser."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import (
    BOXED,
    GOOD,
    UNBOXED,
    Dataset,
    Prediction,
    PredictionHeader,
    PredictionSet,
    Sample,
    empty_boxes,
)
from data_tools.judging.evaluation_report import DataSummary, EvaluationReport, Family, RunReport
from data_tools.judging.judged import Entry, judge
from data_tools.metrics.coco_engines import PYCOCOTOOLS
from data_tools.report.html import write_html
from tests.browser import launched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE_FILE = '</script><img src=x onerror="document.title=1">\x1b[2J\u202egnp.png'
HOSTILE_TYPE = '"><script>document.title=2</script>, "quoted"'
HOSTILE_LABEL = "<i>cam</i> $\\frac{"
LABELS = ("detector", HOSTILE_LABEL)
SIZE_HW = (90, 120)
BOX = (30, 20, 50, 40)


@dataclass(frozen=True)
class Page:
    """The page, and what it was made of."""

    path: Path
    dataset: Dataset
    predictions: dict[str, PredictionSet]
    report: EvaluationReport
    outcomes: dict[int, tuple[str, ...]] | None = None  # told by hand


def report_of(
    dataset: Dataset,
    predictions: Mapping[str, PredictionSet],
    metrics: Mapping[str, Any] | None = None,
    verdict: str | None = None,
) -> EvaluationReport:
    """A report on all images with the same metrics, written by hand, of every run."""
    judged = {
        label: judge(dataset.samples, (), (), Entry(label, one), ("defect",), 0, PYCOCOTOOLS)
        for label, one in predictions.items()
    }
    runs = {label: RunReport("p", label, metrics or {}) for label in predictions}
    data = DataSummary(len(dataset.samples), 0, 0, 0, "all", 1)
    return EvaluationReport(data, runs, {}, {}, (), Family((), "Holm", 100, 0), verdict, {}, judged)


@pytest.fixture(scope="session")
def make_report() -> Callable[..., EvaluationReport]:
    return report_of


def _one_hot() -> np.ndarray:
    """3 x 3 cells over 120 x 90 pixels; the hot one spans x 80..120, y 0..30."""
    heatmap = np.zeros((3, 3), dtype=np.float32)
    heatmap[0, 2] = 1.0
    return heatmap


# id, type, status, score and peak of the detector, score and peak of the other; worked out for BOX and threshold 0.5
ROWS: tuple[tuple[int, str, str, float, Any, float, Any, tuple[str, ...]], ...] = (
    (1, "good", GOOD, 0.1, (9, 9), 0.2, (5, 5), ("pass",)),
    (2, "good", GOOD, 0.2, (9, 9), 0.7, (5, 5), ("overkill", "disagreement")),
    (3, "scratch", BOXED, 0.9, (40, 30), 0.8, (30, 20), ("hit", "caught")),
    (4, "scratch", BOXED, 0.8, (40, 30), 0.6, (53, 44), ("near miss", "caught")),
    (5, "chipping", BOXED, 0.7, (40, 30), 0.55, (90, 30), ("off target", "disagreement", "caught")),
    (6, "chipping", BOXED, 0.3, (65, 40), 0.65, None, ("escape", "no peak", "near miss", "disagreement")),
    (7, "lead_glue", UNBOXED, 0.6, (9, 9), 0.9, (5, 5), ("caught",)),
    (8, HOSTILE_TYPE, BOXED, 0.95, (40, 30), 0.85, (100, 15), ("off target", "disagreement", "caught")),
)


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of `ROWS`, with real image files."""
    root = tmp_path_factory.mktemp("judged")
    rng = np.random.default_rng(0)
    samples, detector, other = [], [], []
    for number, kind, status, score, peak, other_score, other_peak, _ in ROWS:
        name = HOSTILE_FILE if number == 8 else f"{number}.png"
        path = root / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, SIZE_HW, dtype=np.uint8)).save(path)
        boxes = np.array([BOX], dtype=float) if status == BOXED else empty_boxes()
        labels = np.ones(len(boxes), dtype=int)
        samples.append(Sample(number, name, SIZE_HW, boxes, labels, status, f"lot{number % 2}", kind))
        found = np.array([[28, 18, 52, 42], [0, 0, 18, 18]], dtype=float)
        scores = np.array([score, score / 2])
        detector.append(Prediction(number, name, SIZE_HW, score, found, scores, np.ones(2, dtype=int), peak))
        heatmap = _one_hot() if other_peak else np.zeros((3, 3), dtype=np.float32)
        nothing = (empty_boxes(), np.zeros(0), np.zeros(0, dtype=int))
        other.append(Prediction(number, name, SIZE_HW, other_score, *nothing, other_peak, heatmap))
    dataset = Dataset(tuple(samples), ("defect",), root / "images")
    sets = {
        LABELS[0]: PredictionSet(PredictionHeader("a"), tuple(detector)),
        LABELS[1]: PredictionSet(PredictionHeader("b"), tuple(other)),
    }
    report = report_of(dataset, sets, {"operating_point": {"threshold": 0.5}}, "no difference shown")
    path = root / "report.html"
    write_html(path, report, dataset.images_root)
    return Page(path, dataset, sets, report, {row[0]: row[-1] for row in ROWS})


@pytest.fixture(scope="session")
def make_large(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Page]:
    """A page of so many random images without pictures, two approaches, every outcome among them."""

    def build(count: int) -> Page:
        rng = np.random.default_rng(1)
        samples = []
        sets: dict[str, list[Prediction]] = {"first": [], "second": []}
        for number in range(1, count + 1):
            status = (GOOD, BOXED, UNBOXED)[int(rng.choice(3, p=(0.4, 0.5, 0.1)))]
            x, y = rng.integers(0, 60, 2)
            boxes = np.array([[x, y, x + 20, y + 15]], dtype=float) if status == BOXED else empty_boxes()
            kind = GOOD if status == GOOD else f"type{number % 3}"
            labels = np.ones(len(boxes), dtype=int)
            samples.append(Sample(number, f"{number}.png", SIZE_HW, boxes, labels, status, "lot", kind))
            for found in sets.values():
                peak = None if rng.random() < 0.1 else tuple(float(v) for v in rng.uniform(0, 80, 2))
                if len(boxes) and rng.random() < 0.5:
                    peak = (float(x) + 3, float(y) + 3)
                score = float(rng.random())
                nothing = (empty_boxes(), np.zeros(0), np.zeros(0, dtype=int))
                found.append(Prediction(number, f"{number}.png", SIZE_HW, score, *nothing, peak))
        dataset = Dataset(tuple(samples), ("defect",))
        predictions = {name: PredictionSet(PredictionHeader(name), tuple(found)) for name, found in sets.items()}
        report = report_of(dataset, predictions, {"operating_point": {"threshold": 0.4}})
        path = tmp_path_factory.mktemp("large") / "report.html"
        write_html(path, report, None)
        return Page(path, dataset, predictions, report)

    return build


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    yield from launched()
