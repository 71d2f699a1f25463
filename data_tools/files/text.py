"""Text of unknown encoding: read where one encoding alone makes sense, refused where two do."""

import codecs
import re
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.files.regular import read_regular

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_LONGEST_ACCENTS = 2  # letters in a row that no word of Western Europe exceeds
# what Western and Central European encodings agree in, so that a name keeps its letters whichever it was
_LETTERS = {
    letter
    for letter in bytes(range(0xC0, 0x100)).decode("cp1252")
    if letter.isalpha() and letter.encode("cp1252").decode("cp1250", "replace") == letter
}
_SIGNS = set("\u20ac\u2013\u2014\xa7\xb0\xb1\xb5\xd7")
_FIRST_CHARACTER, _LAST_FREQUENT = 0xB0, 0xD7  # first bytes of the characters, and of the more frequent half
_ZEROS = 0.3  # of the bytes at even or odd places: text of two bytes a letter


def decode_text(content: bytes) -> tuple[str, str] | None:
    """The text of some bytes and its encoding; None where it cannot be told.

    UTF-8 where it fits, and what a byte order mark says. Else cp1252, European, where the letters beyond ASCII stand
    alone as in such words; or GB 18030, Chinese, where they come in pairs that are frequent characters.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            text = _decoded(content, encoding)
            return None if text is None else (text, encoding.removesuffix("-sig"))
    wide = _wide(content)
    if wide is not None:
        text = _decoded(content, wide)
        return None if text is None else (text, wide)
    text = _decoded(content, "utf-8")
    if text is not None:
        return text, "utf-8"
    western, chinese = _western(content), _chinese(content)
    if western is not None and chinese is None:
        return western, "cp1252"
    if chinese is not None and western is None:
        return chinese, "gb18030"
    return None


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file and its encoding.

    Raises:
        InputError: not readable, or neither UTF-8 nor clearly of one other encoding.
    """
    decoded = decode_text(read_regular(path))
    if decoded is None:
        raise InputError(f"{path}: neither UTF-8 nor clearly of one other encoding; save it as UTF-8")
    return decoded


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _wide(content: bytes) -> str | None:
    """UTF-16 without a mark, by the zeros that ASCII letters have in it."""
    if len(content) < 4 or len(content) % 2 or b"\0" not in content:
        return None
    even, odd = content[0::2].count(0) / len(content[0::2]), content[1::2].count(0) / len(content[1::2])
    if max(even, odd) < _ZEROS or min(even, odd) > 0:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _western(content: bytes) -> str | None:
    text = _decoded(content, "cp1252")
    if text is None:
        return None
    for run in _HIGH.findall(content):
        word = run.decode("cp1252")
        if sum(one in _LETTERS for one in word) > _LONGEST_ACCENTS or not set(word) <= _LETTERS | _SIGNS:
            return None
    return text


def _chinese(content: bytes) -> str | None:
    """Text whose characters beyond ASCII are all of the common set of GB 18030, most of them of its frequent part."""
    runs = _HIGH.findall(content)
    leads = [lead for run in runs for lead in run[::2] if lead >= _FIRST_CHARACTER]
    if any(len(run) % 2 for run in runs) or 2 * sum(lead <= _LAST_FREQUENT for lead in leads) < len(leads):
        return None
    return _decoded(content, "gb2312")
