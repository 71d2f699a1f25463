"""What the soak calls wrong, and that it calls nothing else so."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.soak import Tally, check, thirds


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two files done as they should be, and two requests in the log."""
    write(tmp_path / "w.jsonl", {"file_name": "a.png"})
    write(tmp_path / "w.errors.jsonl", {"file_name": "b.png"})
    write(tmp_path / "d.jsonl", {"status": 200}, {"status": 422})
    return tmp_path


def write(path: Path, *lines: dict) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in ({}, *lines)))


def faults(place: Path, tally: Tally | None = None) -> list[str]:
    given = tally or whole()
    check(place / "w.jsonl", place / "d.jsonl", given)
    return given.faults


def whole() -> Tally:
    answers = Counter({("jpeg", 200): 1, ("text", 422): 1})
    return Tally({"a.png": "png", "b.png": "empty"}, answers, rss={"serve": [100, 104, 109]})


def test_nothing_is_wrong_where_everything_is_there(place: Path) -> None:
    assert faults(place) == []


def test_what_is_lost_doubled_or_of_nobody_is_wrong(place: Path) -> None:
    write(place / "w.jsonl")
    assert faults(place) == ["a.png (png): 0 records and 0 errors"]
    write(place / "w.jsonl", {"file_name": "a.png"}, {"file_name": "a.png"}, {"file_name": "b.png"})
    assert faults(place) == ["a.png (png): 2 records and 0 errors", "b.png (empty): 1 records and 1 errors"]
    write(place / "w.jsonl", {"file_name": "a.png"}, {"file_name": "c.png"})
    assert faults(place) == ["c.png: nobody has put it there"]


def test_a_wrong_answer_an_unlogged_one_and_growth_are_wrong(place: Path) -> None:
    answered = whole()
    answered.answers["png", 422] += 1
    assert faults(place, answered) == [
        "1 requests (png) were answered with 422",
        "statuses in the log {200: 1, 422: 1}, of the answers {200: 1, 422: 2}",
    ]
    grown = whole()
    grown.rss["serve"] = [100, 105, 111]
    assert faults(place, grown) == ["serve: memory grew from 100 to 111 MB"]
    assert thirds([1, 2, 3, 4, 5, 6, 7]) == (1.5, 6.5)
