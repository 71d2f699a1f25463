"""Reading gray images safely: paths stay under their root, sizes are limited before decoding, bit depth is explicit."""

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from data_tools.errors import InputError

PIXEL_LIMIT = 100_000_000
IMAGE_SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff")


def resolve_under(root: Path, name: str) -> Path:
    """The path of `name` under `root`.

    Raises:
        InputError: `name` is absolute, climbs with "..", or is a link that leaves `root`.
    """
    relative = PurePosixPath(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or "\0" in name or Path(name).drive:
        raise InputError(f"{name!r}: a file name must be relative and stay under {root}")
    path = (root / relative).resolve()
    if not path.is_relative_to(root.resolve()):
        raise InputError(f"{name!r}: a link that leaves {root}")
    return path


def read_size(path: Path, pixel_limit: int = PIXEL_LIMIT) -> tuple[int, int]:
    """(height, width) as displayed, that is after the EXIF rotation, from the file's header alone.

    Raises:
        InputError: unreadable, or more than `pixel_limit` pixels.
    """
    with _opened(path, pixel_limit) as image:
        width, height = image.size
        rotated = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (width, height) if rotated else (height, width)


def read_gray(path: Path, pixel_limit: int = PIXEL_LIMIT) -> NDArray[np.uint8]:
    """(height, width) uint8 gray image, EXIF rotation applied.

    16-bit gray is scaled by 65535 -> 255 (not by the image's own maximum, so that images stay comparable); color goes
    to gray by the ITU-R 601 luma; transparency is laid over black.

    Raises:
        InputError: unreadable, truncated, or more than `pixel_limit` pixels.
    """
    with _opened(path, pixel_limit) as opened:
        try:
            image = ImageOps.exif_transpose(opened)
            if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I"):
                return _scale_16_bit(np.asarray(image, dtype=np.int64), path)
            if image.mode == "F":
                raise InputError(f"{path}: floating-point pixels have no known range; save as 8 or 16 bit")
            if "A" in image.mode or "transparency" in image.info:
                image = image.convert("RGBA")
                black = Image.new("RGBA", image.size, (0, 0, 0, 255))
                image = Image.alpha_composite(black, image)
            return np.array(image.convert("L"), dtype=np.uint8)
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{path}: cannot decode the image: {error}") from error


def find_images(folder: Path) -> list[Path]:
    """Every image file under `folder`, by suffix, sorted by path."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())


def _scale_16_bit(pixels: NDArray[np.int64], path: Path) -> NDArray[np.uint8]:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise InputError(f"{path}: pixel values {pixels.min()}..{pixels.max()} do not fit 16 bits")
    return ((pixels + 128) // 257).astype(np.uint8)


def _opened(path: Path, pixel_limit: int) -> Image.Image:
    try:
        image = Image.open(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such image") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable image ({error})") from error
    if image.width * image.height > pixel_limit:
        image.close()
        raise InputError(f"{path}: {image.width} x {image.height} pixels exceed the limit of {pixel_limit}")
    return image
