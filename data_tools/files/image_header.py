"""What an image file tells without decoding its pixels: its size as displayed, and whether it seems cut off."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from PIL import Image

_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
_WIDTH, _HEIGHT, _PHOTOMETRIC = 256, 257, 262  # TIFF tags
_PNG_END = b"IEND\xaeB`\x82"
_PNG_METADATA = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
_JPEG_END, _PADDING = b"\xff\xd9", 64
_STRIPS, _TILES = (273, 279), (324, 325)  # TIFF tags of offsets and byte counts
_RAW_BYTES = {"L": 1, "RGB": 3, "I;16B": 2}  # of a pixel in PGM and PPM files, by Pillow's name for them
_BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I;16N": 16, "I": 32, "F": 32}
_BYTE = 255
_BMP_HEADER = struct.Struct("<2s8xIIiiHHI12xI4x")
_BMP_COLOURS = {8: 256, 24: 0}  # of the palette, by bits a pixel
_BMP_TALLEST = 1 << 24  # what Pillow tells from a height below zero


def plain_bmp_size(file: IO[bytes]) -> tuple[int, int] | None:
    """(height, width) of a whole, uncompressed BMP of 8 or 24 bits; None for any other file, which says nothing of it.

    Pillow would say the same, but takes apart the palette of each gray image in Python. The file stays where it was.
    """
    with _place_kept(file):
        head = file.read(_BMP_HEADER.size)
    if len(head) < _BMP_HEADER.size:
        return None
    mark, offset, header, width, height, planes, bits, compression, colours = _BMP_HEADER.unpack(head)
    if (mark, header, planes, compression) != (b"BM", 40, 1, 0) or bits not in _BMP_COLOURS:
        return None
    if width < 1 or not 0 < abs(height) < _BMP_TALLEST or colours not in (0, _BMP_COLOURS[bits]):
        return None
    row_bytes = (width * bits + 31) // 32 * 4
    whole = offset + row_bytes * abs(height) <= os.fstat(file.fileno()).st_size
    return (abs(height), width) if whole and offset >= len(head) + 4 * _BMP_COLOURS[bits] else None


def displayed_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) of an opened image after its EXIF rotation.

    Pillow decodes a whole PNG to look for metadata behind the pixels. Here the pixels are skipped, and the PNG is
    decoded only if there is any.
    """
    width, height = image.size
    if image.format == "TIFF":  # whose size Pillow turns by itself, in some versions
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        width, height = tags[_WIDTH], tags[_HEIGHT]
    lazy = image.format == "PNG" and not _metadata_behind_pixels(image)
    exif = Image.Image.getexif(image) if lazy else image.getexif()
    return (width, height) if exif.get(_ORIENTATION, 1) in _TURNED else (height, width)


def seems_whole(image: Image.Image) -> bool:
    """Whether the file behind an opened image reaches its end mark, or holds all the bytes that its header promises.

    False means doubt, not damage: some writers leave out the end mark.
    """
    file: Any = image.fp  # type: ignore[attr-defined]
    with _place_kept(file):
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, length - _PADDING))
        tail = file.read(_PADDING)
    if image.format == "PNG":
        return bool(tail.endswith(_PNG_END))
    if image.format in ("JPEG", "MPO"):
        return _JPEG_END in tail
    tags = getattr(image, "tag_v2", {})
    for offsets, counts in (_STRIPS, _TILES):
        if offsets in tags and counts in tags:
            ends = [start + count for start, count in zip(tags[offsets], tags[counts], strict=False)]
            return bool(ends) and max(ends) <= length
    tiles: Any = image.tile  # type: ignore[attr-defined]
    if len(tiles) == 1 and tiles[0][0] == "raw":
        _, extents, offset, arguments = tiles[0]
        row_bytes = _RAW_BYTES.get(arguments, 0) * image.width if isinstance(arguments, str) else arguments[1]
        return bool(extents) and row_bytes > 0 and offset + row_bytes * (extents[3] - extents[1]) <= length
    return False


def channel_bits(image: Image.Image) -> int:
    """Bits a channel in the file behind an opened image; of 16-bit colour Pillow gives the upper 8."""
    tiles: Any = image.tile  # type: ignore[attr-defined]
    arguments = tiles[0][3] if tiles else ""
    raw = arguments if isinstance(arguments, str) else next(iter(arguments or ()), "")
    if ";16" in str(raw) or (image.format == "PPM" and image.mode != "1" and _largest(arguments) > _BYTE):
        return 16
    return _BITS.get(image.mode, 8)


def white_is_zero(image: Image.Image) -> bool:
    """Whether an opened TIFF says that its smallest value is white, which Pillow turns round for 8 bits alone."""
    return bool(getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0)


def page_count(image: Image.Image) -> int:
    """How many pages or frames the file behind an opened image holds; the previews of photos (MPO) are none."""
    return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))


def _largest(arguments: Any) -> int:
    """The largest gray value that a PPM file promises, where Pillow's decoder is told of it."""
    return arguments[1] if isinstance(arguments, tuple) and len(arguments) == 2 else 0


def _metadata_behind_pixels(image: Image.Image) -> bool:
    """Whether a PNG has text or EXIF after its first pixels; a broken chain of chunks counts as none."""
    file: Any = image.fp  # type: ignore[attr-defined]
    place, before_pixels = 8, True
    with _place_kept(file):
        while True:
            file.seek(place)
            head = file.read(8)
            if len(head) < 8 or head[4:] == b"IEND":
                return False
            before_pixels = before_pixels and head[4:] != b"IDAT"
            if not before_pixels and head[4:] in _PNG_METADATA:
                return True
            place += 12 + int.from_bytes(head[:4], "big")


@contextmanager
def _place_kept(file: Any) -> Iterator[None]:
    """Put an open file back to where it stood, since Pillow goes on reading from there."""
    place = file.tell()
    try:
        yield
    finally:
        file.seek(place)
