"""How many planted label errors does the audit find, and how many right labels does it accuse?

python -m tests.benchmarks.bench_label_noise [--good 600] [--defect 300] [--noise 0.02] [--seeds 5] [--first-seed 0]

Synthetic devices get wrong labels at random: a defect becomes good and loses its boxes, a good image becomes an unboxed
defect of a random type. For each seed of the planting, the ranking of all labels is cut where it has found 70 % of the
errors, and the precision down to there is printed; the last line is the mean.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_tools.auditing.label_noise import label_confidence, out_of_fold_scores, separation
from data_tools.core.records import GOOD, UNBOXED, Sample, empty_boxes, empty_labels
from data_tools.networks.cell_features import cell_features
from data_tools.synthetic.render import make_synthetic

RECALL = 0.7


def plant(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], np.ndarray]:
    """The samples with a share of wrong labels, and (n,) which are wrong."""
    rng = np.random.default_rng(seed)
    wrong = np.zeros(len(samples), dtype=bool)
    wrong[rng.choice(len(samples), round(share * len(samples)), replace=False)] = True
    types = [s.type for s in samples if s.is_defect]
    planted = []
    for sample, flipped in zip(samples, wrong, strict=True):
        if not flipped:
            planted.append(sample)
        elif sample.is_defect:
            planted.append(
                replace(sample, status=GOOD, type=GOOD, boxes_xyxy=empty_boxes(), labels=empty_labels(), box_types=())
            )
        else:
            planted.append(replace(sample, status=UNBOXED, type=str(rng.choice(types))))
    return planted, wrong


def precision_at_recall(confidence: np.ndarray, wrong: np.ndarray, recall: float = RECALL) -> float:
    """Precision of the shortest list of least confident labels that holds the given share of the wrong ones."""
    found = np.cumsum(wrong[np.argsort(confidence, kind="stable")])
    needed = int(np.ceil(recall * wrong.sum()))
    return float(needed / (np.flatnonzero(found >= needed)[0] + 1))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--good", type=int, default=600)
    parser.add_argument("--defect", type=int, default=300)
    parser.add_argument("--noise", type=float, default=0.02)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0, help="of the plantings; the devices' seed is --data-seed")
    parser.add_argument("--data-seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        dataset = make_synthetic(Path(name) / "data", arguments.good, arguments.defect, seed=arguments.data_seed)
        assert dataset.images_root is not None
        paths, sizes = [s.path for s in dataset.samples], [s.size_hw for s in dataset.samples]
        cells = cell_features(paths, dataset.images_root, sizes, Path(name))
        precisions = []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            planted, wrong = plant(dataset.samples, arguments.noise, seed)
            scores = out_of_fold_scores(cells, planted)
            precisions.append(precision_at_recall(label_confidence(scores, planted), wrong))
            auc = separation(scores, planted)
            print(
                f"seed {seed}: {wrong.sum()} wrong labels, AUC out of fold {auc:.3f}, precision at recall {RECALL}: "
                f"{precisions[-1]:.2f}",
                flush=True,
            )
        print(f"mean precision at recall {RECALL}: {np.mean(precisions):.2f}")


if __name__ == "__main__":
    main()
