import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.metrics.auc import roc_auc
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.bootstrap import (
    Clusters,
    MeanOf,
    auc_of,
    average_precision_of,
    both_ways,
    box_ap_of,
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


@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_both_ways_are_the_statistic_of_the_groups_and_of_the_others(seed: int, groups: int) -> None:
    """To the last bit: for any statistic, ties and classes that a way leaves out among them."""
    rng = np.random.default_rng(seed)
    clusters = Clusters(rng.integers(0, groups, 40), groups)
    scores, positive = rng.integers(0, 12, 40) / 12, rng.random(40) < 0.3
    boxes = rng.integers(0, 4, groups).astype(float)
    counts = rng.integers(0, 2, (7, groups)).astype(float)
    statistics = [
        average_precision_of(scores, positive, clusters),
        auc_of(scores, positive, clusters),
        box_ap_of(scores, positive, clusters, boxes),
        median_of(np.where(positive, np.nan, scores), clusters),
        mean_of(scores, clusters),
    ]
    statistics.append(MeanOf(tuple(statistics[:3])))
    for statistic in statistics:
        ours, others = both_ways(statistic, counts)
        np.testing.assert_array_equal(ours, statistic(counts))
        np.testing.assert_array_equal(others, statistic(1 - counts))
