"""Tables whose numbers are no two corners in pixels: read as what they are, listed, or refused."""

from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.shapes.rectangles import are_shares, numbers
from data_tools.formats.tables.columns import find_columns

SIZE = (48, 64)


@pytest.mark.parametrize("first", [0, 1])
def test_points_of_an_outline_are_no_two_corners(tmp_path: Path, read, first: int) -> None:
    names = ",".join(f"x{i},y{i}" for i in range(first, first + 4))
    rows = [f"image,{names},class", "a,5,2,20,8,18,30,3,24,crack", "b,5,2,20,8,18,30,,,crack", "c,,,,,,,,,"]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert samples["a"].boxes_xyxy.tolist() == [[3, 2, 20, 30]]
    assert samples["b"].boxes_xyxy.tolist() == [[5, 2, 20, 30]]
    assert samples["c"].status == "good"
    assert [(r.line, r.reason.split(":")[0]) for r in findings.mended] == [(2, "an outline"), (3, "an outline")]


@pytest.mark.parametrize(
    ("header", "upright", "other", "reason"),
    [
        ("image,cx,cy,w,h,angle", "20,20,8,4,0", "20,20,8,4,1.57", "turned, angle 1.57"),
        ("image,x,y,w,h,bbox_rotation", "16,18,8,4,360.0", "16,18,8,4,-45", "turned, bbox_rotation -45"),
        ("image,x1,y1,x2,y2,shape_type", "16,18,24,22,rectangle", "16,18,24,22,Circle", "shape_type 'Circle'"),
    ],
)
def test_what_is_no_upright_rectangle_is_listed(
    tmp_path: Path, read, header: str, upright: str, other: str, reason: str
) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\na,{upright}\nb,{other}\n")
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert samples["a"].boxes_xyxy.tolist() == [[16, 18, 24, 22]]
    assert samples["b"].status == "unboxed"
    assert [(r.line, r.reason.startswith(reason)) for r in findings.rejects] == [(3, True)]


@pytest.mark.parametrize("title", ["Report 7;;;;;\n\n", ";box;;;;\n", "made 2024-05-01\nby Anna\n;;;;;\n"])
@pytest.mark.parametrize("header", ["image;x1;y1;x2;y2;class", "image;;;;;class"])
def test_the_header_may_stand_below_a_title(tmp_path: Path, read, title: str, header: str) -> None:
    """As a spreadsheet has it, over boxes and over labels alone; a note says so."""
    boxed = "x1" in header
    rows = f"a;{'1;2;9;9' if boxed else ';;;'};NG\nb;;;;;OK\n"
    (tmp_path / "a.csv").write_text(f"{title}{header}\n{rows}")
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert {name: s.status for name, s in samples.items()} == {"a": "boxed" if boxed else "unboxed", "b": "good"}
    assert not findings.rejects
    line = title.count("\n") + 1
    assert f"a.csv: the header is line {line}; what stands above is not read" in findings.notes


def test_width_and_height_beside_two_corners_may_be_the_box_s(tmp_path: Path, read, save) -> None:
    """They are where they are so in every row; of whole images and where one row differs they are the image's."""
    save(tmp_path / "a.png", SIZE)
    for rows, refused, noted in (
        ("a.png,5,6,15,26,10,20\na.png,1,2,31,12,30,10\n", [], 1),
        ("a.png,0,0,64,48,64,48\n", [], 0),
        ("a.png,5,6,15,26,10,20\na.png,1,2,31,12,64,48\n", [2], 0),
    ):
        (tmp_path / "t.csv").write_text(f"image,x1,y1,x2,y2,width,height\n{rows}")
        samples, findings = read("csv", tmp_path)
        assert samples["a.png"].status == "boxed"
        assert [r.line for r in findings.rejects] == refused
        assert len(findings.notes) == noted


