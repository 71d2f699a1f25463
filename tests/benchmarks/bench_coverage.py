"""Whether 95 % intervals cover what they should, and true nulls are left alone, where groups are few and images alike.

python -m tests.benchmarks.bench_coverage                    # 400 simulations of each case
python -m tests.benchmarks.bench_coverage --simulations 100

Groups have 2 to 8 images. A rate is beta-binomial; a distance is exponential, or 0 on six of ten images and exponential
on the others; a score is normal, shifted on defects so that the AUC is as named. What images of a group share is set by
their correlation (of the underlying normal numbers, for distances and scores). Scores share it by class: "mixed" has
both classes in each group, in "apart" a group has one. In a null case two approaches are equally good, each with its
own correlated luck: the share of p-values up to .05, and of intervals that do not hold 0.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from data_tools.metrics.bootstrap import Clusters, distributions
from data_tools.metrics.clustered import resampled_interval
from data_tools.metrics.figures import Auc, Figure, Mean, Rate
from data_tools.metrics.sign_flip import sign_flip

GROUPS, CORRELATIONS = (8, 20, 60), (0.0, 0.3, 0.7)
LEAST_COVERAGE = {8: 0.90, 20: 0.92, 60: 0.93}
MOST_REJECTED = 0.07
FURTHEST = 40.0
_RESAMPLES = 1000

Draw = Callable[[np.random.Generator, int, float], tuple[Figure, float]]
"""Generator, number of groups and correlation -> a figure and its true value."""
DrawNull = Callable[[np.random.Generator, int, float], tuple[Figure, Figure]]


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        name, groups, correlation: of the case.
        share: covered; of a null case, rejected by the p-value.
        by_interval: of a null case, rejected by the interval.
        width: median of the intervals'.
    """

    name: str
    groups: int
    correlation: float
    share: float
    by_interval: float | None
    width: float

    @property
    def holds(self) -> bool:
        """Whether it is as the project asks."""
        if self.by_interval is None:
            return self.share >= LEAST_COVERAGE[self.groups]
        return max(self.share, self.by_interval) <= MOST_REJECTED


def clusters_of(rng: np.random.Generator, groups: int) -> Clusters:
    """2 to 8 images in each group."""
    return Clusters(np.repeat(np.arange(groups), rng.integers(2, 9, groups)), groups)


def shared_normal(rng: np.random.Generator, clusters: Clusters, correlation: float) -> np.ndarray:
    """(n,) standard normal numbers of which those of a group have a correlation."""
    own, common = rng.normal(size=len(clusters.codes)), rng.normal(size=clusters.total)[clusters.codes]
    return math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own


def hits(rng: np.random.Generator, clusters: Clusters, rate: float, correlation: float) -> np.ndarray:
    """(n,) 0 or 1, beta-binomial."""
    chances = np.full(clusters.total, rate)
    if correlation:
        strength = 1 / correlation - 1
        chances = rng.beta(rate * strength, (1 - rate) * strength, clusters.total)
    return (rng.random(len(clusters.codes)) < chances[clusters.codes]).astype(float)


def rate_of(rate: float) -> Draw:
    """Draws hit rates."""

    def draw(rng: np.random.Generator, groups: int, correlation: float) -> tuple[Figure, float]:
        clusters = clusters_of(rng, groups)
        return Rate(hits(rng, clusters, rate, correlation), clusters), rate

    return draw


def distance(on_target: float) -> Draw:
    """Draws mean distances of which a share is 0 and the others are exponential with a mean of 1."""

    def draw(rng: np.random.Generator, groups: int, correlation: float) -> tuple[Figure, float]:
        clusters = clusters_of(rng, groups)
        values = distances(rng, clusters, on_target, correlation)
        return Mean(values, clusters, (0.0, FURTHEST)), 1 - on_target

    return draw


def distances(rng: np.random.Generator, clusters: Clusters, on_target: float, correlation: float) -> np.ndarray:
    """(n,) of them."""
    from scipy.stats import norm

    beyond = norm.sf(shared_normal(rng, clusters, correlation))
    return np.maximum(-np.log(beyond / (1 - on_target)), 0.0)


def auc_of(auc: float, apart: bool) -> Draw:
    """Draws AUCs."""

    def draw(rng: np.random.Generator, groups: int, correlation: float) -> tuple[Figure, float]:
        clusters, positive = truth(rng, groups, apart)
        return Auc(scores(rng, clusters, positive, auc, correlation), positive, clusters), auc

    return draw


def truth(rng: np.random.Generator, groups: int, apart: bool) -> tuple[Clusters, np.ndarray]:
    """Groups, and which images are defects: those of every other group, or a third at random."""
    while True:
        clusters = clusters_of(rng, groups)
        positive = clusters.codes % 2 == 0 if apart else rng.random(len(clusters.codes)) < 0.35
        if 2 <= positive.sum() <= len(positive) - 2:
            return clusters, positive


def scores(
    rng: np.random.Generator, clusters: Clusters, positive: np.ndarray, auc: float, correlation: float
) -> np.ndarray:
    """(n,) of which a group's positives share something, and its negatives something else."""
    from scipy.stats import norm

    of_class = [shared_normal(rng, clusters, correlation) for _ in range(2)]
    return np.where(positive, of_class[0] + math.sqrt(2) * norm.ppf(auc), of_class[1])


