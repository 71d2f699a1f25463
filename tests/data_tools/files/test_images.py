import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from data_tools.core import row_blocks
from data_tools.core.errors import InputError
from data_tools.files import images
from data_tools.files.image_walk import walk_images
from data_tools.files.images import (
    bits_of,
    read_gray,
    read_levels,
    read_rgb,
    read_size,
    resolve_under,
)

RAMP = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".pgm", ".gif", ".jp2"])
def test_8_bit_gray_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(RAMP).save(tmp_path / f"a{suffix}")
    assert np.array_equal(read_gray(tmp_path / f"a{suffix}"), RAMP)
    assert read_size(tmp_path / f"a{suffix}") == (12, 20)


def test_16_bit_gray_is_scaled_and_not_white(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "a.png")
    assert np.array_equal(read_gray(tmp_path / "a.png"), RAMP)


def test_rgb_palette_and_alpha(tmp_path: Path) -> None:
    Image.fromarray(np.stack([RAMP] * 3, axis=-1)).save(tmp_path / "rgb.png")
    Image.fromarray(RAMP).convert("P").save(tmp_path / "palette.png")
    opaque = np.full_like(RAMP, 255)
    opaque[:, :10] = 0
    Image.fromarray(np.stack([RAMP] * 3 + [opaque], axis=-1)).save(tmp_path / "alpha.png")
    assert np.array_equal(read_gray(tmp_path / "rgb.png"), RAMP)
    assert np.abs(read_gray(tmp_path / "palette.png").astype(int) - RAMP).max() <= 1
    assert np.array_equal(read_gray(tmp_path / "alpha.png"), np.where(opaque > 0, RAMP, 0))


def test_exif_rotation_is_applied_to_pixels_and_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RAMP).save(tmp_path / "a.jpg", exif=exif, quality=100)
    assert read_gray(tmp_path / "a.jpg").shape == (20, 12) == read_size(tmp_path / "a.jpg")


def test_truncated_not_an_image_and_missing_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (80, 80), dtype=np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:1000])
    (tmp_path / "text.png").write_text("hello")
    for name in ("cut.png", "text.png", "nowhere.png"):
        with pytest.raises(InputError, match=name):
            read_gray(tmp_path / name)


