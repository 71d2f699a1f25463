"""How settings and records check themselves: one sentence that names the key, the rule and the value."""

import math
import sys
from numbers import Real
from typing import Any

from data_tools.core.errors import InputError


def require(condition: bool, key: str, rule: str, value: Any) -> None:
    """Refuse a value: "fit.lr must be above 0, not -1".

    Raises:
        InputError: the condition does not hold.
    """
    if not condition:
        raise InputError(f"{key} must {rule}, not {value}")


def require_number(
    key: str,
    value: float | None,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    above: float | None = None,
    below: float | None = None,
    optional: bool = False,
) -> None:
    """Refuse a number outside its range, NaN and infinity.

    Args:
        key: dotted, as on the command line.
        value: to check.
        least, most: smallest and largest allowed value.
        above, below: instead of these, limits that are not allowed themselves.
        optional: None is allowed.

    Raises:
        InputError: it is outside, or no number.
    """
    if value is None:
        return require(optional, key, "be a number", "null")
    require(isinstance(value, Real) and not isinstance(value, bool), key, "be a number", repr(value))
    low = f"above {above:g}" if above is not None else f"at least {least:g}" if least > -math.inf else ""
    high = f"below {below:g}" if below is not None else f"at most {most:g}" if most < math.inf else ""
    rule = "be " + (" and ".join(filter(None, (low, high))) or "a finite number")
    inside = least <= value <= most and (above is None or value > above) and (below is None or value < below)
    require(inside and math.isfinite(value), key, rule, value)


def whole_number(value: Any, key: str) -> int:
    """A whole number that was read from a file: 3 or 3.0, but not 1.9, "3", true or infinity; nothing is cut off.

    Raises:
        ValueError: anything else, or a number that 64 bits do not hold.
    """
    if not is_finite_number(value) or value != int(value) or abs(value) >= 1 << 63:
        raise ValueError(f"{key} must be a whole number, not {str(value)[:40]!r}")
    return int(value)


def real_number(value: Any, key: str) -> float:
    """A finite number that was read from a file; neither text nor true.

    Raises:
        ValueError: anything else.
    """
    if not is_finite_number(value):
        raise ValueError(f"{key} must be a finite number, not {str(value)[:40]!r}")
    return float(value)


def is_finite_number(value: Any) -> bool:
    """Whether what was read from a file is a number that a float can hold; neither text nor true."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max  # which NaN is not
