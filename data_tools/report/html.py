"""The report as one self-contained page: verdict, tables, curves, live thresholds and a gallery of every image.

The page's scripts draw all marks from compact data, so each picture is stored once. A content security policy forbids
any network access and any script but the page's own.
"""

import base64
import hashlib
import html
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from data_tools.core.errors import InputError
from data_tools.core.printable import printable, printable_lines
from data_tools.core.records import Prediction
from data_tools.files.atomic import write_text
from data_tools.judging.curves import baseline_curves, curves_of, dot_at
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.metrics.operating_point import Costs
from data_tools.report import figures
from data_tools.report.breakdown import breakdown_tables
from data_tools.report.cells import as_mapping
from data_tools.report.changes import change_table
from data_tools.report.class_tables import class_tables
from data_tools.report.outcomes import NEAR_PX, OUTCOMES, ImageOutcome, Threshold, image_outcomes, thresholds_of
from data_tools.report.overlays import View, as_svg, draw_contact_sheet
from data_tools.report.page_data import page_data, safe_json
from data_tools.report.pictures_beside import are_beside, pictures_beside, pictures_folder
from data_tools.report.summary import summary_table
from data_tools.report.table import (
    comparison_table,
    describe_data,
    describe_engines,
    describe_remarks,
    describe_rule,
    metric_table,
    seed_table,
)
from data_tools.report.telling import RULE, RULE_ALONE, most_telling
from data_tools.report.thumbnails import make_thumbnails, read_sample

log = logging.getLogger(__name__)

THUMBNAIL_SIDE = 320
SCRIPTS = (
    "columns.js",
    "model.js",
    "draw.js",
    "thresholds.js",
    "review.js",
    "viewer.js",
    "gallery.js",
    "rows.js",
    "link.js",
)
FROC_RULES = {"iou_0.5": "IoU at least 0.5", "centre_within_15px": f"centre within {NEAR_PX:.0f} px"}
"""The rules that are drawn, with their names for people."""
BASELINES = {"centre": "image centre", "mean_position": "mean training position", "random": "random"}
_TELLING_PANEL_IN = 2.0
_SIZE_MARK = "@@size-of-the-page@@"


@dataclass(frozen=True)
class _Figure:
    title: str
    svg: Markup


def write_html(
    path: Path, report: EvaluationReport, images_root: Path | None, thumbnail_side: int = THUMBNAIL_SIDE
) -> None:
    """Write the page, atomically; says on the log how many images it holds and how large it is.

    Args:
        path: the page. It needs no network and no other file; but the pictures of more than 3,000 images lie in a
            folder beside it, `report.images/` for `report.html`.
        report: with the runs as they were judged.
        images_root: of the dataset; where its images are not at hand the page says so and draws on blank ones.
        thumbnail_side: limit of the pictures' longest side in pixels, of strips four times that; so many images
            as fit no page of some 20 MB get smaller ones.

    Raises:
        InputError: an image is not readable or has another size than annotated, the side is below 32 pixels,
            or a folder that no page has made is in the way of the pictures.
    """
    if thumbnail_side < 32:
        raise InputError(f"thumbnail side {thumbnail_side}: at least 32 pixels, so that a picture shows something")
    thresholds = thresholds_of(report)
    images = image_outcomes(report.judged, thresholds)
    samples, why_none = [image.sample for image in images], _why_none(images_root)
    if images_root is None or why_none:
        page = _render(report, images, thresholds, _Pictures(why_none=why_none))
    elif are_beside(len(samples)):
        with pictures_beside(path, samples, images_root, thumbnail_side):
            pictures = _Pictures(images_root, thumbnail_side, folder=pictures_folder(path).name)
            page = _render(report, images, thresholds, pictures)
    else:
        small = make_thumbnails(samples, images_root, thumbnail_side)
        page = _render(report, images, thresholds, _Pictures(images_root, small.side, small.jpegs))
    size = f"{len(page.encode('utf-8', 'backslashreplace')) / 1e6:.1f} MB"
    write_text(path, page.replace(_SIZE_MARK, size))
    beside = f", pictures in {pictures_folder(path)}" if not why_none and are_beside(len(samples)) else ""
    log.info("%s: %d images, %s%s", path, len(images), size, beside)


@dataclass(frozen=True)
class _Pictures:
    """Where the page's pictures come from.

    Attributes:
        root: the dataset's images; None where they are not at hand, and `why_none` says why.
        side: longest side in pixels.
        jpegs: base64, in the order of the images; None where there are none, or where they lie in a folder.
        folder: name of the folder beside the page.
    """

    root: Path | None = None
    side: int | None = None
    jpegs: Sequence[str] | None = None
    folder: str | None = None
    why_none: str = ""


def _why_none(root: Path | None) -> str:
    """Why the page shows no pictures; "" where it does."""
    if root is None:
        return "The dataset has boxes only: no images are at hand, so marks are drawn on blank ones."
    if not root.is_dir():
        return f"The images are not at hand ({root} does not exist), so marks are drawn on blank ones."
    return ""


