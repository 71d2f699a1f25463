"""What goes wrong in a loader's processes, or with a batch that is too small, said in words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_tools.core.errors import InputError, WorkerLostError

_CAUGHT = "Caught "  # torch puts the traceback of the loader's process into the message
_LOST = "DataLoader worker"
_ONE_VALUE = "Expected more than 1 value per channel"  # torch's batch norm in training mode
_SIGNAL_S = 0.5  # from the end of a process's connection to the signal of its death, at most


@contextmanager
def in_words(run: Path) -> Iterator[None]:
    """Around the whole work on a torch loader's batches: the death of a process interrupts it anywhere.

    Args:
        run: the run folder, for the message.

    Raises:
        InputError: an image that one of its processes could not read; the message is that process's own. Or a batch of
            one image that is a single cell of a network's map, of which batch norm learns nothing.
        MemoryError: one of its processes has none left.
        WorkerLostError: one of its processes was killed.
    """
    kept = f"fewer --fit.workers need less; the run keeps its last checkpoint: --run {run} --resume"
    try:
        try:
            yield
        except (ConnectionError, EOFError):
            time.sleep(_SIGNAL_S)  # at the signal torch raises once more, wherever this process is: here, so not later
            raise
    except InputError as error:
        text = str(error)
        if not text.startswith(_CAUGHT):
            raise
        raise InputError(text.rpartition("InputError: ")[2].strip()) from error
    except ValueError as error:
        if not str(error).startswith(_ONE_VALUE):
            raise
        raise InputError(
            "a batch of one image that is one cell of a map (32 x 32 pixels or less) says nothing of how features "
            "vary, which batch norm learns; give --fit.batch_size 2 or more, more training images, --model.batch_norm "
            "frozen, or a larger --input.size_hw"
        ) from error
    except MemoryError as error:
        if not str(error).startswith(_CAUGHT):
            raise
        raise MemoryError(f"the memory of a loader process is exhausted; {kept}") from error
    except (RuntimeError, ConnectionError, EOFError) as error:  # the latter while what it had made was fetched
        if isinstance(error, RuntimeError) and _LOST not in str(error):
            raise
        raise WorkerLostError(f"a loader process was killed, as a system short of memory does; {kept}") from error
