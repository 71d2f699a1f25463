"""The report as one self-contained page: verdict, tables, curves, live thresholds and a gallery of every image.

The page's scripts draw all marks from compact data, so each picture is stored once. A content security policy forbids
any network access and any script but the page's own.
"""

import base64
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, Dataset, PredictionSet, Sample
from data_tools.files.atomic import write_text
from data_tools.metrics.froc import Froc, froc
from data_tools.metrics.peak_distance import centre_peaks, mean_position_peaks, peak_distances, random_peaks
from data_tools.report import figures
from data_tools.report.breakdown import breakdown_tables
from data_tools.report.cases import NEAR_PX, OUTCOMES, Case, Threshold, gather, report_thresholds
from data_tools.report.page_data import page_data, safe_json
from data_tools.report.table import comparison_table, describe_data, describe_engines, metric_table, seed_table
from data_tools.report.thumbnails import Thumbnails, make_thumbnails

log = logging.getLogger(__name__)

THUMBNAIL_SIDE = 320
SCRIPTS = ("model.js", "draw.js", "thresholds.js", "review.js", "viewer.js", "gallery.js", "link.js")
_SIZE_MARK = "@@size-of-the-page@@"


@dataclass(frozen=True)
class _Figure:
    title: str
    svg: Markup


def write_html(
    path: Path,
    report: Mapping[str, Any],
    dataset: Dataset,
    predictions: Mapping[str, PredictionSet],
    split: str,
    thumbnail_side: int = THUMBNAIL_SIDE,
) -> None:
    """Write the page, atomically; says on the log how many images it holds and how large it is.

    Args:
        path: the page. It needs no network and no other file.
        report: as `data_tools.judging.evaluate.evaluate` returns it; every key may be absent or null.
        dataset: the truth; where its images are not at hand the page says so and draws on blank ones.
        predictions: by the labels of the report.
        split: that was judged.
        thumbnail_side: limit of the pictures' longest side in pixels; thousands of images get smaller ones.

    Raises:
        InputError: an image is not readable or has another size than annotated, or the side is below 32 pixels.
    """
    if thumbnail_side < 32:
        raise InputError(f"thumbnail side {thumbnail_side}: at least 32 pixels, so that a picture shows something")
    thresholds = report_thresholds(report)
    cases = gather(dataset.split(split), predictions, thresholds)
    pictures, why_none = _pictures([case.sample for case in cases], dataset.images_root, thumbnail_side)
    boxed = [case.sample for case in cases if case.sample.status == BOXED]
    training = dataset.split("train") if dataset.splits is not None else ()
    baselines = _baselines(boxed, training)
    script, style = _script(), (files("data_tools.report") / "page" / "page.css").read_text(encoding="utf-8")
    page = (
        template_environment()
        .get_template("page.html")
        .render(
            title=" vs ".join(predictions),
            policy=_policy(script),
            style=Markup(style),
            script=Markup(script),
            data_line=describe_data(report),
            engines=describe_engines(report),
            verdict=report.get("verdict"),
            tables=[t for t in (metric_table(report), seed_table(report), comparison_table(report)) if t is not None],
            breakdown=breakdown_tables(report),
            thresholds=thresholds,
            figures=_figures(cases, baselines, thresholds, _approaches(report)),
            data=safe_json(page_data(cases, thresholds, None if pictures is None else pictures.jpegs, split)),
            n_images=len(cases),
            side=None if pictures is None else pictures.side,
            why_none=why_none,
            outcomes=OUTCOMES,
            near_px=NEAR_PX,
            size_mark=_SIZE_MARK,
        )
    )
    size = f"{len(page.encode('utf-8')) / 1e6:.1f} MB"
    write_text(path, page.replace(_SIZE_MARK, size))
    log.info("%s: %d images, %s", path, len(cases), size)


def _pictures(samples: Sequence[Sample], root: Path | None, side: int) -> tuple[Thumbnails | None, str]:
    """The pictures, or the reason why there are none."""
    if root is None:
        return None, "The dataset has boxes only: no images are at hand, so marks are drawn on blank ones."
    if not root.is_dir():
        return None, f"The images are not at hand ({root} does not exist), so marks are drawn on blank ones."
    return make_thumbnails(samples, root, side), ""


def _figures(
    cases: Sequence[Case],
    baselines: Mapping[str, NDArray[np.float64]],
    thresholds: Mapping[str, Threshold],
    approaches: Mapping[str, str],
) -> list[_Figure]:
    labels = list(cases[0].predictions) if cases else []
    scores = {label: [case.predictions[label].score for case in cases] for label in labels}
    positive = [case.sample.is_defect for case in cases]
    values = {label: threshold.value for label, threshold in thresholds.items()}
    distances = {label: [case.distances[label] for case in cases if case.distances] for label in labels}
    drawn = (
        ("ROC, whole and its corner of escapes against overkill", figures.roc(scores, positive, values, approaches)),
        ("precision over recall", figures.precision_recall(scores, positive, values, approaches)),
        ("share of boxed images over peak distance", figures.distance_recall(distances, baselines, approaches)),
        ("FROC: true boxes found over false boxes an image", figures.froc(_froc_curves(cases, labels), approaches)),
    )
    return [_Figure(title, _inline(svg)) for title, svg in drawn if svg is not None]


def _approaches(report: Mapping[str, Any]) -> dict[str, str]:
    """The approach of each run by its label."""
    known = report.get("approaches") or {}
    return {label: name for name, approach in known.items() for label in approach.get("runs", ())}


def _froc_curves(cases: Sequence[Case], labels: Sequence[str]) -> dict[str, dict[str, Froc]]:
    """By rule and approach; an approach that gives no box at all on any image has no curve."""
    samples = [case.sample for case in cases]
    rules: dict[str, dict[str, Any]] = {
        "IoU at least 0.5": {},
        f"centre within {NEAR_PX:.0f} px": {"within_px": NEAR_PX},
    }
    curves: dict[str, dict[str, Froc]] = {rule: {} for rule in rules}
    for label in labels:
        predictions = [case.predictions[label] for case in cases]
        if not any(len(prediction.boxes_xyxy) for prediction in predictions):
            continue
        for rule, options in rules.items():
            curve = froc(samples, predictions, **options)
            if curve is not None:
                curves[rule][label] = curve
    return curves


def _baselines(boxed: Sequence[Sample], training: Sequence[Sample]) -> dict[str, NDArray[np.float64]]:
    peaks = {
        "image centre": centre_peaks(boxed),
        "mean training position": mean_position_peaks(boxed, training),
        "random": random_peaks(boxed, 0),
    }
    return {name: peak_distances(boxed, points).to_box for name, points in peaks.items()}


def _script() -> str:
    """All scripts as one strict function, so that nothing of it is global."""
    folder = files("data_tools.report") / "page"
    parts = [(folder / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '(function () {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    )


def _inline(svg: bytes) -> Markup:
    """The <svg> element without the XML prologue; text in it was escaped when it was drawn."""
    text = svg.decode("utf-8")
    return Markup(text[text.index("<svg") :])


def template_environment() -> Environment:
    """Where the pages' templates are found; what goes into them is escaped."""
    loader = PackageLoader("data_tools.report", "page")
    return Environment(loader=loader, autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True)
