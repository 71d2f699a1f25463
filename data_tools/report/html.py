"""The report as one self-contained page: tables, plots, and a gallery of overlays that can be filtered and sorted."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from numpy.typing import NDArray

from data_tools.atomic import write_text
from data_tools.errors import InputError
from data_tools.images import read_gray, resolve_under
from data_tools.metrics.peak_distance import centre_peaks, mean_position_peaks, peak_distances, random_peaks
from data_tools.records import BOXED, Dataset, PredictionSet, Sample
from data_tools.report import figures
from data_tools.report.cases import OUTCOMES, Case, Threshold, gallery, gather, report_thresholds
from data_tools.report.overlays import describe_distance, draw_overlay
from data_tools.report.table import comparison_table, describe_data, metric_table, type_table

_OUTCOME_HELP = {
    "escape": "a defect image that an approach passes",
    "overkill": "a good image that an approach flags",
    "no peak": "an approach abstains from saying where",
    "off target": "a peak outside every true box",
    "disagreement": "one approach is right where another is not",
    "hit": "every peak inside a true box",
    "pass": "a good image that no approach flags",
}


@dataclass(frozen=True)
class _Figure:
    title: str
    svg: Markup


@dataclass(frozen=True)
class _Card:
    """One image of the gallery."""

    image_id: int
    path: str
    type: str
    outcomes: tuple[str, ...]
    distance: float
    score: float
    caption: str
    picture: str


def write_html(
    path: Path, report: Mapping[str, Any], dataset: Dataset, predictions: Mapping[str, PredictionSet], split: str,
    max_overlays: int = 48,
) -> None:  # fmt: skip
    """Write the page, atomically. It needs no network and no other file.

    Args:
        path: the page.
        report: as `data_tools.evaluate.evaluate` returns it.
        dataset: the truth; without images the page says so and has no gallery.
        predictions: by the labels of the report.
        split: that was judged.
        max_overlays: images in the gallery: the farthest peaks, escapes, overkills, disagreements, then random ones.

    Raises:
        InputError: an image is not readable.
    """
    thresholds = report_thresholds(report)
    cases = gather(dataset.split(split), predictions, thresholds)
    cards, why_none = _cards(cases, dataset, thresholds, max_overlays)
    page = template_environment().get_template("page.html").render(
        title=" vs ".join(predictions),
        data=describe_data(report),
        verdict=report.get("verdict"),
        tables=[
            table for table in (metric_table(report), type_table(report), comparison_table(report)) if table is not None
        ],
        thresholds=thresholds,
        figures=_figures(cases, dataset, thresholds),
        cards=cards,
        why_none=why_none,
        n_cases=len(cases),
        types=sorted({card.type for card in cards}),
        outcomes=[(name, _OUTCOME_HELP[name]) for name in OUTCOMES if any(name in card.outcomes for card in cards)],
    )  # fmt: skip
    write_text(path, page)


def _figures(cases: Sequence[Case], dataset: Dataset, thresholds: Mapping[str, Threshold]) -> list[_Figure]:
    labels = list(cases[0].predictions) if cases else []
    scores = {label: [case.predictions[label].score for case in cases] for label in labels}
    positive = [case.sample.is_defect for case in cases]
    values = {label: threshold.value for label, threshold in thresholds.items()}
    boxed = [case for case in cases if case.sample.status == BOXED]
    distances = {label: [case.distances[label] for case in boxed] for label in labels}
    drawn = (
        ("ROC", figures.roc(scores, positive, values)),
        ("Distance-recall", figures.distance_recall(distances, _baselines([case.sample for case in boxed], dataset))),
        ("Scores", figures.score_histograms(scores, [case.sample.status for case in cases], values)),
    )
    return [_Figure(title, _inline(svg)) for title, svg in drawn if svg is not None]


def _baselines(boxed: Sequence[Sample], dataset: Dataset) -> dict[str, NDArray[np.float64]]:
    training = dataset.split("train") if dataset.splits is not None else ()
    peaks = {
        "image centre": centre_peaks(boxed),
        "mean training position": mean_position_peaks(boxed, training),
        "random": random_peaks(boxed, 0),
    }
    return {name: peak_distances(boxed, points).to_box for name, points in peaks.items()}


def _cards(
    cases: Sequence[Case], dataset: Dataset, thresholds: Mapping[str, Threshold], count: int
) -> tuple[list[_Card], str]:
    """The gallery, or the reason why there is none."""
    root = dataset.images_root
    if root is None:
        return [], "The dataset has boxes only: no images are at hand to draw on."
    if not root.is_dir():
        return [], f"The images are not at hand: {root} does not exist."
    values = {label: threshold.value for label, threshold in thresholds.items()}
    return [_card(case, root, values) for case in gallery(cases, count)], ""


def _card(case: Case, root: Path, thresholds: Mapping[str, float]) -> _Card:
    sample = case.sample
    image = read_gray(resolve_under(root, sample.path))
    if image.shape != sample.size_hw:
        raise InputError(f"{sample.path} (image {sample.image_id}): has another size than annotated")
    sheet = draw_overlay(image, sample, case.predictions, thresholds, long_side=300, legend=False)
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG", quality=82, optimize=True)
    distances = [f"{label} {describe_distance(value)}" for label, value in case.distances.items()]
    caption = ", ".join(distances) or ", ".join(case.outcomes)
    worst = case.worst_px
    return _Card(
        image_id=sample.image_id, path=sample.path, type=sample.type, outcomes=case.outcomes,
        distance=-1.0 if worst is None else min(worst, 1e9),
        score=max(prediction.score for prediction in case.predictions.values()), caption=caption,
        picture="data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii"),
    )  # fmt: skip


def _inline(svg: bytes) -> Markup:
    """The <svg> element without the XML prologue; text in it was escaped when it was drawn."""
    text = svg.decode("utf-8")
    return Markup(text[text.index("<svg") :])


def template_environment() -> Environment:
    """Where the pages' templates are found; what goes into them is escaped."""
    loader = PackageLoader("data_tools.report", ".")
    return Environment(loader=loader, autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True)
