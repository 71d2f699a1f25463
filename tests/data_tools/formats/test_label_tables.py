"""Tables with a label for each image and no boxes."""

from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.tables.columns import find_label_columns
from data_tools.formats.tables.csv_layout import label_table

SIZE = (48, 64)
REFUSED = None


def read_rows(folder: Path, read, header: str, *rows: str, **options: object) -> dict[str, tuple[str, str]]:
    """Status and type by image of a table with the images a, b, c... in its first column."""
    lines = [header, *(f"{name},{row}" for name, row in zip("abcdef", rows, strict=False))]
    (folder / "t.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    samples, _ = read("csv", folder / "t.csv", size_hw=SIZE, **options)
    return {name: (sample.status, sample.type) for name, sample in samples.items()}


GOOD, NG, PIT = ("good", "good"), ("unboxed", "defect"), ("unboxed", "pit")
_NG_ALL = dict.fromkeys("bcd", NG)


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("image,label", "ok ng", {"a": GOOD, "b": NG}),
        ("image,label", "good scratch bad", {"a": GOOD, "b": ("unboxed", "scratch"), "c": NG}),
        ("image,label", "i.O. n.i.O.", {"a": GOOD, "b": NG}),
        ("id,is_defect", "0 1", {"a": GOOD, "b": NG}),
        ("id,defect", "0 1", {"a": GOOD, "b": NG}),
        ("id,good", "0 1", {"a": NG, "b": GOOD}),
        ("id,n_defects", "0 3", {"a": GOOD, "b": NG}),
        ("file,defect_type", "none pit", {"a": GOOD, "b": ("unboxed", "pit")}),
        ("file,Befund", "iO Fehler", {"a": GOOD, "b": NG}),
        ("image,split,label", "train,normal test,anomaly", {"a": GOOD, "b": NG}),
        ("image,label,defect_type", "ok, ng,pit", {"a": GOOD, "b": ("unboxed", "pit")}),
        ("image,label,defect_type", "ok, ok,pit", {"a": GOOD}),  # b says both
        ("image,label", "ok unknown false_alarm reviewed scratch?", {"a": GOOD}),
        ("image,label,comment", "ok,scratched ok,dull ng,scratched", {"b": GOOD, "c": NG}),
        ("image,label,labelled", "ok,no ok,yes", {"b": GOOD}),
        ("image,label", "ok ", {"a": GOOD}),
        ("image,has_defect,type", "no, yes,pit yes,", {"a": GOOD, "b": ("unboxed", "pit"), "c": NG}),
        ("image,label,operator", "ok,Fault ng,Good ok,Anna", {"a": GOOD, "b": NG, "c": GOOD}),
        ("image,label,operator", "ok,NG ng,NG ok,OK", {"b": NG, "c": GOOD}),
        ("image,width,height,label", "64,48,ok 64,48,ng", {"a": GOOD, "b": NG}),
        ("image,label,review", "ok, NG,false_alarm NG,no_real_defect crack,overkill NG,unsure", {"a": GOOD}),
        ("image,label,review", "ok, NG,not_labelled NG,clean NG,ok_after_cleaning NG,recheck", {"a": GOOD}),
        ("image,label,false_alarm", "ok,no NG,yes NG,no", {"a": GOOD, "c": NG}),
        ("image,label,comment", "ok, NG,cause_found NG,no_solder NG,defect_at_edge", {"a": GOOD, **_NG_ALL}),
        ("image,label", "undamaged damaged uncracked", {"a": GOOD, "b": NG}),
        ("image,label", "nondefective defect", {"a": GOOD, "b": NG}),
        ("image,label", "无异常 异常", {"a": GOOD, "b": NG}),
        ("image,label", "ok ng 无划痕 傷なし none_found ok/ng", {"a": GOOD, "b": NG}),
        ("image,label", "ok ng inconclusive unbekannt rissfrei scratch/none", {"a": GOOD, "b": NG}),
        ("image,label", "ok ng 良 要確認 待定 不合格品", {"a": GOOD, "b": NG, "c": GOOD, "f": NG}),
        ("image,label", "ok ng aprobado P scratch|OK clear", {"a": GOOD, "b": NG}),
        ("image,is_defect", "FALSCH WAHR", {"a": GOOD, "b": NG}),
        ("image,defect", "no x yes O", {"a": GOOD, "c": NG}),  # a mark for yes in one place, for no in another
        ("image,OK,NG", "x, ,x x,x", REFUSED),
        ("\u6587\u4ef6\u540d,\u7ed3\u679c", "\u5408\u683c \u4e0d\u5408\u683c", {"a": GOOD, "b": NG}),
        ("\u30d5\u30a1\u30a4\u30eb\u540d,\u5224\u5b9a", "\u826f\u54c1 \u4e0d\u826f", {"a": GOOD, "b": NG}),
        ("image,label", "ok clean defective no_scratch acceptable", {"a": GOOD, "c": NG}),
        ("image,defect_type", "none no_scratches clean pit other", {"a": GOOD, "d": PIT, "e": ("unboxed", "other")}),
        ("image,is_defect", "no negative n/d pit yes", {"a": GOOD, "e": NG}),
        ("image,defect", "no absent tbd pit", {"a": GOOD, "d": PIT}),
        ("image,is_defect", "0.0 1.0 ", {"a": GOOD, "b": NG}),
        ("image,defects", "0 3", {"a": GOOD, "b": NG}),
        ("image,defects", "0.0 3.0", {"a": GOOD, "b": NG}),
        ("image,label", "zero_defects 0_defects bad", {"a": GOOD, "c": NG}),  # 0 may be the number of a class
        ("image,label", "good reference rework rotated pit NG", {"a": GOOD, "e": PIT, "f": NG}),
        ("image,label", "good kos01 kos02 NG", {"a": GOOD, "d": NG}),
        ("image,class,status", "bottle,good bottle,bad cable,bad", {"a": GOOD, "b": NG, "c": NG}),
        ("image,class,status", "bottle,good bottle,bad crack,good", {"a": GOOD, "b": NG}),
        ("image,class,status", "bottle,good bottle,bad cable,", {"b": NG}),
        ("image,type,status", "pit,OK", REFUSED),
        ("image,type,status", "pit,OK crack,NG", {"b": ("unboxed", "crack")}),
        ("image,type,status", "pit,OK ,OK pit,NG", {"b": GOOD, "c": PIT}),
        ("image,status,kind", "OK,none OK,pit NG,pit", {"a": GOOD, "c": PIT}),
        ("image,Typ,Status", "pit,OK Riss,NG", {"b": ("unboxed", "Riss")}),
        ("image,type,status", "PCB1,OK PCB2,NG", {"a": GOOD, "b": NG}),
        ("image,type,status", "front,OK back,NG", {"a": GOOD, "b": NG}),
        ("image,type,status", "bottle,OK bottle,OK", {"a": GOOD, "b": GOOD}),
        ("image,type,status", "bottle,OK bottle,OK cable,OK", {"a": GOOD, "b": GOOD, "c": GOOD}),
        ("image,type,status", "pit,OK pit,OK crack,NG", {"c": ("unboxed", "crack")}),
        ("image,label,label_name", "0,good 1,defective 1,", {"a": GOOD, "b": NG}),
        ("image,class_id,class_name", "7,good 1,pit", {"a": GOOD, "b": PIT}),
        ("image,label,status", "1,OK 0,NG 1,NG", {"b": NG, "c": NG}),  # 1 goes with both
        ("image,is_defect,status", "1,OK 0,NG", REFUSED),
        ("image,label,prediction", "ok,ng ng,ng", {"a": GOOD, "b": NG}),
        ("image,label,pred_defect", "ok,1 ng,0", {"a": GOOD, "b": NG}),
        ("image,anomaly", "-1 1", REFUSED),
        ("image,label", "0 1", REFUSED),
        ("image,label", "scratch pit", REFUSED),
        ("image,label", "kos01 kos02", REFUSED),
        ("image,label", "yes no", REFUSED),
        ("image,label", "positive negative", REFUSED),
        ("image,defect_score,result", "0.1,ok 0.9,ng", REFUSED),
    ],
)
def test_rows_say_what_they_say(
    tmp_path: Path, read, header: str, rows: str, expected: dict[str, tuple[str, str]] | None
) -> None:
    if expected is not REFUSED:
        assert read_rows(tmp_path, read, header, *rows.split(" ")) == expected
        return
    with pytest.raises(InputError, match=r"t\.csv, line 2: "):
        read_rows(tmp_path, read, header, *rows.split(" "))


