import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from data_tools.metrics.auc import compare_auc, placements
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.clustered import (
    auc_interval,
    auc_parts,
    clustered_auc_variance,
    mean_interval,
    on_logit_scale,
    rate_interval,
    resampled_interval,
    unseen,
)


def singles(n: int) -> Clusters:
    return Clusters.of([f"{i:04d}" for i in range(n)])


def test_no_hit_of_sixteen_single_images() -> None:
    """1 - .025^(1/16) = .2059."""
    assert rate_interval(np.zeros(16), singles(16)) == pytest.approx((0.0, 0.2059), abs=1e-4)
    assert rate_interval(np.ones(16), singles(16)) == pytest.approx((0.7941, 1.0), abs=1e-4)


def test_single_images_are_clopper_pearson() -> None:
    from scipy.stats import binomtest

    hits = np.array([1.0] * 7 + [0.0] * 13)
    exact = binomtest(7, 20).proportion_ci(0.95, "exact")
    assert rate_interval(hits, singles(20)) == pytest.approx((exact.low, exact.high))


def test_copies_of_an_image_are_no_more_evidence_than_one() -> None:
    """20 groups of ten equal images: design effect 199 / 19, so 200 / 10.47 = 19.1 images, with 19 degrees 17.2."""
    hits = np.array([1.0] * 7 + [0.0] * 13)
    once = rate_interval(hits, singles(20))
    tenfold = rate_interval(np.repeat(hits, 10), Clusters.of([str(i // 10) for i in range(200)]))
    assert once is not None
    assert tenfold is not None
    assert tenfold[0] < once[0]
    assert tenfold[1] > once[1]
    assert tenfold[1] - tenfold[0] < 1.15 * (once[1] - once[0])
    assert rate_interval(np.zeros(160), Clusters.of([str(i // 10) for i in range(160)])) == pytest.approx(
        (0.0, 0.2059), abs=1e-4
    )


def test_one_group_is_not_enough() -> None:
    one = Clusters.of(["lot"] * 6)
    flags = np.array([True, False] * 3)
    scores = np.arange(6.0)
    assert rate_interval(np.ones(6), one) is None
    assert mean_interval(scores, one, (0.0, 9.0), 0, 100) is None
    assert auc_interval(placements(scores, flags), flags, one) is None
    assert resampled_interval(0.5, np.full(10, 0.5), 1, 1, (0.0, 1.0)) is None
    # two groups, of which one alone has positives
    apart = Clusters.of(["a", "b"] * 3)
    assert auc_interval(placements(scores, flags), flags, apart) is None


def test_a_mean_is_at_least_students_t_and_stays_in_its_range() -> None:
    values = np.random.default_rng(0).normal(10, 2, 30)
    low, high = mean_interval(values, singles(30), (-math.inf, math.inf), 0, 2000)  # type: ignore[misc]
    half = float(t.ppf(0.975, 29)) * values.std(ddof=1) / math.sqrt(30)
    assert low <= values.mean() - half + 1e-9
    assert high >= values.mean() + half - 1e-9
    assert high - low < 2.6 * half
    skewed = np.array([0.0, 0, 0, 0, 0, 0, 0, 90])
    ends = mean_interval(skewed, singles(8), (0.0, 100.0), 0, 2000)
    assert ends is not None
    assert ends[0] == 0.0
    assert 11.25 < ends[1] <= 100.0


def test_where_all_groups_agree_the_range_bounds_what_was_not_seen() -> None:
    """With 16 groups a share of up to .2059 could be of another kind."""
    assert mean_interval(np.zeros(16), singles(16), (0.0, 100.0), 0, 100) == pytest.approx((0.0, 20.59), abs=0.01)
    assert unseen(0.0, 16, (-1.0, 1.0)) == pytest.approx((-0.2059, 0.2059), abs=1e-4)
    assert unseen(5.0, 16, (0.0, math.inf)) is None
    assert unseen(1.0, 1, (0.0, 1.0)) is None


def test_auc_variance_of_single_images_is_delongs() -> None:
    scores, positive = np.array([0.9, 0.8, 0.3, 0.7, 0.2, 0.1]), np.array([True] * 3 + [False] * 3)
    parts = auc_parts(placements(scores, positive), positive, singles(6))
    assert clustered_auc_variance(parts, (3, 3)) == pytest.approx(0.024691, abs=1e-6)
    ties, flags = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert clustered_auc_variance(auc_parts(placements(ties, flags), flags, singles(4)), (2, 2)) == pytest.approx(
        0.03125
    )
    rng = np.random.default_rng(0)
    many = rng.random(300) < 0.4
    drawn = rng.normal(many * 1.0)
    delong = compare_auc(drawn, np.zeros(300), many)  # a score without spread adds nothing to the variance
    assert delong is not None
    assert delong.z is not None
    error = delong.difference / delong.z
    counts = int(many.sum()), int((~many).sum())
    variance = clustered_auc_variance(auc_parts(placements(drawn, many), many, singles(300)), counts)
    assert variance == pytest.approx(error**2)
    by_the_normal = on_logit_scale(0.5 + delong.difference, error, degrees=1e9)
    assert auc_interval(placements(drawn, many), many, singles(300)) == pytest.approx(by_the_normal, abs=2e-3)


def test_auc_variance_by_obuchowskis_sums() -> None:
    """The three sums of Obuchowski 1997, written out over groups."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 6, 40)
    positive = rng.random(40) < 0.5
    scores = rng.normal(positive * 1.0)
    yes, no = scores[positive], scores[~positive]
    wins = (yes[:, None] > no[None]).astype(float)
    value, m, n, groups = wins.mean(), len(yes), len(no), 6
    x = np.array([(wins.mean(axis=1) - value)[codes[positive] == g].sum() for g in range(groups)])
    y = np.array([(wins.mean(axis=0) - value)[codes[~positive] == g].sum() for g in range(groups)])
    ten = groups / (groups - 1) / m * (x**2).sum()
    one = groups / (groups - 1) / n * (y**2).sum()
    both = groups / (groups - 1) * (x * y).sum()
    expected = ten / m + one / n + 2 * both / (m * n)
    parts = auc_parts(placements(scores, positive), positive, Clusters(codes, groups))
    assert clustered_auc_variance(parts, (groups, groups)) == pytest.approx(expected)


def test_a_perfect_auc_has_the_bound_of_its_groups() -> None:
    positive = np.arange(32) % 2 == 0
    clusters = Clusters.of([str(i // 2) for i in range(32)])
    ends = auc_interval(placements(positive.astype(float), positive), positive, clusters)
    assert ends == pytest.approx((0.7941, 1.0), abs=1e-4)


def test_logit_scale_by_hand() -> None:
    """Metrics' first vector has 2 degrees here: logit(8/9) -+ 4.303 * sqrt(.024691) / (8/81)."""
    half = 4.302653 * math.sqrt(0.0246914) / (8 / 81)
    expected = [1 / (1 + math.exp(-(math.log(8) + sign * half))) for sign in (-1, 1)]
    scores, positive = np.array([0.9, 0.8, 0.3, 0.7, 0.2, 0.1]), np.array([True] * 3 + [False] * 3)
    assert auc_interval(placements(scores, positive), positive, singles(6)) == pytest.approx(expected, abs=1e-6)
    assert on_logit_scale(0.5, 50.0, 1) == pytest.approx((0.0, 1.0), abs=1e-9)


def test_a_bootstrap_of_few_groups_is_widened() -> None:
    drawn = np.random.default_rng(0).normal(0.0, 1.0, 4000)
    low, high = resampled_interval(0.0, drawn, 8, 8, (-9.0, 9.0))  # type: ignore[misc]
    assert high == pytest.approx(2.365 * math.sqrt(8 / 7) * drawn.std(), rel=1e-3)
    assert low == pytest.approx(-high)
    assert resampled_interval(0.5, drawn, 8, 8, (-1.0, 1.0)) == (-1.0, 1.0)
    assert resampled_interval(1.0, np.ones(50), 16, 16, (0.0, 1.0)) == pytest.approx((0.7941, 1.0), abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_every_interval_has_a_width_and_its_value_inside(rows: list[tuple[int, bool, int]]) -> None:
    codes, flags, scores = (np.array(column) for column in zip(*rows, strict=True))
    clusters = Clusters.of([str(code) for code in codes])
    values = scores.astype(float)
    found = [(flags.mean(), rate_interval(flags.astype(float), clusters))]
    found.append((values.mean(), mean_interval(values, clusters, (0.0, 6.0), 0, 50)))
    if 0 < flags.sum() < len(flags):
        placed = placements(values, flags)
        found.append((placed[0].mean(), auc_interval(placed, flags, clusters)))
    for value, ends in found:
        if clusters.total < 2:
            assert ends is None
        elif ends is not None:
            assert 0 <= ends[0] <= value + 1e-12
            assert value - 1e-12 <= ends[1]
            assert ends[1] > ends[0]
