"""What is said of a source that no format recognises, with what to do about it."""

from pathlib import Path

import pytest

from data_tools.formats.seen import seen_in


@pytest.mark.parametrize(
    ("name", "content", "how"),
    [
        ("set.zip", b"PK", "unpack it"),
        ("shard-000000.tar", b"", "unpack it"),
        ("defects.xlsx", b"PK", "save the sheet as CSV"),
        ("defects.sqlite", b"SQLite format 3\0", "export the table as CSV"),
        ("train-00000-of-00001.parquet", b"PAR1", "save it as CSV or JSON lines"),
        ("train.tfrecord-00000-of-00001", b"", "export COCO, VOC or YOLO"),
        ("lot.001", b"FileVersion 1 2;\nDefectRecordSpec 2 XREL YREL;\n", "KLARF"),
    ],
)
def test_files_of_kinds_that_are_not_read_come_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, how: str
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes(b"")
    (tmp_path / name).write_bytes(content)
    said = seen_in(tmp_path)
    assert how in said
    assert "NG/" not in said  # the folders are not what is wrong


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("pit,10,20,30,40,a.png,320,240", "class,x1,y1,x2,y2,image,unused,unused"),  # makesense.ai
        ("TRAIN,gs://b/a.png,pit,0.1,0.2,,,0.3,0.4,,", "unused,image,class,x1,y1,unused,unused,x2,y2,unused,unused"),
        ("a.png,10,20,30,40,pit", "image,x1,y1,x2,y2,class"),
        ("a.png,10,20,pit", ""),
    ],
)
def test_a_table_that_is_not_understood_comes_with_names_for_its_columns(
    tmp_path: Path, line: str, columns: str
) -> None:
    (tmp_path / "t.csv").write_text(f"b.png,,,,,\n{line}\n")
    said = seen_in(tmp_path)
    assert (f"--columns {columns} would" in said) if columns else ("--columns" not in said)


def test_damaged_lines_of_json_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"image": "a.png"}\n\n{"image": "b.png", "boxes": [{"x"\n')
    assert "t.jsonl: keys image, boxes; not readable as JSON: line 3" in seen_in(tmp_path)


def test_how_masks_are_called_where_a_name_has_a_word_for_them(tmp_path: Path, save) -> None:
    for name in ("im_00.png", "im_00_scratch_mask.png"):
        save(tmp_path / name)
    assert "were 'im_00_scratch_mask.png' a mask, call it as its image with _mask" in seen_in(tmp_path)
