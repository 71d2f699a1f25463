"""What the fields and attributes of a VIA project say, and which attribute of a region or a file is its class."""

import json
from collections.abc import Mapping
from typing import Any

from data_tools.core.records import GOOD
from data_tools.formats.words.asides import is_aside
from data_tools.formats.words.folders import names_a_fault
from data_tools.formats.words.remarks import status_of_remark, weightiest

_CLASS_NAMES = ("class", "label", "type", "defect", "category", "name", "kind")
_SILENT = ("caption", "public_domain", "image_url")


def value_of(text: str) -> Any:
    """The value of a JSON field; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def class_of(attributes: Any, definitions: Mapping[str, Any]) -> tuple[str, str]:
    """The class of a region and a note; "" where no attribute tells it.

    An attribute called class, label, type... comes first, else the first that has a value.

    Args:
        attributes: values by attribute; a value is text, or for check boxes a dictionary of what is ticked.
        definitions: by attribute, as the project has them, with the texts of options.
    """
    values = _values(attributes, definitions)
    if not values:
        return "", ""
    key = next((key for key in values if _says_class(key, _CLASS_NAMES)), next(iter(values)))
    chosen = values[key]
    others = [other for other in values if other != key] if not _says_class(key, _CLASS_NAMES) else []
    notes = [f"several values {', '.join(chosen)[:80]}: the first is the class"] if len(chosen) > 1 else []
    notes += [f"several attributes: {key[:40]!r} is taken for the class"] if others else []
    return chosen[0], "; ".join(notes)


def beside_of(attributes: Any, definitions: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the attributes of a region say, the one for its class too."""
    return tuple((key, text) for key, texts in _values(attributes, definitions).items() for text in texts)


def state_of(attributes: Any, definitions: Mapping[str, Any]) -> tuple[str | None, str] | None:
    """What the attributes of a file say of the image as a whole; None where they say nothing.

    Its status, None where that is not understood, and the value that says so. A defect counts before what is not
    understood, and that before a word for good. The attributes that every project of VIA begins with, such as its
    caption, say nothing unless they name a fault, and neither do those that are plainly about something else, such as
    a date.
    """
    values = _values(attributes, definitions)
    told = ((key, value) for key in values for value in values[key] if key not in _SILENT or names_a_fault(value))
    remarks = [(status_of_remark(value, key), value) for key, value in told]
    good = [remark for remark in remarks if remark[0] == GOOD]
    asides = {value for key in values for value in values[key] if good and is_aside(key, value)}
    remarks = [remark for remark in remarks if remark[0] is not None or remark[1] not in asides]
    return weightiest(remarks, None)


def _values(attributes: Any, definitions: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of each attribute that has any, with options by the texts that the project gives them."""
    if not isinstance(attributes, dict):
        return {}
    values = {}
    for key, value in attributes.items():
        ticked = [k for k, v in value.items() if v not in (False, "", None)] if isinstance(value, dict) else [value]
        texts = [_option_text(definitions.get(key), str(v).strip()) for v in ticked if isinstance(v, str | int | float)]
        if any(texts):
            values[key] = [text for text in texts if text]
    return values


def _option_text(definition: Any, value: str) -> str:
    """A value, or for the number of an option that the project describes its description."""
    options = definition.get("options") if isinstance(definition, dict) else None
    described = options.get(value) if isinstance(options, dict) else None
    return described.strip() if value.isdigit() and isinstance(described, str) and described.strip() else value


def _says_class(key: str, words: tuple[str, ...]) -> bool:
    return any(word in key.lower().replace("-", "_").replace(" ", "_").split("_") for word in words) or any(
        key.lower().endswith(word) for word in words if len(word) > 3
    )
