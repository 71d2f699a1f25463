"""The picture of a perfect part that a set brings for each of its images, found by the image's name.

The template of the image `lot/a.png` is, below their folder and whatever its extension, the first that there is of

- `lot/a_temp`, where the image's own name ends in `_test` (`lot/a_test.png`), as in DeepPCB;
- `lot/a`, named like the image;
- `lot`, named like the image's folder: the golden picture of all images in there.

An image named by an absolute path, or by one that climbs with "..", is looked for by the longest end of that path that
names a template. Two pictures that differ in their extension alone are none: which is meant is not guessed.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Sample
from data_tools.files.image_walk import IMAGE_SUFFIXES, names_an_image
from data_tools.files.images import read_gray, read_size, resolve_under

_TESTED, _TEMPLATE = "_test", "_temp"
_SHOWN = 3
_SETTLED_NS = 2_000_000_000  # a folder's time of change is this coarse at most; what came in the same tick shows later


@dataclass(frozen=True)
class PairReader:
    """Reads a sample's pixels, and by `template` those of a perfect part: (h, w) uint8, both of the same size."""

    image: Callable[[Sample], NDArray[np.uint8]]
    template: Callable[[Sample], NDArray[np.uint8]]

    def __call__(self, sample: Sample) -> NDArray[np.uint8]:
        """The image's pixels."""
        return self.image(sample)


@dataclass(frozen=True)
class Templates:
    """The templates below a folder.

    Args:
        folder: see the head of this file for how they are found in it.

    Raises:
        InputError: no such folder.
    """

    folder: Path
    _listed: dict[str, tuple[int, dict[str, list[str]]]] = field(default_factory=dict, repr=False, compare=False)
    """By subfolder: when it had changed last, and the names in it by their stems."""

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise InputError(
                f"{self.folder}: no such folder of templates, of which each image needs one (--reference FOLDER)"
            )

    def path_of(self, name: str, image: Path | None = None) -> Path:
        """The file of an image's template.

        Args:
            name: of the image, relative to the folder of all images.
            image: its file, which is no template of itself.

        Raises:
            InputError: there is none, it is the image itself, or there are several.
        """
        for stem in (wanted := list(_wanted(name))):
            found = self._named(name, stem)
            if len(found) > 1:
                raise InputError(f"{name}: which is its template below {self.folder}, {' or '.join(found)}?")
            if found:
                path = resolve_under(self.folder, found[0])
                if image is not None and _is_same_file(image, path):
                    raise InputError(f"{name}: what {self.folder} holds for its template is the image itself")
                return path
        looked = " or ".join(stem for stem in wanted) or "nothing"
        raise InputError(
            f"{name}: no template below {self.folder}, where it would be {looked} with an image's extension"
        )

    def read(self, sample: Sample) -> NDArray[np.uint8]:
        """(h, w) gray levels of the template of an image, whose size it has.

        Raises:
            InputError: see `path_of`; or it cannot be read, or has another size.
        """
        return self.read_beside(sample.path, None, sample.size_hw)

    def read_beside(self, name: str, image: Path | None, size_hw: tuple[int, ...]) -> NDArray[np.uint8]:
        """As `read`, of an image that `path_of` takes by name and file, and that has this height and width."""
        path = self.path_of(name, image)
        template = read_gray(path)
        _require_size(name, path, template.shape, size_hw)
        return template

    def require(self, samples: Iterable[Sample], root: Path, what: str) -> None:
        """Refuse samples of which some have no template of their size; by its header, no pixels are decoded.

        Args:
            samples: with names relative to `root`.
            root: folder of their images.
            what: names the samples in the message.

        Raises:
            InputError: how many they are, and the first of them with the reason.
        """
        samples = list(samples)
        faults = list(self._faults(samples, root))
        if faults:
            more = f"; and {len(faults) - _SHOWN:,} more" if len(faults) > _SHOWN else ""
            raise InputError(
                f"{what}: {len(faults):,} of the {len(samples):,} images have no template to be compared with: "
                f"{'; '.join(faults[:_SHOWN])}{more}"
            )

    def _faults(self, samples: Iterable[Sample], root: Path) -> Iterator[str]:
        for sample in samples:
            try:
                path = self.path_of(sample.path, root / sample.path)
                _require_size(sample.path, path, read_size(path), sample.size_hw)
            except InputError as error:
                yield str(error)

    def _named(self, name: str, stem: str) -> list[str]:
        """The images below the folder that are called `stem`, without extension, now: the folder may have changed."""
        parent, _, last = stem.rpartition("/")
        place = self.folder / parent
        try:
            stamp = place.stat().st_mtime_ns
            known, names = self._listed.get(parent, (-1, {}))
            if known != stamp:
                names = _stems_in(place)
                is_settled = time.time_ns() - stamp > _SETTLED_NS
                self._listed[parent] = stamp if is_settled else -1, names
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, ValueError) as error:
            raise InputError(f"{name}: its template cannot be looked for in {place}: {error}") from error
        return [f"{parent}/{name}" if parent else name for name in names.get(last, ())]


def templates_of(dataset: Dataset, root: Path, folder: Path) -> Templates:
    """The templates in a folder, of which each image of train, val and test has one.

    Args:
        dataset: with splits.
        root: folder of its images.
        folder: of the templates.

    Raises:
        InputError: no such folder, or images without a template, see `Templates.require`.
    """
    templates = Templates(folder)
    samples = [sample for split in SPLIT_NAMES for sample in dataset.split(split)]
    templates.require(samples, root, f"{dataset.folder}, train, val and test")
    return templates


def _stems_in(folder: Path) -> dict[str, list[str]]:
    names = defaultdict(list)
    for name in sorted(filter(names_an_image, os.listdir(folder))):
        names[_stem(name)].append(name)
    return dict(names)


def _stem(name: str) -> str:
    """The name without an image's extension."""
    return name[: name.rindex(".")] if name.lower().endswith(IMAGE_SUFFIXES) else name


def _wanted(name: str) -> Iterator[str]:
    """What the template of an image may be called, without extension, the nearest first."""
    path = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in path.parts if part not in ("..", path.anchor)]
    is_relative = not path.is_absolute() and ".." not in path.parts
    for start in range(1 if is_relative else len(parts)):
        *folders, last = parts[start:]
        stem = _stem(last)
        if stem.endswith(_TESTED):
            yield "/".join([*folders, stem.removesuffix(_TESTED) + _TEMPLATE])
        yield "/".join([*folders, stem])
        if folders:
            yield "/".join(folders)


def _is_same_file(image: Path, template: Path) -> bool:
    try:
        return image.samefile(template)
    except OSError:  # one of them is gone
        return False


def _require_size(name: str, path: Path, size_hw: tuple[int, ...], wanted_hw: tuple[int, ...]) -> None:
    if tuple(size_hw) != tuple(wanted_hw):
        actual, wanted = (f"{width} x {height}" for height, width in (size_hw, wanted_hw))
        raise InputError(f"{name}: its template {path} is {actual} pixels, and the image {wanted}")
