import os
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.regular import leaves, read_regular, reason_against_reading
from data_tools.files.text import decode_text, read_text


@pytest.mark.parametrize(
    ("text", "written", "read"),
    [
        ("Löß", "utf-8", "utf-8"),
        ("Löß", "utf-8-sig", "utf-8"),
        ("Löß", "utf-16", "utf-16"),
        ("crack, dent", "utf-16-le", "utf-16-le"),
        ("crack, dent", "utf-16-be", "utf-16-be"),
        ("Löcher, Riß", "cp1252", "cp1252"),
        ("划痕, 裂纹", "gbk", "gb18030"),
    ],
)
def test_text_is_read_where_one_encoding_makes_sense(text: str, written: str, read: str) -> None:
    assert decode_text(text.encode(written)) == (text, read)


@pytest.mark.parametrize(
    ("text", "written"), [("Löß, ÄÖ", "cp1252"), ("царапина", "cp1251"), ("трещина", "cp1251"), ("傷", "shift-jis")]
)
def test_text_of_two_possible_encodings_is_refused(text: str, written: str, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes(text.encode(written))
    with pytest.raises(InputError, match=r"classes\.txt: neither UTF-8 nor .*save it as UTF-8"):
        read_text(tmp_path / "classes.txt")


def test_two_names_never_become_one() -> None:
    decoded = decode_text("Löß\nLüß\n".encode("cp1252"))
    assert decoded is not None
    assert decoded[0].split() == ["Löß", "Lüß"]


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n")
    (tmp_path / "annex").write_text("/annex/objects/SHA256E-s20--1.txt\n")
    for name, reason in {
        "pipe": "not a regular file",
        "nowhere": "leads nowhere",
        ".": "a folder",
        "gone": "cannot be read",
        "pointer": "Git LFS",
        "annex": "git-annex",
    }.items():
        with pytest.raises(InputError, match=reason):
            read_regular(tmp_path / name)
    (tmp_path / "a").write_bytes(b"x")
    assert read_regular(tmp_path / "a") == b"x"
    assert reason_against_reading(tmp_path / "a") is None


def test_links_leave_a_folder_or_stay(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.txt").touch()
    (tmp_path / "in" / "a.txt").touch()
    (tmp_path / "in" / "stays").symlink_to("a.txt")
    (tmp_path / "in" / "leaves").symlink_to(tmp_path / "out.txt")
    assert [leaves(tmp_path / "in" / name, tmp_path / "in") for name in ("a.txt", "stays", "leaves")] == [
        False,
        False,
        True,
    ]
