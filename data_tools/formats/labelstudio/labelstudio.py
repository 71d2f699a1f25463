"""Label Studio: tasks with their annotations, exported as JSON, as JSON-MIN or as CSV.

Positions are percentages of the original image. An annotation without regions, which somebody submitted, says that
the image is good; a task without an annotation, or one that was skipped, says nothing. Predictions are no annotations.
Several annotations of a task are joined. Choices, key points and tags of the whole image have no area.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Dataset, Sample
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import read_json
from data_tools.files.labelstudio_tasks import WHOLE_IMAGE, annotated_task, labelling_setup
from data_tools.formats.claims import Claim
from data_tools.formats.images.image_addresses import image_of
from data_tools.formats.labelstudio.labelstudio_regions import SIZE, SizeHW, answer_of, size_in
from data_tools.formats.labelstudio.labelstudio_tables import is_table, items_of, separator_of
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import WITHOUT_AREA
from data_tools.formats.tables.tables import SUFFIXES as TABLES
from data_tools.formats.tool_files import json_with, tool_format
from data_tools.formats.words.folders import is_good
from data_tools.formats.words.remarks import NOT_UNDERSTOOD, status_of_remark

SUFFIXES = (".json", *TABLES)
EMPTY = "empty annotation in Label Studio"
_KEYS = ({"data", "annotations"}, {"data", "completions"}, {"data", "predictions"}, {"annotation_id", "annotator"})
_LISTS = ("annotations", "completions", "predictions")
_OWN = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
_SILENT = "tasks of Label Studio without a submitted annotation: they say nothing, and predictions are no annotations"


def claims_of(path: Path, findings: Findings) -> Iterator[Claim]:
    """What a file says of its images, in the order of its tasks.

    Args:
        path: of the file.
        findings: gets tasks that say nothing, and what is read with a change.

    Raises:
        InputError: not tasks of Label Studio.
    """
    tasks = [*items_of(path)] if is_table(path) else read_json(path)
    tasks = [tasks] if isinstance(tasks, dict) else tasks
    if not _are_tasks(tasks):
        raise InputError("no tasks of Label Studio; export the project as JSON, JSON-MIN or CSV")
    for i, task in enumerate(tasks, start=1):
        if not isinstance(task, dict):
            findings.reject(path, None, "", f"task {i} is no task")
        elif "annotation_id" in task:
            yield from _flat_claims(path, task, f"task {task.get('id', i)}", findings)
        else:
            yield from _task_claims(path, task, f"task {task.get('id', i)}", findings)


def looks_like_labelstudio(path: Path) -> str | None:
    """What of Label Studio a file is, or None."""
    if is_table(path):
        return f"{path.name} is a table of annotations by Label Studio" if separator_of(path) else None
    value = json_with(path, *_KEYS)
    tasks = [value] if isinstance(value, dict) else value
    return f"{path.name} holds tasks of Label Studio" if _are_tasks(tasks) else None


def _are_tasks(tasks: Any) -> bool:
    return isinstance(tasks, list) and any(isinstance(task, dict) and _is_task(task) for task in tasks)


def _is_task(task: Mapping[str, Any]) -> bool:
    if {"annotation_id", "annotator"} <= task.keys():
        return True
    return isinstance(task.get("data"), dict) and any(isinstance(task.get(key), list) for key in _LISTS)


def _task_claims(path: Path, task: dict[str, Any], where: str, findings: Findings) -> Iterator[Claim]:
    """The claims of a task with its annotations."""
    data = task.get("data")
    data = data if isinstance(data, dict) else {}
    image = image_of(data)
    annotations = task.get("annotations", task.get("completions", []))
    if image is None or not isinstance(annotations, list):
        if image is None:
            findings.reject(path, None, "", f"{where}: no single image")
        else:
            yield Claim(path, image, problem=f"{where}: annotations are no list")
        return
    submitted = [one for one in annotations if isinstance(one, dict) and not _skipped(one)]
    if not submitted:
        findings.warnings[_SILENT] += 1
        yield Claim(path, image)
    if len(submitted) > 1:
        findings.mend(path, None, image, "several annotations of one image: joined")
    for annotation in submitted:
        results = annotation.get("result")
        if isinstance(results, list):
            yield from _claims(path, image, where, results, size_in(data), findings)
        else:
            yield Claim(path, image, problem=f"{where}: an annotation without a list 'result'")


def _flat_claims(path: Path, task: dict[str, Any], where: str, findings: Findings) -> Iterator[Claim]:
    """The claims of an item of JSON-MIN: the task's data and results by the name of their tag, side by side."""
    parts = {key: value for key, value in task.items() if key not in _OWN}
    image = image_of(parts)
    if image is None:
        findings.reject(path, None, "", f"{where}: no single image")
        return
    if task["annotation_id"] is None:
        findings.warnings[_SILENT] += 1
        yield Claim(path, image)
        return
    results: list[Any] = []
    for key, value in parts.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                results.append({"value": one, "from_name": key})
            elif isinstance(value, list):
                results.append({"type": key})
            elif "choice" in key.lower() and isinstance(one, str):
                results.append({"value": {"choices": [one]}, "from_name": key})
    # a single choice stands as a bare text, which nothing but the name of its tag tells from the task's data
    texts = [key for key, value in parts.items() if isinstance(value, str | int | float) and key not in SIZE]
    if not results and len(texts) > 1:
        keys = ", ".join(texts)[:80]
        reason = f"{where}: no regions, but one of {keys} may be a choice; export as JSON"
        yield Claim(path, image, problem=reason)
        return
    yield from _claims(path, image, where, results, size_in(parts), findings)


