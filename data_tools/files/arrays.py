"""Arrays of unknown origin: .npy and .npz files, read without pickle and refused by name where they are damaged."""

import io
import struct
import tokenize
import warnings
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.files.regular import require_regular

Numbers = NDArray[np.generic]

_MOST_VALUES = 1 << 28  # more than an image's pixel limit: a header that promises more is damaged
# bytes of the length that stands before a header, and what reads both
_HEADERS = {(1, 0): (2, np.lib.format.read_array_header_1_0), (2, 0): (4, np.lib.format.read_array_header_2_0)}
_NPY, _ZIP = b"\x93NUMPY", b"PK"
# what zipfile, zlib and numpy's header parser raise where bits are wrong; none of them has one base class
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    RuntimeError,  # an encrypted member; NotImplementedError, an unknown compression, is one
    MemoryError,
    OverflowError,
    RecursionError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
    zipfile.BadZipFile,
)


def read_npy(path: Path) -> Numbers:
    """The array of real numbers in an .npy file.

    Raises:
        InputError: damaged, no such file, or no array of real numbers.
    """
    require_regular(path)
    try:
        with path.open("rb") as file:
            return _array(file)
    except _DAMAGE as error:
        raise InputError(f"{path}: {_what_is_wrong(path, error, '.npy')}") from error


def read_npz(path: Path) -> dict[str, Numbers]:
    """The arrays of real numbers in an .npz file, by name.

    Raises:
        InputError: see `read_npy`; the message names the file.
    """
    require_regular(path)
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    arrays[name.removesuffix(".npy")] = _array(member)  # type: ignore[arg-type]
                    member.read()  # to the end, where the checksum is compared
    except _DAMAGE as error:
        raise InputError(f"{path}: {_what_is_wrong(path, error, '.npz')}") from error
    return arrays


def _array(file: BinaryIO) -> Numbers:
    """Read as `numpy.lib.format` does, after a look at what the header promises."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"an .npy file of the version {version}")
    length = file.read(_HEADERS[version][0])
    shape, in_columns, dtype = _header(version, length + file.read(int.from_bytes(length, "little")))
    if dtype.kind not in "fiub":
        raise ValueError(f"not an array of real numbers but of {dtype}")
    count = 1
    for side in shape:
        if not 0 <= side <= _MOST_VALUES:
            raise ValueError(f"the shape {shape} is impossible")
        count *= side
    if count > _MOST_VALUES:
        raise ValueError(f"{count} values are more than the limit of {_MOST_VALUES}")
    content = file.read(count * dtype.itemsize)
    if len(content) < count * dtype.itemsize:
        raise EOFError(f"cut off after {len(content)} of {count * dtype.itemsize} bytes")
    array: Numbers = np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if in_columns else "C")
    return array


@lru_cache(maxsize=64)  # the arrays of an archive are alike, and reading a header takes longer than all the rest
def _header(version: tuple[int, int], content: bytes) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old headers; what they mean does not change
        shape, in_columns, dtype = _HEADERS[version][1](io.BytesIO(content))
    return shape, in_columns, dtype


def _what_is_wrong(path: Path, error: BaseException, suffix: str) -> str:
    """In words: what the file is, if it is something else, or that it is damaged."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_NPY))
    except OSError as unreadable:
        return f"cannot be read: {unreadable.strerror or unreadable}"
    if not start:
        return "an empty file, damaged"
    if suffix == ".npz" and start == _NPY:
        return "damaged: a single .npy array, not an .npz archive"
    if suffix == ".npy" and start.startswith(_ZIP):
        return "damaged: an archive, not a single .npy array"
    if not start.startswith(_ZIP if suffix == ".npz" else _NPY):
        return f"damaged: not an {suffix} file"
    return f"damaged, or not what it is named: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
