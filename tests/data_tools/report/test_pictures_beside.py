"""The folder of pictures beside a large page: made whole, made anew, never over anybody else's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.report import pictures_beside as beside
from data_tools.report.html import write_html

Page = Any  # as conftest.py makes it


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "MOST_EMBEDDED", 7)


@pytest.fixture
def write(judged: Page, tmp_path: Path) -> Callable[[], Path]:
    def written() -> Path:
        write_html(tmp_path / "a.html", judged.report, judged.dataset.images_root)
        return tmp_path / "a.images"

    return written


def test_the_page_holds_no_picture_of_its_own(write: Callable[[], Path]) -> None:
    folder = write()
    text = folder.with_name("a.html").read_text(encoding="utf-8")
    assert text.count('"jpegs":null') == 1
    assert "img-src 'self' data:;" in text.replace("&#39;", "'")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*(f"{i}.jpg" for i in range(1, 9)), "ABOUT.txt"])


def test_a_smaller_page_stays_one_file(judged: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "MOST_EMBEDDED", 8)
    write_html(tmp_path / "a.html", judged.report, judged.dataset.images_root)
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    assert "img-src data:;" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_its_own_folder_is_made_anew(write: Callable[[], Path]) -> None:
    folder = write()
    (folder / "99.jpg").write_bytes(b"of an older page")
    assert not (write() / "99.jpg").exists()
    assert not list(folder.parent.glob(".*"))


@pytest.mark.parametrize("kind", ["foreign", "marked otherwise", "file", "link"])
def test_what_no_page_has_made_is_refused_and_untouched(write: Callable[[], Path], tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "a.images"
    if kind == "file":
        folder.write_text("mine")
    else:
        real = tmp_path / "real" if kind == "link" else folder
        real.mkdir()
        (real / "1.jpg").write_text("mine")
        if kind == "marked otherwise":
            (real / "ABOUT.txt").write_text("my holidays")
        if kind == "link":
            (real / "ABOUT.txt").write_bytes(beside._MARK_TEXT.encode())
            folder.symlink_to(real)
    with pytest.raises(InputError, match="is in the way"):
        write()
    assert not (tmp_path / "a.html").exists()
    assert (folder if kind == "file" else folder / "1.jpg").read_text() == "mine"


def test_an_unreadable_image_leaves_page_and_pictures_as_they_were(
    write: Callable[[], Path], judged: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write()
    before = {path: path.read_bytes() for path in (folder.with_name("a.html"), *folder.iterdir())}

    def unreadable(*_: Any) -> None:
        raise InputError("3.png: is damaged")

    monkeypatch.setattr(beside, "read_sample", unreadable)
    with pytest.raises(InputError, match="damaged"):
        write()
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.images"]
