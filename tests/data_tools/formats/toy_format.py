"""A format in one file: lines `image left top width height type`, with `image none` for a good one."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.records import Sample
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.registry import Findings, Format, ReadOptions


def claims_of(path: Path) -> Iterator[Claim]:
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        image, *rest = text.split()
        if rest == ["none"]:
            yield Claim(path, image, line, good="the word none")
        else:
            x, y, width, height = map(float, rest[:4])
            yield Claim(path, image, line, shapes=(Shape(rest[4], (x, y, x + width, y + height), line),))


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    yield from samples_from_claims([one for path in sources for one in claims_of(path)], sources, options, findings)


FORMAT = Format(
    "toy",
    "image left top width height type",
    "exclusive",
    lambda source: "ends in .toy" if source.suffix == ".toy" else None,
    images_folder,
    read,
)
