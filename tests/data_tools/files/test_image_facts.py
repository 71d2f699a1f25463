from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.files.image_facts import ImageFact, read_fact, read_facts, read_thumbnails


def test_facts_by_hand(tmp_path: Path) -> None:
    pixels = np.full((20, 30), 100, dtype=np.uint8)
    pixels[4:-4, 4:-4] = 200  # 12 x 22 of 600 pixels; the border of 4 pixels stays
    Image.fromarray(pixels).save(tmp_path / "a.png")
    fact = read_fact(tmp_path / "a.png")
    assert (fact.size_hw, fact.mode, fact.bits, fact.encoding) == ((20, 30), "L", 8, "PNG")
    share = 12 * 22 / 600
    assert fact.mean == pytest.approx(100 + 100 * share)
    assert fact.spread == pytest.approx(100 * np.sqrt(share * (1 - share)))
    assert fact.border == 100
    assert fact.file_bytes == (tmp_path / "a.png").stat().st_size


def test_a_thumbnail_holds_the_means_of_its_cells(tmp_path: Path) -> None:
    cells = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(np.kron(cells, np.ones((3, 5), dtype=np.uint8))).save(tmp_path / "a.png")
    assert np.allclose(read_fact(tmp_path / "a.png").thumbnail, cells.ravel(), atol=1e-3)


def test_an_image_no_larger_than_its_border_is_all_border(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 40), 7, dtype=np.uint8)).save(tmp_path / "a.png")
    fact = read_fact(tmp_path / "a.png")
    assert (fact.border, fact.mean, fact.spread) == (7, 7, 0)


def test_bit_depth_mode_and_jpeg_quality_are_told_apart(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (32, 32), dtype=np.uint8)
    Image.fromarray(noise.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(noise).convert("RGB").save(tmp_path / "colour.png")
    for name, quality in (("a", 60), ("b", 60), ("c", 90)):
        Image.fromarray(noise).save(tmp_path / f"{name}.jpg", quality=quality)
    deep, colour = read_fact(tmp_path / "deep.png"), read_fact(tmp_path / "colour.png")
    assert (deep.bits, colour.bits, colour.mode) == (16, 8, "RGB")
    assert deep.mean == colour.mean == pytest.approx(noise.mean())  # 65535 is 255
    a, b, c = (read_fact(tmp_path / f"{name}.jpg").encoding for name in "abc")
    assert a == b != c
    assert a.startswith("JPEG ")


@pytest.mark.parametrize("count", [5, 140])  # at once, and in the pool
def test_facts_come_in_order_and_a_broken_image_is_one_of_them(tmp_path: Path, count: int) -> None:
    for i in range(count):
        Image.fromarray(np.full((10, 12), i, dtype=np.uint8)).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(b"no image")
    names = [f"{i}.png" for i in range(count)]
    facts = list(read_facts(names, tmp_path))
    assert [fact.mean for fact in facts if isinstance(fact, ImageFact)] == [i for i in range(count) if i != 3]
    assert "3.png" in str(facts[3])
    assert isinstance(facts[3], InputError)
    with pytest.raises(InputError, match=r"3\.png"):
        read_thumbnails(names, tmp_path)
    assert read_thumbnails(names[:3], tmp_path)[:, 0].tolist() == [0, 1, 2]


def test_names_stay_under_their_root(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    Image.fromarray(np.zeros((9, 9), dtype=np.uint8)).save(tmp_path / "out.png")
    assert isinstance(next(read_facts(["../out.png"], tmp_path / "root")), InputError)
