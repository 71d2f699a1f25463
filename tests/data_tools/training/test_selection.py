"""The standard error that decides which epochs validation can tell apart."""

import numpy as np
import pytest

from data_tools.metrics.auc import placements
from data_tools.metrics.bootstrap import Clusters, auc_of, mean_of
from data_tools.metrics.clustered import auc_parts, clustered_auc_variance
from data_tools.training.selection import standard_error


def test_of_a_mean_it_is_the_spread_of_the_groups_by_the_root_of_their_number() -> None:
    """Four groups of two images, with means 0, 1, 2 and 3: sqrt(1.25 / 4) = 0.559."""
    clusters = Clusters.of(["a", "a", "b", "b", "c", "c", "d", "d"])
    error = standard_error([mean_of([0, 0, 1, 1, 2, 2, 3, 3], clusters)], clusters)
    assert error == pytest.approx(0.559, rel=0.05)


def test_scores_are_averaged_within_each_draw() -> None:
    """Two scores that always sum to 1 have a mean that does not vary."""
    clusters = Clusters.of(list("abcdefgh"))
    values = np.arange(8) / 8
    error = standard_error([mean_of(values, clusters), mean_of(1 - values, clusters)], clusters)
    assert error == pytest.approx(0.0, abs=1e-12)


def test_single_images_have_nearly_delongs_error_and_the_same_error_at_each_call() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(200) % 2 == 1
    scores = rng.normal(positive * 1.0, 1.0)
    clusters = Clusters.of([str(i) for i in range(200)])
    errors = [standard_error([auc_of(scores, positive, clusters)], clusters) for _ in range(2)]
    delong = clustered_auc_variance(auc_parts(placements(scores, positive), positive, clusters), (100, 100))
    assert errors[0] == errors[1] == pytest.approx(np.sqrt(delong), rel=0.1)


def test_shots_of_one_part_are_no_more_evidence_than_one() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(20) % 2 == 1
    scores = rng.normal(positive * 1.0, 1.0)
    once = Clusters.of([str(i) for i in range(20)])
    tenfold = Clusters.of([str(i // 10) for i in range(200)])
    repeated = auc_of(np.repeat(scores, 10), np.repeat(positive, 10), tenfold)
    error = standard_error([auc_of(scores, positive, once)], once)
    assert error is not None
    assert standard_error([repeated], tenfold) == pytest.approx(error, rel=0.1)


def test_where_it_is_unknown() -> None:
    one, two = Clusters.of(["a", "a"]), Clusters.of(["a", "b"])
    assert standard_error([], two) is None
    assert standard_error([mean_of([0, 1], one)], one) is None
    assert standard_error([auc_of([0.1, 0.2], [True, True], two)], two) is None


def test_perfect_scores_leave_none() -> None:
    clusters = Clusters.of(list("abcdef"))
    assert standard_error([auc_of([1, 2, 3, 4, 5, 6], [False] * 3 + [True] * 3, clusters)], clusters) == 0.0
