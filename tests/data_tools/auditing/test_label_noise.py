import numpy as np
import pytest

from data_tools.auditing.label_noise import (
    cluster_agreement,
    cover,
    label_confidence,
    out_of_fold_scores,
    rank_suspects,
    scores_from_predictions,
)
from data_tools.core.cell_features import CellFeatures
from data_tools.core.errors import InputError
from data_tools.core.records import UNBOXED
from tests.benchmarks.bench_label_noise import plant, precision_at_recall


def cells_of(defect: np.ndarray, seed: int = 0) -> CellFeatures:
    """4 x 4 cells of 8 numbers; a defect stands out in one direction, in the cell (1, 1) that its box covers."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((len(defect), 16, 8))
    rows[defect, 5, 0] += 8
    starts = np.arange(len(defect) + 1) * 16
    return CellFeatures(rows.reshape(-1, 8).astype(np.float16), starts, np.full((len(defect), 2), 4))


@pytest.mark.parametrize("boxed", [True, False])
def test_planted_errors_come_first(make_sample, boxed: bool) -> None:
    defect = np.arange(400) % 3 == 0
    samples = [
        make_sample(
            i + 1,
            [(25, 25, 50, 50)] if bad and boxed else (),
            status=None if boxed or not bad else UNBOXED,
            group=f"L{i // 8}",
        )
        for i, bad in enumerate(defect)
    ]
    planted, wrong = plant(samples, 0.02, seed=3)
    scores = out_of_fold_scores(cells_of(defect), planted)
    assert precision_at_recall(label_confidence(scores, planted), wrong) >= 0.7


def test_precision_at_recall_by_hand() -> None:
    wrong = np.array([True, False, True, True, False])
    confidence = np.array([0.1, 0.2, 0.3, 0.9, 0.95])
    assert precision_at_recall(confidence, wrong, recall=0.3) == 1.0
    assert precision_at_recall(confidence, wrong, recall=0.6) == pytest.approx(2 / 3)
    assert precision_at_recall(confidence, wrong, recall=1.0) == pytest.approx(3 / 4)


def test_a_label_that_its_score_contradicts_is_not_believed(make_sample) -> None:
    samples = [make_sample(i + 1, [(1, 1, 9, 9)] if i >= 50 else ()) for i in range(100)]
    scores = np.concatenate([np.linspace(-4, -3, 50), np.linspace(3, 4, 50)])
    scores[0], scores[99] = 3.5, -3.5
    confidence = label_confidence(scores, samples)
    assert set(np.argsort(confidence)[:2]) == {0, 99}
    assert confidence[[0, 99]].max() < 0.6 < np.delete(confidence, [0, 99]).min()


def test_a_type_that_no_model_sees_is_not_accused(make_sample) -> None:
    good = [make_sample(i + 1) for i in range(100)]
    seen = [make_sample(i + 101, [(1, 1, 9, 9)], defect_type="chipping") for i in range(60)]
    unseen = [make_sample(i + 161, [(1, 1, 9, 9)], defect_type="marking") for i in range(40)]
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(-3, 0.5, 100), rng.normal(3, 0.5, 60), rng.normal(-3, 0.5, 40)])
    scores[100] = -3  # one chipping that looks good
    confidence = label_confidence(scores, [*good, *seen, *unseen])
    assert confidence[100] < confidence[160:].min()


def test_cover_by_hand(make_sample) -> None:
    covered = cover(make_sample(1, [(25, 25, 50, 50), (60, 0, 70, 10)]), (4, 4))
    assert covered[1, 1] == 1.0
    assert covered[0, 2] == 1.0  # a box smaller than the cell and inside it
    assert covered.sum() == 2.0


def test_scores_must_cover_every_image(make_sample) -> None:
    samples = [make_sample(1), make_sample(2, [(1, 1, 9, 9)])]
    with pytest.raises(InputError, match="such as image 2"):
        scores_from_predictions({1: 0.3}, samples)
    assert np.diff(scores_from_predictions({1: 0.3, 2: 0.4}, samples))[0] > 0


def test_clusters_that_disagree_with_a_label(make_sample) -> None:
    """Two clouds of 25 images; one image of each has the other's label."""
    rng = np.random.default_rng(0)
    pooled = np.concatenate([rng.normal(-5, 0.1, (25, 6)), rng.normal(5, 0.1, (25, 6))]).astype(np.float32)
    defect = np.arange(50) >= 25
    defect[[3, 40]] = ~defect[[3, 40]]
    samples = [make_sample(i + 1, [(1, 1, 9, 9)] if bad else ()) for i, bad in enumerate(defect)]
    agreement = cluster_agreement(pooled, samples)
    assert agreement[[3, 40]].tolist() == [0, 0]
    assert np.delete(agreement, [3, 40]) == pytest.approx(23 / 24)


def test_a_reason_names_the_neighbours_and_the_cluster(make_sample) -> None:
    samples = [make_sample(i + 1, [(1, 1, 9, 9)] if i % 2 else ()) for i in range(40)]
    scores = np.where(np.arange(40) % 2, 3.0, -3.0)
    scores[0] = 3.0
    suspects, likely = rank_suspects(samples, scores, np.full(40, 0.4), np.full(40, 0.25))
    assert suspects[0].sample.image_id == 1
    assert suspects[0].reason.endswith("40% of its nearest images share its label, and 25% of its cluster")
    assert suspects[0].suggested == "defect"
    assert len(suspects) == 20 >= likely
    alone = rank_suspects(samples, scores, np.full(40, 0.4), np.full(40, np.nan))[0]
    assert alone[0].reason.endswith("share its label")
