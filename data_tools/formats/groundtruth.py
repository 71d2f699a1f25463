"""Output manifests of SageMaker Ground Truth: JSON lines, each an image with the labels that jobs gave it.

A label stands beside its metadata, which say what it is and who gave it. Boxes have left, top, width and height; an
image of which people drew none is good. A class of the whole image is read as in a table of labels. What a model
labelled by itself is no truth, and of several jobs that drew boxes in an image it is not said which one counts: both
are listed, as are other kinds of labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.formats.annotation_files import head_of, numbered_lines
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_addresses import path_of
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.json_files.json_values import value_of_line
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.outlines import corners_of
from data_tools.formats.shapes.rectangles import numbers
from data_tools.formats.tables.columns import LABELS, Columns
from data_tools.formats.tables.label_tables import label_claims, tell_unknown_areas
from data_tools.formats.tool_files import claims_of_files, images_root, recogniser

SUFFIXES = (".manifest", ".json", ".jsonl")
EMPTY = "no box by the people of a labelling job"
_IMAGE, _META = "source-ref", "-metadata"
_BOXES, _CLASS = "groundtruth/object-detection", "groundtruth/image-classification"
_COLUMNS = Columns(2, 0, 1, (), LABELS, None, ("image", "class"), "class")


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples of what the manifests claim.

    Raises:
        InputError: no manifest.
    """
    claims = claims_of_files(sources, SUFFIXES, lambda path: claims_of(path, options, findings), findings)
    return samples_from_claims(claims, sources, options, findings, root=images_root)


def claims_of(path: Path, options: ReadOptions, findings: Findings) -> Iterator[Claim]:
    """What a manifest says of its images: boxes in the order of its lines, then classes.

    Raises:
        InputError: no manifest, or a line that is no JSON.
    """
    if not _looks_like(path):
        raise InputError("no lines of JSON with source-ref and metadata, so no output of Ground Truth")
    classes: list[tuple[int, list[str]]] = []
    for line, text in numbered_lines(path):
        record = _parsed(text, line)
        image = record.get(_IMAGE)
        if not isinstance(image, str):
            findings.reject(path, line, "", f"no {_IMAGE}, so of no image")
            continue
        name = path_of(image)
        labels = {key: meta for key in record if isinstance(meta := record.get(f"{key}{_META}"), dict)}
        problem = _problem(labels)
        if problem or not labels:
            yield Claim(path, name, line, problem=problem)
            continue
        for key, meta in labels.items():
            if meta.get("type") == _CLASS:
                classes.append((line, [name, str(meta.get("class-name", ""))]))
            else:
                yield _claim(path, name, line, record[key], meta)
    told = [*label_claims(path, classes, _COLUMNS, options, findings)]
    tell_unknown_areas(told, findings)
    yield from told


def _problem(labels: Mapping[str, Mapping[str, Any]]) -> str:
    """Why the labels of an image say nothing that counts; "" where they do."""
    for key, meta in labels.items():
        if meta.get("failure-reason"):
            return f"{key[:40]}: the job failed: {str(meta['failure-reason'])[:80]}"
        if meta.get("type") not in (_BOXES, _CLASS):
            return f"{key[:40]}: labels of type {str(meta.get('type'))[:60]!r} are not read"
        if meta.get("human-annotated") != "yes":
            return f"{key[:40]}: labelled by a model, and by nobody else: no truth"
    drawn = [key[:40] for key, meta in labels.items() if meta.get("type") == _BOXES]
    return f"boxes of several jobs, {', '.join(drawn)}: keep the one that counts" if len(drawn) > 1 else ""


def _claim(path: Path, image: str, line: int, label: Any, meta: Mapping[str, Any]) -> Claim:
    """What one label with boxes says of its image."""
    boxes = label.get("annotations") if isinstance(label, dict) else None
    if not isinstance(boxes, list):
        return Claim(path, image, line, problem="a label without a list of annotations")
    names = meta.get("class-map")
    shapes = tuple(_shape(box, names if isinstance(names, dict) else {}, line) for box in boxes)
    return Claim(path, image, line, declared_hw=_size(label), shapes=shapes, good="" if shapes else EMPTY)


def _shape(box: Any, names: Mapping[str, Any], line: int) -> Shape:
    box = box if isinstance(box, dict) else {}
    name = names.get(str(box.get("class_id")))
    sides = numbers([box.get(side) for side in ("left", "top", "width", "height")])
    if not isinstance(name, str):
        return Shape("defect", line=line, problem=f"class_id {str(box.get('class_id'))[:40]} is not in the class-map")
    if isinstance(sides, str):
        return Shape(name, line=line, problem=sides)
    if min(sides[2:]) <= 0:
        return Shape(name, line=line, problem="zero-area rectangle")
    return Shape(name, corners_of("corner", sides), line)


def _size(label: Mapping[str, Any]) -> tuple[int, int] | None:
    sizes = label.get("image_size")
    size = sizes[0] if isinstance(sizes, list) and sizes and isinstance(sizes[0], dict) else {}
    return declared_size((size.get("height"), size.get("width")))


def _parsed(text: str, line: int) -> dict[str, Any]:
    record = value_of_line(line, text)
    if not isinstance(record, dict):
        raise InputError(f"line {line}: no object of JSON")
    return record


def _looks_like(path: Path) -> str | None:
    head = head_of(path)
    if b'"source-ref"' not in head:
        return None
    first = next((line for line in head.decode("utf-8-sig", "replace").split("\n") if line.strip()), "")
    is_one = first.lstrip().startswith("{") and f'{_META}"' in first
    return f"{path.name} holds lines with {_IMAGE} and metadata of jobs" if is_one else None


FORMAT = Format(
    "groundtruth",
    "manifest of SageMaker Ground Truth",
    "exclusive",
    recogniser(SUFFIXES, _looks_like),
    images_root,
    read,
    reads=CLAIMED,
)
