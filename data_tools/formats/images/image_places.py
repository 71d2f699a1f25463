"""Where an annotated image is and how large, whether images are at hand or not."""

from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.formats.images.image_index import ImageIndex, Match
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.shapes.rectangles import numbers
from data_tools.formats.words.names import climbs

LARGEST_SIDE = 1_000_000


class ImagePlaces:
    """The images of one source.

    Args:
        root: folder of the images; None for boxes only: then sizes come from the annotations or `options.size_hw`.
        options, findings: of the reader.
    """

    def __init__(self, root: Path | None, options: ReadOptions, findings: Findings) -> None:
        self.index = None if root is None else ImageIndex(root, findings)
        self._size_hw = options.size_hw
        self._matches: dict[tuple[str, str], Match] = {}

    def match(self, name: str, folder: str = "") -> Match:
        """The images that a name may mean; the name itself where no images are at hand."""
        if self.index is None:
            if climbs(name):
                return Match((), reason=f"{name[:200]!r}: a file name must be relative", unsafe=True)
            return Match((name.replace("\\", "/"),))
        key = name, folder
        if key not in self._matches:
            self._matches[key] = self.index.match(name, folder)
        return self._matches[key]

    def size_of(self, path: str, declared_hw: tuple[int, int] | None = None) -> tuple[tuple[int, int] | None, str]:
        """(height, width) of an image and "", or None and why there is none.

        Args:
            path: as `match` gives it.
            declared_hw: the size that an annotation gives, for images that are not at hand.
        """
        if self.index is not None:
            try:
                return self.index.size_of(path), ""
            except InputError as error:
                return None, str(error)
        if declared_hw is None and self._size_hw is None:
            return None, "the image's size is not known: give --images DIR, or --size HEIGHT,WIDTH"
        return declared_hw or self._size_hw, ""

    def folder_of(self, path: Path) -> str:
        """The folder of an annotation file relative to the images; empty where it lies elsewhere."""
        if self.index is None:
            return ""
        return folder_under(path, self.index.root)


def folder_under(path: Path, root: Path | None) -> str:
    """The folder of an annotation file relative to the images' root; empty where it lies elsewhere."""
    if root is None:
        return ""
    folder, root = path.parent.resolve(), root.resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else ""


def declared_size(sides: object) -> tuple[int, int] | None:
    """(height, width) from the two values of an annotation; None where it has none, or no size, such as 0 x 0."""
    values = numbers(sides) if isinstance(sides, list | tuple) and len(sides) == 2 else ""
    if isinstance(values, str) or not all(1 <= side <= LARGEST_SIDE and side == int(side) for side in values):
        return None
    return int(values[0]), int(values[1])
