"""Tables with a column for each class."""

from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.tables.csv_layout import label_table

SIZE = (48, 64)


def read_rows(folder: Path, read, text: str, **options: object) -> tuple[dict[str, str], list[int | None]]:
    """Type by image of a table, and the lines that are listed."""
    (folder / "_classes.csv").write_text(text, encoding="utf-8")
    samples, findings = read("csv", folder / "_classes.csv", size_hw=SIZE, **options)
    return {name: sample.type for name, sample in samples.items()}, [reject.line for reject in findings.rejects]


@pytest.mark.parametrize(
    ("text", "types", "listed"),
    [
        ("filename, good, scratch, pit\na, 1, 0, 0\nb, 0, 0, 1\n", {"a": "good", "b": "pit"}, []),
        ("filename,good,scratch,pit\na,1,0,0\nb,0,1,1\nc,0,0,0\n", {"a": "good", "b": "scratch & pit"}, [4]),
        ("filename,good,scratch,pit\na,1,1,0\nb,0,1,0\n", {"b": "scratch"}, [2]),
        ("filename,Unlabeled,good,crack\na,1,0,0\nb,0,1,0\nc,0,0,1\n", {"b": "good", "c": "crack"}, [2]),
        ("\ufeffBild;Gut;Riss\na;1;0\nb;;1\n", {"a": "good", "b": "Riss"}, []),
        ("pit\tok\timage\nFalse\tTrue\ta\nTrue\tFalse\tb\n", {"a": "good", "b": "pit"}, []),
        ("image,ok,pit\na,1.0,0.0\nb,0.0,1.0\n", {"a": "good", "b": "pit"}, []),
        ("image,ok,pit\na,1,0,0\nb,0\nc,0,1\n", {"c": "pit"}, [2, 3]),
        ("image,defective,ok\na,1,0\nb,0,1\n", {"a": "defect", "b": "good"}, []),
        ("lot,image,good,pit,camera\n7,a,1,0,front\n7,b,0,1,front\n", {"a": "good", "b": "pit"}, []),
        (",filename,good,pit\n0,a,1,0\n1,b,0,1\n", {"a": "good", "b": "pit"}, []),
        # answers to several questions, and no classes
        ("image,is_defect,labelled\na,1,1\nb,0,1\n", {"a": "defect", "b": "good"}, []),
        ("image,defect,dusty\na,1,0\nb,0,0\nc,0,0\n", {"a": "defect", "b": "good", "c": "good"}, []),
        ("image,ok,retake\na,1,0\nb,0,0\nc,1,0\n", {"a": "good", "b": "defect", "c": "good"}, []),
        ("image,train,test,good\na,1,0,1\nb,0,1,0\n", {"a": "good", "b": "defect"}, []),
        ("image,bad,ugly\na,1,0\nb,0,1\nc,0,0\n", {"a": "defect", "c": "good"}, [3]),
        ("image,label,scratch\na,ok,1\nb,ok,0\nc,ng,1\n", {"b": "good", "c": "defect"}, [2]),
    ],
)
def test_a_row_is_of_the_class_that_has_the_one(
    tmp_path: Path, read, text: str, types: dict[str, str], listed: list[int]
) -> None:
    assert read_rows(tmp_path, read, text) == (types, listed)


def test_classes_that_say_neither_good_nor_bad_are_refused_or_named(tmp_path: Path, read) -> None:
    text = "filename,A,B\na,1,0\nb,0,1\n"
    with pytest.raises(InputError, match=r"_classes\.csv, line 2: class 'A' is not understood; --type_map"):
        read_rows(tmp_path, read, text)
    assert read_rows(tmp_path, read, text, type_map={"A": "good", "B": "pit"})[0] == {"a": "good", "b": "pit"}
    assert read_rows(tmp_path, read, text, columns=("image", "ok", "pit"))[0] == {"a": "good", "b": "pit"}
    without_header = "a,1,0\nb,0,1\n"
    assert read_rows(tmp_path, read, without_header, columns=("image", "ok", "pit"))[0] == {"a": "good", "b": "pit"}


def test_a_table_without_any_whole_row_has_no_classes(tmp_path: Path) -> None:
    for text in ("image,good,pit\na,1\n", "image,good,pit\n", "image,good,pit\na,0,0\n"):
        (tmp_path / "t.csv").write_text(text)
        table = label_table(tmp_path / "t.csv")
        assert table is None or not table.columns.classes


def test_the_parts_of_a_split_have_a_table_each_of_the_same_classes(tmp_path: Path, read, save) -> None:
    for part, row in (("train", "1,0"), ("valid", "0,1")):
        save(tmp_path / part / "1.png")
        (tmp_path / part / "_classes.csv").write_text(f"filename, good, pit\n1.png,{row}\n")
    assert choose_format([tmp_path], "auto")[0].name == "csv"
    samples, _ = read("csv", tmp_path)
    assert {name: s.type for name, s in samples.items()} == {"train/1.png": "good", "valid/1.png": "pit"}
