"""The audit as one self-contained page: verdict, findings with thumbnails, counts, and the list of doubtful labels."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from data_tools.auditing.audit import Audit
from data_tools.auditing.doctor import Distribution
from data_tools.auditing.findings import verdict
from data_tools.auditing.review import COLUMNS, DECISIONS, Suspect
from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, STATUSES, Dataset, Sample
from data_tools.files.atomic import write_text
from data_tools.files.images import read_gray, resolve_under
from data_tools.report.html import template_environment

_THUMBNAIL_PX, _PORTRAIT_PX = 150, 320
_MOST_SIZES = 8
_BAR_W, _BAR_H = 15, 90
_BOX = (86, 180, 233)


@dataclass(frozen=True)
class _Picture:
    """One thumbnail: an inline picture, or the reason why there is none."""

    image_id: int
    caption: str
    data: str | None


@dataclass(frozen=True)
class _Card:
    """One doubtful label."""

    suspect: Suspect
    picture: _Picture


@dataclass(frozen=True)
class _Bars:
    """A histogram ready to be drawn: (x, y, width, height, tooltip) a bar, in pixels, and labels of the axis."""

    name: str
    bars: tuple[tuple[float, float, float, float, str], ...]
    low: str
    middle: str
    high: str
    width: float
    height: float


def write_audit_page(path: Path, name: str, dataset: Dataset, audit: Audit) -> None:
    """Write the page, atomically. It needs no network and no other file.

    Args:
        path: the page.
        name: of the dataset, for the heading.
        dataset: that was audited; without images the page has no thumbnails.
        audit: what `data_tools.auditing.audit.audit` returned.
    """
    by_id = {sample.image_id: sample for sample in dataset.samples}
    where = {} if dataset.splits is None else {i: s for s in SPLIT_NAMES for i in dataset.splits.ids(s)}
    shown = [
        (finding, [_picture(by_id[i], dataset.images_root, where, _THUMBNAIL_PX) for i in finding.image_ids])
        for finding in audit.findings
    ]
    cards = [
        _Card(suspect, _picture(suspect.sample, dataset.images_root, where, _PORTRAIT_PX))
        for suspect in audit.suspects or ()
    ]
    page = (
        template_environment()
        .get_template("audit.html")
        .render(
            name=name,
            verdict=verdict(audit.findings),
            unsafe=audit.unsafe,
            findings=shown,
            checkup=audit.checkup,
            statuses=STATUSES,
            sizes=_fewer(audit.checkup.sizes),
            formats=_fewer(audit.checkup.formats),
            histograms=[_bars(one) for one in audit.checkup.boxes],
            properties=audit.properties[:12],
            cards=cards,
            separation=audit.separation,
            columns=COLUMNS,
            decisions=DECISIONS,
            judged=audit.suspects is not None,
        )
    )
    write_text(path, page)


def _picture(sample: Sample, root: Path | None, where: Mapping[int, str], side: int) -> _Picture:
    split = f", {where[sample.image_id]}" if sample.image_id in where else ""
    caption = f"{sample.path} (image {sample.image_id}, {sample.type}{split})"
    if root is None:
        return _Picture(sample.image_id, caption, None)
    try:
        picture = Image.fromarray(read_gray(resolve_under(root, sample.path))).convert("RGB")
    except InputError:
        return _Picture(sample.image_id, caption, None)
    scale = side / max(picture.size)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    small = picture.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(small)
    for x1, y1, x2, y2 in (sample.boxes_xyxy * scale).tolist():
        draw.rectangle((x1 - 1, y1 - 1, max(x2, x1), max(y2, y1)), outline=_BOX, width=2)
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=80, optimize=True)
    return _Picture(sample.image_id, caption, "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode())


def _fewer(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent, and a last row for all others."""
    rows = list(counts.items())
    rest = sum(n for _, n in rows[_MOST_SIZES:])
    return rows[:_MOST_SIZES] + ([(f"{len(rows) - _MOST_SIZES} others", rest)] if rest else [])


def _bars(one: Distribution) -> _Bars:
    tallest = max(one.counts) or 1
    bars = []
    for i, count in enumerate(one.counts):
        height = count / tallest * _BAR_H
        tip = f"{one.edges[i]:.3g} to {one.edges[i + 1]:.3g}: {count}"
        bars.append((i * _BAR_W, _BAR_H - height, _BAR_W - 2.0, height, tip))
    low, middle, high = (f"{value:.3g}" for value in (one.smallest, one.edges[len(one.edges) // 2], one.largest))
    if low == high:  # all are equal, and the edges a little apart from their value
        low, middle, high = low, "", ""
    return _Bars(one.name, tuple(bars), low, middle, high, len(bars) * _BAR_W, _BAR_H)