def _render(
    report: EvaluationReport,
    images: Sequence[ImageOutcome],
    thresholds: Mapping[str, Threshold],
    pictures: _Pictures,
) -> str:
    """The page's text, with a mark in the place of its size."""
    script, style = _script(), (files("data_tools.report") / "page" / "page.css").read_text(encoding="utf-8")
    contents = report.to_json()
    tables = (metric_table(contents), seed_table(contents), comparison_table(contents))
    costs = _costs(report)
    return (
        template_environment()
        .get_template("page.html")
        .render(
            title=" vs ".join(report.judged),
            policy=_policy(script, pictures.folder),
            style=Markup(style),
            script=Markup(script),
            data_line=describe_data(contents),
            engines=describe_engines(contents),
            remarks=describe_remarks(contents),
            verdict=report.verdict,
            summary=summary_table(contents),
            rule=describe_rule(contents),
            tables=[table for table in tables if table is not None],
            breakdown=breakdown_tables(contents),
            type_tables=class_tables(contents),
            against=as_mapping(contents.get("against")),
            changes=change_table(contents),
            thresholds=thresholds,
            costs=costs,
            telling=_telling_figure(images, thresholds, pictures.root),
            figures=_curve_figures(report, thresholds),
            data=safe_json(
                page_data(
                    images,
                    thresholds,
                    pictures.jpegs,
                    report.data.split,
                    next(iter(report.judged.values())).categories if report.judged else (),
                    costs,
                    pictures.folder,
                )
            ),
            n_images=len(images),
            side=pictures.side,
            folder=pictures.folder,
            why_none=pictures.why_none,
            telling_rule=RULE if len(report.judged) > 1 else RULE_ALONE,
            outcomes=OUTCOMES,
            near_px=NEAR_PX,
            size_mark=_SIZE_MARK,
        )
    )


@dataclass(frozen=True)
class _TellingFigure:
    svg: Markup
    captions: list[str]


def _telling_figure(
    images: Sequence[ImageOutcome], thresholds: Mapping[str, Threshold], root: Path | None
) -> _TellingFigure | None:
    """The most telling images, a row each; None where no image tells anything."""
    chosen = most_telling(images)
    if not chosen or root is None:
        return None
    values = {label: threshold.value for label, threshold in thresholds.items()}
    views = [
        View(read_sample(one.image.sample, root), one.image.sample, _with_best_box(one.image.predictions), values)
        for one in chosen
    ]
    svg = as_svg(draw_contact_sheet(views, columns=1, panel_in=_TELLING_PANEL_IN))
    return _TellingFigure(_inline(svg), [f"{one.image.sample.image_id} ({one.why})" for one in chosen])


def _with_best_box(predictions: Mapping[str, Prediction]) -> dict[str, Prediction]:
    best = {label: np.argsort(-one.box_scores, kind="stable")[:1] for label, one in predictions.items()}
    return {
        label: replace(
            one,
            boxes_xyxy=one.boxes_xyxy[best[label]],
            box_scores=one.box_scores[best[label]],
            box_labels=one.box_labels[best[label]],
        )
        for label, one in predictions.items()
    }


def _costs(report: EvaluationReport) -> tuple[float, float] | None:
    """Of an escape and of an overkill, where thresholds were chosen by them."""
    rules = [run.rule for run in report.judged.values() if isinstance(run.rule, Costs)]
    return (rules[0].escape, rules[0].overkill) if rules else None


def _curve_figures(report: EvaluationReport, thresholds: Mapping[str, Threshold]) -> list[_Figure]:
    judged = report.judged
    if not judged:
        return []
    first = next(iter(judged.values()))
    curves = {label: curves_of(run) for label, run in judged.items()}
    dots = {label: dot_at(judged[label], threshold.value) for label, threshold in thresholds.items() if label in judged}
    approaches = {label: run.approach for label, run in report.runs.items()}
    baselines = {BASELINES.get(name, name): curve for name, curve in baseline_curves(first).items()}
    rocs = {label: one.roc for label, one in curves.items()}
    precisions = {label: one.precision_recall for label, one in curves.items()}
    recalls = {label: one.distance_recall for label, one in curves.items()}
    frocs = {
        name: {label: one.froc[rule] for label, one in curves.items() if rule in one.froc}
        for rule, name in FROC_RULES.items()
    }
    defect_share = float(first.positive.mean()) if len(first.positive) else 0.0
    drawn = (
        ("ROC, whole and its corner of escapes against overkill", figures.roc(rocs, dots, approaches)),
        ("precision over recall", figures.precision_recall(precisions, dots, defect_share, approaches)),
        ("share of boxed images over peak distance", figures.distance_recall(recalls, baselines, approaches)),
        ("FROC: true boxes found over false boxes an image", figures.froc(frocs, approaches)),
    )
    return [_Figure(title, _inline(svg)) for title, svg in drawn if svg is not None]


def _script() -> str:
    """All scripts as one strict function, so that nothing of it is global."""
    folder = files("data_tools.report") / "page"
    parts = [(folder / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '(function () {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def _policy(script: str, folder: str | None) -> str:
    """Pictures come from the page itself; from the folder beside it only where there is one."""
    sources = "data:" if folder is None else "'self' data:"
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    allowed = f"img-src {sources}; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'"


def _inline(svg: bytes) -> Markup:
    """The <svg> element without the XML prologue; text in it was escaped when it was drawn."""
    text = svg.decode("utf-8")
    return Markup(text[text.index("<svg") :])


def template_environment() -> Environment:
    """Where the pages' templates are found; what goes into them is escaped, and shown as it is written."""
    environment = Environment(
        loader=PackageLoader("data_tools.report", "page"),
        autoescape=select_autoescape(["html"]),
        finalize=lambda value: value if isinstance(value, Markup) else printable_lines(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["sentence"] = _sentence
    return environment


def _sentence(text: str) -> str:
    """A text with a full stop, where it does not end as a sentence does."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _breakable(name: str) -> Markup:
    """A name that may go on in the next line after what joins its parts, as a narrow column needs it."""
    return Markup(re.sub("([/_.-])", r"\1<wbr>", html.escape(printable(name))))
