"""Label Studio's brush masks: packed runs of the bytes of an RGBA image, of which alpha is the mask.

The packing is the one of its converter (`brush.decode_rle`): 32 bits for the number of bytes, 5 for the size of a value
less one, four times 4 for the four sizes of a length less one; then, again and again, a bit that says whether one value
is repeated, 2 bits that choose the size of the length, the length less one, and one value or as many as the length.
"""

from collections.abc import Sequence

import numpy as np

from data_tools.formats.shapes.rectangles import Box
from data_tools.formats.shapes.run_lengths import box_of_runs

_CHANNELS = 4


class _Bits:
    """Reads whole numbers of any number of bits from bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        """The next number.

        Raises:
            ValueError: the bytes end first.
        """
        first, end = self._at, self._at + count
        part = self._data[first // 8 : -(-end // 8)]
        if len(part) * 8 < end - first // 8 * 8:
            raise ValueError("ends too early")
        self._at = end
        return int.from_bytes(part, "big") >> (-end % 8) & ((1 << count) - 1)


def brush_box(packed: Sequence[int], size_hw: tuple[int, int]) -> Box | str:
    """The box around the pixels of a brush mask, or why there is none.

    Args:
        packed: the list of bytes as it stands in the file.
        size_hw: of the image, which the mask must have.
    """
    try:
        bits = _Bits(bytes(packed))
        total, word_size = bits.take(32), bits.take(5) + 1
        length_sizes = [bits.take(4) + 1 for _ in range(4)]
        if total != size_hw[0] * size_hw[1] * _CHANNELS:
            return f"a brush mask of {total} bytes, but {size_hw[1]} x {size_hw[0]} pixels need four each"
        starts, lengths = [], []
        at = 0
        while at < total:
            repeated = bits.take(1)
            end = at + bits.take(length_sizes[bits.take(2)]) + 1
            if end > total:
                return "a brush mask with more pixels than its image"
            if repeated:
                spans = [(at, end)] if bits.take(word_size) else []
            else:
                spans = [(i, i + 1) for i in range(at, end) if bits.take(word_size)]
            for first, last in spans:
                starts.append(first // _CHANNELS)  # alpha is the last byte of a pixel
                lengths.append(last // _CHANNELS - first // _CHANNELS)
            at = end
    except (ValueError, TypeError, OverflowError) as error:
        return f"a brush mask that cannot be unpacked: {str(error)[:60]}"
    return box_of_runs(np.array(starts, dtype=np.int64), np.array(lengths, dtype=np.int64), size_hw[1])