def test_what_numbers_and_types_mean_is_said_by_the_type_map(tmp_path: Path, read) -> None:
    given = {"0": "good", "1": "defect"}
    assert read_rows(tmp_path, read, "image,fold,label", "0,0", "1,1", type_map=given) == {"a": GOOD, "b": NG}
    pit = ("unboxed", "pit")
    assert read_rows(tmp_path, read, "image,label", "pit", "A", type_map={"pit": "pit", "A": "good"}) == {
        "a": pit,
        "b": GOOD,
    }
    rows = ("scratch", "clean", "reference", "B")
    assert read_rows(tmp_path, read, "image,label", *rows, type_map={"scratch": "defect"}) == {"a": NG}
    assert read_rows(tmp_path, read, "image,label", *rows, type_map={"b": "good"}) == {"d": GOOD}
    with pytest.raises(InputError, match=r"--type_map '\{0: good\}', or '\{0: defect\}', says it"):
        read_rows(tmp_path, read, "image,label", "0", "1")


@pytest.mark.parametrize(
    "header",
    [
        "image,x,y,label",
        "image,mask,label",
        "image,predicted_label",
        "image,is_defect_pred",
        "image,split",
        "id,name",
        "ImageId,ClassId,EncodedPixels",
        "label,size",
        "",
    ],
)
def test_what_is_no_table_of_labels(header: str) -> None:
    assert find_label_columns(header.split(",")) is None