def test_four_times_minus_one_is_no_box(tmp_path: Path, read) -> None:
    """The row says what its type does, as one with empty fields: beside "none" it had been a defect of no area."""
    lines = [
        "image,x1,y1,x2,y2,class",
        "a,1,2,9,9,pit",
        "b,-1,-1,-1,-1,none",
        "c,-1,-1,-1,-1,pit",
        "d,-1.0,-1,-1,-1,OK",
    ]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert {name: s.status for name, s in samples.items()} == {"a": "boxed", "b": "good", "c": "unboxed", "d": "good"}
    assert not findings.rejects


@pytest.mark.parametrize("unit", [" (%)", " [mm]", "_mm", "(\u6beb\u7c73)", " \u00b5m"])
def test_columns_in_another_unit_than_pixels_are_not_taken(unit: str) -> None:
    assert find_columns(["image", *(f"{name}{unit}" for name in ("x1", "y1", "x2", "y2"))]) is None


@pytest.mark.parametrize("unit", [" (px)", "[pixels]", "_px", " (in pixels)"])
def test_columns_in_pixels_may_say_so(unit: str) -> None:
    columns = find_columns(["image", *(f"{name}{unit}" for name in ("x1", "y1", "x2", "y2"))])
    assert columns is not None
    assert columns.box == (1, 2, 3, 4)