def null_rate(rng: np.random.Generator, groups: int, correlation: float) -> tuple[Figure, Figure]:
    """Two hit rates of .8."""
    clusters = clusters_of(rng, groups)
    first, second = (Rate(hits(rng, clusters, 0.8, correlation), clusters) for _ in range(2))
    return first, second


def null_distance(rng: np.random.Generator, groups: int, correlation: float) -> tuple[Figure, Figure]:
    """Two mean distances of which six of ten are 0."""
    clusters = clusters_of(rng, groups)
    first, second = (Mean(distances(rng, clusters, 0.6, correlation), clusters, (0.0, FURTHEST)) for _ in range(2))
    return first, second


def null_auc(rng: np.random.Generator, groups: int, correlation: float) -> tuple[Figure, Figure]:
    """Two AUCs of .95."""
    clusters, positive = truth(rng, groups, False)
    first, second = (Auc(scores(rng, clusters, positive, 0.95, correlation), positive, clusters) for _ in range(2))
    return first, second


COVERED: dict[str, Draw] = {
    "rate .6": rate_of(0.6),
    "rate .95": rate_of(0.95),
    "rate .98": rate_of(0.98),
    "distance, exponential": distance(0.0),
    "distance, six of ten 0": distance(0.6),
    "AUC .95, mixed": auc_of(0.95, apart=False),
    "AUC .95, apart": auc_of(0.95, apart=True),
    "AUC .99, mixed": auc_of(0.99, apart=False),
    "AUC .99, apart": auc_of(0.99, apart=True),
}
NULLS: dict[str, DrawNull] = {"rate .8": null_rate, "distance, six of ten 0": null_distance, "AUC .95": null_auc}


def cover(name: str, groups: int, correlation: float, simulations: int) -> Outcome:
    """How often the interval holds the true value; one that is not given, for want of groups, does."""
    rng = np.random.default_rng((groups, int(10 * correlation), simulations))
    covered, widths = 0, []
    for seed in range(simulations):
        figure, value = COVERED[name](rng, groups, correlation)
        ends = figure.interval(np.zeros(0), seed, _RESAMPLES)
        covered += ends is None or ends[0] <= value <= ends[1]
        widths.append(math.inf if ends is None else ends[1] - ends[0])
    return Outcome(name, groups, correlation, covered / simulations, None, float(np.median(widths)))


def reject(name: str, groups: int, correlation: float, simulations: int) -> Outcome:
    """How often a difference is claimed where there is none."""
    rng = np.random.default_rng((groups, int(10 * correlation), simulations))
    by_p_value, by_interval, widths = 0, 0, []
    for seed in range(simulations):
        a, b = NULLS[name](rng, groups, correlation)
        p_value = sign_flip(a.flips(b), groups, seed)
        by_p_value += p_value is not None and p_value <= 0.05
        drawn = distributions(a.clusters, [a.statistic(), b.statistic()], seed, _RESAMPLES)
        span = a.bounds[1] - a.bounds[0]
        difference = (a.value or 0.0) - (b.value or 0.0)
        ends = resampled_interval(difference, drawn[:, 0] - drawn[:, 1], groups, a.fewest_groups, (-span, span))
        by_interval += ends is not None and not ends[0] <= 0 <= ends[1]
        widths.append(math.inf if ends is None else ends[1] - ends[0])
    share, of_intervals = by_p_value / simulations, by_interval / simulations
    return Outcome(name, groups, correlation, share, of_intervals, float(np.median(widths)))


def outcomes(simulations: int) -> Iterator[Outcome]:
    """Every case."""
    for names, judge in ((COVERED, cover), (NULLS, reject)):
        for name in names:
            for groups in GROUPS:
                for correlation in CORRELATIONS:
                    yield judge(name, groups, correlation, simulations)


def table(rows: list[Outcome]) -> str:
    """Markdown: one row a figure, one column a number of groups and a correlation; what does not hold is marked."""
    cases = [(groups, correlation) for groups in GROUPS for correlation in CORRELATIONS]
    lines = []
    for null in (False, True):
        chosen = [row for row in rows if (row.by_interval is not None) == null]
        head = "null rejected: p, interval" if null else "covered (median width)"
        lines.append(f"| {head} | " + " | ".join(f"{g} groups, {c:g}" for g, c in cases) + " |")
        lines.append("|" + " --- |" * (len(cases) + 1))
        for name in dict.fromkeys(row.name for row in chosen):
            of_name = {(row.groups, row.correlation): row for row in chosen if row.name == name}
            lines.append(f"| {name} | " + " | ".join(_cell(of_name[case]) for case in cases) + " |")
        lines.append("")
    return "\n".join(lines)


def _cell(row: Outcome) -> str:
    beside = f" ({row.width:.2f})" if row.by_interval is None else f", {row.by_interval:.3f}"
    return f"{row.share:.3f}{beside}" + ("" if row.holds else " !")


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=400, help="of each case")
    simulations = parser.parse_args().simulations
    rows = list(outcomes(simulations))
    print(table(rows))
    fallen = [row for row in rows if not row.holds]
    limits = ", ".join(f"{share:.2f} with {groups} groups" for groups, share in LEAST_COVERAGE.items())
    print(f"{simulations} simulations; covered at least {limits}; rejected at most {MOST_REJECTED:.2f}.")
    print(f"{len(fallen)} of {len(rows)} cases fall short" + (" (marked !)" if fallen else ""))


if __name__ == "__main__":
    main()
