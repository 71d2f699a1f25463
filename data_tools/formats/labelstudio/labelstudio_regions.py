"""The regions of a Label Studio annotation -> shapes. Positions are percentages of the original image."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from data_tools.formats.claims import Shape
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.labelstudio.labelstudio_brush import brush_box
from data_tools.formats.shapes.outlines import LINE, corners_of, shape, turned_ellipse, turned_note, turned_rectangle
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.words.entry_words import values_in

SizeHW = tuple[int, int]
SIZE = ("original_height", "original_width")
_TURNED = "image_rotation"


@dataclass
class Answer:
    """What one annotation says of its image.

    Attributes:
        shapes: the regions with an area.
        points: the labels of regions without one.
        choices: what was chosen for the image as a whole; each with the name of its control, such as "quality".
        unread: kinds of results that say nothing of defects, such as "textarea".
        size_hw: of the image, as the results have it; None where they do not.
    """

    shapes: list[Shape] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    size_hw: SizeHW | None = None


def answer_of(results: Iterable[Any], size_hw: SizeHW | None) -> Answer:
    """What the results of an annotation say.

    Args:
        results: dictionaries with "value" and "original_width"; those with the same "id" are one region.
        size_hw: of the image, for results that do not say; where neither does, areas are shares of it.
    """
    answer = Answer()
    regions: dict[str, dict[str, Any]] = {}
    said: dict[str, list[tuple[str, Any]]] = {}
    for i, result in enumerate(results):
        value = result.get("value") if isinstance(result, dict) else None
        if not isinstance(value, dict):
            if not isinstance(result, dict) or result.get("type") != "relation":
                answer.unread.append(str(result.get("type", "?"))[:40] if isinstance(result, dict) else "?")
            continue
        key = str(result.get("id") or f"result {i}")
        said.setdefault(key, []).extend(_said(result, value))
        own = {side: result.get(side) for side in (*SIZE, _TURNED) if side in result}
        regions.setdefault(key, {}).update({**own, **value})
        regions[key].setdefault("type", result.get("type"))
        regions[key].setdefault("from_name", result.get("from_name"))
    for key, region in regions.items():
        _add(answer, key, region, tuple(said[key]), size_hw)
    return answer


def _said(result: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a result says of its region in words, under the name of its control."""
    control, meta = str(result.get("from_name") or "remark"), result.get("meta")
    texts = [value["text"]] if isinstance(value.get("text"), str) else _texts(value, "text")
    for text in (*_texts(value, "choices"), *_leaves(value.get("taxonomy")), *texts):
        yield control, text
    if isinstance(meta, Mapping):
        yield from values_in(meta)


def _add(
    answer: Answer,
    key: str,
    region: Mapping[str, Any],
    beside: tuple[tuple[str, Any], ...],
    known_hw: SizeHW | None,
) -> None:
    labels, choices = _texts(region, "labels"), _texts(region, "choices") + _leaves(region.get("taxonomy"))
    kind = next((name for name, keys in _KEYS.items() if all(key in region for key in keys)), None)
    if kind is None:
        if labels:  # a label must never get lost, whatever drew its region
            label, note = _one(labels)
            reason = f"a region of type {str(region.get('type'))[:40]!r} is not read"
            answer.shapes.append(shape(label, reason, None, note, f"region {key[:40]}"))
        elif choices:
            answer.choices += [(str(region.get("from_name") or ""), choice) for choice in choices]
        else:
            answer.unread.append(str(region.get("type"))[:40])
        return
    label, note = _one(labels or choices)
    if kind == "point":
        answer.points.append(label)
        return
    declared_hw = size_in(region)
    answer.size_hw = answer.size_hw or declared_hw
    size_hw = declared_hw or known_hw
    box, own_note = _BOXES[kind](region, size_hw or (1, 1))
    if size_hw is None and (kind == "brush" or (kind != "polygon" and own_note)):
        box = "no original_width and original_height, which a turned shape or a brush mask needs"
    turn = numbers([region.get(_TURNED) or 0])
    if isinstance(turn, str) or turn[0] % 360:
        box = f"{_TURNED} {str(region[_TURNED])[:20]}: drawn on a turned view of the image; turn it back and draw anew"
    note = "; ".join(filter(None, (own_note, note)))
    answer.shapes.append(replace(shape(label, box, None, note, f"region {key[:40]}", beside), shares=size_hw is None))


