"""CVAT for images 1.1."""

from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.claims import Claim
from data_tools.formats.cvat import claims_of, looks_like_cvat
from data_tools.formats.registry import Findings

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'


def claims(folder: Path, inside: str) -> tuple[list[Claim], Findings]:
    """The claims of a file with one image a.jpg, 64 x 48, and something inside."""
    path, findings = folder / "annotations.xml", Findings()
    path.write_text(f'{HEAD}<image id="0" name="a.jpg" width="64" height="48">{inside}</image></annotations>')
    return list(claims_of(path, findings)), findings


@pytest.mark.parametrize(
    ("element", "box", "note"),
    [
        ('<box label="s" xtl="5.0" ytl="6.5" xbr="20.0" ybr="21.0"/>', (5, 6.5, 20, 21), ""),
        ('<box label="s" xtl="10" ytl="20" xbr="50" ybr="24" rotation="90.0"/>', (28, 2, 32, 42), "turned by 90"),
        ('<box label="s" xtl="10" ytl="20" xbr="50" ybr="24" rotation="180"/>', (10, 20, 50, 24), "turned by 180"),
        ('<polygon label="s" points="1.0,2.0;9.5,3.0;4.0,8.0"/>', (1, 2, 9.5, 8), ""),
        ('<polyline label="s" points="1,2;9,30"/>', (1, 2, 9, 30), "a line"),
        ('<ellipse label="s" cx="20" cy="20" rx="10" ry="2"/>', (10, 18, 30, 22), ""),
        ('<ellipse label="s" cx="20" cy="20" rx="10" ry="2" rotation="90"/>', (18, 10, 22, 30), "turned by 90"),
        # a 3 x 2 frame at (10, 20): background 1, mask 1, background 2, mask 1, background 1
        ('<mask label="s" rle="1, 1, 2, 1, 1" left="10" top="20" width="3" height="2"/>', (11, 20, 12, 22), ""),
        (
            '<cuboid label="s" xtl1="1" ytl1="2" xbl1="1" ybl1="9" xtr1="5" ytr1="2" xbr1="5" ybr1="9" '
            'xtl2="3" ytl2="1" xbl2="3" ybl2="8" xtr2="7" ytr2="1" xbr2="7" ybr2="8"/>',
            (1, 1, 7, 9),
            "a cuboid",
        ),
    ],
)
def test_shapes(tmp_path: Path, element: str, box: tuple[float, ...], note: str) -> None:
    (claim,), findings = claims(tmp_path, element)
    (shape,) = claim.shapes
    assert (claim.image, claim.declared_hw, claim.line, claim.good) == ("a.jpg", (48, 64), 4, "")
    assert shape.type == "s"
    assert shape.box_xyxy == pytest.approx(box)
    assert not shape.problem
    assert note in shape.note
    assert bool(note) == bool(shape.note)
    assert not findings.rejects


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        ('<box label="s" xtl="5" ytl="6" xbr="20"/>', "without ybr"),
        ('<box label="s" xtl="5" ytl="6" xbr="20" ybr="nan"/>', "not finite"),
        ('<box label="s" xtl="5" ytl="6" xbr="20" ybr="9" rotation="x"/>', "rotation"),
        ('<polygon label="s" points="1,2;3,4"/>', "2 points for a polygon"),
        ('<polygon label="s" points="1,2;3"/>', "pairs"),
        ('<mask label="s" rle="1, 9" left="0" top="0" width="3" height="2"/>', "more pixels than its 3 x 2 frame"),
        ('<mask label="s" rle="6" left="0" top="0" width="3" height="2"/>', "an empty mask"),
        ('<mask label="s" rle="1, x" left="0" top="0" width="3" height="2"/>', "rle of a mask"),
        ('<mask label="s" rle="1, 1" left="0" top="0" width="3.5" height="2"/>', "whole pixels"),
        ('<star label="s"/>', "<star> encloses no area"),
    ],
)
def test_shapes_that_cannot_be_used_keep_their_image_from_being_good(
    tmp_path: Path, element: str, problem: str
) -> None:
    (claim,), _ = claims(tmp_path, element)
    assert problem in claim.shapes[0].problem
    assert claim.shapes[0].line == 4
    assert not claim.good


def test_an_image_without_anything_inside_is_good_and_says_why(tmp_path: Path) -> None:
    (claim,), _ = claims(tmp_path, "\n")
    assert claim.good == "image without shapes in a CVAT file"
    assert not claim.shapes


def test_tags_and_points_say_that_there_is_a_defect_or_that_there_is_none(tmp_path: Path) -> None:
    inside = '<tag label="good"/><tag label="scratch"/><points label="dent" points="3,4"/>'
    (whole, good, scratch, dent), findings = claims(tmp_path, inside)
    assert not whole.good
    assert not whole.shapes
    assert (good.good, good.defect_type) == ("tag 'good'", "")
    assert (scratch.defect_type, dent.defect_type) == ("scratch", "dent")
    assert len(findings.mended) == 2


def test_tracks_are_listed(tmp_path: Path) -> None:
    path, findings = tmp_path / "a.xml", Findings()
    path.write_text(
        f'{HEAD}<track id="0" label="s"><box frame="0" xtl="1" ytl="1" xbr="2" ybr="2"/></track></annotations>'
    )
    assert list(claims_of(path, findings)) == []
    assert "CVAT for images" in findings.rejects[0].reason
    assert findings.rejects[0].line == 4


def test_subsets_are_folders(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f'{HEAD}<image id="0" name="a.jpg" subset="Train" width="64" height="48"/></annotations>')
    assert [claim.image for claim in claims_of(path, Findings())] == ["Train/a.jpg"]


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (HEAD, True),
        ("\ufeff" + HEAD, True),
        ("<!-- a note -->\n<annotations><image/></annotations>", True),
        ("<annotation><filename>a</filename></annotation>", False),
        ("<annotations><other/></annotations>", False),
    ],
)
def test_only_cvat_is_recognised(tmp_path: Path, content: str, known: bool) -> None:
    path = tmp_path / "a.xml"
    path.write_text(content)
    assert bool(looks_like_cvat(path)) == known


def test_other_xml_and_unreviewed_predictions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<annotation><filename>a</filename></annotation>")
    with pytest.raises(InputError, match="not a CVAT file"):
        list(claims_of(path, Findings()))
    path.write_text(f"{HEAD}<meta><predictions/></meta></annotations>")
    with pytest.raises(InputError, match="predictions"):
        list(claims_of(path, Findings()))
