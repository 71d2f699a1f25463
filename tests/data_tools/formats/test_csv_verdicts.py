"""What rows without a box say of their images."""

from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.formats.tables.csv import write

SIZE = (160, 200)
HEADER = "image,class,x1,y1,x2,y2"


def status_of(folder: Path, read, text: str, **options: object) -> tuple[str | None, str]:
    """Status and type of image a in a table, None where it is listed, and the reason."""
    (folder / "a.csv").write_text(text)
    samples, findings = read("csv", folder / "a.csv", size_hw=SIZE, **options)
    reason = "; ".join(r.reason for r in findings.rejects)
    return (None, reason) if "a" not in samples else (samples["a"].status, samples["a"].type)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("status", "NG", ("unboxed", "defect")),
        ("verdict", "NOK", ("unboxed", "defect")),
        ("Result", "fail", ("unboxed", "defect")),
        ("is_defect", "1", ("unboxed", "defect")),
        ("is_defect", "0", ("good", "good")),
        ("good", "0", ("unboxed", "defect")),
        ("n_defects", "2", ("unboxed", "defect")),
        ("defect_name", "scratch", ("unboxed", "scratch")),
        ("anomaly", "scratch", ("unboxed", "scratch")),
        ("ok_ng", "OK", ("good", "good")),
        ("status", "unboxed", ("unboxed", "unboxed")),
        ("labelled", "yes", ("good", "good")),
        ("labelled", "no", (None, "nobody has looked at it")),
        ("annotated", "false", (None, "nobody has looked at it")),
        ("status", "not reviewed", (None, "not understood")),
        ("comment", "scratched", (None, "column 'comment' says 'scratched'")),
        ("scratch", "1", (None, "column 'scratch' says '1'")),
        ("scratch", "0", ("good", "good")),
        ("severity", "3", (None, "not understood")),
        ("quality", "OK but scratched", (None, "--columns")),
        ("source", "NG", (None, "not understood")),
        ("unused", "NG", ("good", "good")),
    ],
)
def test_a_row_without_a_box_is_good_only_if_no_column_says_otherwise(
    tmp_path: Path, read, column: str, value: str, expected: tuple[str | None, str]
) -> None:
    status, shown = status_of(tmp_path, read, f"{HEADER},{column}\na,,,,,,{value}\nb,s,10,20,30,40,\n")
    assert status == expected[0]
    assert expected[1] in shown


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(
            ("split", "test"),
            ("lot", "7"),
            ("group", "a12"),
            ("date", "2024-01-01"),
            ("image_id", "17"),
            ("index", "0"),
        ),
        *(("path", "x/a.png"), ("url", "https://host/a.png"), ("area", "0"), ("occluded", "1"), ("truncated", "0")),
        *(("Unnamed: 0", "1"), ("inspector", "anna"), ("material", "steel"), ("exposure", "21.5"), ("other", "x")),
        *(("hash", "deadbeef1234"), ("temperature", "21.5"), ("source", "camera 2"), ("score", "")),
    ],
)
def test_columns_about_something_else_are_harmless(tmp_path: Path, read, column: str, value: str) -> None:
    assert status_of(tmp_path, read, f"{HEADER},{column}\na,,,,,,{value}\nb,s,10,20,30,40,{value}\n")[0] == "good"


def test_a_column_without_a_name_is_the_index_of_the_rows(tmp_path: Path, read) -> None:
    assert status_of(tmp_path, read, f",{HEADER}\n1,a,,,,,\n0,b,s,10,20,30,40\n")[0] == "good"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *(("unknown", None), ("no", None), ("OK?", None), ("reviewed", None), ("0", "good"), ("none", "good")),
        *(("no defects found", "good"), ("OK", "good"), ("ok_missing", "unboxed"), ("1", "unboxed")),
    ],
)
def test_a_type_without_a_box(tmp_path: Path, read, kind: str, expected: str | None) -> None:
    assert status_of(tmp_path, read, f"{HEADER}\na,{kind},,,,\nb,s,10,20,30,40\n")[0] == expected