def test_a_column_that_stands_twice_is_refused(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_text("image,x1,y1,x2,y2,X1,y1,x2,y2\na,1,2,9,9,20,20,30,30\n")
    with pytest.raises(InputError, match=r"a\.csv, line 1: two columns 'x1'"):
        read("csv", tmp_path, size_hw=SIZE)


def test_shares_that_reach_over_the_edge_are_shares(tmp_path: Path, read) -> None:
    """A centre at 0.9 with a width of 0.3: the corner lies at 1.05."""
    (tmp_path / "a.csv").write_text("image,xc,yc,w,h\na,0.5,0.5,0.25,0.5\nb,0.9,0.5,0.3,0.5\n")
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert samples["a"].boxes_xyxy.tolist() == [[24, 12, 40, 36]]
    assert samples["b"].boxes_xyxy.round(6).tolist() == [[48, 12, 64, 36]]
    assert any("taken as shares" in r.reason for r in findings.mended)


@pytest.mark.parametrize(
    ("boxes", "shares"),
    [
        ([(0.1, 0.1, 0.5, 0.5)], True),
        ([(-0.1, 0.2, 0.3, 1.04)], True),
        ([(0.1, 0.1, 0.5, 0.5), (1, 2, 3, 4)], False),
        ([(0.5, 0.5, 1.75, 1.0)], False),
        ([(0, 0, 1, 1)], False),
        ([], False),
    ],
)
def test_are_shares(boxes: list, shares: bool) -> None:
    assert are_shares(boxes) is shares


def test_an_underscore_is_no_part_of_a_number() -> None:
    assert numbers(["1_0"]) == "corner '1_0' is not a number"


@pytest.mark.parametrize(
    ("beside", "last", "size_hw", "is_read"),
    [
        ("", "10.5,10,20,79", (600, 800), False),  # nine boxes, up to 89
        ("", "10.5,10,20,60", (600, 800), True),  # up to 70: not spread over 0..100
        ("", "10,10,20,79", (600, 800), True),  # whole numbers
        ("", "10.5,10,20,91", (600, 800), True),  # 101 is no percentage
        ("", "10.5,10,20,79", (199, 800), True),
        ("original_width", "10.5,10,20,30", (600, 800), False),
    ],
)
def test_boxes_that_may_be_percentages_are_refused(
    tmp_path: Path, read, beside: str, last: str, size_hw: tuple[int, int], is_read: bool
) -> None:
    rows = [*(f"{i},10,10,20,{20 + i}," for i in range(1 if beside else 8)), f"z,{last},800"]
    (tmp_path / "a.csv").write_text("\n".join([f"image,x,y,width,height,{beside or 'note'}", *rows, ""]))
    if is_read:
        samples, findings = read("csv", tmp_path, size_hw=size_hw)
        assert len(samples) == 9
        assert any("taken as pixels" in text for text in findings.warnings) == (last == "10.5,10,20,60")
    else:
        with pytest.raises(InputError, match="all boxes lie in 0"):
            read("csv", tmp_path, size_hw=size_hw)


@pytest.mark.parametrize(
    ("last", "size_hw", "outcome"),
    [
        (900, (300, 400), "refused"),  # 5 of 9 boxes leave their images
        (900, (300, 700), "read"),  # 2 of 9
        (1001, (300, 400), "read"),  # no thousandth
        (700, (300, 400), "read"),  # far from 1000
        (900, (1500, 2000), "warned"),  # by chance in (1/2 x 2/3)^9, so in 5 of 100,000 sets
        (900, (1050, 1400), "read"),  # in (20/21 x 5/7)^9, so in 3 of 100
    ],
)
def test_boxes_that_may_be_thousandths_are_refused_or_warned_of(
    tmp_path: Path, read, last: int, size_hw: tuple[int, int], outcome: str
) -> None:
    rows = [*(f"{i},{100 * i},10,{100 * i + 50},20,pit" for i in range(8)), f"z,10,10,{last},20,pit"]
    (tmp_path / "a.csv").write_text("\n".join(["image,x1,y1,x2,y2,class", *rows, ""]))
    if outcome == "refused":
        with pytest.raises(InputError, match=r"0\.\.1000"):
            read("csv", tmp_path, size_hw=size_hw)
    else:
        _, findings = read("csv", tmp_path, size_hw=size_hw)
        assert any("thousandths" in text for text in findings.warnings) == (outcome == "warned")


@pytest.mark.parametrize(
    "header",
    [
        "row_min,col_min,row_max,col_max",
        "min_row,min_col,max_row,max_col",
        "y_min,x_min,y_max,x_max",
        "min_y,min_x,max_y,max_x",
        "ytl,xtl,ybr,xbr",
        "row0,col0,row1,col1",
        "row1,col1,row2,col2",
    ],
)
def test_rows_and_columns_are_y_and_x(tmp_path: Path, read, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"image,{header},label\na,2,1,9,8,NG\n")
    assert read("csv", tmp_path, size_hw=(48, 64))[0]["a"].boxes_xyxy.tolist() == [[1, 2, 8, 9]]


def test_numbered_sides_are_no_labels(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_text("image,bbox-0,bbox-1,bbox-2,bbox-3,label\na,2,1,9,8,NG\n")
    with pytest.raises(InputError):
        read("csv", tmp_path, size_hw=(48, 64))


@pytest.mark.parametrize(
    ("header", "sides"),
    [
        (
            "\u56fe\u7247\u540d\u79f0,\u7f3a\u9677\u7c7b\u578b,\u5de6\u4e0a\u89d2x,\u5de6\u4e0a\u89d2y,\u53f3\u4e0b\u89d2x,\u53f3\u4e0b\u89d2y",
            "20,10,50,30",
        ),
        (
            "\u56fe\u50cf\u540d,\u7f3a\u9677\u540d\u79f0,x\u5750\u6807,y\u5750\u6807,\u5bbd\u5ea6,\u9ad8\u5ea6",
            "20,10,30,20",
        ),
        (
            "\u753b\u50cf\u30d5\u30a1\u30a4\u30eb\u540d,\u6b20\u9665\u7a2e\u985e,\u5de6,\u4e0a,\u5e45,\u9ad8\u3055",
            "20,10,30,20",
        ),
        ("\ud30c\uc77c\uba85,\uacb0\ud568 \uc720\ud615,\uc67c\ucabd,\uc704,\ub108\ube44,\ub192\uc774", "20,10,30,20"),
        ("\u56fe\u7247\u540d\u79f0,\u7c7b\u522b,\u4e2d\u5fc3x,\u4e2d\u5fc3y,\u5bbd,\u9ad8", "35,20,30,20"),
    ],
)
def test_headings_in_chinese_japanese_and_korean(tmp_path: Path, save, read, header: str, sides: str) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "t.csv").write_text(f"{header}\na.png,pit,{sides}\n", encoding="utf-8")
    (sample,) = read("csv", tmp_path / "t.csv")[0].values()
    assert (sample.boxes_xyxy.tolist(), sample.box_types) == ([[20, 10, 50, 30]], ("pit",))
