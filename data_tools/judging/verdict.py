"""The verdict: what the comparison of peak distances shows, in a sentence that claims no more than it may."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_tools.core.printable import counted
from data_tools.judging.evaluation_report import ApproachReport, Difference
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS
from data_tools.metrics.comparison import FEWEST_GROUPS
from data_tools.metrics.sign_flip import smallest_p_value

DISTANCE, MEDIAN, HITS = "peak_distance", "peak_distance_median", "hit_rate"
"""The comparisons that it speaks of."""
_MOST_PAIRS = 3
COVERAGE, MEAN_PX = "peak_distance.coverage", "peak_distance.mean_px"
"""The figures over seeds that it speaks of."""


def verdict(
    comparisons: Sequence[Difference],
    approaches: Mapping[str, ApproachReport],
    baselines: Mapping[str, Mapping[str, Any]],
) -> str | None:
    """One sentence a pair, of more than three pairs those that show something; None without a comparison of distances.

    Args:
        comparisons: rows as `compare_all` gives them.
        approaches: by name, with "peak_distance.coverage" and "peak_distance.mean_px" as means over seeds.
        baselines: the report's baselines.
    """
    pairs = [row for row in comparisons if row.metric == DISTANCE]
    told = pairs if len(pairs) <= _MOST_PAIRS else [row for row in pairs if _shown(row)]
    sentences = []
    for row in told:
        others = {r.metric: r for r in comparisons if (r.a, r.b) == (row.a, row.b)}
        warnings = _warnings(row, others, approaches, baselines)
        sentences.append("; ".join([_claim(row, names_both=len(pairs) > 1), *warnings]))
    rest = [row for row in pairs if row not in told]
    if rest:
        few = _too_few_groups(max(row.n_groups for row in rest))
        which = f"{'the other' if told else 'any of the'} {counted(len(rest), 'pair')}"
        sentences.append("; ".join([f"no difference shown in peak distance in {which}", *few]))
    return ". ".join(sentences) or None


def _claim(row: Difference, names_both: bool) -> str:
    """What a pair shows. `names_both`: also whom the closer one is closer than, which only one pair leaves clear."""
    seeds = sorted({row.seeds_a, row.seeds_b})
    count = " and ".join(map(str, seeds)) + (" seed" if seeds == [1] else " seeds")
    n = f"{counted(row.n, 'image')} of {counted(row.n_groups, 'group')}, {count}"
    if row.ci95 is None:
        return f"{NOT_ENOUGH_GROUPS} to compare {row.a} and {row.b} ({n})"
    low, high = row.ci95
    if not _shown(row):
        interval = f"95 % CI {low:.1f}..{high:.1f} px, {n}"
        return f"no difference shown between {row.a} and {row.b} in peak distance ({interval}){_to_settle(row)}"
    closer, other, low, high = (row.a, row.b, -high, -low) if row.difference < 0 else (row.b, row.a, low, high)
    than = f" than {other}" if names_both else ""
    return f"{closer} closer by {abs(row.difference):.1f} px{than} (95 % CI {low:.1f}..{high:.1f}, {n})"


def _warnings(
    row: Difference,
    others: Mapping[str, Difference],
    approaches: Mapping[str, ApproachReport],
    baselines: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """What a reader must know beside the claim."""
    winner, loser = (row.a, row.b) if row.difference < 0 else (row.b, row.a)
    warnings = []
    for name in (row.a, row.b):
        coverage = _mean(approaches, name, COVERAGE)
        if coverage is not None and coverage < 1:
            warnings.append(f"{name} abstains on {100 * (1 - coverage):.1f} % of the boxed images, left out of this")
    if row.ci95 is not None:
        warnings += _too_few_groups(row.n_groups)
    if not _shown(row):
        return warnings
    adjusted = row.p_value_holm
    if adjusted is not None and adjusted > 0.05:
        warnings.append(f"yet p = {adjusted:.2f} after Holm's correction")
    if _leads(MEDIAN, others, loser, lower=True):
        warnings.append(f"the median speaks for {loser}")
    if _leads(HITS, others, loser, lower=False):
        warnings.append(f"but {loser} hits a box more often")
    own = _mean(approaches, winner, MEAN_PX)
    trivial = {name: value["peak_distance"]["mean_px"] for name, value in baselines.items()}
    better = sorted(name for name, px in trivial.items() if px is not None and own is not None and px <= own)
    if better:
        named = " and ".join(name.replace("_", " ") for name in better)
        warnings.append(f"but it is no closer than the baseline {named}, so it has learnt no place")
    return warnings


def _too_few_groups(groups: int) -> list[str]:
    """That so many show nothing, if they do not."""
    if groups >= FEWEST_GROUPS:
        return []
    return [f"{NOT_ENOUGH_GROUPS}: with {groups} no p-value can be below {smallest_p_value(groups):.4g}"]


def _leads(metric: str, others: Mapping[str, Difference], name: str, lower: bool) -> bool:
    """Whether `name` is shown to be better."""
    row = others.get(metric)
    if row is None or not _shown(row):
        return False
    better = row.a if (row.difference < 0) == lower else row.b
    return bool(better == name)


def _shown(row: Difference) -> bool:
    """Whether the interval excludes 0, and there are groups enough for a p-value to say the same."""
    return row.ci95 is not None and not row.ci95[0] <= 0 <= row.ci95[1] and row.n_groups >= FEWEST_GROUPS


def _to_settle(row: Difference) -> str:
    if row.groups_to_settle is None or row.images_to_settle is None:
        return ""
    groups, images = _round_up(row.groups_to_settle), _round_up(row.images_to_settle)
    return f"; about {groups} such groups ({images} images) would settle a difference of this size"


def _mean(approaches: Mapping[str, ApproachReport], name: str, key: str) -> float | None:
    summary = approaches[name].metrics.get(key) if name in approaches else None
    return None if summary is None else summary.mean


def _round_up(count: int) -> int:
    """Two leading digits: the approximation is worth no more."""
    step: int = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step
