"""The fast engine against pycocotools: every entry of their tables, not the averages alone."""

import configparser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_tools.core.errors import InputError
from data_tools.metrics import coco_engines
from data_tools.metrics.box_map import box_map
from data_tools.metrics.coco_engines import (
    AUTO,
    HOTCOCO,
    HOTCOCO_VERSION,
    PYCOCOTOOLS,
    SIZES,
    BoxTable,
    choose_engine,
    describe_engine,
    match,
)

BOX = (10, 10, 30, 30)


def table(rows: list[tuple[int, int, tuple[float, ...], float]]) -> BoxTable:
    """From image id, label, box and score of each row."""
    return BoxTable(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=float).reshape(-1, 4),
        np.array([row[3] for row in rows], dtype=float),
    )


def require_equal(truth: BoxTable, found: BoxTable, n_images: int, num_classes: int, ranges=SIZES) -> None:
    reference, fast = (match(e, truth, found, n_images, num_classes, ranges) for e in (PYCOCOTOOLS, HOTCOCO))
    assert fast.precision.shape == reference.precision.shape
    np.testing.assert_allclose(fast.precision, reference.precision, rtol=0, atol=1e-9)
    np.testing.assert_allclose(fast.recall, reference.recall, rtol=0, atol=1e-9)


def boxes(rng: np.random.Generator, count: int, on_a_grid: bool) -> np.ndarray:
    corners = rng.uniform(0, 200, (count, 2))
    result = np.concatenate([corners, corners + rng.uniform(1, 120, (count, 2))], axis=1)
    return np.round(result / 8) * 8 + np.array([0, 0, 4, 4]) if on_a_grid else result


def random_case(seed: int) -> tuple[BoxTable, BoxTable, int, int]:
    """Up to 30 images, half of them good, up to three classes, tied scores and IoUs, doubles, and crowded images."""
    rng = np.random.default_rng(seed)
    n_images, num_classes = int(rng.integers(1, 31)), int(rng.integers(1, 4))
    on_a_grid, tied = rng.random(2) < 0.5
    truth, found = [], []
    for image_id in range(1, n_images + 1):
        true = boxes(rng, int(rng.integers(0, 5)) * int(rng.random() < 0.5), on_a_grid)
        near = true + (rng.integers(-1, 2, true.shape) * 4 if on_a_grid else rng.normal(0, 4, true.shape))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
        guesses = boxes(rng, 130 if rng.random() < 0.04 else int(rng.integers(0, 9)), on_a_grid)
        every = np.concatenate([guesses, near, true[:1]])
        scores = rng.integers(0, 6, len(every)) / 6 if tied else rng.random(len(every))
        truth += [(image_id, int(rng.integers(1, num_classes + 1)), tuple(box), 1.0) for box in true]
        found += [
            (image_id, int(rng.integers(1, num_classes + 1)), tuple(box), float(score))
            for box, score in zip(every, scores, strict=True)
        ]
    return table(truth), table(found), n_images, num_classes


@given(seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_any_boxes(seed: int) -> None:
    truth, found, n_images, num_classes = random_case(seed)
    if not len(truth.labels):
        return
    sides = truth.boxes_xyxy[:, 2:] - truth.boxes_xyxy[:, :2]
    low, high = np.quantile(sides.prod(axis=1), [1 / 3, 2 / 3], method="nearest" if seed % 2 else "linear")
    thirds = {
        "smallest": (0.0, float(low)),
        "middle": (float(np.nextafter(low, 1e10)), float(high)),
        "largest": (float(np.nextafter(high, 1e10)), 1e10),
    }
    require_equal(truth, found, n_images, num_classes, SIZES | thirds)


@pytest.mark.parametrize(
    "found",
    [
        [],
        [(1, 1, (10, 10, 20, 30), 0.9)],  # IoU exactly 0.5
        [(1, 1, BOX, 0.5), (1, 1, BOX, 0.5)],
        [(1, 1, (20, 20, 20, 20), 0.9)],  # no area
        [(1, 2, BOX, 0.9)],  # another class, without truth
        [(1, 3, BOX, 0.9), (1, 1, BOX, 0.8)],  # a class that the dataset does not have
        [(2, 1, BOX, 0.9), (1, 1, BOX, 0.8)],
        [(1, 1, BOX, 0.0)],
    ],
)
def test_by_hand(found) -> None:
    require_equal(table([(1, 1, BOX, 1.0)]), table(found), 2, 2)


def test_areas_on_the_ends_of_coco_s_ranges() -> None:
    squares = [(0.0, 0.0, side, side) for side in (32.0, 96.0, np.nextafter(32.0, 33), np.nextafter(96.0, 97))]
    truth = table([(i, 1, square, 1.0) for i, square in enumerate(squares, start=1)])
    require_equal(truth, table([(i, 1, squares[0], 0.5) for i in range(1, 5)]), 4, 1)


def test_both_engines_give_the_report_the_same_figures(make_sample, make_prediction) -> None:
    samples = [make_sample(1, [BOX]), make_sample(2), make_sample(3, [(40, 40, 90, 90)])]
    predictions = [make_prediction(i, boxes=[BOX, (42, 40, 90, 92)], scores=[0.9, 0.8]) for i in (1, 2, 3)]
    figures = [box_map(samples, predictions, 1, (500.0, 2000.0), engine) for engine in (PYCOCOTOOLS, HOTCOCO)]
    assert figures[0] == figures[1]
    assert figures[0]["ap"] == pytest.approx(0.5, abs=0.3)


def test_which_engine_is_taken(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    assert choose_engine(PYCOCOTOOLS) == PYCOCOTOOLS
    assert choose_engine(AUTO) == choose_engine(HOTCOCO) == HOTCOCO
    assert describe_engine(HOTCOCO) == f"hotcoco {HOTCOCO_VERSION}"
    monkeypatch.setattr(coco_engines, "_installed", lambda name: None)
    assert choose_engine(AUTO) == PYCOCOTOOLS
    with pytest.raises(InputError, match=r"is not installed.*pip install hotcoco==" + HOTCOCO_VERSION):
        choose_engine(HOTCOCO)
    monkeypatch.setattr(coco_engines, "_installed", lambda name: "9.9")
    with caplog.at_level("INFO"):
        assert choose_engine(AUTO) == PYCOCOTOOLS
    assert "hotcoco is 9.9 here; only" in caplog.text
    with pytest.raises(InputError, match=r"is 9.9 here"):
        choose_engine(HOTCOCO)
    with pytest.raises(InputError, match="give one of auto, pycocotools, hotcoco"):
        choose_engine("magic")


def test_the_tested_version_is_the_one_that_the_extras_install() -> None:
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).resolve().parents[3] / "setup.cfg")
    for extra in ("fast", "dev"):
        assert f"hotcoco=={HOTCOCO_VERSION}" in setup["options.extras_require"][extra].split()
