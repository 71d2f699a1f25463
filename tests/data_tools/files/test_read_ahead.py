import time
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_tools.files import templates as templates_module
from data_tools.files.image_sources import Source
from data_tools.files.read_ahead import CHUNK, CHUNK_PIXELS, chunks, decode, pixels_held, read_ahead
from data_tools.files.templates import Templates


def test_results_come_in_order() -> None:
    assert list(read_ahead(range(100), lambda i: i * i, lambda _: 1)) == [i * i for i in range(100)]
    assert list(read_ahead([], lambda i: i, lambda _: 1)) == []


def taken_ahead(weight: int, used: int = 50) -> int:
    """The most items that were taken and not yet used at any time, once the weight is known."""
    taken, most = 0, 0

    def count() -> Iterator[int]:
        nonlocal taken
        for i in range(10_000):
            taken += 1
            yield i

    for i, _ in zip(range(used), read_ahead(count(), lambda i: i, lambda _: weight), strict=False):
        if i > CHUNK:
            most = max(most, taken - i)
    return most


def test_the_number_held_is_bounded_however_many_come() -> None:
    assert taken_ahead(1) <= CHUNK + 1
    assert 2 <= taken_ahead(CHUNK_PIXELS) <= 3


def test_large_images_after_small_ones_are_not_all_read_ahead() -> None:
    """32 are begun ahead while they are small; of large ones those of a chunk, and what two threads have in hand."""
    weights = [1] * 40 + [CHUNK_PIXELS // 4] * 60
    begun, most = 0, 0

    def read(weight: int) -> int:
        nonlocal begun
        begun += weight > 1
        return weight

    for used, weight in enumerate(read_ahead(weights, read, lambda weight: weight)):
        if weight > 1:
            time.sleep(0.002)
            most = max(most, begun - (used - 40))
    assert begun == 60
    assert 2 <= most <= 1 + 4 + 2


@given(st.lists(st.sampled_from([1, CHUNK_PIXELS // 3, CHUNK_PIXELS, 2 * CHUNK_PIXELS]), max_size=60))
def test_every_mixture_of_sizes_comes_through(weights: list[int]) -> None:
    assert list(read_ahead(weights, lambda weight: weight, lambda weight: weight)) == weights


def test_leaving_early_lets_those_who_wait_go() -> None:
    results = read_ahead([2 * CHUNK_PIXELS] * 9, lambda weight: weight, lambda weight: weight)
    assert next(results) == 2 * CHUNK_PIXELS
    assert isinstance(results, Generator)
    results.close()


def test_an_error_comes_up_in_its_turn() -> None:
    results = read_ahead([2, 1, 0, 3], lambda i: 1 / i, lambda _: 1)
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_chunks_end_by_number_or_by_weight() -> None:
    assert [len(part) for part in chunks(range(7), lambda _: 1, 3)] == [3, 3, 1]
    assert [len(part) for part in chunks(range(7), lambda _: CHUNK_PIXELS // 2, 3)] == [2, 2, 2, 1]
    assert list(chunks([], lambda _: 1)) == []


def test_an_image_is_read_with_its_template_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "templates/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (5, 4), len(name)).save(tmp_path / name)
    source, templates = Source("a.png", tmp_path / "a.png"), Templates(tmp_path / "templates")
    one = decode(source, templates)
    assert one.template is not None
    assert (np.unique(one.pixels), np.unique(one.template), pixels_held(one)) == (5, 15, 40)
    assert (decode(source).template, pixels_held(decode(source))) == (None, 20)

    def no_room(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(templates_module, "read_gray", no_room)
    one = decode(source, templates)
    assert (one.pixels, one.lacks_template, one.reason) == (None, True, "too large for the memory that is left")
    (tmp_path / "a.png").write_text("none")
    assert not decode(source, templates).lacks_template
