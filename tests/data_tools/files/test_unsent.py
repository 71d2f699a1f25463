import json
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.prediction_journal import errors_path
from data_tools.files.unsent import Unsent

HEADER = "{}\n"


def contents(unsent: Unsent) -> list[str]:
    return [line.content.decode() for line in unsent.lines()]


def send(unsent: Unsent, count: int) -> None:
    for _, line in zip(range(count), list(unsent.lines()), strict=False):
        unsent.sent(line)
    unsent.save()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "w.jsonl"
    path.write_text(HEADER + "a\nb\nc\n")
    return path


def test_no_header_and_no_torn_line(out: Path) -> None:
    assert contents(Unsent(out, "webhook")) == ["a\n", "b\n", "c\n"]
    out.write_text(HEADER + "a\nb")
    assert contents(Unsent(out, "webhook")) == ["a\n"]
    out.write_text("{")
    assert contents(Unsent(out, "webhook")) == []
    out.unlink()
    assert Unsent(out, "webhook").count() == 0


def test_goes_on_after_what_was_saved_in_either_file(out: Path) -> None:
    errors_path(out).write_text(HEADER + "x\ny\n")
    send(Unsent(out, "webhook"), 4)
    assert contents(Unsent(out, "webhook")) == ["y\n"]
    with out.open("a") as file:
        file.write("d\n")
    assert contents(Unsent(out, "webhook")) == ["d\n", "y\n"]


def test_nothing_is_written_before_something_is_sent(out: Path) -> None:
    unsent = Unsent(out, "webhook")
    unsent.save()
    assert not unsent.path.exists()


def test_keys_tell_lines_apart_and_stay(out: Path) -> None:
    out.write_text(HEADER + "a\na\n")
    keys = [line.key for line in Unsent(out, "webhook").lines()]
    assert len(set(keys)) == 2
    assert [line.key for line in Unsent(out, "webhook").lines()] == keys


@pytest.mark.parametrize("content", [HEADER + "a\nB\nc\nd\n", HEADER + "a\n", HEADER, HEADER + "aa\nb\nc\nd\n"])
def test_a_set_begun_anew_is_sent_whole(out: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    send(Unsent(out, "webhook"), 2)
    out.write_text(content)
    assert contents(Unsent(out, "webhook")) == content.splitlines(keepends=True)[1:]
    assert "all of its records are sent" in caplog.text


DAMAGED = [
    "",
    "[]",
    "{}",
    '{"sent": []}',
    '{"sent": {"predictions": 3}}',
    '{"sent": {"predictions": {"start": -1}}}',
    '{"sent": {"other": {}}}',
]


@pytest.mark.parametrize("content", DAMAGED)
def test_another_file_in_its_place_is_refused(out: Path, content: str) -> None:
    path = Unsent(out, "webhook").path
    path.write_text(content)
    with pytest.raises(InputError, match=r"w\.jsonl\.webhook\.unsent.*move it away"):
        Unsent(out, "webhook")
    assert path.read_text() == content


def test_a_later_place_than_the_file_has_is_no_error(out: Path) -> None:
    at = {"start": 2**52, "end": 2**53, "key": "k"}
    Unsent(out, "webhook").path.write_text(json.dumps({"sent": {"predictions": at}}))
    assert Unsent(out, "webhook").count() == 3
