"""Datumaro's own JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.claims import Claim
from data_tools.formats.datumaro import claims_of, looks_like_datumaro
from data_tools.formats.registry import Findings

CATEGORIES = {"label": {"labels": [{"name": "s", "parent": ""}, {"name": "good", "parent": ""}]}}


def claims(folder: Path, *annotations: Any) -> tuple[list[Claim], Findings]:
    """The claims of a file about a.jpg, 64 x 48."""
    path, findings = folder / "default.json", Findings()
    item = {"id": "a", "annotations": list(annotations), "image": {"path": "a.jpg", "size": [48, 64]}}
    path.write_text(json.dumps({"info": {}, "categories": CATEGORIES, "items": [item]}))
    return list(claims_of(path, findings)), findings


@pytest.mark.parametrize(
    ("entry", "box"),
    [
        ({"type": "bbox", "bbox": [10, 20, 40, 4]}, (10, 20, 50, 24)),
        ({"type": "bbox", "bbox": [10, 20, 40, 4], "attributes": {"rotation": 90.0}}, (28, 2, 32, 42)),
        ({"type": "polygon", "points": [1, 2, 9, 3, 4, 8]}, (1, 2, 9, 8)),
        ({"type": "polyline", "points": [1, 2, 9, 8]}, (1, 2, 9, 8)),
        ({"type": "ellipse", "points": [1, 2, 9, 8]}, (1, 2, 9, 8)),
    ],
)
def test_annotations(tmp_path: Path, entry: dict[str, Any], box: tuple[float, ...]) -> None:
    (claim,), _ = claims(tmp_path, {"label_id": 0, **entry})
    assert (claim.image, claim.declared_hw, claim.good, claim.shapes[0].type) == ("a.jpg", (48, 64), "", "s")
    assert claim.shapes[0].box_xyxy == pytest.approx(box)


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "bbox", "bbox": [1, 2]},
        {"type": "bbox", "bbox": [1, 2, 3, 4, 5, 6]},
        {"type": "polygon", "points": [1, 2, 3, 4]},
        {"type": "cuboid_3d"},
        3,
    ],
)
def test_annotations_that_cannot_be_read_keep_their_image_from_being_good(tmp_path: Path, entry: Any) -> None:
    (claim,), _ = claims(tmp_path, entry)
    assert claim.shapes[0].problem
    assert not claim.good


def test_empty_items_and_labels_of_the_whole_image(tmp_path: Path) -> None:
    (claim,), _ = claims(tmp_path)
    assert claim.good == "Datumaro item without annotations"
    (whole, good, bad), findings = claims(
        tmp_path, {"type": "label", "label_id": 1}, {"type": "points", "label_id": 0, "points": [1, 2]}
    )
    assert (whole.good, good.good, bad.defect_type) == ("", "label 'good'", "s")
    assert "points without an area" in findings.mended[0].reason
    (claim,), findings = claims(tmp_path, {"type": "caption", "caption": "hm"})
    assert not claim.good
    assert "caption" in findings.rejects[0].reason


def test_only_datumaro_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for value, known in (({"items": [], "categories": {}}, True), ({"items": [], "categories": []}, False)):
        path.write_text(json.dumps(value))
        assert bool(looks_like_datumaro(path)) == known
    with pytest.raises(InputError, match="Datumaro"):
        list(claims_of(path, Findings()))
