import json
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.training.metrics_file import append_line, keep_lines, read_lines

LINE = {"epoch": 1, "step": 5, "images_per_s": 3.0, "lr": 0.1, "losses": {"bce": 0.5}, "validation": {"auc": None}}


def test_lines_come_back(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for epoch in (1, 2, 3):
        append_line(path, LINE | {"epoch": epoch})
    assert [line["epoch"] for line in read_lines(path)] == [1, 2, 3]
    keep_lines(path, 2)
    assert read_lines(path) == [LINE, LINE | {"epoch": 2}]


def test_a_torn_line_after_those_that_count_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps(LINE) + '\n{"epoch": 2, "st')
    assert read_lines(path, 1) == [LINE]
    keep_lines(path, 1)
    assert read_lines(path) == [LINE]


def test_missing_lines_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep_lines(tmp_path / "metrics.jsonl", 2)
    assert "has 0 of 2 epochs" in caplog.text
    assert not (tmp_path / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"{}\n", "line 1: key 'epoch' is missing"),
        (b"[" * 100_000, "line 1: not readable as JSON"),
        (json.dumps(LINE | {"losses": {"bce": "x"}}).encode(), "line 1: 'losses' must be"),
        (json.dumps(LINE).encode() + b"\nnull\n", "line 2: not a JSON object"),
    ],
)
def test_what_is_no_line_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=rf"metrics\.jsonl.*{message}"):
        read_lines(tmp_path / "metrics.jsonl")
