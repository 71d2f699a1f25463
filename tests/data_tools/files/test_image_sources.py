import os
from io import BytesIO
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.core.printable import in_utf8
from data_tools.files.image_sources import NamedImages


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a/1.png", "a/b/2.png", "c/3.png", "4.png", "a[1].png", "a1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*words: str, stdin: bytes = b"") -> list[str]:
    return [one.name for one in NamedImages(words, BytesIO(stdin))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a"], ["1.png", "b/2.png"]),
        (["4.png"], ["4.png"]),
        (["c", "a"], ["c/3.png", "a/1.png", "a/b/2.png"]),
        (["a", "a/b/2.png", "a/b", "a"], ["1.png", "b/2.png"]),
        (["**/*.png"], ["4.png", "a/1.png", "a/b/2.png", "a1.png", "a[1].png", "c/3.png"]),
        (["a[1].png"], ["a[1].png"]),
        (["absent.png", "4.png"], ["absent.png", "4.png"]),
    ],
)
def test_words_name_images_each_once(folder: Path, words: list[str], expected: list[str]) -> None:
    assert names(*words) == expected
    assert NamedImages(words).count() == len(expected)


def test_any_depth_follows_no_link_to_a_folder(folder: Path) -> None:
    """Two links back up are 2 ** 40 paths to the same images."""
    for name in ("a/up", "a/b/back", "c/again"):
        (folder / name).symlink_to(folder, target_is_directory=True)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "5.png").write_bytes(b"x")
    assert names("**/*.png") == ["4.png", "a/1.png", "a/b/2.png", "a1.png", "a[1].png", "c/3.png"]
    assert names("a/**/*.png") == ["1.png", "b/2.png"]
    assert names("**/b/**/*.png") == ["2.png"]
    assert names("*/up/4.png") == ["4.png"]  # named, and so meant
    assert names("a/b/**") == names("a/b")


def test_a_list_names_images_as_they_stand_there(folder: Path) -> None:
    listed = folder / "list.txt"
    listed.write_bytes(b"\xef\xbb\xbfa/1.png\r\n\n4.png\n" + os.fsencode(folder / "c" / "3.png"))
    expected = ["a/1.png", "4.png", (folder / "c" / "3.png").as_posix()]
    assert names("@list.txt") == expected
    assert names("-", stdin=listed.read_bytes()) == expected
    assert NamedImages(["-"]).count() is None
    assert NamedImages(["@list.txt", "c"]).count() == 4
    assert listed in [path.absolute() for path in NamedImages(["@list.txt"]).files_read]


def test_standard_input_is_read_as_it_comes(folder: Path) -> None:
    lines = BytesIO(b"a/1.png\n" * 1000)
    taken = iter(NamedImages(["-"], lines))
    next(taken)
    assert lines.tell() == len(b"a/1.png\n")


def test_what_is_no_image_has_a_reason(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    listed = {one.name: one.reason for one in NamedImages(["-"], BytesIO(b"pipe.png\na\nx\0y\nabsent\n4.png\n"))}
    assert listed["pipe.png"] == "not a regular file"
    assert listed["a"] == "a folder, not a file"
    assert listed["4.png"] == ""
    assert listed["x\0y"]
    assert listed["absent"]


def test_a_folder_that_cannot_be_listed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def denied(path: object) -> object:
        if Path(str(path)).name == "b":
            raise PermissionError(13, "denied")
        return scan(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", denied)
    assert [(one.name, one.reason, one.is_left_out) for one in NamedImages(["a"])] == [
        ("1.png", "", False),
        ("b", "a folder that cannot be listed", False),
    ]


@pytest.mark.parametrize("word", ["@absent.txt", "@a", "*.tif", "@pipe"])
def test_words_that_mean_nothing_are_refused(folder: Path, word: str) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InputError, match=r"absent\.txt|a: cannot|no file matches|pipe"):
        NamedImages([word])


def test_a_line_without_end_is_no_name(folder: Path) -> None:
    with pytest.raises(InputError, match="line 2: too long"):
        names("-", stdin=b"4.png\n" + b"x" * 100_000)


def test_names_that_are_no_text_are_written_as_text() -> None:
    assert in_utf8(os.fsdecode(b"a\xe9.png")) == "a\\udce9.png"
    assert in_utf8("ä.png") == "ä.png"
