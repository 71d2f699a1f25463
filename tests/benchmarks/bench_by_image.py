"""What tools that take images as independent say of images in lots: how often they cover, and how often they cry wolf.

python -m tests.benchmarks.bench_by_image                    # 400 simulations of each case

20 groups of 2 to 8 images, as in bench_coverage. scipy's functions are used as their documentation shows them, one
observation an image; beside them what the project gives. Covered: the share of nominal 95 % intervals with the true
value inside. Rejected: the share of p-values up to .05 for two approaches of equal skill, each with luck of its own.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from data_tools.metrics.figures import Mean, Rate
from data_tools.metrics.sign_flip import sign_flip
from tests.benchmarks.bench_coverage import CORRELATIONS, clusters_of, distances, hits

GROUPS, RATE, ON_TARGET, FURTHEST = 20, 0.6, 0.6, 40.0
_RESAMPLES = 500


@dataclass(frozen=True)
class Share:
    """What a tool does in a share of the simulations, and what is done here by group."""

    tool: str
    correlation: float
    theirs: float
    ours: float


Trial = Callable[[np.random.Generator, float, int], tuple[bool, bool]]


def proportion(rng: np.random.Generator, correlation: float, seed: int) -> tuple[bool, bool]:
    """Whether Clopper-Pearson's interval covers a rate."""
    clusters = clusters_of(rng, GROUPS)
    found = hits(rng, clusters, RATE, correlation)
    theirs = stats.binomtest(int(found.sum()), len(found)).proportion_ci()
    ours = Rate(found, clusters).interval(np.zeros(0), seed, _RESAMPLES)
    assert ours is not None
    return theirs.low <= RATE <= theirs.high, ours[0] <= RATE <= ours[1]


def bootstrap(rng: np.random.Generator, correlation: float, seed: int) -> tuple[bool, bool]:
    """Whether the bootstrap (BCa, the default) covers a mean distance."""
    clusters = clusters_of(rng, GROUPS)
    values, true = distances(rng, clusters, ON_TARGET, correlation), 1 - ON_TARGET
    theirs = stats.bootstrap((values,), np.mean, n_resamples=_RESAMPLES, rng=rng).confidence_interval
    ours = Mean(values, clusters, (0.0, FURTHEST)).interval(np.zeros(0), seed, _RESAMPLES)
    assert ours is not None
    return theirs.low <= true <= theirs.high, ours[0] <= true <= ours[1]


def mcnemar(rng: np.random.Generator, correlation: float, seed: int) -> tuple[bool, bool]:
    """Whether the exact binomial test of discordant images, which is McNemar's, rejects."""
    clusters = clusters_of(rng, GROUPS)
    a, b = (hits(rng, clusters, RATE, correlation) for _ in range(2))
    discordant = int((a != b).sum())
    theirs = stats.binomtest(int((a > b).sum()), discordant).pvalue if discordant else 1.0
    ours = sign_flip(Rate(a, clusters).flips(Rate(b, clusters)), GROUPS, seed)
    return theirs <= 0.05, ours is not None and ours <= 0.05


def wilcoxon(rng: np.random.Generator, correlation: float, seed: int) -> tuple[bool, bool]:
    """Whether the signed-rank test of distances rejects."""
    clusters = clusters_of(rng, GROUPS)
    a, b = (distances(rng, clusters, ON_TARGET, correlation) for _ in range(2))
    bounds = 0.0, FURTHEST
    ours = sign_flip(Mean(a, clusters, bounds).flips(Mean(b, clusters, bounds)), GROUPS, seed)
    return bool(stats.wilcoxon(a, b).pvalue <= 0.05), ours is not None and ours <= 0.05


TRIALS: dict[str, Trial] = {
    "scipy.stats.binomtest(...).proportion_ci, covered": proportion,
    "scipy.stats.bootstrap (BCa), covered": bootstrap,
    "scipy.stats.binomtest as McNemar's test, rejected": mcnemar,
    "scipy.stats.wilcoxon, rejected": wilcoxon,
}


def share(tool: str, correlation: float, simulations: int) -> Share:
    """Simulate one case."""
    rng = np.random.default_rng((simulations, int(10 * correlation)))
    theirs, ours = np.mean([TRIALS[tool](rng, correlation, seed) for seed in range(simulations)], axis=0).tolist()
    return Share(tool, correlation, theirs, ours)


def shares(simulations: int) -> Iterator[Share]:
    """Every case."""
    for tool in TRIALS:
        for correlation in CORRELATIONS:
            yield share(tool, correlation, simulations)


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=400, help="of each case")
    print("| images as independent | correlation | theirs | by group |\n| --- | --- | --- | --- |")
    for one in shares(parser.parse_args().simulations):
        print(f"| {one.tool} | {one.correlation:g} | {one.theirs:.3f} | {one.ours:.3f} |", flush=True)


if __name__ == "__main__":
    main()
