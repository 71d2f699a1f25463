import pytest

from data_tools.formats.shapes.rectangles import CLIPPED, CUT, SWAPPED, UPSIDE_DOWN, half_open, place

SIZE = (48, 64)


@pytest.mark.parametrize(
    ("box", "placed", "changes"),
    [
        ((1, 2, 30, 40), (1, 2, 30, 40), ()),
        ((30, 40, 1, 2), (1, 2, 30, 40), (SWAPPED,)),
        ((-0.5, 2, 64.4, 40), (0, 2, 64, 40), (CLIPPED,)),
        ((59, 18, 68, 30), (59, 18, 64, 30), (CUT,)),  # 5 of 9 columns
        ((-0.9, 0, 0.1, 48), (0, 0, 0.1, 48), (CLIPPED,)),  # less than a pixel outside, whatever its share
        ((0, 0, 1, 1), (0, 0, 1, 1), ()),
    ],
)
def test_usable_boxes(box: tuple, placed: tuple, changes: tuple) -> None:
    found = place(box, SIZE)
    assert (found.box_xyxy, found.changes, found.reason) == (placed, changes, "")


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((5, 5, 5, 9), "zero-area"),
        ((60, 18, 69, 30), "more than half"),
        ((70, 5, 80, 9), "outside the 64 x 48 image"),
        ((0.1, 0.2, 0.5, 0.6), "shares"),
        ((1, 2, float("inf"), 4), "not finite"),
    ],
)
def test_refused_boxes(box: tuple, reason: str) -> None:
    found = place(box, SIZE)
    assert found.box_xyxy is None
    assert reason in found.reason


def test_inclusive_corners_are_put_in_order_before_a_pixel_is_added() -> None:
    assert half_open((20, 30, 5, 6), "inclusive") == ((5, 6, 21, 31), SWAPPED)
    assert half_open((5, 30, 20, 6), "exclusive") == ((5, 6, 20, 30), UPSIDE_DOWN)  # as where y counts upwards
    assert half_open((20, 6, 5, 30), "exclusive") == ((5, 6, 20, 30), SWAPPED)
    assert half_open((5, 6, 20, 30), "inclusive") == ((5, 6, 21, 31), "")
    assert half_open((5, 6, 4.5, 30), "inclusive") == ((5, 6, 5.5, 31), "")  # half a column
