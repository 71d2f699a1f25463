"""The review list: a CSV in which a person decides about labels, and the corrected dataset made from it.

python -m data_tools.audit DATASET --review review.csv              # writes the list, most doubtful first
python -m data_tools.audit DATASET --apply reviewed.csv --out DATASET2 --reviewer NAME

Columns, in this order, UTF-8 with a header:

    image_id    of the dataset
    file_name   must be that image's; so that a list cannot be applied to another dataset
    status      good, boxed or unboxed: the label as it stands, must still be so when the list is applied
    type        the defect type as it stands, "good" for a good image
    suggested   good or defect: what the scores say instead
    confidence  0..1, how much the given label is believed; low first
    reason      a few words
    decision    empty or "keep": the label is right; "good": no defect, boxes are removed; "defect": a defect without
                annotated area (status unboxed; a boxed image stays as it is); "exclude": leave the image out

Other columns are ignored, and rows may be removed or sorted, so any spreadsheet will do. The corrected dataset has
history.csv with a row for each change (when, who, image_id, file_name, decision, status and type before and after),
after the rows of earlier reviews. Image ids and splits stay as they are, less the excluded images.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Dataset, Sample, Splits, empty_boxes, empty_labels
from data_tools.files.atomic import atomic_folder, write_text
from data_tools.files.csv_tables import csv_text, plain
from data_tools.files.dataset_folder import HISTORY, read_rejects, write_dataset
from data_tools.files.regular import read_regular

COLUMNS = ("image_id", "file_name", "status", "type", "suggested", "confidence", "reason", "decision")
KEEP, EXCLUDE, DEFECT = "keep", "exclude", "defect"
DECISIONS = (KEEP, GOOD, DEFECT, EXCLUDE)
_HISTORY_COLUMNS = (
    "when",
    "who",
    "image_id",
    "file_name",
    "decision",
    "status_before",
    "type_before",
    "status_after",
    "type_after",
)
_NEEDED = ("image_id", "file_name", "status", "decision")


@dataclass(frozen=True)
class Suspect:
    """An image whose label is doubtful.

    Attributes:
        sample: as it stands.
        suggested: "good" or "defect".
        confidence: 0..1 in the label as it stands.
        reason: a few words.
    """

    sample: Sample
    suggested: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Decision:
    """What a person decided about one image."""

    image_id: int
    decision: str


def write_review(path: Path, suspects: Sequence[Suspect]) -> None:
    """Write the list with empty decisions, atomically.

    Raises:
        InputError: see `require_undecided`.
    """
    require_undecided(path)
    rows = [
        (s.image_id, s.path, s.status, s.type, one.suggested, f"{one.confidence:.4f}", one.reason, "")
        for one, s in ((one, one.sample) for one in suspects)
    ]
    write_text(path, csv_text([COLUMNS, *rows]))


def require_undecided(path: Path) -> None:
    """Refuse to write a list over one in which somebody has decided, or over a file that is no list.

    Raises:
        InputError: see above.
    """
    if not path.exists():
        return
    try:
        text = read_regular(path).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        decided = sum(bool((row["decision"] or "").strip()) for row in rows)
        is_list = not text.strip() or text.startswith(",".join(COLUMNS[:3]))
    except (UnicodeDecodeError, csv.Error, KeyError, AttributeError):
        decided, is_list = 0, False
    if decided:
        raise InputError(f"--review {path}: holds {decided} decisions, which a new list would lose; give another name")
    if not is_list:
        raise InputError(
            f"--review {path}: exists and is not a review list as this command writes it; give another name"
        )


def read_review(path: Path, dataset: Dataset) -> tuple[Decision, ...]:
    """The decisions that change something, checked against the dataset.

    Raises:
        InputError: not such a list, an unknown decision, or a row that is not about this dataset; with its line.
    """
    try:
        text = read_regular(path).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        header = reader.fieldnames or []
        missing = [name for name in _NEEDED if name not in header]
        if missing:
            raise InputError(
                f"{path}, line 1: column {missing[0]!r} is missing; a review list has {', '.join(COLUMNS)}"
            )
        by_id = {sample.image_id: sample for sample in dataset.samples}
        seen: dict[int, int] = {}
        decisions = []
        for row in reader:
            decision = _decision(row, by_id, f"{path}, line {reader.line_num}")
            if decision.image_id in seen:
                raise InputError(
                    f"{path}, line {reader.line_num}: image {decision.image_id} stands already in line "
                    f"{seen[decision.image_id]}"
                )
            seen[decision.image_id] = reader.line_num
            decisions.append(decision)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as a CSV in UTF-8: {error}") from error
    return tuple(
        d
        for d in decisions
        if d.decision == EXCLUDE or _relabelled(by_id[d.image_id], d.decision) is not by_id[d.image_id]
    )


def corrected(dataset: Dataset, decisions: Sequence[Decision]) -> Dataset:
    """The dataset with the decisions carried out; image ids stay, and so does each image's split."""
    chosen = {one.image_id: one.decision for one in decisions}
    samples = tuple(
        _relabelled(sample, chosen.get(sample.image_id, KEEP))
        for sample in dataset.samples
        if chosen.get(sample.image_id) != EXCLUDE
    )
    splits = dataset.splits
    if splits is not None:
        kept = {sample.image_id for sample in samples}
        train, val, test = (tuple(i for i in part if i in kept) for part in (splits.train, splits.val, splits.test))
        splits = Splits(splits.seed, splits.group_by, train, val, test)
    return replace(dataset, samples=samples, splits=splits)


