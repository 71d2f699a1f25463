"""Images whose header is whole but whose pixels cannot be decoded: listed, so that the rest is converted."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.images import read_gray
from data_tools.formats.images.parallel import map_images
from data_tools.formats.registry import Findings


def without_damaged(samples: Sequence[Sample], root: Path, findings: Findings) -> list[Sample]:
    """The samples whose images can be decoded; the others are listed."""
    reasons = map_images(partial(_reason_against, root), [sample.path for sample in samples], "images")
    whole = []
    for sample, reason in zip(samples, reasons, strict=True):
        if reason is None:
            whole.append(sample)
        else:
            findings.reject(root / sample.path, None, sample.path, reason)
    return whole


def _reason_against(root: Path, name: str) -> str | None:
    try:
        read_gray(root / name)
    except InputError as error:
        return str(error).removeprefix(f"{root / name}: ")
    return None