def test_a_type_that_has_boxes_elsewhere_is_one_without_a_box_too(tmp_path: Path, read) -> None:
    for kind in ("0", "none"):
        text = f"{HEADER}\nb,{kind},10,20,30,40\nc,1,10,20,30,40\na,{kind},,,,\n"
        assert status_of(tmp_path, read, text) == ("unboxed", kind)
    assert status_of(tmp_path, read, f"{HEADER}\na,0,0,0,0,0\nb,1,10,20,30,40\n")[0] == "good"
    text = f"{HEADER}\nb,background,10,20,30,40\nc,1,10,20,30,40\na,background,,,,\n"
    status, reasons = status_of(tmp_path, read, text)
    assert status is None
    assert "has boxes elsewhere" in reasons
    assert "type 'background': an area that is not judged" in reasons
    assert status_of(tmp_path, read, text, type_map={"background": "background"}) == ("unboxed", "background")


def test_what_is_given_a_new_name_is_understood(tmp_path: Path, read) -> None:
    text = f"{HEADER}\na,no,,,,\nb,s,10,20,30,40\n"
    assert status_of(tmp_path, read, text, type_map={"no": "good"}) == ("good", "good")
    assert status_of(tmp_path, read, text, type_map={"no": "stain"}) == ("unboxed", "stain")


def test_a_verdict_beside_the_type(tmp_path: Path, read) -> None:
    table = "filename;verdict;xmin;ymin;xmax;ymax\na;{};{}\nc;NOK;10;20;30;40\n"
    assert status_of(tmp_path, read, table.format("NOK", ";;;")) == ("unboxed", "defect")
    assert status_of(tmp_path, read, table.format("OK", ";;;")) == ("good", "good")
    assert status_of(tmp_path, read, table.format("OK", "10;20;30;40")) == ("good", "good")
    assert status_of(tmp_path, read, table.format("NOK", "10;20;30;40")) == ("boxed", "defect")
    (tmp_path / "a.csv").write_text(f"{HEADER},status\na,good,,,,,NG\n")
    samples, findings = read("csv", tmp_path / "a.csv", size_hw=SIZE)
    assert samples["a"].status == "unboxed"
    assert "the defect counts" in findings.mended[0].reason


def test_columns_named_anew(tmp_path: Path, read) -> None:
    text = "image,class,x,y,w,h,remark\na,,,,,,fine grain\nb,s,10,20,30,40,\n"
    assert status_of(tmp_path, read, text)[0] is None
    assert status_of(tmp_path, read, text, columns=(*HEADER.split(","), "unused"))[0] == "good"
    samples, _ = read("csv", tmp_path / "a.csv", size_hw=SIZE, columns=(*HEADER.split(","), "unused"))
    assert samples["b"].boxes_xyxy.tolist() == [[10, 20, 30, 40]]


def test_what_is_written_is_read_back_as_it_was(tmp_path: Path, read) -> None:
    kinds = ("0", "none", "NA", "-", "background", "unknown", "ok_missing", "unboxed")
    empty = (SIZE, np.zeros((0, 4)), np.zeros(0, dtype=np.int64))
    samples = [Sample(i, f"{i}.png", *empty, "unboxed", "", kind, ()) for i, kind in enumerate(kinds, start=1)]
    samples.append(Sample(9, "9.png", *empty, "good", "", "good", ()))
    write(Dataset(tuple(samples), ("defect",)), tmp_path / "a.csv")
    back, _ = read("csv", tmp_path / "a.csv")
    assert [(s.status, s.type) for s in back.values()] == [*(("unboxed", kind) for kind in kinds), ("good", "good")]


