"""VGG Image Annotator: versions 2 and 3, JSON and CSV."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.claims import Claim
from data_tools.formats.registry import Findings
from data_tools.formats.via.via import claims_of, looks_like_via

RECT = {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 4}
CSV_HEAD = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
CSV3_HEAD = (
    "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)\n"
    '# SHAPE_ID = {"POINT":1,"RECTANGLE":2}\n'
    '# ATTRIBUTE = {"1":{"aname":"class","anchor_id":"FILE1_Z0_XY1","type":4,"options":{"0":"scratch"}}}\n'
    "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
)


def image(*regions: Any, name: str = "a.jpg", **attributes: Any) -> dict[str, Any]:
    """An entry of VIA 2: regions given as shape attributes of a class s, or whole."""
    whole = [
        region if "shape_attributes" in region else {"shape_attributes": region, "region_attributes": {"class": "s"}}
        for region in regions
    ]
    return {f"{name}99": {"filename": name, "size": 99, "regions": whole, "file_attributes": attributes}}


def project3(metadata: dict[str, Any], options: dict[str, str] | None = None) -> dict[str, Any]:
    """A project of VIA 3 with two images, a.jpg and b.jpg."""
    return {
        "project": {"data_format_version": "3.1.1", "vid_list": ["1", "2"]},
        "config": {},
        "attribute": {"1": {"aname": "class", "options": options or {"0": "s", "1": "t"}}},
        "file": {
            str(i): {"fid": i, "fname": f"{n}.jpg", "type": 2, "src": f"{n}.jpg"} for i, n in ((1, "a"), (2, "b"))
        },
        "metadata": metadata,
        "view": {"1": {"fid_list": [1]}, "2": {"fid_list": ["2"]}},
    }


def claims(folder: Path, content: Any) -> tuple[list[Claim], Findings]:
    """The claims of a file: JSON of a value, or a CSV of a text."""
    path, findings = folder / ("a.csv" if isinstance(content, str) else "a.json"), Findings()
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return list(claims_of(path, findings)), findings


@pytest.mark.parametrize(
    ("form", "box", "note"),
    [
        (RECT, (10, 20, 40, 24), ""),
        ({"name": "circle", "cx": 20, "cy": 30, "r": 5}, (15, 25, 25, 35), ""),
        ({"name": "ellipse", "cx": 20, "cy": 30, "rx": 10, "ry": 2}, (10, 28, 30, 32), ""),
        (
            {"name": "ellipse", "cx": 20, "cy": 30, "rx": 10, "ry": 2, "theta": 1.5707963267948966},
            (18, 20, 22, 40),
            "90",
        ),
        ({"name": "polygon", "all_points_x": [1, 9, 4], "all_points_y": [2, 3, 8]}, (1, 2, 9, 8), ""),
        ({"name": "polyline", "all_points_x": [1, 9], "all_points_y": [2, 8]}, (1, 2, 9, 8), "a line"),
    ],
)
def test_shapes_of_version_2(tmp_path: Path, form: dict[str, Any], box: tuple[float, ...], note: str) -> None:
    for value in (image(form), {"_via_settings": {}, "_via_img_metadata": image(form), "_via_attributes": {}}):
        (claim,), _ = claims(tmp_path, value)
        assert (claim.image, claim.good, claim.shapes[0].type) == ("a.jpg", "", "s")
        assert claim.shapes[0].box_xyxy == pytest.approx(box)
        assert note in claim.shapes[0].note


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"name": "rect", "x": 1}, "not a number"),
        ({"name": "star"}, "'star' encloses no area"),
        ({"name": ["rect"]}, "encloses no area"),
        ({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]}, "2 points"),
        ({"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 2]}, "an x and a y"),
        ({"shape_attributes": 1}, "without shape_attributes"),
    ],
)
def test_regions_that_cannot_be_read_keep_their_image_from_being_good(
    tmp_path: Path, form: dict[str, Any], problem: str
) -> None:
    (claim,), _ = claims(tmp_path, image(form))
    assert problem in claim.shapes[0].problem
    assert not claim.good


def test_images_without_regions_are_good_unless_their_attributes_say_otherwise(tmp_path: Path) -> None:
    value = image() | image(name="b.jpg", defect_type="scratch") | image(name="c.jpg", quality="ok", caption="x")
    (a, b, c, d), _ = claims(tmp_path, value | image(name="d.jpg", remark="scratch, left"))
    assert (d.good, d.defect_type) == ("", "")
    assert "not understood: 'scratch, left'" in d.problem
    assert (a.good, a.defect_type) == ("image without regions in a VIA file", "")
    assert (b.good, b.defect_type) == ("", "scratch")
    assert (c.good, c.defect_type) == ("VIA attribute 'ok'", "")


@pytest.mark.parametrize(
    ("attributes", "good", "defect_type", "problem"),
    [
        ({"quality": "ok", "inspector": "anna", "date": "2024-05-01"}, True, "", ""),
        ({"quality": "ok", "remark": "scratched"}, False, "", "'scratched'"),
        ({"quality": "ok", "remark": "defect"}, False, "defect", ""),
        ({"quality": "OK but scratched"}, False, "", "'OK but scratched'"),
        ({"verdict": "good contact missing"}, False, "", "'good contact missing'"),
    ],
)
def test_a_file_is_good_only_where_its_attributes_say_nothing_else(
    tmp_path: Path, attributes: dict[str, str], good: bool, defect_type: str, problem: str
) -> None:
    (claim,), _ = claims(tmp_path, image(**attributes))
    assert (bool(claim.good), claim.defect_type) == (good, defect_type)
    assert problem in claim.problem
    assert bool(claim.problem) == bool(problem)


@pytest.mark.parametrize(
    ("attributes", "label", "note"),
    [
        ({"defect_type": "s"}, "s", ""),
        ({"size": "big", "class": "s"}, "s", ""),
        ({"kind of fault": {"s": True, "t": False}}, "s", ""),
        ({"class": {"s": True, "t": True}}, "s", "several values s, t"),
        ({"class": "1"}, "described", ""),
        ({"colour": "red", "size": "big"}, "red", "several attributes: 'colour'"),
        ({"class": ""}, "defect", "without a label"),
        ({}, "defect", "without a label"),
        (None, "defect", "without a label"),
    ],
)
def test_the_class_among_the_attributes(tmp_path: Path, attributes: Any, label: str, note: str) -> None:
    options = {"region": {"class": {"type": "dropdown", "options": {"1": "described"}}}}
    metadata = image({"shape_attributes": RECT, "region_attributes": attributes})
    (claim,), _ = claims(tmp_path, {"_via_img_metadata": metadata, "_via_attributes": options})
    assert claim.shapes[0].type == label
    assert note in claim.shapes[0].note


def test_points_have_no_area(tmp_path: Path) -> None:
    (whole, point), findings = claims(tmp_path, image({"name": "point", "cx": 1, "cy": 2}))
    assert (whole.good, whole.shapes, point.defect_type) == ("", (), "s")
    assert "point" in findings.mended[0].reason


def test_regions_of_version_1_are_a_dictionary(tmp_path: Path) -> None:
    entry = {"filename": "a.jpg", "size": 1, "regions": {"0": {"shape_attributes": RECT, "region_attributes": {}}}}
    (claim,), _ = claims(tmp_path, {"a.jpg1": {**entry, "file_attributes": {}}})
    assert claim.shapes[0].box_xyxy == (10, 20, 40, 24)


def test_csv_of_version_2(tmp_path: Path) -> None:
    rows = (
        'a.jpg,99,"{}",2,0,"{""name"":""rect"",""x"":10,""y"":20,""width"":30,""height"":4}","{""class"":""s""}"\n'
        'a.jpg,99,"{}",2,1,"{""name"":""circle"",""cx"":9,""cy"":9,""r"":3}","{""class"":""t""}"\n'
        'b.jpg,99,"{}",0,0,"{}","{}"\n'
        'c.jpg,99,"{}",1,0,"{broken","{}"\n'
        'd.jpg,99,"{}",2,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":3,""height"":4}","{}"\n'
    )
    (c, a, b, d), _ = claims(tmp_path, CSV_HEAD + rows)
    assert [(s.type, s.box_xyxy, s.line) for s in a.shapes] == [("s", (10, 20, 40, 24), 2), ("t", (6, 6, 12, 12), 3)]
    assert b.good
    assert (c.image, c.line, c.problem) == ("c.jpg", 5, "attributes are not JSON")
    assert [bool(shape.problem) for shape in d.shapes] == [False, True]
    assert "1 of 2 regions" in d.shapes[1].problem


@pytest.mark.parametrize(
    ("place", "box"),
    [
        ([2, 10, 20, 30, 4], (10, 20, 40, 24)),
        ([3, 20, 30, 5], (15, 25, 25, 35)),
        ([4, 20, 30, 10, 2], (10, 28, 30, 32)),
        ([5, 1, 2, 9, 8], (1, 2, 9, 8)),
        ([6, 1, 2, 9, 8], (1, 2, 9, 8)),
        ([7, 1, 2, 9, 3, 4, 8], (1, 2, 9, 8)),
        ([8, 1, 5, 5, 2, 9, 5, 5, 8], (1, 2, 9, 8)),
        ([9, 15, 10, 10, 15, 5, 10], (5, 5, 15, 15)),
    ],
)
def test_shapes_of_version_3(tmp_path: Path, place: list[float], box: tuple[float, ...]) -> None:
    value = project3({"1_x": {"vid": "1", "flg": 0, "z": [], "xy": place, "av": {"1": "1"}}})
    (claim, rest), _ = claims(tmp_path, value)
    assert (claim.image, claim.shapes[0].type) == ("a.jpg", "t")
    assert claim.shapes[0].box_xyxy == pytest.approx(box)
    assert (rest.image, bool(rest.good)) == ("b.jpg", True)
    table = f'"1_x","[""a.jpg""]",0,"[]","{place}","{{""1"":""0""}}"\n'
    (claim,), _ = claims(tmp_path, CSV3_HEAD + table)
    assert (claim.shapes[0].type, claim.line) == ("scratch", 5)
    assert claim.shapes[0].box_xyxy == pytest.approx(box)


@pytest.mark.parametrize(
    "place", [[2, 1, 2, 3], [7, 1, 2, 3, 4, 5], [10, 1, 2], [2.5, 1, 2, 3, 4], ["x"], "x", [1e999]]
)
def test_regions_of_version_3_that_cannot_be_read(tmp_path: Path, place: Any) -> None:
    value = project3({"1_x": {"vid": "1", "z": [], "xy": place, "av": {}}})
    (claim, _), _ = claims(tmp_path, value)
    assert claim.shapes[0].problem


def test_points_moments_and_attributes_of_the_image_in_version_3(tmp_path: Path) -> None:
    point = {"vid": "1", "z": [], "xy": [1, 5, 5], "av": {"1": "0"}}
    (claim, _), findings = claims(tmp_path, project3({"1_x": point}))
    assert claim.defect_type == "s"
    assert "point" in findings.mended[0].reason
    (moment,), findings = claims(tmp_path, project3({"1_x": {**point, "z": [1.5]}}))
    assert moment.image == "b.jpg"
    assert "video" in findings.rejects[0].reason
    (whole, _), _ = claims(tmp_path, project3({"1_x": {**point, "xy": []}}, {"0": "ok"}))
    assert whole.good == "VIA attribute 'ok'"


def test_only_via_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for value, known in (
        (image(RECT), True),
        ({"_via_img_metadata": {}}, True),
        (project3({}), True),
        ({}, False),
        ({"images": [{"filename": "a", "regions": []}]}, False),
    ):
        path.write_text(json.dumps(value))
        assert bool(looks_like_via(path)) == known
    with pytest.raises(InputError, match="VIA"):
        list(claims_of(path, Findings()))
    table = tmp_path / "a.csv"
    for text, known in ((CSV_HEAD, True), ("#" + CSV_HEAD, True), (CSV3_HEAD, True), ("filename,x1,y1,x2,y2\n", False)):
        table.write_text(text)
        assert bool(looks_like_via(table)) == known
    with pytest.raises(InputError, match="VIA"):
        list(claims_of(table, Findings()))
