"""Files of settings from anybody: nothing is imported, read or expanded."""

import os
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.run_config import read_values


def test_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbffit: {lr: 0.1, epochs: null}\n")
    assert read_values(tmp_path / "a.yaml") == {"fit": {"lr": 0.1, "epochs": None}}
    (tmp_path / "b.yaml").write_text(
        "a: {seed: 0, lr: 0.10, rate: 0.01, date: '2020-01-01', n: -1_000}\nb: {seed: 007x}"
    )
    numbers = {"seed": 0, "lr": 0.1, "rate": 0.01, "date": "2020-01-01", "n": -1000}
    assert read_values(tmp_path / "b.yaml") == {"a": numbers, "b": {"seed": "007x"}}
    (tmp_path / "empty.yaml").touch()
    assert read_values(tmp_path / "empty.yaml") == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfea\0:\0", "not UTF-8"),
        (b"fit: \xff", "not UTF-8"),
        (b"a: &a [1]\nb: *a", "line 2: aliases"),
        (b"a: " + b"[" * 100_000, "nested more than 50 deep"),
        (b"{a: " * 100_000, "nested more than 50 deep"),
        (b"- " * 100_000, "nested more than 50 deep"),
        (b"model: {class_path: os.system}", "'class_path' is no setting"),
        (b"model: [{config: other.yaml}]", "'config' is no setting"),
        (b"fit: !!timestamp x", "cannot be read as a configuration"),
        (b"fit: !!bool x", "cannot be read as a configuration"),
        (b"fit: !!python/name:os.system", "cannot be read as a configuration"),
        (b"fit: " + b"9" * 5000, "cannot be read as a configuration"),
        (b"fit: {lr: 0.1}\nfit: {epochs: 2}", "line 2: 'fit' stands there twice"),
        (b"fit: {lr: 0.1, 'lr': 0.2}", "line 1: 'lr' stands there twice"),
        (b"fit.lr: 0.1\nfit: {epochs: 1,\n lr: 0.2}", "line 3: 'fit.lr' stands there twice"),
        (b"a: [{b: 1, b: 1}]", "'b' stands there twice"),
        (b"fit: {steps: 2020-01-01}", "'2020-01-01' is a timestamp to YAML"),
        (b"fit: {steps: !!binary aGk=}", "is a binary to YAML"),
        (b"fit: !!set {a, b}", "is a set to YAML"),
        (b"fit: {seed: 010}", "010 is not read by tens"),
        (b"fit: {steps: 1:30}", "1:30 is not read by tens"),
        (b"- 1", "a configuration is a mapping"),
        (b"#" * ((1 << 20) + 1), "larger than such a file can be"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(InputError, match=rf"own\.yaml.*{reason}"):
        read_values(tmp_path / "own.yaml")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "own.yaml")
    with pytest.raises(InputError, match="not a regular file"):
        read_values(tmp_path / "own.yaml")
