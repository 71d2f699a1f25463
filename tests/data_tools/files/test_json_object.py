import os
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.json_object import read_object


def test_an_object_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}', encoding="utf-8")
    assert read_object(path).integer("a") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"a":' + b"[" * 100_000, "recursion"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": Infinity}', "Infinity is no number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not readable as JSON"),
        (b"\xff\xfe", "utf-8"),
        (b"", "not readable as JSON"),
        (b"[]", "not a JSON object"),
        (b'{"a": {"b": 1, "c": 1, "b": 2}}', "'b' stands twice"),
        (b" " * ((16 << 20) + 1), "larger than such a file can be"),
    ],
    ids=["deep", "nan", "infinity", "digits", "bytes", "empty", "list", "twice", "huge"],
)
def test_what_is_refused_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"state\.json: .*{reason}"):
        read_object(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "state.json")
    with pytest.raises(InputError, match="not a regular file"):
        read_object(tmp_path / "state.json")
