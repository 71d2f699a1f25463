"""Reading gray images safely: paths stay under their root, sizes are limited before decoding, bit depth is explicit."""

import os
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from data_tools.core.errors import InputError
from data_tools.files.decoded import gray_of, rgb_of
from data_tools.files.image_header import (
    channel_bits,
    displayed_size,
    page_count,
    plain_bmp_size,
    seems_whole,
    white_is_zero,
)
from data_tools.files.regular import real_path, reason_against_reading

_LIMIT_VARIABLE = "DEFECTS_PIXEL_LIMIT"


def _limit_in(given: str) -> int:
    """The whole number that the environment gives; 0 for anything else."""
    return int(given) if given.isdecimal() else 0


PIXEL_LIMIT = _limit_in(os.environ.get(_LIMIT_VARIABLE, "")) or 100_000_000
"""The largest image that is decoded."""
if Image.MAX_IMAGE_PIXELS is not None and PIXEL_LIMIT > 2 * Image.MAX_IMAGE_PIXELS:
    Image.MAX_IMAGE_PIXELS = PIXEL_LIMIT  # Pillow refuses twice its own limit, whatever ours says
# named, because other plug-ins of Pillow start programs or fetch files
_PILLOW_FORMATS = ("BMP", "PNG", "JPEG", "TIFF", "WEBP", "GIF", "JPEG2000", "PPM")
_LOADING = threading.Lock()  # Pillow's images are not loaded by two threads at once
Loaded = TypeVar("Loaded")
_DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_GRAY_MODES = ("1", "L", "LA", "La", *_DEEP_MODES)