AGAINST = [
    ("verdict", "OK", "NOK"),
    ("review", "false alarm", "confirmed"),
    ("is_defect", "0", "1"),
    ("comment", "overkill", "at the edge"),
    ("is_deleted", "1", "0"),
    ("operator", "", "Good"),
    ("operator", "", "Passmann"),
    ("image_quality", "", "good"),
    ("Befund", "i.O.", "n.i.O."),
    ("Bewertung", "in Ordnung", "nicht in Ordnung"),
    ("Ergebnis", "iO", "nIO"),
    ("r\u00e9sultat", "conforme", "non conforme"),
    ("Kommentar", "kein Fehler erkennbar", "Fehler am Rand"),
    ("remark", "not a real defect", "good example of a crack"),
    ("col_9", "no defect", "deep"),
    ("Spalte7", "Looks good!", "looks bad"),
    ("comment", "in Ordnung (gepr\u00fcft)", "OK but scratched"),
    ("comment", "no problem", "a problem"),
    ("wafer_remark", "o.k.", "not o.k."),
    ("Fehler", "nein", "ja"),
    ("confirmed", "no", "yes"),
    ("source", "Fehlalarm", "not a false alarm"),
    ("light", "", "normal"),
    ("visibility", "", "good"),
    ("\u5224\u5b9a", "\u5408\u683c", "\u4e0d\u5408\u683c"),
    ("unused", "", "OK"),
]


@pytest.mark.parametrize(("column", "against", "silent"), AGAINST)
def test_a_box_of_a_defect_that_another_column_calls_good_is_listed(
    tmp_path: Path, read, column: str, against: str, silent: str
) -> None:
    rows = f"image,x1,y1,x2,y2,class,{column}\na,1,2,9,9,crack,{against}\nb,1,2,9,9,crack,{silent}\n"
    (tmp_path / "a.csv").write_text(rows, encoding="utf-8")
    samples, findings = read("csv", tmp_path, size_hw=(48, 64))
    assert {path: s.status for path, s in samples.items()} == {"b": "boxed"} | ({} if against else {"a": "boxed"})
    named = [(r.line, repr(against) in r.reason) for r in findings.rejects]
    assert named == ([(2, True)] * 2 if against else [])  # box and image


@pytest.mark.parametrize(
    ("column", "values", "kept"),
    [
        ("inspector", "OK NOK", "b"),
        ("inspector", "Good Bad Anna", "abc"),
        ("source", "pass fail unclear", "bc"),
        ("AOI", "PASS FAIL", "b"),
        ("Freigabe", "i.O. n.i.O. i.O.", "b"),
        ("Endkontrolle", "bestanden bestanden", ""),
        ("Sichtpr\u00fcfung", "Gut", ""),
        ("\u6700\u7ec8\u5224\u5b9a", "\u901a\u8fc7 \u672a\u901a\u8fc7", "b"),
        ("Teil", "Gutteil Gutteil", ""),
        ("bin", "Good_Die FAIL", "b"),
        ("pad", "ok ok", "ab"),
        ("pad", "ok missing", "ab"),
        ("light", "good bad", "ab"),
        ("image_quality", "good bad", "ab"),
        ("review", "ok bad", "ab"),
    ],
)
def test_a_column_of_good_and_bad_words_is_of_verdicts_whatever_its_header(
    tmp_path: Path, read, column: str, values: str, kept: str
) -> None:
    rows = [f"{name},1,2,9,9,crack,{value}" for name, value in zip("abc", values.split(), strict=False)]
    (tmp_path / "a.csv").write_text("\n".join([f"image,x1,y1,x2,y2,class,{column}", *rows, ""]), encoding="utf-8")
    samples, findings = read("csv", tmp_path, size_hw=(48, 64))
    assert "".join(samples) == kept
    assert len({r.line for r in findings.rejects}) == len(rows) - len(kept)


def test_a_column_of_good_words_alone_under_a_name_of_something_else_is_warned_of(tmp_path: Path, read) -> None:
    for value, warned in (("OK", True), ("Good", True), ("Anna", False), ("normal", False)):
        (tmp_path / "a.csv").write_text(f"image,x1,y1,x2,y2,class,inspector\na,1,2,9,9,crack,{value}\n")
        samples, findings = read("csv", tmp_path, size_hw=(48, 64))
        assert samples["a"].status == "boxed"
        assert any("'inspector' holds nothing but words for good" in one for one in findings.warnings) == warned


