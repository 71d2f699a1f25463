"""How other tools name images: by our id, by file name, with or without folder and suffix, or by the number in it.

A whole number may be an id of the dataset, or what a tool or a spreadsheet leaves of a file name (3 for 0003.png). One
reading is chosen for a whole file, and where both are possible and differ it is refused, not guessed.
"""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from data_tools.core.errors import InputError
from data_tools.core.records import Sample

AUTO, IDS, NAMES = "auto", "dataset", "names"
READINGS = (AUTO, IDS, NAMES)
"""What a whole number is: told by the data, an id of the dataset, or the number in a file name."""


class Reference(NamedTuple):
    """What a foreign file calls an image.

    Attributes:
        where: in the file, for messages.
        name: an id or a name; None where there is only a file name.
        file_name: what stands beside it as the image's file name, if anything.
    """

    where: str
    name: object
    file_name: str | None = None


class Naming:
    """Finds the images of a dataset by what another tool calls them.

    A name that several images share (two folders with a `001.png`) is refused where it is used, not guessed.

    Attributes:
        notes: what a person should know about how the numbers were read.
    """

    def __init__(self, samples: Sequence[Sample], reading: str = AUTO) -> None:
        self.notes: list[str] = []
        self._reading = reading
        self._by_id = {sample.image_id: sample for sample in samples}
        self._by_name: dict[str, list[Sample]] = {}
        self._by_number: dict[int, list[Sample]] = {}
        for sample in samples:
            for name in _names(sample):
                self._by_name.setdefault(name, []).append(sample)
            number = _number(PurePosixPath(sample.path).stem)
            if number is not None:
                self._by_number.setdefault(number, []).append(sample)

    def knows(self, name: str) -> bool:
        """Whether some image has this name, id or number."""
        number = _number(name)
        return name in self._by_name or number in self._by_id or number in self._by_number

    def find_all(self, references: Iterable[Reference], exact_names: bool = False) -> list[Sample]:
        """The image of each reference, in their order.

        Args:
            references: of one file, or of the files of one folder.
            exact_names: a number that is exactly a file's name is that name, as for files that are named after images.

        Raises:
            InputError: no such image, or several; an id and a file name of different images; or a number that is the id
                of one image and stands in the name of another.
        """
        references = list(references)
        told = [self._told(one, exact_names) for one in references]
        first_places: dict[int, str] = {}
        for one, sample in zip(references, told, strict=True):
            if sample is None and (number := _number(one.name)) is not None:
                first_places.setdefault(number, one.where)
        numbers = self._read_numbers(first_places)
        return [
            numbers[_number(one.name) or 0] if sample is None else sample
            for one, sample in zip(references, told, strict=True)
        ]

    def _told(self, reference: Reference, exact_names: bool) -> Sample | None:
        """The image where it can be told from the reference alone; None for a number."""
        where, name, file_name = reference
        if file_name:
            sample = self._one(file_name, where)
            if name is not None and not self._is(sample, name):
                raise InputError(f"{where}: {self._disagreement(name, file_name, sample)}")
            return sample
        number = _number(name)
        if number is None or (isinstance(name, str) and name.strip().startswith("0") and name.strip() in self._by_name):
            return self._one(name, where)
        exact = isinstance(name, str) and name in self._by_name
        if exact and exact_names and self._reading != IDS:
            sample = self._one(name, where)
            other = self._by_id.get(number)
            if other is not None and other is not sample and not self.notes:
                self.notes.append(
                    f"{name} is read as the name of {sample.path}, not as the id of {other.path}; --ids {IDS} reads ids"
                )
            return sample
        return None

    def _read_numbers(self, wheres: dict[int, str]) -> dict[int, Sample]:
        """The image of each number, by the one reading that fits all of them."""
        reading, unknown = self._reading, [number for number in wheres if number not in self._by_id]
        unnamed = [number for number in wheres if number not in self._by_number]
        if reading == AUTO:
            reading = NAMES if unknown and not unnamed else IDS
            for number, where in wheres.items() if not unknown and not unnamed else ():
                self._require_same(number, where)
            if reading == NAMES:
                first = next(iter(wheres))
                self.notes.append(
                    f"numbers are read as those in the file names ({first} is {self._by_number[first][0].path}), "
                    f"since {unknown[0]} is no id of the dataset"
                )
        known = self._by_id if reading == IDS else self._by_number
        for number, where in wheres.items():
            if number not in known:
                what = "with the id" if reading == IDS else "with the number"
                raise InputError(f"{where}: no image {what} {str(number)[:20]} in the dataset")
        if reading == IDS:
            return {number: self._by_id[number] for number in wheres}
        return {number: self._only(self._by_number[number], str(number), where) for number, where in wheres.items()}

    def _require_same(self, number: int, where: str) -> None:
        """Refuse a number that is the id of one image and in the name of another."""
        own, named = self._by_id[number], self._by_number[number]
        if named != [own]:
            raise InputError(
                f"{where}: {number} is the id of {own.path}, and the number in the name of {named[0].path}, which is "
                f"image {named[0].image_id}; give file names, or say which is meant with --ids {IDS} or --ids {NAMES}"
            )

    def _one(self, name: object, where: str) -> Sample:
        text = str(name).strip().replace("\\", "/")
        if isinstance(name, bool) or text not in self._by_name:
            raise InputError(f"{where}: no image {text[:80]!r} in the dataset, neither as file name nor as id")
        return self._only(self._by_name[text], text, where)

    @staticmethod
    def _only(samples: list[Sample], text: str, where: str) -> Sample:
        if len(samples) > 1:
            raise InputError(f"{where}: {len(samples)} images are called {text!r}; give the path or the id")
        return samples[0]

    @staticmethod
    def _is(sample: Sample, name: object) -> bool:
        """Whether a name or number can be this image's: its id, a name of it, or the number in its name."""
        number = _number(name)
        if number is not None and number in (sample.image_id, _number(PurePosixPath(sample.path).stem)):
            return True
        return str(name).strip().replace("\\", "/") in _names(sample)

    def _disagreement(self, name: object, file_name: str, sample: Sample) -> str:
        other = self._by_id.get(_number(name) or 0)
        meant = "no image of the dataset" if other is None else f"{other.path} in the dataset"
        return (
            f"image {name} is {meant}, but the file name beside it is {file_name}, which is image {sample.image_id}; "
            "ids and file names must agree"
        )


def _names(sample: Sample) -> set[str]:
    path = PurePosixPath(sample.path)
    return {sample.path, path.with_suffix("").as_posix(), path.name, path.stem}


def _number(name: object) -> int | None:
    """The whole number that a name is, if it is one."""
    if isinstance(name, int) and not isinstance(name, bool):
        return name
    text = name.strip() if isinstance(name, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
