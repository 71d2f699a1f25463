from collections.abc import Iterator

import pytest

from data_tools.files.read_ahead import CHUNK, CHUNK_PIXELS, chunks, read_ahead


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


def test_an_error_comes_up_in_its_turn() -> None:
    results = read_ahead([2, 1, 0, 3], lambda i: 1 / i, lambda _: 1)
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_chunks_end_by_number_or_by_weight() -> None:
    assert [len(part) for part in chunks(range(7), lambda _: 1, 3)] == [3, 3, 1]
    assert [len(part) for part in chunks(range(7), lambda _: CHUNK_PIXELS // 2, 3)] == [2, 2, 2, 1]
    assert list(chunks([], lambda _: 1)) == []