def _claims(
    path: Path,
    image: str,
    where: str,
    results: list[Any],
    size_hw: SizeHW | None,
    findings: Findings,
) -> Iterator[Claim]:
    """The claims of one annotation."""
    answer = answer_of(results, size_hw)
    known_hw = answer.size_hw or size_hw
    good = EMPTY if not results else ""
    shapes = tuple(replace(shape, part=f"{where}, {shape.part}") for shape in answer.shapes)
    yield Claim(path, image, declared_hw=known_hw, shapes=shapes, good=good)
    if answer.unread and not (answer.shapes or answer.points or answer.choices):
        kinds = ", ".join(sorted(set(answer.unread)))
        yield Claim(path, image, problem=f"{where}: only results that are not read here ({kinds})")
    for _ in answer.points:
        findings.mend(path, None, image, WITHOUT_AREA.format("a key point"))
    for label in answer.points:
        if not is_good(label):
            yield Claim(path, image, declared_hw=known_hw, defect_type=label or "defect")
    for control, choice in answer.choices:
        own = control == WHOLE_IMAGE and not is_good(choice)  # as this project writes it: the type, whatever its name
        status = UNBOXED if own else status_of_remark(choice, control)
        if status == GOOD:
            yield Claim(path, image, declared_hw=known_hw, good=f"choice {choice!r}")
        elif status == UNBOXED:
            findings.mend(path, None, image, WITHOUT_AREA.format("a choice"))
            yield Claim(path, image, declared_hw=known_hw, defect_type=choice)
        elif answer.shapes or answer.points:
            findings.mend(path, None, image, "remarks beside regions that are not understood: left out")
        else:
            yield Claim(path, image, problem=f"{where}: {NOT_UNDERSTOOD}: {choice!r} of {control!r}")


def _skipped(annotation: Mapping[str, Any]) -> bool:
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def write(dataset: Dataset, path: Path, samples: Sequence[Sample] | None = None) -> None:
    """One JSON file of tasks with annotations; a defect without a box has a choice for the whole image."""
    tasks = [annotated_task(sample) for sample in (dataset.samples if samples is None else samples)]
    write_json(path, tasks, indent=None)


def _advice(dataset: Dataset) -> str:
    names = {name for sample in dataset.samples for name in (sample.type, *sample.box_types)}
    return f"labelling interface for these tasks: {labelling_setup(names)}"


FORMAT = replace(
    tool_format(
        "labelstudio",
        "Label Studio, JSON, JSON-MIN or CSV",
        "Label Studio",
        SUFFIXES,
        looks_like_labelstudio,
        claims_of,
    ),
    write=write,
    written_suffix=".json",
    advice=_advice,
)
