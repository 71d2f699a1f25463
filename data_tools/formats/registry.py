"""The annotation formats by name. A new one is a module with a `FORMAT`, and a line in `_MODULES`."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

from data_tools.core.printable import printable
from data_tools.core.records import Dataset, Sample
from data_tools.files.dataset_folder import Reject
from data_tools.formats.names import LONGEST

_MODULES = (
    "nexperia",
    "csv",
    "mask",
    "mvtec",
    "highlight",
    "voc",
    "yolo",
    "labelme",
    "deeppcb",
    "coco",
    "via",
    "cvat",
    "labelstudio",
    "supervisely",
    "datumaro",
    "rle_table",
)


@dataclass(frozen=True)
class ReadOptions:
    """What readers may need to know.

    Attributes:
        images: folder with the images of a boxes-only source.
        size_hw: height and width of every image, where images are not at hand.
        corners: "inclusive" (the corner pixels belong to the box), "exclusive" (half-open), or None for the format's
            own default.
        min_area: mask regions with fewer pixels are listed, not converted.
        merge_distance: mask regions with at most so many pixels between them make one box.
        type_map: new names for types.
        unlabelled: what an image is of which nothing says that it is good or defective: "reject" or "good".
        templates: what the templates of paired sets are, with which parts are compared: "ignore" or "good" images.
        columns: names of the columns of CSV files without a header.
    """

    images: Path | None = None
    size_hw: tuple[int, int] | None = None
    corners: str | None = None
    min_area: int = 10
    merge_distance: int = 0
    type_map: dict[str, str] = field(default_factory=dict)
    unlabelled: str = "reject"
    templates: str = "ignore"
    columns: tuple[str, ...] = ()


@dataclass
class Findings:
    """What a reader noticed: things not converted, things mended, and warnings by kind with their number.

    `lost` are annotation files of which nothing can be read: what they speak of is never good. `notes` say how
    something was understood.
    """

    rejects: list[Reject] = field(default_factory=list)
    mended: list[Reject] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)
    lost: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lose(self, path: Path, reason: str) -> None:
        """List an annotation file that is there but cannot be read."""
        self.lost.append(path)
        self.reject(path, None, path.stem, reason)

    def reject(self, source: Path, line: int | None, image: str, reason: str) -> None:
        """List one thing that is not converted."""
        self.rejects.append(_entry(source, line, image, reason))

    def mend(self, source: Path, line: int | None, image: str, change: str) -> None:
        """List one thing that is converted after a safe change, and count it among the warnings."""
        self.mended.append(_entry(source, line, image, change))
        self.warnings[change] += 1

    def absorb(self, other: "Findings") -> None:
        """Add what another reader, or another process, noticed."""
        self.rejects += other.rejects
        self.mended += other.mended
        self.warnings.update(other.warnings)
        self.lost += other.lost
        self.notes += other.notes


class Writer(Protocol):
    """Writes a file, or files in an empty folder."""

    def __call__(self, dataset: Dataset, path: Path, /, samples: Sequence[Sample] | None = None) -> None:
        """Write some samples of a dataset, by default all.

        What is numbered or listed for the file as a whole, such as classes, is taken from the whole dataset, so that
        the files of two splits agree.
        """


@dataclass(frozen=True)
class Format:
    """One annotation format.

    Attributes:
        name: as given to --format.
        description: one line for people.
        corners: the default meaning of the right and lower corner: "inclusive", "exclusive", or "none" without boxes.
        recognise: why a source looks like this format, or None.
        images_root: the folder that the samples' paths are relative to, or None without images.
        read: sources, options and findings -> samples with provisional ids, labels 1 and group "".
        write: see `Writer`; None for a format that is only read.
        written_suffix: of the file that `write` makes; empty where it fills a folder.
        advice: what people need to know to use what was written of a dataset in its tool; None where nothing.
    """

    name: str
    description: str
    corners: str
    recognise: Callable[[Path], str | None]
    images_root: Callable[[Sequence[Path], ReadOptions], Path | None]
    read: Callable[[Sequence[Path], ReadOptions, Findings], Iterator[Sample]]
    write: Writer | None = None
    written_suffix: str = ""
    advice: Callable[[Dataset], str] | None = None


def _entry(source: Path, line: int | None, image: str, reason: str) -> Reject:
    return Reject(printable(str(source)), line, printable(image)[:LONGEST], printable(reason))


def formats() -> dict[str, Format]:
    """Every format by name; a module of another package is named in full."""
    names = [module if "." in module else f"data_tools.formats.{module}" for module in _MODULES]
    known: list[Format] = [import_module(name).FORMAT for name in names]
    return {one.name: one for one in known}
