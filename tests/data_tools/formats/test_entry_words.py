"""An image without annotations is good only if nothing else in its entry says otherwise, whatever the format."""

import json
from pathlib import Path

import pytest

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.words.entry_words import against_a_defect, score_beside, unsettled, word_of


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"tags": ["bad"]}, UNBOXED),
        ({"extra": {"name": "a.jpg", "user_tags": ["defective"]}}, UNBOXED),
        ({"metadata": {"quality": "ok"}}, GOOD),
        ({"caption": "a scratch at the edge"}, None),
        ({"caption": "seen from above"}, ""),
        ({"not_exhaustive_category_ids": [1], "events": [{"tool": "bad"}]}, ""),
        ({"reviewed": False}, None),
        ({"tags": [], "attr": {}}, ""),
    ],
)
def test_what_an_entry_says(entry: dict, status: str | None) -> None:
    assert word_of(entry)[0] == status


def voc(inside: str) -> str:
    return f"<annotation><filename>a.png</filename>{inside}</annotation>"


BOX = "<bndbox><xmin>11</xmin><ymin>11</ymin><xmax>30</xmax><ymax>30</ymax></bndbox>"
LABELME = {"version": "5", "flags": {}, "shapes": [], "imagePath": "a.png", "imageData": None}
SUPERVISELY = {"description": "", "tags": [], "size": {"height": 60, "width": 80}, "objects": []}
DATUMARO = {"categories": {"label": {"labels": []}}, "items": [{"id": "a", "annotations": [], "attr": {"frame": 0}}]}
COCO = {"images": [{"id": 1, "file_name": "a.png", "width": 80, "height": 60}], "annotations": [], "categories": []}


@pytest.mark.parametrize(
    ("name", "where", "text", "status"),
    [
        ("voc", "a.xml", voc("<segmented>0</segmented>"), GOOD),
        ("voc", "a.xml", voc("<verified>no</verified>"), None),
        ("voc", "a.xml", voc("<status>NOK</status>"), None),
        ("voc", "a.xml", voc(f"<objects><object><name>s</name>{BOX}</object></objects>"), "boxed"),
        ("voc", "a.xml", voc(f"<item><name>s</name>{BOX}</item>"), "boxed"),
        ("voc", "a.xml", voc("<Object><name>s</name></Object>"), UNBOXED),
        ("voc", "a.xml", voc(BOX), UNBOXED),
        ("voc", "a.xml", voc(f"<object><name>s</name>{BOX}{BOX}</object>"), UNBOXED),
        ("labelme", "a.json", LABELME | {"description": ""}, GOOD),
        ("labelme", "a.json", LABELME | {"description": "scratch"}, None),
        ("labelme", "a.json", LABELME | {"checked": False}, None),
        ("supervisely", "ann/a.png.json", SUPERVISELY, GOOD),
        ("supervisely", "ann/a.png.json", SUPERVISELY | {"description": "dent"}, None),
        ("supervisely", "ann/a.png.json", SUPERVISELY | {"tags": [{"name": "defect", "value": "no"}]}, GOOD),
        ("supervisely", "ann/a.png.json", SUPERVISELY | {"tags": [{"name": "quality", "value": "bad"}]}, UNBOXED),
        ("datumaro", "a.json", DATUMARO, GOOD),
        ("datumaro", "a.json", DATUMARO | {"items": [DATUMARO["items"][0] | {"attr": {"status": "skipped"}}]}, None),
        ("coco", "a.json", COCO, GOOD),
        ("coco", "a.json", COCO | {"images": [COCO["images"][0] | {"tags": ["bad"]}]}, UNBOXED),
    ],
)
def test_an_image_without_annotations(
    tmp_path: Path, read, save, name: str, where: str, text: object, status: str | None
) -> None:
    save(tmp_path / "img" / "a.png")
    save(tmp_path / "img" / "b.png")
    path = tmp_path / where
    path.parent.mkdir(exist_ok=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    samples, findings = read(name, tmp_path)
    assert {sample.status for path, sample in samples.items() if path.endswith("a.png")} == {status} - {None}
    assert status is not None or any(Path(reject.image).stem == "a" for reject in findings.rejects)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Befund", "i.O."),
        ("Bemerkung", "kein Fehler"),
        ("remark", "false alarm"),
        ("pad", "no defect"),
        ("pad", "fehlerfrei"),
        ("Sichtpr\u00fcfung", "bestanden"),
        ("Spalte7", "looks good"),
        ("review", "no real defect"),
        ("No issues", "No issues"),  # IDID
        ("review_result", "OK"),
        ("quality", "normal"),
        ("is_defect", "0"),
        ("passed", "1"),
        ("pass", "yes"),
        ("deleted_box", "yes"),
        ("genuine defect", "no"),
        ("comment", "no defect but a false alarm"),
        ("comment", "rejected as a false alarm"),
        ("comment", "false alarm, no defect"),
    ],
)
def test_what_says_beside_a_box_that_it_is_no_defect(name: str, value: str) -> None:
    assert against_a_defect([(name, value)]) == f"{name} {value!r}"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("polarity", "normal", True),
        ("surface", "normal", True),
        ("defect_size", "normal", True),
        ("defect_size", "0", True),
        ("pad", "ok", True),
        ("review", "ok", True),
        ("checked", "ok", True),
        ("qa", "OK", True),
        ("final test", "accepted", True),
        ("Verdict", "Freigegeben", True),
        ("status", "approved", False),
        ("pred", "ok", False),
        ("annotation", "approved", False),
        ("annotation_comment", "ok", True),
        ("pass", "1", True),
        ("confirmed_by", "no", False),
        ("deleted_by", "yes", False),
        ("genuine part", "no", False),
        ("false_alarm_reviewer", "yes", False),
        ("comment", "no other defects", True),
        ("comment", "no further defects nearby", True),
        ("comment", "keine Fehler, aber Kratzer", True),
        ("comment", "no defect except scratch", True),
        ("comment", "aucun autre d\u00e9faut", True),
        ("remark", "false alarm rejected", True),
        ("remark", "not a false alarm", True),
        ("remark", "wasn't really a false alarm", True),
        ("remark", "false alarm excluded", True),
        ("remark", "false alarm: no", True),
        ("remark", "Fehlalarm ausgeschlossen", True),
    ],
)
def test_what_does_not_say_so_leaves_the_box_and_is_told_where_it_may(name: str, value: str, told: bool) -> None:
    assert against_a_defect([(name, value)]) == ""
    assert bool(unsettled([(name, value)])) == told


@pytest.mark.parametrize(
    ("name", "value", "is_score"),
    [
        ("pred_score", 0.8, True),
        ("Confidence (%)", "95 %", True),
        ("certainty", 0.8, True),
        ("defect_probability", "0.25", True),
        ("classConfidence", 0.9, True),
        ("classifier_confidence", 0.9, True),
        ("inference score", 0.9, True),
        ("confidence of labeller", 0.9, False),
        ("image_quality_score", 0.9, False),
        ("score", 95, True),
        ("det-score", 0, True),
        ("score", 1.0, False),
        ("score", "100", False),
        ("score", True, False),
        ("score", None, False),
        ("score", "high", False),
        ("severity", 3, False),
    ],
)
def test_scores_however_they_are_spelled(name: str, value: object, is_score: bool) -> None:
    assert bool(score_beside([(name, value)])) == is_score
