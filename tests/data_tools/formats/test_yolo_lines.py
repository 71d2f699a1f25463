"""Lines of YOLO with key points behind their boxes, where no kpt_shape says so."""

from collections.abc import Sequence
from pathlib import Path

import pytest

BOX = "0.5 0.5 0.2 0.4"  # 32, 18 to 48, 42 of 80 x 60 pixels


def told(folder: Path, save, read, lines: Sequence[str]) -> tuple[list[list[float]], list[str], list[str]]:
    """The boxes of an image, the notes and the warnings of reading these lines."""
    save(folder / "images/a.png")
    (folder / "labels").mkdir()
    (folder / "labels/a.txt").write_text("".join(f"0 {line}\n" for line in lines))
    samples, findings = read("yolo", folder)
    return samples["images/a.png"].boxes_xyxy.round(6).tolist(), findings.notes, [*findings.warnings]


@pytest.mark.parametrize("flag", ["2", "2.000000"])
def test_a_flag_of_2_is_no_share_and_tells_key_points(tmp_path: Path, save, read, flag: str) -> None:
    boxes, notes, _ = told(tmp_path, save, read, [f"{BOX} 0.45 0.4 {flag} 0.55 0.6 0"])
    assert boxes == [[32, 18, 48, 42]]
    assert "key points, which are left out" in notes[0]


def test_flags_of_0_and_1_tell_them_where_there_are_many(tmp_path: Path, save, read) -> None:
    lines = [f"{BOX} 0.4{i} 0.4 1 0.55 0.6 0" for i in range(1, 5)]
    assert told(tmp_path / "four", save, read, lines)[0] == [[32, 18, 48, 42]]
    assert told(tmp_path / "one", save, read, lines[:1])[0] != [[32, 18, 48, 42]]  # may be an outline at the edge


def test_points_without_flags_may_be_an_outline_and_are_warned_of(tmp_path: Path, save, read) -> None:
    lines = [f"{BOX} 0.4{i} 0.4 0.55 0.6" for i in range(1, 5)]
    _, _, warnings = told(tmp_path, save, read, lines)
    assert any("may be a box with key points" in one for one in warnings)


@pytest.mark.parametrize(
    "line",
    ["0.5 0.2 0.8 0.5 0.5 0.8 0.2 0.5", "0.2 0.2 0.8 0.2 0.8 0.8 0.2 0.8", "0.1 0.1 0.9 0.1 0.8 0.9 0.2 0.8"],
)
def test_turned_boxes_and_outlines_are_none(tmp_path: Path, save, read, line: str) -> None:
    _, notes, warnings = told(tmp_path, save, read, [f"{line}00{i}" for i in range(4)])
    assert not any("key points" in one for one in (*notes, *warnings))