def test_the_pixel_limit_is_checked_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "PIXEL_LIMIT", 100)
    with pytest.raises(InputError, match="limit"):
        read_gray(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../b.png", "..\\b.png"])
def test_names_that_leave_the_root_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        resolve_under(tmp_path, name)


def test_a_linked_image_is_read_and_a_linked_folder_must_stay(tmp_path: Path) -> None:
    """As DVC and git-annex leave images: names of their own that lead into a store elsewhere."""
    root, store = tmp_path / "root", tmp_path / "store"
    root.mkdir()
    store.mkdir()
    (store / "5f1a.png").write_bytes(b"")
    (root / "link.png").symlink_to(store / "5f1a.png")
    (root / "lost.png").symlink_to(store / "not_fetched.png")
    (root / "folder").symlink_to(store, target_is_directory=True)
    assert resolve_under(root, "link.png") == root / "link.png"
    assert resolve_under(root, "sub/a.png") == root / "sub" / "a.png"
    with pytest.raises(InputError, match="a link that leads to no file"):
        resolve_under(root, "lost.png")
    with pytest.raises(InputError, match="a link that leaves"):
        resolve_under(root, "folder/5f1a.png")
    for name in ("../store/5f1a.png", str(store / "5f1a.png"), "sub/../../store/5f1a.png"):
        with pytest.raises(InputError, match="must be relative and stay under"):
            resolve_under(root, name)


@pytest.mark.parametrize(("suffix", "bits"), [("jpg", 8), ("png", 8), ("png", 16), ("tif", 8), ("tif", 16)])
@pytest.mark.parametrize("turn", range(1, 9))
def test_every_exif_rotation_of_every_format(tmp_path: Path, suffix: str, bits: int, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels = RAMP if bits == 8 else RAMP.astype(np.uint16) * 257
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", exif=exif, quality=100)
    mirrored = RAMP[:, ::-1] if turn in (2, 4, 5, 7) else RAMP  # then turned counter-clockwise so many times
    upright = np.rot90(mirrored, {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}[turn])
    found = read_gray(tmp_path / f"a.{suffix}")
    assert found.shape == upright.shape == read_size(tmp_path / f"a.{suffix}")
    assert np.abs(found.astype(int) - upright).max() <= (3 if suffix == "jpg" else 0)


def test_exif_behind_the_pixels_of_a_png_is_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    content = (tmp_path / "a.png").read_bytes()
    start = content.index(b"eXIf") - 4
    stop = start + 12 + int.from_bytes(content[start : start + 4], "big")
    end = content.index(b"IEND") - 4
    (tmp_path / "b.png").write_bytes(content[:start] + content[stop:end] + content[start:stop] + content[end:])
    assert read_size(tmp_path / "b.png") == (20, 12) == read_gray(tmp_path / "b.png").shape


def test_color_keeps_its_order_and_gray_is_repeated(tmp_path: Path) -> None:
    red = np.zeros((4, 6, 3), dtype=np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(tmp_path / "red.png")
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert np.array_equal(read_rgb(tmp_path / "red.png"), red)
    assert np.array_equal(read_rgb(tmp_path / "deep.png"), np.repeat(RAMP[..., None], 3, axis=2))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of the damage
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_cut_files_have_no_size(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 90), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole.{suffix}")
    assert read_size(tmp_path / f"whole.{suffix}") == (80, 90)
    content = (tmp_path / f"whole.{suffix}").read_bytes()
    for keep in (0, 1, 20, len(content) // 2, len(content) - 40):
        (tmp_path / f"cut.{suffix}").write_bytes(content[:keep])
        with pytest.raises(InputError, match=f"cut.{suffix}"):
            read_size(tmp_path / f"cut.{suffix}")


def test_bytes_after_the_end_do_no_harm(tmp_path: Path) -> None:
    for suffix in ("png", "jpg", "bmp"):
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(RAMP).save(path)
        path.write_bytes(path.read_bytes() + b"\0" * 500)
        assert read_size(path) == (12, 20)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of the damage
@given(st.sampled_from(["png", "jpg", "bmp", "tif"]), st.integers(0, 400), st.binary(min_size=1, max_size=12))
def test_damaged_files_are_read_or_refused(tmp_path_factory, suffix: str, place: int, noise: bytes) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"a.{suffix}"
    Image.fromarray(RAMP).save(path)
    content = bytearray(path.read_bytes())
    place = min(place, len(content) - 1)
    content[place : place + len(noise)] = noise
    path.write_bytes(content)
    with patch.object(images, "PIXEL_LIMIT", 100_000):
        for reader in (read_size, read_gray, read_rgb):
            try:
                reader(path)
            except InputError as error:
                assert path.name in str(error)


def test_other_kinds_of_files_are_not_opened(tmp_path: Path) -> None:
    """A page description under an image's name would start an interpreter."""
    (tmp_path / "a.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(InputError, match="BMP, PNG, JPEG, TIFF"):
        read_size(tmp_path / "a.png")


def test_folders_are_searched_by_suffix_without_following_links(tmp_path: Path) -> None:
    for name in ("b.PNG", "sub/a.jpg", "sub/note.txt", "._c.png"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_bytes(b"")
    (tmp_path / "root" / "loop").symlink_to(tmp_path / "root")
    assert walk_images(tmp_path / "root").names == (("b.PNG", False), ("sub/a.jpg", False))


def save_netpbm(path: Path, levels: np.ndarray, largest: int) -> None:
    height, width = levels.shape
    raw = levels.astype(np.uint8 if largest < 256 else ">u2").tobytes()
    path.write_bytes(f"P5\n{width} {height}\n{largest}\n".encode() + raw)


def test_pgm_of_any_depth(tmp_path: Path) -> None:
    """Full scale is the largest value that the header names: 8, 12 and 16 bits of one ramp look the same."""
    for largest in (255, 4095, 65535):
        levels = np.round(RAMP / 255 * largest)
        save_netpbm(tmp_path / "a.pgm", levels, largest)
        assert read_size(tmp_path / "a.pgm") == (12, 20)
        assert np.abs(read_gray(tmp_path / "a.pgm").astype(int) - RAMP).max() <= 1
        assert bits_of(tmp_path / "a.pgm") == (8 if largest == 255 else 16)


@pytest.mark.parametrize("largest", [255, 65535])
def test_a_pgm_that_is_cut_off_is_named(tmp_path: Path, largest: int) -> None:
    save_netpbm(tmp_path / "a.pgm", RAMP, largest)
    (tmp_path / "a.pgm").write_bytes((tmp_path / "a.pgm").read_bytes()[:-1])
    with pytest.raises(InputError, match=r"a\.pgm"):
        read_size(tmp_path / "a.pgm")


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".png"])
def test_several_pages_are_refused(tmp_path: Path, suffix: str) -> None:
    page = Image.fromarray(RAMP)
    page.save(tmp_path / f"a{suffix}", save_all=True, append_images=[Image.fromarray(RAMP[::-1])])
    for reader in (read_size, read_gray, read_levels):
        with pytest.raises(InputError, match="holds 2 pages"):
            reader(tmp_path / f"a{suffix}")


def test_levels_are_those_of_the_file_and_none_of_8_bits(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 16).save(tmp_path / "deep.tif")
    Image.fromarray(RAMP).save(tmp_path / "flat.tif")
    Image.fromarray((RAMP / 255).astype(np.float32)).save(tmp_path / "float.tif")
    levels = read_levels(tmp_path / "deep.tif")
    assert levels is not None
    assert np.array_equal(levels, RAMP * 16.0)
    assert read_levels(tmp_path / "flat.tif") is None
    with pytest.raises(InputError, match="--gray_range"):
        read_gray(tmp_path / "float.tif")


def test_a_negative_of_16_bits_is_refused(tmp_path: Path) -> None:
    """Pillow turns white-is-zero round for 8 bits and not for 16."""
    Image.fromarray(RAMP.astype(np.uint16)).save(tmp_path / "a.tif")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    entry = data.find(struct.pack("<HHI", 262, 3, 1))
    data[entry + 8] = 0
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(InputError, match="white as zero"):
        read_gray(tmp_path / "a.tif")


def test_color_of_16_bits_is_told_from_8(tmp_path: Path) -> None:
    """A PNG written by hand, since Pillow writes none: 2 x 1 pixels, red, green and blue of 16 bits."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"\0" + struct.pack(">6H", 4095, 0, 0, 65535, 256, 0)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    assert bits_of(tmp_path / "a.png") == 16
    assert read_rgb(tmp_path / "a.png").tolist() == [[[15, 0, 0], [255, 1, 0]]]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of the damage
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".pgm"])
def test_a_file_s_content_is_read_as_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    np.testing.assert_array_equal(read_gray(content), read_gray(path))
    for damaged in (b"", content[:20], b"text"):
        path.write_bytes(damaged)
        with pytest.raises(InputError) as of_file:
            read_gray(path)
        with pytest.raises(InputError) as of_content:
            read_gray(damaged)
        assert str(of_content.value) == str(of_file.value).replace(str(path), "image")


MODES = ("1", "L", "P", "RGB", "LA", "RGBA", "CMYK", "I;16", "I")


@pytest.mark.parametrize("turn", [1, 3, 6])
@pytest.mark.parametrize("mode", MODES)
def test_rows_at_a_time_give_what_the_whole_image_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, turn: int
) -> None:
    """A strip of two rows and a rest of one; the reference is Pillow's conversion of the whole."""
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = turn
    image = {
        "I;16": lambda: Image.fromarray(rng.integers(0, 65536, (13, 20), dtype=np.uint16)),
        "I": lambda: Image.fromarray(rng.integers(0, 65536, (13, 20), dtype=np.int32)),
        "CMYK": lambda: Image.fromarray(rng.integers(0, 256, (13, 20, 4), dtype=np.uint8), "CMYK"),
    }.get(mode, lambda: Image.fromarray(rng.integers(0, 256, (13, 20, 4), dtype=np.uint8)).convert(mode))()
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I;16", "I") else "a.png")
    transparent = {"transparency": 3} if mode in ("P", "L") else {}
    image.save(path, exif=exif, **transparent)
    monkeypatch.setattr(row_blocks, "_AT_A_TIME", 45)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(path.read_bytes())))  # by name Pillow garbles rotated TIFFs
    if mode in ("I;16", "I"):
        gray = ((np.asarray(upright, dtype=np.int64) + 128) // 257).astype(np.uint8)
        rgb = np.repeat(gray[..., None], 3, axis=2)
    else:
        if "A" in upright.mode or "transparency" in upright.info:
            black = Image.new("RGBA", upright.size, (0, 0, 0, 255))
            upright = Image.alpha_composite(black, upright.convert("RGBA"))
        rgb = np.asarray(upright.convert("RGB"))
        gray = np.asarray(upright.convert("L" if mode in ("1", "L") else "RGB").convert("L"))
    np.testing.assert_array_equal(read_gray(path), gray)
    np.testing.assert_array_equal(read_rgb(path), rgb)


@pytest.mark.parametrize(("pixels", "bytes_each"), [(np.uint8, 2), (np.uint16, 3)])
def test_decoding_makes_no_copies_of_many_bytes_a_pixel(tmp_path: Path, pixels: type, bytes_each: float) -> None:
    """Of what numpy and Python hold; Pillow's own image, of one and of two bytes a pixel, is not counted."""
    Image.fromarray(np.zeros((2000, 3000), dtype=pixels)).save(tmp_path / "a.tif")
    tracemalloc.start()
    try:
        read_gray(tmp_path / "a.tif")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (bytes_each + 0.2) * 6_000_000 + 12_000_000


def test_the_limit_says_how_it_is_raised_and_pillow_s_own_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.zeros((3000, 4000), dtype=np.uint8)).save(tmp_path / "a.png")
    code = (
        "import sys; from pathlib import Path; from PIL import Image; Image.MAX_IMAGE_PIXELS = 1000000; "
        "from data_tools.files.images import read_gray; print(read_gray(Path(sys.argv[1])).shape)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "a.png")]
    allowed = os.environ | {"DEFECTS_PIXEL_LIMIT": "12000000"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=allowed, cwd=Path.cwd())
    assert done.stdout == "(3000, 4000)\n", done.stderr
    monkeypatch.setattr(images, "PIXEL_LIMIT", 10_000_000)
    with pytest.raises(InputError, match="DEFECTS_PIXEL_LIMIT=12000000 in the environment raises it"):
        read_gray(tmp_path / "a.png")
    monkeypatch.setenv("DEFECTS_PIXEL_LIMIT", "2e8")
    with pytest.raises(InputError, match="'2e8', which stands there, is no whole number"):
        read_gray(tmp_path / "a.png")
    monkeypatch.delenv("DEFECTS_PIXEL_LIMIT")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5_000_000)
    with pytest.raises(
        InputError, match=r"10,000,001 pixels or more exceed the limit .* DEFECTS_PIXEL_LIMIT=PIXELS in"
    ):
        read_gray(tmp_path / "a.png")
