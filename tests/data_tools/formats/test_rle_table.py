"""Tables of run lengths."""

from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.claims import Claim
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.tables.rle_table import claims_of, looks_like_run_lengths

SIZE = (48, 64)


def claims(
    folder: Path, text: str, size_hw: tuple[int, int] | None = SIZE, **options: Any
) -> tuple[list[Claim], Findings]:
    """The claims of a table about images of one size."""
    path, findings = folder / "train.csv", Findings()
    path.write_text(text)
    return list(claims_of(path, findings, ReadOptions(**options), lambda _: size_hw)), findings


@pytest.mark.parametrize(
    "table",
    [
        "ImageId,ClassId,EncodedPixels\n0.png,3,1 20 49 20 97 20\n",
        "ImageId_ClassId,EncodedPixels\n0.png_3,1 20 49 20 97 20\n",
        "class,image_id;rle_mask".replace(",", ";") + "\n3;0.png;1 20 49 20 97 20\n",
        "\ufeffid\tlabel\trle\n0.png\t3\t1 20 49 20 97 20\n",
        'filename,defect_class,rle\n0.png,3,"[1, 20, 49, 20, 97, 20]"\n',
    ],
)
def test_runs_go_down_the_columns_from_1(tmp_path: Path, table: str) -> None:
    (claim,), findings = claims(tmp_path, table)
    assert (claim.image, claim.good) == ("0.png", "")
    assert [(shape.type, shape.box_xyxy, shape.line) for shape in claim.shapes] == [("3", (0, 0, 3, 20), 2)]
    assert not findings.rejects


def test_each_region_is_a_defect_and_small_ones_are_listed(tmp_path: Path) -> None:
    # column 0 rows 0..19, column 10 rows 0..14, column 20 row 0
    (claim,), findings = claims(tmp_path, "ImageId,EncodedPixels\na.png,1 20 481 15 961 1\n")
    assert [shape.box_xyxy for shape in claim.shapes] == [(0, 0, 1, 20), (10, 0, 11, 15)]
    assert "1 regions of fewer than 10 pixels" in findings.rejects[0].reason


def test_an_image_is_good_by_empty_rows_only_if_all_of_them_are(tmp_path: Path) -> None:
    (none,), _ = claims(tmp_path, "ImageId,ClassId,EncodedPixels\nd.png,-1,-1\n")
    assert (none.good, none.defect_type, none.problem) == ("empty run lengths in the row", "", "")
    rows = "a_1,\na_2,\nb_1,\nb_2,1 20\nc_1,-1\n"
    (a, b, c), _ = claims(tmp_path, "ImageId_ClassId,EncodedPixels\n" + rows)
    assert (a.good, b.good, c.good) == ("empty run lengths in all 2 rows", "", "empty run lengths in the row")
    assert [shape.type for shape in b.shapes] == ["2"]


def test_a_class_by_name_without_runs_is_absent_only_beside_all_the_others(tmp_path: Path) -> None:
    both = "a,crack,\na,dent,\nb,crack,1 20\nb,dent,\nc,crack,\n"
    (a, b, c), _ = claims(tmp_path, "ImageId,label,EncodedPixels\n" + both)
    assert a.good
    assert [shape.type for shape in b.shapes] == ["crack"]
    assert (c.good, "is it there" in c.problem) == ("", True)
    verdicts = "a,good,\nb,crack,1 20\nc,crack,\n"
    (a, b, c), _ = claims(tmp_path, "ImageId,label,EncodedPixels\n" + verdicts)
    assert (bool(a.good), c.good, c.defect_type) == (True, "", "crack")


def test_runs_along_the_rows_are_refused(tmp_path: Path) -> None:
    """Rows 2 to 5, columns 10 to 29 of 64: down the columns of 48 these runs lie apart."""
    along = " ".join(f"{row * 64 + 11} 20" for row in range(2, 6))
    down = " ".join(f"{column * 48 + 3} 4" for column in range(10, 30))
    (one, other), _ = claims(tmp_path, f"ImageId,EncodedPixels\na,{along}\nb,{down}\n")
    assert "along the rows" in one.shapes[0].problem
    assert [shape.box_xyxy for shape in other.shapes] == [(10, 2, 30, 6)]


def test_rows_that_cannot_be_read_keep_their_image_from_being_good(tmp_path: Path) -> None:
    rows = "a,1,\na,2\nb,1,9999 2\nc,1,1 2 3\n"
    (lost, _, b, c), _ = claims(tmp_path, "ImageId,ClassId,EncodedPixels\n" + rows)
    assert (lost.image, lost.line, lost.problem) == ("a", 3, "2 fields instead of 3")
    assert not b.good
    assert not c.good
    assert "has fewer" in b.shapes[0].problem
    assert "pairs" in c.shapes[0].problem


def test_runs_need_a_size(tmp_path: Path) -> None:
    (claim,), _ = claims(tmp_path, "ImageId,EncodedPixels\na.png,1 20\n", size_hw=None)
    assert "size is not known" in claim.shapes[0].problem


def test_only_tables_of_run_lengths_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for header, known in (("ImageId,EncodedPixels", True), ("image,x1,y1,x2,y2", False), ("EncodedPixels,x", False)):
        path.write_text(header + "\n")
        assert bool(looks_like_run_lengths(path)) == known
    with pytest.raises(InputError, match="run lengths"):
        list(claims_of(path, Findings(), ReadOptions(), lambda _: None))


@pytest.mark.parametrize(
    ("column", "value", "defect_type", "problem"),
    [("verdict", "NG", "defect", ""), ("labelled", "no", "", "nobody"), ("comment", "dent", "", "not understood")],
)
def test_an_empty_row_is_good_only_if_no_column_says_otherwise(
    tmp_path: Path, column: str, value: str, defect_type: str, problem: str
) -> None:
    (claim,), _ = claims(tmp_path, f"ImageId,ClassId,EncodedPixels,{column}\n0.png,1,,{value}\n")
    assert (claim.good, claim.defect_type) == ("", defect_type)
    assert problem in claim.problem
    (claim,), _ = claims(tmp_path, f"ImageId,ClassId,EncodedPixels,{column}\n0.png,1,,\n")
    assert claim.good


def test_a_column_of_good_and_bad_words_is_of_verdicts(tmp_path: Path) -> None:
    (b, a), _ = claims(tmp_path, "ImageId,EncodedPixels,inspector\na,1 20,OK\nb,,NG\n")
    assert [shape.beside for shape in a.shapes] == [(("inspector (verdict)", "OK"),)]
    assert b.defect_type
