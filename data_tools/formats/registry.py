"""The annotation formats by name. A new one is a module with a `FORMAT`, and a line in `_MODULES`."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Protocol

from data_tools.core.checks import require
from data_tools.core.errors import InputError
from data_tools.core.printable import printable
from data_tools.core.records import Dataset, Sample
from data_tools.files.dataset_folder import Reject
from data_tools.formats.words.names import LONGEST

_MODULES = tuple(
    f"data_tools.formats.{name}"
    for name in (
        "nexperia",
        "tables.csv",
        "masks.mask",
        "masks.mvtec",
        "masks.highlight",
        "voc",
        "yolo.yolo",
        "labelme",
        "deeppcb",
        "coco.coco",
        "via.via",
        "cvat",
        "labelstudio.labelstudio",
        "supervisely",
        "datumaro",
        "tables.rle_table",
        "masks.records",
        "groundtruth",
        "darwin",
        "labelbox",
        "createml",
        "kitti",
        "dota",
        "json_files.json_boxes",
    )
)


_CORNERS, _UNLABELLED, _TEMPLATES = ("inclusive", "exclusive"), ("reject", "good"), ("ignore", "good")


CLAIMED = frozenset(("images", "size_hw", "type_map", "unlabelled"))
"""What `assembly` reads of the options, for every format whose annotations claim something of images."""

AREAS = frozenset(("min_area", "merge_distance"))
"""What is read of the options where areas become boxes."""

WITHOUT_BOXES = "none"
"""The corners of a format that has no boxes, but areas and folders."""


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
        type_map: new names for types; upper and lower case of the old ones do not count.
        unlabelled: what an image is of which nothing says that it is good or defective: "reject" or "good".
        templates: what the templates of paired sets are, with which parts are compared: "ignore" or "good" images.
        columns: names of the columns of CSV files without a header.

    Raises:
        InputError: a value that is none of these.
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

    def __post_init__(self) -> None:
        require(self.corners in (None, *_CORNERS), "corners", f"be {' or '.join(_CORNERS)}", self.corners)
        require(self.unlabelled in _UNLABELLED, "unlabelled", f"be {' or '.join(_UNLABELLED)}", self.unlabelled)
        require(self.templates in _TEMPLATES, "templates", f"be {' or '.join(_TEMPLATES)}", self.templates)
        _require_whole("min_area", self.min_area, 1)
        _require_whole("merge_distance", self.merge_distance, 0)
        if self.size_hw is not None:
            require(len(self.size_hw) == 2, "size_hw", "be height and width", self.size_hw)
            for side in self.size_hw:
                _require_whole("size_hw", side, 1)
        are_names = not isinstance(self.columns, str) and all(isinstance(name, str) for name in self.columns)
        require(are_names, "columns", "be a list of names", self.columns)
        object.__setattr__(self, "type_map", _in_lower_case(self.type_map))

    def changed(self) -> frozenset[str]:
        """The names of the options that are not at their default."""
        usual = ReadOptions()
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) != getattr(usual, one.name))

    def renamed(self, name: str, findings: "Findings") -> str:
        """The new name of a type, or its own; `findings` gets to know that the type was met."""
        findings.types.add(name)
        return self.type_map.get(name.lower(), name)


def flag_of(option: str) -> str:
    """The flag of `data_tools.convert` that sets an option of the readers."""
    return "--size" if option == "size_hw" else f"--{option}"


def _require_whole(key: str, value: object, least: int) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= least
    require(is_whole, key, f"be a whole number of at least {least}", value)


def _in_lower_case(type_map: Mapping[str, str]) -> dict[str, str]:
    renamed: dict[str, str] = {}
    for old, new in type_map.items():
        for name in (old, new):
            require(isinstance(name, str) and bool(name.strip()), "type_map", "give names new names", {old: new})
        if renamed.setdefault(old.lower(), new) != new:
            raise InputError(f"type_map: two new names for {old!r}: {renamed[old.lower()]!r} and {new!r}")
    return renamed


@dataclass
class Findings:
    """What a reader noticed: things not converted, things mended, and warnings by kind with their number.

    `lost` are annotation files of which nothing can be read: what they speak of is never good. `notes` say how
    something was understood. `types` are those that were met, by their names in the source. `parts` and `lots` are what
    annotations say of the images, by their paths without suffix: parts of a split, and lots, wafers or devices.
    """

    rejects: list[Reject] = field(default_factory=list)
    mended: list[Reject] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)
    lost: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    types: set[str] = field(default_factory=set)
    parts: dict[str, set[str]] = field(default_factory=dict)
    lots: dict[str, set[str]] = field(default_factory=dict)

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
        self.types |= other.types
        for own, others in ((self.parts, other.parts), (self.lots, other.lots)):
            for path, said in others.items():
                own.setdefault(path, set()).update(said)


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
        corners: the default meaning of the right and lower corner: "inclusive", "exclusive", or `WITHOUT_BOXES`.
        recognise: why a source looks like this format, or None.
        images_root: the folder that the samples' paths are relative to, or None without images.
        read: sources, options and findings -> samples with provisional ids, labels 1 and group "".
        write: see `Writer`; None for a format that is only read.
        written_suffix: of the file that `write` makes; empty where it fills a folder.
        advice: what people need to know to use what was written of a dataset in its tool; None where nothing.
        reads: names of the `ReadOptions` that it reads; to give another one is refused.
        recognise_next: why a source looks like this format by what many have, where no format recognises it by its own
            signs; None where a format has nothing like that.
        recognise_last: why a source may be read as this format, by less than its own signs, where no format recognises
            it; None where a format has nothing like that.
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
    reads: frozenset[str] = CLAIMED
    recognise_next: Callable[[Path], str | None] | None = None
    recognise_last: Callable[[Path], str | None] | None = None

    def __post_init__(self) -> None:
        known = {one.name for one in fields(ReadOptions)}
        require(self.reads <= known, f"format {self.name}: reads", f"be of {', '.join(sorted(known))}", self.reads)


def _entry(source: Path, line: int | None, image: str, reason: str) -> Reject:
    return Reject(printable(str(source)), line, printable(image)[:LONGEST], printable(reason))


def formats() -> dict[str, Format]:
    """Every format by name."""
    known: list[Format] = [import_module(name).FORMAT for name in _MODULES]
    return {one.name: one for one in known}