def test_a_row_without_a_box_is_what_a_column_of_verdicts_says(tmp_path: Path, read) -> None:
    text = f"{HEADER},inspector\na,,,,,,{{}}\nb,s,10,20,30,40,NG\nc,,,,,,OK\n"
    assert status_of(tmp_path, read, text.format("NG")) == ("unboxed", "defect")
    assert status_of(tmp_path, read, text.format("OK")) == ("good", "good")


def test_a_box_without_a_type_is_of_a_good_thing_only_where_every_verdict_says_so(tmp_path: Path, read) -> None:
    text = (
        "image,x1,y1,x2,y2,Ergebnis,Urteil,image_quality\na,1,2,9,9,OK,OK,\nb,1,2,9,9,OK,Kratzer,\nc,1,2,9,9,,,good\n"
    )
    (tmp_path / "a.csv").write_text(text)
    samples, findings = read("csv", tmp_path, size_hw=(48, 64))
    assert {path: s.status for path, s in samples.items()} == {"a": "good", "c": "boxed"}
    assert findings.rejects[0].line == 3
    (tmp_path / "a.csv").write_text("image,x1,y1,x2,y2,Fehlerart\na,1,2,9,9,Kratzer\n")
    assert read("csv", tmp_path, size_hw=(48, 64))[0]["a"].type == "Kratzer"


def test_a_box_of_a_good_thing_that_another_column_calls_a_defect_is_listed(tmp_path: Path, read) -> None:
    text = "image,x1,y1,x2,y2,class,verdict\na,1,2,9,9,OK,NG\nb,1,2,9,9,OK,OK\nc,1,2,9,9,OK,see c\n"
    (tmp_path / "a.csv").write_text(text)
    samples, findings = read("csv", tmp_path, size_hw=(48, 64))
    assert {path: s.status for path, s in samples.items()} == {"b": "good", "c": "good"}
    assert "a box of a good thing, but verdict 'NG'" in findings.rejects[0].reason


def test_what_a_model_says_is_no_verdict(tmp_path: Path, read) -> None:
    text = f"{HEADER},pred\na,s,1,2,9,9,ok\nb,s,1,2,9,9,ng\nc,,,,,,ng\nd,,,,,,ok\n"
    (tmp_path / "a.csv").write_text(text)
    samples, findings = read("csv", tmp_path / "a.csv", size_hw=SIZE)
    assert {name: s.status for name, s in samples.items()} == {"a": "boxed", "b": "boxed", "d": "good"}
    assert [r.line for r in findings.rejects] == [4]
    (tmp_path / "a.csv").write_text("image,x1,y1,x2,y2,predicted_class\na,1,2,9,9,pit\n")
    with pytest.raises(InputError, match=r"line 2: predicted_class pit: .* what a model says"):
        read("csv", tmp_path / "a.csv", size_hw=SIZE)


@pytest.mark.parametrize(
    ("column", "values", "warned"),
    [
        ("result", "P F", "column 'result' holds F, P, which"),
        ("Ergebnis", "1 2", "column 'Ergebnis' holds 1, 2, which"),
        ("result", "pass F", ""),
        ("grade", "A B", ""),
        ("lot", "P F", ""),
    ],
)
def test_codes_under_a_header_for_verdicts_are_warned_of(
    tmp_path: Path, read, column: str, values: str, warned: str
) -> None:
    rows = [f"{name},1,2,9,9,crack,{value}" for name, value in zip("ab", values.split(), strict=True)]
    (tmp_path / "a.csv").write_text("\n".join([f"image,x1,y1,x2,y2,class,{column}", *rows, ""]))
    samples, findings = read("csv", tmp_path, size_hw=(48, 64))
    assert samples["b"].status == "boxed"
    assert [one[: len(warned)] for one in findings.warnings if " holds " in one] == ([warned] if warned else [])
