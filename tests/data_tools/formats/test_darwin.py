"""Darwin JSON, beside what the tests of all tools' files say."""

import json
from pathlib import Path
from typing import Any

from data_tools.core.records import GOOD, UNBOXED


def told(folder: Path, read, save, *annotations: dict[str, Any], name: str = "a.png") -> tuple[Any, list[str]]:
    """The sample of lot/a.png, 80 x 60 pixels, and why anything is listed."""
    save(folder / "images/lot/a.png")
    slots = [{"slot_name": "0", "width": 80, "height": 60}]
    value = {"item": {"name": name, "path": "/lot", "slots": slots}, "annotations": list(annotations)}
    (folder / "a.json").write_text(json.dumps(value))
    samples, findings = read("darwin", folder)
    return samples.get("images/lot/a.png"), [r.reason for r in findings.rejects]


def test_areas_of_each_kind(tmp_path: Path, read, save) -> None:
    corners = [{"x": x, "y": y} for x, y in ((10, 10), (30, 12), (20, 40))]
    sample, listed = told(
        tmp_path,
        read,
        save,
        {"name": "bbox", "bounding_box": {"x": 1, "y": 2, "w": 3, "h": 4}},
        {"name": "outline", "polygon": {"paths": [corners]}},
        {"name": "line", "line": {"path": corners}},
        {"name": "ellipse", "ellipse": {"angle": 0, "center": {"x": 40, "y": 30}, "radius": {"x": 5, "y": 8}}},
    )
    assert sample.boxes_xyxy.tolist() == [[1, 2, 4, 6], [10, 10, 30, 40], [10, 10, 30, 40], [35, 22, 45, 38]]
    assert not listed


def test_tags_predictions_and_what_has_no_area(tmp_path: Path, read, save) -> None:
    assert told(tmp_path, read, save, {"name": "scratch", "tag": {}})[0].status == UNBOXED
    assert told(tmp_path, read, save, {"name": "OK", "tag": {}})[0].status == GOOD
    box = {"name": "pit", "bounding_box": {"x": 1, "y": 2, "w": 3, "h": 4}}
    sample, listed = told(tmp_path, read, save, box | {"inference": {"confidence": 0.7}})
    assert sample is None
    assert "what a model says" in listed[0]
    sample, listed = told(tmp_path, read, save, {"name": "pit", "mask": {}})
    assert (sample.status, listed) == (UNBOXED, ["annotations[0]: encloses no area that is read here"])
    sample, listed = told(tmp_path, read, save, box | {"properties": [{"name": "verdict", "value": "OK"}]})
    assert sample is None
    assert "verdict 'OK'" in listed[0]
