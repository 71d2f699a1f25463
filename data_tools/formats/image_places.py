"""Where an annotated image is and how large, whether images are at hand or not."""

from collections.abc import Iterator
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.formats.image_index import ImageIndex
from data_tools.formats.registry import Findings, ReadOptions

LARGEST_SIDE = 1_000_000


class ImagePlaces:
    """The images of one source, each of which is annotated once.

    Args:
        root: folder of the images; None for boxes only: then sizes come from the annotations or `options.size_hw`.
        options, findings: of the reader.
    """

    def __init__(self, root: Path | None, options: ReadOptions, findings: Findings) -> None:
        self.index = None if root is None else ImageIndex(root, findings)
        self._size_hw = options.size_hw
        self._annotated: set[str] = set()

    def place(
        self, name: str, declared_hw: tuple[int, int] | None = None, folder: str = ""
    ) -> tuple[str, tuple[int, int]] | str:
        """Relative path and (height, width) of an image, or why it cannot be used.

        Args:
            name: as the annotation gives it.
            declared_hw: the size that the annotation gives; it must be that of the image.
            folder: of the annotation, relative to the images, for names relative to it.
        """
        path, reason = (name.replace("\\", "/"), "") if self.index is None else self.index.find(name, folder)
        if path is None:
            return reason
        if path in self._annotated:
            return "annotated a second time"
        size_hw = declared_hw or self._size_hw
        if self.index is not None:
            try:
                size_hw = self.index.size_of(path)
            except InputError as error:
                return str(error)
            if declared_hw not in (None, size_hw):
                return f"annotated as {_text(declared_hw)} pixels, but the image has {_text(size_hw)}"
        if size_hw is None:
            return "the image's size is not known: give --images DIR, or --size HEIGHT,WIDTH"
        self._annotated.add(path)
        return path, size_hw

    def unannotated(self, findings: Findings, otherwise: str | None = None) -> Iterator[Sample]:
        """Samples of the images without annotation: as their folders say, else with the status `otherwise`."""
        if self.index is not None:
            yield from self.index.unannotated(findings, otherwise)


def declared_size(height: float, width: float) -> tuple[int, int] | None:
    """(height, width) as an annotation gives it; None where that is no size, such as 0 x 0."""
    if not all(1 <= side <= LARGEST_SIDE and side == int(side) for side in (height, width)):
        return None
    return int(height), int(width)


def _text(size_hw: tuple[int, int] | None) -> str:
    return "?" if size_hw is None else f"{size_hw[1]} x {size_hw[0]}"
