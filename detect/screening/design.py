"""Two-level designs: several changes measured at once, each against its absence on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from data_tools.core.errors import InputError

PARTS = (2, 4, 8)
MOST_LEVERS = 16


@dataclass(frozen=True)
class Pair:
    """Two models judged on the same part of the images: what one of them has, the other has not.

    Attributes:
        part: from 0.
        signs: (levers,) +1 where the first model has the lever, -1 where the second has it.
    """

    part: int
    signs: tuple[int, ...]

    def levers(self, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The levers of the first model and of the second."""
        named = list(zip(names, self.signs, strict=True))
        return tuple(name for name, sign in named if sign > 0), tuple(name for name, sign in named if sign < 0)


@dataclass(frozen=True)
class Effect:
    """What a lever adds to a figure: the mean over pairs with its standard error.

    The error is of the spread between pairs, which the other levers widen too: it is rather too large than too small.
    """

    mean: float
    standard_error: float


def pairs_of(levers: int, parts: int) -> tuple[Pair, ...]:
    """A design in which every lever is on in half of the models, and any two are on together in a quarter.

    Rows of a Hadamard matrix, each with its opposite: a Plackett-Burman design folded over (Plackett & Burman,
    Biometrika 1946; Box & Wilson, JRSS B 1951). What two levers do together does not disturb what each does alone.

    Args:
        levers: 1 to 16.
        parts: of the images, 2, 4 or 8; as many pairs as parts, or a multiple where there are more levers.

    Raises:
        InputError: numbers that are not among these.
    """
    if not 1 <= levers <= MOST_LEVERS:
        raise InputError(f"{levers} levers: a screening takes 1 to {MOST_LEVERS}")
    if parts not in PARTS:
        raise InputError(f"--parts {parts}: one of {', '.join(map(str, PARTS))}")
    order = max(parts, 1 << (levers - 1).bit_length())
    rows: NDArray[np.int64] = hadamard(order)[:, :levers]
    return tuple(Pair(place % parts, tuple(row)) for place, row in enumerate(rows.tolist()))


def effects(
    pairs: Sequence[Pair], figures: Sequence[tuple[float | None, float | None]], levers: Sequence[str]
) -> Mapping[str, Effect | None]:
    """What each lever adds to a figure.

    Args:
        pairs: of `pairs_of`, all of them.
        figures: of the first and the second model of each pair.
        levers: their names.

    Returns:
        None for every lever if a figure is undefined: without it the design is out of balance.
    """
    if any(value is None for pair in figures for value in pair):
        return dict.fromkeys(levers)
    values = np.array(figures, dtype=np.float64)
    signed = np.array([pair.signs for pair in pairs]) * (values[:, :1] - values[:, 1:])
    errors = signed.std(axis=0, ddof=1) / np.sqrt(len(pairs))
    estimates = zip(levers, signed.mean(axis=0).tolist(), errors.tolist(), strict=True)
    return {name: Effect(mean, error) for name, mean, error in estimates}
