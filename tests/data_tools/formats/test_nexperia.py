from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.formats.nexperia import read
from data_tools.formats.registry import Findings, ReadOptions

SIZE = ReadOptions(size_hw=(267, 275))
ROW = "WEE939001B0A_14-APG_1,scratch,rectangle,106,90,242,134\n"


def read_bytes(tmp_path: Path, content: bytes, options: ReadOptions = SIZE) -> tuple[list[Sample], Findings]:
    path = tmp_path / "scratch.csv"
    path.write_bytes(content)
    findings = Findings()
    return list(read([path], options, findings)), findings


def test_inclusive_corners_become_half_open(tmp_path: Path) -> None:
    (sample,), findings = read_bytes(tmp_path, ROW.encode())
    assert sample.boxes_xyxy.tolist() == [[106, 90, 243, 135]]
    assert (sample.status, sample.type, sample.path) == ("boxed", "scratch", "WEE939001B0A_14-APG_1")
    assert not findings.rejects
    (as_given,), _ = read_bytes(tmp_path, ROW.encode(), ReadOptions(size_hw=(267, 275), corners="exclusive"))
    assert as_given.boxes_xyxy.tolist() == [[106, 90, 242, 134]]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,scratch,rectangle,5,5,5,9", "zero-area"),
        ("a,scratch,rectangle,1,2,3", "6 fields"),
        ("a,scratch,rectangle,1,2,3,x", "'x' is not a number"),
        ("a,scratch,rectangle,1,2,3,nan", "not finite"),
        ("a,scratch,rectangle,1,2,600,9", "outside the 275 x 267 image"),
        ("a,scratch,rectangle,-33,2,30,9", "outside"),
        ("a,scratch,ellipse,1,2,30,9", "unknown shape 'ellipse'"),
        (",scratch,rectangle,1,2,30,9", "empty image id"),
        ("a,,rectangle,1,2,30,9", "empty class"),
        ('"a,scratch,rectangle,1,2,30,9', "not a line"),
    ],
)
def test_what_cannot_be_converted_is_listed_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    samples, findings = read_bytes(tmp_path, f"{ROW}\n{row}\n".encode())
    assert [sample.status for sample in samples] == (["boxed"] if row[0] in ',"' else ["boxed", "unboxed"])
    (reject,) = findings.rejects
    assert reject.line == 3
    assert reason in reject.reason


def test_less_than_a_pixel_outside_is_clipped_and_counted(tmp_path: Path) -> None:
    (sample,), findings = read_bytes(tmp_path, b"a,scratch,rectangle,-0.5,2,274.4,9\n")
    assert sample.boxes_xyxy.tolist() == [[0, 2, 275, 10]]
    assert sum(findings.warnings.values()) == 1
    assert not findings.rejects


def test_byte_order_mark_line_ends_blank_lines_and_no_last_newline(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + ROW.strip().encode() + b"\r\n\r\n" + b"other,scratch,rectangle,1,2,3,4"
    samples, findings = read_bytes(tmp_path, content)
    assert [sample.path for sample in samples] == ["WEE939001B0A_14-APG_1", "other"]
    assert not findings.rejects


def test_several_boxes_an_image_and_duplicate_rows(tmp_path: Path) -> None:
    content = "a,scratch,rectangle,1,2,30,9\na,chipping,rectangle,40,2,50,9\na,scratch,rectangle,1,2,30,9\n"
    (sample,), findings = read_bytes(tmp_path, content.encode())
    assert sample.box_types == ("scratch", "chipping")
    assert [(r.line, r.reason) for r in findings.rejects] == [(3, "duplicate of another box")]
    assert sum(n for text, n in findings.warnings.items() if "differs from the file's name" in text) == 1


def test_images_are_joined_by_name_and_the_rest_by_folder(tmp_path: Path) -> None:
    images = tmp_path / "images"
    for name in ("good_all/g.png", "defect/a.png", "defect/u.png", "elsewhere/e.png"):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((60, 80), dtype=np.uint8)).save(images / name)
    content = b"a,scratch,rectangle,1,2,30,9\nmissing,scratch,rectangle,1,2,30,9\n"
    samples, findings = read_bytes(tmp_path, content, ReadOptions(images=images))
    assert {s.path: (s.status, s.size_hw) for s in samples} == {
        "defect/a.png": ("boxed", (60, 80)),
        "defect/u.png": ("unboxed", (60, 80)),
        "good_all/g.png": ("good", (60, 80)),
    }
    assert {r.image for r in findings.rejects} == {"missing", "elsewhere/e.png"}


def test_without_size_or_images_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--size"):
        read_bytes(tmp_path, ROW.encode(), ReadOptions())


def test_the_real_files(shared_data: Path) -> None:
    findings = Findings()
    samples = list(read(sorted((shared_data / "nexperia_defect_areas").glob("*.csv")), SIZE, findings))
    assert sum(len(sample.boxes_xyxy) for sample in samples) + len(findings.rejects) == 3506
    assert len(findings.rejects) == 0


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_rows_or_rejects(tmp_path_factory, content: bytes, after_a_row: bool) -> None:
    folder = tmp_path_factory.mktemp("wild")
    try:
        samples, findings = read_bytes(folder, (ROW.encode() if after_a_row else b"") + content)
    except InputError as error:  # the bytes that stand for a file which is not fetched
        assert "not fetched" in str(error)
        return
    lines = [line for line in content.split(b"\n") if line.removesuffix(b"\r").strip()]
    assert len(findings.rejects) + sum(len(s.boxes_xyxy) for s in samples) <= len(lines) + 1
    assert all(reject.line is not None for reject in findings.rejects)


@given(
    st.lists(
        st.sampled_from(["0", "1", "-1", "1e308", "1e999", "nan", "274", "275", "0.5", "", "٣", "1_0"]),
        min_size=4,
        max_size=4,
    )
)
def test_any_corners_give_a_valid_box_or_a_reject(tmp_path_factory, corners: list[str]) -> None:
    folder = tmp_path_factory.mktemp("corners")
    samples, findings = read_bytes(folder, f"a,scratch,rectangle,{','.join(corners)}\n".encode())
    (sample,) = samples
    assert (sample.status, len(findings.rejects)) in (("boxed", 0), ("unboxed", 1))
