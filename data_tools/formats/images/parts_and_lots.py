"""Which part of a split, and which lot, annotations say that an image is of."""

import re
from collections.abc import Iterable
from pathlib import Path

from data_tools.core.split_words import part_of
from data_tools.formats.claims import Claim
from data_tools.formats.images.name_readings import bare, folded
from data_tools.formats.registry import Findings

_BETWEEN = re.compile(r"[\s_.-]+")


def note_parts_and_lots(path: str, claims: Iterable[Claim], findings: Findings) -> None:
    """Note what claims say of the image of a path: by themselves, or by a file's name such as instances_train.json."""
    for claim in claims:
        part = claim.part or _part_of_file(claim.source, path)
        if part:
            findings.parts.setdefault(bare(path), set()).add(part)
        if claim.lot:
            findings.lots.setdefault(bare(path), set()).add(claim.lot)


def _part_of_file(file: Path, path: str) -> str:
    """The one part that the name of a file of several images says; "" of a file that is named after the image."""
    if folded(file.stem) == folded(bare(path.rpartition("/")[2])):
        return ""
    parts = {part for word in _BETWEEN.split(file.stem) if (part := part_of(word)) is not None}
    return parts.pop() if len(parts) == 1 else ""