def resolve_under(root: Path, name: str) -> Path:
    """The path of `name` under `root`.

    A file there may be a link to a regular file elsewhere, as DVC and git-annex leave images; a linked folder must stay
    under `root`.

    Raises:
        InputError: `name` is absolute, climbs with "..", leads through a folder that leaves `root`, or to no file.
    """
    relative = PurePosixPath(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or "\0" in name or Path(name).drive:
        raise InputError(f"{name!r}: a file name must be relative and stay under {root}")
    path = root / relative
    if not real_path(path.parent).is_relative_to(real_path(root)):
        raise InputError(f"{name!r}: a link that leaves {root}")
    if path.is_symlink() and reason_against_reading(path) is not None:
        raise InputError(f"{name!r}: a link that leads to no file; fetch what it stands for")
    return path


def read_size(path: Path) -> tuple[int, int]:
    """(height, width) as displayed, that is after the EXIF rotation, from the file's header.

    The end of the file is looked at too, and only a file that seems cut off is decoded to be sure.

    Raises:
        InputError: unreadable, truncated, or more than `PIXEL_LIMIT` pixels.
    """
    with _opened(path) as file:
        plain = plain_bmp_size(file)
        if plain is not None and plain[0] * plain[1] <= PIXEL_LIMIT:
            return plain
        image = _identified(file, path)
        try:
            whole, size_hw = seems_whole(image), displayed_size(image)  # the second may close the file
        except Exception as error:  # crafted headers make Pillow raise whatever its parsers stumble on
            raise InputError(f"{path}: not a readable image ({error})") from error
    if not whole:
        read_gray(path)
    return size_hw


def read_gray(path: Path | bytes) -> NDArray[np.uint8]:
    """(height, width) uint8 gray image, EXIF rotation applied; of a file, or of its content, "image" in messages.

    16-bit gray is scaled by 65535 -> 255 (not by the image's own maximum, so that images stay comparable); color goes
    to gray by the ITU-R 601 luma; transparency is laid over black.

    Raises:
        InputError: unreadable, truncated, of several pages, or more than `PIXEL_LIMIT` pixels.
    """
    with _opened(path) as file:
        return _decoded(file, _named(path), gray_of)


def gray_of_opened(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """As `read_gray`, of an image that Pillow has opened or made; it is loaded, and else left as it is.

    Raises:
        InputError: see `read_gray`.
    """

    def upright() -> Image.Image:
        _require_usual(image, name)
        image.load()  # see `_decoded`
        return ImageOps.exif_transpose(image)

    with _LOADING:
        made = _loaded(upright, name)
    return _loaded(lambda: gray_of(made, name), name)


def read_rgb(path: Path | bytes) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 red, green and blue, by the rules of `read_gray`."""
    with _opened(path) as file:
        return _decoded(file, _named(path), rgb_of)


def read_color(path: Path) -> NDArray[np.uint8] | None:
    """As `read_rgb`; None where red, green and blue are the same throughout, as in every file of gray levels.

    Raises:
        InputError: see `read_gray`.
    """
    with _opened(path) as file:
        if _identified(file, path).mode in _GRAY_MODES:
            return None
    pixels = read_rgb(path)
    return None if (pixels == pixels[..., :1]).all() else pixels


def read_levels(path: Path | bytes) -> NDArray[np.float64] | None:
    """(height, width) gray levels as the file holds them, EXIF rotation applied; None for a file of 8 bits a channel.

    Raises:
        InputError: see `read_gray`.
    """
    with _opened(path) as file:
        opened = _identified(file, _named(path))
        if opened.mode not in _DEEP_MODES:
            return None

        def levels() -> NDArray[np.float64]:
            opened.load()
            return np.asarray(ImageOps.exif_transpose(opened), dtype=np.float64)

        return _loaded(levels, _named(path))


def bits_of(path: Path | bytes) -> int:
    """Bits a channel of an image file, or of its content.

    Raises:
        InputError: unreadable, of several pages, or more than `PIXEL_LIMIT` pixels.
    """
    with _opened(path) as file:
        return channel_bits(_identified(file, _named(path)))


def _decoded(
    file: IO[bytes],
    path: Path | str,
    pixels_of: Callable[[Image.Image, Path | str], NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """The pixels of the image turned upright."""
    opened = _identified(file, path)

    def pixels() -> NDArray[np.uint8]:
        opened.load()  # first, so that metadata behind the pixels is seen
        ImageOps.exif_transpose(opened, in_place=True)
        return pixels_of(opened, path)

    return _loaded(pixels, path)


def _loaded(load: Callable[[], Loaded], path: Path | str) -> Loaded:
    try:
        return load()
    except (InputError, MemoryError):  # want of memory is no fault of the image
        raise
    except Exception as error:  # crafted files make Pillow raise whatever its decoders stumble on
        raise InputError(f"{path}: cannot decode the image: {error}") from error


def _named(path: Path | bytes) -> Path | str:
    return path if isinstance(path, Path) else "image"


@contextmanager
def _opened(path: Path | bytes) -> Iterator[IO[bytes]]:
    if isinstance(path, bytes):
        yield BytesIO(path)
        return
    try:
        file = os.fdopen(_without_waiting(path), "rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such image") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot open the image: {error}") from error
    with file:
        yield file


def _without_waiting(path: Path) -> int:
    """Open a regular file; a pipe or a device is not waited for."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("not a regular file")
    return handle


def _identified(file: IO[bytes], path: Path | str) -> Image.Image:
    """The image with its pixels not yet decoded.

    Pillow is given the open file, not its name: by name it maps raw TIFF pixels into memory and garbles rotated ones.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit decides
            image = Image.open(file, formats=_PILLOW_FORMATS)
            _require_usual(image, path)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path}: not a readable image of a kind that is read ({', '.join(_PILLOW_FORMATS)})"
        ) from error
    except Image.DecompressionBombError as error:  # twice Pillow's own limit, which ours is below or has raised
        least = 2 * (Image.MAX_IMAGE_PIXELS or 0) + 1
        raise InputError(
            f"{path}: {least:,} pixels or more exceed the limit of {PIXEL_LIMIT:,}; {_how_to_raise('PIXELS')}"
        ) from error
    except Exception as error:  # crafted headers make Pillow raise whatever its parsers stumble on
        raise InputError(f"{path}: not a readable image ({error})") from error
    return image


def _require_usual(image: Image.Image, path: Path | str) -> None:
    """Refuse an opened image that is too large, has several pages, or means another thing by its gray levels."""
    pages, negative = page_count(image), image.mode in _DEEP_MODES and white_is_zero(image)
    if image.width * image.height > PIXEL_LIMIT:
        raise InputError(
            f"{path}: {image.width} x {image.height} pixels exceed the limit of {PIXEL_LIMIT:,}; "
            f"{_how_to_raise(image.width * image.height)}"
        )
    if negative:
        raise InputError(f"{path}: stores white as zero in more than 8 bits; save it with black as zero")
    if pages > 1:
        raise InputError(f"{path}: holds {pages} pages; save each as an image of its own")


def _how_to_raise(pixels: int | str) -> str:
    """What lets an image of so many pixels pass the limit; and what is wrong with what the environment says now."""
    given = os.environ.get(_LIMIT_VARIABLE, "")
    wrong = f" ({given!r}, which stands there, is no whole number above 0)" if given and not _limit_in(given) else ""
    return f"{_LIMIT_VARIABLE}={pixels} in the environment raises it{wrong}"
