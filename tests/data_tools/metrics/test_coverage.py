"""A few cases of the benchmark, small; the limits leave room for chance: .95 of 80 is 76 with a deviation of 2."""

import pytest

from tests.benchmarks.bench_coverage import cover, reject


@pytest.mark.parametrize(
    ("name", "groups", "correlation"),
    [
        ("rate .98", 8, 0.7),
        ("rate .6", 20, 0.3),
        ("rate .95", 60, 0.7),
        ("distance, six of ten 0", 8, 0.7),
        ("AUC .99, mixed", 8, 0.3),
        ("AUC .95, apart", 20, 0.7),
    ],
)
def test_intervals_cover(name: str, groups: int, correlation: float) -> None:
    assert cover(name, groups, correlation, 80).share >= 0.88


@pytest.mark.parametrize("name", ["rate .8", "AUC .95"])
def test_a_true_null_is_left_alone(name: str) -> None:
    """Per-image tests reject it in up to 27 % of such cases."""
    found = reject(name, 12, 0.7, 80)
    assert found.share <= 0.1
    assert found.by_interval is not None
    assert found.by_interval <= 0.1
