from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.row_blocks import row_blocks


def test_a_large_image_by_hand() -> None:
    assert list(row_blocks(5, 400_000)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert list(row_blocks(2, 3_000_000)) == [slice(0, 1), slice(1, 2)]


@given(st.integers(0, 5000), st.integers(1, 3_000_000))
def test_every_row_comes_once_and_in_order(height: int, width: int) -> None:
    blocks = list(row_blocks(height, width))
    assert [row for block in blocks for row in range(block.start, block.stop)] == list(range(height))
    assert all((block.stop - block.start) * width <= 1_000_000 or block.stop - block.start == 1 for block in blocks)
