"""A reference as JSON knows it, for the record of a bundle."""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

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


def from_json(values: Mapping[str, Any] | None) -> Reference | None:
    """What `to_json` made.

    Raises:
        ValueError: not what it makes; the message names the key.
        KeyError: a key is missing.
    """
    if values is None:
        return None
    shape = values["shape"]
    sides = shape if isinstance(shape, list) else []
    if len(sides) != 3 or not all(type(side) is int and 0 < side <= _MOST_SIDE for side in sides):
        raise ValueError("reference.shape must be three numbers above 0")
    return Reference(_array(values["median"], "median", sides), _array(values["spread"], "spread", sides))


def _array(text: Any, name: str, shape: list[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError(f"reference.{name} is no base64") from error
    if len(content) != 4 * math.prod(shape):
        raise ValueError(f"reference.{name} holds {len(content)} bytes, not {4 * math.prod(shape)}")
    return np.frombuffer(content, dtype="<f4").astype(np.float32).reshape(shape)
