"""CVAT for images 1.1, with annotations or with predictions as pre-annotations.

An image that is good has no shapes; a defect without a box has a tag.
"""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from data_tools.core.records import UNBOXED, Sample


def annotated_xml(samples: Iterable[Sample]) -> str:
    """The file with what is known of the images."""
    images = []
    for number, sample in enumerate(samples):
        inside = boxes(sample.boxes_xyxy.tolist(), sample.box_types, "manual")
        if sample.status == UNBOXED:
            inside = [f'    <tag label={quoteattr(sample.type)} source="manual"/>']
        images += _image(number, sample, inside)
    return _document([], images)


def predicted_xml(images: Iterable[tuple[Sample, Sequence[Sequence[float]], Sequence[str]]], model: str) -> str:
    """The file with predicted boxes to correct, marked as predictions.

    Args:
        images: each with the boxes to show and their labels.
        model: who predicted them.
    """
    lines = []
    for number, (sample, boxes_xyxy, labels) in enumerate(images):
        lines += _image(number, sample, boxes(boxes_xyxy, labels, "auto"))
    return _document(["  <meta>", f"    <predictions>{escape(model)}</predictions>", "  </meta>"], lines)


def boxes(boxes_xyxy: Iterable[Sequence[float]], labels: Sequence[str], source: str) -> list[str]:
    """A line for each box; `source` is "manual" or "auto"."""
    lines = []
    for (x1, y1, x2, y2), label in zip(boxes_xyxy, labels, strict=True):
        corners = f'xtl="{x1!r}" ytl="{y1!r}" xbr="{x2!r}" ybr="{y2!r}"'
        lines.append(f'    <box label={quoteattr(label)} source="{source}" occluded="0" {corners} z_order="0"/>')
    return lines


def _image(number: int, sample: Sample, inside: Sequence[str]) -> list[str]:
    height, width = sample.size_hw
    start = f'  <image id="{number}" name={quoteattr(sample.path)} width="{width}" height="{height}">'
    return [start, *inside, "  </image>"]


def _document(meta: Sequence[str], images: Sequence[str]) -> str:
    head = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>"]
    return "\n".join([*head, *meta, *images, "</annotations>", ""])
