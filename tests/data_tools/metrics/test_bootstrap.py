import numpy as np
import pytest

from data_tools.metrics.auc import roc_auc
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.bootstrap import (
    Clusters,
    auc_of,
    average_precision_of,
    distributions,
    mean_of,
    median_of,
    percentile_interval,
)


def repeated(counts: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Rows of the images in a resample, each as often as its group was drawn."""
    return np.repeat(np.arange(len(codes)), counts[codes].astype(int))


@pytest.mark.parametrize("seed", range(5))
def test_every_statistic_is_that_of_the_resample_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"lot{i}" for i in rng.integers(0, 9, 60)]
    scores, positive = rng.integers(0, 12, 60) / 12, rng.random(60) < 0.4
    values = rng.integers(0, 9, 60).astype(float)
    values[rng.random(60) < 0.2] = np.inf
    clusters = Clusters.of(groups)
    counts = rng.integers(0, 4, (20, clusters.total)).astype(float)
    found = [
        make(counts)
        for make in (
            mean_of(values, clusters),
            median_of(values, clusters),
            average_precision_of(scores, positive, clusters),
            auc_of(scores, positive, clusters),
        )
    ]
    for row, drawn in enumerate(counts):
        rows = repeated(drawn, clusters.codes)
        known = values[rows][np.isfinite(values[rows])]
        assert found[0][row] == pytest.approx(known.mean())
        assert found[1][row] == pytest.approx(np.median(known))
        assert found[2][row] == pytest.approx(average_precision(scores[rows], positive[rows]))
        assert found[3][row] == pytest.approx(roc_auc(scores[rows], positive[rows]))


def test_a_resample_without_what_is_needed_is_undefined_and_left_out() -> None:
    clusters = Clusters.of(["a", "b"])
    only_b = np.array([[0.0, 2.0]])
    assert np.isnan(average_precision_of([0.9, 0.1], [True, False], clusters)(only_b)).all()
    assert np.isnan(auc_of([0.9, 0.1], [True, False], clusters)(only_b)).all()
    assert np.isnan(mean_of([1.0, np.inf], clusters)(only_b)).all()
    assert np.isnan(median_of([1.0, np.inf], clusters)(only_b)).all()
    assert percentile_interval(np.array([np.nan, 1.0, np.nan])) == (1.0, 1.0)
    assert percentile_interval(np.array([np.nan])) is None


def test_groups_are_drawn_equally_often_and_as_many_as_there_are() -> None:
    clusters = Clusters.of([str(i) for i in range(7)])
    drawn = distributions(clusters, [lambda counts: counts.sum(axis=1), lambda counts: counts[:, 3]], 0, 4000)
    assert (drawn[:, 0] == 7).all()
    assert drawn[:, 1].mean() == pytest.approx(1.0, abs=0.06)
    assert drawn[:, 1].var() == pytest.approx(6 / 7, abs=0.08)


def test_the_same_seed_gives_the_same_draws_to_all_statistics() -> None:
    clusters = Clusters.of([str(i) for i in range(30)])
    mean = mean_of(np.arange(30.0), clusters)
    both = distributions(clusters, [mean, mean], 3, 50)
    assert (both[:, 0] == both[:, 1]).all()
    assert (distributions(clusters, [mean], 3, 50)[:, 0] == both[:, 0]).all()
