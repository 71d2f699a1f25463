from dataclasses import replace

import pytest

from data_tools.judging import registry
from data_tools.judging.evaluation_report import ApproachReport, Difference, SeedSummary
from data_tools.judging.verdict import COVERAGE, DISTANCE, HITS, MEAN_PX, MEDIAN, verdict


def row(metric: str = "peak_distance", difference: float = -8.0, ci95: tuple[float, float] = (-12.0, -4.0), **more):
    known = Difference(
        metric, "detector", "cnn", difference, ci95, 0.01, "by hand", 90, 3, 3, True, None, None, 40, difference, 0.0
    )
    return replace(known, **more)


def approaches(detector: float = 1.0, cnn: float = 1.0, px: float = 5.0):
    return {
        name: ApproachReport(
            ("a", "b", "c"),
            {
                "peak_distance.coverage": SeedSummary(coverage, 0.0, coverage, coverage, 3),
                "peak_distance.mean_px": SeedSummary(px, 0.0, px, px, 3),
            },
        )
        for name, coverage in (("detector", detector), ("cnn", cnn))
    }


def baseline(px: float = 50.0):
    return {"centre": {"peak_distance": {"mean_px": px}}}


def test_the_claim_names_the_closer_one_with_a_positive_interval() -> None:
    assert (
        verdict([row()], approaches(), baseline())
        == "detector closer by 8.0 px (95 % CI 4.0..12.0, 90 images of 40 groups, 3 seeds)"
    )
    other = verdict([row(difference=8.0, ci95=(4.0, 12.0))], approaches(), baseline())
    assert other == "cnn closer by 8.0 px (95 % CI 4.0..12.0, 90 images of 40 groups, 3 seeds)"


def test_of_many_pairs_those_are_told_that_show_something() -> None:
    nothing = [row(ci95=(-12.0, 1.0), a=name, b="cnn", n_groups=9) for name in "pqr"]
    three = verdict(nothing, {}, {})
    assert three is not None
    assert three.count("no difference shown between") == 3
    told = verdict([*nothing, row(a="s", n_groups=9)], {}, {})
    assert told == (
        "s closer by 8.0 px than cnn (95 % CI 4.0..12.0, 90 images of 9 groups, 3 seeds). "
        "no difference shown in peak distance in the other 3 pairs"
    )
    few = [replace(one, n_groups=2) for one in [*nothing, row(a="s")]]
    assert verdict(few, {}, {}) == (
        "no difference shown in peak distance in any of the 4 pairs; "
        "not enough groups: with 2 no p-value can be below 0.5"
    )


@pytest.mark.parametrize("ci95", [(-12.0, 1.0), (-12.0, 0.0), (0.0, 3.0)])
def test_an_interval_that_touches_zero_shows_nothing(ci95) -> None:
    found = verdict([row(ci95=ci95, images_to_settle=1234, groups_to_settle=71)], approaches(), baseline())
    assert found is not None
    assert found.startswith("no difference shown between detector and cnn")
    assert "about 71 such groups (1300 images) would settle" in found


@pytest.mark.parametrize(
    ("rows", "known", "base", "words"),
    [
        ([row()], approaches(cnn=0.75), baseline(), "cnn abstains on 25.0 %"),
        ([row(n_groups=4)], approaches(), baseline(), "not enough groups: with 4 no p-value can be below 0.125"),
        ([row(p_value_holm=0.08)], approaches(), baseline(), "p = 0.08 after Holm"),
        ([row(), row("peak_distance_median", 3.0, (1.0, 5.0))], approaches(), baseline(), "median speaks for cnn"),
        ([row(), row("hit_rate", -0.2, (-0.3, -0.1))], approaches(), baseline(), "cnn hits a box more often"),
        ([row()], approaches(px=60.0), baseline(), "no closer than the baseline centre"),
    ],
)
def test_guard_rails(rows, known, base, words: str) -> None:
    found = verdict(rows, known, base)
    assert found is not None
    assert words in found


def test_five_groups_show_nothing_whatever_the_interval() -> None:
    """No p-value of five groups can be below 2 / 2^5 = .0625."""
    found = verdict([row(n_groups=5)], approaches(), baseline())
    assert found is not None
    assert found.startswith(
        "no difference shown between detector and cnn in peak distance (95 % CI -12.0..-4.0 px, 90 images of 5 groups"
    )
    assert "not enough groups: with 5 no p-value can be below 0.0625" in found


def test_one_group_compares_nothing() -> None:
    found = verdict([row(ci95=None, p_value=None, n_groups=1)], approaches(), baseline())
    assert found == "not enough groups to compare detector and cnn (90 images of 1 group, 3 seeds)"


def test_nothing_to_say() -> None:
    assert verdict([row("auc")], approaches(), baseline()) is None


def test_it_speaks_of_what_is_compared_and_summed_up() -> None:
    assert {DISTANCE, MEDIAN, HITS} <= registry.comparisons().keys()
    assert {COVERAGE, MEAN_PX} <= {row.key for row in registry.metric_rows() if row.over_seeds}
