"""What an audit finds, and what follows from it.

A finding is **unsafe** where training or its evaluation would give a number that cannot be trusted, or would not run:
images that are not readable or not of the annotated size; a group, a lot, a capture run or near-duplicates on both
sides of a split; a split without defects or without good images; a size, pixel format or encoding of the files, which a
network sees and no defect causes, that tells the label by itself. Any of these ends the command with status 2.

A **warning** asks for a look: file names that tell the label (no network sees a name, but sorting or sampling by it
would leak), brightness that tells it (a defect may really cause that), boxes that no anchor reaches, boxes around whole
images or the very same in many, mixed bit depths, likely wrong labels, images of the same thing with unlike labels, new
images unlike those of a reference. A **note** says what was not checked and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data_tools.core.printable import counted

UNSAFE, WARNING, NOTE = "unsafe", "warning", "note"
LEVELS = (UNSAFE, WARNING, NOTE)


@dataclass(frozen=True)
class Finding:
    """One thing to know about a dataset.

    Attributes:
        level: "unsafe", "warning" or "note".
        check: the part of the audit: "doctor", "leaks", "twins", "labels" or "drift".
        text: a sentence or two: what was found.
        remedy: what to do about it; empty for a note.
        image_ids: some of the images concerned, for the gallery; of leaks and twins two by two.
        lacks_groups: whether it says what could not be shown with so few groups.
    """

    level: str
    check: str
    text: str
    remedy: str = ""
    image_ids: tuple[int, ...] = ()
    lacks_groups: bool = False


def verdict(findings: Sequence[Finding]) -> str:
    """One line: whether training would be safe, and how much there is to read."""
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    unsafe, warnings = counts[UNSAFE], counted(counts[WARNING], "warning")
    if unsafe:
        return f"UNSAFE to train: {counted(unsafe, 'unsafe finding')}, {warnings}"
    return f"safe to train: no unsafe finding, {warnings}"
