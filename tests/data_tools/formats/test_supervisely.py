"""Supervisely."""

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.formats.claims import Claim
from data_tools.formats.registry import Findings
from data_tools.formats.supervisely import claims_of, looks_like_supervisely
from data_tools.formats.supervisely_bitmap import bitmap_box


def packed(pixels: np.ndarray, palette: bool = True) -> str:
    """The data of a bitmap as Supervisely's library writes it: a palette whose first color is transparent."""
    image, file = Image.fromarray(pixels.astype(np.uint8), "P" if palette else "L"), io.BytesIO()
    if palette:
        image.putpalette([0, 0, 0, 255, 255, 255])
    image.save(file, format="PNG", **({"transparency": 0} if palette else {}))
    return base64.b64encode(zlib.compress(file.getvalue())).decode()


def claims(folder: Path, *objects: Any, tags: Any = (), **options: Any) -> tuple[list[Claim], Findings]:
    """The claims of a file about a.jpg, 64 x 48."""
    path, findings = folder / "a.jpg.json", Findings()
    size = {"height": 48, "width": 64}
    path.write_text(json.dumps({"description": "", "tags": list(tags), "size": size, "objects": objects}))
    return list(claims_of(path, findings, **options)), findings


def outlined(kind: str, *points: list[float]) -> dict[str, Any]:
    """An object of class s."""
    return {"classTitle": "s", "geometryType": kind, "points": {"exterior": points, "interior": []}, "tags": []}


@pytest.mark.parametrize(
    ("entry", "box"),
    [
        (outlined("rectangle", [5, 6], [20, 30]), (5, 6, 21, 31)),
        (outlined("rectangle", [20, 30], [5, 6]), (5, 6, 21, 31)),
        (outlined("rectangle", [5.5, 6], [20, 30]), (5.5, 6, 20, 30)),  # fractions: positions between pixels
        (outlined("polygon", [5, 6], [20, 10], [9, 30]), (5, 6, 21, 31)),
        (outlined("line", [5, 6], [20, 6]), (5, 6, 21, 7)),
        ({"classTitle": "s", "geometryType": "bitmap", "bitmap": {"origin": [10, 20], "data": None}}, (11, 20, 14, 22)),
    ],
)
def test_objects(tmp_path: Path, entry: dict[str, Any], box: tuple[float, ...]) -> None:
    if "bitmap" in entry:
        pixels = np.zeros((3, 5))
        pixels[:2, 1:4] = 1
        entry["bitmap"]["data"] = packed(pixels)
    (claim,), _ = claims(tmp_path, entry)
    assert (claim.image, claim.own_name, claim.declared_hw, claim.good) == ("a.jpg", "a.jpg", (48, 64), "")
    assert (claim.shapes[0].type, claim.shapes[0].box_xyxy) == ("s", box)


def test_corners_can_be_exclusive(tmp_path: Path) -> None:
    (claim,), _ = claims(tmp_path, outlined("rectangle", [5, 6], [20, 30]), corners="exclusive")
    assert claim.shapes[0].box_xyxy == (5, 6, 20, 30)


def test_bitmaps_in_gray_and_with_alpha() -> None:
    pixels = np.zeros((4, 4))
    pixels[1:3, 2] = 255
    assert bitmap_box({"origin": [0, 0], "data": packed(pixels, palette=False)}, (48, 64)) == (2, 1, 3, 3)
    assert bitmap_box({"origin": [0, 0], "data": packed(np.zeros((4, 4)))}, (48, 64)) == "an empty mask"


@pytest.mark.parametrize(
    ("bitmap", "reason"),
    [
        (None, "origin"),
        ({"origin": [1], "data": ""}, "origin"),
        ({"origin": [1, 2], "data": 3}, "without data"),
        ({"origin": [1, 2], "data": "§"}, "unpacked"),
        ({"origin": [1, 2], "data": base64.b64encode(b"x").decode()}, "unpacked"),
        ({"origin": [1, 2], "data": base64.b64encode(zlib.compress(b"x")).decode()}, "no readable PNG"),
        ({"origin": [1, 2], "data": base64.b64encode(zlib.compress(bytes(1 << 27))).decode()}, "more than"),
        ({"origin": [1, 2], "data": packed(np.ones((49, 2)))}, "more than its image"),
    ],
)
def test_bitmaps_that_are_broken_or_too_large(bitmap: Any, reason: str) -> None:
    assert reason in str(bitmap_box(bitmap, (48, 64)))


def test_a_file_without_objects_is_good_unless_its_tags_say_otherwise(tmp_path: Path) -> None:
    (claim,), _ = claims(tmp_path, tags=[{"name": "train"}])
    assert claim.good == "Supervisely file without objects"
    (whole, tagged), _ = claims(tmp_path, tags=[{"name": "defective", "value": None}])
    assert (whole.good, tagged.defect_type) == ("", "defective")
    (whole, tagged), _ = claims(tmp_path, tags=[{"name": "like", "value": None}])
    assert whole.good == ""
    assert "not understood: the tag 'like'" in tagged.problem
    (whole, tagged), _ = claims(tmp_path, tags=[{"name": "passed with scratch"}])
    assert (whole.good, tagged.good, tagged.defect_type) == ("", "", "")
    assert "not understood: the tag 'passed with scratch'" in tagged.problem
    (whole, tagged), _ = claims(tmp_path, tags=[{"name": "good"}])
    assert (whole.good, tagged.good) == ("", "tag 'good'")


def test_points_and_unknown_geometries(tmp_path: Path) -> None:
    (whole, point), findings = claims(tmp_path, outlined("point", [5, 6]))
    assert (whole.good, whole.shapes, point.defect_type) == ("", (), "s")
    assert "point" in findings.mended[0].reason
    (claim,), _ = claims(tmp_path, outlined("cuboid", [5, 6]))
    assert "'cuboid'" in claim.shapes[0].problem
    (claim,), _ = claims(tmp_path, outlined("polygon", [5, 6]))
    assert "1 points" in claim.shapes[0].problem


def test_only_supervisely_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    size = {"height": 1, "width": 1}
    for value, known in (
        ({"size": size, "objects": []}, True),
        ({"size": size, "objects": [outlined("point")]}, True),
        ({"size": size, "objects": [{"name": "a"}]}, False),
        ({"size": size, "objects": [], "filename": "a.png"}, False),
        ({"objects": []}, False),
        ([], False),
    ):
        path.write_text(json.dumps(value))
        assert bool(looks_like_supervisely(path)) == known
    with pytest.raises(InputError, match="Supervisely"):
        list(claims_of(path, Findings()))
