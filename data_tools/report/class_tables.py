"""Types as tables: AP50 of each, one column an approach, and one confusion matrix an approach."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_tools.judging.metric import look_up
from data_tools.report.cells import ReportTable, TableCell, TableRow, as_mapping, metrics_by_run, number

_MISSED, _BACKGROUND = "(missed)", "(background)"
_MEAN, _TYPE_SET_ASIDE = "(mean over types)", "(type set aside)"


def class_tables(report: Mapping[str, Any]) -> list[ReportTable]:
    """The tables of a report on data of several types; none where it has one type, or no run speaks in boxes."""
    by_run = {name: as_mapping(metrics.get("types")) for name, metrics in metrics_by_run(report).items()}
    sections = {name: section for name, section in by_run.items() if section}
    if not sections:
        return []
    names = list(dict.fromkeys(name for section in sections.values() for name in as_mapping(section.get("ap50"))))
    rows = []
    for name in names:
        values = [as_mapping(section.get("ap50")).get(name) for section in sections.values()]
        rows.append(_row(name, values))
    if rows:
        boxes = [look_up(report, ("runs", name, "metrics", "box_map")) for name in sections]
        if any(boxes):
            rows.append(_row(_MEAN, [as_mapping(of_run).get("ap50") for of_run in boxes]))
        rows.append(_row(_TYPE_SET_ASIDE, [section.get("ap50_class_free") for section in sections.values()]))
    tables = [ReportTable("box AP50 of a type", tuple(sections), tuple(rows))] if rows else []
    return [*tables, *(table for name, section in sections.items() if (table := _confusion(name, section)) is not None)]


def _row(label: str, values: Sequence[float | None]) -> TableRow:
    return TableRow(label, tuple(TableCell(number(value, 3)) for value in values))


def _confusion(run: str, section: Mapping[str, Any]) -> ReportTable | None:
    """Rows are what a box is, columns what it is called; what is not found, and what is nothing, comes last.

    Types of which there is no true box, and which no box is called, are left out.
    """
    confusion = as_mapping(section.get("confusion"))
    if not confusion:
        return None
    *types, _ = (str(name) for name in confusion["types"])
    counts = confusion["counts"]
    there = [i for i in range(len(types)) if any(counts[i]) or any(row[i] for row in counts)]
    shown = [*there, len(types)]
    rows = [
        TableRow(name, tuple(TableCell(str(counts[i][j])) for j in shown))
        for i, name in zip(shown, [*(types[i] for i in there), _BACKGROUND], strict=True)
    ]
    corner = f"{run}: true type, called"
    return ReportTable(corner[:60], (*(types[i] for i in there), _MISSED), tuple(rows))
