"""Areas that are neither defects nor good things: background, what nobody judged, and what was called a false alarm."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError

SIDES = {"width": 80, "height": 60}


def labelme(label: str, flags: dict[str, bool]) -> str:
    shape = {"label": label, "points": [[10, 10], [30, 30]], "shape_type": "rectangle", "flags": flags}
    return json.dumps({"shapes": [shape], "imagePath": "a.png", "imageData": None})


def coco(label: str, beside: dict[str, Any]) -> str:
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "area": 400, **beside}
    images = [{"id": 1, "file_name": "a.png", **SIDES}]
    return json.dumps({"images": images, "annotations": [annotation], "categories": [{"id": 1, "name": label}]})


def cvat(label: str, beside: str) -> str:
    box = f'<box label="{label}" xtl="10" ytl="10" xbr="30" ybr="30">{beside}</box>'
    return f'<annotations><image id="0" name="a.png" width="80" height="60">{box}</image></annotations>'


def labelstudio(label: str, beside: dict[str, Any]) -> str:
    value = {"x": 12.5, "y": 100 / 6, "width": 25, "height": 100 / 3, "rotation": 0, "rectanglelabels": [label]}
    size = {"original_width": 80, "original_height": 60}
    result = {"type": "rectanglelabels", "from_name": "l", "to_name": "i", "value": value, **size, **beside}
    return json.dumps([{"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 1, "result": [result]}]}])


def supervisely(label: str, tags: list[Any]) -> str:
    points = {"exterior": [[10, 10], [29, 29]], "interior": []}
    one = {"classTitle": label, "geometryType": "rectangle", "points": points, "tags": tags}
    return json.dumps({"size": SIDES, "tags": [], "objects": [one]})


def datumaro(label: str, attributes: dict[str, Any]) -> str:
    one = {"type": "bbox", "label_id": 0, "bbox": [10, 10, 20, 20], "attributes": attributes}
    categories = {"label": {"labels": [{"name": label}]}}
    return json.dumps({"categories": categories, "items": [{"id": "a", "annotations": [one]}]})


def voc(label: str, beside: str) -> str:
    box = "<xmin>11</xmin><ymin>11</ymin><xmax>30</xmax><ymax>30</ymax>"
    inside = f"<object><name>{label}</name>{beside}<bndbox>{box}</bndbox></object>"
    return f"<annotation><filename>a.png</filename>{inside}</annotation>"


def via(label: str, attributes: dict[str, Any]) -> str:
    form = {"name": "rect", "x": 10, "y": 10, "width": 20, "height": 20}
    region = {"shape_attributes": form, "region_attributes": {"type": label, **attributes}}
    return json.dumps({"a.png1": {"filename": "a.png", "size": 1, "regions": [region], "file_attributes": {}}})


LEFT_OUT = ("__ignore__", "_background_", "background", "false_alarm", "inspection area")
VOC_PAIR = "<attributes><attribute><name>{}</name><value>{}</value></attribute></attributes>"
ATTRIBUTE = '<attribute name="{}">{}</attribute>'.format
KINDS = [
    ("labelme", "a.json", labelme, {"visible": True}, {"false alarm": True}),
    ("coco", "a.json", coco, {"attributes": {"occluded": False}}, {"attributes": {"verdict": "OK"}}),
    ("cvat", "a.xml", cvat, ATTRIBUTE("visibility", "good"), ATTRIBUTE("review", "False positive")),
    ("labelstudio", "a.json", labelstudio, {"meta": {"text": ["deep"]}}, {"meta": {"text": ["a false call"]}}),
    ("supervisely", "ann/a.png.json", supervisely, [{"name": "deep"}], [{"name": "overkill"}]),
    ("datumaro", "a.json", datumaro, {"occluded": False}, {"is_defect": False}),
    ("voc", "a.xml", voc, "<pose>Left</pose><deleted>0</deleted>", "<deleted>1</deleted>"),
    ("via", "a.json", via, {"depth": "2"}, {"review": "nuisance"}),
    ("labelme", "a.json", labelme, {"defect": False, "OK": False}, {"i.O.": True}),
    ("coco", "a.json", coco, {"tags": ["deep"]}, {"tags": ["no defect"]}),
    ("coco", "a.json", coco, {"attributes": []}, {"attributes": [{"name": "Befund", "value": "i.O."}]}),
    ("cvat", "a.xml", cvat, ATTRIBUTE("light", "normal"), ATTRIBUTE("Bewertung", "gut")),
    ("labelstudio", "a.json", labelstudio, {"meta": {}}, {"meta": {"Befund": "in Ordnung"}}),
    ("supervisely", "ann/a.png.json", supervisely, [{"name": "camera", "value": "ok"}], [{"name": "kein Fehler"}]),
    ("datumaro", "a.json", datumaro, {"Kommentar": "am Rand"}, {"Kommentar": "kein Defekt sichtbar"}),
    ("voc", "a.xml", voc, VOC_PAIR.format("camera", "OK"), VOC_PAIR.format("remark", "OK")),
    ("via", "a.json", via, {"Befund": "n.i.O."}, {"Befund": "i.O."}),
]


@pytest.mark.parametrize(
    ("name", "where", "written", "silent", "against"), KINDS, ids=[f"{kind[0]} {kind[4]}" for kind in KINDS]
)
def test_an_area_that_is_no_defect_is_listed_and_proves_nothing(
    tmp_path: Path, read, save, name: str, where: str, written: Any, silent: Any, against: Any
) -> None:
    save(tmp_path / "img" / "a.png")
    path = tmp_path / where
    path.parent.mkdir(exist_ok=True)
    path.write_text(written("void", silent))
    samples, _ = read(name, tmp_path)  # a void is a defect of solder
    assert [s.boxes_xyxy.round(6).tolist() for s in samples.values()] == [[[10, 10, 30, 30]]]
    unjudged = [written(label, silent) for label in (*LEFT_OUT, "ROI")]
    for text in (written("crack", against), *unjudged):
        path.write_text(text)
        samples, findings = read(name, tmp_path)
        assert not samples
        assert "left out" in findings.rejects[-1].reason


FLAGGED = [
    ("voc", "a.xml", voc, "<{}>1</{}>"),
    ("cvat", "a.xml", cvat, '<attribute name="{}">true</attribute>'),
    ("via", "a.json", via, '{{"{}": "yes"}}'),
    ("datumaro", "a.json", datumaro, '{{"{}": true}}'),
    ("coco", "a.json", coco, '{{"attributes": {{"{}": 1}}}}'),
    ("labelme", "a.json", labelme, '{{"{}": true}}'),
]


@pytest.mark.parametrize(("name", "where", "written", "flag"), FLAGGED, ids=[one[0] for one in FLAGGED])
def test_flags_that_set_an_area_apart(
    tmp_path: Path, read, save, name: str, where: str, written: Any, flag: str
) -> None:
    """What is ignored proves nothing, many defects are one without a box, what is hard to see counts and is noted."""
    save(tmp_path / "img" / "a.png")
    path = tmp_path / where

    def reading(*keys: str) -> Any:
        beside = flag.format(*keys, *keys)
        path.write_text(written("crack", json.loads(beside) if beside.startswith("{") else beside))
        samples, findings = read(name, tmp_path)
        return [s.status for s in samples.values()], [r.reason for r in (*findings.rejects, *findings.mended)]

    assert reading("depth") == (["boxed"], [])
    status, reasons = reading("ignore")
    assert (status, "ignore: an area that is not judged" in reasons[0]) == ([], True)
    status, reasons = reading("is_crowd")
    assert (status, "is_crowd: an area with many defects" in reasons[0]) == (["unboxed"], True)
    assert reading("difficult") == (["boxed"], ["boxes called difficult: they count as any other"])


@pytest.mark.parametrize(
    ("values", "kept", "warned"),
    [("OK NG", "b", False), ("OK OK", "ab", True), ("Anna Ben", "ab", False), ("OK Anna", "ab", False)],
)
def test_an_attribute_that_holds_verdicts_is_one_whatever_its_name(
    tmp_path: Path, read, save, values: str, kept: str, warned: bool
) -> None:
    """As in a table: "OK" and "NG" under `inspector` are no names of people; "OK" alone is asked about."""
    for name, value in zip("ab", values.split(), strict=True):
        save(tmp_path / f"{name}.png")
        text = voc("crack", f"<inspector>{value}</inspector>").replace("a.png", f"{name}.png")
        (tmp_path / f"{name}.xml").write_text(text)
    samples, findings = read("voc", tmp_path)
    assert "".join(sorted(Path(name).stem for name in samples)) == kept
    assert any("'inspector' holds nothing but words for good" in one for one in findings.warnings) == warned


def test_a_new_name_makes_a_type_of_an_ignored_one(tmp_path: Path, read, save) -> None:
    save(tmp_path / "img" / "a.png")
    (tmp_path / "a.json").write_text(coco("ignore", {}))
    samples, _ = read("coco", tmp_path, type_map={"ignore": "stain"})
    assert [s.box_types for s in samples.values()] == [("stain",)]


def test_a_tag_that_leaves_an_image_out_makes_no_defect_of_it(tmp_path: Path, read, save) -> None:
    save(tmp_path / "img" / "a.png")
    save(tmp_path / "img" / "b.png")
    tagged = '<image id="0" name="a.png" width="80" height="60"><tag label="ignore"/></image>'
    empty = '<image id="1" name="b.png" width="80" height="60"></image>'
    (tmp_path / "a.xml").write_text(f"<annotations>{tagged}{empty}</annotations>")
    samples, findings = read("cvat", tmp_path)
    assert [(path[-5], s.status) for path, s in samples.items()] == [("b", "good")]
    assert "not judged" in findings.rejects[-1].reason


@pytest.mark.parametrize(("value", "status"), [("good", None), ("bad", "unboxed")])
def test_an_attribute_that_calls_a_tagged_image_good_is_not_understood(
    tmp_path: Path, read, save, value: str, status: str | None
) -> None:
    save(tmp_path / "img" / "a.png")
    save(tmp_path / "img" / "b.png")
    tag = f'<tag label="verdict">{ATTRIBUTE("value", value)}</tag>'
    images = "".join(
        f'<image id="0" name="{n}.png" width="80" height="60">{t}</image>' for n, t in (("a", tag), ("b", ""))
    )
    (tmp_path / "a.xml").write_text(f"<annotations>{images}</annotations>")
    samples, findings = read("cvat", tmp_path)
    assert {path[-5]: s.status for path, s in samples.items()} == {"b": "good"} | ({"a": status} if status else {})
    assert status or "not understood" in findings.rejects[0].reason


def test_what_a_region_of_label_studio_is_called_in_the_words_of_its_own_controls(tmp_path: Path, read, save) -> None:
    save(tmp_path / "img" / "a.png")
    tasks = json.loads(labelstudio("crack", {"id": "r"}))
    for control, kind, value, kept in (
        ("is_defect", "choices", {"choices": ["no"]}, False),
        ("is_defect", "choices", {"choices": ["yes"]}, True),
        ("Befund", "textarea", {"text": ["i.O."]}, False),
    ):
        beside = {"id": "r", "type": kind, "from_name": control, "to_name": "i", "value": value}
        results = [*tasks[0]["annotations"][0]["result"][:1], beside]
        tasks[0]["annotations"][0]["result"] = results
        (tmp_path / "a.json").write_text(json.dumps(tasks))
        samples, findings = read("labelstudio", tmp_path)
        assert [s.status for s in samples.values()] == ["boxed"] * kept
        assert kept or control in findings.rejects[0].reason


def test_what_stands_beside_run_lengths(tmp_path: Path, read, save) -> None:
    for name in "ab":
        save(tmp_path / f"{name}.png")
    (tmp_path / "t.csv").write_text("ImageId,ClassId,EncodedPixels,Befund\na.png,1,1 40,i.O.\nb.png,1,1 40,n.i.O.\n")
    samples, findings = read("rle", tmp_path)
    assert {path: s.status for path, s in samples.items()} == {"b.png": "boxed"}
    assert "Befund 'i.O.'" in findings.rejects[0].reason


def test_the_first_attribute_of_a_region_that_calls_it_good_does_not_hide_the_next(tmp_path: Path, read, save) -> None:
    save(tmp_path / "img" / "a.png")
    form = {"name": "rect", "x": 10, "y": 10, "width": 20, "height": 20}
    region = {"shape_attributes": form, "region_attributes": {"remark": "OK", "Fehler": "crack"}}
    entry = {"filename": "a.png", "size": 1, "regions": [region], "file_attributes": {}}
    (tmp_path / "a.json").write_text(json.dumps({"a.png1": entry}))
    samples, findings = read("via", tmp_path)
    assert not samples
    assert "Fehler 'crack'" in findings.rejects[0].reason


@pytest.mark.parametrize(
    ("label", "type_map", "types"),
    [
        ("background", {"background": "background"}, ("background",)),
        ("background", {"background": "stain"}, ("stain",)),
        ("crack", {"crack": "ignore"}, None),
        ("overkill", {}, None),
    ],
)
def test_a_name_of_its_own_keeps_a_type(
    tmp_path: Path, read, save, label: str, type_map: dict[str, str], types: tuple[str, ...] | None
) -> None:
    save(tmp_path / "img" / "a.png")
    (tmp_path / "a.json").write_text(coco(label, {}))
    samples, _ = read("coco", tmp_path, type_map=type_map)
    assert [s.box_types for s in samples.values()] == ([types] if types else [])


def test_a_view_that_was_turned_is_listed(tmp_path: Path, read, save) -> None:
    save(tmp_path / "img" / "a.png")
    for degrees, status in ((90, "unboxed"), (360, "boxed"), (0, "boxed")):
        (tmp_path / "a.json").write_text(labelstudio("crack", {"image_rotation": degrees}))
        samples, findings = read("labelstudio", tmp_path)
        assert [s.status for s in samples.values()] == [status]
        assert status == "boxed" or "image_rotation 90" in findings.rejects[0].reason


@pytest.mark.parametrize(
    ("name", "where", "text"),
    [
        ("voc", "a.xml", voc("crack", "<confidence>0.8</confidence>")),
        ("cvat", "a.xml", cvat("crack", ATTRIBUTE("score", "0.8"))),
        ("datumaro", "a.json", datumaro("crack", {"score": 0.8})),
        ("labelme", "a.json", labelme("crack", {}).replace('"flags": {}', '"flags": {}, "score": 0.8')),
    ],
)
def test_boxes_with_scores_are_no_truth_in_any_format(
    tmp_path: Path, read, save, name: str, where: str, text: str
) -> None:
    save(tmp_path / "img" / "a.png")
    (tmp_path / where).write_text(text)
    samples, findings = read(name, tmp_path)
    assert not samples
    assert "what a model says" in findings.rejects[0].reason
    (tmp_path / where).write_text(text.replace("0.8", "1.0"))
    assert [s.status for s in read(name, tmp_path)[0].values()] == ["boxed"]


def test_scores_that_somebody_has_checked_are_truth(tmp_path: Path, read, save) -> None:
    save(tmp_path / "img" / "a.png")
    value = json.loads(labelme("crack", {}))
    value["shapes"][0]["score"] = 0.8
    for checked in (True, False):
        (tmp_path / "a.json").write_text(json.dumps({**value, "checked": checked}))
        assert len(read("labelme", tmp_path)[0]) == checked


@pytest.mark.parametrize(
    ("name", "where", "text"),
    [
        ("coco", "a.json", coco("crack", {}).replace('"a.png"', '"a.png", "verdict": "OK"')),
        ("labelme", "a.json", labelme("crack", {}).replace('"imageData"', '"flags": {"OK": true}, "imageData"')),
        ("voc", "a.xml", voc("crack", "").replace("<object>", "<verdict>OK</verdict><object>")),
        ("datumaro", "a.json", datumaro("crack", {}).replace('"id": "a"', '"id": "a", "attr": {"verdict": "OK"}')),
    ],
)
def test_a_box_counts_before_a_word_for_the_whole_image_which_is_listed(
    tmp_path: Path, read, save, name: str, where: str, text: str
) -> None:
    save(tmp_path / "img" / "a.png")
    (tmp_path / where).write_text(text)
    samples, findings = read(name, tmp_path)
    assert [s.status for s in samples.values()] == ["boxed"]
    assert ["the defect counts" in r.reason for r in findings.mended] == [True]


@pytest.mark.parametrize(("verdict", "status"), [("OK", None), ("NG", "unboxed")])
def test_a_label_of_datumaro_that_its_attribute_contradicts_is_listed(
    tmp_path: Path, read, save, verdict: str, status: str | None
) -> None:
    save(tmp_path / "img" / "a.png")
    value = json.loads(datumaro("crack", {"verdict": verdict}))
    value["items"][0]["annotations"][0]["type"] = "label"
    (tmp_path / "a.json").write_text(json.dumps(value))
    samples, findings = read("datumaro", tmp_path)
    assert [s.status for s in samples.values()] == ([status] if status else [])
    assert status or "verdict 'OK'" in findings.rejects[0].reason


def test_an_image_in_a_folder_that_says_good_and_more_is_not_taken_as_good(tmp_path: Path, read, save) -> None:
    for place in ("crack/a.png", "good_contact/b.png", "good_lot_7/c.png"):
        save(tmp_path / "img" / place)
    (tmp_path / "a.json").write_text(coco("crack", {}))
    samples, findings = read("coco", tmp_path)
    assert {name[-5:]: s.status for name, s in samples.items()} == {"a.png": "boxed", "c.png": "good"}
    assert [r.image[-5:] for r in findings.rejects] == ["b.png"]


@pytest.mark.parametrize(("tag", "status"), [("unclear", None), ("skip", None), ("unknown_defect", "unboxed")])
def test_a_tag_that_leaves_open_what_an_image_shows_makes_it_no_defect(
    tmp_path: Path, read, save, tag: str, status: str | None
) -> None:
    save(tmp_path / "img" / "a.png")
    inside = f'<image name="a.png" width="80" height="60"><tag label="{tag}"></tag></image>'
    (tmp_path / "a.xml").write_text(f"<annotations><version>1.1</version>{inside}</annotations>")
    samples, findings = read("cvat", tmp_path)
    assert [s.status for s in samples.values()] == ([status] if status else [])
    assert len(findings.mended) == len(samples)
    assert status or f"tag {tag!r}: whether that is a defect" in findings.rejects[0].reason


def test_one_box_that_is_said_to_be_none_is_listed_and_the_others_count(tmp_path: Path, read) -> None:
    rows = "image,x1,y1,x2,y2,class,verdict\na,1,2,9,9,crack,OK\na,11,12,19,19,crack,NOK\n"
    (tmp_path / "a.csv").write_text(rows)
    samples, findings = read("csv", tmp_path, size_hw=(48, 64))
    assert samples["a"].boxes_xyxy.tolist() == [[11, 12, 19, 19]]
    assert [(r.line, "verdict 'OK'" in r.reason) for r in findings.rejects] == [(2, True)]
    assert not any("every box" in text for text in findings.warnings)


@pytest.mark.parametrize(("column", "kept"), [("review", True), ("Befund", False)])
def test_a_word_for_good_beside_every_box_is_told(tmp_path: Path, read, column: str, kept: bool) -> None:
    (tmp_path / "a.csv").write_text(f"image,x1,y1,x2,y2,class,{column}\na,1,2,9,9,crack,ok\nb,1,2,9,9,pit,ok\n")
    samples, findings = read("csv", tmp_path, size_hw=(48, 64))
    assert [s.status for s in samples.values()] == ["boxed"] * 2 * kept
    assert [f"{column} 'ok', which" in r.reason for r in findings.mended] == [True] * 2 * kept
    assert any("files of which every box is left out" in text for text in findings.warnings) != kept


def test_a_score_of_coco_under_a_name_with_signs_is_one(tmp_path: Path, read, save) -> None:
    save(tmp_path / "img" / "a.png")
    (tmp_path / "a.json").write_text(coco("crack", {"pred_score": 0.8}))
    with pytest.raises(InputError, match="pred_score"):
        read("coco", tmp_path)
