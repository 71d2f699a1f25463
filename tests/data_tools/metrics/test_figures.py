"""Swapping whole groups: what a figure's flips give is the figure of the swapped answers, written out."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import rankdata

from data_tools.metrics.auc import roc_auc
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.bootstrap import Clusters, distributions
from data_tools.metrics.figures import Auc, AveragePrecision, Figure, Mean, Median, Rate

GROUPS = 7


@pytest.fixture(params=range(4))
def images(request) -> tuple[np.ndarray, np.ndarray, np.ndarray, Clusters]:
    """Values of two approaches with ties, flags, and groups of uneven size."""
    rng = np.random.default_rng(request.param)
    codes = np.concatenate([np.arange(GROUPS), rng.integers(0, GROUPS, 30)])
    positive = rng.random(37) < 0.4
    positive[:2] = True, False
    return rng.integers(0, 9, 37) + 3.0 * positive, rng.normal(positive), positive, Clusters(codes, GROUPS)


def signs(rows: int = 20) -> np.ndarray:
    return 1.0 - 2.0 * np.random.default_rng(9).integers(0, 2, (rows, GROUPS))


def swapped(a: np.ndarray, b: np.ndarray, row: np.ndarray, clusters: Clusters) -> tuple[np.ndarray, np.ndarray]:
    own = row[clusters.codes] > 0
    return np.where(own, a, b), np.where(own, b, a)


@pytest.mark.parametrize(("make", "value"), [(Auc, roc_auc), (AveragePrecision, average_precision)])
def test_scores_are_swapped_as_ranks(images, make: Callable[..., Figure], value: Callable[..., float]) -> None:
    a, b, positive, clusters = images
    one, other = make(a, positive, clusters), make(b, positive, clusters)
    found = one.flips(other)(signs())
    for row, difference in zip(signs(), found, strict=True):
        first, second = swapped(rankdata(a), rankdata(b), row, clusters)
        assert difference == pytest.approx(value(first, positive) - value(second, positive), abs=1e-12)
    assert one.value is not None
    assert other.value is not None
    seen = one.flips(other)(np.ones((1, GROUPS)))[0]
    assert seen == pytest.approx(one.value - other.value, abs=1e-12)  # ranks change no figure


@pytest.mark.parametrize(("make", "value"), [(Mean, np.mean), (Median, np.median)])
@pytest.mark.parametrize("gaps", [False, True])
def test_values_are_swapped(images, make: type[Mean], value: Callable[..., float], gaps: bool) -> None:
    a, b, _, clusters = images
    if gaps:
        a, b = a.copy(), b.copy()
        a[[7, 11]], b[[12, 20, 21]] = np.inf, np.nan
    found = make(a, clusters).flips(make(b, clusters))(signs())
    for row, difference in zip(signs(), found, strict=True):
        first, second = (one[np.isfinite(one)] for one in swapped(a, b, row, clusters))
        assert difference == pytest.approx(value(first) - value(second))


def test_an_interval_holds_its_value_and_knows_its_groups(images) -> None:
    a, _, positive, clusters = images
    figures = [
        Auc(a, positive, clusters),
        AveragePrecision(a, positive, clusters),
        Rate(positive.astype(float), clusters),
        Mean(a, clusters, (0.0, 12.0)),
        Median(a, clusters, (0.0, 12.0)),
    ]
    drawn = distributions(clusters, [figure.statistic() for figure in figures], 0, 200)
    for figure, column in zip(figures, drawn.T, strict=True):
        ends = figure.interval(column, 0, 200)
        assert ends is not None
        assert figure.value is not None
        assert figure.bounds[0] <= ends[0] <= figure.value <= ends[1] <= figure.bounds[1]
        assert figure.fewest_groups <= GROUPS


def test_the_fewest_groups_are_those_of_the_kind_of_image_that_is_rare() -> None:
    positive = np.array([True, True, False, False, False])
    clusters = Clusters.of(["a", "a", "a", "b", "c"])
    assert Auc(np.arange(5.0), positive, clusters).fewest_groups == 1
    assert Auc(np.arange(5.0), positive, clusters).interval(np.zeros(0), 0, 100) is None
    assert Mean(np.array([1.0, np.inf, np.nan, 2.0, np.inf]), clusters).fewest_groups == 2
    assert Rate(np.array([np.nan] * 5), clusters).value is None


def test_images_that_count_in_neither_leave_the_flips_linear() -> None:
    """As the positives alone in a TPR: the same as by the general way, which divides anew for each swap."""
    rng = np.random.default_rng(0)
    clusters = Clusters.of([f"g{i % 7}" for i in range(40)])
    counts = rng.random(40) < 0.5
    a, b = (Rate(np.where(counts, rng.integers(0, 2, 40), np.nan), clusters) for _ in range(2))
    signs = rng.choice([-1.0, 1.0], (50, 7))
    np.testing.assert_allclose(a.flips(b)(signs), Figure.flips(a, b)(signs), atol=1e-12)
    assert a.groups == np.unique(clusters.codes[counts]).size
