"""What a setting takes, in the words of a message: its type for people who give it on a command line."""

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

_ONE = {NoneType: "null", str: "text", bool: "true or false", float: "a finite number", int: "a whole number"}
_MANY = {str: "texts", bool: "true or false", float: "finite numbers", int: "whole numbers"}
_HEIGHT_WIDTH = "_hw"  # names end so, see CONTRIBUTING.md


def in_words(hint: Any, key: str = "") -> str:
    """Such as "a whole number or null", "one of off, auto, on" and "[HEIGHT,WIDTH] or null".

    Args:
        hint: type of the setting.
        key: its dotted key, whose ending tells a height and width.
    """
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    names = [value for part in parts if get_origin(part) is Literal for value in get_args(part)]
    others = [_other(part, key) for part in parts if get_origin(part) is not Literal]
    return " or ".join(([f"one of {', '.join(map(str, names))}"] if names else []) + others)


def _other(hint: Any, key: str) -> str:
    """A type that is neither a choice of names nor of types."""
    if get_origin(hint) is dict:
        return f"{in_words(get_args(hint)[1])} for each name"
    if get_origin(hint) not in (tuple, list):
        return _ONE.get(hint, getattr(hint, "__name__", str(hint)))
    inside = [one for one in get_args(hint) if one is not Ellipsis]
    if key.endswith(_HEIGHT_WIDTH) and len(inside) == 2:
        return "[HEIGHT,WIDTH]"
    many = _MANY.get(inside[0], "values") if inside else "values"
    if get_origin(hint) is tuple and Ellipsis not in get_args(hint):
        return f"a list of {len(inside)} {many}"
    return f"a list of {many}"
