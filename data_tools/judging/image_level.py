"""The image level: which images are flagged, and how well scores tell defects from good images."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from data_tools.judging.judged import Judged
from data_tools.judging.metric import LOWER, Comparison, Metric, MetricRow, Style
from data_tools.judging.operating_point import INTERVALS, ROWS, operating_figures, operating_point
from data_tools.judging.pairs import by_group
from data_tools.judging.resampling import Sampling
from data_tools.judging.single_images import delong
from data_tools.metrics.auc import roc_auc
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.calibration import calibration
from data_tools.metrics.figures import Auc, AveragePrecision, Figure
from data_tools.metrics.fpr_at_tpr import TPRS, fpr_at_tpr


def image_level(judged: Judged) -> dict[str, Any]:
    """Sections "auc", "average_precision", "fpr_at_tpr", "operating_point" (from validation) and "calibration"."""
    scores, positive = judged.scores, judged.positive
    auc = roc_auc(scores, positive) if len(scores) else None
    n_positive = int(positive.sum())
    points = {str(tpr): fpr_at_tpr(scores, positive, tpr) for tpr in TPRS}
    return {
        "auc": None
        if auc is None
        else {"value": auc, "n_positive": n_positive, "n_negative": len(scores) - n_positive}
        | {f"n_groups{name}": groups for name, groups in _groups(judged).items()},
        # without good images every precision is 1, which says nothing of the scores
        "average_precision": {"value": None if positive.all() else average_precision(scores, positive)},
        "fpr_at_tpr": {tpr: None if point is None else asdict(point) for tpr, point in points.items()},
        "operating_point": operating_point(judged),
        "calibration": calibration(scores, positive),
    }


def _groups(judged: Judged) -> dict[str, int]:
    """How many groups there are, how many with positives and how many with negatives."""
    kinds = (("", None), ("_positive", True), ("_negative", False))
    return {
        name: len({sample.group for sample in judged.samples if kind is None or sample.is_defect == kind})
        for name, kind in kinds
    }


def _figures(judged: Judged, clusters: Clusters) -> Mapping[str, Figure]:
    """Average precision, AUC, and the rates at the threshold from validation."""
    scores, positive = judged.scores, judged.positive
    figures: dict[str, Figure] = {
        "average_precision": AveragePrecision(scores, positive, clusters),
        "auc": Auc(scores, positive, clusters),
    }
    return figures | operating_figures(judged, clusters)


def _n(judged: Judged) -> int:
    return len(judged.samples)


def _fpr_row(tpr: str, percent: str, kept: bool = False) -> MetricRow:
    meaning = f"Share of good images flagged at the highest threshold that catches {percent} % of the defects here."
    path = ("fpr_at_tpr", tpr, "fpr")
    return MetricRow(f"FPR at TPR {percent} %", path, meaning, Style.PERCENT, LOWER, short=kept, over_seeds=kept)


METRIC = Metric(
    name="auc",
    compute=image_level,
    rows=(
        MetricRow(
            "AUC",
            ("auc", "value"),
            "Probability that a defect image scores higher than a good one.",
            ci95=("auc", "ci95"),
            short=True,
            over_seeds=True,
        ),
        MetricRow(
            "average precision",
            ("average_precision", "value"),
            "Area under precision and recall of the flagged images.",
            ci95=("average_precision", "ci95"),
            short=True,
            over_seeds=True,
        ),
        _fpr_row("0.98", "98", kept=True),
        _fpr_row("0.991", "99.1"),
        _fpr_row("0.993", "99.3"),
        _fpr_row("0.995", "99.5"),
        _fpr_row("0.997", "99.7", kept=True),
        _fpr_row("1.0", "100"),
        *ROWS,
        MetricRow(
            "Brier score",
            ("calibration", "brier"),
            "Mean squared difference of the score, read as a probability, and the truth.",
            better=LOWER,
        ),
        MetricRow(
            "expected calibration error",
            ("calibration", "ece"),
            "How far scores, read as probabilities, lie from the share of defects that they announce.",
            better=LOWER,
        ),
    ),
    sampling=Sampling(lambda judged: judged.samples, _figures),
    intervals={
        "auc": ("auc", "ci95"),
        "average_precision": ("average_precision", "ci95"),
        **INTERVALS,
    },
    comparisons=(
        Comparison("auc", "AUC", by_group("auc", _n, delong), in_family=True, path=("auc", "value")),
        Comparison(
            "average_precision",
            "average precision",
            by_group("average_precision", _n),
            in_family=True,
            path=("average_precision", "value"),
        ),
        Comparison(
            "operating_point.tpr",
            "TPR, validation threshold",
            by_group("tpr", lambda judged: int(judged.positive.sum())),
            short=False,
            path=("operating_point", "tpr"),
        ),
        Comparison(
            "operating_point.fpr",
            "FPR, validation threshold",
            by_group("fpr", lambda judged: int((~judged.positive).sum())),
            better=LOWER,
            short=False,
            path=("operating_point", "fpr"),
        ),
    ),
)
