"""Boxes around turned and round outlines."""

import math

import pytest

from data_tools.formats.shapes.outlines import (
    around,
    circle_through,
    shape,
    turned_ellipse,
    turned_note,
    turned_rectangle,
)


def test_a_quarter_turn_about_the_centre_exchanges_the_sides() -> None:
    # 40 x 4 about (30, 22): x 28..32, y 2..42
    assert turned_rectangle((10, 20, 50, 24), 90, (30, 22)) == pytest.approx((28, 2, 32, 42))


def test_a_clockwise_quarter_turn_about_the_upper_left_corner_goes_down_and_left() -> None:
    assert turned_rectangle((10, 20, 50, 24), 90, (10, 20)) == pytest.approx((6, 20, 10, 60))


def test_an_eighth_turn_of_a_square_has_its_diagonal() -> None:
    half = 5 * math.sqrt(2)
    assert turned_rectangle((0, 0, 10, 10), 45, (5, 5)) == pytest.approx((5 - half, 5 - half, 5 + half, 5 + half))


@pytest.mark.parametrize(
    ("degrees", "box"), [(0, (0, 8, 20, 12)), (90, (8, 0, 12, 20)), (180, (0, 8, 20, 12)), (-90, (8, 0, 12, 20))]
)
def test_ellipses(degrees: float, box: tuple[float, ...]) -> None:
    assert turned_ellipse((10, 10), (10, 2), degrees) == pytest.approx(box)


def test_circle_through_three_points() -> None:
    assert circle_through((15, 10), (10, 15), (5, 10)) == pytest.approx((5, 5, 15, 15))
    assert circle_through((0, 0), (1, 1), (2, 2)) == "three points on a line make no circle"


def test_around_is_the_hull() -> None:
    assert around([(3, 4), (1, 9), (2, 5)]) == (1, 4, 3, 9)


def test_only_what_is_turned_is_noted() -> None:
    assert turned_note(0) == turned_note(360) == ""
    assert turned_note(-90) == "turned by -90 degrees: the box around it is taken"


def test_shapes_without_a_usable_box_or_a_label() -> None:
    assert shape("a", "no").problem == "no"
    assert shape("a", (0, 0, math.inf, 1)).problem == "corner is not finite"
    assert shape(" ", (0, 0, 1, 1), note="b").note == "b; without a label: taken as 'defect'"
