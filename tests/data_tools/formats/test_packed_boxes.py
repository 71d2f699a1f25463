"""Boxes that stand in one field of a table."""

from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.shapes.packed_boxes import sense_by_values

SIZE = (80, 100)
BOX = [[40, 20, 60, 50]]


@pytest.mark.parametrize(
    ("header", "field", "boxes"),
    [
        ("bbox_xywh", '"[40.0, 20.0, 20.0, 30.0]"', BOX),
        ("bbox (x; y; w; h)", "40 20 20 30", BOX),
        ("BBox_XYXY", '"(40, 20, 60, 50)"', BOX),
        ("box_x1_y1_x2_y2", "[40 20 60 50]", BOX),
        ("bbox_coco", "40;20;20;30", BOX),
        ("bbox_cxcywh", "50 35 20 30", BOX),
        ("bbox_yolo", "0.5 0.4375 0.2 0.375", BOX),
        ("bbox", '"[40, 20, 20, 30]"', BOX),  # as corners it would have no area
    ],
)
def test_a_header_or_the_boxes_say_what_the_numbers_are(
    tmp_path: Path, read, header: str, field: str, boxes: list[list[float]]
) -> None:
    (tmp_path / "t.csv").write_text(f"image_id,width,height,{header},source\na,100,80,{field},usask_1\n")
    assert choose_format([tmp_path / "t.csv"], "auto")[0].name == "csv"
    samples, _ = read("csv", tmp_path / "t.csv")
    assert samples["a"].boxes_xyxy.tolist() == boxes


@pytest.mark.parametrize(
    "field", ["40 20 60 50;1 2 9 8", '"[[40, 20, 60, 50], [1, 2, 9, 8]]"', '"(40,20,60,50) (1,2,9,8)"']
)
def test_several_boxes_in_one_field_are_a_row_each(tmp_path: Path, read, field: str) -> None:
    """As Global Wheat's BoxesString has them, whose no_box says that there is none."""
    text = f"image_name,BoxesString,domain\na,{field},usask_1\nb,no_box,usask_1\nc,90 60 95 79,usask_1\n"
    (tmp_path / "t.csv").write_text(text)
    samples, findings = read("csv", tmp_path / "t.csv", size_hw=SIZE)
    assert samples["a"].boxes_xyxy.tolist() == [[40, 20, 60, 50], [1, 2, 9, 8]]
    assert samples["b"].status == "good"
    assert "BoxesString read as two corners" in findings.notes[0]


@pytest.mark.parametrize(
    ("boxes", "size_hw", "sense"),
    [
        ("40,20,20,30 1,2,3,4", None, "corner"),
        ("1,2,30,40", None, "unknown"),
        ("1,2,30,40", SIZE, "unknown"),
        ("40,20,90,50", SIZE, "corners"),  # neither 40 + 90 of 100 pixels, nor 90 of 80 down
        ("40,20,70,50", SIZE, "unknown"),  # rows first, they fit too
        ("40,20,90,50 40,20,20,30", SIZE, "unknown"),
        ("0.4,0.2,0.2,0.3", SIZE, "unknown"),
        (" ".join(["1,2,30,40"] * 9 + ["30,40,1,2"]), None, "unknown"),  # one with swapped corners
        ("0,0,0,0", None, "unknown"),
    ],
)
def test_boxes_have_one_sense_only_if_many_can_have_no_other(
    boxes: str, size_hw: tuple[int, int] | None, sense: str
) -> None:
    assert sense_by_values([(box.split(","), size_hw) for box in boxes.split(" ")]) == sense


def test_what_may_be_either_is_refused_and_named(tmp_path: Path, read) -> None:
    (tmp_path / "t.csv").write_text('image,label,bbox\na,ok,\nb,pit,"[1, 2, 30, 40]"\n')
    with pytest.raises(InputError, match=r"t\.csv, line 3: bbox .* Call that column bbox_xyxy or bbox_xywh"):
        read("csv", tmp_path / "t.csv", size_hw=SIZE)
    for name, corners, box in (
        ("bbox_xywh", None, [1, 2, 31, 42]),
        ("bbox_xyxy", None, [1, 2, 30, 40]),
        ("bbox_xyxy", "inclusive", [1, 2, 31, 41]),
    ):
        columns = ("image", "label", name)
        samples, _ = read("csv", tmp_path / "t.csv", size_hw=SIZE, columns=columns, corners=corners)
        assert samples["a"].status == "good"
        assert samples["b"].boxes_xyxy.tolist() == [box]


def test_a_field_that_holds_no_box_is_listed_or_refused(tmp_path: Path, read) -> None:
    (tmp_path / "t.csv").write_text('image,class,bbox_xywh\na,pit,"[1, 2, 30]"\nb,pit,"[[1,2,3,4],[5,6,7]]"\n')
    samples, findings = read("csv", tmp_path / "t.csv", size_hw=SIZE)
    assert [s.status for s in samples.values()] == ["unboxed"] * 2
    assert [r.line for r in findings.rejects] == [2, 3]
    (tmp_path / "t.csv").write_text("image,label,box\na,ok,12\nb,ng,13\n")
    with pytest.raises(InputError, match=r"line 2: box '12': no box of four numbers; call that column unused"):
        read("csv", tmp_path / "t.csv", size_hw=SIZE)
    (tmp_path / "t.csv").write_text("image,label,box\na,ok,\nb,ng,\n")
    samples, _ = read("csv", tmp_path / "t.csv", size_hw=SIZE)
    assert [s.status for s in samples.values()] == ["good", "unboxed"]
