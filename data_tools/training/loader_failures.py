"""What goes wrong in a loader's processes, said as it would be in the main one."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from data_tools.core.errors import InputError, WorkerLostError

T = TypeVar("T")
_CAUGHT = "Caught "  # torch puts the traceback of the loader's process into the message
_LOST = "DataLoader worker"


def in_words(batches: Iterable[T], run: Path) -> Iterator[T]:
    """The batches of a torch loader.

    Args:
        batches: the loader.
        run: the run folder, for the message.

    Raises:
        InputError: an image that one of its processes could not read; the message is that process's own.
        MemoryError: one of its processes has none left.
        WorkerLostError: one of its processes was killed.
    """
    kept = f"; the run keeps its last checkpoint: --run {run} --resume"
    try:
        yield from batches
    except InputError as error:
        text = str(error)
        raise InputError(text.rpartition("InputError: ")[2].strip() if text.startswith(_CAUGHT) else text) from error
    except MemoryError as error:
        raise MemoryError(f"the memory is exhausted; fewer --fit.workers need less{kept}") from error
    except RuntimeError as error:
        if _LOST not in str(error):
            raise
        raise WorkerLostError(
            f"a loader process was killed, as a system short of memory does; fewer --fit.workers need less{kept}"
        ) from error
