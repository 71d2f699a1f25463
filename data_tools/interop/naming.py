"""How other tools name images: by our id, by file name, or by file name without folder or suffix."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from data_tools.core.errors import InputError
from data_tools.core.records import Sample


class Naming:
    """Finds an image of a dataset by what another tool calls it.

    A name that several images share (two folders with a `001.png`) is refused where it is used, not guessed.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._by_id = {sample.image_id: sample for sample in samples}
        names = [(name, sample) for sample in samples for name in _names(sample)]
        self._count = Counter(name for name, _ in names)
        self._by_name = dict(names)

    def find(self, name: object, where: str) -> Sample:
        """The image called `name`; a whole number, or text that is no file name of the dataset but one, is an id.

        Raises:
            InputError: no such image, or several; the message begins with `where`.
        """
        text = str(name).strip().replace("\\", "/")
        if not isinstance(name, int) and text in self._by_name:
            if self._count[text] > 1:
                raise InputError(f"{where}: {self._count[text]} images are called {text!r}; give the path or the id")
            return self._by_name[text]
        if isinstance(name, bool) or not (isinstance(name, int) or (text.isascii() and text.isdigit())):
            raise InputError(f"{where}: no image {text!r} in the dataset, neither as file name nor as id")
        number = int(text) if len(text) < 19 else -1
        if number not in self._by_id:
            raise InputError(f"{where}: no image with the id {text[:20]} in the dataset")
        return self._by_id[number]


def _names(sample: Sample) -> set[str]:
    path = PurePosixPath(sample.path)
    return {sample.path, path.with_suffix("").as_posix(), path.name, path.stem}
