"""Output manifests of SageMaker Ground Truth."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format

BOXES = {
    "class-map": {"0": "pit", "1": "OK"},
    "type": "groundtruth/object-detection",
    "human-annotated": "yes",
    "objects": [{"confidence": 0.09}],
}
CLASS = {"type": "groundtruth/image-classification", "human-annotated": "yes", "confidence": 0.9}
Line = dict[str, Any]


def line(name: str, label: Any, meta: Line, **more: Any) -> Line:
    return {"source-ref": f"s3://bucket/set/{name}.png", "job": label, "job-metadata": meta, **more}


def boxes(*values: tuple[float, ...]) -> Line:
    """A label with boxes of class, left, top, width and height."""
    names = ("class_id", "left", "top", "width", "height")
    size = {"width": 80, "height": 60, "depth": 3}
    return {"annotations": [dict(zip(names, one, strict=True)) for one in values], "image_size": [size]}


PIT = boxes((0, 10, 12, 20, 8))


@pytest.mark.parametrize(
    ("first", "second", "statuses", "listed"),
    [
        (line("a", PIT, BOXES), line("b", boxes(), BOXES), {"a": "boxed", "b": "good"}, []),
        (line("a", PIT, BOXES), line("b", boxes((1, 1, 1, 9, 9)), BOXES), {"a": "boxed", "b": "good"}, []),
        (line("a", PIT, BOXES), line("b", boxes((7, 1, 1, 9, 9)), BOXES), {"a": "boxed", "b": "unboxed"}, [2]),
        (line("a", PIT, BOXES), line("b", boxes((0, 1, 1, 0, 9)), BOXES), {"a": "boxed", "b": "unboxed"}, [2]),
        (line("a", 0, CLASS | {"class-name": "ok"}), line("b", 1, CLASS | {"class-name": "pit"}), None, []),
        # nothing that counts: a model's, a failed job's, another kind's, several jobs'
        (line("a", PIT, BOXES), line("b", boxes(), BOXES | {"human-annotated": "no"}), {"a": "boxed"}, [2]),
        (line("a", PIT, BOXES), line("b", boxes(), BOXES | {"failure-reason": "error"}), {"a": "boxed"}, [2]),
        (line("a", PIT, BOXES), line("b", 1, CLASS | {"type": "groundtruth/label-verification"}), {"a": "boxed"}, [2]),
        (
            line("a", PIT, BOXES),
            line("b", boxes(), BOXES, old=PIT, **{"old-metadata": BOXES}),
            {"a": "boxed"},
            [2],
        ),
        (line("a", PIT, BOXES), {"source-ref": "s3://bucket/b.png"}, {"a": "boxed"}, []),
        (line("a", PIT, BOXES), {"job": PIT, "job-metadata": BOXES}, {"a": "boxed"}, [2]),
        (
            line("a", PIT, BOXES),
            line("b", PIT | {"image_size": [{"width": 9, "height": 9}]}, BOXES),
            {"a": "boxed"},
            [2],
        ),
    ],
)
def test_lines(
    tmp_path: Path, read, save, first: Line, second: Line, statuses: dict[str, str] | None, listed: list[int]
) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{name}.png")
    path = tmp_path / "output.manifest"
    path.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    for source in (path, tmp_path):
        assert choose_format([source], "auto")[0].name == "groundtruth"
    samples, findings = read("groundtruth", path)
    expected = statuses or {"a": "good", "b": "unboxed"}
    assert {Path(name).stem: s.status for name, s in samples.items()} == expected
    assert [r.line for r in findings.rejects if r.line is not None] == listed
    if expected["a"] == "boxed":
        assert samples["a.png"].boxes_xyxy.tolist() == [[10, 12, 30, 20]]


def test_a_broken_line_is_named(tmp_path: Path, read) -> None:
    (tmp_path / "o.manifest").write_text(json.dumps(line("a", PIT, BOXES)) + '\n{"source-ref": \n')
    with pytest.raises(InputError, match="line 2: not readable as JSON"):
        read("groundtruth", tmp_path / "o.manifest")


def test_a_job_that_stands_twice_in_a_line_is_refused(tmp_path: Path, read) -> None:
    first = json.dumps(line("a", PIT, BOXES))
    path = tmp_path / "output.manifest"
    path.write_text(first[:-1] + f', "job": {json.dumps(boxes())}}}\n')
    with pytest.raises(InputError, match="line 1: not readable as JSON: the key 'job' stands twice in an object"):
        read("groundtruth", path)