def size_in(values: Mapping[str, Any]) -> SizeHW | None:
    """The size of the image where a region has it, or a task's data, as tasks written by this project do."""
    return declared_size([values.get(side) for side in SIZE])


def _rectangle(region: Mapping[str, Any], size_hw: SizeHW) -> tuple[Box | str, str]:
    values = _numbers(region, ("x", "y", "width", "height"))
    if isinstance(values, str):
        return values, ""
    *corner, angle = values
    box = _in_pixels(corners_of("corner", corner), size_hw)
    # the pivot is the corner that x and y name
    return (turned_rectangle(box, angle, box[:2]) if angle % 360 else box), turned_note(angle)


def _ellipse(region: Mapping[str, Any], size_hw: SizeHW) -> tuple[Box | str, str]:
    values = _numbers(region, ("x", "y", "radiusX", "radiusY"))
    if isinstance(values, str):
        return values, ""
    (x, y, radius_x, radius_y, angle), (across, down) = values, (size_hw[1] / 100, size_hw[0] / 100)
    return turned_ellipse((x * across, y * down), (radius_x * across, radius_y * down), angle), turned_note(angle)


def _polygon(region: Mapping[str, Any], size_hw: SizeHW) -> tuple[Box | str, str]:
    points = region["points"]
    if not isinstance(points, list) or not all(isinstance(point, list) and len(point) == 2 for point in points):
        return "points are not pairs of x and y", ""
    closed = region.get("closed", True)
    if len(points) < (3 if closed else 2):
        return f"{len(points)} points for a polygon", ""
    flat = numbers([value for point in points for value in point])
    if isinstance(flat, str):
        return flat, ""
    return _in_pixels(corners_of("outline", flat), size_hw), "" if closed else LINE


def _in_pixels(box: Box, size_hw: SizeHW) -> Box:
    """A box in percent of an image's size as one in pixels."""
    across, down = size_hw[1] / 100, size_hw[0] / 100
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def _brush(region: Mapping[str, Any], size_hw: SizeHW) -> tuple[Box | str, str]:
    packed = region["rle"]
    return (brush_box(packed, size_hw) if isinstance(packed, list) else "rle is no list of bytes"), ""


def _numbers(region: Mapping[str, Any], keys: Sequence[str]) -> tuple[float, ...] | str:
    return numbers([*(region.get(key) for key in keys), region.get("rotation") or 0])


def _texts(region: Mapping[str, Any], ending: str) -> list[str]:
    """The texts of the lists whose key ends so, such as rectanglelabels."""
    lists = [value for key, value in region.items() if key.endswith(ending) and isinstance(value, list)]
    return [text.strip() for texts in lists for text in texts if isinstance(text, str) and text.strip()]


def _leaves(taxonomy: Any) -> list[str]:
    """The last names of the paths of a taxonomy."""
    paths = taxonomy if isinstance(taxonomy, list) else []
    return [path[-1] for path in paths if isinstance(path, list) and path and isinstance(path[-1], str)]


def _one(labels: Sequence[str]) -> tuple[str, str]:
    """The label of a region, and a note where there are several."""
    unique = list(dict.fromkeys(labels))
    note = f"several labels {', '.join(unique)[:80]}: the first is taken" if len(unique) > 1 else ""
    return (unique[0] if unique else ""), note


_KEYS: dict[str, tuple[str, ...]] = {
    "brush": ("rle",),
    "polygon": ("points",),
    "ellipse": ("radiusX", "radiusY", "x", "y"),
    "rectangle": ("x", "y", "width", "height"),
    "point": ("x", "y"),
}
_BOXES: dict[str, Callable[[Mapping[str, Any], SizeHW], tuple[Box | str, str]]] = {
    "brush": _brush,
    "polygon": _polygon,
    "ellipse": _ellipse,
    "rectangle": _rectangle,
}