def test_it_is_recognised_last_and_beside_its_images(tmp_path: Path, read, save) -> None:
    for place in ("x/1.png", "y/1.png"):
        save(tmp_path / place)
    (tmp_path / "t.csv").write_text("image;label\nx/1.png;OK\ny/1.png;NG\nz/1.png;OK\n")
    assert choose_format([tmp_path], "auto")[0].name == "csv"
    samples, findings = read("csv", tmp_path)
    assert {name: s.status for name, s in samples.items()} == {"x/1.png": "good", "y/1.png": "unboxed"}
    assert [r.line for r in findings.rejects] == [4]
    (tmp_path / "b.csv").write_text("image,x1,y1,x2,y2\nx/1.png,1,2,9,9\n")
    samples, findings = read("csv", tmp_path)  # beside a table of boxes, another is none of labels
    assert {name: s.status for name, s in samples.items()} == {"x/1.png": "boxed"}
    assert "a table of labels beside tables of boxes is not read" in findings.rejects[0].reason


def test_texts_with_spaces_and_the_types_that_are_taken_from_a_table(tmp_path: Path, read) -> None:
    (tmp_path / "t.csv").write_text("image,label\na,0 defects\nb,3 defects\nc,0 NG\nd,crack\ne,no crack\n")
    samples, findings = read("csv", tmp_path / "t.csv", size_hw=SIZE)
    assert {name: s.type for name, s in samples.items()} == {"a": "good", "b": "defect", "d": "crack"}
    assert [r.line for r in findings.rejects] == [4, 6]
    assert findings.notes == ["t.csv: taken for types of defects: crack"]


def test_a_flag_on_many_good_images_says_nothing_of_defects(tmp_path: Path, read) -> None:
    good, bad = [f"g{i}.png,ok,{int(i < 9)}" for i in range(12)], [f"b{i}.png,ng,{int(i < 2)}" for i in range(4)]
    for flag, listed in (("polished", 0), ("scratched", 9)):
        (tmp_path / "t.csv").write_text("\n".join([f"image,label,{flag}", *good, *bad, ""]))
        samples, findings = read("csv", tmp_path / "t.csv", size_hw=SIZE)
        assert (len(samples), len(findings.rejects)) == (16 - listed, listed)


def test_products_that_are_taken_from_a_table_are_told(tmp_path: Path, read) -> None:
    (tmp_path / "t.csv").write_text("image,class,status\na,bottle,OK\nb,bottle,NG\n")
    _, findings = read("csv", tmp_path / "t.csv", size_hw=SIZE)
    assert findings.notes == ["t.csv: taken for products, no types of defects: bottle"]