def apply_review(source: Path, dataset: Dataset, reviewed: Path, out: Path, reviewer: str) -> str:
    """Write the corrected dataset to `out`, which appears whole or not at all; returns a summary of a line.

    Raises:
        InputError: an unusable list, or `out` exists.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out}: exists already; give a new folder, so that the old labels stay")
    decisions = read_review(reviewed, dataset)
    after = corrected(dataset, decisions)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    before_by_id = {sample.image_id: sample for sample in dataset.samples}
    after_by_id = {sample.image_id: sample for sample in after.samples}
    rows = []
    for one in decisions:
        old, new = before_by_id[one.image_id], after_by_id.get(one.image_id)
        rows.append(
            (
                now,
                reviewer,
                one.image_id,
                old.path,
                one.decision,
                old.status,
                old.type,
                "" if new is None else new.status,
                "" if new is None else new.type,
            )
        )
    with atomic_folder(out) as folder:
        write_text(folder / HISTORY, _history(source, rows))
        write_dataset(folder, after, read_rejects(source))
    counts = Counter(one.decision for one in decisions)
    listed = ", ".join(f"{counts[name]} {name}" for name in DECISIONS if counts[name]) or "no changes"
    return f"{out}: {len(after.samples)} images; {listed}; every change is in {out / HISTORY}"


def _decision(row: dict[str, str], by_id: dict[int, Sample], where: str) -> Decision:
    text = (row["decision"] or "").strip().lower() or KEEP
    if text not in DECISIONS:
        raise InputError(f"{where}: decision {row['decision']!r} is not one of {', '.join(DECISIONS)} or empty")
    try:
        sample = by_id[int(row["image_id"])]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{where}: the dataset has no image {row['image_id']!r}") from error
    for column, now in (("file_name", sample.path), ("status", sample.status)):
        if plain(row[column] or "") != now:
            raise InputError(
                f"{where}: {column} of image {sample.image_id} is {now!r} in this dataset, not "
                f"{row[column]!r}; make a new list for this dataset"
            )
    return Decision(sample.image_id, text)


def _relabelled(sample: Sample, decision: str) -> Sample:
    if decision == GOOD and sample.is_defect:
        return replace(sample, status=GOOD, type=GOOD, boxes_xyxy=empty_boxes(), labels=empty_labels(), box_types=())
    if decision == DEFECT and sample.status != BOXED:
        return replace(sample, status=UNBOXED, type=DEFECT if sample.type == GOOD else sample.type)
    return sample


def _history(source: Path, rows: Sequence[Sequence[object]]) -> str:
    path = source / HISTORY
    before = read_regular(path).decode("utf-8") if path.exists() else csv_text([_HISTORY_COLUMNS])
    return before + csv_text(rows)
