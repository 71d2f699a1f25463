import pytest

from data_tools.formats.coco.coco_boxes import read_shape
from data_tools.formats.shapes.upright import not_upright


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("angle", "30", "turned"),
        ("bbox_rotation", "-1,57", "turned"),
        ("Theta", "720", ""),
        ("angle", "nan", ""),
        ("orientation", "30", ""),
        ("shape_type", "Circle", "no rectangle"),
        ("shape", "rect", ""),
        ("unit", "percent", "give the box in pixels"),
        ("Units", "px", ""),
        ("unit", "", ""),
        ("shape", "irregular", ""),
    ],
)
def test_what_stands_beside_a_box(name: str, value: str, reason: str) -> None:
    assert reason in not_upright([(name, value)])
    assert bool(reason) == bool(not_upright([(name, value)]))


@pytest.mark.parametrize("beside", [{"rotation": 90}, {"angle": 1.57}, {"attributes": {"theta": "45"}}])
def test_a_coco_box_that_is_turned_by_an_unknown_unit_is_refused(beside: dict) -> None:
    entry = {"bbox": [10, 20, 40, 4], "area": 160, **beside}
    assert read_shape(entry, "crack", (48, 64), False)[0].problem.startswith("turned")
    outlined = {"bbox": [10, 20, 40, 4], "segmentation": [[10, 20, 50, 20, 50, 24]], **beside}
    assert read_shape(outlined, "crack", (48, 64), False)[0].box_xyxy == (10, 20, 50, 24)
