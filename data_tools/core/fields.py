"""A JSON object of unknown origin, read key by key: what is missing or wrong is named with its file."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from data_tools.core.checks import is_finite_number
from data_tools.core.errors import InputError

_SHOWN = 60  # characters of a wrong value


class Fields:
    """Reads the keys of a JSON object; every method raises InputError, naming place and key, where a value is wrong.

    Args:
        values: the object.
        place: for messages, such as the path of its file.
    """

    def __init__(self, values: Mapping[str, Any], place: str) -> None:
        self.values, self.place = values, place

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def require(self, condition: bool, key: str, rule: str) -> None:
        """Refuse the value of `key`: "manifest.json: 'seed' must be an integer, not 'x'"."""
        if not condition:
            raise InputError(f"{self.place}: {key!r} must be {rule}, not {_shown(self._value(key))}")

    def only(self, keys: Collection[str]) -> None:
        """Refuse a key that is none of these."""
        unknown = sorted(self.values.keys() - set(keys))
        if unknown:
            raise InputError(f"{self.place}: unknown key {unknown[0]!r}; known are {', '.join(sorted(keys))}")

    def integer(self, key: str, least: int = 0, most: int = 2**53) -> int:
        """A whole number in `least`..`most`."""
        value = self._value(key)
        self.require(_is_integer(value) and least <= value <= most, key, f"an integer in {least}..{most}")
        return int(value)

    def number(self, key: str, least: float = -math.inf, most: float = math.inf, above: float = -math.inf) -> float:
        """A finite number in `least`..`most`, above `above`."""
        value = self._value(key)
        inside = is_finite_number(value) and least <= value <= most and value > above
        bounds = [text for text in (_bound("at least", least), _bound("above", above), _bound("at most", most)) if text]
        self.require(inside, key, " ".join(["a finite number", " and ".join(bounds)]).strip())
        return float(value)

    def optional_number(self, key: str, least: float = -math.inf, most: float = math.inf) -> float | None:
        """As `number`, or null."""
        return None if self._value(key) is None else self.number(key, least, most)

    def numbers(self, key: str, above: float = -math.inf, most_numbers: int = 1000) -> tuple[float, ...]:
        """One finite number or more, each above `above`."""
        value = self._value(key)
        good = isinstance(value, list) and 1 <= len(value) <= most_numbers
        good = good and all(is_finite_number(one) and one > above for one in value)
        self.require(good, key, f"a list of 1 to {most_numbers} finite numbers {_bound('above', above)}".strip())
        return tuple(map(float, value))

    def named_numbers(self, key: str, undefined: bool = False) -> dict[str, float | None]:
        """Finite numbers by name; null too where some may be `undefined`."""
        value = self._value(key)
        good = isinstance(value, dict)
        good = good and all(is_finite_number(one) or (undefined and one is None) for one in value.values())
        self.require(good, key, f"finite numbers{' or nulls' if undefined else ''} by name")
        return dict(value)

    def text(self, key: str) -> str:
        """Text that is not empty."""
        value = self._value(key)
        self.require(isinstance(value, str) and value != "", key, "text")
        return str(value)

    def texts(self, key: str, distinct: bool = True) -> tuple[str, ...]:
        """Any number of texts, each once unless they need not be distinct."""
        value = self._value(key)
        good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        good = good and (not distinct or len(set(value)) == len(value))
        self.require(good, key, "a list of different texts" if distinct else "a list of texts")
        return tuple(value)

    def choice(self, key: str, choices: Collection[Any]) -> Any:
        """One of these."""
        value = self._value(key)
        good = not isinstance(value, bool | list | dict) and value in choices
        self.require(good, key, f"one of {', '.join(map(str, choices))}")
        return value

    def items(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self._value(key)
        self.require(isinstance(value, list), key, "a list")
        return list(value)

    def group(self, key: str) -> "Fields":
        """The object under a key."""
        value = self._value(key)
        self.require(isinstance(value, dict), key, "an object")
        return Fields(value, f"{self.place}, {key}")

    def group_if_there(self, key: str) -> "Fields":
        """The object under a key; one without keys where there is none."""
        return self.group(key) if key in self else Fields({}, f"{self.place}, {key}")

    def _value(self, key: str) -> Any:
        if key not in self.values:
            raise InputError(f"{self.place}: key {key!r} is missing")
        return self.values[key]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _bound(word: str, value: float) -> str:
    return f"{word} {value:g}" if math.isfinite(value) else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
