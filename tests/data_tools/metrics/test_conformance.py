"""Where public tools, used as is, deviate from the definitions: each of these is why something here is done by hand.

If one of these tests fails after an update, a tool has been mended and the note in the README is out of date.
"""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split

from data_tools.metrics.auc import roc_auc
from data_tools.metrics.fpr_at_tpr import fpr_at_tpr
from tests.benchmarks.bench_by_image import share


def ap_of_a_perfect_detector(first_id: int, images: int) -> float:
    """pycocotools' AP where every box is found exactly."""
    annotations = [
        {"id": first_id + i, "image_id": i + 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0}
        for i in range(images)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": i + 1} for i in range(images)],
            "annotations": annotations,
            "categories": [{"id": 1}],
        }
        truth.createIndex()
        found = truth.loadRes(
            [{"image_id": i + 1, "category_id": 1, "bbox": [10, 10, 20, 20], "score": 0.9} for i in range(images)]
        )
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def test_pycocotools_takes_annotation_id_0_as_unmatched() -> None:
    assert ap_of_a_perfect_detector(1, 2) == pytest.approx(1.0)
    assert ap_of_a_perfect_detector(0, 2) < 0.6


def test_pycocotools_cannot_load_an_empty_list_of_results() -> None:
    truth = COCO()
    truth.dataset = {"info": {}, "images": [{"id": 1}], "annotations": [], "categories": []}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        with pytest.raises(IndexError):
            truth.loadRes([])


def test_scikit_learns_roc_curve_leaves_operating_points_out_by_default() -> None:
    """At TPR >= 0.75 its default curve knows no point before FPR 0.5; with all points it is ours."""
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.05])
    positive = np.array([True, True, True, True, False, False])

    def best_threshold(drop: bool, tpr: float) -> float:
        _, reached, thresholds = roc_curve(positive, scores, drop_intermediate=drop)
        return float(thresholds[np.argmax(reached >= tpr)])

    ours = fpr_at_tpr(scores, positive, 0.75)
    assert ours is not None
    assert best_threshold(False, 0.75) == ours.threshold == 0.7
    assert best_threshold(True, 0.75) == 0.2


def test_scikit_learn_gives_nan_for_one_class() -> None:
    with pytest.warns(UserWarning, match="one class"):
        assert np.isnan(roc_auc_score([1, 1], [0.1, 0.2]))
    assert roc_auc([0.1, 0.2], [True, True]) is None


@pytest.mark.parametrize("tool", ["scipy.stats.binomtest(...).proportion_ci", "scipy.stats.bootstrap (BCa)"])
def test_scipys_intervals_take_images_of_one_lot_as_independent(tool: str) -> None:
    """20 lots whose images are much alike; the benchmark has the figures of 400 simulations."""
    found = share(f"{tool}, covered", 0.7, 60)
    assert found.theirs < 0.85
    assert found.ours >= 0.88


@pytest.mark.parametrize("tool", ["scipy.stats.binomtest as McNemar's test", "scipy.stats.wilcoxon"])
def test_scipys_tests_take_images_of_one_lot_as_independent(tool: str) -> None:
    found = share(f"{tool}, rejected", 0.7, 60)
    assert found.theirs > 0.15
    assert found.ours <= 0.12


def test_scikit_learn_deals_images_of_one_lot_to_both_sides() -> None:
    """`train_test_split` has no groups; here each of ten lots of eight images is divided."""
    lots = np.repeat(np.arange(10), 8)
    train, test = train_test_split(lots, test_size=0.5, random_state=0)
    assert set(train) & set(test) == set(lots)
