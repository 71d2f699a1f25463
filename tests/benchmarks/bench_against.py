"""How often --against ends in status 1 where the model is as good as before, and where it is worse.

python -m tests.benchmarks.bench_against                    # 200 simulations of each case
python -m tests.benchmarks.bench_against --simulations 50

Groups of 2 to 8 images, half of them defects; scores are normal (AUC .95), peaks hit in six of ten images and else lie
an exponential distance away. What images of a group share has the correlation that is named. Two models of equal skill
have each its own luck; a worse one has an AUC of .8 and hits in two of ten.
"""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_tools.core.fields import Fields
from data_tools.core.records import BOXED, GOOD, Dataset, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.judging.against import corrected
from data_tools.judging.against_images import Setting, by_images
from data_tools.judging.against_intervals import by_intervals
from data_tools.judging.changes import WORSE
from data_tools.judging.evaluate import evaluate
from data_tools.judging.judged import Entry
from data_tools.judging.old_report import old_report_of
from data_tools.judging.pairs import Approach
from data_tools.judging.registry import metrics
from data_tools.judging.resampling import resample
from tests.benchmarks.bench_coverage import clusters_of, distances, scores

GROUPS, CORRELATIONS = (12, 30), (0.0, 0.3, 0.7)
MOST_FALSE = 0.07
SIZE, BOX = (100, 100), (40.0, 40.0, 60.0, 60.0)
EQUAL, WORSE_MODEL = (0.95, 0.6), (0.8, 0.2)
JUDGED = ("auc", "peak_distance")
_RESAMPLES = 200


@dataclass(frozen=True)
class Case:
    """Shares of simulations that end in status 1, image by image and by the intervals of two reports."""

    groups: int
    correlation: float
    by_images: float
    by_intervals: float


def dataset_of(rng: np.random.Generator, groups: int) -> Dataset:
    """Images of groups, all for the test, each group with both kinds where it can."""
    codes = clusters_of(rng, groups).codes
    samples = []
    for i, code in enumerate(codes.tolist(), start=1):
        boxed = i % 2 == 0
        boxes, labels = np.array([BOX] if boxed else []).reshape(-1, 4), np.ones(int(boxed), dtype=np.int64)
        kind = (BOXED, "scratch") if boxed else (GOOD, GOOD)
        samples.append(Sample(i, f"{i}.png", SIZE, boxes, labels, kind[0], f"g{code:03d}", kind[1]))
    return Dataset(tuple(samples), ("defect",))


def model(rng: np.random.Generator, dataset: Dataset, skill: tuple[float, float], correlation: float) -> PredictionSet:
    """Predictions of an AUC and a share of hits; never two models with the same luck."""
    from data_tools.metrics.bootstrap import Clusters

    auc, on_target = skill
    clusters = Clusters.of([sample.group for sample in dataset.samples])
    positive = np.array([sample.is_defect for sample in dataset.samples])
    values = scores(rng, clusters, positive, auc, correlation)
    away = np.minimum(8 * distances(rng, clusters, on_target, correlation), 39.0)
    none = np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64)
    records = [
        Prediction(s.image_id, s.path, SIZE, float(score), *none, peak_xy=(float(60 + px) if px else 50.0, 50.0))
        for s, score, px in zip(dataset.samples, values, away, strict=True)
    ]
    return PredictionSet(PredictionHeader("simulated"), tuple(records))


def ends_in_1(seed: int, groups: int, correlation: float, now: tuple[float, float]) -> tuple[bool, bool]:
    """Whether a model is said to be worse than an earlier one of equal or better skill: by images, by intervals."""
    rng = np.random.default_rng((seed, groups, int(10 * correlation)))
    dataset = dataset_of(rng, groups)
    old, new = (
        evaluate(dataset, "all", [Entry("m", model(rng, dataset, skill, correlation))], JUDGED, seed, _RESAMPLES)
        for skill in (EQUAL, now)
    )
    chosen = [metrics()[name] for name in JUDGED]
    a, b = (Approach("m", dict(one.judged)) for one in (new, old))
    earlier = old_report_of(Fields(old.to_json(), "old.json"), Path("old.json"))
    sampled = {m.name: resample(m.sampling, a.runs, seed, _RESAMPLES) for m in chosen if m.sampling is not None}
    both_ways = (
        by_images(a, b, chosen, sampled, Setting((), seed, _RESAMPLES)),
        by_intervals(new, a, earlier, "m", chosen),
    )
    by_image, by_interval = (any(one.change == WORSE for one in corrected(changes)) for changes in both_ways)
    return by_image, by_interval


def shares(groups: int, correlation: float, simulations: int, now: tuple[float, float] = EQUAL) -> Case:
    """How often status 1 comes out."""
    found = [ends_in_1(seed, groups, correlation, now) for seed in range(simulations)]
    by_image, by_interval = np.mean(found, axis=0).tolist()
    return Case(groups, correlation, by_image, by_interval)


def cases(simulations: int, now: tuple[float, float]) -> Iterator[Case]:
    """Every number of groups with every correlation."""
    for groups in GROUPS:
        for correlation in CORRELATIONS:
            yield shares(groups, correlation, simulations, now)


def main() -> None:
    """Simulate and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=200, help="of each case")
    simulations = parser.parse_args().simulations
    logging.disable(logging.WARNING)  # all defects lie in one place, which is remarked each time
    print("| status 1 of | groups | correlation | image by image | by intervals |")
    print("| --- | --- | --- | --- | --- |")
    for name, now in (("an equal model", EQUAL), ("a worse model", WORSE_MODEL)):
        for case in cases(simulations, now):
            print(f"| {name} | {case.groups} | {case.correlation:g} | {case.by_images:.3f} | {case.by_intervals:.3f} |")


if __name__ == "__main__":
    main()
