import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_tools.files.image_header import plain_bmp_size
from data_tools.files.images import read_gray

RAMP = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)


def bmp(mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RAMP).convert(mode).save(buffer, format="BMP")
    return buffer.getvalue()


def size_of(path: Path, content: bytes) -> tuple[int, int] | None:
    path.write_bytes(content)
    with path.open("rb") as file:
        found = plain_bmp_size(file)
        assert file.tell() == 0  # for whoever reads on
    return found


def test_whole_bmps_of_8_and_24_bits_have_a_size_and_all_else_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    for mode, expected in (("L", (12, 20)), ("RGB", (12, 20)), ("1", None)):
        assert size_of(path, bmp(mode)) == expected
    for content in (bmp()[:-1], bmp()[:30], b"", b"BM"):
        assert size_of(path, content) is None


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    st.sampled_from(["L", "RGB"]),
    st.sampled_from([2, 10, 14, 18, 22, 26, 28, 30, 34, 46, 50]),
    st.integers(-40, 300) | st.integers(-(2**31), 2**31 - 1),
)
def test_whatever_stands_in_the_header_pillow_agrees(tmp_path_factory, mode: str, place: int, value: int) -> None:
    content = bytearray(bmp(mode))
    content[place : place + 4] = struct.pack("<i", value)
    path = tmp_path_factory.mktemp("bmp") / "a.bmp"
    found = size_of(path, bytes(content))
    if found is not None and found[0] * found[1] <= 100_000:
        assert read_gray(path).shape == found
