"""Labelbox's export, beside what the tests of all tools' files say."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.records import GOOD, UNBOXED

BOX = {"name": "pit", "bounding_box": {"left": 1, "top": 2, "width": 3, "height": 4}}


def question(name: str, answer: str) -> dict[str, Any]:
    return {"name": name, "radio_answer": {"name": answer, "value": answer}}


def told(
    folder: Path, read, save, objects: list[Any], answers: list[Any] | None = None, state: str = "DONE", **label: object
) -> tuple[Any, list[str]]:
    """The sample of a.png, 80 x 60 pixels, and why anything is listed."""
    save(folder / "a.png")
    annotations = {"objects": objects, "classifications": answers or []}
    project = {"labels": [{"annotations": annotations, **label}], "project_details": {"workflow_status": state}}
    address = "https://host/bucket/a.png?signature=1"
    row = {"data_row": {"id": "x", "row_data": address}, "projects": {"p": project}}
    (folder / "e.ndjson").write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    samples, findings = read("labelbox", folder)
    return samples.get("a.png"), [r.reason for r in findings.rejects]


def test_areas_of_each_kind(tmp_path: Path, read, save) -> None:
    corners = [{"x": x, "y": y} for x, y in ((10, 10), (30, 12), (20, 40))]
    sample, listed = told(tmp_path, read, save, [BOX, {"name": "outline", "polygon": corners}])
    assert sample.boxes_xyxy.tolist() == [[1, 2, 4, 6], [10, 10, 30, 40]]
    assert not listed
    remark = question("remark", "at the\u2028edge")  # which ends no line of JSON
    assert told(tmp_path, read, save, [BOX | {"classifications": [remark]}])[0].boxes_xyxy.tolist() == [[1, 2, 4, 6]]
    sample, listed = told(tmp_path, read, save, [{"name": "pit", "mask": {"url": "https://host/m"}}])
    assert sample.status == UNBOXED
    assert "gives the address alone" in listed[0]


@pytest.mark.parametrize(
    ("answer", "status"), [("OK", GOOD), ("scratch", UNBOXED), ("unclear", None), ("reviewed", None)]
)
def test_answers_about_the_whole_image(tmp_path: Path, read, save, answer: str, status: str | None) -> None:
    sample, listed = told(tmp_path, read, save, [], [question("defect type", answer)])
    assert (sample and sample.status, bool(listed)) == (status, status is None)


def test_what_nobody_finished_is_not_good(tmp_path: Path, read, save) -> None:
    for more in ({"state": "TO_LABEL"}, {"performance_details": {"skipped": True}}):
        sample, listed = told(tmp_path, read, save, [], **more)  # type: ignore[arg-type]
        assert sample is None
        assert "nobody has finished this label" in listed[0]
    assert told(tmp_path, read, save, [], performance_details={"skipped": False})[0].status == GOOD


def test_an_answer_that_denies_its_box(tmp_path: Path, read, save) -> None:
    sample, listed = told(tmp_path, read, save, [BOX | {"classifications": [question("verdict", "OK")]}])
    assert sample is None
    assert "verdict 'OK'" in listed[0]
