"""A folder of pictures beside a page with too many images for one file: `report.images/` for `report.html`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.atomic import atomic_folder
from data_tools.report.thumbnails import encode, read_sample

MOST_EMBEDDED = 3000
"""Images; a page of more has its pictures beside it."""
_MARK, _MARK_TEXT = "ABOUT.txt", "Pictures of the report page beside this folder. It is written anew with the page.\n"


def pictures_folder(page: Path) -> Path:
    """Where a page's pictures lie."""
    return page.with_name(f"{page.stem}.images")


def are_beside(count: int) -> bool:
    """Whether a page of so many images has its pictures beside it."""
    return count > MOST_EMBEDDED


def require_pictures_place(page: Path, count: int) -> None:
    """Refuse to put a page of so many images where a folder stands that no page has made.

    Raises:
        InputError: there is something else, which names what to do.
    """
    folder = pictures_folder(page)
    if not are_beside(count) or not (folder.exists() or folder.is_symlink()):
        return
    mark = folder / _MARK
    if folder.is_symlink() or not mark.is_file() or mark.read_bytes() != _MARK_TEXT.encode():
        raise InputError(
            f"{folder}: is in the way; the pictures of a page of more than {MOST_EMBEDDED} images go there, and it was "
            "not made by one: move it, or give the page another name"
        )


@contextmanager
def pictures_beside(page: Path, samples: Sequence[Sample], root: Path, side: int) -> Iterator[None]:
    """Make the pictures as `<image id>.jpg`; they take their place when the block is left without an exception.

    Args:
        page: that they belong to.
        samples: whose images lie under `root`.
        root: the dataset's images root.
        side: limit of the longest side in pixels.

    Raises:
        InputError: see `require_pictures_place`; an image is not readable, or has another size than annotated.
    """
    require_pictures_place(page, len(samples))
    with atomic_folder(pictures_folder(page)) as temporary:
        (temporary / _MARK).write_bytes(_MARK_TEXT.encode())
        for sample in tqdm(samples, desc="thumbnails", unit="image", leave=False):
            (temporary / f"{sample.image_id}.jpg").write_bytes(encode(read_sample(sample, root), side))
        yield
