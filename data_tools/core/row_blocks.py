"""Large images some rows at a time, so that what is computed from them needs no second copy of the whole."""

from collections.abc import Iterator

_AT_A_TIME = 1_000_000  # pixels


def row_blocks(height: int, width: int) -> Iterator[slice]:
    """The rows of an image of `width` > 0, from top to bottom, in blocks of at most a million pixels or of one row."""
    rows = max(_AT_A_TIME // width, 1)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
