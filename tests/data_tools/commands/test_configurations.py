"""Configurations and their bases: what changes what, and what is refused."""

from pathlib import Path

import pytest

import classify.train
from data_tools.commands.configurations import merged, resolve
from data_tools.core.errors import InputError


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_a_chain_of_changes(tmp_path: Path) -> None:
    """c changes b, which changes a: the nearest word counts, and groups are joined key by key."""
    write(
        tmp_path,
        a="{fit: {lr: 0.1, epochs: 1}, model: {dropout: 0.5}}",
        b="{base: a.yaml, fit: {lr: 0.2}}",
        c="{base: ./b.yaml, fit: {epochs: 3}, input: {size_hw: [8, 8]}}",
    )
    settings = resolve(str(tmp_path / "c.yaml"), "classify")
    assert settings == {
        "fit": {"lr": 0.2, "epochs": 3},
        "model": {"dropout": 0.5},
        "input": {"size_hw": [8, 8]},
    }


def test_an_installed_base_and_an_old_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, own="{base: standard, fit: {lr: 0.5}}")
    own, standard = resolve(str(tmp_path / "own.yaml"), "detect"), resolve("configs/detect/standard.yaml", "detect")
    assert own == merged(standard, {"fit": {"lr": 0.5}})
    caplog.set_level("INFO")
    assert resolve("light", "detect") == standard
    assert "'light' is now called 'standard'" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{base: other.yaml}", "other.yaml: its base leads around in a circle"),
        ("{base: missing}", "own.yaml: base 'missing': no such file, and no installed configuration of detect"),
        ("{base: ../../etc/passwd}", "no such file, and no installed configuration"),
        ("{base: [quickstart]}", "base must be the name of one configuration"),
        ("[1, 2]", "a configuration is a mapping of settings"),
        ("{1: 2}", "a configuration is a mapping of settings"),
        ("{fit: {", "cannot be read as a configuration"),
        ("a: &a [1]\nb: *a", r"own.yaml, line 2: aliases \(\*a\) are not expanded"),
        ("{model: {class_path: os.system}}", "'class_path' is no setting"),
        ("{fit: [{config: x.yaml}]}", "'config' is no setting"),
        ("!!python/object/apply:os.system ['true']", "cannot be read as a configuration"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, own=text, other="{base: own.yaml}")
    with pytest.raises(InputError, match=message):
        resolve(str(tmp_path / "own.yaml"), "detect")


def test_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "mark.yaml").write_bytes(b"\xef\xbb\xbf{fit: {epochs: 2}}")
    assert resolve(str(tmp_path / "mark.yaml"), "detect") == {"fit": {"epochs": 2}}
    (tmp_path / "wide.yaml").write_bytes("{fit: {epochs: 2}}".encode("utf-16"))
    with pytest.raises(InputError, match=r"wide\.yaml: not UTF-8"):
        resolve(str(tmp_path / "wide.yaml"), "detect")


def test_the_command_says_it_in_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, own="{base: own.yaml}")
    assert classify.train.main(["--config", str(tmp_path / "own.yaml")]) == 2
    assert "leads around in a circle" in capsys.readouterr().err
    write(tmp_path, wrong="{fit: {epoch: 3}}")
    assert classify.train.main(["--config", str(tmp_path / "wrong.yaml")]) == 2
    assert "fit.epochs" in capsys.readouterr().err