def test_tables_of_labels_below_a_folder_are_recognised(tmp_path: Path, read, save) -> None:
    for part in ("train", "test"):
        save(tmp_path / part / "1.png")
        (tmp_path / part / "labels.csv").write_text(
            "image,label\n1.png,OK\n" if part == "train" else "image,label\n1.png,NG\n"
        )
    assert choose_format([tmp_path], "auto")[0].name == "csv"
    samples, _ = read("csv", tmp_path)
    assert {name: s.status for name, s in samples.items()} == {"train/1.png": "good", "test/1.png": "unboxed"}


def test_a_table_without_a_header_is_named(tmp_path: Path, read) -> None:
    (tmp_path / "t.csv").write_text("a,ok\nb,ng\n")
    samples, _ = read("csv", tmp_path, size_hw=SIZE, columns=("image", "label"))
    assert {name: s.status for name, s in samples.items()} == {"a": "good", "b": "unboxed"}
    with pytest.raises(InputError, match="--corners"):
        read("csv", tmp_path, size_hw=SIZE, columns=("image", "label"), corners="inclusive")


@pytest.mark.parametrize(
    ("header", "warned"),
    [
        ("image,label,izquierda,arriba,derecha,abajo", ["izquierda, arriba, derecha, abajo"]),
        ("image,label,x (mm),y (mm),width (mm),height (mm)", ["x (mm), y (mm), width (mm), height (mm)"]),
        ("image,label,XREL,YREL,XSIZE,YSIZE", ["XREL, YREL, XSIZE, YSIZE"]),
        ("image,label,die_x,die_y,wafer_x,wafer_y", []),
        ("image,label,batch,camera,slot,year", []),
        ("image,label,voltage,current,unused,speed", []),
    ],
)
def test_four_numbers_under_names_that_say_nothing_or_speak_of_a_box_are_warned_of(
    tmp_path: Path, read, header: str, warned: list[str]
) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\na.png,ok,,,,\nb.png,ng,5,6,20,30\n")
    samples, findings = read("csv", tmp_path / "t.csv", size_hw=SIZE)
    assert [s.status for s in samples.values()] == ["good", "unboxed"]
    assert [text.split(" hold")[0].removeprefix("columns ") for text in findings.warnings if " hold " in text] == warned


CELLS = "images/1.png  1.0   mono\nimages/2.png  0.0   poly\nimages/3.png  0.3333   mono\n"
"""As ELPV has them: between no defect and one lies what a person thought likely."""


def test_columns_by_blanks_are_named_and_grades_between_good_and_defect_are_listed(tmp_path: Path, read) -> None:
    (tmp_path / "labels.csv").write_text(CELLS)
    with pytest.raises(InputError, match="--columns, such as image,label,unused"):
        choose_format([tmp_path / "labels.csv"], "auto")
    columns = ("image", "defect", "unused")
    with pytest.raises(InputError, match=r"line 1: defect '1': which number or answer is the defect is not said"):
        read("csv", tmp_path / "labels.csv", size_hw=SIZE, columns=columns)
    meant = {"1.0": "defect", "0.0": "good"}
    samples, findings = read("csv", tmp_path / "labels.csv", size_hw=SIZE, columns=columns, type_map=meant)
    assert {name: s.status for name, s in samples.items()} == {"images/1.png": "unboxed", "images/2.png": "good"}
    assert [r.line for r in findings.rejects] == [3]
    with pytest.raises(InputError, match=r"line 3: defect_probability 0\.3333: boxes with scores"):
        read("csv", tmp_path / "labels.csv", size_hw=SIZE, columns=("image", "defect_probability", "cell"))


@pytest.mark.parametrize(
    ("text", "is_table"),
    [
        ("image   label\na.png   ok\nb.png   ng\n", True),
        ("image label\na.png ok\nsee notes below\n", False),
        ("The image is of class label\nand so on\n", False),
        ("image label,x\na.png, ok\n", False),
    ],
)
def test_a_header_by_blanks(tmp_path: Path, text: str, is_table: bool) -> None:
    (tmp_path / "l.txt").write_text(text)
    assert (label_table(tmp_path / "l.txt") is not None) == is_table
