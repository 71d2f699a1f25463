"""Columns of the page's data: numbers as base64 of arrays, what repeats told once. `page/columns.js` unpacks them."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LARGEST = {"u1": (1 << 8) - 1, "u2": (1 << 16) - 1, "u4": (1 << 32) - 1}

Packed = list[str]
"""The kind of the numbers, and base64 of them, the least significant byte first."""


def base64_of(values: NDArray[Any]) -> str:
    """The bytes of an array."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def floats(values: ArrayLike, exact: bool = False) -> Packed:
    """Of seven digits, or as they are where these must compare as in Python; NaN stays NaN."""
    kind = "f8" if exact else "f4"
    return [kind, base64_of(np.asarray(values, dtype=f"<{kind}"))]


def wholes(values: ArrayLike) -> Packed:
    """Whole numbers from 0 in as few bytes as the largest needs; beyond 2^32 as floats, as scripts have them anyway."""
    array = np.asarray(values, dtype=np.int64).ravel()
    most = array.max(initial=0)
    kind = next((kind for kind, largest in _LARGEST.items() if most <= largest), "f8")
    return [kind, base64_of(array.astype(f"<{kind}"))]


def repeated(values: Sequence[Any]) -> dict[str, Any]:
    """Each different value once ("of"), and which of them stands where ("at")."""
    places: dict[Any, int] = {}
    at = [places.setdefault(value, len(places)) for value in values]
    return {"of": list(places), "at": wholes(at)}


def rows(arrays: Sequence[NDArray[Any]]) -> dict[str, Any]:
    """Arrays of unlike length, each of numbers from 0, as tenths: how many, then all of them."""
    flat = np.concatenate([np.zeros(0), *(np.ravel(one) for one in arrays)])
    return {"counts": wholes([np.size(one) for one in arrays]), "values": wholes(np.rint(flat * 10))}
