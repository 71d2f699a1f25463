"""What a conversion gave, for people."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from data_tools.core.records import STATUSES, Dataset
from data_tools.files.dataset_folder import MENDED, REJECTS
from data_tools.formats.registry import Findings, Format
from data_tools.splitting.deal import describe_splits

_SHOWN_REJECTS = 5


def first_rejects(findings: Findings) -> str:
    """The first few things that were not converted, with their places and reasons."""
    return "; ".join(_rejects(findings)) or "it holds no image that the format knows"


def problems(findings: Findings, warnings: Sequence[str]) -> list[str]:
    """A line for each of the first few things that were not converted, and for each warning and kind of warnings."""
    more = len(findings.rejects) - _SHOWN_REJECTS
    unseen = [f"and {more} more, which stand in {REJECTS} without --strict"] if more > 0 else []
    return [*_rejects(findings), *unseen, *(f"WARNING: {warning}" for warning in warnings), *_warnings(findings)]


def _rejects(findings: Findings) -> list[str]:
    return [
        f"{r.source}{'' if r.line is None else f', line {r.line}'}: {r.reason}"
        for r in findings.rejects[:_SHOWN_REJECTS]
    ]


def summary(
    out: Path,
    dataset: Dataset,
    findings: Findings,
    chosen: Format,
    why: str,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> str:
    """What was converted, how it is split, what was not converted, and last what to look at before training."""
    samples = dataset.samples
    boxes = sum(len(sample.boxes_xyxy) for sample in samples)
    groups = Counter(sample.group for sample in samples)
    lines = [
        f"{out}: {len(samples)} images, {boxes} boxes, format {chosen.name} ({why})",
        "status: " + ", ".join(f"{sum(s.status == status for s in samples)} {status}" for status in STATUSES),
        "types:  " + ", ".join(f"{n} {name}" for name, n in Counter(s.type for s in samples).most_common()),
        f"groups: {len(groups)}, the largest has {max(groups.values())} images",
    ]
    proofs = Counter(sample.evidence or "not known" for sample in samples if not sample.is_defect)
    if proofs:
        lines.insert(2, "good by: " + ", ".join(f"{text} ({n})" for text, n in proofs.most_common()))
    if dataset.splits is None:
        lines.append("splits: none")
    else:
        lines[-1] += f" ({dataset.splits.group_by})"
        lines += describe_splits(dataset)
    if findings.mended:
        lines.append(f"mended: {len(findings.mended)}, listed in {out / MENDED}")
    reasons = Counter(_kind(reject.reason) for reject in findings.rejects)
    lines.append(f"rejects: {len(findings.rejects)}" + (f", listed in {out / REJECTS}" if findings.rejects else ""))
    lines += [f"  {count} {reason}" for reason, count in reasons.most_common()]
    lines += [f"note: {note}" for note in _of_many_files(notes)] + [f"WARNING: {warning}" for warning in warnings]
    return "\n".join([*lines, *_warnings(findings)])


def _warnings(findings: Findings) -> list[str]:
    """A line for each kind of warning, most frequent first; those that differ in values alone are one kind."""
    counts: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for text, count in findings.warnings.items():
        counts[_kind(text)] += count
        texts.setdefault(_kind(text), text)
    return [f"WARNING: {count} {texts[kind]}" for kind, count in counts.most_common() if count]


def _kind(reason: str) -> str:
    """A reason without the values in it, for counting."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\S*[/\\]\S*|-?\d[\d.]*", "…", reason)


def _of_many_files(notes: Sequence[str]) -> list[str]:
    """The notes, those that say one thing of several files once: "a.json and 3 more: ..."."""
    files: dict[str, list[str]] = {}
    for note in notes:
        name, colon, text = note.partition(": ")
        is_file = bool(colon and PurePosixPath(name).suffix)
        files.setdefault(text if is_file else note, []).append(name if is_file else "")
    lines = []
    for text, names in files.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append(f"{names[0]}{more}: {text}" if names[0] else text)
    return lines
