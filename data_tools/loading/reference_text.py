"""A reference as JSON knows it, for the record of a bundle."""

import base64
import math
from typing import Any

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.loading.reference import Reference

_MOST_SIDE = 2**15


def to_json(reference: Reference | None) -> dict[str, Any] | None:
    """Shape, and both arrays as base64 of their little-endian float32 values; None for None."""
    if reference is None:
        return None
    arrays = {"median": reference.median, "spread": reference.spread}
    return {"shape": list(reference.median.shape)} | {
        name: base64.b64encode(array.astype("<f4").tobytes()).decode("ascii") for name, array in arrays.items()
    }


def reference_in(record: Fields) -> Reference | None:
    """What `to_json` made, under the key "reference" of a bundle's record, which older ones lack.

    Raises:
        InputError: not what it makes; the message names file and key.
    """
    if record.values.get("reference") is None:
        return None
    values = record.group("reference")
    sides = values.items("shape")
    whole = all(type(side) is int and 0 < side <= _MOST_SIDE for side in sides)
    values.require(whole and len(sides) == 3, "shape", "three numbers above 0")
    try:
        median, spread = (_array(values.text(name), name, sides) for name in ("median", "spread"))
        return Reference(median, spread)
    except ValueError as error:
        raise InputError(f"{record.place}: {error}") from error


def _array(text: str, name: str, shape: list[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"reference.{name} is no base64") from error
    if len(content) != 4 * math.prod(shape):
        raise ValueError(f"reference.{name} holds {len(content)} bytes, not {4 * math.prod(shape)}")
    return np.frombuffer(content, dtype="<f4").astype(np.float32).reshape(shape)
