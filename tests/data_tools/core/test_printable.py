"""What of a text from outside is shown as it is, and what as an escape."""

import io
import os
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm import tqdm

from data_tools.core.printable import columns_of, in_utf8, printable, printable_lines, say, to_left, to_right

WILD = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\0\n\r\t\x1b\x7f\x9b\u202e\u2066\u200b\u2028\ufeff")
)


def test_by_hand() -> None:
    assert printable("a\x1b[2J\x9b31m\nb\t") == r"a\x1b[2J\x9b31m\nb\t"
    assert printable("exe\u202egpj.\u2066\u200b") == r"exe\u202egpj.\u2066\u200b"
    assert printable("Kratzer größer als 5 µm, 划痕, خدش 10\u00a0%") == "Kratzer größer als 5 µm, 划痕, خدش 10\u00a0%"
    assert printable(os.fsdecode(b"a\xe9.png")) == r"a\udce9.png"
    assert printable_lines("a\r\nb") == "a\\r\nb"


@given(WILD)
def test_one_line_that_steers_nothing(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(c)[0] not in "C" and c not in "\u2028\u2029" for c in shown)
    assert shown.splitlines() in ([], [shown])
    assert printable(shown) == shown
    shown.encode("utf-8")


@given(WILD)
def test_a_name_is_kept_where_utf_8_can_hold_it(text: str) -> None:
    assert in_utf8(text).encode("utf-8")[:0] == b""
    if not any(unicodedata.category(c) == "Cs" for c in text):
        assert in_utf8(text) == text


@given(st.lists(WILD))
def test_a_line_end_in_a_line_begins_no_other(lines: list[str]) -> None:
    stream = io.StringIO()
    say(*lines, to=stream)
    assert stream.getvalue().split("\n")[:-1] == [printable(line) for line in lines]


def test_columns_of_a_terminal() -> None:
    assert [columns_of(text) for text in ("", "ab", "划痕", "ﾊﾝﾀﾞ", "ハンダ", "größer", "o\u0308", "🔍")] == [
        0,
        2,
        4,
        4,
        6,
        6,
        1,
        2,
    ]
    assert to_left("划痕", 6) + "|" == "划痕  |"
    assert to_right("划痕", 6) == "  划痕"
    assert to_left("scratch", 3) == "scratch"


def test_a_reader_that_has_left_is_told_nothing_more() -> None:
    """As `| head` leaves; without a flush the error would come at the interpreter's end."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        say("a", to=stream)
        say("b", to=stream)


def test_a_message_beside_a_progress_bar_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with tqdm(total=3, desc="predicting", leave=False):
        say("WARNING: dark", to=sys.stderr)
    shown = capsys.readouterr().err
    assert "predicting:   0%" in shown
    assert "\rWARNING: dark\n" in shown


def test_a_process_without_standard_output_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As services and timers start one, or a shell with `>&-`."""
    monkeypatch.setattr("sys.stdout", None)
    say("a")
